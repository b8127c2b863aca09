//! Overlapping networks, wire prefixes, public addresses, platform, reload, and the ways between.

use super::build::*;
use crate::config::network::*;
use crate::packet::Reason;
use crate::policy::admission::{admit, answers_for, locate, zone};
use crate::policy::ids::Ids;
use crate::policy::question::{NextHopType, Outcome, Scope, Sender, Shown, Source};

/// Two networks with one address space; only the first one's subnet is listed by the account.
fn twins() -> Build {
    let mut build = Build::default();
    build.tag("Storage.westeurope", "203.0.113.16/28");
    let subnets = ["x", "y"].map(|name| {
        let network = build.network(name, "10.0.0.0/16");
        let subnet = build.subnet(network, "app", "10.0.1.0/24");
        build.endpoint(subnet, "Microsoft.Storage");
        build.port(&format!("{name}-app"), Attachment::Subnet(subnet));
        subnet
    });
    let firewall = ServiceFirewall { virtual_network_rules: vec![network_rule(subnets[0])], ..firewall_deny() };
    let account = build.service("stg1", "Microsoft.Storage/storageAccounts", "203.0.113.20", Some(firewall));
    build.port("stg1", Attachment::Service(account));
    build.port("internet", Attachment::Internet);
    build
}

#[test]
fn identity_is_network_and_subnet_never_the_address_alone() {
    let asked = twins().compile();
    let source = Source::Private(parsed("10.0.1.4"));
    assert_eq!(asked.tcp("x-app", "10.0.1.4", "203.0.113.20", 443).forward().source, source);
    let refused = asked.tcp("y-app", "10.0.1.4", "203.0.113.20", 443);
    assert_eq!((refused.denied().reason, refused.kept.seen_as), (Reason::ServiceFirewallDeny, Some(source)));
    let inside = asked.tcp("y-app", "10.0.1.4", "10.0.1.5", 22).forward().delivery;
    assert_eq!(inside.port, asked.port("y-app"));
    let zones = ["x-app", "y-app"].map(|port| zone(&asked.snapshot, asked.port(port), address("10.0.1.4")).unwrap());
    assert_ne!(zones[0], zones[1]);
}

#[test]
fn what_a_port_may_send_and_what_is_asked_for_behind_it() {
    let asked = twins().compile();
    let (inside, outside) = (asked.port("x-app"), asked.port("internet"));
    for (port, source, belongs) in [
        (inside, "10.0.1.4", true),
        (inside, "10.0.2.4", false),
        (inside, "10.0.1.1", false),
        (inside, "10.0.1.255", false),
        (outside, "198.51.100.9", true),
        (outside, "203.0.113.20", false),
        (outside, "10.0.1.4", false),
        (outside, "127.0.0.1", false),
        (asked.port("stg1"), "203.0.113.20", true),
        (asked.port("stg1"), "203.0.113.21", false),
    ] {
        let admitted = admit(&asked.snapshot, port, address(source), address("203.0.113.20"));
        assert_eq!(admitted.is_ok(), belongs, "{source}");
        assert_eq!(zone(&asked.snapshot, port, address(source)), admitted.map(|admitted| admitted.zone), "{source}");
    }
    for (port, target, answers) in [
        (inside, "10.0.1.1", true),
        (inside, "10.0.1.4", false),
        (inside, "203.0.113.20", true),
        (outside, "203.0.113.20", true),
        (outside, "198.51.100.9", false),
        (outside, "169.254.1.1", true),
        (inside, "fe80::1234:5678:9abc", true),
        (inside, "fe80::1", false),
        (inside, "224.0.0.1", false),
    ] {
        assert_eq!(answers_for(&asked.snapshot, port, address(target)), answers, "{target}");
    }
}

/// One network with a wire prefix, a public interface and the internet.
fn published() -> Build {
    let mut build = Build::default();
    let network = build.network("shop", "10.1.0.0/16");
    let subnet = build.subnet(network, "web", "10.1.1.0/24");
    build.network.subnets[subnet.0].wire_prefix = Some(parsed("192.168.77.0/24"));
    let other = build.subnet(network, "db", "10.1.2.0/24");
    let interface = build.interface("vm1", subnet, "10.1.1.4");
    build.network.network_interfaces[interface.0].public_address = Some(parsed("192.0.2.30"));
    build.port("vm1", Attachment::Address(subnet, address("10.1.1.4")));
    build.port("web", Attachment::Subnet(subnet));
    build.port("db", Attachment::Subnet(other));
    build.port("internet", Attachment::Internet);
    build
}

#[test]
fn wire_addresses_touch_only_the_host_behind_the_port() {
    let asked = published().compile();
    let vm1 = asked.port("vm1");
    let admitted = admit(&asked.snapshot, vm1, address("192.168.77.4"), address("10.1.2.9")).unwrap();
    assert_eq!(admitted.source, address("10.1.1.4"));
    assert_eq!(admit(&asked.snapshot, vm1, address("10.1.1.4"), address("10.1.2.9")), Err(Reason::SourceSpoofed));
    let delivery = asked.tcp("db", "10.1.2.9", "10.1.1.7", 80).forward().delivery;
    assert_eq!(
        (delivery.port, delivery.wire_destination, delivery.neighbour),
        (asked.port("web"), address("192.168.77.7"), address("192.168.77.7"))
    );
    assert_eq!(asked.tcp("db", "10.1.2.9", "192.168.77.7", 80).denied().reason, Reason::RouteNone);
    assert_eq!(asked.snapshot.gateway_address(&admitted.sender, false), address("192.168.77.1"));
    assert!(answers_for(&asked.snapshot, vm1, address("192.168.77.1")) && answers_for(&asked.snapshot, vm1, address("10.1.1.1")));
    assert!(!answers_for(&asked.snapshot, vm1, address("192.168.77.4")));
}

#[test]
fn the_most_specific_port_gets_a_destination() {
    let asked = published().compile();
    assert_eq!(asked.tcp("db", "10.1.2.9", "10.1.1.4", 80).forward().delivery.port, asked.port("vm1"));
    assert_eq!(admit(&asked.snapshot, asked.port("web"), address("192.168.77.4"), address("10.1.2.9")), Err(Reason::SourceSpoofed));
}

#[test]
fn a_public_address_works_both_ways() {
    let asked = published().compile();
    let inward = asked.tcp("internet", "198.51.100.20", "192.0.2.30", 80).forward();
    assert_eq!((inward.destination, inward.delivery.wire_destination), (address("10.1.1.4"), address("192.168.77.4")));
    assert_eq!((inward.source, inward.next_hop_type), (Source::Unchanged(address("198.51.100.20")), None));
    let outward = asked.tcp("vm1", "192.168.77.4", "198.51.100.20", 80).forward();
    assert_eq!(outward.source, Source::Public(parsed("192.0.2.30")));
    assert_eq!(asked.tcp("db", "10.1.2.9", "198.51.100.20", 80).denied().reason, Reason::NoRoute);
}

#[test]
fn another_network_comes_in_by_the_public_address_with_its_own() {
    let mut build = published();
    let network = build.network("partner", "10.1.0.0/16");
    build.network.virtual_networks[network.0].default_outbound_address = Some(parsed("192.0.2.99"));
    let subnet = build.subnet(network, "app", "10.1.1.0/24");
    build.port("partner", Attachment::Subnet(subnet));
    let forward = build.compile().tcp("partner", "10.1.1.4", "192.0.2.30", 80).forward();
    assert_eq!((forward.source, forward.destination), (Source::Public(parsed("192.0.2.99")), address("10.1.1.4")));
}

#[test]
fn inbound_rules_see_the_private_destination_and_the_public_source() {
    let mut build = published();
    let inbound = rule("allow-laptop", 100, Direction::Inbound, Access::Allow, RuleAddress::Prefix(parsed("10.1.1.4/32")));
    let inbound = SecurityRule { sources: vec![RuleAddress::Prefix(parsed("198.51.100.20/32"))], ..inbound };
    let group = build.group("nsg", vec![inbound]);
    build.network.network_interfaces[0].network_security_group = Some(group);
    let asked = build.compile();
    assert_eq!(asked.tcp("internet", "198.51.100.20", "192.0.2.30", 80).decided_by(), "nsg/allow-laptop");
    assert_eq!(asked.tcp("internet", "198.51.100.21", "192.0.2.30", 80).decided_by(), "nsg/DenyAllInBound");
    assert_eq!(asked.tcp("db", "10.1.2.9", "10.1.1.4", 80).decided_by(), "nsg/AllowVnetInBound");
}

#[test]
fn the_platform_is_met_only_by_rules_that_name_it() {
    let mut build = published();
    let deny_all = rule("deny-all", 100, Direction::Outbound, Access::Deny, RuleAddress::Any);
    let group = build.group("nsg", vec![deny_all.clone()]);
    build.network.subnets[1].network_security_group = Some(group);
    build.port("platform", Attachment::Platform);
    let answer = build.compile().tcp("db", "10.1.2.9", "168.63.129.16", 53);
    assert_eq!((answer.forward().next_hop_type, answer.kept.rules.len()), (None, 0));
    let no_dns = rule("no-dns", 4000, Direction::Outbound, Access::Deny, tagged("azureplatformdns"));
    build.network.network_security_groups[0].rules.push(no_dns);
    assert_eq!(build.compile().tcp("db", "10.1.2.9", "168.63.129.16", 53).decided_by(), "nsg/no-dns");
    let probe = build.compile().tcp("platform", "168.63.129.16", "10.1.2.9", 80);
    assert_eq!(probe.decided_by(), "nsg/AllowVnetInBound");
}

#[test]
fn established_flows_meet_no_rules_but_those_that_flush() {
    let mut build = published();
    let group = build.group("nsg", vec![rule("deny-all", 100, Direction::Outbound, Access::Deny, RuleAddress::Any)]);
    build.network.subnets[1].network_security_group = Some(group);
    let ask = |build: &Build, scope| build.compile().packet("db", "10.1.2.9", "10.1.1.7", 6, 80, scope).outcome;
    assert!(matches!(ask(&build, Scope::FirstPacket), Outcome::Deny(_)));
    assert!(matches!(ask(&build, Scope::Established), Outcome::Forward(_)));
    build.network.network_security_groups[0].flush_connection = true;
    assert!(matches!(ask(&build, Scope::Established), Outcome::Deny(_)));
}

#[test]
fn numbers_stay_the_same_across_reloads() {
    let mut ids = Ids::default();
    let mut build = published();
    let before = build.compile_with(&mut ids);
    let known = zone(&before.snapshot, before.port("db"), address("10.1.2.9")).unwrap();
    build.network.ports.remove(0);
    build.network.ports.reverse();
    let after = build.compile_with(&mut ids);
    assert_eq!(before.port("db"), after.port("db"));
    assert!(after.snapshot.port(before.port("vm1")).is_none());
    let (admitted, delivery) = locate(&after.snapshot, known, address("10.1.2.9")).unwrap();
    assert_eq!((admitted.sender, delivery.port), (Sender::Subnet { subnet: 1, interface: None, forwarded: false }, after.port("db")));
    assert_eq!(after.snapshot.zone_name(known), "shop/db");
}

#[test]
fn icmp_leaves_by_its_public_address_even_where_there_is_an_endpoint() {
    let mut build = twins();
    build.network.virtual_networks[0].default_outbound_address = Some(parsed("192.0.2.10"));
    build.network.services[0].firewall = None;
    let asked = build.compile();
    let ping = asked.packet("x-app", "10.0.1.4", "203.0.113.20", 1, 0, Scope::FirstPacket).forward();
    assert_eq!((ping.source, ping.next_hop_type), (Source::Public(parsed("192.0.2.10")), Some(NextHopType::Internet)));
}

#[test]
fn storage_does_not_look_at_addresses_of_its_own_region() {
    let mut build = twins();
    build.network.virtual_networks[1].default_outbound_address = Some(parsed("192.0.2.10"));
    build.network.subnets[1].service_endpoints.clear();
    let firewall = ServiceFirewall { ip_rules: vec![(parsed("192.0.2.10/32"), Position::default())], ..firewall_deny() };
    build.network.services[0].firewall = Some(firewall);
    let ask = |build: &Build| build.compile().tcp("y-app", "10.0.1.4", "203.0.113.20", 443);
    assert_eq!(ask(&build).denied().shown, Shown::Reset);
    build.network.virtual_networks[1].location = Some("northeurope".into());
    assert_eq!(ask(&build).decided_by(), "stg1/ipRules[0]");
    build.network.virtual_networks[1].location = Some("westeurope".into());
    build.network.services[0].kind = "Microsoft.KeyVault/vaults".into();
    assert_eq!(ask(&build).decided_by(), "stg1/ipRules[0]");
}

#[test]
fn a_port_that_the_service_does_not_answer_on_is_unknown() {
    let answer = twins().compile().tcp("x-app", "10.0.1.4", "203.0.113.20", 8080);
    assert_eq!(answer.denied().reason, Reason::DestinationUnknown);
}

#[test]
fn the_files_own_services_stand_in_for_tags_that_nothing_gives() {
    let mut build = twins();
    build.network.service_tags.clear();
    let forward = build.compile().tcp("x-app", "10.0.1.4", "203.0.113.20", 443).forward();
    assert_eq!(forward.next_hop_type, Some(NextHopType::VirtualNetworkServiceEndpoint));
    build.network.services[0].location = Some("eastus".into());
    let far = build.compile().tcp("x-app", "10.0.1.4", "203.0.113.20", 443);
    assert_eq!(far.denied().reason, Reason::NoRoute);
    build.network.subnets[0].service_endpoints[0].service = "Microsoft.Storage.Global".into();
    assert!(matches!(build.compile().tcp("x-app", "10.0.1.4", "203.0.113.20", 443).outcome, Outcome::Forward(_)));
}
