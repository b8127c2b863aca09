//! SUBNET|NIC → what it names.

use crate::config::nearest::did_you_mean;
use crate::policy::snapshot::Snapshot;

/// Whose rules or routes are wanted. Indices are the snapshot's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A subnet's.
    Subnet(usize),
    /// An interface's, which are its subnet's too.
    Interface {
        /// The interface.
        interface: usize,
        /// Its subnet.
        subnet: usize,
    },
}

/// Understands `VNET/SUBNET`, or the name of an interface or of a service inside a subnet.
pub(in crate::cli) fn find(snapshot: &Snapshot, whose: &str) -> Result<Wanted, String> {
    if whose.contains('/') {
        let names: Vec<String> = (0..snapshot.subnets.len()).map(|subnet| subnet_name(snapshot, subnet)).collect();
        let found = names.iter().position(|name| name.eq_ignore_ascii_case(whose));
        return found.map(Wanted::Subnet).ok_or_else(|| no_such("subnet", whose, names.iter().map(String::as_str)));
    }
    let found = snapshot.interfaces.iter().position(|interface| interface.name.eq_ignore_ascii_case(whose));
    let subnet = found.and_then(|index| snapshot.interfaces.get(index)).map(|interface| interface.subnet);
    found.zip(subnet).map(|(interface, subnet)| Wanted::Interface { interface, subnet }).ok_or_else(|| {
        let names = snapshot.interfaces.iter().map(|interface| interface.name.as_str());
        format!("{} (a subnet is written VNET/SUBNET)", no_such("network interface", whose, names))
    })
}

/// `VNET/SUBNET`.
pub(super) fn subnet_name(snapshot: &Snapshot, index: usize) -> String {
    let network = snapshot.network_of(index).map_or("", |network| network.name.as_str());
    format!("{network}/{}", snapshot.subnet(index).map_or("", |subnet| subnet.name.as_str()))
}

fn no_such<'a>(kind: &str, name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let suggestion = did_you_mean(name, names).map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("there is no {kind} `{name}`{suggestion}")
}
