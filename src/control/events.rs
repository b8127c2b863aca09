//! What happens to a running daemon: signals and requests, one after the other on one channel.

use std::io;

use crossbeam::channel::Sender;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio::sync::oneshot;

use super::parts::Report;

/// How a reload ended: warnings, or what is wrong.
pub type Reloaded = Result<Report, Report>;

/// Something that the control thread has to do.
#[derive(Debug)]
pub enum Event {
    /// Stop: SIGTERM or SIGINT.
    Stop,
    /// Read the file again: SIGHUP, or a client that waits for the answer.
    Reload(Option<oneshot::Sender<Reloaded>>),
}

/// SIGTERM, SIGINT and SIGHUP, caught from the moment it is installed.
#[derive(Debug)]
pub struct SignalWatch(Signals);

impl SignalWatch {
    /// Catches the signals; they wait until they are forwarded. Starts no thread.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub fn install() -> io::Result<Self> {
        Signals::new([SIGHUP, SIGINT, SIGTERM]).map(Self)
    }

    /// Turns SIGTERM and SIGINT into [`Event::Stop`], SIGHUP into [`Event::Reload`], on a thread of its own.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn forward_to(self, events: Sender<Event>) -> io::Result<()> {
        let mut signals = self.0;
        let forward = move || {
            for signal in signals.forever() {
                let event = if signal == SIGHUP { Event::Reload(None) } else { Event::Stop };
                if events.send(event).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(forward).map(drop)
    }
}
