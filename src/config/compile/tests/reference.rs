//! Random small networks: the compiled decision against a plain one that reads the network as written.
//!
//! The plain one scans rules in the order of their priority, chooses among routes by sorting a list of all of them, and
//! judges a firewall line by line. It knows one level of groups on subnets, and TCP, UDP and ICMP.

use std::net::IpAddr;

use ipnet::IpNet;
use proptest::prelude::*;

use super::build::*;
use crate::config::network::*;
use crate::packet::Reason;
use crate::policy::question::{Outcome, Scope};

const ADDRESSES: [&str; 7] = ["10.0.0.4", "10.0.1.4", "10.0.1.5", "10.9.0.1", "198.51.100.7", "203.0.113.20", "203.0.113.36"];
const PREFIXES: [&str; 8] =
    ["0.0.0.0/0", "10.0.0.0/16", "10.0.1.0/24", "10.0.1.4/32", "10.0.0.0/8", "198.51.100.0/24", "203.0.113.0/24", "203.0.113.20/32"];

fn side() -> impl Strategy<Value = RuleAddress> {
    let tags = prop::sample::select(&["VirtualNetwork", "Internet", "Storage", "Sql.westeurope", "AzureLoadBalancer"][..]);
    prop_oneof![
        Just(RuleAddress::Any),
        prop::sample::select(&PREFIXES[1..]).prop_map(|text| RuleAddress::Prefix(parsed(text))),
        tags.prop_map(tagged)
    ]
}

fn security_rule() -> impl Strategy<Value = SecurityRule> {
    let protocol = prop::sample::select(&[RuleProtocol::Any, RuleProtocol::Tcp, RuleProtocol::Udp, RuleProtocol::Icmp][..]);
    let ports = prop_oneof![Just(0..=65535), Just(80..=80), Just(81..=1433)];
    let access = prop::sample::select(&[Access::Allow, Access::Deny][..]);
    (any::<bool>(), access, protocol, side(), side(), ports).prop_map(|(inbound, access, protocol, source, destination, ports)| {
        let direction = if inbound { Direction::Inbound } else { Direction::Outbound };
        SecurityRule { protocol, sources: vec![source], destination_ports: vec![ports], ..rule("r", 0, direction, access, destination) }
    })
}

fn group() -> impl Strategy<Value = Vec<SecurityRule>> {
    prop::collection::vec(security_rule(), 0..5).prop_map(|rules| {
        let numbered = |(index, mut rule): (usize, SecurityRule)| {
            rule.priority = 200 - u16::try_from(index).unwrap();
            rule.named = named(&format!("r{index}"), 30);
            rule
        };
        rules.into_iter().enumerate().map(numbered).collect()
    })
}

fn user_routes() -> impl Strategy<Value = Vec<UserRoute>> {
    let hop = prop::sample::select(&[UserNextHop::VnetLocal, UserNextHop::Internet, UserNextHop::None][..]);
    prop::collection::btree_map(0..PREFIXES.len(), hop, 0..3).prop_map(|routes| {
        let route = |(prefix, next_hop): (usize, UserNextHop)| UserRoute {
            named: named(&format!("u{prefix}"), 40),
            prefix: RoutePrefix::Prefix(parsed(PREFIXES[prefix])),
            next_hop,
        };
        routes.into_iter().map(route).collect()
    })
}

fn service_firewall() -> impl Strategy<Value = Option<ServiceFirewall>> {
    let default = prop::option::of(prop::sample::select(&[Access::Allow, Access::Deny][..]));
    let subnets = prop::collection::vec(0usize..4, 0..2);
    let addresses = prop::collection::vec(prop::sample::select(&["192.0.2.10/32", "198.51.100.0/24"][..]), 0..2);
    let built = (default, subnets, addresses).prop_map(|(default, subnets, addresses)| ServiceFirewall {
        default_action: default.map(|access| (access, Position::default())),
        virtual_network_rules: subnets.into_iter().map(|subnet| network_rule(SubnetIndex(subnet))).collect(),
        ip_rules: addresses.into_iter().map(|prefix| (parsed(prefix), Position::default())).collect(),
        ..ServiceFirewall::default()
    });
    prop::option::of(built)
}

#[derive(Clone, Debug)]
struct Random {
    groups: [Option<Vec<SecurityRule>>; 4],
    tables: [Vec<UserRoute>; 4],
    endpoints: [bool; 4],
    by_length: bool,
    firewalls: [Option<ServiceFirewall>; 2],
}

fn random() -> impl Strategy<Value = Random> {
    let groups = prop::array::uniform4(prop::option::of(group()));
    let tables = prop::array::uniform4(user_routes());
    let firewalls = [service_firewall(), service_firewall()];
    (groups, tables, prop::array::uniform4(any::<bool>()), any::<bool>(), firewalls)
        .prop_map(|(groups, tables, endpoints, by_length, firewalls)| Random { groups, tables, endpoints, by_length, firewalls })
}

fn build(random: &Random) -> Build {
    let mut build = Build::default();
    build.tag("Storage.westeurope", "203.0.113.16/28");
    build.tag("Sql.westeurope", "203.0.113.32/28");
    if random.by_length {
        build.network.options.endpoint_route_over_user_route = EndpointRouteOverUserRoute::LongestPrefix;
    }
    for index in 0..2 {
        let network = build.network(&format!("n{index}"), "10.0.0.0/16");
        build.network.virtual_networks[index].default_outbound_address = Some(parsed("192.0.2.10"));
        for at in 0..2 {
            let subnet = build.subnet(network, &format!("s{at}"), &format!("10.0.{at}.0/24"));
            build.port(&format!("p{}", subnet.0), Attachment::Subnet(subnet));
            attach(&mut build, random, subnet);
        }
    }
    for (index, (kind, at)) in SERVICES.into_iter().enumerate() {
        let service = build.service(kind, kind, at, random.firewalls[index].clone());
        build.port(kind, Attachment::Service(service));
    }
    build.port("internet", Attachment::Internet);
    build
}

const SERVICES: [(&str, &str); 2] = [("Microsoft.Storage/storageAccounts", "203.0.113.20"), ("Microsoft.Sql/servers", "203.0.113.36")];

fn attach(build: &mut Build, random: &Random, subnet: SubnetIndex) {
    if let Some(rules) = &random.groups[subnet.0] {
        let group = build.group(&format!("nsg{}", subnet.0), rules.clone());
        build.network.subnets[subnet.0].network_security_group = Some(group);
    }
    build.network.route_tables.push(RouteTable {
        named: named("t", 7),
        disable_bgp_route_propagation: false,
        routes: random.tables[subnet.0].clone(),
    });
    build.network.subnets[subnet.0].route_table = Some(RouteTableIndex(subnet.0));
    if random.endpoints[subnet.0] {
        build.endpoint(subnet, "Microsoft.Storage");
    }
}

/// The plain decision.
struct Plain<'a> {
    random: &'a Random,
    subnet: usize,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    port: u16,
}

type Verdict = (Option<Reason>, String);

fn holds(prefix: &str, address: IpAddr) -> bool {
    parsed::<IpNet>(prefix).contains(&address)
}

impl Plain<'_> {
    fn covers(&self, side: &RuleAddress, address: IpAddr, subnet: usize) -> bool {
        let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"].iter().any(|prefix| holds(prefix, address));
        match side {
            RuleAddress::Any => true,
            RuleAddress::Prefix(prefix) => prefix.contains(&address),
            RuleAddress::Tag(tag) => match tag.as_str() {
                "VirtualNetwork" => {
                    let routed = self.random.tables[subnet]
                        .iter()
                        .any(|route| matches!(&route.prefix, RoutePrefix::Prefix(prefix) if prefix.contains(&address)));
                    holds("10.0.0.0/16", address) || routed
                }
                "Internet" => !private,
                "Storage" => holds("203.0.113.16/28", address),
                "Sql.westeurope" => holds("203.0.113.32/28", address),
                _ => false,
            },
            RuleAddress::Asg(_) => unreachable!(),
        }
    }

    fn nsg(&self, subnet: usize, direction: Direction, source: IpAddr) -> Option<(Access, String)> {
        let mut rules: Vec<SecurityRule> =
            self.random.groups[subnet].clone()?.into_iter().filter(|rule| rule.direction == direction).collect();
        rules.sort_by_key(|rule| rule.priority);
        let network = || tagged("VirtualNetwork");
        let default = |name, from, to, access| SecurityRule {
            sources: vec![from],
            named: named(name, 0),
            ..rule(name, 65000, direction, access, to)
        };
        rules.extend(match direction {
            Direction::Inbound => [
                default("AllowVnetInBound", network(), network(), Access::Allow),
                default("AllowAzureLoadBalancerInBound", tagged("AzureLoadBalancer"), RuleAddress::Any, Access::Allow),
                default("DenyAllInBound", RuleAddress::Any, RuleAddress::Any, Access::Deny),
            ],
            Direction::Outbound => [
                default("AllowVnetOutBound", network(), network(), Access::Allow),
                default("AllowInternetOutBound", RuleAddress::Any, tagged("Internet"), Access::Allow),
                default("DenyAllOutBound", RuleAddress::Any, RuleAddress::Any, Access::Deny),
            ],
        });
        let rule = rules.into_iter().find(|rule| self.matches(rule, subnet, source)).unwrap();
        Some((rule.access, format!("nsg{subnet}/{}", rule.named.name)))
    }

    fn matches(&self, rule: &SecurityRule, subnet: usize, source: IpAddr) -> bool {
        let protocol = match rule.protocol {
            RuleProtocol::Any => true,
            RuleProtocol::Tcp => self.protocol == 6,
            RuleProtocol::Udp => self.protocol == 17,
            _ => self.protocol == 1,
        };
        let everything = rule.destination_ports == [0..=65535];
        let ports = match self.protocol {
            1 => rule.protocol == RuleProtocol::Icmp || everything,
            _ => rule.destination_ports.iter().any(|range| range.contains(&self.port)),
        };
        protocol && ports && self.covers(&rule.sources[0], source, subnet) && self.covers(&rule.destinations[0], self.destination, subnet)
    }

    /// (rank: lower wins among equal lengths, prefix, hop, name), best first.
    fn route(&self) -> (&'static str, String) {
        let mut routes: Vec<(u8, IpNet, &'static str, String)> = Vec::new();
        let endpoint = self.random.endpoints[self.subnet] && self.protocol != 1 && holds("203.0.113.16/28", self.destination);
        if endpoint {
            let rank = if self.random.by_length { 2 } else { 0 };
            routes.push((rank, parsed("203.0.113.16/28"), "endpoint", String::new()));
        }
        let mut reserved = true;
        for user in &self.random.tables[self.subnet] {
            let RoutePrefix::Prefix(prefix) = user.prefix else { unreachable!() };
            reserved &= prefix.prefix_len() != 0;
            let hop = match user.next_hop {
                UserNextHop::VnetLocal => "local",
                UserNextHop::Internet => "internet",
                _ => "none",
            };
            if !endpoint || self.random.by_length {
                routes.push((1, prefix, hop, format!("t/{}", user.named.name)));
            }
        }
        routes.push((3, parsed("10.0.0.0/16"), "local", String::new()));
        routes.push((3, parsed("0.0.0.0/0"), "internet", String::new()));
        if reserved {
            routes.push((3, parsed("10.0.0.0/8"), "none", String::new()));
        }
        routes.retain(|(_, prefix, ..)| prefix.contains(&self.destination));
        routes.sort_by_key(|(rank, prefix, ..)| (std::cmp::Reverse(prefix.prefix_len()), *rank));
        let (_, _, hop, name) = routes.remove(0);
        (hop, name)
    }

    fn firewall(&self, endpoint: bool) -> Option<(Access, String)> {
        let index = SERVICES.iter().position(|(_, at)| address(at) == self.destination)?;
        let name = SERVICES[index].0;
        // Without a firewall storage is open, and the database closed.
        let Some(firewall) = &self.random.firewalls[index] else {
            return (index != 0).then(|| (Access::Deny, format!("{name}/defaultAction")));
        };
        let default = firewall.default_action.map_or(if index == 0 { Access::Allow } else { Access::Deny }, |(access, _)| access);
        if default == Access::Allow {
            return Some((Access::Allow, format!("{name}/defaultAction")));
        }
        for (at, rule) in firewall.virtual_network_rules.iter().enumerate() {
            if endpoint && rule.subnet == Some(SubnetIndex(self.subnet)) {
                return Some((Access::Allow, format!("{name}/virtualNetworkRules[{at}]")));
            }
        }
        for (at, (prefix, _)) in firewall.ip_rules.iter().enumerate() {
            // All is in one region: storage accounts do not look at the addresses of these networks.
            if !endpoint && index != 0 && prefix.contains(&address("192.0.2.10")) {
                return Some((Access::Allow, format!("{name}/ipRules[{at}]")));
            }
        }
        Some((Access::Deny, format!("{name}/defaultAction")))
    }

    fn decide(&self) -> Verdict {
        let mut decided = String::new();
        let deny = |reason, by: &str| (Some(reason), by.to_owned());
        if let Some((access, by)) = self.nsg(self.subnet, Direction::Outbound, self.source) {
            if access == Access::Deny {
                return deny(Reason::NsgDeny, &by);
            }
            decided = by;
        }
        let (hop, route) = self.route();
        let service = SERVICES.iter().any(|(_, at)| address(at) == self.destination);
        match hop {
            "none" => return deny(Reason::RouteNone, &route),
            "local" => return self.inside(decided),
            _ => {}
        }
        if let Some((access, by)) = self.firewall(hop == "endpoint") {
            if access == Access::Deny {
                return deny(Reason::ServiceFirewallDeny, &by);
            }
            decided = by;
        }
        let public = service || self.destination == address("198.51.100.7");
        if public { (None, decided) } else { deny(Reason::DestinationUnknown, "") }
    }

    fn inside(&self, mut decided: String) -> Verdict {
        let Some(at) = (0..2).find(|at| holds(&format!("10.0.{at}.0/24"), self.destination)) else {
            return (Some(Reason::DestinationUnknown), String::new());
        };
        if let Some((access, by)) = self.nsg(self.subnet / 2 * 2 + at, Direction::Inbound, self.source) {
            if access == Access::Deny {
                return (Some(Reason::NsgDeny), by);
            }
            decided = by;
        }
        (None, decided)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn verdict_and_deciding_rule_are_those_of_the_plain_decision(random in random()) {
        let asked = build(&random).compile();
        for subnet in 0..4 {
            let source = format!("10.0.{}.4", subnet % 2);
            for destination in ADDRESSES {
                for (protocol, port) in [(6u8, 80u16), (6, 1433), (17, 443), (1, 0)] {
                    let plain = Plain { random: &random, subnet, source: address(&source), destination: address(destination), protocol, port };
                    let answer = asked.packet(&format!("p{subnet}"), &source, destination, protocol, port, Scope::FirstPacket);
                    let reason = match &answer.outcome {
                        Outcome::Forward(_) => None,
                        Outcome::Deny(denial) => Some(denial.reason),
                        Outcome::Undetermined(what) => return Err(TestCaseError::fail(what.to_string())),
                    };
                    prop_assert_eq!((reason, answer.decided_by()), plain.decide(), "subnet {} to {} {} {}\n{:#?}", subnet, destination, protocol, port, answer.kept);
                }
            }
        }
    }
}
