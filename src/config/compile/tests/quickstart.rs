//! The truth table of the quickstart network.

use super::build::*;
use crate::config::network::*;
use crate::packet::Reason;
use crate::policy::question::{NextHopType, Shown, Source};

pub(crate) fn quickstart() -> Build {
    let mut build = Build::default();
    build.network.file = "quickstart.yaml".into();
    build.tag("Storage.westeurope", "203.0.113.16/28");
    build.tag("Sql.westeurope", "203.0.113.32/28");
    build.tag("AppService.westeurope", "203.0.113.48/28");
    let shop = build.network("shop", "10.1.0.0/16");
    build.network.virtual_networks[0].default_outbound_address = Some(parsed("192.0.2.10"));
    let web = build.subnet(shop, "web", "10.1.1.0/24");
    let batch = build.subnet(shop, "batch", "10.1.2.0/24");
    build.endpoint(web, "Microsoft.Web");
    build.endpoint(web, "Microsoft.Storage");
    let tcp80 = |mut rule: SecurityRule| {
        rule.protocol = RuleProtocol::Tcp;
        rule.destination_ports = vec![80..=80];
        rule
    };
    let group = build.group(
        "web-nsg",
        vec![
            tcp80(rule("allow-storage", 100, Direction::Outbound, Access::Allow, tagged("Storage"))),
            tcp80(rule("allow-functions", 110, Direction::Outbound, Access::Allow, tagged("AppService"))),
            rule("deny-internet", 4000, Direction::Outbound, Access::Deny, tagged("Internet")),
        ],
    );
    build.network.subnets[web.0].network_security_group = Some(group);
    services(&mut build, web);
    build.port("web1", Attachment::Address(web, address("10.1.1.4")));
    build.port("batch1", Attachment::Address(batch, address("10.1.2.4")));
    build.port("internet", Attachment::Internet);
    build
}

fn services(build: &mut Build, web: SubnetIndex) {
    let from_web = AccessRestriction {
        named: named("from-web", 55),
        priority: 100,
        action: Access::Allow,
        source: RestrictionSource::Subnet { subnet: web, ignore_missing_endpoint: false },
        header_filter: false,
    };
    let restricted = ServiceFirewall { access_restrictions: vec![from_web], ..firewall_deny() };
    let func = build.service("func", "Microsoft.Web/sites", "203.0.113.50", Some(restricted));
    let by_subnet = ServiceFirewall { virtual_network_rules: vec![network_rule(web)], ..firewall_deny() };
    let orders = build.service("orders", "Microsoft.Storage/storageAccounts", "203.0.113.20", Some(by_subnet));
    let by_address = ServiceFirewall { ip_rules: vec![(parsed("192.0.2.10/32"), Position { line: 66, column: 9 })], ..firewall_deny() };
    let ledger = build.service("ledger", "Microsoft.Sql/servers", "203.0.113.36", Some(by_address));
    build.port("func", Attachment::Service(func));
    build.port("orders", Attachment::Service(orders));
    build.port("ledger", Attachment::Service(ledger));
}

#[test]
fn the_web_app_reaches_storage_and_functions_by_its_private_address() {
    let asked = quickstart().compile();
    for (destination, decided_by) in [("203.0.113.20", "orders/virtualNetworkRules[0]"), ("203.0.113.50", "func/from-web")] {
        let answer = asked.tcp("web1", "10.1.1.4", destination, 80);
        assert_eq!(answer.forward().source, Source::Private(parsed("10.1.1.4")));
        assert_eq!(answer.forward().next_hop_type, Some(NextHopType::VirtualNetworkServiceEndpoint));
        assert_eq!(answer.decided_by(), decided_by);
    }
}

#[test]
fn the_batch_job_is_refused_visibly_but_reaches_the_database() {
    let asked = quickstart().compile();
    let storage = asked.tcp("batch1", "10.1.2.4", "203.0.113.20", 80);
    assert_eq!((storage.denied().reason, storage.denied().shown), (Reason::ServiceFirewallDeny, Shown::Reset));
    assert_eq!((storage.decided_by().as_str(), storage.kept.seen_as), ("orders/defaultAction", Some(Source::Public(parsed("192.0.2.10")))));
    assert_eq!(asked.tcp("batch1", "10.1.2.4", "203.0.113.50", 80).denied().shown, Shown::Http403);
    assert_eq!(asked.tcp("batch1", "10.1.2.4", "203.0.113.50", 443).denied().shown, Shown::Reset);
    let database = asked.tcp("batch1", "10.1.2.4", "203.0.113.36", 1433);
    assert_eq!(database.forward().source, Source::Public(parsed("192.0.2.10")));
    assert_eq!((database.forward().next_hop_type, database.decided_by().as_str()), (Some(NextHopType::Internet), "ledger/ipRules[0]"));
}

#[test]
fn the_web_app_may_not_roam_the_internet() {
    let answer = quickstart().compile().tcp("web1", "10.1.1.4", "198.51.100.20", 443);
    assert_eq!((answer.denied().reason, answer.denied().shown), (Reason::NsgDeny, Shown::Nothing));
    assert_eq!(answer.decided_by(), "web-nsg/deny-internet");
    assert_eq!(answer.kept.seen_as, None);
}

#[test]
fn a_service_never_opens_a_connection() {
    let answer = quickstart().compile().tcp("func", "203.0.113.50", "10.1.1.4", 80);
    assert_eq!((answer.denied().reason, answer.denied().shown), (Reason::ServiceInitiated, Shown::Nothing));
}

#[test]
fn a_stranger_gets_403_and_resets() {
    let asked = quickstart().compile();
    let shown = |to, port| asked.tcp("internet", "198.51.100.20", to, port).denied().shown;
    assert_eq!(
        [shown("203.0.113.50", 80), shown("203.0.113.20", 80), shown("203.0.113.36", 1433)],
        [Shown::Http403, Shown::Reset, Shown::Reset]
    );
    assert_eq!(asked.tcp("internet", "198.51.100.20", "10.1.1.4", 80).denied().reason, Reason::DestinationUnknown);
}

#[test]
fn a_packet_that_the_batch_job_sends_to_the_internet_has_the_default_address() {
    let forward = quickstart().compile().tcp("batch1", "10.1.2.4", "198.51.100.20", 443).forward();
    assert_eq!((forward.source, forward.service), (Source::Public(parsed("192.0.2.10")), None));
    assert_eq!(forward.delivery.neighbour, address("198.51.100.20"));
}
