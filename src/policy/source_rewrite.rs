//! What the destination sees as source: the private address inside and over an endpoint, a public one elsewhere.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr};

use super::app_service;
use super::decide::{Decision, Stop};
use super::ids::Access;
use super::private_endpoint;
use super::question::{Observer, Sender, Source, Stage, Step};
use super::route::NextHop;
use super::service_tunnel;
use crate::packet::Reason;

/// Decides the source.
pub(super) fn rewrite(decision: &mut Decision<'_, impl Observer>, next_hop: NextHop) -> Result<Source, Stop> {
    let source = match next_hop {
        NextHop::Endpoint => over_endpoint(decision)?,
        NextHop::Public => to_public(decision)?,
        NextHop::PrivateEndpoint(index) => {
            let source = unchanged(decision);
            private_endpoint::source(decision, index, source)
        }
        NextHop::Network(_) | NextHop::Appliance(..) | NextHop::Gateway(_) | NextHop::Platform => unchanged(decision),
    };
    decision.observer.seen_as(source);
    Ok(source)
}

fn unchanged(decision: &mut Decision<'_, impl Observer>) -> Source {
    if let Sender::Subnet { subnet, .. } = decision.question.sender {
        decision.tcp_idle = decision.snapshot.network_of(subnet).and_then(|network| network.tcp_idle);
    }
    Source::Unchanged(decision.question.source)
}

/// Endpoints carry IPv4 only; the address stays, the identity goes with it.
fn over_endpoint(decision: &mut Decision<'_, impl Observer>) -> Result<Source, Stop> {
    let IpAddr::V4(source) = unchanged(decision).address() else { return Err(Stop::silent(Reason::NoRoute)) };
    decision.over_endpoint = true;
    if let Sender::Subnet { subnet, .. } = decision.question.sender
        && let Some(encoded) = service_tunnel::source(decision, subnet, source)?
    {
        tell(decision, "an IPv6 address that carries the private one, its network and its subnet");
        return Ok(Source::ServiceTunnel(encoded));
    }
    tell(decision, "the private address, with its network and subnet as identity");
    Ok(Source::Private(source))
}

fn to_public(decision: &mut Decision<'_, impl Observer>) -> Result<Source, Stop> {
    let snapshot = decision.snapshot;
    let public = match decision.question.sender {
        Sender::Subnet { subnet, interface, .. } => of_subnet(decision, subnet, interface),
        Sender::Gateway(gateway) => {
            snapshot.gateways.get(gateway).and_then(|gateway| Some((gateway.public_address?, "the gateway's public address")))
        }
        Sender::Service(service) => match of_service(decision, service) {
            Some(outbound) => Some(outbound),
            None => return Ok(Source::Unchanged(decision.question.source)),
        },
        Sender::Internet | Sender::Platform => return Ok(Source::Unchanged(decision.question.source)),
    };
    match public.filter(|_| decision.question.source.is_ipv4()) {
        Some((address, whose)) => {
            decision.seen = IpAddr::V4(address);
            tell(decision, whose);
            Ok(Source::Public(address))
        }
        None => {
            decision.observer.step(|| Step {
                access: Some(Access::Deny),
                note: Some("no public address to leave with".into()),
                ..Step::new(Stage::SourceRewrite)
            });
            Err(Stop::silent(Reason::NoRoute))
        }
    }
}

/// An app sends from its outbound addresses, where the file gives any; other services from the address that they have.
fn of_service(decision: &Decision<'_, impl Observer>, service: usize) -> Option<(Ipv4Addr, &'static str)> {
    let outbound = &decision.snapshot.services.get(service)?.outbound_addresses;
    Some((choose(outbound, decision.question.source)?, "the app's own outbound address"))
}

/// The NAT gateway's address, else the interface's own, else the network's default. An app leaves by a NAT gateway or
/// another route of its subnet, else with the addresses that it has without a network (Azure: overview-vnet-integration).
fn of_subnet(decision: &mut Decision<'_, impl Observer>, subnet: usize, interface: Option<usize>) -> Option<(Ipv4Addr, &'static str)> {
    let snapshot = decision.snapshot;
    let (network, subnet) = (snapshot.network_of(subnet)?, snapshot.subnet(subnet)?);
    decision.tcp_idle = network.tcp_idle;
    if let Some(gateway) = &subnet.nat_gateway {
        decision.tcp_idle = Some(gateway.tcp_idle);
        return Some((choose(&gateway.public_addresses, decision.question.source)?, "the NAT gateway's public address"));
    }
    if let Some(app) = app_service::behind(snapshot, decision.question.sender, decision.question.source) {
        let outbound = app_service::public_addresses(snapshot, app);
        return Some((choose(&outbound, decision.question.source)?, "the app's own outbound address"));
    }
    let own = interface.and_then(|index| snapshot.interfaces.get(index)?.public_address);
    let default = network.default_outbound_address.filter(|_| subnet.default_outbound_access);
    own.map(|address| (address, "the interface's own public address"))
        .or_else(|| default.map(|address| (address, "the network's default outbound address")))
}

/// One of several addresses, always the same for one source.
fn choose(addresses: &[Ipv4Addr], source: IpAddr) -> Option<Ipv4Addr> {
    let mut hasher = DefaultHasher::new();
    source.hash(&mut hasher);
    let count = u64::try_from(addresses.len()).ok().filter(|count| *count > 0)?;
    addresses.get(usize::try_from(hasher.finish() % count).ok()?).copied()
}

fn tell(decision: &mut Decision<'_, impl Observer>, note: &'static str) {
    decision.observer.step(|| Step { note: Some(note.into()), ..Step::new(Stage::SourceRewrite) });
}
