//! The other end of a daemon's socket.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::api::{RELOAD, ReloadAnswer, STATUS};
use super::socket::DIRECTORY;
use super::status::Status;

/// Largest answer that is read, in bytes.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// How long an answer may take; a reload compiles a file of up to 64 MiB.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a connection that ends before the question means.
const REFUSED: &str = "it hung up; it answers root and its own user only";

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No daemon runs.
    #[error("no daemon is running (nothing answers in {})", .0.display())]
    None(PathBuf),
    /// Several run.
    #[error("several daemons are running, choose one with --socket:\n{}", lines(.0))]
    Several(Vec<PathBuf>),
    /// Nobody answers at the socket that was asked for.
    #[error("no daemon answers on {}: {error}", path.display())]
    Silent {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The answer was cut off, late, or not what this version understands.
    #[error("the daemon on {} gave no proper answer: {reason}", path.display())]
    Answer {
        /// The socket.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl ClientError {
    /// Whether the user has to say which daemon is meant, or start one: wrong usage, not a failure of the daemon.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::None(_) | Self::Several(_) | Self::Silent { .. })
    }
}

fn lines(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("  {}", path.display())).collect::<Vec<_>>().join("\n")
}

/// A daemon to talk to.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// The daemon on `socket`; without it, the only one that runs.
    ///
    /// # Errors
    /// None or several run.
    pub fn find(socket: Option<&Path>) -> Result<Self, ClientError> {
        match socket {
            Some(socket) => Ok(Self { socket: socket.to_owned() }),
            None => Self::only_one_in(Path::new(DIRECTORY)),
        }
    }

    fn only_one_in(directory: &Path) -> Result<Self, ClientError> {
        let mut live = live_sockets(directory)?;
        match live.pop() {
            Some(socket) if live.is_empty() => Ok(Self { socket }),
            Some(last) => {
                live.push(last);
                Err(ClientError::Several(live))
            }
            None => Err(ClientError::None(directory.to_owned())),
        }
    }

    /// What the daemon is and does.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn status(&self) -> Result<Status, ClientError> {
        self.ask(Method::GET, STATUS)
    }

    /// Has the daemon read its file again, and waits for how that ends.
    ///
    /// # Errors
    /// See [`ClientError`]; a file that is refused is an answer, not an error.
    pub fn reload(&self) -> Result<ReloadAnswer, ClientError> {
        self.ask(Method::POST, RELOAD)
    }

    /// Asks for `path` and reads the JSON that comes back, whatever its status code.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, ClientError> {
        let silent = |error| ClientError::Silent { path: self.socket.clone(), error };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(silent)?;
        let answer = runtime.block_on(async {
            let stream = UnixStream::connect(&self.socket).await.map_err(silent)?;
            let answer = tokio::time::timeout(PATIENCE, exchange(stream, method, path)).await;
            answer.map_err(|late| self.bad(late)).and_then(|answer| answer.map_err(|error| self.bad(error)))
        })?;
        serde_json::from_slice(&answer).map_err(|error| self.bad(format!("{error}: {}", String::from_utf8_lossy(&answer).trim_end())))
    }

    fn bad(&self, reason: impl ToString) -> ClientError {
        ClientError::Answer { path: self.socket.clone(), reason: reason.to_string() }
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(stream: UnixStream, method: Method, path: &str) -> Result<Bytes, Failure> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder().method(method).uri(path).header(header::HOST, "causeway").body(Empty::<Bytes>::new())?;
    let answer = async {
        // A daemon hangs up on other users before it reads what they ask.
        let hung_up = |error: hyper::Error| if error.is_parse() { Failure::from(error) } else { REFUSED.into() };
        let response = sender.send_request(request).await.map_err(hung_up)?;
        let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await?;
        Ok(body.to_bytes())
    };
    // The connection moves the bytes; it ends when the answer is complete.
    tokio::spawn(connection);
    answer.await
}

/// Sockets of daemons that live, by name.
fn live_sockets(directory: &Path) -> Result<Vec<PathBuf>, ClientError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(ClientError::Silent { path: directory.to_owned(), error }),
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let sockets = paths.filter(|path| path.extension().is_some_and(|extension| extension == "sock"));
    let mut live: Vec<PathBuf> = sockets.filter(|path| StdUnixStream::connect(path).is_ok()).collect();
    live.sort();
    Ok(live)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn the_only_live_daemon_is_found_and_several_are_listed() {
        let directory = tempfile::tempdir().unwrap();
        let [first, second, stale] = ["a.sock", "b.sock", "c.sock"].map(|name| directory.path().join(name));
        drop(UnixListener::bind(stale).unwrap());
        assert!(matches!(Client::only_one_in(directory.path()), Err(ClientError::None(_))));
        let _one = UnixListener::bind(&first).unwrap();
        assert_eq!(Client::only_one_in(directory.path()).unwrap().socket, first);
        let _two = UnixListener::bind(&second).unwrap();
        let Err(ClientError::Several(listed)) = Client::only_one_in(directory.path()) else { panic!("two are live") };
        assert_eq!(listed, vec![first, second]);
    }

    #[test]
    fn a_directory_that_is_not_there_holds_no_daemon() {
        assert!(matches!(Client::only_one_in(Path::new("/nonexistent/causeway")), Err(ClientError::None(_))));
    }
}
