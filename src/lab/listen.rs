//! The listeners inside a host: they tell whoever comes from which address and port they see them come.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::config::network::Serve;

/// What the listener process says once every port is open.
pub const READY: &str = "ready";
/// How long a client may take to send its request: the contract's 30 s and some.
const REQUEST: Duration = Duration::from_secs(60);
/// How long a client that was answered has to close, before it is closed.
const FAREWELL: Duration = Duration::from_secs(5);
/// Rest after a failed `accept` (out of descriptors), so that it is not tried in a tight loop.
const AFTER_FAILURE: Duration = Duration::from_millis(50);
/// Largest UDP payload.
const DATAGRAM: usize = 65_535;

/// Arguments of `__serve` for these listeners; none where there are none.
pub(super) fn arguments(serve: &Serve) -> Vec<String> {
    let kinds = [("--http", &serve.http), ("--tcp", &serve.tcp), ("--udp", &serve.udp)];
    kinds.iter().flat_map(|(flag, ports)| ports.iter().flat_map(move |port| [(*flag).to_owned(), port.to_string()])).collect()
}

/// Opens every listener, says so through `ready`, and answers for ever.
///
/// # Errors
/// A port that could not be opened, with its number.
pub async fn listen(serve: &Serve, ready: impl FnOnce()) -> io::Result<Infallible> {
    let mut listeners = JoinSet::new();
    for &port in &serve.http {
        listeners.spawn(accept(open_tcp(port).await?, answer_http));
    }
    for &port in &serve.tcp {
        listeners.spawn(accept(open_tcp(port).await?, answer_tcp));
    }
    for &port in &serve.udp {
        listeners.spawn(answer_datagrams(open_udp(port).await?));
    }
    ready();
    loop {
        // Listeners never end; should one panic, the others go on.
        listeners.join_next().await;
        sleep(AFTER_FAILURE).await;
    }
}

/// Both families through one socket, or IPv4 alone where the kernel has no IPv6.
fn addresses(port: u16) -> [SocketAddr; 2] {
    [(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()]
}

async fn open_tcp(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(&addresses(port)[..]).await.map_err(|error| io::Error::new(error.kind(), format!("tcp port {port}: {error}")))
}

async fn open_udp(port: u16) -> io::Result<UdpSocket> {
    UdpSocket::bind(&addresses(port)[..]).await.map_err(|error| io::Error::new(error.kind(), format!("udp port {port}: {error}")))
}

/// What a client at `peer` is told.
fn seen_from(peer: SocketAddr) -> String {
    format!("seen-from {} {}\n", peer.ip().to_canonical(), peer.port())
}

/// Gives each client a task of its own.
async fn accept<F, A>(listener: TcpListener, answer: F)
where
    F: Fn(TcpStream, SocketAddr) -> A,
    A: Future<Output = ()> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => drop(tokio::spawn(answer(stream, peer))),
            Err(_) => sleep(AFTER_FAILURE).await,
        }
    }
}

async fn answer_http(stream: TcpStream, peer: SocketAddr) {
    let answer = service_fn(move |request: Request<Incoming>| async move {
        // Read to its end: closing with unread data would reset the connection under the answer.
        let mut body = request.into_body();
        while let Some(Ok(_)) = body.frame().await {}
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(seen_from(peer)))))
    });
    let mut server = http1::Builder::new();
    server.keep_alive(false).half_close(true).timer(TokioTimer::new()).header_read_timeout(REQUEST);
    // A client that goes away, or that speaks no HTTP, is its own affair.
    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
}

async fn answer_tcp(mut stream: TcpStream, peer: SocketAddr) {
    if stream.write_all(seen_from(peer).as_bytes()).await.is_err() || stream.shutdown().await.is_err() {
        return;
    }
    let mut rest = [0; 4096];
    let drain = async { while matches!(stream.read(&mut rest).await, Ok(1..)) {} };
    // Either it has closed too, or it is closed now.
    let _ = timeout(FAREWELL, drain).await;
}

async fn answer_datagrams(socket: UdpSocket) {
    let mut payload = vec![0; DATAGRAM];
    loop {
        // Errors here are ICMP errors about earlier answers: the next datagram is a new one.
        if let Ok((_, peer)) = socket.recv_from(&mut payload).await {
            let _ = socket.send_to(seen_from(peer).as_bytes(), peer).await;
        }
    }
}

#[cfg(test)]
#[path = "listen_tests.rs"]
mod tests;
