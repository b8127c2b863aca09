//! The generator: UDP datagrams of 18 bytes, which are Ethernet frames of 60 (64 with the checksum that a wire has).
//!
//! With `--segments N` a call hands the kernel N datagrams of one flow as one super-frame (`UDP_SEGMENT`, udp(7)); whether they leave
//! as such or one by one is the interface's `tx-udp-segmentation`. This costs the sender the least. Without it a call hands over
//! [`BATCH`] finished frames, each of another flow, on a packet socket (packet(7)): no route is looked up for them, so that the device
//! and not the generator is the limit.

use std::io::IoSlice;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use etherparse::PacketBuilder;
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, MultiHeaders, SockFlag, SockType, bind, send, sendmmsg, setsockopt, socket, sockopt,
};
use serde::Serialize;

use crate::addresses;
use crate::stop::Stop;

/// Bytes of a datagram, and of its frame.
const PAYLOAD: usize = 18;
const FRAME: usize = 60;
/// Frames in a call.
const BATCH: usize = 64;
const SEND_BUFFER: usize = 8 << 20;
/// A generator that was held up by more than this does not make up for it: a burst would overrun queues that the rate does not.
const MOST_DEBT: Duration = Duration::from_micros(200);
/// What a sleep may take longer than it was asked for; less than this is waited for by watching the clock.
const SLEEP_SLACK: Duration = Duration::from_micros(100);
const FIRST_SOURCE_PORT: u16 = 20_000;
const TIME_TO_LIVE: u8 = 64;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Flows
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
    flows: u32,

    /// Datagrams of one flow in a call
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    segments: u16,

    /// Seconds
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,

    /// Datagrams a second; as many as can be if not given
    #[arg(long)]
    rate: Option<f64>,

    /// First destination port
    #[arg(long, default_value_t = 9000)]
    port: u16,

    /// Where frames leave
    #[arg(long, default_value = "c0")]
    interface: String,

    /// The link-layer address that frames go to
    #[arg(long, value_parser = link_address, default_value = "12:34:56:78:9a:bc")]
    gateway: [u8; 6],
}

fn link_address(text: &str) -> Result<[u8; 6]> {
    let bytes = text.split(':').map(|byte| u8::from_str_radix(byte, 16)).collect::<Result<Vec<_>, _>>()?;
    bytes.try_into().ok().context("expected six bytes, as in 02:00:00:00:00:01")
}

/// What was sent.
#[derive(Debug, Serialize)]
pub(crate) struct Sent {
    /// Datagrams that the kernel took.
    sent: u64,
    /// Calls that it refused, its queue being full.
    refused: u64,
    /// How long it took.
    seconds: f64,
}

pub(crate) fn run(options: &Options) -> Result<Sent> {
    let stop = Stop::on_signals()?;
    let mut generator = Generator::new(options)?;
    let (mut sent, mut refused) = (0, 0);
    let begin = Instant::now();
    let end = begin + Duration::try_from_secs_f64(options.seconds)?;
    let mut pace = Pace { rate: options.rate, due: begin };
    while Instant::now() < end && !stop.is_set() {
        match generator.send() {
            Ok(datagrams) => {
                sent += datagrams;
                pace.wait(datagrams);
            }
            Err(Errno::EAGAIN | Errno::ENOBUFS) => refused += 1,
            Err(error) => return Err(error).context("sending"),
        }
    }
    Ok(Sent { sent, refused, seconds: begin.elapsed().as_secs_f64() })
}

/// Holds the generator to a rate.
struct Pace {
    rate: Option<f64>,
    due: Instant,
}

impl Pace {
    fn wait(&mut self, datagrams: u64) {
        let Some(rate) = self.rate else { return };
        self.due += Duration::from_secs_f64(datagrams as f64 / rate);
        let early = self.due.saturating_duration_since(Instant::now());
        if early > SLEEP_SLACK {
            thread::sleep(early - SLEEP_SLACK);
        }
        while Instant::now() < self.due {
            std::hint::spin_loop();
        }
        if self.due.elapsed() > MOST_DEBT {
            self.due = Instant::now();
        }
    }
}

enum Generator {
    /// A socket for each flow, several datagrams a call.
    Segments { sockets: Vec<UdpSocket>, next: usize, payload: Vec<u8> },
    /// A frame for each flow, one behind the other, and the first of the next call.
    Frames { socket: OwnedFd, frames: Vec<u8>, next: usize, headers: MultiHeaders<LinkAddr> },
}

impl Generator {
    fn new(options: &Options) -> Result<Self> {
        if options.segments == 1 {
            return Self::frames(options);
        }
        let sockets = (0..options.flows as usize).map(|index| segmenting(index, options.port)).collect::<Result<_>>()?;
        Ok(Self::Segments { sockets, next: 0, payload: vec![0; PAYLOAD * usize::from(options.segments)] })
    }

    fn frames(options: &Options) -> Result<Self> {
        let (socket, own) = packet_socket(&options.interface)?;
        let flows = options.flows as usize;
        // Whole calls: few flows are repeated, and the last ones of many are left out where they fill no call.
        let count = if flows < BATCH { BATCH } else { flows - flows % BATCH };
        let mut frames = Vec::with_capacity(count * FRAME);
        for index in 0..count {
            write_frame(&mut frames, index % flows, own, options)?;
        }
        Ok(Self::Frames { socket, frames, next: 0, headers: MultiHeaders::preallocate(BATCH, None) })
    }

    /// One call; the datagrams that the kernel took.
    fn send(&mut self) -> nix::Result<u64> {
        match self {
            Self::Segments { sockets, next, payload } => {
                *next = (*next + 1) % sockets.len();
                let Some(socket) = sockets.get(*next) else { return Ok(0) };
                Ok((send(socket.as_raw_fd(), payload, MsgFlags::MSG_DONTWAIT)? / PAYLOAD) as u64)
            }
            Self::Frames { socket, frames, next, headers } => {
                let batch = frames.get(*next..*next + BATCH * FRAME).unwrap_or_default();
                *next = if *next + 2 * BATCH * FRAME > frames.len() { 0 } else { *next + BATCH * FRAME };
                let slices: Vec<[IoSlice<'_>; 1]> = batch.chunks_exact(FRAME).map(|frame| [IoSlice::new(frame)]).collect();
                let sent = sendmmsg(socket.as_raw_fd(), headers, &slices, [None; BATCH], [], MsgFlags::MSG_DONTWAIT)?;
                Ok(sent.count() as u64)
            }
        }
    }
}

fn segmenting(index: usize, port: u16) -> Result<UdpSocket> {
    let source = addresses::source(index, FIRST_SOURCE_PORT);
    let socket = UdpSocket::bind(source).with_context(|| source.to_string())?;
    setsockopt(&socket, sockopt::SndBufForce, &SEND_BUFFER).context("SO_SNDBUFFORCE")?;
    setsockopt(&socket, sockopt::UdpGsoSegment, &i32::try_from(PAYLOAD)?).context("UDP_SEGMENT")?;
    socket.connect(addresses::destination(index, port))?;
    Ok(socket)
}

/// A socket that sends on the interface and receives nothing, and the interface's link-layer address.
fn packet_socket(interface: &str) -> Result<(OwnedFd, [u8; 6])> {
    let mut links = getifaddrs()?.filter(|entry| entry.interface_name == interface);
    let Some(link) = links.find_map(|entry| entry.address?.as_link_addr().copied()) else { bail!("there is no interface {interface}") };
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None).context("packet socket")?;
    bind(socket.as_raw_fd(), &link).with_context(|| interface.to_owned())?;
    setsockopt(&socket, sockopt::SndBufForce, &SEND_BUFFER).context("SO_SNDBUFFORCE")?;
    Ok((socket, link.addr().context("an interface without address")?))
}

/// Sources change fastest, so that frames that follow each other are from different subnets.
fn write_frame(frames: &mut Vec<u8>, flow: usize, own: [u8; 6], options: &Options) -> Result<()> {
    let (source, destination) = (addresses::source(flow, FIRST_SOURCE_PORT), addresses::destination(flow, options.port));
    let (SocketAddr::V4(source), SocketAddr::V4(destination)) = (source, destination) else { bail!("only IPv4") };
    let builder = PacketBuilder::ethernet2(own, options.gateway)
        .ipv4(source.ip().octets(), destination.ip().octets(), TIME_TO_LIVE)
        .udp(source.port(), destination.port());
    Ok(builder.write(frames, &[0; PAYLOAD])?)
}
