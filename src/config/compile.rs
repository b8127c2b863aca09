//! Validated network → snapshot.

mod directory;
mod endpoint_routes;
mod firewalls;
mod kept;
mod objects;
mod platform_tags;
mod ports;
mod private_endpoints;
mod routes;
pub mod security_admin;
pub mod security_groups;
pub mod service_kinds;
mod tag_sets;
pub mod tags;

use std::collections::HashMap;
use std::sync::Arc;

use super::network::{
    ForwardedTrafficCheck, Network, NsgIndex, PublicAddressWithoutSecurityGroup, RouteTableIndex, SubnetIndex, TcpWithoutHandshake,
    VirtualNetworkIndex,
};
use crate::policy::effective_routes::CommonRoutes;
use crate::policy::ids::{Ids, RuleId, RuleName, Zone};
use crate::policy::nsg::SecurityGroup;
use crate::policy::route::Routes;
use crate::policy::security_admin::SecurityAdmin;
use crate::policy::snapshot::Snapshot;
use crate::table::prefix_set::PrefixSet;
use endpoint_routes::Extent;
pub use kept::Kept;
use tags::Tags;

/// Why a network cannot be compiled: a resource limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// More names than there are numbers for; numbers are kept across reloads.
    #[error("more than {limit} {what} were named since the start")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there can be.
        limit: usize,
    },
    /// Rules whose table would take too much memory.
    #[error("a list of {rules} rules takes more than {} MiB of memory", budget >> 20)]
    TooLarge {
        /// Rules in the list.
        rules: usize,
        /// Bytes that their table may take.
        budget: usize,
    },
}

/// Compiles a network. Numbers of things that were named before stay the same.
///
/// # Errors
/// [`CompileError`].
pub fn compile(network: &Network, ids: &mut Ids, generation: u64) -> Result<Snapshot, CompileError> {
    recompile(network, ids, generation, &mut Kept::default())
}

/// Compiles a network for reading: its rules have no tables, and are found one by one.
///
/// # Errors
/// [`CompileError::TooMany`].
pub fn outline(network: &Network) -> Result<Snapshot, CompileError> {
    recompile(network, &mut Ids::default(), 1, &mut Kept::plain())
}

/// Compiles a network. What `kept` has of an earlier one, and is the same now, is not built again.
///
/// # Errors
/// [`CompileError`].
pub fn recompile(network: &Network, ids: &mut Ids, generation: u64, kept: &mut Kept) -> Result<Snapshot, CompileError> {
    let tag_sets = kept.begin(network);
    let tags = Tags::new(network).with(tag_sets);
    let compiler = Compiler {
        network,
        tags,
        ids,
        kept: &mut *kept,
        groups: HashMap::new(),
        virtual_network_tags: HashMap::new(),
        managed: HashMap::new(),
        common_routes: HashMap::new(),
        routes: HashMap::new(),
    };
    let snapshot = snapshot(compiler, generation);
    kept.end(snapshot.is_ok());
    snapshot
}

fn snapshot(mut compiler: Compiler<'_>, generation: u64) -> Result<Snapshot, CompileError> {
    let network = compiler.network;
    let mut networks = compiler.virtual_networks();
    let subnets = compiler.subnets()?;
    Compiler::places(&mut networks, &subnets);
    let interfaces = compiler.interfaces()?;
    let services = compiler.services()?;
    let gateways = compiler.gateways()?;
    let private_endpoints = compiler.private_endpoints();
    let directory = compiler.directory(&interfaces)?;
    let mut snapshot = Snapshot {
        generation,
        ids: Arc::default(),
        ports: Vec::new(),
        file: network.file.clone(),
        lenient_forwarded_traffic: network.options.forwarded_traffic_check == ForwardedTrafficCheck::Lenient,
        tcp_without_handshake: network.options.tcp_without_handshake == TcpWithoutHandshake::AllowIfRulesAllow,
        closed_public_addresses: network.options.public_address_without_security_group == PublicAddressWithoutSecurityGroup::Closed,
        networks,
        subnets,
        interfaces,
        services,
        gateways,
        private_endpoints,
        directory,
        tag_classes: compiler.tags.classes(),
    };
    compiler.ports(&mut snapshot)?;
    snapshot.ids = Arc::new(compiler.ids.clone());
    Ok(snapshot)
}

/// What the parts of the compilation share.
struct Compiler<'a> {
    network: &'a Network,
    tags: Tags<'a>,
    ids: &'a mut Ids,
    kept: &'a mut Kept,
    /// Security groups that are compiled already: places with the same surroundings share theirs.
    groups: HashMap<(NsgIndex, Surroundings), Arc<SecurityGroup>>,
    /// The `VirtualNetwork` tag at each place.
    virtual_network_tags: HashMap<Surroundings, Arc<PrefixSet>>,
    /// The same for security admin rules.
    managed: HashMap<Surroundings, Arc<SecurityAdmin>>,
    /// Routes but for those of service endpoints.
    common_routes: HashMap<Surroundings, Arc<CommonRoutes>>,
    /// All routes, by the endpoints besides.
    routes: HashMap<(Surroundings, Vec<Extent>), Arc<Routes>>,
}

/// All of a subnet that the meaning of its security rules depends on (which addresses are `VirtualNetwork`, and which
/// members of application security groups are within reach), and its routes but for the endpoints'.
type Surroundings = (VirtualNetworkIndex, Option<RouteTableIndex>);

impl Compiler<'_> {
    fn surroundings(&self, subnet: SubnetIndex) -> Option<Surroundings> {
        self.network.subnets.get(subnet.0).map(|subnet| (subnet.virtual_network, subnet.route_table))
    }

    fn rule(&mut self, name: RuleName) -> Result<RuleId, CompileError> {
        let limit = usize::try_from(u32::MAX).unwrap_or(usize::MAX);
        let number = self.ids.rules.intern(name);
        u32::try_from(number).map(RuleId).map_err(|_| CompileError::TooMany { what: "rules", limit })
    }

    fn zone(&mut self, name: String) -> Result<Zone, CompileError> {
        let number = self.ids.zones.intern(name);
        u16::try_from(number).map(Zone).map_err(|_| CompileError::TooMany { what: "zones", limit: usize::from(u16::MAX) + 1 })
    }
}

#[cfg(test)]
pub(crate) mod tests;
