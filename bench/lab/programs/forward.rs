//! The bare copy: a read and a write for each frame between two TAPs, and nothing else.
//!
//! The TAPs are opened by causeway's own port, so that both have the same flags and offloads, and super-frames cross whole. What is
//! read is written as it is, virtio-net header included: no parse, no lookup, no counter. That is as fast as a TAP can be served
//! one frame a call from one thread.

use std::os::fd::{AsFd, BorrowedFd};

use anyhow::Result;
use causeway::port::tap::{TapOptions, TapPort};
use causeway::port::{DEFAULT_MTU, Port as _, PortState};
use nix::errno::Errno;
use nix::poll::PollTimeout;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::unistd::{read, write};

use crate::stop::Stop;

/// A frame of 64 KiB with its headers.
const LARGEST: usize = 65_536 + 256;
/// Frames from one TAP before the other is looked at.
const BATCH: usize = 64;
/// Milliseconds of sleep after which the signal flag is looked at.
const PATIENCE: u16 = 200;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The TAPs, made in the caller's network namespace
    #[arg(num_args = 2, required = true, value_name = "TAP")]
    taps: Vec<String>,

    /// Never sleep
    #[arg(long)]
    busy_poll: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let stop = Stop::on_signals()?;
    let open = |name: &String| TapPort::open_queues(name, TapOptions::default(), &PortState::new(DEFAULT_MTU));
    let ports = options.taps.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let ports: Vec<_> = ports.into_iter().flatten().collect();
    let [Some(one), Some(other)] = [0, 1].map(|index| ports.get(index).and_then(|port| port.poll_fd())) else { return Ok(()) };
    let sleep = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    if !options.busy_poll {
        for port in [one, other] {
            sleep.add(port, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        }
    }
    println!("ready");
    let mut buffer = vec![0; LARGEST];
    let mut events = [EpollEvent::empty(); 2];
    while !stop.is_set() {
        let moved = copy(one, other, &mut buffer) + copy(other, one, &mut buffer);
        if moved == 0 && !options.busy_poll {
            match sleep.wait(&mut events, PollTimeout::from(PATIENCE)) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Moves what waits, up to a batch. A frame that the other side does not take is lost, as a switch would lose it.
fn copy(from: impl AsFd, to: BorrowedFd<'_>, buffer: &mut [u8]) -> usize {
    for moved in 0..BATCH {
        match read(&from, buffer) {
            Ok(length) => drop(write(to, buffer.get(..length).unwrap_or_default())),
            Err(_) => return moved,
        }
    }
    BATCH
}
