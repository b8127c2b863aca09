//! `explain` says what the dataplane does: random packets through both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod rig;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Mutex;

use causeway::packet::Reason;
use causeway::policy::admission;
use causeway::policy::decide::decide;
use causeway::policy::explain::explain;
use causeway::policy::explain::report::{Explanation, Verdict};
use causeway::policy::question::{Outcome, Question, Scope, Silent};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rig::{Out, Rig, echo, quickstart, seen, tcp, udp};

const ADDRESSES: [&str; 9] =
    ["10.1.1.4", "10.1.2.4", "203.0.113.50", "203.0.113.20", "203.0.113.36", "198.51.100.20", "10.1.1.9", "192.0.2.10", "172.16.0.1"];
const PORTS: [&str; 6] = ["web1", "batch1", "func", "orders", "ledger", "internet"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn explained_and_forwarded_are_the_same(
        port in 0..PORTS.len(), source in 0..ADDRESSES.len(), destination in 0..ADDRESSES.len(),
        destination_port in prop_oneof![Just(80_u16), Just(443), Just(1433), Just(22), any::<u16>()], is_tcp: bool,
    ) {
        prop_assume!(destination_port != 0);
        let mut rig = Rig::new(&quickstart());
        let (from, to) = ((ADDRESSES[source], 40_000), (ADDRESSES[destination], destination_port));
        let frame = if is_tcp { tcp(from, to, "S", 1, 0, b"") } else { udp(from, to, b"x") };
        let expected = expected(&rig, PORTS[port], from.0, to.0, destination_port, if is_tcp { 6 } else { 17 });
        let out = rig.send(PORTS[port], &frame);
        match expected {
            Ok(way) => {
                prop_assert_eq!(rig.count(Reason::Forwarded), 1);
                prop_assert_eq!(&out[0].port, &way);
            }
            Err(reason) => prop_assert_eq!(rig.count(reason), 1, "{} expected", reason),
        }
    }
}

/// What the policy answers: the way out, or the reason.
fn expected(rig: &Rig, port: &str, source: &str, destination: &str, destination_port: u16, protocol: u8) -> Result<String, Reason> {
    let destination = destination.parse().unwrap();
    let admitted = admission::admit(&rig.snapshot, rig.port(port), source.parse().unwrap(), destination)?;
    let question =
        Question { sender: admitted.sender, source: admitted.source, destination, protocol, source_port: 40_000, destination_port };
    match decide(&rig.snapshot, &question, Scope::FirstPacket, &mut Silent) {
        Outcome::Forward(forward) => Ok(rig.snapshot.ports.iter().find(|port| port.id == forward.delivery.port).unwrap().name.clone()),
        Outcome::Deny(denial) => Err(denial.reason),
        Outcome::Undetermined(_) => Err(Reason::Unsupported),
    }
}

/// A small random network file: two networks with one address space, security groups on subnets and an interface, endpoints,
/// routes, an appliance, public addresses, and services whose firewalls list subnets and addresses.
fn network() -> impl Strategy<Value = String> {
    let groups = (rules(), rules(), rules());
    let networks = (red(), blue());
    let firewalls = (firewall(), firewall(), firewall());
    (groups, networks, routes(), firewalls, any::<bool>()).prop_map(|(groups, (red, blue), routes, firewalls, route_all)| {
        let mut text = String::from("location: westeurope\nserviceTags:\n  Storage.westeurope: [203.0.113.16/28]\n");
        text.push_str("  Sql.westeurope: [203.0.113.32/28]\n  AppService.westeurope: [203.0.113.48/28]\nvirtualNetworks:\n");
        text += &red.text("red", "192.0.2.10");
        text += &blue.text("blue", "192.0.2.11");
        text.push_str("networkInterfaces:\n");
        text.push_str(
            "  - { name: vm, subnet: red/a, privateIPAddress: 10.1.1.4, publicIPAddress: 192.0.2.30, networkSecurityGroup: n2 }\n",
        );
        text.push_str("  - { name: fw, subnet: red/b, privateIPAddress: 10.1.2.9, enableIPForwarding: true }\n");
        text.push_str("networkSecurityGroups:\n");
        for (index, rules) in [groups.0, groups.1, groups.2].iter().enumerate() {
            writeln!(text, "  - {{ name: n{index}, securityRules: [{}] }}", rules.join(", ")).unwrap();
        }
        writeln!(text, "routeTables:\n  - {{ name: r0, routes: [{}] }}\nservices:", routes.join(", ")).unwrap();
        let listed = listed(&red, &blue);
        for ((name, kind, address, endpoint), firewall) in SERVICES.into_iter().zip([firewalls.0, firewalls.1, firewalls.2]) {
            let subnets: Vec<_> =
                listed.iter().filter(|(_, endpoints)| endpoints.contains(&endpoint)).map(|(name, _)| name.clone()).collect();
            // The app is integrated with a subnet, and so a sender of two kinds.
            let app = if name == "func" {
                format!("virtualNetworkSubnetId: red/apps, vnetRouteAllEnabled: {route_all}, ")
            } else {
                String::new()
            };
            let firewall = firewall.text(kind, &subnets);
            writeln!(text, "  - {{ name: {name}, type: {kind}, addresses: [{address}], {app}firewall: {firewall} }}").unwrap();
        }
        text.push_str("privateEndpoints: [{ name: link, subnet: red/b, privateIPAddress: 10.1.2.20, service: orders }]\n");
        text.push_str("ports:\n");
        for (name, attach, _) in DOORS {
            writeln!(text, "  - {{ name: {name}, attach: {attach} }}").unwrap();
        }
        text
    })
}

const SERVICES: [(&str, &str, &str, &str); 3] = [
    ("orders", "Microsoft.Storage/storageAccounts", "203.0.113.20", "Microsoft.Storage"),
    ("ledger", "Microsoft.Sql/servers", "203.0.113.36", "Microsoft.Sql"),
    ("func", "Microsoft.Web/sites", "203.0.113.50", "Microsoft.Web"),
];

/// Ports: name, attachment, who lives there.
const DOORS: [(&str, &str, &str); 9] = [
    ("red1", "red/a/10.1.1.4", "10.1.1.4"),
    ("red2", "red/b/10.1.2.4", "10.1.2.4"),
    ("fw", "red/b/10.1.2.9", "10.1.2.9"),
    ("blue1", "blue/a/10.1.1.4", "10.1.1.4"),
    ("blue2", "blue/b/10.1.2.4", "10.1.2.4"),
    ("orders", "service/orders", "203.0.113.20"),
    ("ledger", "service/ledger", "203.0.113.36"),
    ("func", "service/func", "203.0.113.50"),
    ("internet", "internet", "198.51.100.20"),
];

const DESTINATIONS: [&str; 14] = [
    "10.1.2.20",
    "10.1.3.4",
    "10.1.1.4",
    "10.1.2.4",
    "10.1.2.9",
    "10.1.1.77",
    "203.0.113.20",
    "203.0.113.36",
    "203.0.113.50",
    "203.0.113.99",
    "198.51.100.20",
    "192.0.2.30",
    "192.0.2.10",
    "172.16.0.1",
];

#[derive(Clone, Debug)]
struct Subnet {
    group: Option<&'static str>,
    endpoints: Vec<&'static str>,
    routed: bool,
}

#[derive(Clone, Debug)]
struct VirtualNetwork {
    outbound: bool,
    subnets: [Subnet; 2],
}

impl VirtualNetwork {
    fn text(&self, name: &str, outbound: &str) -> String {
        let mut text = format!("  - name: {name}\n    addressPrefixes: [10.1.0.0/16]\n");
        if self.outbound {
            writeln!(text, "    defaultOutboundAddress: {outbound}").unwrap();
        }
        text.push_str("    subnets:\n");
        if name == "red" {
            let endpoints = self.subnets[0].endpoints.join(", ");
            writeln!(text, "      - {{ name: apps, addressPrefix: 10.1.3.0/26, delegation: Microsoft.Web/serverFarms, serviceEndpoints: [{endpoints}] }}")
                .unwrap();
        }
        for (number, subnet) in self.subnets.iter().enumerate() {
            let (name, third) = (["a", "b"][number], number + 1);
            write!(text, "      - {{ name: {name}, addressPrefix: 10.1.{third}.0/24").unwrap();
            if let Some(group) = subnet.group {
                write!(text, ", networkSecurityGroup: {group}").unwrap();
            }
            if subnet.routed {
                text.push_str(", routeTable: r0");
            }
            text.push_str(if subnet.group.is_some() { ", privateEndpointNetworkPolicies: Enabled" } else { "" });
            writeln!(text, ", serviceEndpoints: [{}] }}", subnet.endpoints.join(", ")).unwrap();
        }
        text
    }
}

/// Each subnet and its endpoints.
fn listed(red: &VirtualNetwork, blue: &VirtualNetwork) -> Vec<(String, Vec<&'static str>)> {
    let named = |network: &str, index: usize, subnet: &Subnet| (format!("{network}/{}", ["a", "b"][index]), subnet.endpoints.clone());
    [("red", red), ("blue", blue)]
        .into_iter()
        .flat_map(|(name, network)| network.subnets.iter().enumerate().map(move |(index, subnet)| named(name, index, subnet)))
        .collect()
}

fn subnet(routed: bool) -> impl Strategy<Value = Subnet> {
    let endpoints = subsequence(SERVICES.map(|(.., endpoint)| endpoint).to_vec(), 0..=3);
    let group = proptest::option::of(select(vec!["n0", "n1"]));
    (group, endpoints, any::<bool>()).prop_map(move |(group, endpoints, wants)| Subnet { group, endpoints, routed: routed && wants })
}

fn red() -> impl Strategy<Value = VirtualNetwork> {
    (any::<bool>(), subnet(true), subnet(false)).prop_map(|(outbound, a, b)| VirtualNetwork { outbound, subnets: [a, b] })
}

fn blue() -> impl Strategy<Value = VirtualNetwork> {
    (any::<bool>(), subnet(false), subnet(false)).prop_map(|(outbound, a, b)| VirtualNetwork { outbound, subnets: [a, b] })
}

/// Up to five security rules.
fn rules() -> impl Strategy<Value = Vec<String>> {
    const ENDS: [&str; 9] =
        ["\"*\"", "VirtualNetwork", "Internet", "Storage", "Sql", "10.1.1.0/24", "10.1.2.4", "203.0.113.0/24", "198.51.100.0/24"];
    let ends = (select(ENDS.to_vec()), select(ENDS.to_vec()));
    let ports = select(vec!["\"*\"", "\"80\"", "\"443-1500\""]);
    let rule = (select(vec!["Inbound", "Outbound"]), select(vec!["Allow", "Deny"]), select(vec!["Tcp", "Udp", "\"*\""]), ends, ports);
    proptest::collection::vec(rule, 0..6).prop_map(|rules| {
        let text = |(index, (direction, access, protocol, (source, destination), ports)): (usize, _)| {
            format!(
                "{{ name: rule{index}, priority: {}, direction: {direction}, access: {access}, protocol: {protocol}, \
                 sourceAddressPrefix: {source}, sourcePortRange: \"*\", destinationAddressPrefix: {destination}, \
                 destinationPortRange: {ports} }}",
                100 + index
            )
        };
        rules.into_iter().enumerate().map(text).collect()
    })
}

fn routes() -> impl Strategy<Value = Vec<String>> {
    let prefixes = vec!["0.0.0.0/0", "10.1.2.20/32", "203.0.113.0/24", "203.0.113.20/32", "10.1.2.0/24", "198.51.100.0/24"];
    let hop = select(vec!["nextHopType: None", "nextHopType: Internet", "nextHopType: VirtualAppliance, nextHopIpAddress: 10.1.2.9"]);
    (subsequence(prefixes, 0..=5), proptest::collection::vec(hop, 6)).prop_map(|(prefixes, hops)| {
        let text = |(index, (prefix, hop)): (usize, (&str, &str))| format!("{{ name: r{index}, addressPrefix: {prefix}, {hop} }}");
        prefixes.into_iter().zip(hops).enumerate().map(text).collect()
    })
}

#[derive(Clone, Debug)]
struct Firewall {
    deny: bool,
    subnets: Vec<bool>,
    addresses: Vec<&'static str>,
}

impl Firewall {
    fn text(&self, kind: &str, subnets: &[String]) -> String {
        let chosen = subnets.iter().zip(&self.subnets).filter(|(_, chosen)| **chosen).map(|(name, _)| name.clone());
        let action = if self.deny { "Deny" } else { "Allow" };
        if kind != "Microsoft.Web/sites" {
            let subnets: Vec<_> = chosen.collect();
            let addresses = self.addresses.join(", ");
            return format!("{{ defaultAction: {action}, virtualNetworkRules: [{}], ipRules: [{addresses}] }}", subnets.join(", "));
        }
        let clients =
            chosen.map(|name| format!("subnet: {name}")).chain(self.addresses.iter().map(|address| format!("ipAddress: {address}/32")));
        let rules: Vec<_> = clients
            .enumerate()
            .map(|(index, client)| format!("{{ name: a{index}, priority: {}, action: Allow, {client} }}", 100 + index))
            .collect();
        format!("{{ defaultAction: {action}, accessRestrictions: [{}] }}", rules.join(", "))
    }
}

fn firewall() -> impl Strategy<Value = Firewall> {
    let addresses = subsequence(vec!["192.0.2.10", "192.0.2.11", "192.0.2.30", "198.51.100.20"], 0..=4);
    (any::<bool>(), proptest::collection::vec(any::<bool>(), 4), addresses).prop_map(|(deny, subnets, addresses)| Firewall {
        deny,
        subnets,
        addresses,
    })
}

#[derive(Clone, Debug)]
struct Sent {
    door: usize,
    /// Another source than the door's own, sometimes.
    foreign: Option<&'static str>,
    destination: &'static str,
    destination_port: u16,
    protocol: u8,
}

fn sent() -> impl Strategy<Value = Sent> {
    let foreign = proptest::option::weighted(0.15, select(DESTINATIONS.to_vec()));
    let to = (select(DESTINATIONS.to_vec()), select(vec![80_u16, 443, 1433, 22]));
    (0..DOORS.len(), foreign, to, select(vec![6_u8, 6, 17, 1])).prop_map(|(door, foreign, (destination, destination_port), protocol)| {
        Sent { door, foreign, destination, destination_port, protocol }
    })
}

/// What became of the packets, so that a generator that only ever makes denied ones is found out.
static MET: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    // no #[test]: called by the one below, which looks at the sum
    fn packets_meet_what_is_explained(text in network(), packets in proptest::collection::vec(sent(), 24)) {
        let mut rig = Rig::new(&text);
        for (number, packet) in packets.iter().enumerate() {
            let met = meet(&mut rig, packet, 40_000 + u16::try_from(number).unwrap());
            MET.lock().unwrap().insert(met.map_err(|error| TestCaseError::fail(format!("{error}\n{packet:?}\n{text}")))?);
        }
    }
}

#[test]
fn random_networks_forward_as_they_explain() {
    packets_meet_what_is_explained();
    let met = MET.lock().unwrap();
    for expected in
        ["Unchanged", "Private", "Public", "nsg-deny", "service-firewall-deny", "source-spoofed", "service-initiated", "route-none"]
    {
        assert!(met.contains(expected), "no packet met {expected}, only {met:?}");
    }
}

/// Sends one packet and compares what became of it with the decision and with its explanation. Says what it was.
fn meet(rig: &mut Rig, packet: &Sent, port: u16) -> Result<String, String> {
    let (name, _, own) = DOORS[packet.door];
    let source = packet.foreign.unwrap_or(own);
    let to = (packet.destination, packet.destination_port);
    let frame = match packet.protocol {
        6 => tcp((source, port), to, "S", 1, 0, b""),
        17 => udp((source, port), to, b"x"),
        _ => echo(source, packet.destination, port, false),
    };
    let before: Vec<u64> = Reason::ALL.iter().map(|reason| rig.count(*reason)).collect();
    let destination = packet.destination.parse().unwrap();
    let admitted = admission::admit(&rig.snapshot, rig.port(name), source.parse().unwrap(), destination);
    let out = rig.send(name, &frame);
    let counted = |reason| before[Reason::ALL.iter().position(|other| *other == reason).unwrap()] + 1 == rig.count(reason);
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(reason) => return counted(reason).then(|| reason.to_string()).ok_or(format!("{reason} expected")),
    };
    let (source_port, destination_port) = if packet.protocol == 1 { (0, 0) } else { (port, packet.destination_port) };
    let (sender, source) = (admitted.sender, admitted.source);
    let question = Question { sender, source, destination, protocol: packet.protocol, source_port, destination_port };
    let explanation = explain(&rig.snapshot, &question);
    let outcome = decide(&rig.snapshot, &question, Scope::FirstPacket, &mut Silent);
    if !counted(explanation.reason) {
        return Err(format!("explained as {}, {} frames left", explanation.reason, out.len()));
    }
    match (outcome, explanation.verdict) {
        (Outcome::Forward(forward), Verdict::Allow) => {
            let way = rig.snapshot.ports.iter().find(|port| port.id == forward.delivery.port).unwrap().name.clone();
            let wire = forward.delivery.wire_destination;
            arrived(&out, &way, wire, &explanation, (packet, port))?;
            Ok(format!("{:?}", forward.source).split('(').next().unwrap_or_default().to_owned())
        }
        (Outcome::Deny(denial), Verdict::Deny) if denial.reason == explanation.reason => Ok(denial.reason.to_string()),
        (Outcome::Undetermined(_), Verdict::Undetermined) => Ok(Reason::Unsupported.to_string()),
        (outcome, verdict) => Err(format!("{outcome:?} is explained as {verdict:?}")),
    }
}

/// Whether the one frame left by this way, for this address, with the source that was explained and a port that may be shown.
fn arrived(
    out: &[Out],
    way: &str,
    destination: std::net::IpAddr,
    explanation: &Explanation,
    (packet, port): (&Sent, u16),
) -> Result<(), String> {
    let [frame] = out else { return Err(format!("{} frames left", out.len())) };
    let there = seen(&frame.bytes);
    let explained = explanation.seen_as.as_ref().map(|seen| seen.address);
    let ports = if packet.protocol == 1 { (0, 0) } else { (port, packet.destination_port) };
    let same = frame.port == way && there.destination == destination && explained == Some(there.source) && there.ports == ports;
    same.then_some(()).ok_or(format!("{there:?} left by {}; {way} and {explanation:?} were expected", frame.port))
}
