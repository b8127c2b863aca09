//! Peerings: what Azure refuses, and what it accepts without effect.

use super::address_space::overlap;
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::network_objects::Peering as PeeringModel;
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{Network, Peering, VirtualNetwork, VirtualNetworkIndex};

/// Checks every half of a peering.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    for (index, (model, home)) in each(&file.virtual_networks).iter().zip(&network.virtual_networks).enumerate() {
        let here = VirtualNetworkIndex(index);
        let halves: Vec<(&Spanned<PeeringModel>, &Peering)> = each(&model.peerings).iter().zip(&home.peerings).collect();
        for (position, (model, peering)) in halves.iter().enumerate() {
            let span = model.remote_virtual_network.as_ref().map_or(model.span, |name| name.span);
            let earlier = halves.iter().take(position).find(|(_, other)| other.remote == peering.remote);
            if peering.remote == here {
                findings.report(Code::BadPeering, span, "a network cannot peer with itself");
            } else if let (Some((first, _)), true) = (earlier, peering.remote.0 != super::names::UNRESOLVED) {
                findings.report(Code::BadPeering, span, "a second peering with the same network").related(first.span, "the first one");
            } else if let Some(remote) = network.virtual_networks.get(peering.remote.0) {
                let has_gateway = network.gateways.iter().any(|gateway| gateway.virtual_network == peering.remote);
                check_half((here, home), peering, (remote, has_gateway), span, findings);
            }
        }
        check_gateways(here, &halves, network, findings);
        check_common_overlaps(here, &halves, network, findings);
    }
}

fn check_half(
    (here, home): (VirtualNetworkIndex, &VirtualNetwork),
    peering: &Peering,
    (remote, has_gateway): (&VirtualNetwork, bool),
    span: Span,
    findings: &mut Findings,
) {
    report_overlap(home, remote, span, findings);
    let back = remote.peerings.iter().find(|back| back.remote == here);
    let Some(back) = back else {
        let message = format!("`{}` has no peering back to `{}`: nothing passes", remote.named.name, home.named.name);
        findings.report(Code::HalfPeering, span, message).hint(format!("add the other half under `{}`", remote.named.name));
        return;
    };
    if peering.disconnected {
        let message = format!("this half of the peering with `{}` is Disconnected: nothing passes", remote.named.name);
        findings.report(Code::HalfPeering, span, message).hint("delete both halves and make them anew");
    }
    if peering.use_remote_gateways && !back.allow_gateway_transit {
        let message = format!("useRemoteGateways, but `{}`'s half lacks allowGatewayTransit", remote.named.name);
        findings.report(Code::PeeringFlags, span, message);
    } else if peering.use_remote_gateways && !has_gateway {
        findings.report(Code::PeeringFlags, span, format!("useRemoteGateways, but `{}` has no gateway", remote.named.name));
    }
}

fn report_overlap(one: &VirtualNetwork, other: &VirtualNetwork, span: Span, findings: &mut Findings) {
    let pairs = one.address_prefixes.iter().flat_map(|mine| other.address_prefixes.iter().map(move |theirs| (mine, theirs)));
    if let Some((mine, theirs)) = pairs.into_iter().find(|(mine, theirs)| overlap(mine, theirs)) {
        let message = format!("{mine} of `{}` overlaps {theirs} of `{}`", one.named.name, other.named.name);
        findings.report(Code::PeerOverlap, span, message).hint("peered networks have separate address spaces");
    }
}

/// Two peers of one network may not overlap each other either.
fn check_common_overlaps(
    here: VirtualNetworkIndex,
    halves: &[(&Spanned<PeeringModel>, &Peering)],
    network: &Network,
    findings: &mut Findings,
) {
    let peers: Vec<(&VirtualNetwork, Span)> = halves
        .iter()
        .filter(|(_, peering)| peering.remote != here)
        .filter_map(|(model, peering)| network.virtual_networks.get(peering.remote.0).map(|remote| (remote, model.span)))
        .collect();
    for (position, (second, span)) in peers.iter().enumerate() {
        for (first, _) in peers.iter().take(position).filter(|(first, _)| first.named != second.named) {
            report_overlap(second, first, Span { start: span.start, end: span.start }, findings);
        }
    }
}

fn check_gateways(here: VirtualNetworkIndex, halves: &[(&Spanned<PeeringModel>, &Peering)], network: &Network, findings: &mut Findings) {
    let using: Vec<Span> =
        halves.iter().filter_map(|(model, _)| model.use_remote_gateways.as_ref().filter(|flag| flag.value)).map(|flag| flag.span).collect();
    let own_gateway = network.gateways.iter().any(|gateway| gateway.virtual_network == here);
    for (position, span) in using.iter().enumerate() {
        if position > 0 {
            findings.report(Code::BadPeering, *span, "a network uses the gateways of one peer only");
        }
        if own_gateway {
            findings.report(Code::BadPeering, *span, "a network with a gateway of its own cannot use a peer's");
        }
    }
}
