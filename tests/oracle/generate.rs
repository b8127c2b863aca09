//! Random networks, all of them valid, and questions about them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

use crate::decide::Packet;
use crate::dice::Dice;
use crate::network::{
    AdminAccess, AdminCollection, AdminRule, Attach, Endpoint, EndpointPolicy, EndpointRules, Firewall, Gateway, Hop, Integration,
    Interface, NatGateway, NetworkRule, Peering, Port, PrivateEndpoint, Protocol, Restriction, RestrictionSource, Route, RouteTable, Rule,
    SecurityGroup, Service, Side, Subnet, Tag, VirtualNetwork, World,
};
use crate::services::KINDS;

const REGIONS: [&str; 3] = ["westeurope", "northeurope", "eastus"];
/// Address spaces: ordinary, equal to a reserved prefix, larger than one, public.
const SPACES: [&str; 9] = [
    "10.0.0.0/16",
    "10.1.0.0/16",
    "10.2.0.0/16",
    "192.168.0.0/16",
    "172.16.0.0/12",
    "172.0.0.0/8",
    "100.64.0.0/10",
    "198.18.0.0/16",
    "10.0.0.0/8",
];
const ON_PREMISES: [&str; 7] =
    ["172.20.0.0/16", "192.168.5.0/24", "10.9.0.0/16", "203.0.112.0/24", "10.1.1.0/25", "10.0.0.0/8", "203.0.113.16/29"];
const PROTOCOLS: [Protocol; 6] = [Protocol::Any, Protocol::Tcp, Protocol::Udp, Protocol::Icmp, Protocol::Esp, Protocol::Ah];
const STRANGERS: [&str; 6] = ["198.51.100.20", "198.51.100.200", "10.200.1.1", "172.31.0.100", "100.127.255.255", "8.8.8.8"];

pub fn world(seed: u64) -> World {
    let dice = &Dice::new(seed);
    let mut world = World {
        location: dice.maybe(80, "westeurope".to_owned()),
        endpoint_by_longest_prefix: dice.percent(25),
        lenient_forwarding: dice.percent(25),
        closed_without_group: dice.percent(20),
        default_removes_named: dice.percent(25),
        default_to_internet_keeps: dice.percent(25),
        observed_none: dice.percent(25),
        named_globally: dice.percent(25),
        application_groups: vec!["asg0".to_owned(), "asg1".to_owned()],
        ..World::default()
    };
    let two = vec![Ipv4Addr::new(192, 0, 2, 22), Ipv4Addr::new(192, 0, 2, 21)];
    world.nat_gateways.push(NatGateway { name: "nat0".to_owned(), addresses: vec![Ipv4Addr::new(192, 0, 2, 20)] });
    world.nat_gateways.push(NatGateway { name: "nat1".to_owned(), addresses: two });
    networks(&mut world, dice);
    services(&mut world, dice);
    tags(&mut world, dice);
    integrations(&mut world, dice);
    injected(&mut world, dice);
    interfaces(&mut world, dice);
    private_endpoints(&mut world, dice);
    gateways(&mut world, dice);
    peerings(&mut world, dice);
    endpoints(&mut world, dice);
    tables(&mut world, dice);
    groups(&mut world, dice);
    firewalls(&mut world, dice);
    admin_rules(&mut world, dice);
    ports(&mut world, dice);
    other_letter_case(&mut world, dice);
    world
}

/// Names are the same in any letter case: some references are written otherwise.
fn other_letter_case(world: &mut World, dice: &Dice) {
    let change = |name: &mut String| {
        if dice.percent(25) {
            *name = name.to_uppercase();
        }
    };
    for network in &mut world.networks {
        network.peerings.iter_mut().for_each(|half| change(&mut half.remote));
        for subnet in &mut network.subnets {
            [&mut subnet.group, &mut subnet.table, &mut subnet.nat_gateway].into_iter().flatten().for_each(change);
            subnet.policies.iter_mut().for_each(change);
        }
    }
    for interface in &mut world.interfaces {
        interface.group.iter_mut().chain(&mut interface.application_groups).for_each(change);
    }
    world.private_endpoints.iter_mut().for_each(|endpoint| change(&mut endpoint.service));
    world.policies.iter_mut().flat_map(|policy| &mut policy.services).for_each(change);
    world.collections.iter_mut().flat_map(|collection| &mut collection.networks).for_each(change);
    for firewall in world.services.iter_mut().filter_map(|service| service.firewall.as_mut()) {
        firewall.network_rules.iter_mut().for_each(|rule| change(&mut rule.subnet));
        firewall.resources.iter_mut().for_each(|(_, name)| change(name));
        let lists = std::iter::once(&mut firewall.restrictions).chain(firewall.scm.as_mut().map(|(_, list)| list));
        for restriction in lists.flatten() {
            match &mut restriction.source {
                RestrictionSource::Subnet { subnet, .. } => change(subnet),
                RestrictionSource::Tags(tags) => tags.iter_mut().for_each(change),
                _ => {}
            }
        }
    }
    for rule in world.groups.iter_mut().flat_map(|group| &mut group.rules) {
        for side in [&mut rule.source, &mut rule.destination] {
            match side {
                Side::Prefixes(names) => names.iter_mut().filter(|name| !name.contains(':')).for_each(change),
                Side::Groups(names) => names.iter_mut().for_each(change),
            }
        }
    }
}

fn outside(world: &World) -> impl Iterator<Item = &Service> {
    world.services.iter().filter(|service| service.subnet.is_none())
}

fn region(world: &World, dice: &Dice) -> Option<String> {
    // Without a default region all is one region: then nobody names one.
    if world.location.is_some() { dice.maybe(40, (*dice.pick(&REGIONS)).to_owned()) } else { None }
}

#[allow(clippy::needless_range_loop, reason = "the number is in names and addresses too")]
fn networks(world: &mut World, dice: &Dice) {
    for index in 0..dice.between(1, 3) {
        let space: IpNet = if dice.percent(60) { SPACES[index] } else { SPACES[dice.below(SPACES.len())] }.parse().unwrap();
        let mut prefixes = vec![space];
        let six = dice.percent(25);
        if six {
            prefixes.push(format!("fd00:{index}::/48").parse().unwrap());
        }
        if dice.percent(20) {
            prefixes.push(format!("10.{}.0.0/16", 50 + index).parse().unwrap());
        }
        prefixes.retain(|prefix| *prefix == space || !overlap(prefix, &space));
        let subnets = (0..dice.between(1, 3)).map(|number| subnet(index, number, &prefixes, six, dice)).collect();
        let location = region(world, dice);
        let default_outbound = dice.maybe(60, Ipv4Addr::new(192, 0, 2, 10 + u8::try_from(index).unwrap()));
        world.networks.push(VirtualNetwork {
            name: format!("net{index}"),
            location,
            prefixes,
            default_outbound,
            tunnel_key: Some(0x100 + u16::try_from(index).unwrap()),
            subnets,
            peerings: Vec::new(),
        });
    }
}

fn subnet(network: usize, number: usize, space: &[IpNet], six: bool, dice: &Dice) -> Subnet {
    let (IpAddr::V4(base), length) = (space[0].network(), *dice.pick(&[24, 24, 24, 25, 29])) else { unreachable!() };
    let address = Ipv4Addr::from(u32::from(base) + (u32::try_from(number).unwrap() + 1) * 256);
    let mut prefixes = vec![IpNet::V4(Ipv4Net::new(address, length).unwrap())];
    if six && dice.percent(70) {
        prefixes.push(format!("fd00:{network}:0:{}::/64", number + 1).parse().unwrap());
    }
    let wire_prefix = if prefixes.len() == 1 && dice.percent(15) {
        let wire: Ipv4Addr = Ipv4Addr::new(192, 168, 100 + u8::try_from(network * 8 + number).unwrap(), 0);
        Some(IpNet::V4(Ipv4Net::new(wire, length).unwrap()))
    } else {
        None
    };
    Subnet {
        name: format!("s{number}"),
        prefixes,
        wire_prefix,
        nat_gateway: dice.maybe(20, format!("nat{}", number % 2)),
        no_default_outbound: dice.percent(10),
        tunnel_key: Some(u16::try_from(number + 1).unwrap()),
        ..Subnet::default()
    }
}

fn services(world: &mut World, dice: &Dice) {
    for index in 0..dice.between(2, 5) {
        let kind = if dice.percent(35) { &KINDS[0] } else { dice.pick(&KINDS) };
        let block = 16 * (u8::try_from(index).unwrap() + 1);
        let location = region(world, dice);
        let ports = dice.maybe(15, vec![(443, 450), (8080, 8080)]);
        let public_access_disabled = dice.percent(6);
        world.services.push(Service {
            name: format!("svc{index}"),
            kind: kind.kind.to_owned(),
            location,
            addresses: vec![Ipv4Addr::new(203, 0, 113, block + 4)],
            ports,
            firewall: None,
            public_access_disabled,
            integration: None,
            outbound: Vec::new(),
            scm: if kind.kind == "Microsoft.Web/sites" && dice.percent(40) {
                vec![Ipv4Addr::new(203, 0, 113, block + 5)]
            } else {
                Vec::new()
            },
            tunnel: dice.maybe(10, format!("2603:10e1:100:{}::/96", index + 1).parse().unwrap()),
            subnet: None,
            public: None,
        });
    }
}

/// Apps that are integrated with a delegated subnet of a network in their region.
fn integrations(world: &mut World, dice: &Dice) {
    for index in 0..world.services.len() {
        if world.services[index].kind != "Microsoft.Web/sites" || !dice.percent(60) {
            continue;
        }
        let region = world.location(&world.services[index].location).to_owned();
        let near: Vec<usize> = (0..world.networks.len()).filter(|at| world.location(&world.networks[*at].location) == region).collect();
        if near.is_empty() {
            continue;
        }
        let at = *dice.pick(&near);
        if !world.networks[at].subnets.iter().any(|subnet| subnet.delegated) {
            let prefixes: Vec<IpNet> = world.networks[at].prefixes.iter().take(1).copied().collect();
            let delegated = Subnet { name: "apps".to_owned(), delegated: true, ..subnet(at, 3, &prefixes, false, dice) };
            world.networks[at].subnets.push(delegated);
        }
        world.services[index].integration = Some(Integration { subnet: format!("net{at}/apps"), route_all: dice.percent(60) });
        if dice.percent(40) {
            world.services[index].outbound = vec![Ipv4Addr::new(192, 0, 2, 120 + u8::try_from(index).unwrap())];
        }
    }
}

fn private_endpoints(world: &mut World, dice: &Dice) {
    let services: Vec<String> = outside(world).map(|service| service.name.clone()).collect();
    for network in 0..world.networks.len() {
        if !dice.percent(40) {
            continue;
        }
        let at = dice.below(world.networks[network].subnets.len());
        let subnet = &mut world.networks[network].subnets[at];
        let IpAddr::V4(address) = plus(subnet.prefixes[0].network(), 5) else { continue };
        if subnet.delegated || world.interfaces.iter().any(|interface| interface.addresses.contains(&IpAddr::V4(address))) {
            continue;
        }
        let all =
            [EndpointRules::Disabled, EndpointRules::Enabled, EndpointRules::NetworkSecurityGroupEnabled, EndpointRules::RouteTableEnabled];
        subnet.endpoint_rules = *dice.pick(&all);
        let subnet = format!("net{network}/{}", subnet.name);
        world.private_endpoints.push(PrivateEndpoint {
            name: format!("pe{network}"),
            subnet,
            address,
            service: dice.pick(&services).clone(),
        });
    }
}

/// Services inside subnets: hosts there, now and then with a public address.
fn injected(world: &mut World, dice: &Dice) {
    for network in 0..world.networks.len() {
        if !dice.percent(35) {
            continue;
        }
        let subnet = dice.pick(&world.networks[network].subnets);
        if subnet.delegated {
            continue;
        }
        let IpAddr::V4(address) = plus(subnet.prefixes[0].network(), 6) else { continue };
        world.services.push(Service {
            name: format!("inj{network}"),
            kind: "Microsoft.HDInsight/clusters".to_owned(),
            location: None,
            addresses: vec![address],
            ports: dice.maybe(50, vec![(6379, 6380), (443, 443)]),
            firewall: None,
            public_access_disabled: false,
            integration: None,
            outbound: Vec::new(),
            scm: Vec::new(),
            tunnel: None,
            subnet: Some(format!("net{network}/{}", subnet.name)),
            public: dice.maybe(50, Ipv4Addr::new(192, 0, 2, 100 + u8::try_from(network).unwrap())),
        });
    }
}

/// Tags that overlap, hold a service only in part, or are left to the stand-ins.
fn tags(world: &mut World, dice: &Dice) {
    let mut tags: Vec<Tag> = Vec::new();
    for service in world.services.clone() {
        let known = KINDS.iter().find(|known| known.kind == service.kind).unwrap();
        let region = world.location(&service.location).to_owned();
        let IpAddr::V4(base) = IpAddr::V4(service.addresses[0]) else { unreachable!() };
        let length = *dice.pick(&[28, 28, 27, 30, 32, 24]);
        let prefix = IpNet::V4(Ipv4Net::new(base, length).unwrap().trunc());
        let name = if region.is_empty() || dice.percent(15) { known.tag.to_owned() } else { format!("{}.{region}", known.tag) };
        if dice.percent(65) {
            match tags.iter_mut().find(|tag| tag.name == name) {
                Some(tag) if !tag.prefixes.contains(&prefix) => tag.prefixes.push(prefix),
                Some(_) => {}
                None => tags.push(Tag { name, prefixes: vec![prefix] }),
            }
        }
    }
    if dice.percent(50) {
        tags.push(Tag { name: "AzureCloud".to_owned(), prefixes: vec!["203.0.113.0/24".parse().unwrap()] });
    }
    if dice.percent(50) {
        tags.push(Tag {
            name: "AzureCloud.westeurope".to_owned(),
            prefixes: vec!["203.0.113.0/26".parse().unwrap(), "192.0.2.0/28".parse().unwrap()],
        });
    }
    if dice.percent(30) {
        let servers = (*dice.pick(&["198.51.100.200/32", "198.51.100.16/28", "203.0.113.20/32"])).parse().unwrap();
        tags.push(Tag { name: "AzurePlatformLKM".to_owned(), prefixes: vec![servers] });
    }
    world.tags = tags;
}

fn interfaces(world: &mut World, dice: &Dice) {
    let mut public = 30;
    for network in &world.networks.clone() {
        for subnet in network.subnets.iter().filter(|subnet| !subnet.delegated) {
            for number in 0..dice.below(3) {
                let mut addresses: Vec<IpAddr> = subnet.prefixes.iter().map(|prefix| plus(prefix.network(), 4 + number as u128)).collect();
                if addresses.len() > 1 && dice.percent(30) {
                    addresses.truncate(1);
                }
                public += 1;
                let forwarding = number == 1 && dice.percent(70);
                let groups = world.application_groups.iter().filter(|_| dice.percent(40)).cloned().collect();
                world.interfaces.push(Interface {
                    name: format!("nic{public}"),
                    subnet: format!("{}/{}", network.name, subnet.name),
                    addresses,
                    public: dice.maybe(40, Ipv4Addr::new(192, 0, 2, public)),
                    group: dice.maybe(40, format!("g{}", dice_number(public, 3))),
                    application_groups: groups,
                    forwarding,
                });
            }
        }
    }
    // All members of an application security group are in one network.
    for group in &world.application_groups {
        let mut home: Option<String> = None;
        for interface in &mut world.interfaces {
            let network = interface.subnet.split_once('/').unwrap().0.to_owned();
            if interface.application_groups.contains(group) && *home.get_or_insert_with(|| network.clone()) != network {
                interface.application_groups.retain(|member| member != group);
            }
        }
    }
}

const fn dice_number(number: u8, of: u8) -> u8 {
    number % of
}

fn gateways(world: &mut World, dice: &Dice) {
    for index in 0..world.networks.len() {
        if !dice.percent(35) {
            continue;
        }
        let IpAddr::V4(base) = world.networks[index].prefixes[0].network() else { continue };
        let prefix = Ipv4Net::new(Ipv4Addr::from(u32::from(base) + 255 * 256), 27).unwrap();
        world.networks[index].subnets.push(Subnet {
            name: "GatewaySubnet".to_owned(),
            prefixes: vec![IpNet::V4(prefix)],
            ..Subnet::default()
        });
        let both = dice.percent(15);
        let mut left: Vec<&str> = ON_PREMISES.to_vec();
        for vpn in [true, false] {
            if !both && vpn == dice.percent(30) {
                continue;
            }
            let number = world.gateways.len();
            let prefixes: Vec<IpNet> = dice.some(&left, 2).iter().map(|text| text.parse().unwrap()).collect();
            left.retain(|text| !prefixes.contains(&text.parse().unwrap()));
            world.gateways.push(Gateway {
                name: format!("gw{number}"),
                vpn,
                network: format!("net{index}"),
                prefixes,
                bgp: dice.percent(50),
                public: dice.maybe(70, Ipv4Addr::new(192, 0, 2, 200 + u8::try_from(number).unwrap())),
            });
        }
    }
}

/// Peerings between networks that do not overlap, in halves or whole; nobody's peers overlap each other.
fn peerings(world: &mut World, dice: &Dice) {
    let spaces: Vec<Vec<IpNet>> = world.networks.iter().map(|network| network.prefixes.clone()).collect();
    let clash = |one: usize, other: usize| spaces[one].iter().any(|mine| spaces[other].iter().any(|theirs| overlap(mine, theirs)));
    let count = spaces.len();
    let mut users = Vec::new();
    for here in 0..count {
        for there in (here + 1)..count {
            if clash(here, there) || (0..count).any(|third| third != here && third != there && (clash(here, third) || clash(there, third)))
            {
                continue;
            }
            for (mine, theirs) in [(here, there), (there, here)] {
                if !dice.percent(80) {
                    continue;
                }
                let own_gateway = world.gateways.iter().any(|gateway| gateway.network == format!("net{mine}"));
                let remote_gateway = world.gateways.iter().any(|gateway| gateway.network == format!("net{theirs}"));
                let remote_gateways = !own_gateway && remote_gateway && !users.contains(&mine) && dice.percent(70);
                if remote_gateways {
                    users.push(mine);
                }
                world.networks[mine].peerings.push(Peering {
                    remote: format!("net{theirs}"),
                    access: dice.percent(85),
                    forwarded: dice.percent(50),
                    transit: dice.percent(70),
                    remote_gateways,
                    state: if dice.percent(5) { Some("Disconnected") } else { dice.maybe(20, "Connected") },
                });
            }
        }
    }
}

fn endpoints(world: &mut World, dice: &Dice) {
    let mut names: Vec<String> =
        outside(world).map(|service| KINDS.iter().find(|known| known.kind == service.kind).unwrap().endpoint.to_owned()).collect();
    names.dedup();
    let accounts: Vec<String> =
        world.services.iter().filter(|service| service.kind == KINDS[0].kind).map(|service| service.name.clone()).collect();
    for number in 0..2 {
        let services = dice.some(&accounts, 2);
        if !services.is_empty() {
            world.policies.push(EndpointPolicy { name: format!("sep{number}"), services });
        }
    }
    let policies: Vec<String> = world.policies.iter().map(|policy| policy.name.clone()).collect();
    let default_region = world.location.is_some();
    // Endpoint policies do not work beside services that Azure runs in the subnet.
    let managed: Vec<IpNet> =
        world.services.iter().filter_map(|service| Some(world.home(service.subnet.as_ref()?).subnet.prefixes[0])).collect();
    for subnet in world.networks.iter_mut().flat_map(|network| &mut network.subnets).filter(|subnet| subnet.name != "GatewaySubnet") {
        for name in &names {
            if !dice.percent(45) || subnet.endpoints.iter().any(|endpoint| endpoint.service.starts_with(name.as_str())) {
                continue;
            }
            let is_storage = name == "Microsoft.Storage";
            let service = if is_storage && dice.percent(25) { format!("{name}.Global") } else { name.clone() };
            let locations = match dice.below(10) {
                0 => vec!["*".to_owned()],
                1 if default_region => vec!["westeurope".to_owned(), "northeurope".to_owned()],
                2 if default_region => vec!["North Europe".to_owned()],
                _ => Vec::new(),
            };
            subnet.endpoints.push(Endpoint { service, locations });
            if is_storage && !subnet.delegated && !managed.contains(&subnet.prefixes[0]) && dice.percent(40) {
                subnet.policies = dice.some(&policies, 2);
            }
        }
    }
}

fn tables(world: &mut World, dice: &Dice) {
    for number in 0..2 {
        let mut routes: Vec<Route> = Vec::new();
        for index in 0..dice.below(5) {
            let prefix = route_prefix(world, dice);
            if routes.iter().any(|route| route.prefix == prefix) {
                continue;
            }
            let appliance = appliance(world, dice).filter(|address| address.is_ipv4() != prefix.contains(':'));
            let hop = match (dice.below(8), appliance) {
                (0, _) => Hop::Gateway,
                (1, _) => Hop::Local,
                (2 | 3, _) => Hop::Internet,
                (4, _) | (_, None) => Hop::None,
                (_, Some(address)) => Hop::Appliance(address),
            };
            routes.push(Route { name: format!("r{index}"), prefix, hop });
        }
        world.tables.push(RouteTable { name: format!("t{number}"), no_propagation: dice.percent(30), routes });
    }
    for subnet in world.networks.iter_mut().flat_map(|network| &mut network.subnets).filter(|subnet| subnet.name != "GatewaySubnet") {
        subnet.table =
            dice.maybe(45, format!("t{}", dice_number(u8::try_from(subnet.prefixes.len() + subnet.endpoints.len()).unwrap(), 2)));
    }
    gateway_tables(world, dice);
    usable_hops(world);
}

/// Route tables of GatewaySubnets: no default route, and propagation stays on.
fn gateway_tables(world: &mut World, dice: &Dice) {
    for index in 0..world.networks.len() {
        if !world.networks[index].subnets.iter().any(|subnet| subnet.name == "GatewaySubnet") || !dice.percent(50) {
            continue;
        }
        let mut routes: Vec<Route> = Vec::new();
        for number in 0..dice.between(1, 3) {
            let prefix = route_prefix(world, dice);
            if prefix.ends_with("/0") || routes.iter().any(|route| route.prefix == prefix) {
                continue;
            }
            let appliance = appliance(world, dice).filter(|address| address.is_ipv4() != prefix.contains(':'));
            let hop = match (dice.below(6), appliance) {
                (0, _) => Hop::Internet,
                (1, _) => Hop::Local,
                (2, _) | (_, None) => Hop::None,
                (_, Some(address)) => Hop::Appliance(address),
            };
            routes.push(Route { name: format!("g{number}"), prefix, hop });
        }
        world.tables.push(RouteTable { name: format!("back{index}"), no_propagation: false, routes });
        let subnet = world.networks[index].subnets.iter_mut().find(|subnet| subnet.name == "GatewaySubnet");
        subnet.unwrap().table = Some(format!("back{index}"));
    }
}

/// Azure takes a route to a gateway only where there is a VPN gateway and no other beside it, and one to an appliance only in the
/// network or a peer of every subnet that has the table.
fn usable_hops(world: &mut World) {
    for table in 0..world.tables.len() {
        let name = world.tables[table].name.clone();
        let has_it = |subnet: &Subnet| subnet.table.as_ref() == Some(&name);
        let users: Vec<&VirtualNetwork> = world.networks.iter().filter(|network| network.subnets.iter().any(has_it)).collect();
        let to_gateway = users.iter().all(|network| {
            let gateways: Vec<&Gateway> = world.gateways_of(network).collect();
            !gateways.is_empty() && gateways.iter().all(|gateway| gateway.vpn)
        });
        let is_near = |address: IpAddr| {
            users.iter().all(|network| {
                let near = |other: &&VirtualNetwork| other.name == network.name || world.peering(network, other).is_some();
                world.networks.iter().filter(near).any(|other| crate::places::within(&other.prefixes, address))
            })
        };
        let usable: Vec<bool> = world.tables[table]
            .routes
            .iter()
            .map(|route| match route.hop {
                Hop::Gateway => to_gateway,
                Hop::Appliance(address) => is_near(address),
                _ => true,
            })
            .collect();
        for (route, usable) in world.tables[table].routes.iter_mut().zip(usable) {
            if !usable {
                route.hop = if route.hop == Hop::Gateway { Hop::Internet } else { Hop::None };
            }
        }
    }
}

fn appliance(world: &World, dice: &Dice) -> Option<IpAddr> {
    if dice.percent(5) {
        return Some("10.222.0.4".parse().unwrap());
    }
    let (forwarding, others): (Vec<&Interface>, Vec<&Interface>) = world.interfaces.iter().partition(|interface| interface.forwarding);
    let pool = if forwarding.is_empty() || dice.percent(20) { others } else { forwarding };
    if pool.is_empty() { None } else { Some(*dice.pick(&dice.pick(&pool).addresses)) }
}

fn route_prefix(world: &World, dice: &Dice) -> String {
    match dice.below(10) {
        0 | 1 => "0.0.0.0/0".to_owned(),
        2 => dice.pick(&["10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12", "198.51.100.0/25", "203.0.113.0/24"]).to_string(),
        3 | 4 => dice.pick(&dice.pick(&world.networks).prefixes).to_string(),
        5 => dice.pick(&dice.pick(&dice.pick(&world.networks).subnets).prefixes).to_string(),
        6 => format!("{}/32", dice.pick(&world.services).addresses[0]),
        7 if !world.gateways.is_empty() => {
            let gateway = dice.pick(&world.gateways);
            gateway.prefixes.first().map_or_else(|| "198.51.100.0/24".to_owned(), ToString::to_string)
        }
        8 => "::/0".to_owned(),
        _ => tag_name(world, dice),
    }
}

/// A service tag, given or not.
fn tag_name(world: &World, dice: &Dice) -> String {
    // The platform's tags are for rules only.
    let given: Vec<&Tag> = world.tags.iter().filter(|tag| !tag.name.starts_with("AzurePlatform")).collect();
    if !given.is_empty() && dice.percent(60) {
        return dice.pick(&given).name.clone();
    }
    let outside: Vec<&Service> = outside(world).collect();
    let service = dice.pick(&outside);
    let known = KINDS.iter().find(|known| known.kind == service.kind).unwrap();
    let region = world.location(&service.location);
    if region.is_empty() || dice.percent(50) { known.tag.to_owned() } else { format!("{}.{region}", known.tag) }
}

fn groups(world: &mut World, dice: &Dice) {
    for number in 0..3 {
        let mut rules = Vec::new();
        for index in 0..dice.below(7) {
            rules.push(rule(index, world, dice));
        }
        world.groups.push(SecurityGroup { name: format!("g{number}"), rules });
    }
    for subnet in world.networks.iter_mut().flat_map(|network| &mut network.subnets).filter(|subnet| subnet.name != "GatewaySubnet") {
        subnet.group = dice.maybe(50, "g".to_owned()).map(|letter| format!("{letter}{}", dice.below(3)));
    }
}

/// Groups on both sides of a rule are of one network; otherwise the destination is anything.
fn one_network(world: &World, source: &Side, destination: Side) -> Side {
    let (Side::Groups(one), Side::Groups(other)) = (source, &destination) else { return destination };
    let mut networks: Vec<&str> = world
        .interfaces
        .iter()
        .filter(|interface| interface.application_groups.iter().any(|group| one.contains(group) || other.contains(group)))
        .map(|interface| interface.subnet.split_once('/').unwrap().0)
        .collect();
    networks.dedup();
    if networks.len() > 1 { Side::Prefixes(vec!["*".to_owned()]) } else { destination }
}

fn rule(index: usize, world: &World, dice: &Dice) -> Rule {
    let six = dice.percent(10);
    let source = side(world, six, dice);
    let destination = one_network(world, &source, side(world, six, dice));
    Rule {
        name: format!("rule{index}"),
        // Not in the order of the list.
        priority: u16::try_from(100 + (index * 37) % 10 * 100 + index).unwrap(),
        inbound: dice.percent(50),
        allow: dice.percent(55),
        protocol: *dice.pick(&PROTOCOLS[..if dice.percent(70) { 2 } else { 6 }]),
        source,
        source_ports: if dice.percent(80) { vec![(0, u16::MAX)] } else { vec![(40_000, 40_001)] },
        destination,
        destination_ports: port_ranges(dice),
    }
}

fn port_ranges(dice: &Dice) -> Vec<(u16, u16)> {
    match dice.below(5) {
        0 | 1 => vec![(0, u16::MAX)],
        2 => vec![(443, 443)],
        3 => vec![(80, 443), (1433, 1433)],
        _ => vec![(445, 5671)],
    }
}

fn side(world: &World, six: bool, dice: &Dice) -> Side {
    let groups = dice.some(&world.application_groups, 2);
    if !groups.is_empty() && dice.percent(25) {
        return Side::Groups(groups);
    }
    let mut entries: Vec<String> = (0..dice.between(1, 3)).map(|_| entry(world, dice)).filter(|entry| entry.contains(':') == six).collect();
    entries.sort();
    entries.dedup();
    if entries.is_empty() || entries.iter().any(|entry| entry == "*") {
        entries = vec!["*".to_owned()];
    }
    Side::Prefixes(entries)
}

fn entry(world: &World, dice: &Dice) -> String {
    match dice.below(12) {
        0 | 1 => "*".to_owned(),
        2 => "VirtualNetwork".to_owned(),
        3 => "Internet".to_owned(),
        4 => (*dice.pick(&["AzureLoadBalancer", "AzurePlatformDNS", "AzurePlatformIMDS", "AzurePlatformLKM"])).to_owned(),
        5 => tag_name(world, dice),
        6 => dice.pick(&dice.pick(&dice.pick(&world.networks).subnets).prefixes).to_string(),
        7 => dice.pick(&dice.pick(&world.networks).prefixes).to_string(),
        8 if !world.interfaces.is_empty() => dice.pick(&dice.pick(&world.interfaces).addresses).to_string(),
        9 => format!("{}/30", Ipv4Net::new(dice.pick(&world.services).addresses[0], 30).unwrap().network()),
        10 => (*dice.pick(&["198.51.100.0/24", "192.0.2.0/27", "0.0.0.0/0", "10.0.0.0/8", "168.63.129.16"])).to_owned(),
        _ => dice.pick(&world.services).addresses[0].to_string(),
    }
}

/// Security admin rules for some networks, each rule with a priority of its own.
fn admin_rules(world: &mut World, dice: &Dice) {
    let names: Vec<String> = world.networks.iter().map(|network| network.name.clone()).collect();
    for number in 0..dice.below(3) {
        let networks = dice.some(&names, 2);
        let mut rules = Vec::new();
        for index in 0..dice.below(4) {
            let mut rule = rule(index, world, dice);
            rule.name = format!("admin{index}");
            rule.priority = u16::try_from(1 + number + 10 * index).unwrap();
            let has_groups = |side: &Side| matches!(side, Side::Groups(_));
            if !has_groups(&rule.source) && !has_groups(&rule.destination) {
                rules.push(AdminRule { rule, access: *dice.pick(&[AdminAccess::Allow, AdminAccess::AlwaysAllow, AdminAccess::Deny]) });
            }
        }
        if !networks.is_empty() && !rules.is_empty() && dice.percent(60) {
            world.collections.push(AdminCollection { name: format!("collection{number}"), networks, rules });
        }
    }
}

fn firewalls(world: &mut World, dice: &Dice) {
    for index in 0..world.services.len() {
        if world.services[index].subnet.is_none() && dice.percent(85) {
            let firewall = firewall(world, index, dice);
            world.services[index].firewall = Some(firewall);
        }
    }
}

fn firewall(world: &World, index: usize, dice: &Dice) -> Firewall {
    let service = &world.services[index];
    let known = KINDS.iter().find(|known| known.kind == service.kind).unwrap();
    let regional = matches!(known.tag, "Sql" | "AzureDataLake");
    let mut subnets: Vec<(String, bool)> = Vec::new();
    for network in &world.networks {
        if regional && world.location(&network.location) != world.location(&service.location) {
            continue;
        }
        for subnet in &network.subnets {
            let has = subnet.endpoints.iter().any(|endpoint| endpoint.service.trim_end_matches(".Global") == known.endpoint);
            let may_ignore = !matches!(known.tag, "Storage" | "AzureContainerRegistry" | "AzureDataLake");
            if dice.percent(45) && (has || may_ignore) {
                subnets.push((format!("{}/{}", network.name, subnet.name), !has));
            }
        }
    }
    let default_allow = match (known.tag, dice.below(10)) {
        ("AppService", 0..5) | ("Storage" | "AzureKeyVault" | "EventHub" | "ServiceBus", 0) | ("Sql" | "AzureCosmosDB", 0..8) => None,
        (_, 1 | 2) => Some(true),
        ("AzureDataLake", _) => Some(false),
        _ => Some(false),
    };
    if known.tag == "AppService" {
        let has_scm = !service.scm.is_empty() && dice.percent(60);
        let scm = has_scm.then(|| (dice.maybe(40, dice.percent(50)), restrictions(world, subnets.clone(), dice)));
        return Firewall { default_allow, restrictions: restrictions(world, subnets, dice), scm, ..Firewall::default() };
    }
    let is_deleted = dice.percent(10);
    let network_rules: Vec<NetworkRule> =
        subnets.into_iter().map(|(subnet, ignore_missing)| NetworkRule { subnet, ignore_missing, deleted: is_deleted }).collect();
    let has_ranges = known.tag == "Sql";
    Firewall {
        default_allow,
        trusts: match known.tag {
            "Storage" | "AzureKeyVault" | "EventHub" | "ServiceBus" | "AzureContainerRegistry" | "CognitiveServicesManagement" => {
                dice.maybe(60, dice.percent(50))
            }
            _ => None,
        },
        resources: if known.tag == "Storage" { resources(world, dice) } else { Vec::new() },
        six_rules: known.tag == "Storage" && dice.percent(20),
        databases: if known.kind == "Microsoft.Sql/servers" && dice.percent(30) {
            vec![("ledger".to_owned(), ip_ranges(dice))]
        } else {
            Vec::new()
        },
        network_filter: if known.tag == "AzureCosmosDB" { Some(dice.percent(60)) } else { None },
        network_rules,
        ip_rules: if has_ranges { Vec::new() } else { ip_rules(known.tag, dice) },
        ip_ranges: if has_ranges { ip_ranges(dice) } else { Vec::new() },
        ..Firewall::default()
    }
}

/// Services of the file, or all of a type.
fn resources(world: &World, dice: &Dice) -> Vec<(String, String)> {
    let all: Vec<(String, String)> = outside(world)
        .map(|service| (service.kind.clone(), if dice.percent(30) { "*".to_owned() } else { service.name.clone() }))
        .collect();
    if dice.percent(30) { dice.some(&all, 2) } else { Vec::new() }
}

fn ip_rules(tag: &str, dice: &Dice) -> Vec<String> {
    let mut pool: Vec<String> =
        ["192.0.2.10", "192.0.2.11", "192.0.2.0/28", "192.0.2.20", "192.0.2.32/30", "198.51.100.0/24", "192.0.2.200"]
            .map(str::to_owned)
            .to_vec();
    if tag == "AzureCosmosDB" {
        pool.push("0.0.0.0".to_owned());
    }
    dice.some(&pool, 3)
}

fn ip_ranges(dice: &Dice) -> Vec<(Ipv4Addr, Ipv4Addr)> {
    let zero = Ipv4Addr::UNSPECIFIED;
    let two = |first, last| (Ipv4Addr::new(192, 0, 2, first), Ipv4Addr::new(192, 0, 2, last));
    let pool = [
        (zero, zero),
        two(10, 11),
        two(20, 31),
        two(32, 40),
        two(200, 200),
        (Ipv4Addr::new(198, 51, 100, 20), Ipv4Addr::new(198, 51, 100, 21)),
    ];
    dice.some(&pool, 3)
}

fn restrictions(world: &World, subnets: Vec<(String, bool)>, dice: &Dice) -> Vec<Restriction> {
    let mut sources: Vec<RestrictionSource> =
        subnets.into_iter().map(|(subnet, ignore_missing)| RestrictionSource::Subnet { subnet, ignore_missing }).collect();
    for _ in 0..dice.below(4) {
        sources.push(match dice.below(6) {
            0 => RestrictionSource::Any,
            1 => RestrictionSource::AnyVnets,
            2 => RestrictionSource::Tags(vec![tag_name(world, dice)]),
            _ => RestrictionSource::Addresses(vec![
                dice.pick(&["192.0.2.0/28", "192.0.2.20/32", "198.51.100.0/24", "0.0.0.0/0", "10.0.0.0/8"]).parse().unwrap(),
            ]),
        });
    }
    let restriction = |(index, source): (usize, RestrictionSource)| Restriction {
        name: format!("a{index}"),
        priority: *dice.pick(&[100, 100, 200, 300]),
        allow: dice.percent(65),
        source,
        headers: dice.percent(8),
    };
    sources.into_iter().enumerate().map(restriction).collect()
}

/// Ports for subnets, addresses, whole networks, and everything else; now and then one is missing.
fn ports(world: &mut World, dice: &Dice) {
    let mut attach = Vec::new();
    for network in &world.networks {
        if dice.percent(20) {
            attach.push(Attach::Network(network.name.clone()));
        }
        for subnet in &network.subnets {
            if dice.percent(60) {
                attach.push(Attach::Subnet(format!("{}/{}", network.name, subnet.name)));
            }
        }
    }
    for interface in &world.interfaces {
        if interface.forwarding || dice.percent(60) {
            attach.push(Attach::Address(interface.subnet.clone(), interface.addresses[0]));
        }
    }
    for service in &world.services {
        match &service.subnet {
            Some(subnet) => attach.extend(dice.maybe(60, Attach::Address(subnet.clone(), IpAddr::V4(service.addresses[0])))),
            None => attach.push(Attach::Service(service.name.clone())),
        }
    }
    attach.extend(world.gateways.iter().map(|gateway| Attach::Gateway(gateway.name.clone())));
    attach.extend([Attach::Internet, Attach::Platform]);
    attach.retain(|_| dice.percent(96));
    world.ports = attach.into_iter().enumerate().map(|(index, attach)| Port { name: format!("p{index}"), attach }).collect();
}

/// Addresses at which something may change: hosts, ends of prefixes and their neighbours.
fn points(world: &World) -> Vec<IpAddr> {
    let mut points: Vec<IpAddr> = STRANGERS.iter().map(|text| text.parse().unwrap()).collect();
    points.extend(world.private_endpoints.iter().flat_map(|endpoint| [IpAddr::V4(endpoint.address); 4]));
    points.extend(world.services.iter().flat_map(|service| &service.outbound).map(|address| IpAddr::V4(*address)));
    points.extend(world.services.iter().filter_map(|service| world.app_address(service)));
    for service in &world.services {
        points.extend(service.addresses.iter().filter_map(|address| crate::places::tunnelled(service, *address)));
    }
    points.extend([crate::places::PLATFORM, crate::places::METADATA]);
    for interface in &world.interfaces {
        points.extend(&interface.addresses);
        points.extend(&interface.addresses);
        points.extend(interface.public.map(IpAddr::V4));
    }
    for service in &world.services {
        let addresses: Vec<IpAddr> = service.addresses.iter().map(|address| IpAddr::V4(*address)).collect();
        (0..4).for_each(|_| points.extend(&addresses));
        points.extend(service.scm.iter().flat_map(|address| [IpAddr::V4(*address); 3]));
        points.extend(service.public.map(IpAddr::V4));
    }
    let networks = world.networks.iter();
    points.extend(networks.clone().filter_map(|network| network.default_outbound).map(IpAddr::V4));
    points.extend(world.nat_gateways.iter().flat_map(|nat| &nat.addresses).map(|address| IpAddr::V4(*address)));
    points.extend(world.gateways.iter().filter_map(|gateway| gateway.public).map(IpAddr::V4));
    let mut prefixes: Vec<IpNet> = networks.clone().flat_map(|network| network.prefixes.clone()).collect();
    prefixes.extend(networks.flat_map(|network| network.subnets.iter().flat_map(|subnet| subnet.prefixes.clone())));
    prefixes.extend(world.gateways.iter().flat_map(|gateway| gateway.prefixes.clone()));
    prefixes.extend(world.tags.iter().flat_map(|tag| tag.prefixes.clone()));
    prefixes.extend(world.tables.iter().flat_map(|table| &table.routes).filter_map(|route| route.prefix.parse::<IpNet>().ok()));
    prefixes.iter().for_each(|prefix| points.extend(edges(*prefix)));
    points.retain(|point| is_host(*point));
    points
}

/// First and last, one beyond each, and one inside.
fn edges(prefix: IpNet) -> Vec<IpAddr> {
    if prefix.prefix_len() == 0 {
        return Vec::new();
    }
    let (first, last) = (prefix.network(), prefix.broadcast());
    vec![minus(first), first, plus(first, 6), last, plus(last, 1)]
}

/// What can be a packet's source or destination.
fn is_host(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            (1..224).contains(&address.octets()[0]) && !address.is_loopback() && !address.is_link_local()
                || address == Ipv4Addr::new(169, 254, 169, 254)
        }
        IpAddr::V6(address) => !address.is_unspecified() && !address.is_multicast() && !address.is_loopback(),
    }
}

fn plus(address: IpAddr, more: u128) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from(u32::from(address).wrapping_add(u32::try_from(more).unwrap()))),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address).wrapping_add(more))),
    }
}

fn minus(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from(u32::from(address).wrapping_sub(1))),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address).wrapping_sub(1))),
    }
}

/// Questions about a network.
pub fn packets(world: &World, seed: u64, count: usize) -> Vec<Packet> {
    let dice = &Dice::new(seed ^ 0x5eed);
    let points = points(world);
    if world.ports.is_empty() {
        return Vec::new();
    }
    (0..count).map(|_| packet(world, &points, dice)).collect()
}

fn packet(world: &World, points: &[IpAddr], dice: &Dice) -> Packet {
    let is_host = |port: &&Port| matches!(port.attach, Attach::Network(_) | Attach::Subnet(_) | Attach::Address(..));
    let hosts: Vec<&Port> = world.ports.iter().filter(is_host).collect();
    let port = if hosts.is_empty() || dice.percent(30) { dice.pick(&world.ports) } else { *dice.pick(&hosts) };
    let source = if dice.percent(6) { *dice.pick(points) } else { own_source(world, port, points, dice) };
    let same_family: Vec<IpAddr> = points.iter().copied().filter(|point| point.is_ipv4() == source.is_ipv4()).collect();
    let to_many = dice.percent(1);
    let many = if source.is_ipv4() { *dice.pick(&["224.0.0.5", "255.255.255.255"]) } else { "ff02::1" };
    let destination = if to_many { many.parse().unwrap() } else { *dice.pick(&same_family) };
    let protocol = match dice.below(20) {
        0..12 => 6,
        12..16 => 17,
        16 | 17 => {
            if source.is_ipv4() {
                1
            } else {
                58
            }
        }
        18 => 50,
        _ => *dice.pick(&[51, 51, 51, 51, 47, 4, 132]),
    };
    let has_ports = matches!(protocol, 6 | 17);
    let source_port = if dice.percent(2) { *dice.pick(&[65_330, 68]) } else { *dice.pick(&[40_000, 40_001, 40_002, 39_999]) };
    let destination_port = if source_port == 68 { 67 } else { destination_port(world, destination, dice) };
    Packet {
        port: port.name.clone(),
        source,
        destination,
        protocol,
        source_port: if has_ports { source_port } else { 0 },
        destination_port: if has_ports { destination_port } else { 0 },
    }
}

fn destination_port(world: &World, destination: IpAddr, dice: &Dice) -> u16 {
    let at = world.services.iter().find(|service| service.addresses.iter().any(|address| IpAddr::V4(*address) == destination));
    let known = at.and_then(|service| KINDS.iter().find(|known| known.kind == service.kind));
    let is_license = |tag: &&Tag| tag.name == "AzurePlatformLKM" && crate::places::within(&tag.prefixes, destination);
    if world.tags.iter().any(|tag| is_license(&tag)) && dice.percent(60) {
        return *dice.pick(&[1688, 1688, 1687]);
    }
    if let (Some(known), true) = (known, dice.percent(75)) {
        let (first, last) = *dice.pick(known.ports);
        return *dice.pick(&[first, first, first, last, first - 1, last + 1]);
    }
    *dice.pick(&[22, 79, 80, 81, 442, 443, 444, 445, 1432, 1433, 1434, 5671, 5672, 65_535, 53, 1])
}

/// A source that belongs behind the port.
fn own_source(world: &World, port: &Port, points: &[IpAddr], dice: &Dice) -> IpAddr {
    let of_subnet = |name: &str, dice: &Dice| {
        let home = world.home(name);
        let own: Vec<IpAddr> = world
            .interfaces
            .iter()
            .filter(|interface| interface.subnet == name)
            .flat_map(|interface| interface.addresses.clone())
            .collect();
        let private = if own.is_empty() || dice.percent(50) {
            plus(dice.pick(&home.subnet.prefixes).network(), *dice.pick(&[4, 5, 6, 4, 5, 6, 4, 3, 0]))
        } else {
            *dice.pick(&own)
        };
        crate::places::to_wire(home.subnet, private)
    };
    match &port.attach {
        Attach::Network(name) => {
            let network = world.network(name);
            let subnet = dice.pick(&network.subnets).name.clone();
            of_subnet(&format!("{name}/{subnet}"), dice)
        }
        Attach::Subnet(name) => of_subnet(name, dice),
        Attach::Address(subnet, address) => {
            let forwards = world
                .interfaces
                .iter()
                .any(|interface| interface.forwarding && interface.addresses.contains(address) && interface.subnet == *subnet);
            if forwards && dice.percent(50) { *dice.pick(points) } else { crate::places::to_wire(world.home(subnet).subnet, *address) }
        }
        Attach::Service(name) => IpAddr::V4(world.services.iter().find(|service| service.name == *name).unwrap().addresses[0]),
        Attach::Gateway(name) => {
            let gateway = world.gateways.iter().find(|gateway| gateway.name == *name).unwrap();
            if gateway.prefixes.is_empty() {
                *dice.pick(points)
            } else {
                plus(dice.pick(&gateway.prefixes).network(), *dice.pick(&[0, 1, 5]))
            }
        }
        Attach::Internet => (*dice.pick(&["198.51.100.20", "198.51.100.21", "8.8.8.8"])).parse().unwrap(),
        Attach::Platform => crate::places::PLATFORM,
    }
}

fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}
