//! The traffic programs of `scripts/bench`, and the bare copy beside which causeway is measured: one program, several commands.
//!
//! | command | what it does |
//! |---|---|
//! | `forward` | makes two TAPs and copies frames between them: what the TAP itself costs |
//! | `send` | UDP datagrams as fast as they go, or at a rate, over any number of flows |
//! | `echo` | sends every datagram back |
//! | `ping` | round-trip times to `echo`, one datagram on its way at a time |
//! | `accept` | accepts TCP connections and closes them |
//! | `connect` | connects to `accept`, again and again, many at a time |
//!
//! Each prints one JSON object when it is done; those that serve print `ready` and end on SIGTERM. They run inside the network
//! namespaces that `scripts/bench` makes, and pin themselves to nothing: who starts them says where they run.

#[path = "lab/programs/addresses.rs"]
mod addresses;
#[path = "lab/programs/connect.rs"]
mod connect;
#[path = "lab/programs/forward.rs"]
mod forward;
#[path = "lab/programs/ping.rs"]
mod ping;
#[path = "lab/programs/send.rs"]
mod send;
#[path = "lab/programs/stop.rs"]
mod stop;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Traffic between the namespaces of `scripts/bench`.
#[derive(Debug, Parser)]
#[command(name = "lab", bin_name = "cargo bench --bench lab --")]
struct Options {
    #[command(subcommand)]
    command: Command,

    /// What cargo bench says; means nothing here
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copy frames between two TAPs, as they are
    Forward(forward::Options),
    /// Send UDP datagrams of 18 bytes: frames of 60
    Send(send::Options),
    /// Send every datagram back
    Echo(ping::EchoOptions),
    /// Measure round trips to `echo`
    Ping(ping::Options),
    /// Accept TCP connections and close them
    Accept(connect::AcceptOptions),
    /// Connect to `accept` for a while
    Connect(connect::Options),
}

fn main() -> ExitCode {
    match run(&Options::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    match command {
        Command::Forward(options) => forward::run(options),
        Command::Send(options) => print(&send::run(options)?),
        Command::Echo(options) => ping::echo(options),
        Command::Ping(options) => print(&ping::run(options)?),
        Command::Accept(options) => connect::accept(options),
        Command::Connect(options) => print(&connect::run(options)?),
    }
}

fn print(result: &impl serde::Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(result)?);
    Ok(())
}
