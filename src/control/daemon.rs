//! The daemon, from its file to its end.

use std::io;
use std::net::TcpListener as StdTcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use tokio::net::{TcpListener, UnixListener};

use super::api;
use super::board::Board;
use super::events::{Event, SignalWatch};
use super::http::{self, MetricsAddress};
use super::parts::{Dataplane, Loader, Report};
use super::privileges::{self, PrivilegeError};
use super::server::Server;
use super::socket::{Claim, SocketError, SocketFile};
use super::supervisor::{StartError, Supervisor, tell};
use crate::config::network::Device;

/// How often the workers are looked after when nothing else happens.
const CHECK_PERIOD: Duration = Duration::from_millis(500);

/// What `causeway run` is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The network file.
    pub file: PathBuf,
    /// The Unix socket.
    pub socket: PathBuf,
    /// Where metrics are served, if at all.
    pub metrics: Option<MetricsAddress>,
}

/// Why a daemon did not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The file is wrong.
    #[error("{}", .0.text.trim_end())]
    Refused(Report),
    /// The socket cannot be had.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Metrics cannot be served.
    #[error("cannot serve metrics on {address}: {error}")]
    Metrics {
        /// Where.
        address: std::net::SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// Capabilities could not be given up.
    #[error(transparent)]
    Privileges(#[from] PrivilegeError),
    /// Workers or ports did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A worker ended.
    #[error("{0}")]
    Worker(String),
    /// Threads, signals.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What is taken while the daemon still has all its rights: the socket, the metrics address, the signals.
struct Places {
    claim: Claim,
    metrics: Option<StdTcpListener>,
    signals: SignalWatch,
}

impl Places {
    fn take(options: &Options) -> Result<Self, DaemonError> {
        let signals = SignalWatch::install()?;
        let claim = Claim::take(&options.socket)?;
        let metrics = options.metrics.map(open_metrics).transpose()?;
        Ok(Self { claim, metrics, signals })
    }
}

fn open_metrics(address: MetricsAddress) -> Result<StdTcpListener, DaemonError> {
    if let Some(warning) = address.warning() {
        tracing::warn!("{warning}");
    }
    http::bind(address).map_err(|error| DaemonError::Metrics { address: address.0, error })
}

/// Runs the dataplane until SIGTERM or SIGINT. A wrong file is refused before anything is started. To be called on the
/// process's first thread, before it starts others: capabilities are given up here.
///
/// # Errors
/// See [`DaemonError`]. Nothing is left behind then.
pub fn run<C, L, D>(options: &Options, mut loader: L, start: impl FnOnce(C) -> io::Result<D>) -> Result<(), DaemonError>
where
    L: Loader<Configuration = C>,
    D: Dataplane<Configuration = C>,
{
    let candidate = loader.load(1).map_err(DaemonError::Refused)?;
    tell(&candidate.report.text);
    let Places { claim, metrics, signals } = Places::take(options)?;
    privileges::keep_only_what_ports_need(candidate.ports.iter().any(|port| matches!(port.device, Device::Xdp(_))))?;
    let (events, inbox) = unbounded();
    signals.forward_to(events.clone())?;
    let endpoints = Endpoints::start(options, metrics)?;
    let supervisor = Supervisor::start(loader, candidate, start, Arc::clone(&endpoints.board))?;
    let (endpoints, socket) = endpoints.open_socket(claim, events)?;
    let outcome = serve(supervisor, &inbox);
    // In this order: while the server still listens, nobody takes the socket for a killed daemon's.
    drop(socket);
    drop(endpoints);
    outcome
}

/// The thread that answers, and what it answers from.
struct Endpoints {
    server: Server,
    board: Arc<Board>,
}

impl Endpoints {
    fn start(options: &Options, metrics: Option<StdTcpListener>) -> io::Result<Self> {
        let board = Board::new(options.file.clone(), options.socket.clone());
        let server = Server::start()?;
        if let Some(listener) = metrics {
            tracing::info!("metrics on http://{}/metrics", listener.local_addr()?);
            server.serve(|| TcpListener::from_std(listener), http::router(Arc::clone(&board)), http::LIMITS)?;
        }
        Ok(Self { server, board })
    }

    /// Packets can flow: clients may come.
    fn open_socket(self, claim: Claim, events: Sender<Event>) -> io::Result<(Self, SocketFile)> {
        let (listener, file) = claim.listen()?;
        let router = api::router(Arc::clone(&self.board), events);
        self.server.serve(|| UnixListener::from_std(listener), router, api::LIMITS)?;
        tracing::info!("running {} with {} ports, socket {}", self.board.file.display(), self.board.ports().len(), file.path().display());
        Ok((self, file))
    }
}

/// Does what events ask for until one says stop, or a worker ends.
fn serve<C, L, D>(mut supervisor: Supervisor<L, D>, inbox: &Receiver<Event>) -> Result<(), DaemonError>
where
    L: Loader<Configuration = C>,
    D: Dataplane<Configuration = C>,
{
    let outcome = loop {
        match inbox.recv_timeout(CHECK_PERIOD) {
            Ok(Event::Reload(reply)) => {
                let result = supervisor.reload();
                if let Some(reply) = reply {
                    // Who asked may have left.
                    let _ = reply.send(result);
                }
            }
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => break Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Err(ended) = supervisor.check() {
            break Err(DaemonError::Worker(ended));
        }
    };
    supervisor.stop();
    tracing::info!("stopped");
    outcome
}

#[cfg(test)]
#[path = "daemon_tests.rs"]
mod tests;
