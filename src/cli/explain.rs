//! `causeway explain`: what happens to one packet, stage by stage.

mod ends;
mod text;

use std::net::IpAddr;
use std::path::PathBuf;

use super::{Exit, Output, output, read};
use crate::config::compile::compile;
use crate::config::network::Network;
use crate::policy::explain::report::{Explanation, Verdict};
use crate::policy::explain::{explain, explain_spoofed};
use crate::policy::ids::Ids;
use crate::policy::question::Question;
use crate::policy::snapshot::Snapshot;

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
    #[arg(long, value_name = "N", default_value_t = 49152)]
    pub source_port: u16,
}

/// The answer to a question put in words, or what is wrong with the words.
///
/// # Errors
/// A sentence that says which name nothing bears, or what else cannot be understood (exit status 2).
pub fn ask(network: &Network, snapshot: &Snapshot, args: &Args) -> Result<Explanation, String> {
    let from = ends::sender(network, snapshot, &args.from, args.source, ends::family(&args.to))?;
    let to = ends::destination(network, snapshot, &args.to, from.source.is_ipv6())?;
    if from.source.is_ipv6() != to.address.is_ipv6() {
        return Err(format!("no packet goes from {} to {}: one is IPv4, the other IPv6", from.source, to.address));
    }
    let question = Question {
        sender: from.sender,
        source: from.source,
        destination: to.address,
        protocol: to.protocol,
        source_port: if to.has_ports() { args.source_port } else { 0 },
        destination_port: to.port,
    };
    Ok(match from.spoofed_at {
        Some(behind) => explain_spoofed(snapshot, &question, &behind),
        None => explain(snapshot, &question),
    })
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
    let snapshot = compile(network, &mut Ids::default(), 1).map_err(|error| error.to_string())?;
    ask(network, &snapshot, args)
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
