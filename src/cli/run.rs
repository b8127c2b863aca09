//! `causeway run FILE`.

use std::io;
use std::path::PathBuf;

use super::Exit;
use super::dataplane::DataplaneOptions;
use crate::control::background;
use crate::control::daemon::{self, DaemonError, Options};
use crate::control::parts::{Dataplane, Loader};
use crate::control::socket;

const EXAMPLE: &str = "\
Example:
  causeway run configs/quickstart.yaml --metrics 9090

SIGTERM and SIGINT stop it; SIGHUP, or `causeway reload`, reads the file again. Where the new file is wrong, or a port
cannot be opened, the old configuration keeps running.";

/// Arguments of `causeway run`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct Arguments {
    /// The network file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How it runs.
    #[command(flatten)]
    pub dataplane: DataplaneOptions,
    /// Leave the caller: a session of its own, none of the caller's descriptors.
    #[arg(long, hide = true)]
    pub daemon: bool,
    /// Where a daemon's output goes.
    #[arg(long, hide = true, value_name = "PATH", requires = "daemon")]
    pub log: Option<PathBuf>,
}

impl Arguments {
    /// Goes into the background where `--daemon` asks for it. Comes before everything else, so that nothing of ours is
    /// open yet.
    ///
    /// # Errors
    /// The log cannot be opened.
    pub fn prepare(&self) -> io::Result<()> {
        if self.daemon { background::leave_caller(self.log.as_deref()) } else { Ok(()) }
    }

    fn options(&self) -> Options {
        let socket = self.dataplane.socket.clone().unwrap_or_else(|| socket::default_path(&self.file));
        Options { file: self.file.clone(), socket, metrics: self.dataplane.metrics }
    }
}

/// Runs the dataplane that `start` makes of what `loader` loads, until a signal stops it.
#[must_use]
pub fn run<C, L, D>(arguments: &Arguments, loader: L, start: impl FnOnce(C) -> io::Result<D>) -> Exit
where
    L: Loader<Configuration = C>,
    D: Dataplane<Configuration = C>,
{
    match daemon::run(&arguments.options(), loader, start) {
        Ok(()) => Exit::Success,
        Err(error) => {
            complain(&error);
            Exit::Failure
        }
    }
}

/// Findings are printed as `check` prints them, whatever the log looks like.
fn complain(error: &DaemonError) {
    match error {
        DaemonError::Refused(report) => super::output::write_error(&report.text),
        other => tracing::error!("{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Alone {
        #[command(flatten)]
        run: Arguments,
    }

    fn parse(words: &[&str]) -> Result<Arguments, String> {
        Alone::try_parse_from([&["run"], words].concat()).map(|alone| alone.run).map_err(|error| error.to_string())
    }

    #[test]
    fn the_socket_is_named_after_the_file_unless_given() {
        let socket = |words: &[&str]| parse(words).unwrap().options().socket;
        assert_eq!(socket(&["configs/shop.yaml"]), PathBuf::from("/run/causeway/shop.sock"));
        assert_eq!(socket(&["shop.yaml", "--socket", "s"]), PathBuf::from("s"));
    }
}
