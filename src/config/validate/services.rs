//! Services.

use std::net::{IpAddr, Ipv6Addr};
use std::ops::RangeInclusive;

use ipnet::{IpNet, Ipv6Net};

use super::service_types::{self, ServiceType};
use super::{Scope, firewall_rules, integration, named, not_empty};
use crate::config::catalogue;
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::services::{Service as ServiceModel, SourceEncodingName};
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::nearest::did_you_mean;
use crate::config::network::{Denial, Service, SourceEncoding, SubnetIndex};
use crate::policy::service_tunnel;
use crate::policy::snapshot::PLATFORM_ADDRESS;

/// All services of the file.
pub(super) fn resolve(file: &NetworkFile, scope: &mut Scope<'_>) -> Vec<Service> {
    let default = file.location.as_ref().map(|region| region.0.clone());
    each(&file.services).iter().map(|service| resolve_service(service, default.clone(), scope)).collect()
}

fn resolve_service(model: &Spanned<ServiceModel>, default: Option<String>, scope: &mut Scope<'_>) -> Service {
    let written = model.kind.as_ref().map_or("", |kind| kind.0.as_str());
    let known = service_types::find(written);
    match &model.subnet {
        None if known.is_none() => report_unknown_type(model, scope.findings),
        Some(_) => check_injected_type(model, scope.findings),
        None => {}
    }
    check_addresses(model, scope.findings);
    check_injected(model, scope.findings);
    Service {
        named: named(&model.name, model.span),
        kind: known.map_or_else(|| written.to_owned(), |known| known.kind.to_owned()),
        location: model.location.as_ref().map(|region| region.0.clone()).or(default),
        addresses: each(&model.addresses).iter().chain(each(&model.scm_addresses)).map(|address| address.0).collect(),
        host_names: each(&model.host_names).iter().map(|name| name.0.clone()).collect(),
        ports: ports(model, known),
        denial: model.denial.as_ref().map_or_else(|| default_denial(written, known), |denial| denial.value),
        source_encoding: source_encoding(model, scope.findings),
        subnet: model.subnet.as_ref().map(|name| SubnetIndex(scope.names.subnets.refer(name, scope.findings))),
        public_address: model.public_ip_address.as_ref().map(|address| address.0),
        firewall: firewall_rules::resolve(model, scope),
        has_private_endpoint: false,
        integration: integration::resolve(model, scope),
        outbound_addresses: integration::outbound_addresses(model, scope.findings),
        public_network_access: firewall_rules::public_network_access(model, scope.findings),
        scm_addresses: each(&model.scm_addresses).iter().map(|address| address.0).collect(),
    }
}

fn report_unknown_type(model: &ServiceModel, findings: &mut Findings) {
    let Some(kind) = &model.kind else { return };
    let hint = did_you_mean(&kind.0, service_types::SERVICE_TYPES.iter().map(|known| known.kind));
    findings.report(Code::UnknownType, kind.span, format!("no service endpoint is known for `{}`", kind.0)).maybe_hint(hint);
}

/// What no catalogue entry knows works as a plain host of its subnet.
fn check_injected_type(model: &ServiceModel, findings: &mut Findings) {
    let Some(kind) = model.kind.as_ref().filter(|kind| catalogue::injected(&kind.0, None).is_none()) else { return };
    let types = catalogue::catalogue().iter().filter_map(|entry| entry.types.as_ref()).flat_map(|list| &list.value);
    let hint = did_you_mean(&kind.0, types.map(|kind| kind.0.as_str()));
    findings
        .report(
            Code::UnknownType,
            kind.span,
            format!("nothing is known of what `{}` needs of its subnet: it is a plain host there", kind.0),
        )
        .maybe_hint(hint);
}

fn check_addresses(model: &ServiceModel, findings: &mut Findings) {
    if let Some(list) = &model.addresses {
        not_empty(list.value.is_empty(), "a service needs an address", list.span, findings);
    }
    for address in each(&model.addresses).iter().chain(each(&model.scm_addresses)) {
        if !can_be_a_service(address.0) {
            let message = format!("{} cannot be the address of a service", address.0);
            findings.report(Code::BadAddress, address.span, message).hint("a unicast address that is not the platform's");
        }
    }
}

/// No packet to these leads to a service: some are nobody's, and those of the platform are the platform's.
fn can_be_a_service(address: IpAddr) -> bool {
    let nobodys = address.is_multicast() || address.is_loopback() || address.is_unspecified();
    match address {
        IpAddr::V4(v4) => !nobodys && !v4.is_link_local() && !v4.is_broadcast() && address != PLATFORM_ADDRESS,
        IpAddr::V6(v6) => !nobodys && !v6.is_unicast_link_local(),
    }
}

fn check_injected(model: &ServiceModel, findings: &mut Findings) {
    match (&model.subnet, &model.public_ip_address, &model.source_encoding) {
        (None, Some(public), _) => {
            findings
                .report(Code::InjectedService, public.span, "`publicIPAddress` belongs to a service with a `subnet`")
                .hint("a service outside of networks has its addresses in `addresses`");
        }
        (Some(_), _, Some(encoding)) if encoding.value == SourceEncodingName::ServiceTunnel => {
            findings.report(Code::InjectedService, encoding.span, "a service in a subnet is not reached over endpoints");
        }
        _ => {}
    }
}

fn ports(model: &ServiceModel, known: Option<&ServiceType>) -> Vec<RangeInclusive<u16>> {
    match &model.ports {
        Some(list) => list.value.0.iter().map(|range| range.0.clone()).collect(),
        None => known.map_or_else(Vec::new, |known| known.ports.to_vec()),
    }
}

fn default_denial(written: &str, known: Option<&ServiceType>) -> Denial {
    let is_web = written.get(..14).is_some_and(|namespace| namespace.eq_ignore_ascii_case("Microsoft.Web/"));
    if is_web { Denial::Http403 } else { known.map_or(Denial::Reset, |known| known.denial) }
}

fn source_encoding(model: &Spanned<ServiceModel>, findings: &mut Findings) -> SourceEncoding {
    let tunnel = model.source_encoding.as_ref().filter(|encoding| encoding.value == SourceEncodingName::ServiceTunnel);
    match (tunnel, &model.tunnel_prefix) {
        (None, None) => SourceEncoding::Private,
        (None, Some(prefix)) => {
            findings.report(Code::NoEffect, prefix.span, "`tunnelPrefix` belongs to `sourceEncoding: ServiceTunnel`");
            SourceEncoding::Private
        }
        (Some(encoding), None) => {
            if !findings.any_within(model.span, &[Code::BadPrefix, Code::WrongType]) {
                findings
                    .report(Code::TunnelKey, encoding.span, "ServiceTunnel needs a `tunnelPrefix`")
                    .hint("such as 2603:10e1:100:2::/96");
            }
            SourceEncoding::Private
        }
        (Some(_), Some(prefix)) => match prefix.0 {
            IpNet::V6(tunnel) => {
                check_tunnel_prefix(model, tunnel, prefix.span, findings);
                SourceEncoding::ServiceTunnel(tunnel)
            }
            IpNet::V4(_) => {
                findings.report(Code::BadPrefix, prefix.span, "a tunnelPrefix is an IPv6 prefix");
                SourceEncoding::ServiceTunnel(Ipv6Net::default())
            }
        },
    }
}

/// What stands for the service's addresses must be addresses that routers carry.
fn check_tunnel_prefix(model: &ServiceModel, prefix: Ipv6Net, span: Span, findings: &mut Findings) {
    let addresses = each(&model.addresses).iter().filter_map(|address| if let IpAddr::V4(v4) = address.0 { Some(v4) } else { None });
    let wrong = |v6: &Ipv6Addr| v6.to_ipv4().is_some() || v6.is_multicast() || v6.is_unicast_link_local();
    if let Some(address) = addresses.map(|v4| service_tunnel::embed(prefix, v4)).find(wrong) {
        findings
            .report(Code::BadPrefix, span, format!("under this tunnelPrefix the service would be {address}, which is no unicast address"))
            .hint("such as 2603:10e1:100:2::/96");
    }
}
