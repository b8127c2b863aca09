//! One sentence that says what to change, for each way to be refused.

use super::Kept;
use crate::packet::Reason;
use crate::policy::ids::Access;
use crate::policy::question::{Outcome, Question, Sender, Source, Stage, Step};
use crate::policy::service_firewall::{Client, same_region};
use crate::policy::snapshot::Snapshot;
use crate::policy::topology::Service;

pub(super) fn hint(snapshot: &Snapshot, question: &Question, outcome: &Outcome, kept: &Kept) -> Option<String> {
    let reason = match outcome {
        Outcome::Forward(_) => return None,
        Outcome::Undetermined(what) => return Some(format!("causeway does not model {what}")),
        Outcome::Deny(denial) => denial.reason,
    };
    let step = kept.deciding();
    Some(match reason {
        Reason::NsgDeny => security_group(question, step?),
        Reason::ServiceFirewallDeny => firewall(snapshot, question, kept, step?)?,
        Reason::EndpointPolicyDeny => {
            format!("list the storage account in the policy {}, or take the policy off the subnet", step?.object.as_ref()?)
        }
        Reason::RouteNone => nowhere(question, step?),
        Reason::NoRoute => no_route(snapshot, question, step),
        Reason::PeeringBlocked => format!("{}: set it to true on that half of the peering", step?.note.as_ref()?),
        Reason::IpForwardingDisabled => "set enableIPForwarding: true on the appliance's network interface".into(),
        Reason::ServiceInitiated => "a service only answers: let the host in the network open the connection".into(),
        Reason::SourceSpoofed => format!("{}: send from an address that does", step?.note.as_ref()?),
        Reason::DestinationUnknown => unknown(question, step),
        _ => return None,
    })
}

fn protocol(question: &Question) -> String {
    match question.protocol {
        1 | 58 => "icmp".into(),
        6 => format!("tcp port {}", question.destination_port),
        17 => format!("udp port {}", question.destination_port),
        50 => "esp".into(),
        51 => "ah".into(),
        other => format!("protocol {other}"),
    }
}

fn security_group(question: &Question, step: &Step) -> String {
    let (group, rule) = (step.object.as_deref().unwrap_or_default(), step.rule.as_deref().unwrap_or_default());
    let (way, from_to) = match step.stage {
        Stage::NsgOutbound => ("an outbound", format!("to {}", question.destination)),
        _ => ("an inbound", format!("from {}", question.source)),
    };
    let number = if step.at.is_some() { format!(" and a lower priority number than {rule}") } else { String::new() };
    format!("give {group} {way} Allow rule for {} {from_to}{number}", protocol(question))
}

fn firewall(snapshot: &Snapshot, question: &Question, kept: &Kept, step: &Step) -> Option<String> {
    let name = step.object.as_ref()?;
    let service = snapshot.services.iter().find(|service| service.name == *name)?;
    match step.rule.as_deref()? {
        "defaultAction" => Some(unmatched(snapshot, question, kept, service)),
        "publicNetworkAccess" => Some(format!("{name} has publicNetworkAccess: Disabled, so nothing here reaches it")),
        rule => Some(format!("{name}/{rule} refuses it: put an Allow rule with a lower priority number before it")),
    }
}

/// Why nothing matched; the codes are those that the documentation explains.
fn unmatched(snapshot: &Snapshot, question: &Question, kept: &Kept, service: &Service) -> String {
    let address = kept.seen_as.map_or(question.source, Source::address);
    let name = &service.name;
    let web = service.kind.eq_ignore_ascii_case("Microsoft.Web/sites");
    let (subnet_list, address_list) = if web { ("accessRestrictions", "accessRestrictions") } else { ("virtualNetworkRules", "ipRules") };
    let Sender::Subnet { subnet, .. } = question.sender else {
        return format!("add {address} to {address_list} of {name}");
    };
    let endpoint = service.endpoint.unwrap_or("service");
    let own = format!(
        "{}/{}",
        snapshot.network_of(subnet).map_or("", |network| &network.name),
        snapshot.subnet(subnet).map_or("", |subnet| &subnet.name)
    );
    if matches!(kept.seen_as, Some(Source::Private(_))) {
        let ignored = if lists_any_address(service) {
            " (IPRULE_IGNORED_VNET_SOURCE: address rules do not look at what comes over an endpoint)"
        } else {
            ""
        };
        return format!("add {own} to {subnet_list} of {name}{ignored}");
    }
    if lists_subnet(service, subnet) {
        return format!(
            "NO_SE_ON_SUBNET: {own} is listed, but without a {endpoint} endpoint on it {name} sees {address}: enable the endpoint"
        );
    }
    let here = snapshot.network_of(subnet).is_some_and(|network| same_region(network.location.as_deref(), service.location.as_deref()));
    let by_subnet = format!("enable the {endpoint} endpoint on {own} and add it to {subnet_list} of {name}");
    if service.is_storage() && here {
        let listed = lists_address(service, address);
        return format!(
            "{}{by_subnet}",
            if listed { "SAME_REGION_NOT_PUBLIC: address rules of a storage account do not look at its own region: " } else { "" }
        );
    }
    format!("{by_subnet}, or add {address} to {address_list}")
}

fn clients(service: &Service) -> impl Iterator<Item = &Client> {
    service.firewall.iter().flat_map(|firewall| &firewall.rules).filter(|rule| rule.access == Access::Allow).map(|rule| &rule.matches)
}

fn lists_any_address(service: &Service) -> bool {
    clients(service).any(|client| matches!(client, Client::Public { .. } | Client::AzurePublic))
}

fn lists_address(service: &Service, address: std::net::IpAddr) -> bool {
    clients(service).any(|client| matches!(client, Client::Public { addresses, .. } if addresses.contains(address)))
}

fn lists_subnet(service: &Service, subnet: usize) -> bool {
    clients(service).any(|client| matches!(client, Client::Subnet(listed) if *listed == subnet))
}

fn nowhere(question: &Question, step: &Step) -> String {
    match (&step.object, &step.rule) {
        (Some(table), Some(route)) => {
            format!("the route {table}/{route} drops it: give {} a longer route, or that one another next hop", question.destination)
        }
        _ => format!(
            "no network, peer or gateway has {}: peer its network (both halves), or give the subnet a route to it",
            question.destination
        ),
    }
}

fn no_route(snapshot: &Snapshot, question: &Question, step: Option<&Step>) -> String {
    match (step.map(|step| step.stage), question.sender) {
        (Some(Stage::SourceRewrite), Sender::Subnet { subnet, .. }) if question.source.is_ipv4() => {
            let network = snapshot.network_of(subnet).map_or("", |network| &network.name);
            format!("give the subnet a natGateway, the interface a publicIPAddress, or {network} a defaultOutboundAddress")
        }
        (Some(Stage::SourceRewrite), Sender::Gateway(_)) => "give the gateway a publicIPAddress".into(),
        (Some(Stage::SourceRewrite), _) => "IPv6 does not leave its network here: use IPv4".into(),
        _ => format!("no route leads to {}: give the subnet one", question.destination),
    }
}

fn unknown(question: &Question, step: Option<&Step>) -> String {
    let note = step.and_then(|step| step.note.clone()).unwrap_or_else(|| format!("nothing is at {}", question.destination));
    match question.sender {
        Sender::Internet => format!("{note}: from the internet only services and public addresses of interfaces are reached"),
        _ => format!("{note}: give the file a service or port for it"),
    }
}
