//! Round-trip time: one datagram of 64 bytes on its way at a time, blocking sockets at both ends.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::addresses;
use crate::stop::Stop;

const PAYLOAD: usize = 64;
/// After this a datagram counts as lost.
const PATIENCE: Duration = Duration::from_millis(200);
/// Round trips that are not counted: neighbours are found and flows are made.
const WARM_UP: usize = 50;

#[derive(Debug, clap::Args)]
pub(crate) struct EchoOptions {
    /// The first port; each of the server's addresses has this many
    #[arg(long, default_value_t = 9000)]
    port: u16,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Seconds
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,

    /// The port that `echo` has
    #[arg(long, default_value_t = 9000)]
    port: u16,
}

/// Nanoseconds.
#[derive(Debug, Serialize)]
pub(crate) struct RoundTrips {
    count: u64,
    lost: u64,
    p50: u64,
    p90: u64,
    p99: u64,
    p999: u64,
}

/// Answers on every address and port, a thread each, so that each answer comes from where the question went.
pub(crate) fn echo(options: &EchoOptions) -> Result<()> {
    let stop = Stop::on_signals()?;
    for address in addresses::destinations(options.port) {
        let socket = UdpSocket::bind(address).with_context(|| address.to_string())?;
        thread::Builder::new().spawn(move || answer(&socket))?;
    }
    println!("ready");
    while !stop.is_set() {
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Until the process ends.
fn answer(socket: &UdpSocket) {
    let mut buffer = [0; 2048];
    loop {
        // A late ICMP error of an earlier answer ends nothing.
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        let _ = socket.send_to(buffer.get(..length).unwrap_or_default(), from);
    }
}

pub(crate) fn run(options: &Options) -> Result<RoundTrips> {
    let stop = Stop::on_signals()?;
    let socket = UdpSocket::bind(addresses::source(0, 0))?;
    socket.connect(addresses::destination(0, options.port))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    for _ in 0..WARM_UP {
        round_trip(&socket)?;
    }
    let mut times = Histogram::<u64>::new(3)?;
    let mut lost = 0;
    let end = Instant::now() + Duration::try_from_secs_f64(options.seconds)?;
    while Instant::now() < end && !stop.is_set() {
        match round_trip(&socket)? {
            Some(time) => times.record(u64::try_from(time.as_nanos())?)?,
            None => lost += 1,
        }
    }
    if times.is_empty() {
        bail!("no datagram came back");
    }
    let at = |quantile| times.value_at_quantile(quantile);
    Ok(RoundTrips { count: times.len(), lost, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999) })
}

/// `None`: no answer came.
fn round_trip(socket: &UdpSocket) -> Result<Option<Duration>> {
    let mut buffer = [0; PAYLOAD];
    let begin = Instant::now();
    socket.send(&buffer).context("sending")?;
    match socket.recv(&mut buffer) {
        Ok(_) => Ok(Some(begin.elapsed())),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error).context("no answer"),
    }
}
