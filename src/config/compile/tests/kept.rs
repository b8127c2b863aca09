//! What a compilation leaves to the next one, and that no packet can tell.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::build::*;
use crate::config::compile::{CompileError, Kept, compile, outline, recompile};
use crate::config::network::*;
use crate::policy::ids::Ids;
use crate::policy::nsg::{RuleList, SecurityGroup};
use crate::policy::snapshot::Snapshot;
use crate::table::ordered_scan::Header;
use crate::table::rule_table::Classified;

const LONG: &str = "AzureCloud";

/// Two subnets with a group each; the groups name tags, long and short, a prefix, and a group of interfaces.
fn build() -> Build {
    let mut build = Build::default();
    let vnet = build.network("v", "10.0.0.0/16");
    let subnets = ["a", "b"].map(|name| build.subnet(vnet, name, if name == "a" { "10.0.1.0/24" } else { "10.0.2.0/24" }));
    build.tag(LONG, "20.0.0.0/24");
    for number in 1..40_u8 {
        build.network.service_tags[0].prefixes.push(parsed(&format!("20.{number}.{number}.0/{}", 20 + number % 9)));
    }
    build.network.service_tags[0].prefixes.push(parsed("2603:1000::/40"));
    build.tag("Sql", "30.0.0.0/24");
    build.network.application_security_groups.push(named("web", 3));
    let host = build.interface("nic", subnets[1], "10.0.2.7");
    build.network.network_interfaces[host.0].application_security_groups.push(AsgIndex(0));
    for (name, subnet) in ["ga", "gb"].into_iter().zip(subnets) {
        let to = [tagged(LONG), tagged("Sql"), RuleAddress::Asg(AsgIndex(0)), RuleAddress::Prefix(parsed("40.0.0.0/9"))];
        let rules = to.into_iter().zip((100..).step_by(100)).map(|(to, priority)| {
            rule(&format!("r{priority}"), priority, Direction::Outbound, if priority == 200 { Access::Deny } else { Access::Allow }, to)
        });
        let group = build.group(name, rules.collect());
        build.network.subnets[subnet.0].network_security_group = Some(group);
    }
    build
}

/// Who compiles one network after the other.
#[derive(Default)]
struct Reloader {
    ids: Ids,
    kept: Kept,
}

impl Reloader {
    fn compile(&mut self, network: &Network) -> Snapshot {
        let snapshot = recompile(network, &mut self.ids, 1, &mut self.kept).unwrap();
        self.kept.remember(network.clone());
        snapshot
    }
}

fn group(snapshot: &Snapshot, subnet: usize) -> &Arc<SecurityGroup> {
    snapshot.subnets[subnet].security_group.as_ref().unwrap()
}

fn lists(snapshot: &Snapshot) -> impl Iterator<Item = &RuleList> {
    (0..2).flat_map(|subnet| {
        let group = group(snapshot, subnet);
        [&group.inbound, &group.outbound, &group.platform]
    })
}

fn headers() -> impl Iterator<Item = Header> {
    let v4 =
        [[10, 0, 1, 4], [10, 0, 2, 7], [20, 0, 0, 0], [20, 0, 1, 0], [20, 9, 9, 255], [20, 9, 0, 0], [30, 0, 0, 9], [40, 127, 255, 255]];
    let more = [[41, 0, 0, 0], [168, 63, 129, 16], [0, 0, 0, 0], [255, 255, 255, 255]];
    let v6 = ["2603:1000::1", "2603:1100::", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"].map(address);
    let all: Vec<IpAddr> = v4.into_iter().chain(more).map(|octets| Ipv4Addr::from(octets).into()).chain(v6).collect();
    let pairs = all.clone().into_iter().flat_map(move |source| all.clone().into_iter().map(move |destination| (source, destination)));
    pairs.flat_map(|(source, destination)| {
        [(6, Some((1, 443))), (17, Some((53, 53))), (1, None)].map(|(protocol, ports)| Header { source, destination, protocol, ports })
    })
}

/// Every list finds what an ordered scan over the rules of a network compiled from nothing finds.
fn check(snapshot: &Snapshot, network: &Network) {
    let fresh = compile(network, &mut Ids::default(), 1).unwrap();
    let plain = outline(network).unwrap();
    for ((list, fresh), plain) in lists(snapshot).zip(lists(&fresh)).zip(lists(&plain)) {
        assert_eq!(list.table.all_conditions(), fresh.table.all_conditions());
        assert_eq!(plain.table.table_memory(), 0, "for reading there is no table");
        for header in headers() {
            let expected = plain.table.scan().first_match(&header);
            assert_eq!(list.table.first_match(&header, &Classified::new(&snapshot.tag_classes)), expected, "{header:?}");
        }
    }
}

#[test]
fn what_has_not_changed_is_the_same_object() {
    let (build, mut reloader) = (build(), Reloader::default());
    let (first, second) = (reloader.compile(&build.network), reloader.compile(&build.network));
    for subnet in 0..2 {
        assert!(Arc::ptr_eq(group(&first, subnet), group(&second, subnet)));
    }
    assert!(Arc::ptr_eq(&first.tag_classes, &second.tag_classes) && first.tag_classes.count() > 1);
    check(&second, &build.network);
}

#[test]
fn a_changed_rule_is_compiled_and_its_neighbours_are_not() {
    let (mut build, mut reloader) = (build(), Reloader::default());
    let first = reloader.compile(&build.network);
    build.network.network_security_groups[0].rules[3].destinations = vec![RuleAddress::Prefix(parsed("40.0.0.0/8"))];
    let second = reloader.compile(&build.network);
    assert!(!Arc::ptr_eq(group(&first, 0), group(&second, 0)));
    assert!(Arc::ptr_eq(&group(&first, 0).inbound.table, &group(&second, 0).inbound.table), "the other direction is as it was");
    assert!(Arc::ptr_eq(group(&first, 1), group(&second, 1)));
    check(&second, &build.network);
}

#[test]
fn a_group_that_moved_in_the_file_says_so_and_keeps_its_tables() {
    let (mut build, mut reloader) = (build(), Reloader::default());
    let first = reloader.compile(&build.network);
    build.network.network_security_groups[0].rules[0].named.position.line += 7;
    let second = reloader.compile(&build.network);
    let line = |snapshot: &Snapshot| group(snapshot, 0).outbound.rules[0].position.unwrap().line;
    assert_eq!(line(&second), line(&first) + 7);
    assert!(Arc::ptr_eq(&group(&first, 0).outbound.table, &group(&second, 0).outbound.table));
}

#[test]
fn whatever_rules_depend_on_changes_them() {
    let changes: [fn(&mut Network); 6] = [
        |network| network.virtual_networks[0].address_prefixes.push(parsed("41.0.0.0/16")),
        |network| network.network_interfaces[0].private_addresses = vec![address("10.0.1.4")],
        |network| network.service_tags[0].prefixes.truncate(20),
        |network| network.service_tags[0].prefixes.truncate(3),
        |network| network.service_tags.remove(1).prefixes.clear(),
        |network| network.service_tags[1].prefixes.push(parsed("41.0.0.0/24")),
    ];
    for change in changes {
        let (mut build, mut reloader) = (build(), Reloader::default());
        reloader.compile(&build.network);
        change(&mut build.network);
        check(&reloader.compile(&build.network), &build.network);
    }
}

#[test]
fn a_service_that_stands_for_a_tag_changes_the_rules_that_name_it() {
    let (mut build, mut reloader) = (build(), Reloader::default());
    build.network.service_tags.remove(1);
    reloader.compile(&build.network);
    build.service("db", "Microsoft.Sql/servers", "41.0.0.0", None);
    let snapshot = reloader.compile(&build.network);
    check(&snapshot, &build.network);
    let conditions = group(&snapshot, 0).outbound.table.conditions(1).unwrap();
    assert!(conditions.destinations.contains(address("41.0.0.0")));
}

#[test]
fn nothing_is_taken_for_unchanged_that_nobody_left_to_compare_with() {
    let (build, mut reloader) = (build(), Reloader::default());
    let first = recompile(&build.network, &mut reloader.ids, 1, &mut reloader.kept).unwrap();
    let second = recompile(&build.network, &mut reloader.ids, 2, &mut reloader.kept).unwrap();
    assert!(!Arc::ptr_eq(group(&first, 0), group(&second, 0)));
    assert!(Arc::ptr_eq(&group(&first, 0).outbound.table, &group(&second, 0).outbound.table));
}

#[test]
fn after_a_failure_no_group_is_kept_whose_rules_have_numbers_that_were_not_given_out() {
    let (build, mut reloader) = (build(), Reloader::default());
    let first = reloader.compile(&build.network);
    reloader.kept.end(false);
    reloader.kept.remember(build.network.clone());
    assert!(!Arc::ptr_eq(group(&first, 0), group(&reloader.compile(&build.network), 0)));
}

#[test]
fn subnets_share_their_routes_but_for_the_places_of_their_endpoints() {
    let mut build = build();
    build.tag("Storage.westeurope", "203.0.113.16/28");
    for (subnet, line) in [(0, 20), (1, 30)] {
        build.endpoint(SubnetIndex(subnet), "Microsoft.Storage");
        build.network.subnets[subnet].service_endpoints[0].position.line = line;
    }
    let snapshot = compile(&build.network, &mut Ids::default(), 1).unwrap();
    let place = |subnet: usize| {
        let (prefix, route) = snapshot.subnets[subnet].routes.select(address("203.0.113.20"), true).unwrap();
        (prefix.to_string(), route.origin.as_ref().unwrap().position.line)
    };
    assert_eq!([place(0), place(1)], [("203.0.113.16/28".to_owned(), 20), ("203.0.113.16/28".to_owned(), 30)]);
    let icmp = snapshot.subnets[1].routes.select(address("203.0.113.20"), false).unwrap();
    assert_eq!(icmp.0.to_string(), "0.0.0.0/0");
}

#[test]
fn a_list_that_takes_too_much_memory_is_told_in_words() {
    let error = CompileError::TooLarge { rules: 70_000, budget: 256 << 20 };
    assert_eq!(error.to_string(), "a list of 70000 rules takes more than 256 MiB of memory");
}
