//! One sentence that says what to change, for each way to be refused.

use super::Kept;
use crate::packet::Reason;
use crate::policy::ids::Access;
use crate::policy::question::{Outcome, Question, Sender, Source, Stage, Step};
use crate::policy::route::Hop;
use crate::policy::service_firewall::{Client, same_region};
use crate::policy::snapshot::Snapshot;
use crate::policy::topology::Service;
use crate::wire::protocol;

pub(super) fn hint(snapshot: &Snapshot, question: &Question, outcome: &Outcome, kept: &Kept) -> Option<String> {
    let reason = match outcome {
        Outcome::Forward(_) => return None,
        Outcome::Undetermined(what) => return Some(format!("causeway does not model {what}")),
        Outcome::Deny(denial) => denial.reason,
    };
    let step = kept.deciding();
    Some(match reason {
        Reason::NsgDeny => security_group(snapshot, question, step?),
        Reason::ServiceFirewallDeny => firewall(snapshot, question, kept, step?)?,
        Reason::EndpointPolicyDeny => endpoint_policy(snapshot, question, step?),
        Reason::RouteNone => nowhere(snapshot, question, step),
        Reason::NoRoute => no_route(snapshot, question, step),
        Reason::PeeringBlocked => peering(step),
        Reason::IpForwardingDisabled => appliance(snapshot, kept),
        Reason::ServiceInitiated => "a service only answers: let the host in the network open the connection".into(),
        Reason::SourceSpoofed => {
            let note = step.and_then(|step| step.note.clone());
            format!("{}: send from an address that does", note.unwrap_or_else(|| format!("{} does not belong there", question.source)))
        }
        Reason::DestinationUnknown => unknown(question, step),
        _ => return None,
    })
}

fn asked_for(question: &Question) -> String {
    match question.protocol {
        protocol::ICMP | protocol::ICMPV6 => "icmp".into(),
        protocol::TCP => format!("tcp port {}", question.destination_port),
        protocol::UDP => format!("udp port {}", question.destination_port),
        protocol::ESP => "esp".into(),
        protocol::AH => "ah".into(),
        other => format!("protocol {other}"),
    }
}

/// What an NSG refused. The codes are those of lints, which say more about it.
fn security_group(snapshot: &Snapshot, question: &Question, step: &Step) -> String {
    let Some(group) = step.object.as_deref() else {
        return format!("attach a network security group with an inbound Allow rule for {}", asked_for(question));
    };
    let rule = step.rule.as_deref().unwrap_or_default();
    let before = if step.at.is_some() { format!(" and a lower priority number than {rule}") } else { String::new() };
    if step.stage != Stage::NsgOutbound {
        if question.sender == Sender::Platform {
            return format!(
                "PROBES_BLOCKED: health probes come from {}: give {group} an inbound Allow rule for AzureLoadBalancer{before}",
                question.source
            );
        }
        return format!("give {group} an inbound Allow rule for {} from {}{before}", asked_for(question), question.source);
    }
    let service = snapshot.directory.services.get(&question.destination).and_then(|index| snapshot.services.get(*index));
    match (service, question.sender) {
        (Some(service), _) if is_redirected(service, question) => format!(
            "SQL_REDIRECT_PORTS: {} redirects its clients to tcp ports 11000-11999: give {group} an outbound Allow rule for them{before}",
            service.name
        ),
        (Some(service), Sender::Subnet { subnet, .. }) if lists_subnet(service, subnet) && has_endpoint(snapshot, subnet, service) => {
            format!(
                "ENDPOINT_BLOCKED: an endpoint bypasses no rule: give {group} an outbound Allow rule for {} to {}{before}",
                asked_for(question),
                question.destination
            )
        }
        _ => format!("give {group} an outbound Allow rule for {} to {}{before}", asked_for(question), question.destination),
    }
}

/// Whether these are the ports that the database's gateway redirects to.
fn is_redirected(service: &Service, question: &Question) -> bool {
    let sql = ["Microsoft.Sql/servers", "Microsoft.Synapse/workspaces"].iter().any(|kind| service.kind.eq_ignore_ascii_case(kind));
    sql && question.protocol == protocol::TCP && (11_000..12_000).contains(&question.destination_port)
}

/// Whether a subnet has the endpoint that leads to a kind of service, for whatever region.
fn has_endpoint(snapshot: &Snapshot, subnet: usize, service: &Service) -> bool {
    let (Some(subnet), Some(endpoint)) = (snapshot.subnet(subnet), service.endpoint) else { return false };
    let leads = |name: &str| name.get(..endpoint.len()).is_some_and(|start| start.eq_ignore_ascii_case(endpoint));
    let endpoints = subnet.routes.list().into_iter().filter(|listed| listed.route.hop == Hop::Endpoint);
    endpoints.into_iter().any(|listed| listed.route.origin.as_ref().is_some_and(|origin| leads(&origin.name)))
}

fn endpoint_policy(snapshot: &Snapshot, question: &Question, step: &Step) -> String {
    let policy = step.object.as_deref().unwrap_or_default();
    let account = snapshot.directory.services.get(&question.destination).and_then(|index| snapshot.services.get(*index));
    let account = account.map_or_else(|| "the storage account".to_owned(), |account| account.name.clone());
    format!("POLICY_EXCLUDES: list {account} in the policy {policy}, or take the policy off the subnet")
}

fn peering(step: Option<&Step>) -> String {
    let note = step.and_then(|step| step.note.clone()).unwrap_or_else(|| "a flag of the peering forbids it".to_owned());
    format!("{note}: set it to true")
}

fn appliance(snapshot: &Snapshot, kept: &Kept) -> String {
    let address = kept.steps.iter().rev().find_map(|step| step.next_hop_address);
    let interface = address.and_then(|address| snapshot.interfaces.iter().find(|interface| interface.addresses.contains(&address)));
    let what = match (interface, address) {
        (Some(interface), _) => format!("`{}`", interface.name),
        (None, Some(address)) => format!("a network interface at {address}"),
        (None, None) => "the appliance's network interface".to_owned(),
    };
    format!("APPLIANCE_FORWARDING: set enableIPForwarding: true on {what}")
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

/// Why nothing matched; the codes are those of lints, which say more about it.
fn unmatched(snapshot: &Snapshot, question: &Question, kept: &Kept, service: &Service) -> String {
    let address = kept.seen_as.map_or(question.source, Source::address);
    let name = &service.name;
    let (subnet_list, address_list) = lists(service);
    if let Some(hint) = only_denies(service) {
        return hint;
    }
    let Sender::Subnet { subnet, .. } = question.sender else {
        if let Some(sender) = sender_service(snapshot, question).filter(|sender| is_neighbour(sender, service)) {
            return format!(
                "SAME_REGION_NOT_PUBLIC: address rules of a storage account do not look at its own region: {name} lets {} in by bypass, where it is a trusted service, or by resourceAccessRules",
                sender.name
            );
        }
        return format!("add {address} to {address_list} of {name}");
    };
    let endpoint = service.endpoint.unwrap_or("service");
    let own = subnet_name(snapshot, subnet);
    if over_endpoint(kept) {
        let code =
            if lists_any_address(service) { "IPRULE_IGNORED_VNET_SOURCE: over an endpoint address rules are not looked at: " } else { "" };
        return format!("{code}add {own} to {subnet_list} of {name}");
    }
    if lists_subnet(service, subnet) {
        let elsewhere = service.location.as_deref().unwrap_or("the service's region");
        return if has_endpoint(snapshot, subnet, service) {
            format!(
                "ENDPOINT_REGION: {own} is listed, but its {endpoint} endpoint does not reach {elsewhere}, so {name} sees {address}: widen the endpoint"
            )
        } else {
            format!("NO_SE_ON_SUBNET: {own} is listed, but without a {endpoint} endpoint on it {name} sees {address}: enable the endpoint")
        };
    }
    let here = snapshot.network_of(subnet).is_some_and(|network| same_region(network.location.as_deref(), service.location.as_deref()));
    let by_subnet = format!("enable the {endpoint} endpoint on {own} and add it to {subnet_list} of {name}");
    if service.is_storage() && here {
        let listed = lists_address(service, address);
        let code = if listed { "SAME_REGION_NOT_PUBLIC: address rules of a storage account do not look at its own region: " } else { "" };
        return format!("{code}{by_subnet}");
    }
    format!("{by_subnet}, or add {address} to {address_list}")
}

fn sender_service<'a>(snapshot: &'a Snapshot, question: &Question) -> Option<&'a Service> {
    if let Sender::Service(index) = question.sender { snapshot.services.get(index) } else { None }
}

/// Whether a storage account's address rules never match the sending service: it is in the account's region.
fn is_neighbour(sender: &Service, account: &Service) -> bool {
    account.is_storage() && same_region(sender.location.as_deref(), account.location.as_deref())
}

/// The names of the lists that take subnets and addresses.
fn lists(service: &Service) -> (&'static str, &'static str) {
    if service.kind.eq_ignore_ascii_case("Microsoft.Web/sites") {
        ("accessRestrictions", "accessRestrictions")
    } else {
        ("virtualNetworkRules", "ipRules")
    }
}

/// An app whose access restrictions only deny, and whose default nobody wrote.
fn only_denies(service: &Service) -> Option<String> {
    let firewall = service.firewall.as_ref().filter(|_| service.kind.eq_ignore_ascii_case("Microsoft.Web/sites"))?;
    let implied = firewall.unmatched.position.is_none() && !firewall.rules.is_empty();
    let denies = firewall.rules.iter().all(|rule| rule.access == Access::Deny);
    (implied && denies).then(|| format!("DEFAULT_DENY_IMPLIED: with its first access restriction {} denies everybody else: set defaultAction: Allow, or add a rule that allows", service.name))
}

/// Whether the service saw the sender by its subnet.
fn over_endpoint(kept: &Kept) -> bool {
    !matches!(kept.seen_as, None | Some(Source::Public(_) | Source::Unchanged(_)))
}

/// `VNET/SUBNET`.
fn subnet_name(snapshot: &Snapshot, subnet: usize) -> String {
    let network = snapshot.network_of(subnet).map_or("", |network| &network.name);
    format!("{network}/{}", snapshot.subnet(subnet).map_or("", |subnet| &subnet.name))
}

fn clients(service: &Service) -> impl Iterator<Item = &Client> {
    service.firewall.iter().flat_map(|firewall| &firewall.rules).filter(|rule| rule.access == Access::Allow).map(|rule| &rule.matches)
}

fn lists_any_address(service: &Service) -> bool {
    clients(service).any(|client| matches!(client, Client::Public { .. } | Client::AzurePublic(_)))
}

fn lists_address(service: &Service, address: std::net::IpAddr) -> bool {
    clients(service).any(|client| matches!(client, Client::Public { addresses, .. } if addresses.contains(address)))
}

fn lists_subnet(service: &Service, subnet: usize) -> bool {
    clients(service).any(|client| matches!(client, Client::Subnet(listed) if *listed == subnet))
}

fn nowhere(snapshot: &Snapshot, question: &Question, step: Option<&Step>) -> String {
    match step.and_then(|step| step.object.as_ref().zip(step.rule.as_ref())) {
        Some((table, route)) => {
            format!("the route {table}/{route} drops it: give {} a longer route, or that one another next hop", question.destination)
        }
        None => stranger(snapshot, question).unwrap_or_else(|| {
            format!(
                "no network, peer or gateway has {}: peer its network (both halves), or give the subnet a route to it",
                question.destination
            )
        }),
    }
}

/// The destination is in a network of the file that the sender's is not peered with.
fn stranger(snapshot: &Snapshot, question: &Question) -> Option<String> {
    let Sender::Subnet { subnet, .. } = question.sender else { return None };
    let home = snapshot.subnet(subnet)?.network;
    let has = |network: &usize| {
        snapshot
            .networks
            .get(*network)
            .is_some_and(|network| network.address_prefixes.iter().any(|prefix| prefix.contains(&question.destination)))
    };
    let target = (0..snapshot.networks.len()).filter(|network| *network != home).find(has)?;
    let name = |index: usize| snapshot.networks.get(index).map_or("", |network| network.name.as_str());
    let peers = |index: usize| snapshot.networks.get(index).into_iter().flat_map(|network| &network.peerings).map(|peering| peering.remote);
    let hub = peers(home).find(|hub| peers(*hub).any(|far| far == target));
    Some(match hub {
        Some(hub) => format!(
            "PEERING_NOT_TRANSITIVE: {} and {} are both peered with {}, not with each other: peer them, or route both ways through an appliance in {}",
            name(home),
            name(target),
            name(hub),
            name(hub)
        ),
        None => format!(
            "{} is in {}: peer it with {} (both halves), or give the subnet a route to it",
            question.destination,
            name(target),
            name(home)
        ),
    })
}

fn no_route(snapshot: &Snapshot, question: &Question, step: Option<&Step>) -> String {
    match (step.map(|step| step.stage), question.sender) {
        (Some(Stage::SourceRewrite), Sender::Subnet { subnet, .. }) if question.source.is_ipv4() => {
            let network = snapshot.network_of(subnet).map_or("", |network| &network.name);
            format!("give the subnet a natGateway, the interface a publicIPAddress, or {network} a defaultOutboundAddress")
        }
        (Some(Stage::SourceRewrite), Sender::Gateway(_)) => "give the gateway a publicIPAddress".into(),
        (Some(Stage::SourceRewrite), _) => "IPv6 does not leave its network here: use IPv4".into(),
        _ => stranger(snapshot, question).unwrap_or_else(|| format!("no route leads to {}: give the subnet one", question.destination)),
    }
}

fn unknown(question: &Question, step: Option<&Step>) -> String {
    let note = step.and_then(|step| step.note.clone()).unwrap_or_else(|| format!("nothing is at {}", question.destination));
    match question.sender {
        Sender::Internet => format!("{note}: from the internet only services and public addresses of interfaces are reached"),
        _ => format!("{note}: give the file a service or port for it"),
    }
}
