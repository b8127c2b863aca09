//! The thread under both endpoints, and an accept loop that no client can exhaust.
//!
//! One request a connection: what a scraper or a command asks is asked rarely, and a connection that ends needs no
//! rules about idle ones.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, oneshot};

/// Largest request head, in bytes.
const HEAD_BYTES: usize = 16 * 1024;
/// Most header lines in a request.
const HEADERS: usize = 64;
/// How long to wait when no connection can be accepted (too many open files) before trying again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a client may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; more wait in the kernel's queue.
    pub connections: usize,
    /// Time to send the request's head.
    pub head: Duration,
    /// Time for the whole exchange, reading the answer included.
    pub exchange: Duration,
}

/// Where connections come from.
pub trait Listener: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection; `None` for one that may not talk to us.
    ///
    /// # Errors
    /// None can be accepted now.
    fn accept(&self) -> impl Future<Output = io::Result<Option<Self::Stream>>> + Send;
}

/// A thread with a current-thread tokio. Ends when dropped, open connections with it.
#[derive(Debug)]
pub struct Server {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts the thread.
    ///
    /// # Errors
    /// No thread, or no event queue.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("control".to_owned()).spawn(move || {
            // An error means that the sender is gone: that is an end as well.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Serves `router` on what `open` gives. `open` runs here, inside the runtime that the listener belongs to.
    ///
    /// # Errors
    /// What `open` says.
    pub fn serve<L: Listener>(&self, open: impl FnOnce() -> io::Result<L>, router: Router, limits: Limits) -> io::Result<()> {
        let guard = self.handle.enter();
        let listener = open()?;
        drop(guard);
        self.handle.spawn(accept_all(listener, router, limits));
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept_all<L: Listener>(listener: L, router: Router, limits: Limits) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    // The semaphore is never closed.
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        match listener.accept().await {
            Ok(Some(stream)) => {
                let exchange = exchange(stream, router.clone(), limits);
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(limits.exchange, exchange).await;
                    drop(slot);
                });
            }
            Ok(None) => {}
            Err(error) => {
                tracing::debug!("no connection accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn exchange(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, router: Router, limits: Limits) {
    let mut connection = http1::Builder::new();
    connection.keep_alive(false).max_buf_size(HEAD_BYTES).max_headers(HEADERS);
    connection.timer(TokioTimer::new()).header_read_timeout(limits.head);
    if let Err(error) = connection.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await {
        tracing::debug!("a client left or was cut off: {error}");
    }
}
