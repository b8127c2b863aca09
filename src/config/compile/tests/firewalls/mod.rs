//! Service firewalls, kind by kind: a file's firewall, clients, and who decides about them.

mod app_service;
mod by_type;
mod plain;
mod senders;

use std::net::IpAddr;

use super::build::address;
use crate::config::compile::compile;
use crate::config::load::load_text;
use crate::policy::decide::decide;
use crate::policy::explain::Kept;
use crate::policy::ids::Ids;
use crate::policy::question::{Outcome, Question, Scope, Sender};
use crate::policy::service_firewall::{ClientSide, Judgement, same_region};
use crate::policy::snapshot::Snapshot;

/// Where the service in question is.
const AT: &str = "203.0.113.20";
/// Where its deployment site is.
const SCM: &str = "203.0.113.21";

/// One region but for the network `far`; `se` has every endpoint, `plain` none; `hq` is on-premises. The service `s` has
/// `properties`; `more` are further services.
fn file(properties: &str, more: &str) -> String {
    let endpoints = "Microsoft.Storage, Microsoft.Sql, Microsoft.AzureCosmosDB, Microsoft.KeyVault, Microsoft.ServiceBus, \
                     Microsoft.EventHub, Microsoft.AzureActiveDirectory, Microsoft.Web, Microsoft.CognitiveServices, Microsoft.ContainerRegistry";
    format!(
        "location: westeurope
serviceTags:
  AzureCloud: [198.51.100.128/25]
  AzureFrontDoor.Backend: [198.51.100.64/28]
virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - {{ name: se, addressPrefix: 10.0.1.0/24, serviceEndpoints: [{endpoints}] }}
      - {{ name: se2, addressPrefix: 10.0.2.0/24, serviceEndpoints: [{endpoints}] }}
      - {{ name: plain, addressPrefix: 10.0.3.0/24 }}
      - {{ name: inside, addressPrefix: 10.0.4.0/24 }}
      - {{ name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }}
  - name: far
    location: northeurope
    addressPrefixes: [10.1.0.0/16]
    defaultOutboundAddress: 192.0.2.20
    subnets:
      - {{ name: plain, addressPrefix: 10.1.1.0/24 }}
gateways:
  - {{ name: hq, type: Vpn, virtualNetwork: v, addressPrefixes: [172.16.0.0/16], publicIPAddress: 198.51.100.7 }}
services:
  - {{ name: s, ports: [443, 80], {properties} }}
{more}
ports:
  - {{ name: s, attach: service/s }}
  - {{ name: v, attach: v }}
"
    )
}

/// A service of this type with this firewall, at [`AT`].
fn with(kind: &str, firewall: &str) -> String {
    file(&format!("type: {kind}, addresses: [{AT}], firewall: {{ {firewall} }}"), "")
}

fn snapshot(text: &str) -> Snapshot {
    let loaded = load_text("net.yaml", text);
    let network = loaded.network.unwrap_or_else(|| panic!("{}", loaded.findings.render(false)));
    compile(&network, &mut Ids::default(), 1).unwrap()
}

/// Who asks: `v/se`, `far/plain`, `hq`, or an address of the internet.
fn sender(snapshot: &Snapshot, who: &str) -> (Sender, IpAddr) {
    if who == "hq" {
        return (Sender::Gateway(0), address("172.16.0.9"));
    }
    let Some((network, subnet)) = who.split_once('/') else { return (Sender::Internet, address(who)) };
    let is_it =
        |index: &usize| snapshot.subnets[*index].name == subnet && snapshot.network_of(*index).is_some_and(|found| found.name == network);
    let index = (0..snapshot.subnets.len()).find(is_it).unwrap();
    let first = snapshot.subnets[index].gateway(false).unwrap();
    let IpAddr::V4(first) = first else { unreachable!() };
    let source = IpAddr::V4(std::net::Ipv4Addr::from_bits(first.to_bits() + 3));
    (Sender::Subnet { subnet: index, interface: snapshot.interface_at(snapshot.subnets[index].network, source), forwarded: false }, source)
}

/// What comes of a packet to `destination`, port 443: `Allow s/ipRules[0]`.
fn ask(snapshot: &Snapshot, who: &str, destination: &str) -> (String, Kept) {
    let (sender, source) = sender(snapshot, who);
    let question = Question { sender, source, destination: address(destination), protocol: 6, source_port: 40_000, destination_port: 443 };
    let mut kept = Kept::default();
    let outcome = decide(snapshot, &question, Scope::FirstPacket, &mut kept);
    let by = kept.decided_by().unwrap_or_default();
    let answer = match outcome {
        Outcome::Forward(_) => format!("Allow {by}"),
        Outcome::Deny(_) => format!("Deny {by}"),
        Outcome::Undetermined(what) => format!("Undetermined {what}"),
    };
    (answer, kept)
}

/// Asks for each client of a file.
#[track_caller]
fn expect(text: &str, answers: &[(&str, &str)]) {
    let snapshot = snapshot(text);
    for (who, expected) in answers {
        let (answer, kept) = ask(&snapshot, who, AT);
        assert_eq!(answer, *expected, "{who}\n{text}\n{:#?}", kept.steps);
    }
}

/// The note of the firewall's step about a client.
fn note(text: &str, who: &str) -> String {
    let (_, kept) = ask(&snapshot(text), who, AT);
    kept.steps.iter().find_map(|step| step.note.clone().filter(|_| step.object.as_deref() == Some("s"))).unwrap_or_default()
}

/// What the firewall of `s` says of a packet that the service `from` sends with its own address.
fn from_service(text: &str, from: &str) -> String {
    let snapshot = snapshot(text);
    let find = |name: &str| snapshot.services.iter().position(|service| service.name == name).unwrap();
    let (sending, asked) = (&snapshot.services[find(from)], &snapshot.services[find("s")]);
    let client = ClientSide {
        address: sending.addresses[0],
        subnet: None,
        service: Some(find(from)),
        over_endpoint: false,
        same_region: same_region(sending.location.as_deref(), asked.location.as_deref()),
    };
    match asked.firewall.as_ref().unwrap().decide(&client) {
        Judgement::By(rule) => format!("{:?} {}", rule.access, rule.name),
        Judgement::Unknown(rule, what) => format!("Undetermined {} {what}", rule.name),
    }
}
