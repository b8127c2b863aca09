//! App Service's access restrictions.

use ipnet::{IpNet, Ipv4Net};

use super::tag_book::TagUse;
use super::{Scope, flag};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::addresses::{Address4, read_address_or_prefix};
use crate::config::model::services::{AccessRestriction as RestrictionModel, Firewall, Headers, RestrictionTag};
use crate::config::model::{ListField, Spanned, each};
use crate::config::network::{AccessRestriction, Named, RestrictionSource, ScmRestrictions, ServiceFirewall, SubnetIndex};
use crate::policy::ids::Access;
use crate::policy::position::Position;
use crate::policy::service_firewall::app_service::{MOST_HEADER_VALUES, MOST_SOURCES, SYNTHETIC_PRIORITY};

/// Priority of a restriction that gives none (Terraform's default).
const DEFAULT_PRIORITY: u32 = 65_000;

/// Fills `resolved.access_restrictions` and `resolved.scm`, and the default actions where only the synthetic last rule
/// gives them.
pub(super) fn resolve(firewall: &Firewall, resolved: &mut ServiceFirewall, scope: &mut Scope<'_>) {
    let (restrictions, synthetic) = resolve_list(&firewall.access_restrictions, "accessRestrictions", scope);
    resolved.access_restrictions = restrictions;
    resolved.default_action = resolved.default_action.or(synthetic);
    let (access_restrictions, synthetic) = resolve_list(&firewall.scm_ip_security_restrictions, "scmIpSecurityRestrictions", scope);
    let given = firewall.scm_default_action.as_ref().map(|action| (action.value, action.span.start));
    let own = ScmRestrictions { default_action: given.or(synthetic), access_restrictions };
    resolved.scm = Some(own).filter(|_| !flag(&firewall.scm_use_main, false));
}

/// The rules, and the action of the synthetic last one, where the list has it.
fn resolve_list(
    list: &ListField<RestrictionModel>,
    name: &str,
    scope: &mut Scope<'_>,
) -> (Vec<AccessRestriction>, Option<(Access, Position)>) {
    let mut rules = Vec::new();
    let mut synthetic = None;
    for (index, model) in each(list).iter().enumerate() {
        check_headers(model, scope.findings);
        let Some(restriction) = resolve_restriction(model, format!("{name}[{index}]"), scope) else { continue };
        if restriction.priority == SYNTHETIC_PRIORITY && restriction.source == RestrictionSource::Any {
            synthetic.get_or_insert((restriction.action, model.span.start));
        } else {
            rules.push(restriction);
        }
    }
    (rules, synthetic)
}

/// Whether a rule as written is the one that Azure's answers put last.
pub(super) fn is_synthetic(model: &RestrictionModel) -> bool {
    let last = model.priority.as_ref().is_some_and(|priority| priority.0 == SYNTHETIC_PRIORITY);
    last && model.ip_address.as_ref().is_some_and(|text| text.value.eq_ignore_ascii_case("Any"))
}

fn check_headers(model: &RestrictionModel, findings: &mut Findings) {
    for values in model.headers.iter().flat_map(|headers| header_lists(headers)) {
        if let Some(value) = values.get(MOST_HEADER_VALUES) {
            let message = format!("{} values of one header; a restriction takes at most {MOST_HEADER_VALUES}", values.len());
            findings.report(Code::LimitExceeded, value.span, message);
        }
    }
}

fn header_lists(headers: &Headers) -> impl Iterator<Item = &[Spanned<String>]> {
    let lists = [&headers.forwarded_for, &headers.forwarded_host, &headers.azure_fdid, &headers.health_probe];
    lists.into_iter().flatten().map(|list| list.value.0.as_slice())
}

fn resolve_restriction(model: &Spanned<RestrictionModel>, unnamed: String, scope: &mut Scope<'_>) -> Option<AccessRestriction> {
    let source = resolve_source(model, scope)?;
    Some(AccessRestriction {
        named: Named { name: model.name.as_ref().map_or(unnamed, |name| name.value.clone()), position: model.span.start },
        priority: model.priority.as_ref().map_or(DEFAULT_PRIORITY, |priority| priority.0),
        action: model.action.as_ref().map_or(Access::Deny, |action| action.value),
        source,
        header_filter: model.headers.as_ref().is_some_and(|headers| header_lists(headers).any(|values| !values.is_empty())),
    })
}

fn resolve_source(model: &Spanned<RestrictionModel>, scope: &mut Scope<'_>) -> Option<RestrictionSource> {
    let subnet = model.subnet.as_ref();
    let tag = model.tag.as_ref().map(|tag| tag.value);
    let has_tag = tag == Some(RestrictionTag::ServiceTag);
    let (addresses, tags) =
        if has_tag { (None, model.ip_address.as_ref()) } else { (model.ip_address.as_ref(), model.service_tag.as_ref()) };
    match (subnet, addresses, tags) {
        (Some(subnet), None, None) => Some(RestrictionSource::Subnet {
            subnet: SubnetIndex(scope.names.subnets.refer(subnet, scope.findings)),
            ignore_missing_endpoint: flag(&model.ignore_missing, false),
        }),
        (None, Some(text), None) => {
            let source = address_source(text, model.subnet_mask.as_ref(), scope.findings)?;
            Some(if tag == Some(RestrictionTag::XffProxy) { RestrictionSource::ForwardedFor } else { source })
        }
        (None, None, Some(text)) => tag_source(text, scope),
        _ => {
            let start = Span { start: model.span.start, end: model.span.start };
            if !scope.findings.any_within(model.span, &[Code::WrongType]) {
                scope.findings.report(
                    Code::BothForms,
                    start,
                    "an access restriction has exactly one of `subnet`, `ipAddress` and `serviceTag`",
                );
            }
            None
        }
    }
}

fn address_source(text: &Spanned<String>, mask: Option<&Spanned<Address4>>, findings: &mut Findings) -> Option<RestrictionSource> {
    if let Some(mask) = mask {
        return masked(text, mask, findings).map(|prefix| RestrictionSource::Addresses(vec![prefix]));
    }
    if text.value.eq_ignore_ascii_case("Any") {
        return Some(RestrictionSource::Any);
    }
    if text.value.eq_ignore_ascii_case("AnyVnets") {
        return Some(RestrictionSource::AnyVirtualNetwork);
    }
    let parts = parts(text, findings);
    let prefixes: Vec<Option<IpNet>> = parts.iter().map(|part| read_address_or_prefix(part, text.span, findings)).collect();
    prefixes.into_iter().collect::<Option<Vec<IpNet>>>().map(RestrictionSource::Addresses)
}

/// The older form: one address, and its mask beside it.
fn masked(text: &Spanned<String>, mask: &Spanned<Address4>, findings: &mut Findings) -> Option<IpNet> {
    let Ok(length) = ipnet::ipv4_mask_to_prefix(mask.value.0) else {
        findings.report(Code::BadValue, mask.span, format!("{} is no mask", mask.value.0)).hint("such as 255.255.255.0");
        return None;
    };
    match read_address_or_prefix(&text.value, text.span, findings)? {
        IpNet::V4(host) if host.prefix_len() == 32 => Ipv4Net::new(host.addr(), length).ok().map(|net| IpNet::V4(net.trunc())),
        _ => {
            findings.report(Code::BothForms, mask.span, "`subnetMask` belongs to a single IPv4 address");
            None
        }
    }
}

fn tag_source(text: &Spanned<String>, scope: &mut Scope<'_>) -> Option<RestrictionSource> {
    let parts = parts(text, scope.findings);
    let tags: Vec<Option<String>> =
        parts.iter().map(|part| scope.tags.resolve(part, TagUse::PrefixesOnly, text.span, scope.findings)).collect();
    tags.into_iter().collect::<Option<Vec<String>>>().map(RestrictionSource::Tags)
}

fn parts<'a>(text: &'a Spanned<String>, findings: &mut Findings) -> Vec<&'a str> {
    let parts: Vec<&str> = text.value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() > MOST_SOURCES {
        findings.report(Code::LimitExceeded, text.span, format!("{} sources; a restriction has at most {MOST_SOURCES}", parts.len()));
    }
    if parts.is_empty() {
        findings.report(Code::BadValue, text.span, "a restriction needs a source");
    }
    parts
}
