//! `causeway lab up|exec|down`: test hosts behind the ports of a file.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::dataplane::{DataplaneOptions, absolute};
use super::{Exit, Format, Output, output};
use crate::config::network::Network;
use crate::control::background::close_inherited;
use crate::lab::{DaemonCommand, DownReport, LabError, Places, Plan, Record, Stop, UpRequest, down, exec, up};

/// `causeway lab`.
#[derive(Args, Clone, Debug)]
pub struct LabArgs {
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum LabCommand {
    /// Build the test hosts, start the dataplane, return when traffic can flow
    Up(UpArgs),
    /// Run a command inside a host and exit with its status
    Exec(ExecArgs),
    /// Stop the dataplane and remove everything that `up` made
    Down(DownArgs),
}

#[derive(Args, Clone, Debug)]
struct UpArgs {
    /// Network file
    file: PathBuf,
    /// Do not start the hosts' `run` commands
    #[arg(long)]
    no_run: bool,
    #[command(flatten)]
    options: DataplaneOptions,
}

#[derive(Args, Clone, Debug)]
struct ExecArgs {
    /// Network file
    file: PathBuf,
    /// Host of the lab
    host: String,
    /// Command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

#[derive(Args, Clone, Debug)]
struct DownArgs {
    /// Network file; it may have changed or gone since
    file: PathBuf,
}

/// Runs the command.
#[must_use]
pub fn run(args: LabArgs, output: Output) -> ExitCode {
    let places = Places::default();
    let result = match args.command {
        LabCommand::Exec(args) => exec(&args.file, &args.host, &args.command, &places).map(|never| match never {}),
        LabCommand::Down(args) => run_down(&args, output, &places),
        LabCommand::Up(args) => match super::read::network(&args.file, true) {
            Ok(network) => run_up(&args, output, &network, &places),
            Err(exit) => return exit.into(),
        },
    };
    result.map_or_else(|error| complain(&error), ExitCode::from)
}

fn complain(error: &LabError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(error.exit_code())
}

fn run_up(args: &UpArgs, output: Output, network: &Network, places: &Places) -> Result<Exit, LabError> {
    // Before anything of our own is open: what is started from here holds none of the caller's descriptors.
    close_inherited().map_err(|source| LabError::File { path: "/proc/self/fd".into(), source })?;
    let plan = Plan::new(network, &args.file)?;
    let socket = args.options.socket.as_deref().map_or_else(|| places.socket(&plan.name), absolute);
    let request = UpRequest {
        plan: &plan,
        places,
        daemon: DaemonCommand::run(&plan.file, &places.log(&plan.name), &args.options.words())?,
        socket,
        listener: std::env::current_exe().map_err(|source| LabError::File { path: "/proc/self/exe".into(), source })?,
        start_commands: !args.no_run,
        stop: stop_on_signals()?,
    };
    let record = up(&request, |host, command| announce(output.format, host, command))?;
    Ok(output.print(&up_report(&plan, &record), up_text, Exit::Success))
}

fn run_down(args: &DownArgs, output: Output, places: &Places) -> Result<Exit, LabError> {
    let report = down(&args.file, places)?;
    Ok(output.print(&report, down_text, Exit::Success))
}

fn down_text(report: &DownReport) -> String {
    if report.was_up {
        format!("lab {} is down: {} removed\n", report.name, report.hosts.join(", "))
    } else {
        format!("lab {} was not up\n", report.name)
    }
}

/// A wish to stop, which SIGHUP, SIGINT and SIGTERM express.
///
/// # Errors
/// The system refuses a handler.
pub(super) fn stop_on_signals() -> Result<Stop, LabError> {
    let stop = Stop::default();
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop.0))
            .map_err(|source| LabError::File { path: format!("signal {signal}").into(), source })?;
    }
    Ok(stop)
}

/// A command from a file is shown before it is executed.
pub(super) fn announce(format: Format, host: &str, command: &str) {
    let text = format!("{host}: running {command}\n");
    match format {
        // Nobody reading it is no reason not to go on.
        Format::Text => {
            let _ = output::write_out(text.as_bytes(), Exit::Success);
        }
        Format::Json | Format::Junit => output::write_error(&text),
    }
}

/// What `lab up` prints.
#[derive(Serialize)]
struct UpReport<'a> {
    name: &'a str,
    file: &'a Path,
    socket: &'a Path,
    log: &'a Path,
    pid: Option<i32>,
    hosts: Vec<HostReport<'a>>,
}

#[derive(Serialize)]
struct HostReport<'a> {
    name: &'a str,
    namespace: &'a str,
    port: &'a str,
    device: &'a str,
    addresses: Vec<IpAddr>,
}

fn up_report<'a>(plan: &'a Plan, record: &'a Record) -> UpReport<'a> {
    let hosts = plan.hosts.iter().map(|host| HostReport {
        name: &host.name,
        namespace: &host.namespace,
        port: &host.port,
        device: &host.device,
        addresses: host.addresses.iter().map(|own| own.address).collect(),
    });
    UpReport {
        name: &record.name,
        file: &record.file,
        socket: &record.socket,
        log: &record.log,
        pid: record.daemon.map(|daemon| daemon.pid),
        hosts: hosts.collect(),
    }
}

fn up_text(report: &UpReport<'_>) -> String {
    let mut text = format!("lab {} is up: {}\n", report.name, report.socket.display());
    for host in &report.hosts {
        let addresses: Vec<String> = host.addresses.iter().map(IpAddr::to_string).collect();
        text.push_str(&format!("  {:<16} {:<20} behind port {}\n", host.name, addresses.join(" "), host.port));
    }
    text
}
