//! The endpoint over real loopback connections.

use std::io::{Read, Write};
use std::net::TcpStream as StdTcpStream;

use super::*;
use crate::control::server::Server;

const SHORT: Limits = Limits { connections: 2, head: Duration::from_millis(200), exchange: Duration::from_millis(400) };

fn start(board: &Arc<Board>, limits: Limits) -> (Server, SocketAddr) {
    let listener = bind("0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::start().unwrap();
    server.serve(|| TcpListener::from_std(listener), router(Arc::clone(board)), limits).unwrap();
    (server, address)
}

fn board() -> Arc<Board> {
    Board::new("shop.yaml".into(), "shop.sock".into())
}

/// Sends `request` and reads until the server closes.
fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = StdTcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A server that refuses a body closes before it was read: a reset after the answer is fine.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn get(address: SocketAddr, path: &str) -> String {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
}

#[test]
fn metrics_are_prometheus_text() {
    let (_server, address) = start(&board(), LIMITS);
    let answer = get(address, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.to_lowercase().contains("content-type: text/plain; version=0.0.4\r\n"), "{answer}");
    assert!(answer.contains("\ncauseway_drops_total{reason=\"nsg-deny\"} 0\n"), "{answer}");
}

#[test]
fn readiness_follows_the_board_and_health_does_not() {
    let board = board();
    let (_server, address) = start(&board, LIMITS);
    assert!(get(address, "/readyz").starts_with("HTTP/1.1 503 "));
    assert!(get(address, "/healthz").starts_with("HTTP/1.1 200 "));
    board.set_ready(true);
    assert!(get(address, "/readyz").starts_with("HTTP/1.1 200 "));
}

#[test]
fn only_reading_is_allowed() {
    let (_server, address) = start(&board(), LIMITS);
    for path in ["/metrics", "/healthz", "/readyz"] {
        let answer = exchange(address, &format!("DELETE {path} HTTP/1.1\r\nHost: x\r\n\r\n")).to_lowercase();
        assert!(answer.starts_with("http/1.1 405 "), "{answer}");
        assert!(answer.contains("allow: get,head\r\n"), "{answer}");
        let head = exchange(address, &format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert!(head.starts_with("HTTP/1.1 ") && head.ends_with("\r\n\r\n"), "{head}");
    }
    assert!(get(address, "/").starts_with("HTTP/1.1 404 "));
}

#[test]
fn a_body_is_refused_unread() {
    let (_server, address) = start(&board(), LIMITS);
    let answer = exchange(address, "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let (_server, address) = start(&board(), LIMITS);
    let filler = "x".repeat(20_000);
    let answer = exchange(address, &format!("GET /metrics HTTP/1.1\r\nHost: x\r\nFiller: {filler}\r\n\r\n"));
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[test]
fn slow_clients_are_cut_off_and_make_room() {
    let (_server, address) = start(&board(), SHORT);
    let slow: Vec<StdTcpStream> = (0..SHORT.connections)
        .map(|_| {
            let mut stream = StdTcpStream::connect(address).unwrap();
            stream.write_all(b"GET /metrics HT").unwrap();
            stream
        })
        .collect();
    // All slots are taken; this one is answered once the slow ones are cut off.
    assert!(get(address, "/healthz").starts_with("HTTP/1.1 200 "));
    for mut stream in slow {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    }
}

#[test]
fn addresses_default_to_loopback_and_others_are_warned_about() {
    let parse = |text: &str| text.parse::<MetricsAddress>().map(|address| (address.0.to_string(), address.warning().is_some()));
    assert_eq!(parse("9090"), Ok(("127.0.0.1:9090".to_owned(), false)));
    assert_eq!(parse("127.0.0.2:9090"), Ok(("127.0.0.2:9090".to_owned(), false)));
    assert_eq!(parse("[::1]:9090"), Ok(("[::1]:9090".to_owned(), false)));
    assert_eq!(parse("0.0.0.0:9090"), Ok(("0.0.0.0:9090".to_owned(), true)));
    for wrong in ["", "65536", ":9090", "127.0.0.1", "::1:9090:x"] {
        assert_eq!(parse(wrong), Err(BadAddress), "{wrong}");
    }
}
