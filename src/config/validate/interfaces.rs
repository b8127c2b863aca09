//! Network interfaces.

use super::{Scope, flag, limit, named};
use crate::config::finding::Findings;
use crate::config::model::network_objects::NetworkInterface as InterfaceModel;
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{AsgIndex, Network, NetworkInterface, NsgIndex, SubnetIndex, VirtualNetworkIndex};

/// All interfaces of the file.
pub(super) fn resolve(file: &NetworkFile, scope: &mut Scope<'_>) -> Vec<NetworkInterface> {
    each(&file.network_interfaces).iter().map(|interface| resolve_interface(interface, scope)).collect()
}

/// Azure's limits of interfaces and of private addresses (azure-virtual-network-limits).
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    if let Some(interfaces) = &file.network_interfaces {
        limit(interfaces.len(), 65_536, "network interfaces", interfaces.span, findings);
    }
    let home = |interface: &NetworkInterface| network.subnets.get(interface.subnet.0).map(|subnet| subnet.virtual_network);
    for (index, model) in each(&file.virtual_networks).iter().enumerate() {
        let own = network.network_interfaces.iter().filter(|interface| home(interface) == Some(VirtualNetworkIndex(index)));
        let addresses = own.map(|interface| interface.private_addresses.len()).sum();
        limit(addresses, 65_536, "private addresses in the network", model.span, findings);
    }
}

fn resolve_interface(model: &Spanned<InterfaceModel>, scope: &mut Scope<'_>) -> NetworkInterface {
    let groups = each(&model.application_security_groups);
    limit(groups.len(), 20, "application security groups on the interface", model.span, scope.findings);
    let addresses = model.private_ip_address.as_ref().map_or(0, |list| list.value.0.len());
    limit(addresses, 256, "private addresses on the interface", model.span, scope.findings);
    let Scope { names, findings, .. } = scope;
    NetworkInterface {
        named: named(&model.name, model.span),
        subnet: SubnetIndex(names.subnets.required(&model.subnet, findings)),
        private_addresses: model.private_ip_address.iter().flat_map(|list| list.value.0.iter()).map(|address| address.0).collect(),
        public_address: model.public_ip_address.as_ref().map(|address| address.0),
        network_security_group: model
            .network_security_group
            .as_ref()
            .map(|name| NsgIndex(names.network_security_groups.refer(name, findings))),
        application_security_groups: groups.iter().map(|name| AsgIndex(names.application_security_groups.refer(name, findings))).collect(),
        enable_ip_forwarding: flag(&model.enable_ip_forwarding, false),
    }
}
