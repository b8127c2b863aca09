//! `causeway routes`: the effective routes of a subnet, as Azure lists them.

use std::net::IpAddr;
use std::path::PathBuf;

use comfy_table::{Table, presets};
use ipnet::IpNet;
use serde::Serialize;

use super::rules::wanted::{self, Wanted};
use super::{Exit, Output, output, read};
use crate::config::compile::outline;
use crate::config::network::Network;
use crate::policy::effective_routes::{Hop, Listed, Routes};
use crate::policy::question::{NextHopType, RouteSource};

/// How many prefixes of one route the text shows.
const SHOWN: usize = 3;

const EXAMPLE: &str = "\
Examples:
  causeway routes net.yaml shop/web
  causeway routes net.yaml vm1 -o json | jq '.value[] | select(.state == \"Active\")'";

/// Effective routes: every route of a subnet, which of them count, and where they lead.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct Arguments {
    /// The network file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Whose routes: a subnet, as VNET/SUBNET, or a network interface, which has its subnet's.
    #[arg(value_name = "SUBNET|NIC")]
    pub subnet: String,
}

/// What `-o json` prints: the shape of Azure's own answer (`NetworkInterfaceEffectiveRouteTableList`).
#[derive(Debug, Serialize)]
struct Answer {
    value: Vec<Entry>,
}

/// A route in one state.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    source: RouteSource,
    state: State,
    address_prefix: Vec<IpNet>,
    next_hop_type: NextHopType,
    next_hop_ip_address: Vec<IpAddr>,
    name: Option<String>,
    disable_bgp_route_propagation: bool,
}

/// Whether packets take the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum State {
    Active,
    Invalid,
}

/// Lists the routes of a subnet, or says which name nothing bears (exit status 2).
#[must_use]
pub fn run(arguments: &Arguments, output: Output) -> Exit {
    let network = match read::network(&arguments.file, false) {
        Ok(network) => network,
        Err(exit) => return exit,
    };
    match answer(&network, &arguments.subnet) {
        Ok(answer) => output.print(&answer, text, Exit::Success),
        Err(error) => {
            output::complain(&error);
            Exit::Usage
        }
    }
}

fn answer(network: &Network, name: &str) -> Result<Answer, String> {
    let snapshot = outline(network).map_err(|error| error.to_string())?;
    let (Wanted::Subnet(subnet) | Wanted::Interface { subnet, .. }) = wanted::find(&snapshot, name)?;
    let routes = snapshot.subnet(subnet).map(|subnet| &subnet.routes).ok_or("the subnet is gone")?;
    Ok(Answer { value: routes.list().into_iter().map(|listed| entry(routes, listed)).collect() })
}

fn entry(routes: &Routes, listed: Listed<'_>) -> Entry {
    let origin = listed.route.origin.as_ref().filter(|origin| origin.table.is_some());
    Entry {
        source: listed.route.source,
        state: if listed.active { State::Active } else { State::Invalid },
        address_prefix: listed.prefixes,
        next_hop_type: listed.route.hop.kind(),
        next_hop_ip_address: if let Hop::Appliance(address) = listed.route.hop { vec![address] } else { Vec::new() },
        name: origin.map(|origin| origin.name.clone()),
        disable_bgp_route_propagation: routes.disable_bgp_route_propagation(),
    }
}

/// The columns of Azure's portal.
fn text(answer: &Answer) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["Source", "State", "Address prefixes", "Next hop type", "Next hop IP", "User route name"]);
    for entry in &answer.value {
        let hop = entry.next_hop_ip_address.first().map(ToString::to_string).unwrap_or_default();
        table.add_row([
            format!("{:?}", entry.source),
            format!("{:?}", entry.state),
            prefixes(&entry.address_prefix),
            format!("{:?}", entry.next_hop_type),
            hop,
            entry.name.clone().unwrap_or_default(),
        ]);
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim().to_owned() + "\n").collect();
    lines.concat()
}

fn prefixes(prefixes: &[IpNet]) -> String {
    let shown: Vec<String> = prefixes.iter().take(SHOWN).map(ToString::to_string).collect();
    match prefixes.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{}, {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests;
