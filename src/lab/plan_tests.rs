use super::*;
use crate::config::network::{
    Denial, Named, Port, PortIndex, Service, ServiceIndex, SourceEncoding, SubnetIndex, VirtualNetwork, VirtualNetworkIndex,
};

fn named(name: &str) -> Named {
    Named { name: name.to_owned(), position: Default::default() }
}

fn subnet(name: &str, prefixes: &[&str], wire: Option<&str>) -> Subnet {
    Subnet {
        named: named(name),
        virtual_network: VirtualNetworkIndex(0),
        address_prefixes: prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect(),
        wire_prefix: wire.map(|prefix| prefix.parse().unwrap()),
        network_security_group: None,
        route_table: None,
        service_endpoints: Vec::new(),
        service_endpoint_policies: Vec::new(),
        delegation: None,
        nat_gateway: None,
        default_outbound_access: true,
        private_endpoint_network_policies: Default::default(),
        tunnel_key: None,
    }
}

fn service() -> Service {
    Service {
        named: named("orders"),
        kind: "Microsoft.Storage/storageAccounts".into(),
        location: None,
        addresses: vec!["203.0.113.20".parse().unwrap()],
        host_names: vec!["orders.blob.core.windows.net".into()],
        ports: Vec::new(),
        denial: Denial::Reset,
        source_encoding: SourceEncoding::Private,
        subnet: None,
        public_address: None,
        firewall: None,
        has_private_endpoint: false,
        integration: None,
        outbound_addresses: Vec::new(),
        public_network_access: None,
        scm_addresses: Vec::new(),
    }
}

fn virtual_network() -> VirtualNetwork {
    VirtualNetwork {
        named: named("net"),
        location: None,
        address_prefixes: vec!["10.1.0.0/16".parse().unwrap()],
        subnets: vec![SubnetIndex(0), SubnetIndex(1)],
        peerings: Vec::new(),
        flow_timeout_minutes: None,
        default_outbound_address: None,
        tunnel_key: None,
    }
}

/// Two subnets (the second with a wire prefix), a service, and one host at `address` behind a port of this attachment.
fn network(attachment: Attachment, addresses: &[&str]) -> Network {
    let host = Host {
        named: named("host"),
        port: PortIndex(0),
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        serve: Serve::default(),
        run: None,
        forward: false,
    };
    Network {
        virtual_networks: vec![virtual_network()],
        subnets: vec![
            subnet("web", &["10.1.1.0/24", "fd01::/64"], None),
            subnet("app", &["10.1.2.0/24", "10.1.3.0/25"], Some("192.168.77.0/24")),
        ],
        services: vec![service()],
        ports: vec![Port { named: named("port"), device: Device::Tap("cw-port".into()), attachment }],
        hosts: vec![host],
        ..Network::default()
    }
}

fn addresses(attachment: Attachment, own: &[&str]) -> Vec<String> {
    let plan = Plan::new(&network(attachment, own), Path::new("/x/shop.yaml")).unwrap();
    let show = |address: &HostAddress| format!("{}/{} via {}", address.address, address.prefix_length, address.gateway);
    plan.hosts[0].addresses.iter().map(show).collect()
}

#[test]
fn a_host_of_a_subnet_has_its_prefix_and_its_first_address_as_next_hop() {
    let expected = ["10.1.1.4/24 via 10.1.1.1", "fd01::4/64 via fe80::1234:5678:9abc"];
    assert_eq!(addresses(Attachment::Subnet(SubnetIndex(0)), &["10.1.1.4", "fd01::4"]), expected);
    assert_eq!(addresses(Attachment::VirtualNetwork(VirtualNetworkIndex(0)), &["10.1.3.9"]), ["10.1.3.9/25 via 10.1.3.1"]);
}

#[test]
fn the_wire_prefix_stands_for_the_first_prefix() {
    let attachment = Attachment::Address(SubnetIndex(1), "10.1.2.4".parse().unwrap());
    assert_eq!(addresses(attachment, &["192.168.77.4"]), ["192.168.77.4/24 via 192.168.77.1"]);
    assert_eq!(addresses(Attachment::Subnet(SubnetIndex(1)), &["10.1.3.4"]), ["10.1.3.4/25 via 10.1.3.1"]);
    let refused = Plan::new(&network(attachment, &["10.1.2.4"]), Path::new("shop.yaml"));
    assert!(matches!(refused, Err(LabError::NoSubnet { .. })), "the private address is not on the wire");
}

#[test]
fn elsewhere_an_address_stands_alone() {
    for attachment in [Attachment::Internet, Attachment::Service(ServiceIndex(0)), Attachment::Platform] {
        assert_eq!(addresses(attachment, &["198.51.100.20"]), ["198.51.100.20/32 via 169.254.1.1"]);
    }
    assert_eq!(addresses(Attachment::Service(ServiceIndex(0)), &["2603::1"]), ["2603::1/128 via fe80::1234:5678:9abc"]);
}

#[test]
fn names_are_those_that_everyone_else_uses() {
    let plan = Plan::new(&network(Attachment::Subnet(SubnetIndex(1)), &["192.168.77.4"]), Path::new("shop.yaml")).unwrap();
    let expected: Vec<(IpAddr, Vec<String>)> = vec![
        ("203.0.113.20".parse().unwrap(), vec!["orders".into(), "orders.blob.core.windows.net".into()]),
        ("10.1.2.4".parse().unwrap(), vec!["host".into()]),
    ];
    assert_eq!(plan.names, expected, "a wire address stands for the private one");
}

#[test]
fn an_address_stands_once_with_all_its_names() {
    let plan = Plan::new(&network(Attachment::Service(ServiceIndex(0)), &["203.0.113.20"]), Path::new("shop.yaml")).unwrap();
    assert_eq!(plan.names.len(), 1);
    assert_eq!(plan.names[0].1, ["orders", "orders.blob.core.windows.net", "host"]);
}

#[test]
fn a_deployment_site_has_a_name_of_its_own() {
    let mut network = network(Attachment::Internet, &["198.51.100.20"]);
    let own: IpAddr = "203.0.113.21".parse().unwrap();
    network.services[0].addresses.push(own);
    network.services[0].scm_addresses.push(own);
    let plan = Plan::new(&network, Path::new("shop.yaml")).unwrap();
    assert!(plan.names.contains(&(own, vec!["orders.scm".into()])), "{:?}", plan.names);
}

#[test]
fn a_host_on_an_interface_is_refused() {
    let mut network = network(Attachment::Internet, &["198.51.100.20"]);
    network.ports[0].device = Device::Interface("eth0".into());
    let refused = Plan::new(&network, Path::new("shop.yaml")).unwrap_err().to_string();
    assert!(refused.contains("host host: port port attaches to an existing interface"), "{refused}");
}

#[test]
fn a_file_without_hosts_is_refused() {
    assert!(matches!(Plan::new(&Network::default(), Path::new("shop.yaml")), Err(LabError::NoHosts(_))));
}

#[test]
fn the_host_of_a_tunnelled_service_has_the_address_of_the_tunnel_too_and_nobody_else_knows_it() {
    for own in [&["203.0.113.20"][..], &["203.0.113.20", "2603:10e1:100:2::cb00:7114"]] {
        let mut network = network(Attachment::Service(ServiceIndex(0)), own);
        network.services[0].source_encoding = SourceEncoding::ServiceTunnel("2603:10e1:100:2::/96".parse().unwrap());
        let plan = Plan::new(&network, Path::new("/x/shop.yaml")).unwrap();
        let addresses: Vec<String> = plan.hosts[0].addresses.iter().map(|own| format!("{} via {}", own.address, own.gateway)).collect();
        assert_eq!(addresses, ["203.0.113.20 via 169.254.1.1", "2603:10e1:100:2::cb00:7114 via fe80::1234:5678:9abc"]);
        assert!(plan.hosts[0].has_ipv6());
        assert!(plan.names.iter().all(|(address, _)| address.is_ipv4()), "{:?}", plan.names);
    }
}
