//! `causeway rules`: the effective security rules of a subnet or network interface.

pub mod effective;
mod text;
pub(super) mod wanted;

use std::path::PathBuf;

use super::{Exit, Output, output, read};
use crate::config::compile::outline;
use crate::config::network::Network;
use crate::policy::snapshot::Snapshot;
use effective::EffectiveRules;

const EXAMPLE: &str = "\
Examples:
  causeway rules network.yaml shop/web
  causeway rules network.yaml vm1 -o json";

/// Arguments of `causeway rules`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct Arguments {
    /// The network file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Whose rules: a subnet, as VNET/SUBNET, or a network interface, whose subnet's rules are listed too.
    #[arg(value_name = "SUBNET|NIC")]
    pub whose: String,
}

/// The effective rules of `whose`.
///
/// # Errors
/// Nothing in the file bears the name (exit status 2).
pub fn answer(network: &Network, snapshot: &Snapshot, whose: &str) -> Result<EffectiveRules, String> {
    Ok(effective::rules(network, snapshot, wanted::find(snapshot, whose)?))
}

/// Prints the rules.
#[must_use]
pub fn run(arguments: &Arguments, output: Output) -> Exit {
    let network = match read::network(&arguments.file, false) {
        Ok(network) => network,
        Err(exit) => return exit,
    };
    let snapshot = match outline(&network) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            output::complain(&error.to_string());
            return Exit::Failure;
        }
    };
    match answer(&network, &snapshot, &arguments.whose) {
        Ok(rules) => output.print(&rules, text::render, Exit::Success),
        Err(error) => {
            output::complain(&error);
            Exit::Usage
        }
    }
}
