//! Networks made by hand, and questions to them.

use std::net::IpAddr;

use crate::config::compile::compile;
use crate::config::network::*;
use crate::policy::admission;
use crate::policy::decide::decide;
use crate::policy::explain::Kept;
use crate::policy::ids::Ids;
use crate::policy::question::{Outcome, Question, Scope};
use crate::policy::snapshot::Snapshot;

pub(crate) fn named(name: &str, line: u32) -> Named {
    Named { name: name.into(), position: Position { line, column: 5 } }
}

pub(crate) fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The files' addresses, prefixes and ranges are constants of the tests.
pub(crate) fn parsed<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

/// Builds a network object by object.
#[derive(Default)]
pub(crate) struct Build {
    pub(crate) network: Network,
}

impl Build {
    pub(crate) fn network(&mut self, name: &str, prefix: &str) -> VirtualNetworkIndex {
        self.network.virtual_networks.push(VirtualNetwork {
            named: named(name, 1),
            location: Some("westeurope".into()),
            address_prefixes: vec![parsed(prefix)],
            subnets: Vec::new(),
            peerings: Vec::new(),
            flow_timeout_minutes: None,
            default_outbound_address: None,
            tunnel_key: None,
        });
        VirtualNetworkIndex(self.network.virtual_networks.len() - 1)
    }

    pub(crate) fn subnet(&mut self, network: VirtualNetworkIndex, name: &str, prefix: &str) -> SubnetIndex {
        let index = SubnetIndex(self.network.subnets.len());
        self.network.virtual_networks[network.0].subnets.push(index);
        self.network.subnets.push(Subnet {
            named: named(name, 2),
            virtual_network: network,
            address_prefixes: vec![parsed(prefix)],
            wire_prefix: None,
            network_security_group: None,
            route_table: None,
            service_endpoints: Vec::new(),
            service_endpoint_policies: Vec::new(),
            delegation: None,
            nat_gateway: None,
            default_outbound_access: true,
            private_endpoint_network_policies: PrivateEndpointNetworkPolicies::Disabled,
            tunnel_key: None,
        });
        index
    }

    pub(crate) fn endpoint(&mut self, subnet: SubnetIndex, service: &str) {
        let position = Position { line: 20, column: 9 };
        self.network.subnets[subnet.0].service_endpoints.push(ServiceEndpoint { service: service.into(), locations: Vec::new(), position });
    }

    pub(crate) fn interface(&mut self, name: &str, subnet: SubnetIndex, private: &str) -> InterfaceIndex {
        self.network.network_interfaces.push(NetworkInterface {
            named: named(name, 3),
            subnet,
            private_addresses: vec![address(private)],
            public_address: None,
            network_security_group: None,
            application_security_groups: Vec::new(),
            enable_ip_forwarding: false,
        });
        InterfaceIndex(self.network.network_interfaces.len() - 1)
    }

    pub(crate) fn group(&mut self, name: &str, rules: Vec<SecurityRule>) -> NsgIndex {
        self.network.network_security_groups.push(NetworkSecurityGroup { named: named(name, 4), flush_connection: false, rules });
        NsgIndex(self.network.network_security_groups.len() - 1)
    }

    pub(crate) fn service(&mut self, name: &str, kind: &str, at: &str, firewall: Option<ServiceFirewall>) -> ServiceIndex {
        let web = kind == "Microsoft.Web/sites";
        self.network.services.push(Service {
            named: named(name, 5),
            kind: kind.into(),
            location: Some("westeurope".into()),
            addresses: vec![address(at)],
            host_names: Vec::new(),
            ports: vec![80..=80, 443..=443, 1433..=1433],
            denial: if web { Denial::Http403 } else { Denial::Reset },
            source_encoding: SourceEncoding::Private,
            subnet: None,
            public_address: None,
            firewall,
            has_private_endpoint: false,
            integration: None,
            outbound_addresses: Vec::new(),
            public_network_access: None,
            scm_addresses: Vec::new(),
        });
        ServiceIndex(self.network.services.len() - 1)
    }

    pub(crate) fn port(&mut self, name: &str, attachment: Attachment) {
        self.network.ports.push(Port { named: named(name, 6), device: Device::Tap(format!("cw-{name}")), attachment });
    }

    pub(crate) fn tag(&mut self, name: &str, prefix: &str) {
        self.network.service_tags.push(ServiceTag { name: name.into(), prefixes: vec![parsed(prefix)] });
    }

    pub(crate) fn compile(&self) -> Asked {
        self.compile_with(&mut Ids::default())
    }

    pub(crate) fn compile_with(&self, ids: &mut Ids) -> Asked {
        Asked { snapshot: compile(&self.network, ids, 1).unwrap() }
    }
}

/// A rule of any protocol, source and ports.
pub(crate) fn rule(name: &str, priority: u16, direction: Direction, access: Access, destination: RuleAddress) -> SecurityRule {
    SecurityRule {
        named: named(name, u32::from(priority)),
        priority,
        direction,
        access,
        protocol: RuleProtocol::Any,
        sources: vec![RuleAddress::Any],
        source_ports: vec![0..=65535],
        destinations: vec![destination],
        destination_ports: vec![0..=65535],
    }
}

pub(crate) fn tagged(name: &str) -> RuleAddress {
    RuleAddress::Tag(name.into())
}

pub(crate) fn firewall_deny() -> ServiceFirewall {
    ServiceFirewall { default_action: Some((Access::Deny, Position { line: 9, column: 9 })), ..ServiceFirewall::default() }
}

pub(crate) fn network_rule(subnet: SubnetIndex) -> VirtualNetworkRule {
    VirtualNetworkRule { position: Position { line: 10, column: 9 }, subnet: Some(subnet), ignore_missing_endpoint: false, failed: false }
}

/// A compiled network that takes questions.
pub(crate) struct Asked {
    pub(crate) snapshot: Snapshot,
}

/// What a question came to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) kept: Kept,
}

impl Asked {
    pub(crate) fn port(&self, name: &str) -> crate::policy::ids::PortId {
        self.snapshot.ports.iter().find(|port| port.name == name).unwrap().id
    }

    /// A TCP packet that enters at a port.
    pub(crate) fn tcp(&self, port: &str, source: &str, destination: &str, destination_port: u16) -> Answer {
        self.packet(port, source, destination, 6, destination_port, Scope::FirstPacket)
    }

    pub(crate) fn packet(&self, port: &str, source: &str, destination: &str, protocol: u8, destination_port: u16, scope: Scope) -> Answer {
        let destination = address(destination);
        let admitted = admission::admit(&self.snapshot, self.port(port), address(source), destination).unwrap();
        let question =
            Question { sender: admitted.sender, source: admitted.source, destination, protocol, source_port: 40000, destination_port };
        let mut kept = Kept::default();
        let outcome = decide(&self.snapshot, &question, scope, &mut kept);
        Answer { outcome, kept }
    }
}

impl Answer {
    pub(crate) fn decided_by(&self) -> String {
        self.kept.decided_by().unwrap_or_default()
    }

    pub(crate) fn forward(&self) -> crate::policy::question::Forward {
        match &self.outcome {
            Outcome::Forward(forward) => *forward,
            other => panic!("not forwarded: {other:?}\n{:#?}", self.kept),
        }
    }

    pub(crate) fn denied(&self) -> crate::policy::question::Denial {
        match &self.outcome {
            Outcome::Deny(denial) => *denial,
            other => panic!("not denied: {other:?}\n{:#?}", self.kept),
        }
    }
}
