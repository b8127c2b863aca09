//! App Service's access restrictions.

use ipnet::IpNet;

use super::tag_book::TagUse;
use super::{Scope, flag};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::addresses::read_address_or_prefix;
use crate::config::model::services::{AccessRestriction as RestrictionModel, Firewall};
use crate::config::model::{Spanned, each};
use crate::config::network::{AccessRestriction, Named, RestrictionSource, ServiceFirewall, SubnetIndex};
use crate::policy::ids::Access;

/// Priority of the rule that Azure's own answers put last: it is the default action.
const SYNTHETIC_PRIORITY: u32 = 2_147_483_647;
/// Priority of a restriction that gives none (Terraform's default).
const DEFAULT_PRIORITY: u32 = 65_000;
/// Most sources in one restriction.
const MAXIMUM_SOURCES: usize = 8;

/// Fills `resolved.access_restrictions`, and its default action where only the synthetic last rule gives it.
pub(super) fn resolve(firewall: &Firewall, resolved: &mut ServiceFirewall, scope: &mut Scope<'_>) {
    for (index, model) in each(&firewall.access_restrictions).iter().enumerate() {
        let Some(restriction) = resolve_restriction(model, index, scope) else { continue };
        if restriction.priority == SYNTHETIC_PRIORITY && restriction.source == RestrictionSource::Any {
            resolved.default_action.get_or_insert((restriction.action, model.span.start));
        } else {
            resolved.access_restrictions.push(restriction);
        }
    }
    for model in each(&firewall.scm_ip_security_restrictions) {
        resolve_source(model, scope);
    }
}

fn resolve_restriction(model: &Spanned<RestrictionModel>, index: usize, scope: &mut Scope<'_>) -> Option<AccessRestriction> {
    let source = resolve_source(model, scope)?;
    let name = model.name.as_ref().map_or_else(|| format!("accessRestrictions[{index}]"), |name| name.value.clone());
    Some(AccessRestriction {
        named: Named { name, position: model.span.start },
        priority: model.priority.as_ref().map_or(DEFAULT_PRIORITY, |priority| priority.0),
        action: model.action.as_ref().map_or(Access::Deny, |action| action.value),
        source,
        header_filter: model.headers.is_some(),
    })
}

fn resolve_source(model: &Spanned<RestrictionModel>, scope: &mut Scope<'_>) -> Option<RestrictionSource> {
    let subnet = model.subnet.as_ref();
    let has_tag = model.tag.as_ref().is_some_and(|tag| tag.value.eq_ignore_ascii_case("ServiceTag"));
    let (addresses, tags) =
        if has_tag { (None, model.ip_address.as_ref()) } else { (model.ip_address.as_ref(), model.service_tag.as_ref()) };
    match (subnet, addresses, tags) {
        (Some(subnet), None, None) => Some(RestrictionSource::Subnet {
            subnet: SubnetIndex(scope.names.subnets.refer(subnet, scope.findings)),
            ignore_missing_endpoint: flag(&model.ignore_missing, false),
        }),
        (None, Some(text), None) => address_source(text, scope.findings),
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

fn address_source(text: &Spanned<String>, findings: &mut Findings) -> Option<RestrictionSource> {
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

fn tag_source(text: &Spanned<String>, scope: &mut Scope<'_>) -> Option<RestrictionSource> {
    let parts = parts(text, scope.findings);
    let tags: Vec<Option<String>> =
        parts.iter().map(|part| scope.tags.resolve(part, TagUse::PrefixesOnly, text.span, scope.findings)).collect();
    tags.into_iter().collect::<Option<Vec<String>>>().map(RestrictionSource::Tags)
}

fn parts<'a>(text: &'a Spanned<String>, findings: &mut Findings) -> Vec<&'a str> {
    let parts: Vec<&str> = text.value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() > MAXIMUM_SOURCES {
        findings.report(Code::LimitExceeded, text.span, format!("{} sources; a restriction has at most {MAXIMUM_SOURCES}", parts.len()));
    }
    if parts.is_empty() {
        findings.report(Code::BadValue, text.span, "a restriction needs a source");
    }
    parts
}
