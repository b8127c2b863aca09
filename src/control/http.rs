//! `/metrics`, `/healthz`, `/readyz` over TCP: read only, bounded, on loopback unless told otherwise.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener as StdTcpListener, ToSocketAddrs};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::{TcpListener, TcpStream};

use super::board::Board;
use super::server::{Limits, Listener};

/// What a scraper may take.
pub const LIMITS: Limits = Limits { connections: 64, head: Duration::from_secs(5), exchange: Duration::from_secs(10) };

/// Where metrics are served: `[HOST:]PORT`, on 127.0.0.1 where no host is given. Port 0 takes a free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricsAddress(pub SocketAddr);

impl MetricsAddress {
    /// What a person should know before opening it, if anything.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let open = !self.0.ip().is_loopback();
        open.then(|| format!("metrics are served on {}: whoever reaches this address can read them, without a password", self.0))
    }
}

/// An address that `--metrics` does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected [HOST:]PORT, such as 9090 or 127.0.0.1:9090 or [::1]:9090")]
pub struct BadAddress;

impl FromStr for MetricsAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        if let Ok(port) = text.parse() {
            return Ok(Self(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)));
        }
        // A host name is looked up once, now: nothing is looked up while the dataplane runs.
        let first = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
        first.map(Self).ok_or(BadAddress)
    }
}

/// The endpoint's routes. Each answers GET and HEAD; other methods get 405 with `Allow`, a request with a body 413.
pub fn router(board: Arc<Board>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get("ok\n"))
        .route("/readyz", get(ready))
        .route_layer(middleware::from_fn(refuse_bodies))
        .with_state(board)
}

async fn metrics(State(board): State<Arc<Board>>) -> Response {
    match board.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!("cannot render the metrics: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn ready(State(board): State<Arc<Board>>) -> Response {
    if board.is_ready() { "ready\n".into_response() } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response() }
}

/// Nothing here takes a body, so none is read.
pub(super) async fn refuse_bodies(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        next.run(request).await
    } else {
        (StatusCode::PAYLOAD_TOO_LARGE, "no body is taken here\n").into_response()
    }
}

/// Opens the address.
///
/// # Errors
/// It is in use, not ours, or needs more rights.
pub fn bind(address: MetricsAddress) -> io::Result<StdTcpListener> {
    let listener = StdTcpListener::bind(address.0)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<Option<TcpStream>> {
        Self::accept(self).await.map(|(stream, _)| Some(stream))
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
