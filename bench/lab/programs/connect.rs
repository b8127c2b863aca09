//! TCP connections opened and closed: the server closes as soon as it has accepted, the client when it has seen that. Seven segments.
//!
//! Sources and destinations change from one connection to the next, so that no pair of addresses runs out of ports.

use std::io::{ErrorKind, Read as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::errno::Errno;
use nix::poll::PollTimeout;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{setsockopt, sockopt};
use serde::Serialize;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::addresses;
use crate::stop::Stop;

const BACKLOG: i32 = 4096;
/// Milliseconds of sleep after which the clock and the signal flag are looked at.
const PATIENCE: u16 = 100;
const EVENTS: usize = 256;

#[derive(Debug, clap::Args)]
pub(crate) struct AcceptOptions {
    /// The first port; each of the server's addresses has several
    #[arg(long, default_value_t = 8000)]
    port: u16,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Seconds
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,

    /// Connections at a time
    #[arg(long, default_value_t = 64)]
    at_once: u16,

    /// The first port of `accept`
    #[arg(long, default_value_t = 8000)]
    port: u16,
}

/// How it went.
#[derive(Debug, Serialize)]
pub(crate) struct Connected {
    /// Connections that were opened and closed.
    connects: u64,
    /// Connections that ended otherwise.
    failed: u64,
    /// How long it took.
    seconds: f64,
}

pub(crate) fn accept(options: &AcceptOptions) -> Result<()> {
    let stop = Stop::on_signals()?;
    let ready = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut listeners = Vec::new();
    for address in addresses::destinations(options.port) {
        let listener = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
        listener.set_reuse_address(true)?;
        listener.bind(&SockAddr::from(address)).with_context(|| address.to_string())?;
        listener.listen(BACKLOG)?;
        ready.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, listeners.len() as u64))?;
        listeners.push(listener);
    }
    println!("ready");
    while !stop.is_set() {
        for index in waiting(&ready)? {
            let Some(listener) = listeners.get(index) else { continue };
            // What is accepted is dropped, and so closed.
            while listener.accept_raw().is_ok() {}
        }
    }
    Ok(())
}

pub(crate) fn run(options: &Options) -> Result<Connected> {
    let stop = Stop::on_signals()?;
    let begin = Instant::now();
    let end = begin + Duration::try_from_secs_f64(options.seconds)?;
    let mut client = Client { ready: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?, open: Vec::new(), begun: 0, port: options.port };
    let (mut connects, mut failed) = (0, 0);
    for slot in 0..usize::from(options.at_once) {
        let socket = client.connect(slot)?;
        client.open.push(socket);
    }
    while Instant::now() < end && !stop.is_set() {
        for slot in waiting(&client.ready)? {
            match client.is_closed(slot) {
                None => continue,
                Some(true) => connects += 1,
                Some(false) => failed += 1,
            }
            let next = client.connect(slot)?;
            if let Some(place) = client.open.get_mut(slot) {
                *place = next;
            }
        }
    }
    Ok(Connected { connects, failed, seconds: begin.elapsed().as_secs_f64() })
}

struct Client {
    ready: Epoll,
    open: Vec<Socket>,
    begun: usize,
    port: u16,
}

impl Client {
    /// Begins a connection from the next source to the next destination.
    fn connect(&mut self, slot: usize) -> Result<Socket> {
        let (source, destination) = (addresses::source(self.begun % 1_000, 0), addresses::destination(self.begun / 7, self.port));
        self.begun += 1;
        let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
        // The port is chosen when the destination is known: the same one serves towards many.
        setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
        socket.bind(&SockAddr::from(source))?;
        match socket.connect(&SockAddr::from(destination)) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error).context("connecting"),
            _ => {}
        }
        self.ready.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP, slot as u64))?;
        Ok(socket)
    }

    /// Whether the server has closed the connection; `Some(false)`: it ended otherwise; `None`: not yet.
    fn is_closed(&self, slot: usize) -> Option<bool> {
        let mut socket = self.open.get(slot)?;
        match socket.read(&mut [0]) {
            Ok(0) => Some(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            _ => Some(false),
        }
    }
}

/// Numbers of what has something to say, after a while none.
fn waiting(ready: &Epoll) -> Result<Vec<usize>> {
    let mut events = [EpollEvent::empty(); EVENTS];
    let count = match ready.wait(&mut events, PollTimeout::from(PATIENCE)) {
        Ok(count) => count,
        Err(Errno::EINTR) => 0,
        Err(error) => return Err(error.into()),
    };
    Ok(events.iter().take(count).filter_map(|event| usize::try_from(event.data()).ok()).collect())
}
