//! Address spaces and subnets: reserved ranges, sizes, overlaps.

use ipnet::{IpNet, Ipv4Net};
use std::net::Ipv4Addr;

use crate::config::finding::{Code, Findings};
use crate::config::model::addresses::Prefix;
use crate::config::model::network_objects::{VirtualNetwork, subnet_prefixes};
use crate::config::model::{NetworkFile, Spanned, each};

/// What no virtual network may hold (virtual-networks-faq).
const RESERVED: [(Ipv4Addr, u8); 5] = [
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(255, 255, 255, 255), 32),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// Whether two prefixes share an address.
pub(super) fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

/// Checks every network's prefixes and subnets.
pub(super) fn check(file: &NetworkFile, findings: &mut Findings) {
    for network in each(&file.virtual_networks) {
        let prefixes = each(&network.address_prefixes);
        for prefix in prefixes {
            check_reserved(prefix, findings);
        }
        check_overlaps(&prefixes.iter().collect::<Vec<_>>(), "address prefixes of the network", findings);
        check_subnets(network, findings);
    }
}

fn check_reserved(prefix: &Spanned<Prefix>, findings: &mut Findings) {
    let hit = RESERVED.iter().find_map(|(address, length)| {
        let reserved = IpNet::from(Ipv4Net::new(*address, *length).ok()?);
        overlap(&prefix.0, &reserved).then_some(reserved)
    });
    if let Some(reserved) = hit {
        findings.report(Code::ReservedRange, prefix.span, format!("{} overlaps {reserved}, which Azure keeps for itself", prefix.0));
    }
}

fn check_subnets(network: &VirtualNetwork, findings: &mut Findings) {
    let space = each(&network.address_prefixes);
    let subnets: Vec<Spanned<Prefix>> = each(&network.subnets).iter().flat_map(|subnet| subnet_prefixes(subnet)).collect();
    for prefix in &subnets {
        check_size(prefix, findings);
        if !space.is_empty() && !space.iter().any(|range| range.0.contains(&prefix.0)) {
            let ranges: Vec<String> = space.iter().map(|range| range.0.to_string()).collect();
            findings
                .report(Code::SubnetOutside, prefix.span, format!("{} is not inside its network", prefix.0))
                .hint(format!("the network has {}", ranges.join(", ")));
        }
    }
    check_overlaps(&subnets.iter().collect::<Vec<_>>(), "subnets", findings);
}

fn check_size(prefix: &Spanned<Prefix>, findings: &mut Findings) {
    let wrong = match prefix.0 {
        IpNet::V4(net) if net.prefix_len() > 29 => "smaller than /29, the smallest subnet",
        IpNet::V4(net) if net.prefix_len() < 8 => "larger than /8, the largest subnet",
        IpNet::V6(net) if net.prefix_len() != 64 => "not /64, the only size of an IPv6 subnet",
        _ => return,
    };
    findings.report(Code::SubnetSize, prefix.span, format!("{} is {wrong}", prefix.0));
}

/// Sorted by start, prefixes overlap only with one that began before and has not ended.
fn check_overlaps(prefixes: &[&Spanned<Prefix>], what: &str, findings: &mut Findings) {
    let mut sorted = prefixes.to_vec();
    sorted.sort_by_key(|prefix| (prefix.0.network(), prefix.0.prefix_len()));
    let mut widest: Option<&Spanned<Prefix>> = None;
    for prefix in sorted {
        match widest {
            Some(open) if overlap(&open.0, &prefix.0) => {
                let (first, second) = if open.span <= prefix.span { (open, prefix) } else { (prefix, open) };
                findings
                    .report(Code::SubnetOverlap, second.span, format!("{} overlaps {}: two {what}", second.0, first.0))
                    .related(first.span, "the other one");
            }
            _ => widest = Some(prefix),
        }
    }
}
