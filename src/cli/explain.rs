//! `causeway explain`: what happens to one packet, stage by stage.

mod text;

use std::net::IpAddr;
use std::path::PathBuf;

use super::{Exit, Output, output, read};
use crate::ask::{SOURCE_PORT, Words, ask};
use crate::config::compile::outline;
use crate::config::network::Network;
use crate::policy::explain::report::{Explanation, Verdict};

/// What happens to one packet, stage by stage, until it leaves the dataplane.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The network file.
    pub file: PathBuf,
    /// Who sends: a port or host that stands for one address, VNET/SUBNET/ADDRESS, internet/ADDRESS,
    /// gateway/NAME/ADDRESS, service/NAME, or platform.
    #[arg(long, value_name = "WHO")]
    pub from: String,
    /// Where to: NAME, NAME:PORT, NAME/PROTOCOL or NAME:PORT/PROTOCOL, where NAME is a service, host, port or interface,
    /// or an address in its place (IPv6 in brackets).
    #[arg(long, value_name = "WHERE")]
    pub to: String,
    /// The packet's source, where it is not the sender's own: what an appliance forwards.
    #[arg(long, value_name = "ADDRESS")]
    pub source: Option<IpAddr>,
    /// The packet's source port.
    #[arg(long, value_name = "N", default_value_t = SOURCE_PORT)]
    pub source_port: u16,
}

/// Answers the question: allowed, denied, undetermined, or a question that cannot be understood.
#[must_use]
pub fn run(args: &Args, output: Output) -> Exit {
    let network = match read::network(&args.file, false) {
        Ok(network) => network,
        Err(exit) => return exit,
    };
    match answer(&network, args) {
        Ok(explanation) => {
            let exit = exit_of(explanation.verdict);
            output.print(&explanation, |explanation| text::render(args, explanation), exit)
        }
        Err(error) => {
            output::complain(&error);
            Exit::Usage
        }
    }
}

fn answer(network: &Network, args: &Args) -> Result<Explanation, String> {
    let snapshot = outline(network).map_err(|error| error.to_string())?;
    let Args { from, to, source, source_port, .. } = args.clone();
    ask(network, &snapshot, &Words { from, to, source, source_port }).map_err(|error| error.text)
}

const fn exit_of(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Allow => Exit::Success,
        Verdict::Deny => Exit::Failure,
        Verdict::Undetermined => Exit::Undetermined,
    }
}

#[cfg(test)]
mod tests;
