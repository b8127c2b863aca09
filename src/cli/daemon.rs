//! What the commands that talk to a running daemon share.

use std::path::PathBuf;

use super::Exit;
use crate::control::client::{Client, ClientError};

/// Which daemon is meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Target {
    /// The daemon's socket; needed where several daemons run.
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
}

impl Target {
    /// Asks the daemon. Where there is no answer, says why on stderr and gives the exit status for it.
    ///
    /// # Errors
    /// How to exit.
    pub fn ask<T>(&self, question: impl FnOnce(&Client) -> Result<T, ClientError>) -> Result<T, Exit> {
        Client::find(self.socket.as_deref()).and_then(|client| question(&client)).map_err(|error| {
            super::output::complain(&error.to_string());
            if error.is_usage() { Exit::Usage } else { Exit::Failure }
        })
    }
}
