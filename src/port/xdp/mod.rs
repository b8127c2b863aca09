//! An interface that exists already, as a port through `AF_XDP` sockets (kernel documentation, `networking/af_xdp.rst`).
//!
//! | file | what it is |
//! |---|---|
//! | `port` | the port: queues of an interface, polled in turns |
//! | `queue` | one queue: frames out of its rings and into them |
//! | `super_frames` | the way out for super-frames |
//! | `partial_checksum` | checksums that a virtual interface left unfinished |
//! | `attachment` | the program on the interface, promiscuous mode, what the monitor asks |
//! | `program` | the XDP program, an instruction a line |
//! | `bpf` | the bpf(2) calls |
//! | `socket` | the socket: set-up, waking the kernel, statistics |
//! | `ring` | the rings that it shares with the kernel |
//! | `memory` | the memory that it shares with the kernel |
//! | `unavailable` | why it cannot be had |
//!
//! A frame costs no system call here, a burst one (for sending). On a veth, as on any driver without zero-copy, the kernel
//! copies each frame into our area and out of it, and we copy once more into the pipeline's buffers: of 64 bytes nobody
//! notices. Where a driver has zero-copy the kernel uses it by itself; the tests know veths only, and never saw that.
//!
//! What the far end of a veth does by itself when a program is attached here: its segmentation offload is switched off, so
//! no super-frames come. Its checksum offload stays on: see `partial_checksum`. A veth's VLAN tags travel beside the frame,
//! where XDP does not see them: see `ethtool`.

mod attachment;
mod bpf;
mod memory;
mod partial_checksum;
mod port;
mod program;
mod queue;
mod ring;
mod socket;
mod super_frames;
mod unavailable;

pub(super) use attachment::Attachment;
pub use port::XdpPort;
pub(super) use unavailable::LARGEST_PACKET;
pub use unavailable::{Step, Unavailable};
