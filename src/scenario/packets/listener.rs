//! The far end of a scenario: says to whoever comes from where they are seen to come, and then whatever they say.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::socket::{SockaddrStorage, recvfrom};
use socket2::{Domain, Protocol, Socket, Type};

use crate::lab::inside;
use crate::wire::protocol::{TCP, UDP};

/// Pause between looks at whether to stop.
const TICK: Duration = Duration::from_millis(20);
/// Most connections at once; a scenario makes a few.
const CONNECTIONS: usize = 64;
/// Largest packet.
const PACKET: usize = 65_535;

/// Listens until it is dropped.
#[derive(Debug)]
pub(super) struct Listener {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    seen: Mutex<Vec<IpAddr>>,
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn saw(&self, peer: IpAddr) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(peer.to_canonical());
    }
}

impl Listener {
    /// Opens the port in the namespace. `None` where a listener has it already: the host's own.
    pub(super) fn open(namespace: &str, protocol: u8, port: u16, ipv6: bool) -> io::Result<Option<Self>> {
        let shared = Arc::new(Shared::default());
        let known = Arc::clone(&shared);
        let started = match protocol {
            TCP => {
                inside(namespace, || TcpListener::bind(&any(port)[..])).and_then(|listener| start(move || serve_streams(&listener, &known)))
            }
            UDP => inside(namespace, || UdpSocket::bind(&any(port)[..])).and_then(|socket| start(move || serve_datagrams(&socket, &known))),
            other => inside(namespace, || raw(other, ipv6)).and_then(|socket| start(move || watch(&socket, &known))),
        };
        match started {
            Ok(thread) => Ok(Some(Self { shared, thread: Some(thread) })),
            Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Who was seen to come last.
    pub(super) fn last_seen(&self) -> Option<IpAddr> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).last().copied()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What went wrong in it shows in what was not answered.
            let _ = thread.join();
        }
    }
}

fn start(serve: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().spawn(serve)
}

/// Both families through one socket, or IPv4 alone where the kernel has no IPv6.
fn any(port: u16) -> [SocketAddr; 2] {
    [(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()]
}

fn raw(protocol: u8, ipv6: bool) -> io::Result<Socket> {
    let domain = if ipv6 { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(i32::from(protocol))))?;
    socket.set_read_timeout(Some(TICK))?;
    Ok(socket)
}

fn serve_streams(listener: &TcpListener, shared: &Arc<Shared>) {
    if listener.set_nonblocking(true).is_err() {
        return;
    }
    let mut open: Vec<JoinHandle<()>> = Vec::new();
    while !shared.stopped() {
        open.retain(|connection| !connection.is_finished());
        match listener.accept() {
            Ok((stream, peer)) if open.len() < CONNECTIONS => {
                shared.saw(peer.ip());
                let known = Arc::clone(shared);
                open.extend(start(move || converse(stream, peer, &known)));
            }
            Ok(_) => {}
            Err(_) => thread::sleep(TICK),
        }
    }
    open.into_iter().for_each(|connection| drop(connection.join()));
}

fn seen_from(peer: SocketAddr) -> String {
    format!("seen-from {} {}\n", peer.ip().to_canonical(), peer.port())
}

/// Says from where it was reached, and then everything that it hears.
fn converse(mut stream: TcpStream, peer: SocketAddr, shared: &Shared) {
    let ready = stream.set_nonblocking(false).and_then(|()| stream.set_read_timeout(Some(TICK)));
    if ready.and_then(|()| stream.write_all(seen_from(peer).as_bytes())).is_err() {
        return;
    }
    let mut buffer = [0; 4096];
    while !shared.stopped() {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                if stream.write_all(buffer.get(..length).unwrap_or_default()).is_err() {
                    return;
                }
            }
            Err(error) if is_tick(&error) => {}
            Err(_) => return,
        }
    }
}

fn is_tick(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn serve_datagrams(socket: &UdpSocket, shared: &Shared) {
    if socket.set_read_timeout(Some(TICK)).is_err() {
        return;
    }
    let mut buffer = vec![0; PACKET];
    while !shared.stopped() {
        if let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            shared.saw(peer.ip());
            let heard = buffer.get(..length).unwrap_or_default();
            // Both in one datagram: who asks again is told again.
            let _ = socket.send_to(&[seen_from(peer).as_bytes(), heard].concat(), peer);
        }
    }
}

/// Keeps who sends packets of a protocol without ports; the kernel answers echo requests itself.
fn watch(socket: &Socket, shared: &Shared) {
    let mut buffer = vec![0; PACKET];
    while !shared.stopped() {
        let Ok((length, Some(peer))) = recvfrom::<SockaddrStorage>(socket.as_raw_fd(), &mut buffer) else { continue };
        let packet = buffer.get(..length).unwrap_or_default();
        let address =
            peer.as_sockaddr_in().map(|peer| IpAddr::V4(peer.ip())).or_else(|| peer.as_sockaddr_in6().map(|peer| peer.ip().into()));
        if let Some(address) = address.filter(|_| !is_other_icmp(socket, packet)) {
            shared.saw(address);
        }
    }
}

/// ICMP that is no echo request: replies, errors, neighbour discovery.
fn is_other_icmp(socket: &Socket, packet: &[u8]) -> bool {
    match socket.protocol() {
        Ok(Some(Protocol::ICMPV6)) => packet.first() != Some(&128),
        Ok(Some(Protocol::ICMPV4)) => {
            let header = usize::from(packet.first().copied().unwrap_or(0) & 15) * 4;
            packet.get(header) != Some(&8)
        }
        _ => false,
    }
}
