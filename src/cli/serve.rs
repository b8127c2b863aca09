//! `causeway __serve` (hidden): the listeners inside a lab host.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Args;
use nix::unistd::{dup2_stdout, setsid};

use crate::config::network::Serve;
use crate::lab::listen::{READY, listen};

/// Ports to answer on.
#[derive(Args, Clone, Debug, Default)]
pub struct ServeArgs {
    /// Ports that answer HTTP.
    #[arg(long, value_name = "PORT")]
    http: Vec<u16>,
    /// Ports that answer TCP.
    #[arg(long, value_name = "PORT")]
    tcp: Vec<u16>,
    /// Ports that answer UDP.
    #[arg(long, value_name = "PORT")]
    udp: Vec<u16>,
}

/// Says `ready` once every port is open, closes its output and answers until it is ended. What goes wrong before that
/// is said in the same place, for whoever started it.
#[must_use]
pub fn run(args: ServeArgs) -> ExitCode {
    // Already the leader of a session when the lab starts it: then there is nothing to leave.
    let _ = setsid();
    let serve = Serve { http: args.http, tcp: args.tcp, udp: args.udp };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.and_then(|runtime| runtime.block_on(listen(&serve, say_ready)));
    let Err(error) = ended;
    let _ = writeln!(io::stdout(), "{error}");
    ExitCode::FAILURE
}

/// Whoever waits for the end of the output need not wait for the end of the process.
fn say_ready() {
    let _ = writeln!(io::stdout(), "{READY}");
    if let Ok(nothing) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = dup2_stdout(nothing);
    }
}
