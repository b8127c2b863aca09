//! Validated network → snapshot.

mod directory;
mod firewalls;
mod objects;
mod ports;
mod routes;
mod security_groups;
pub mod service_kinds;
pub mod tags;

use std::sync::Arc;

use super::network::{EndpointRouteOverUserRoute, ForwardedTrafficCheck, Network, TcpWithoutHandshake};
use crate::policy::ids::{Ids, RuleId, RuleName, Zone};
use crate::policy::snapshot::Snapshot;
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
}

/// Compiles a network. Numbers of things that were named before stay the same.
///
/// # Errors
/// [`CompileError::TooMany`].
pub fn compile(network: &Network, ids: &mut Ids, generation: u64) -> Result<Snapshot, CompileError> {
    let mut compiler = Compiler { network, tags: Tags::new(network), ids };
    let networks = compiler.virtual_networks();
    let subnets = compiler.subnets()?;
    let interfaces = compiler.interfaces()?;
    let services = compiler.services()?;
    let gateways = compiler.gateways()?;
    let directory = compiler.directory(&interfaces)?;
    let mut snapshot = Snapshot {
        generation,
        ids: Arc::default(),
        ports: Vec::new(),
        file: network.file.clone(),
        endpoint_by_longest_prefix: network.options.endpoint_route_over_user_route == EndpointRouteOverUserRoute::LongestPrefix,
        lenient_forwarded_traffic: network.options.forwarded_traffic_check == ForwardedTrafficCheck::Lenient,
        tcp_without_handshake: network.options.tcp_without_handshake == TcpWithoutHandshake::AllowIfRulesAllow,
        networks,
        subnets,
        interfaces,
        services,
        gateways,
        directory,
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
}

impl Compiler<'_> {
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
