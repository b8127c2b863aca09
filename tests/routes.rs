//! Routes, peerings and gateways: networks as files, and questions to them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;

use causeway::ask::{Words, ask};
use causeway::config::compile::compile;
use causeway::config::load::load_text;
use causeway::config::network::Network;
use causeway::policy::explain::report::{Explanation, StepReport};
use causeway::policy::ids::Ids;
use causeway::policy::question::Stage;
use causeway::policy::snapshot::Snapshot;
use ipnet::IpNet;
use proptest::prelude::*;

/// A network that takes questions.
struct Asked {
    network: Network,
    snapshot: Snapshot,
}

impl Asked {
    fn new(text: &str) -> Self {
        let loaded = load_text("net.yaml", text);
        let network = loaded.network.unwrap_or_else(|| panic!("{}\n{text}", loaded.findings.render(false)));
        let snapshot = compile(&network, &mut Ids::default(), 1).unwrap();
        Self { network, snapshot }
    }

    fn ask(&self, from: &str, to: &str) -> Explanation {
        self.ask_as(from, None, to)
    }

    /// What `from` forwards for `source`.
    fn ask_as(&self, from: &str, source: Option<&str>, to: &str) -> Explanation {
        let source = source.map(|source| source.parse().unwrap());
        let words = Words { from: from.into(), to: to.into(), source, source_port: 40000 };
        ask(&self.network, &self.snapshot, &words).unwrap()
    }

    /// `REASON HOP`, or `REASON -`.
    fn way(&self, from: &str, to: &str) -> String {
        way(&self.ask(from, to))
    }
}

fn way(answer: &Explanation) -> String {
    let hop = answer.next_hop_type.map_or("-".to_owned(), |hop| format!("{hop:?}"));
    format!("{} {hop}", answer.reason)
}

fn route(answer: &Explanation) -> &StepReport {
    answer.steps.iter().find(|step| step.stage == Stage::Route).unwrap()
}

/// `PREFIX SOURCE`, and the user route's name.
fn chosen(answer: &Explanation) -> String {
    let step = route(answer);
    let report = step.route.as_ref().unwrap();
    let rule = step.rule.as_ref().map(|rule| format!(" {rule}")).unwrap_or_default();
    format!("{} {:?}{rule}", report.prefix, report.source.unwrap())
}

fn notes(answer: &Explanation) -> String {
    answer.steps.iter().filter_map(|step| step.note.clone()).collect::<Vec<_>>().join("; ")
}

/// One network 10.0.0.0/16 with subnets app, db and fw, an appliance in the last, a storage account and the internet;
/// `table` is app's route table.
fn single(table: &str, more: &str) -> String {
    format!(
        "location: westeurope
serviceTags:
  Storage.westeurope: [203.0.113.16/28]
virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - {{ name: app, addressPrefix: 10.0.1.0/24, routeTable: t }}
      - {{ name: se, addressPrefix: 10.0.2.0/24, routeTable: t, serviceEndpoints: [Microsoft.Storage] }}
      - {{ name: db, addressPrefix: 10.0.3.0/24 }}
      - {{ name: fw, addressPrefix: 10.0.9.0/24 }}
      - {{ name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }}
networkInterfaces:
  - {{ name: nva, subnet: v/fw, privateIPAddress: 10.0.9.4, enableIPForwarding: true }}
  - {{ name: plain, subnet: v/fw, privateIPAddress: 10.0.9.5 }}
services:
  - {{ name: stg, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20] }}
ports:
  - {{ name: v, attach: v }}
  - {{ name: stg, attach: service/stg }}
  - {{ name: internet, attach: internet }}
routeTables:
  - name: t
    routes:
{table}{more}"
    )
}

fn routes(list: &[&str]) -> String {
    list.iter().enumerate().fold(String::new(), |mut text, (index, route)| {
        writeln!(text, "      - {{ name: r{index}, {route} }}").unwrap();
        text
    })
}

const TO_NVA: &str = "nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4";
const VPN: &str =
    "gateways:\n  - { name: hq, type: Vpn, virtualNetwork: v, addressPrefixes: [172.16.0.0/16], publicIPAddress: 198.51.100.7 }\n";
const APP: &str = "v/app/10.0.1.4";
const SE: &str = "v/se/10.0.2.4";
const DB: &str = "v/db/10.0.3.4";

#[test]
fn without_user_routes_the_system_decides() {
    let asked = Asked::new(&single(&routes(&["addressPrefix: 192.0.2.200/32, nextHopType: None"]), ""));
    for (to, expected) in [
        ("10.0.3.4", "forwarded VnetLocal"),
        ("198.51.100.20", "forwarded Internet"),
        ("203.0.113.20", "forwarded Internet"),
        ("10.1.0.4", "route-none None"),
        ("172.31.255.1", "route-none None"),
        ("192.168.0.1", "route-none None"),
        ("100.127.0.1", "route-none None"),
        ("100.128.0.1", "forwarded Internet"),
        ("192.0.2.200", "route-none None"),
    ] {
        assert_eq!(asked.way(APP, to), expected, "{to}");
    }
}

#[test]
fn a_default_route_of_the_users_takes_the_reserved_prefixes_away() {
    let table = routes(&[&format!("addressPrefix: 0.0.0.0/0, {TO_NVA}")]);
    let asked = Asked::new(&single(&table, ""));
    for to in ["10.1.0.4", "172.31.255.1", "192.168.0.1", "100.127.0.1", "198.51.100.20", "203.0.113.20"] {
        let answer = asked.ask(APP, to);
        assert_eq!((way(&answer).as_str(), chosen(&answer).as_str()), ("forwarded VirtualAppliance", "0.0.0.0/0 User r0"), "{to}");
    }
    assert!(notes(&asked.ask(APP, "10.1.0.4")).contains("takes the system's 10.0.0.0/8 to None away"));
    assert!(notes(&asked.ask(APP, "172.31.0.1")).contains("(userDefaultRouteRemoves: all)"));
    assert!(!notes(&asked.ask(APP, "198.51.100.20")).contains("away"));
    assert_eq!(asked.way(DB, "10.1.0.4"), "route-none None", "of that subnet only");
    assert_eq!(asked.way(APP, "10.0.3.4"), "forwarded VnetLocal");

    let named = Asked::new(&single(&table, "options: { userDefaultRouteRemoves: named }\n"));
    let kept = named.ask(APP, "172.31.255.1");
    assert_eq!(way(&kept), "route-none None");
    assert!(notes(&kept).contains("stays beside the user's 0.0.0.0/0 (userDefaultRouteRemoves: named)"), "{}", notes(&kept));
    assert_eq!(named.way(APP, "192.168.0.1"), "forwarded VirtualAppliance");
}

#[test]
fn a_default_route_to_the_internet_is_an_option() {
    let table = routes(&["addressPrefix: 0.0.0.0/0, nextHopType: Internet"]);
    let removes = Asked::new(&single(&table, "")).ask(APP, "10.1.0.4");
    assert_eq!(way(&removes), "destination-unknown Internet", "nobody on the internet has a private address");
    assert!(notes(&removes).contains("userDefaultRouteToInternet: removes"), "{}", notes(&removes));
    let keeps = Asked::new(&single(&table, "options: { userDefaultRouteToInternet: keeps }\n")).ask(APP, "10.1.0.4");
    assert_eq!(way(&keeps), "route-none None");
    assert!(notes(&keeps).contains("userDefaultRouteToInternet: keeps"), "{}", notes(&keeps));
    let halves = routes(&[&format!("addressPrefix: 0.0.0.0/1, {TO_NVA}"), &format!("addressPrefix: 128.0.0.0/1, {TO_NVA}")]);
    assert_eq!(Asked::new(&single(&halves, "")).way(APP, "10.1.0.4"), "route-none None", "two halves are no default route");
}

#[test]
fn address_space_that_holds_a_reserved_prefix_replaces_it() {
    let network = |space: &str| {
        format!(
            "virtualNetworks:\n  - name: v\n    addressPrefixes: [{space}]\n    subnets: [{{ name: s, addressPrefix: 172.16.1.0/24 }}]\nports:\n  - {{ name: v, attach: v }}\n"
        )
    };
    for (space, to, expected) in [
        ("172.16.0.0/12", "172.31.0.4", "172.16.0.0/12 Default"),
        ("172.0.0.0/8", "172.31.0.4", "172.0.0.0/8 Default"),
        ("172.0.0.0/8", "172.200.0.4", "172.0.0.0/8 Default"),
        ("172.16.0.0/13", "172.16.1.9", "172.16.0.0/13 Default"),
        ("172.16.0.0/13", "172.24.0.4", "172.16.0.0/12 Default"),
        ("172.16.0.0/13", "10.0.0.4", "10.0.0.0/8 Default"),
    ] {
        let answer = Asked::new(&network(space)).ask("v/s/172.16.1.4", to);
        assert_eq!(chosen(&answer), expected, "{space} {to}");
    }
    assert_eq!(Asked::new(&network("172.16.0.0/12")).way("v/s/172.16.1.4", "172.31.0.4"), "destination-unknown VnetLocal");
    assert_eq!(Asked::new(&network("172.16.0.0/13")).way("v/s/172.16.1.4", "172.24.0.4"), "route-none None");
}

#[test]
fn observed_none_routes_are_an_option() {
    let table = routes(&["addressPrefix: 192.0.2.200/32, nextHopType: None"]);
    assert_eq!(Asked::new(&single(&table, "")).way(APP, "198.18.0.1"), "forwarded Internet");
    let observed = Asked::new(&single(&table, "options: { systemNoneRoutes: observed }\n")).ask(APP, "198.18.0.1");
    assert_eq!((way(&observed).as_str(), chosen(&observed).as_str()), ("route-none None", "198.18.0.0/15 Default"));
}

#[test]
fn the_longest_prefix_wins_then_the_user() {
    let table = routes(&[
        &format!("addressPrefix: 10.0.0.0/16, {TO_NVA}"),
        "addressPrefix: 10.0.3.0/24, nextHopType: VnetLocal",
        "addressPrefix: 10.0.3.9/32, nextHopType: None",
        "addressPrefix: 172.16.0.0/16, nextHopType: None",
        "addressPrefix: 172.16.9.0/24, nextHopType: VirtualNetworkGateway",
    ]);
    let asked = Asked::new(&single(&table, VPN));
    for (to, expected, by) in [
        ("10.0.3.4", "forwarded VnetLocal", "10.0.3.0/24 User r1"),
        ("10.0.3.9", "route-none None", "10.0.3.9/32 User r2"),
        // A route equal to the network's space takes what stays inside the subnet, too.
        ("10.0.1.5", "forwarded VirtualAppliance", "10.0.0.0/16 User r0"),
        ("10.0.9.4", "forwarded VirtualAppliance", "10.0.0.0/16 User r0"),
        ("172.16.1.1", "route-none None", "172.16.0.0/16 User r3"),
        ("172.16.9.1", "destination-unknown VirtualNetworkGateway", "172.16.9.0/24 User r4"),
        ("172.17.0.1", "route-none None", "172.16.0.0/12 Default"),
    ] {
        let answer = asked.ask(APP, to);
        assert_eq!((way(&answer).as_str(), chosen(&answer).as_str()), (expected, by), "{to}");
    }
    assert_eq!(chosen(&asked.ask(DB, "172.16.1.1")), "172.16.0.0/16 VirtualNetworkGateway");
    let denied = asked.ask(APP, "10.0.3.9");
    assert_eq!((denied.decided_by.as_deref(), route(&denied).at.as_deref()), (Some("t/r2"), Some("net.yaml:28:9")));
}

#[test]
fn an_endpoint_wins_over_a_user_route_and_only_where_it_is() {
    let table = routes(&[
        &format!("addressPrefix: 0.0.0.0/0, {TO_NVA}"),
        "addressPrefix: Storage, nextHopType: None",
        "addressPrefix: 203.0.113.20/32, nextHopType: Internet",
    ]);
    let asked = Asked::new(&single(&table, ""));
    let over = asked.ask(SE, "stg");
    assert_eq!((way(&over).as_str(), chosen(&over).as_str()), ("forwarded VirtualNetworkServiceEndpoint", "203.0.113.16/28 Default"));
    assert!(notes(&over).contains("wins over t/r2 (203.0.113.20/32): endpointRouteOverUserRoute: always"), "{}", notes(&over));
    assert_eq!(chosen(&asked.ask(APP, "stg")), "203.0.113.20/32 User r2");
    assert_eq!(asked.way(APP, "203.0.113.21"), "route-none None", "the tag's prefix is longer than the default route");
    let ping = asked.ask(SE, "stg/icmp");
    assert_eq!(chosen(&ping), "203.0.113.20/32 User r2");
    assert!(notes(&ping).contains("ICMP does not take the endpoint Microsoft.Storage"), "{}", notes(&ping));

    let by_length = Asked::new(&single(&table, "options: { endpointRouteOverUserRoute: longest-prefix }\n"));
    let longer = by_length.ask(SE, "stg");
    assert_eq!((way(&longer).as_str(), chosen(&longer).as_str()), ("forwarded Internet", "203.0.113.20/32 User r2"));
    assert!(notes(&longer).contains("endpointRouteOverUserRoute: longest-prefix"), "{}", notes(&longer));
    assert_eq!(chosen(&by_length.ask(SE, "203.0.113.21")), "203.0.113.16/28 User r1", "at equal length the user's");
}

#[test]
fn networks_peers_and_endpoints_win_over_longer_routes_of_a_gateway() {
    let gateway = "gateways:\n  - { name: hq, type: Vpn, virtualNetwork: v, bgp: true, addressPrefixes: [10.0.3.0/24, 203.0.113.20/32, 203.0.113.0/24, 0.0.0.0/0], publicIPAddress: 198.51.100.7 }\n";
    let asked = Asked::new(&single(
        &routes(&["addressPrefix: 192.0.2.200/32, nextHopType: None"]),
        &format!("{gateway}options: {{ endpointRouteOverUserRoute: longest-prefix }}\n"),
    ));
    let inside = asked.ask(APP, "10.0.3.4");
    assert_eq!(chosen(&inside), "10.0.0.0/16 Default");
    assert!(notes(&inside).contains("wins over a gateway's longer one (10.0.3.0/24)"), "{}", notes(&inside));
    assert_eq!(chosen(&asked.ask(SE, "stg")), "203.0.113.16/28 Default");
    assert_eq!(chosen(&asked.ask(APP, "stg")), "203.0.113.20/32 VirtualNetworkGateway");
    // Forced tunnelling by BGP: a default route from on-premises takes the system's place; the reserved prefixes stay.
    assert_eq!(chosen(&asked.ask(APP, "198.51.100.20")), "0.0.0.0/0 VirtualNetworkGateway");
    assert_eq!(asked.way(APP, "10.1.0.4"), "route-none None");
}

#[test]
fn forced_tunnelling_keeps_the_private_source_and_the_endpoint() {
    let table = routes(&["addressPrefix: 0.0.0.0/0, nextHopType: VirtualNetworkGateway"]);
    let text = single(&table, VPN).replace("  - { name: internet,", "  - { name: hq, attach: gateway/hq }\n  - { name: internet,");
    let asked = Asked::new(&text);
    let out = asked.ask(APP, "198.51.100.20");
    assert_eq!((way(&out).as_str(), chosen(&out).as_str()), ("forwarded VirtualNetworkGateway", "0.0.0.0/0 User r0"));
    assert_eq!(out.seen_as.unwrap().address.to_string(), "10.0.1.4");
    assert_eq!(asked.way(SE, "stg"), "forwarded VirtualNetworkServiceEndpoint");
    assert_eq!(asked.way(DB, "198.51.100.20"), "forwarded Internet");
    assert_eq!(asked.way(APP, "10.0.3.4"), "forwarded VnetLocal");
}

#[test]
fn gateway_routes_are_not_propagated_where_the_table_says_so() {
    let table = routes(&["addressPrefix: 172.16.5.0/24, nextHopType: VirtualNetworkGateway"]);
    let text = single(&table, VPN).replace("  - name: t\n", "  - name: t\n    disableBgpRoutePropagation: true\n");
    let asked = Asked::new(&text.replace("  - { name: internet,", "  - { name: hq, attach: gateway/hq }\n  - { name: internet,"));
    assert_eq!(asked.way(APP, "172.16.1.1"), "route-none None");
    assert_eq!(asked.way(APP, "172.16.5.1"), "forwarded VirtualNetworkGateway", "a user route leads there all the same");
    assert_eq!(asked.way(DB, "172.16.1.1"), "forwarded VirtualNetworkGateway");
    assert_eq!(asked.way("gateway/hq/172.16.1.1", "10.0.1.4"), "forwarded -", "it is about what the subnet sends");
}

#[test]
fn of_equal_prefixes_a_written_one_beats_regional_tags_those_the_rest_and_azurecloud_is_last() {
    let tags = ["203.0.113.16/28", "Storage.westeurope", "Storage", "AzureCloud.westeurope", "AzureCloud"];
    let text = |list: &[&str]| {
        let routes = list.iter().map(|tag| format!("addressPrefix: {tag}, nextHopType: None")).collect::<Vec<_>>();
        let text = single(&super_routes(&routes), "");
        text.replace("serviceTags:\n", "serviceTags:\n  AzureCloud.westeurope: [203.0.113.16/28]\n")
    };
    for from in 0..tags.len() {
        // Whatever their order in the file.
        let mut list = tags[from..].to_vec();
        list.reverse();
        let last = list.len() - 1;
        assert_eq!(chosen(&Asked::new(&text(&list)).ask(APP, "stg")), format!("203.0.113.16/28 User r{last}"), "{list:?}");
    }
}

fn super_routes(list: &[String]) -> String {
    routes(&list.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn an_appliance_takes_the_family_of_its_address_from_a_tag() {
    let table = routes(&[&format!("addressPrefix: Storage, {TO_NVA}")]);
    let text =
        single(&table, "").replace("Storage.westeurope: [203.0.113.16/28]", "Storage.westeurope: [203.0.113.16/28, '2001:db8:1::/48']");
    let text = text
        .replace("addressPrefixes: [10.0.0.0/16]", "addressPrefixes: [10.0.0.0/16, 'fd00::/48']")
        .replace("name: app, addressPrefix: 10.0.1.0/24", "name: app, addressPrefixes: [10.0.1.0/24, 'fd00:0:0:1::/64']");
    let asked = Asked::new(&text);
    assert_eq!(chosen(&asked.ask(APP, "203.0.113.20")), "203.0.113.16/28 User r0");
    assert_eq!(chosen(&asked.ask("v/app/fd00:0:0:1::4", "[2001:db8:1::1]:80")), "::/0 Default");
}

#[test]
fn an_appliance_must_forward_and_be_there() {
    let to =
        |hop: &str| single(&routes(&[&format!("addressPrefix: 10.0.3.0/24, nextHopType: VirtualAppliance, nextHopIpAddress: {hop}")]), "");
    for (hop, expected) in [
        ("10.0.9.4", "forwarded VirtualAppliance"),
        ("10.0.9.5", "ip-forwarding-disabled VirtualAppliance"),
        ("10.0.9.6", "ip-forwarding-disabled VirtualAppliance"),
        ("10.0.100.4", "destination-unknown VirtualAppliance"),
    ] {
        assert_eq!(Asked::new(&to(hop)).way(APP, "10.0.3.4"), expected, "{hop}");
    }
    let answer = Asked::new(&to("10.0.9.4")).ask(APP, "10.0.3.4");
    assert_eq!(route(&answer).route.as_ref().unwrap().next_hop_ip_address, Some("10.0.9.4".parse().unwrap()));
    // What it sends on is a question of its own: its own subnet's routes, the source stays.
    let onward = Asked::new(&to("10.0.9.4")).ask_as("v/fw/10.0.9.4", Some("10.0.1.4"), "10.0.3.4");
    assert_eq!((way(&onward).as_str(), onward.seen_as.unwrap().address.to_string().as_str()), ("forwarded VnetLocal", "10.0.1.4"));
    let refused = Asked::new(&to("10.0.9.4")).ask_as("v/fw/10.0.9.5", Some("10.0.1.4"), "10.0.3.4");
    assert_eq!(way(&refused), "source-spoofed -");
}

/// Hub with an appliance and a VPN gateway, two spokes. `{…}` are the flags of the halves.
struct Spokes {
    hub: &'static str,
    spoke: &'static str,
    routed: bool,
    options: &'static str,
}

const TRANSIT: &str = ", allowGatewayTransit: true, allowForwardedTraffic: true";
const USING: &str = ", useRemoteGateways: true, allowForwardedTraffic: true";

impl Spokes {
    const WORKING: Self = Self { hub: TRANSIT, spoke: USING, routed: true, options: "" };

    fn text(&self) -> String {
        let Self { hub, spoke, options, .. } = self;
        let table = |name: &str| if self.routed { format!(", routeTable: {name}") } else { String::new() };
        format!(
            "location: westeurope
options: {{ {options} }}
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {{ name: fw, addressPrefix: 10.0.9.0/24 }}
      - {{ name: GatewaySubnet, addressPrefix: 10.0.255.0/27{gateway} }}
    peerings:
      - {{ remoteVirtualNetwork: one{hub} }}
      - {{ remoteVirtualNetwork: two{hub} }}
  - name: one
    addressPrefixes: [10.1.0.0/16]
    subnets: [{{ name: s, addressPrefix: 10.1.1.0/24{one} }}]
    peerings: [{{ remoteVirtualNetwork: hub{spoke} }}]
  - name: two
    addressPrefixes: [10.2.0.0/16]
    subnets: [{{ name: s, addressPrefix: 10.2.1.0/24{two} }}]
    peerings: [{{ remoteVirtualNetwork: hub{spoke} }}]
networkInterfaces:
  - {{ name: nva, subnet: hub/fw, privateIPAddress: 10.0.9.4, enableIPForwarding: true }}
routeTables:
  - {{ name: to-two, routes: [{{ name: two, addressPrefix: 10.2.0.0/16, {TO_NVA} }}] }}
  - {{ name: to-one, routes: [{{ name: one, addressPrefix: 10.1.0.0/16, {TO_NVA} }}] }}
gateways:
  - {{ name: hq, type: Vpn, virtualNetwork: hub, addressPrefixes: [172.16.0.0/16], publicIPAddress: 198.51.100.7 }}
services:
  - {{ name: stg, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: {{ defaultAction: Deny, ipRules: [198.51.100.7] }} }}
ports:
  - {{ name: hub, attach: hub }}
  - {{ name: one, attach: one }}
  - {{ name: two, attach: two }}
  - {{ name: hq, attach: gateway/hq }}
  - {{ name: stg, attach: service/stg }}
",
            one = table("to-two"),
            two = table("to-one"),
            gateway = table("to-two"),
        )
    }

    fn asked(&self) -> Asked {
        Asked::new(&self.text())
    }
}

const ONE: &str = "one/s/10.1.1.4";
const TWO: &str = "10.2.1.4";
const NVA: &str = "hub/fw/10.0.9.4";

#[test]
fn peering_is_not_transitive() {
    let plain = Spokes { routed: false, ..Spokes::WORKING }.asked();
    assert_eq!(plain.way(ONE, TWO), "route-none None");
    assert_eq!(plain.way(ONE, "10.0.9.4"), "forwarded VNetPeering");
    assert_eq!(plain.way(NVA, TWO), "forwarded VNetPeering");
}

#[test]
fn spokes_reach_each_other_through_the_hubs_appliance() {
    let asked = Spokes::WORKING.asked();
    assert_eq!(asked.way(ONE, TWO), "forwarded VirtualAppliance");
    let onward = asked.ask_as(NVA, Some("10.1.1.4"), TWO);
    assert_eq!((way(&onward).as_str(), onward.seen_as.unwrap().address.to_string().as_str()), ("forwarded VNetPeering", "10.1.1.4"));
}

#[test]
fn the_receiving_half_takes_forwarded_packets_where_it_says_so() {
    let closed = Spokes { spoke: ", useRemoteGateways: true", ..Spokes::WORKING };
    let asked = closed.asked();
    assert_eq!(asked.way(ONE, TWO), "forwarded VirtualAppliance", "the hub's half is not asked for what the spoke itself sends");
    let refused = asked.ask_as(NVA, Some("10.1.1.4"), TWO);
    assert_eq!(way(&refused), "peering-blocked VNetPeering");
    assert!(notes(&refused).contains("two's half of the peering with hub has allowForwardedTraffic: false"), "{}", notes(&refused));
    assert_eq!(refused.steps.iter().find_map(|step| step.at.clone()).unwrap(), "net.yaml:19:16", "the half's place");
    assert_eq!(asked.way(NVA, TWO), "forwarded VNetPeering", "what the appliance sends of its own needs no flag");
    // An address of the network's space that no subnet has is the network's all the same.
    let unused = Asked::new(&closed.text()).ask_as(NVA, Some("10.0.77.4"), TWO);
    assert_eq!(way(&unused), "forwarded VNetPeering");

    let lenient = Spokes { options: "forwardedTrafficCheck: lenient", ..closed }.asked().ask_as(NVA, Some("10.1.1.4"), TWO);
    assert_eq!(way(&lenient), "forwarded VNetPeering");
    assert!(notes(&lenient).contains("forwardedTrafficCheck: lenient"), "{}", notes(&lenient));
}

#[test]
fn access_is_a_flag_of_the_senders_half() {
    let closed = Spokes { spoke: ", allowVirtualNetworkAccess: false, useRemoteGateways: true", ..Spokes::WORKING }.asked();
    let refused = closed.ask(ONE, "10.0.9.4");
    assert_eq!(way(&refused), "peering-blocked VNetPeering");
    assert!(notes(&refused).contains("one's half of the peering with hub has allowVirtualNetworkAccess: false"), "{}", notes(&refused));
    assert_eq!(closed.way(NVA, TWO), "forwarded VNetPeering", "the other direction has its own flag");
    assert_eq!(closed.way(ONE, TWO), "peering-blocked VirtualAppliance");
    assert_eq!(closed.way(ONE, "172.16.1.1"), "peering-blocked VirtualNetworkGateway", "the gateway is behind the peering");
    let hub = Spokes { hub: ", allowVirtualNetworkAccess: false, allowGatewayTransit: true", ..Spokes::WORKING }.asked();
    assert_eq!(hub.way("gateway/hq/172.16.1.1", "10.1.1.4"), "peering-blocked -");
    assert_eq!(hub.way(ONE, "172.16.1.1"), "forwarded VirtualNetworkGateway");
}

#[test]
fn half_a_peering_has_no_route() {
    let text = Spokes { routed: false, ..Spokes::WORKING }.text();
    let half = text.replace(
        "    peerings: [{ remoteVirtualNetwork: hub, useRemoteGateways: true, allowForwardedTraffic: true }]\n  - name: two",
        "  - name: two",
    );
    assert_ne!(half, text);
    let asked = Asked::new(&half);
    assert_eq!(asked.way(ONE, "10.0.9.4"), "route-none None");
    assert_eq!(asked.way(NVA, "10.1.1.4"), "route-none None");
    assert_eq!(asked.way(ONE, "172.16.1.1"), "route-none None");
    assert_eq!(asked.way("gateway/hq/172.16.1.1", "10.1.1.4"), "no-route -");
    let deleted = Asked::new(&text.replacen("useRemoteGateways: true,", "peeringState: Disconnected, useRemoteGateways: true,", 1));
    assert_eq!(deleted.way(ONE, "10.0.9.4"), "route-none None");
    assert_eq!(deleted.way(NVA, "10.1.1.4"), "route-none None");
    let partial = Asked::new(&text.replacen("useRemoteGateways: true,", "peerCompleteVnets: false, useRemoteGateways: true,", 1));
    assert_eq!(partial.way(ONE, "10.0.9.4"), "unsupported VNetPeering");
}

#[test]
fn gateway_transit_needs_both_flags() {
    let transit = Spokes { routed: false, ..Spokes::WORKING }.asked();
    let out = transit.ask(ONE, "172.16.1.1");
    assert_eq!((way(&out).as_str(), chosen(&out).as_str()), ("forwarded VirtualNetworkGateway", "172.16.0.0/16 VirtualNetworkGateway"));
    assert_eq!(transit.way("gateway/hq/172.16.1.1", "10.1.1.4"), "forwarded -");
    for (hub, spoke) in [(TRANSIT, ""), ("", USING), ("", "")] {
        let asked = Spokes { hub, spoke, routed: false, options: "" }.asked();
        assert_eq!(asked.way(ONE, "172.16.1.1"), "route-none None", "{hub} {spoke}");
        assert_eq!(asked.way("gateway/hq/172.16.1.1", "10.1.1.4"), "no-route -", "{hub} {spoke}");
        assert_eq!(asked.way("gateway/hq/172.16.1.1", "10.0.9.4"), "forwarded -", "{hub} {spoke}");
        assert_eq!(asked.way(NVA, "172.16.1.1"), "forwarded VirtualNetworkGateway", "{hub} {spoke}");
    }
}

#[test]
fn the_virtual_network_tag_of_a_spoke_holds_what_its_gateway_leads_to() {
    let nsg = "networkSecurityGroups:\n  - { name: g, securityRules: [{ name: no-internet, priority: 100, direction: Outbound, access: Deny, protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: Internet, destinationPortRange: '*' }] }\n";
    let tagged = |spokes: Spokes| {
        let text =
            spokes.text().replace("name: s, addressPrefix: 10.1.1.0/24", "name: s, addressPrefix: 10.1.1.0/24, networkSecurityGroup: g");
        Asked::new(&format!("{text}{nsg}")).ask(ONE, "172.16.1.1").decided_by
    };
    assert_eq!(tagged(Spokes { routed: false, ..Spokes::WORKING }).as_deref(), Some("g/AllowVnetOutBound"));
    assert_eq!(tagged(Spokes { hub: "", routed: false, ..Spokes::WORKING }).as_deref(), Some("g/DenyAllOutBound"));
}

#[test]
fn on_premises_hosts_show_services_their_public_address() {
    let asked = Spokes::WORKING.asked();
    let answer = asked.ask("gateway/hq/172.16.1.1", "stg");
    assert_eq!((way(&answer).as_str(), answer.decided_by.as_deref()), ("forwarded -", Some("stg/ipRules[0]")));
    assert_eq!(answer.seen_as.unwrap().address.to_string(), "198.51.100.7");
}

#[test]
fn a_gateway_subnets_routes_lead_what_comes_from_on_premises() {
    // The GatewaySubnet's table sends what is for `two` to the appliance, and leaves `one` alone.
    let asked = Spokes::WORKING.asked();
    let inspected = asked.ask("gateway/hq/172.16.1.1", TWO);
    assert_eq!((way(&inspected).as_str(), chosen(&inspected).as_str()), ("forwarded VirtualAppliance", "10.2.0.0/16 User two"));
    assert_eq!(asked.way("gateway/hq/172.16.1.1", "10.1.1.4"), "forwarded -");
}

#[test]
fn a_default_route_from_on_premises_owns_nobodys_address() {
    let text = Spokes::WORKING.text().replace("addressPrefixes: [172.16.0.0/16]", "bgp: true, addressPrefixes: [172.16.0.0/16, 0.0.0.0/0]");
    let asked = Asked::new(&text.replace("  - { name: stg, attach", "  - { name: internet, attach: internet }\n  - { name: stg, attach"));
    assert_eq!(asked.way(ONE, "198.51.100.20"), "forwarded VirtualNetworkGateway");
    assert_eq!(asked.way("internet/198.51.100.20", "stg"), "service-firewall-deny -", "a host of the internet is one still");
    assert_eq!(asked.way("gateway/hq/10.1.1.4", "10.2.1.4"), "source-spoofed -");
}

#[test]
fn a_peering_across_regions_may_have_a_name_of_its_own() {
    let text = |option: &str| {
        let text = Spokes { routed: false, ..Spokes::WORKING }.text();
        let text = text.replace("  - name: two\n", "  - name: two\n    location: eastus\n");
        text.replace("options: {  }", &format!("options: {{ globalPeeringHopType: {option} }}"))
    };
    assert_eq!(Asked::new(&text("VNetPeering")).way(NVA, TWO), "forwarded VNetPeering");
    let global = Asked::new(&text("VNetGlobalPeering"));
    assert_eq!(global.way(NVA, TWO), "forwarded VNetGlobalPeering");
    assert_eq!(global.way(NVA, "10.1.1.4"), "forwarded VNetPeering");
}

const DUAL: &str = "
virtualNetworks:
  - name: a
    addressPrefixes: [10.0.0.0/16, 'fd00:a::/48']
    subnets:
      - { name: s, addressPrefixes: [10.0.1.0/24, 'fd00:a:0:1::/64'], routeTable: t }
      - { name: d, addressPrefixes: [10.0.2.0/24, 'fd00:a:0:2::/64'] }
      - { name: fw, addressPrefixes: [10.0.9.0/24, 'fd00:a:0:9::/64'] }
    peerings: [{ remoteVirtualNetwork: b }]
  - name: b
    addressPrefixes: [10.1.0.0/16, 'fd00:b::/48']
    subnets: [{ name: s, addressPrefixes: [10.1.1.0/24, 'fd00:b:0:1::/64'] }]
    peerings: [{ remoteVirtualNetwork: a }]
networkInterfaces:
  - { name: nva, subnet: a/fw, privateIPAddresses: [10.0.9.4, 'fd00:a:0:9::4'], enableIPForwarding: true }
routeTables:
  - name: t
    routes:
      - { name: shut, addressPrefix: 'fd00:b:0:1::9/128', nextHopType: None }
      - { name: inspect, addressPrefix: 'fd00:a:0:2::/64', nextHopType: VirtualAppliance, nextHopIpAddress: 'fd00:a:0:9::4' }
      - { name: four, addressPrefix: 10.0.2.0/24, nextHopType: None }
ports:
  - { name: a, attach: a }
  - { name: b, attach: b }
  - { name: internet, attach: internet }
";

#[test]
fn ipv6_has_routes_of_its_own() {
    let asked = Asked::new(DUAL);
    for (to, expected, by) in [
        ("[fd00:b:0:1::4]:80", "forwarded VNetPeering", "fd00:b::/48 Default"),
        ("[fd00:b:0:1::9]:80", "route-none None", "fd00:b:0:1::9/128 User shut"),
        ("[fd00:a:0:2::4]:80", "forwarded VirtualAppliance", "fd00:a:0:2::/64 User inspect"),
        ("[fd00:a:0:1::5]:80", "forwarded VnetLocal", "fd00:a::/48 Default"),
        ("[2001:db8::1]:80", "no-route Internet", "::/0 Default"),
    ] {
        let answer = asked.ask("a/s/fd00:a:0:1::4", to);
        assert_eq!((way(&answer).as_str(), chosen(&answer).as_str()), (expected, by), "{to}");
    }
    assert_eq!(asked.way("a/s/10.0.1.4", "10.0.2.4"), "route-none None");
    assert_eq!(asked.way("a/d/fd00:a:0:2::4", "[fd00:b:0:1::9]:80"), "forwarded VNetPeering", "the table is of the other subnet");
}

/// A random table beside an endpoint, a gateway and a peer.
fn random_table() -> impl Strategy<Value = (Vec<String>, bool, bool)> {
    const PREFIXES: [&str; 9] = [
        "0.0.0.0/0",
        "10.0.0.0/16",
        "10.0.3.0/24",
        "10.0.3.4/32",
        "10.0.0.0/8",
        "172.16.0.0/16",
        "203.0.113.0/24",
        "203.0.113.20/32",
        "Storage",
    ];
    let hop = prop::sample::select(vec![
        TO_NVA,
        "nextHopType: None",
        "nextHopType: Internet",
        "nextHopType: VnetLocal",
        "nextHopType: VirtualNetworkGateway",
    ]);
    let chosen = prop::collection::btree_map(0..PREFIXES.len(), hop, 1..6);
    (chosen, any::<bool>(), any::<bool>()).prop_map(|(chosen, by_length, quiet)| {
        let list = chosen.into_iter().map(|(prefix, hop)| format!("addressPrefix: {}, {hop}", PREFIXES[prefix])).collect();
        (list, by_length, quiet)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// The longest `Active` prefix of what `causeway routes` lists is the route that `explain` names.
    #[test]
    fn what_is_listed_is_what_decides((list, by_length, quiet) in random_table()) {
        let gateway = "gateways:\n  - { name: hq, type: Vpn, virtualNetwork: v, addressPrefixes: [172.16.0.0/16, 10.0.3.0/25, 203.0.113.16/29, 0.0.0.0/0], publicIPAddress: 198.51.100.7 }\n";
        let option = if by_length { "options: { endpointRouteOverUserRoute: longest-prefix }\n" } else { "" };
        let mut text = single(&super_routes(&list), &format!("{gateway}{option}"));
        if quiet {
            text = text.replace("  - name: t\n", "  - name: t\n    disableBgpRoutePropagation: true\n");
        }
        let asked = Asked::new(&text);
        for (from, name) in [(APP, "app"), (SE, "se"), (DB, "db")] {
            let subnet = asked.snapshot.subnets.iter().find(|subnet| subnet.name == name).unwrap();
            let listed = subnet.routes.list();
            for to in ["10.0.1.9", "10.0.3.4", "10.0.3.200", "10.1.0.4", "172.16.1.1", "172.20.0.1", "203.0.113.20", "203.0.113.25", "203.0.113.99", "198.51.100.20"] {
                let address: std::net::IpAddr = to.parse().unwrap();
                let active = listed.iter().filter(|listed| listed.active).flat_map(|listed| listed.prefixes.iter().map(move |prefix| (*prefix, listed.route)));
                let covering: Vec<(IpNet, _)> = active.filter(|(prefix, _)| prefix.contains(&address)).collect();
                let most = covering.iter().map(|(prefix, _)| prefix.prefix_len()).max().unwrap();
                let winners: Vec<_> = covering.into_iter().filter(|(prefix, _)| prefix.prefix_len() == most).collect();
                prop_assert_eq!(winners.len(), 1, "one route is Active for a prefix: {:?}", winners);
                let answer = asked.ask(from, to);
                let report = route(&answer).route.clone().unwrap();
                prop_assert_eq!((report.prefix, report.source, report.next_hop_type), (winners[0].0, Some(winners[0].1.source), Some(winners[0].1.hop.kind())), "{} {}\n{}", from, to, text);
            }
        }
    }
}
