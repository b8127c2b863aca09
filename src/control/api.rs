//! `/v1/status` and `/v1/reload` over the Unix socket: HTTP/1 with JSON, never on TCP.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use crossbeam::channel::Sender;
use nix::unistd::{Uid, geteuid};
use serde::{Deserialize, Serialize};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

use super::board::Board;
use super::events::Event;
use super::http::refuse_bodies;
use super::parts::Report;
use super::server::{Limits, Listener};
use super::status::Status;

/// What a client may take. A reload compiles a file of up to 64 MiB: it may take its time.
pub const LIMITS: Limits = Limits { connections: 64, head: Duration::from_secs(5), exchange: Duration::from_secs(300) };

/// Path of [`Status`]: GET.
pub const STATUS: &str = "/v1/status";
/// Path of [`ReloadAnswer`]: POST, no body; 200 on success, 422 where the old configuration was kept.
pub const RELOAD: &str = "/v1/reload";

/// How a reload ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadAnswer {
    /// The new configuration is in force.
    pub reloaded: bool,
    /// Generation of the configuration that runs now.
    pub generation: u64,
    /// The file.
    pub file: String,
    /// What was found in it.
    #[serde(flatten)]
    pub report: Report,
}

#[derive(Clone)]
struct Daemon {
    board: Arc<Board>,
    events: Sender<Event>,
}

/// The socket's routes. What is asked of the control thread goes through `events`.
pub fn router(board: Arc<Board>, events: Sender<Event>) -> Router {
    Router::new()
        .route(STATUS, get(status))
        .route(RELOAD, post(reload))
        .route_layer(middleware::from_fn(refuse_bodies))
        .with_state(Daemon { board, events })
}

async fn status(State(daemon): State<Daemon>) -> Json<Status> {
    Json(Status::of(&daemon.board))
}

async fn reload(State(daemon): State<Daemon>) -> Response {
    let (reply, answer) = oneshot::channel();
    if daemon.events.send(Event::Reload(Some(reply))).is_err() {
        return stopping();
    }
    let Ok(result) = answer.await else { return stopping() };
    let status = if result.is_ok() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let answer = ReloadAnswer {
        reloaded: result.is_ok(),
        generation: daemon.board.metrics.generation(),
        file: daemon.board.file.display().to_string(),
        report: result.unwrap_or_else(|report| report),
    };
    (status, Json(answer)).into_response()
}

fn stopping() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping\n").into_response()
}

/// A Unix socket that talks to root and to the daemon's own user, whatever the file's mode became.
impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<Option<UnixStream>> {
        let (stream, _) = Self::accept(self).await?;
        let peer = Uid::from_raw(stream.peer_cred()?.uid());
        if peer.is_root() || peer == geteuid() {
            return Ok(Some(stream));
        }
        tracing::warn!("refused a client of user {peer} on the socket");
        Ok(None)
    }
}
