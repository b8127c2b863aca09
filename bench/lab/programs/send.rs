//! The generator: UDP datagrams of 18 bytes, which are Ethernet frames of 60 (64 with the checksum that a wire has).
//!
//! With `--segments N` a call hands the kernel N datagrams of one flow as one super-frame (`UDP_SEGMENT`, udp(7)); whether they leave
//! as such or one by one is the interface's `tx-udp-segmentation`. This costs the sender the least, so that the device and not the
//! generator is the limit. Without it, a call hands over [`BATCH`] datagrams, each of another flow.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, send, sendmmsg, setsockopt, sockopt};
use serde::Serialize;

use crate::addresses;
use crate::stop::Stop;

/// Bytes of a datagram.
const PAYLOAD: usize = 18;
/// Datagrams in a call, where each is of another flow: as many as the server has addresses and ports.
const BATCH: usize = addresses::SERVERS * addresses::PORTS as usize;
const SEND_BUFFER: usize = 8 << 20;
/// A generator that was held up by more than this does not make up for it: a burst would overrun queues that the rate does not.
const MOST_DEBT: Duration = Duration::from_micros(200);
const FIRST_SOURCE_PORT: u16 = 20_000;

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
    let mut senders = senders(options)?;
    let (mut sent, mut refused) = (0_u64, 0);
    let mut pace = Pace::new(options.rate);
    let begin = Instant::now();
    let end = begin + Duration::try_from_secs_f64(options.seconds)?;
    'sending: loop {
        for sender in &mut senders {
            if Instant::now() >= end || stop.is_set() {
                break 'sending;
            }
            match sender.send() {
                Ok(datagrams) => {
                    sent += datagrams;
                    pace.wait(datagrams);
                }
                Err(Errno::EAGAIN | Errno::ENOBUFS) => refused += 1,
                Err(error) => return Err(error).context("sending"),
            }
        }
    }
    Ok(Sent { sent, refused, seconds: begin.elapsed().as_secs_f64() })
}

/// Holds the generator to a rate by watching the clock: sleeping would be too coarse.
struct Pace {
    rate: Option<f64>,
    due: Instant,
}

impl Pace {
    fn new(rate: Option<f64>) -> Self {
        Self { rate, due: Instant::now() }
    }

    fn wait(&mut self, datagrams: u64) {
        let Some(rate) = self.rate else { return };
        self.due += Duration::from_secs_f64(datagrams as f64 / rate);
        while Instant::now() < self.due {
            std::hint::spin_loop();
        }
        if self.due.elapsed() > MOST_DEBT {
            self.due = Instant::now();
        }
    }
}

/// One socket, and what a call of it sends.
enum Sender {
    /// Datagrams of one flow.
    Segments { socket: UdpSocket, payload: Vec<u8> },
    /// Datagrams of as many flows as there are destinations.
    Each { socket: UdpSocket, destinations: Vec<Option<SockaddrIn>>, headers: MultiHeaders<SockaddrIn> },
}

fn senders(options: &Options) -> Result<Vec<Sender>> {
    let flows = options.flows as usize;
    if options.segments > 1 {
        return (0..flows).map(|index| segments(index, options)).collect();
    }
    (0..flows.div_ceil(BATCH)).map(|index| each(index, flows.min(BATCH), options)).collect()
}

fn segments(index: usize, options: &Options) -> Result<Sender> {
    let socket = bound(index)?;
    setsockopt(&socket, sockopt::UdpGsoSegment, &i32::try_from(PAYLOAD)?).context("UDP_SEGMENT")?;
    socket.connect(addresses::destination(index, options.port))?;
    Ok(Sender::Segments { socket, payload: vec![0; PAYLOAD * usize::from(options.segments)] })
}

fn each(index: usize, flows: usize, options: &Options) -> Result<Sender> {
    let destinations = (0..BATCH).filter_map(|place| match addresses::destination(place % flows, options.port) {
        SocketAddr::V4(address) => Some(Some(SockaddrIn::from(address))),
        SocketAddr::V6(_) => None,
    });
    Ok(Sender::Each { socket: bound(index)?, destinations: destinations.collect(), headers: MultiHeaders::preallocate(BATCH, None) })
}

fn bound(index: usize) -> Result<UdpSocket> {
    let source = addresses::source(index, FIRST_SOURCE_PORT);
    let socket = UdpSocket::bind(source).with_context(|| source.to_string())?;
    setsockopt(&socket, sockopt::SndBufForce, &SEND_BUFFER).context("SO_SNDBUFFORCE")?;
    Ok(socket)
}

impl Sender {
    /// Datagrams that the kernel took.
    fn send(&mut self) -> nix::Result<u64> {
        match self {
            Self::Segments { socket, payload } => Ok((send(socket.as_raw_fd(), payload, MsgFlags::MSG_DONTWAIT)? / PAYLOAD) as u64),
            Self::Each { socket, destinations, headers } => {
                let payload = [std::io::IoSlice::new(&[0; PAYLOAD])];
                let payloads = std::iter::repeat_n(&payload, destinations.len());
                let results = sendmmsg(socket.as_raw_fd(), headers, payloads, &*destinations, [], MsgFlags::MSG_DONTWAIT)?;
                Ok(results.count() as u64)
            }
        }
    }
}
