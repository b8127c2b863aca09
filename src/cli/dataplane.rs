//! The options of the dataplane, which `run` and `lab up` share: refused by both before anything is started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::control::http::MetricsAddress;
use crate::pipeline::hand_over::MOST_WORKERS;

/// How the dataplane runs.
#[derive(Clone, Debug, clap::Args)]
pub struct DataplaneOptions {
    /// Serve /metrics, /healthz and /readyz on this address; on 127.0.0.1 where no host is given.
    #[arg(long, value_name = "[HOST:]PORT")]
    pub metrics: Option<MetricsAddress>,
    /// Worker threads, 1 to 64: each has a queue of every port, and flows of its own.
    #[arg(long, value_name = "N", default_value = "1", value_parser = workers)]
    pub workers: u16,
    /// Poll the ports without ever sleeping: less delay, a whole core.
    #[arg(long)]
    pub busy_poll: bool,
    /// Send each frame by itself: packets of a flow that wait together are not joined into super-frames for their port.
    #[arg(long)]
    pub no_coalesce: bool,
    /// The Unix socket; by default /run/causeway/NAME.sock, NAME being the file's without its extension.
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
}

/// Reads a number of workers.
///
/// # Errors
/// What is expected.
pub(super) fn workers(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(number) if (1..=MOST_WORKERS).contains(&number) => Ok(number),
        _ => Err(format!("expected a number from 1 to {MOST_WORKERS}")),
    }
}

impl DataplaneOptions {
    /// The same options as words, for a daemon that is started by another process; paths mean the same from anywhere.
    #[must_use]
    pub fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["--workers".into(), self.workers.to_string().into()];
        if let Some(metrics) = &self.metrics {
            words.extend(["--metrics".into(), metrics.0.to_string().into()]);
        }
        if self.busy_poll {
            words.push("--busy-poll".into());
        }
        if self.no_coalesce {
            words.push("--no-coalesce".into());
        }
        if let Some(socket) = &self.socket {
            words.extend(["--socket".into(), absolute(socket).into()]);
        }
        words
    }
}

/// As it is from anywhere: who asks for it later may be in another directory.
#[must_use]
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Alone {
        #[command(flatten)]
        options: DataplaneOptions,
    }

    fn parse(words: &[&str]) -> Result<DataplaneOptions, String> {
        Alone::try_parse_from([&["run"], words].concat()).map(|alone| alone.options).map_err(|error| error.to_string())
    }

    #[test]
    fn metrics_are_off_unless_given() {
        assert_eq!(parse(&[]).unwrap().metrics, None);
        assert_eq!(parse(&["--metrics", "9090"]).unwrap().metrics.map(|to| to.0.to_string()).as_deref(), Some("127.0.0.1:9090"));
        assert!(parse(&["--metrics", "nine"]).unwrap_err().contains("expected [HOST:]PORT"));
    }

    #[test]
    fn more_workers_than_there_can_be_are_refused() {
        for wrong in ["0", "65", "-1", "many"] {
            assert!(parse(&[&format!("--workers={wrong}")]).unwrap_err().contains("expected a number from 1 to 64"), "{wrong}");
        }
        assert_eq!([1, 2, 64].map(|workers| parse(&["--workers", &workers.to_string()]).unwrap().workers), [1, 2, 64]);
        assert_eq!(parse(&[]).unwrap().workers, 1);
    }

    #[test]
    fn the_words_say_the_same_as_the_options() {
        let options =
            parse(&["--workers", "3", "--metrics", "[::1]:9090", "--busy-poll", "--no-coalesce", "--socket", "/tmp/s.sock"]).unwrap();
        let words: Vec<String> = options.words().into_iter().map(|word| word.into_string().unwrap()).collect();
        let again = parse(&words.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{options:?}"));
    }
}
