//! Which subnet of a network an address is in.

use super::topology::Subnet;
use crate::table::first_holder::FirstHolder;
use crate::table::prefix_set::PrefixSet;

/// Which subnet of a network an address is in: places in [`VirtualNetwork::subnets`](super::topology::VirtualNetwork).
#[derive(Clone, Debug, Default)]
pub struct SubnetPlaces {
    /// By private addresses.
    pub private: FirstHolder,
    /// By addresses on the wire.
    pub on_wire: FirstHolder,
}

impl SubnetPlaces {
    /// The places of `subnets`, in this order.
    #[must_use]
    pub fn new(subnets: &[&Subnet]) -> Self {
        let of = |set: fn(&&Subnet) -> PrefixSet| FirstHolder::new(&subnets.iter().map(set).collect::<Vec<_>>());
        Self { private: of(|subnet| PrefixSet::from_prefixes(subnet.prefixes.iter().copied())), on_wire: of(|subnet| subnet.on_wire()) }
    }
}
