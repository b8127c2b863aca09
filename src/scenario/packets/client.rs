//! The near end of a scenario: a real connection, datagram or packet, and what comes back.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::lab::inside;
use crate::scenario::established::Established;
use crate::wire::checksum;
use crate::wire::protocol::{AH, ICMP, ICMPV6, TCP, UDP};

/// Pause between looks at whether something came back.
const TICK: Duration = Duration::from_millis(10);
/// Looks before a datagram or packet is sent again.
const LOOKS_PER_PACKET: u32 = 60;
/// What is asked for: a listener that speaks HTTP answers it, others do not mind.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: causeway\r\nConnection: close\r\n\r\n";
/// Most that is read of an answer, in bytes.
const ANSWER: usize = 64 * 1024;

/// What to send.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    /// Namespace of the sender.
    pub(super) namespace: String,
    /// IP protocol.
    pub(super) protocol: u8,
    /// Source; the port is the echo identifier of ICMP.
    pub(super) source: SocketAddr,
    /// Destination.
    pub(super) destination: SocketAddr,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An answer, and the address that it says it saw.
    Answered(Option<IpAddr>),
    /// A reset, or an ICMP error.
    Refused,
    /// Nothing in time.
    Silent,
}

/// The sender's socket, for as long as the flow is to live.
#[derive(Debug)]
pub(super) struct Client {
    socket: Socket,
    packet: Packet,
    sequence: u16,
}

impl Client {
    /// Opens a socket with the packet's source inside the sender's namespace.
    pub(super) fn open(packet: Packet) -> io::Result<Self> {
        let domain = Domain::for_address(packet.destination);
        let (kind, protocol) = match packet.protocol {
            TCP => (Type::STREAM, Protocol::TCP),
            UDP => (Type::DGRAM, Protocol::UDP),
            other => (Type::RAW, Protocol::from(i32::from(other))),
        };
        let socket = inside(&packet.namespace, || {
            let socket = Socket::new(domain, kind, Some(protocol))?;
            socket.set_reuse_address(true)?;
            let port = if kind == Type::RAW { 0 } else { packet.source.port() };
            socket.bind(&SockAddr::from(SocketAddr::new(packet.source.ip(), port)))?;
            if kind == Type::STREAM {
                // Its end is a reset: no flow outlives its scenario.
                socket.set_linger(Some(Duration::ZERO))?;
            }
            socket.set_nonblocking(true)?;
            Ok(socket)
        })?;
        Ok(Self { socket, packet, sequence: 0 })
    }

    /// Sends the first packet and waits for what comes back, for as long as `waiting` says.
    pub(super) fn send(&mut self, waiting: impl FnMut() -> bool) -> io::Result<Outcome> {
        match self.packet.protocol {
            TCP => self.connect(waiting),
            _ => {
                // Connected: errors that come back are told, and strangers' packets are not.
                let port = if self.packet.protocol == UDP { self.packet.destination.port() } else { 0 };
                self.socket.connect(&SockAddr::from(SocketAddr::new(self.packet.destination.ip(), port)))?;
                self.exchange(waiting)
            }
        }
    }

    fn connect(&mut self, mut waiting: impl FnMut() -> bool) -> io::Result<Outcome> {
        match self.socket.connect(&SockAddr::from(self.packet.destination)) {
            Err(error) if !is_pending(&error) => return refused(error),
            _ => {}
        }
        while self.socket.peer_addr().is_err() {
            if let Some(error) = self.socket.take_error()? {
                return refused(error);
            }
            if !waiting() {
                return Ok(Outcome::Silent);
            }
            thread::sleep(TICK);
        }
        match (&self.socket).write_all(REQUEST) {
            Ok(()) => self.read_line(waiting),
            Err(error) => refused(error),
        }
    }

    /// Reads until the far end has said whom it sees, or has said everything.
    fn read_line(&mut self, mut waiting: impl FnMut() -> bool) -> io::Result<Outcome> {
        let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
        while heard.len() < ANSWER {
            match (&self.socket).read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => {
                    heard.extend_from_slice(buffer.get(..length).unwrap_or_default());
                    if let Some(seen) = seen_from(&heard) {
                        return Ok(Outcome::Answered(Some(seen)));
                    }
                }
                Err(error) if is_pending(&error) && waiting() => thread::sleep(TICK),
                // Connected, and then nothing: somebody is there, who does not say whom they see.
                Err(error) if is_pending(&error) => break,
                Err(error) if heard.is_empty() => return refused(error),
                Err(_) => break,
            }
        }
        Ok(Outcome::Answered(None))
    }

    /// Sends a datagram or packet, a few times where need be, and waits for an answer.
    fn exchange(&mut self, mut waiting: impl FnMut() -> bool) -> io::Result<Outcome> {
        let (mut buffer, mut looks) = (vec![0; ANSWER], 0u32);
        self.sequence = self.sequence.wrapping_add(1);
        loop {
            if looks.is_multiple_of(LOOKS_PER_PACKET)
                && let Err(error) = self.socket.send(&self.payload())
                && !is_pending(&error)
            {
                return refused(error);
            }
            looks = looks.saturating_add(1);
            match (&self.socket).read(&mut buffer) {
                Ok(length) => {
                    if let Some(outcome) = self.understand(buffer.get(..length).unwrap_or_default()) {
                        return Ok(outcome);
                    }
                }
                Err(error) if !is_pending(&error) => return refused(error),
                Err(_) if !waiting() => return Ok(Outcome::Silent),
                Err(_) => thread::sleep(TICK),
            }
        }
    }

    fn payload(&self) -> Vec<u8> {
        let [high, low] = self.sequence.to_be_bytes();
        match self.packet.protocol {
            UDP => format!("causeway {}\n", self.sequence).into_bytes(),
            ICMP => self.echo(8),
            ICMPV6 => self.echo(128),
            // SPI and sequence number, which ESP begins with; AH has them behind its own header.
            AH => [&[59, 4, 0, 0, 0, 0, 1, 0, 0, 0, high, low][..], &[0; 12]].concat(),
            _ => [&[0, 0, 1, 0, 0, 0, high, low][..], &[0; 24]].concat(),
        }
    }

    /// An echo request; of ICMPv6 the kernel works out the checksum.
    fn echo(&self, kind: u8) -> Vec<u8> {
        let mut message = vec![kind, 0, 0, 0];
        message.extend(self.packet.source.port().to_be_bytes());
        message.extend(self.sequence.to_be_bytes());
        message.extend(b"causeway");
        let sum = (!checksum::sum(&message)).to_be_bytes();
        for (byte, value) in message.iter_mut().skip(2).zip(sum) {
            *byte = value;
        }
        message
    }

    /// What a packet that came back says; `None` for one that is not about this exchange.
    fn understand(&self, packet: &[u8]) -> Option<Outcome> {
        let message = match self.packet.protocol {
            UDP => return Some(Outcome::Answered(seen_from(packet))),
            ICMP => packet.get(usize::from(packet.first()? & 15) * 4..)?,
            ICMPV6 => packet,
            // Nobody answers the others; what comes is for somebody else.
            _ => return None,
        };
        let reply = if self.packet.protocol == ICMP { 0 } else { 129 };
        let own = message.first() == Some(&reply) && message.get(4..6) == Some(&self.packet.source.port().to_be_bytes());
        own.then_some(Outcome::Answered(None))
    }

    /// Says something in an open connection; what becomes of it.
    pub(super) fn say(&mut self, waiting: impl FnMut() -> bool) -> Established {
        let said = match self.packet.protocol {
            TCP => self.echoed(waiting),
            _ => self.exchange(waiting),
        };
        match said {
            Ok(Outcome::Answered(_)) => Established::Allow,
            Ok(Outcome::Silent) => Established::Deny,
            Ok(Outcome::Refused) if self.packet.protocol == TCP => Established::Reset,
            Ok(Outcome::Refused) | Err(_) => Established::Deny,
        }
    }

    /// Sends a word and waits for it to come back; what else comes belongs to earlier ones.
    fn echoed(&mut self, mut waiting: impl FnMut() -> bool) -> io::Result<Outcome> {
        self.sequence = self.sequence.wrapping_add(1);
        let word = format!("word-{}\n", self.sequence);
        if let Err(error) = (&self.socket).write_all(word.as_bytes()) {
            return refused(error);
        }
        let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
        while heard.len() < ANSWER {
            match (&self.socket).read(&mut buffer) {
                Ok(0) => return Ok(Outcome::Refused),
                Ok(length) => heard.extend_from_slice(buffer.get(..length).unwrap_or_default()),
                Err(error) if is_pending(&error) && waiting() => thread::sleep(TICK),
                Err(error) if is_pending(&error) => return Ok(Outcome::Silent),
                Err(error) => return refused(error),
            }
            if heard.windows(word.len()).any(|part| part == word.as_bytes()) {
                return Ok(Outcome::Answered(None));
            }
        }
        Ok(Outcome::Silent)
    }
}

fn is_pending(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) || error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// Resets and ICMP errors are answers; anything else is a fault of this machine.
fn refused(error: io::Error) -> io::Result<Outcome> {
    match error.kind() {
        ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable => Ok(Outcome::Refused),
        ErrorKind::TimedOut => Ok(Outcome::Silent),
        _ if matches!(error.raw_os_error(), Some(libc::EPROTO | libc::EACCES | libc::ENOPROTOOPT)) => Ok(Outcome::Refused),
        _ => Err(error),
    }
}

/// The address in the line `seen-from ADDRESS PORT`, once the line is complete.
fn seen_from(heard: &[u8]) -> Option<IpAddr> {
    let text = String::from_utf8_lossy(heard);
    let (_, rest) = text.split_once("seen-from ")?;
    let (line, _) = rest.split_once('\n')?;
    line.split(' ').next()?.parse().ok()
}
