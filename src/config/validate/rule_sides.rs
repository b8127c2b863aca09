//! The address side and the port side of a security rule: singular, plural and group forms.

use std::ops::RangeInclusive;

use super::Scope;
use super::tag_book::TagUse;
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::addresses::{RulePorts, read_address_or_prefix};
use crate::config::model::values::Reference;
use crate::config::model::{Field, ListField, Spanned, each};
use crate::config::network::{AsgIndex, RuleAddress};

/// The three ways to write one address side.
pub(super) struct AddressSide<'a> {
    /// `source` or `destination`.
    pub(super) side: &'static str,
    pub(super) one: &'a Field<String>,
    pub(super) many: &'a ListField<String>,
    pub(super) groups: &'a ListField<Reference>,
}

impl AddressSide<'_> {
    /// The side's entries; exactly one form is filled.
    pub(super) fn resolve(&self, rule: Span, scope: &mut Scope<'_>) -> Vec<RuleAddress> {
        let one = self.one.as_ref().filter(|text| !text.value.is_empty());
        let (many, groups) = (each(self.many), each(self.groups));
        let forms = [
            (one.map(|text| text.span), "AddressPrefix"),
            (filled(self.many), "AddressPrefixes"),
            (filled(self.groups), "ApplicationSecurityGroups"),
        ];
        self.check_forms(&forms, rule, scope.findings);
        let texts: Vec<&Spanned<String>> = one.into_iter().chain(many).collect();
        let mut addresses: Vec<RuleAddress> = texts.iter().filter_map(|text| address(text, scope)).collect();
        self.check_tags(&texts, &addresses, scope.findings);
        self.check_groups(rule, scope.findings);
        let Scope { names, findings, .. } = scope;
        addresses.extend(groups.iter().map(|group| RuleAddress::Asg(AsgIndex(names.application_security_groups.refer(group, findings)))));
        addresses
    }

    fn check_forms(&self, forms: &[(Option<Span>, &str)], rule: Span, findings: &mut Findings) {
        let given: Vec<(Span, &str)> = forms.iter().filter_map(|(span, name)| span.map(|span| (span, *name))).collect();
        let side = self.side;
        match given.as_slice() {
            [] => missing(rule, &format!("{side}AddressPrefix"), findings),
            [_] => {}
            [(first, name), rest @ ..] => {
                for (second, other) in rest {
                    let message = format!("`{side}{name}` and `{side}{other}` are both given");
                    findings.report(Code::BothForms, *second, message).related(*first, "given here");
                }
            }
        }
    }

    /// Tags in the plural form: accepted, as templates that Azure takes have them.
    fn check_tags(&self, texts: &[&Spanned<String>], addresses: &[RuleAddress], findings: &mut Findings) {
        let tags = addresses.iter().filter(|address| matches!(address, RuleAddress::Tag(_))).count();
        if let (Some(last), true) = (texts.last(), tags > 0 && filled(self.many).is_some()) {
            let message = match addresses.len() {
                1 => format!("a tag in the plural form of a {}", self.side),
                entries => format!("{tags} tags among {entries} entries of a {}", self.side),
            };
            findings
                .report(Code::MixedTags, last.span, message)
                .hint("portal and templates differ here: one rule for each tag, in the singular form, works everywhere");
        }
    }

    /// Ten groups on a side by the limits, one by the text: accepted as far as the limits go.
    fn check_groups(&self, rule: Span, findings: &mut Findings) {
        let groups = each(self.groups);
        let place = groups.get(1).map_or(rule, |second| second.span);
        if groups.len() > 10 {
            super::limit(groups.len(), 10, "application security groups on a rule's side", place, findings);
        } else if groups.len() > 1 {
            let message = format!("{} application security groups on a rule's {}", groups.len(), self.side);
            findings.report(Code::SeveralGroups, place, message).hint("one rule for each group works everywhere");
        }
    }
}

fn filled<T>(list: &ListField<T>) -> Option<Span> {
    list.as_ref().filter(|list| !list.value.is_empty()).map(|list| list.span)
}

fn missing(rule: Span, property: &str, findings: &mut Findings) {
    // A property that was given and is wrong has its finding inside the rule already.
    if !findings.any_within(rule, &[Code::WrongType, Code::BadPort, Code::BackwardsRange]) {
        findings.report(Code::MissingProperty, Span { start: rule.start, end: rule.start }, format!("a security rule lacks `{property}`"));
    }
}

/// `*`, an address, a prefix or a tag.
pub(super) fn address(text: &Spanned<String>, scope: &mut Scope<'_>) -> Option<RuleAddress> {
    let value = text.value.trim();
    if matches!(value, "*" | "0.0.0.0/0") || value.eq_ignore_ascii_case("any") {
        return Some(RuleAddress::Any);
    }
    if value.contains(',') {
        scope
            .findings
            .report(Code::BadPrefix, text.span, "one entry holds one address, prefix or tag")
            .hint("write several in the plural form, as a list");
        return None;
    }
    if looks_like_address(value) {
        return read_address_or_prefix(value, text.span, scope.findings).map(RuleAddress::Prefix);
    }
    scope.tags.resolve(value, TagUse::Rule, text.span, scope.findings).map(RuleAddress::Tag)
}

/// Whether a text is meant as an address rather than as a tag.
pub(super) fn looks_like_address(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit()) || text.contains(':') || text.contains('/')
}

/// The ports of a side. Protocols without ports may leave them out.
pub(super) fn ports(
    side: &str,
    one: &Field<RulePorts>,
    many: &ListField<RulePorts>,
    (rule, needed): (Span, bool),
    findings: &mut Findings,
) -> Vec<RangeInclusive<u16>> {
    // An empty text is an empty range: not given.
    let one = one.as_ref().filter(|range| !range.0.is_empty());
    let many_span = filled(many);
    if let (Some(one), Some(many)) = (one, many_span) {
        let message = format!("`{side}PortRange` and `{side}PortRanges` are both given");
        findings.report(Code::BothForms, many, message).related(one.span, "given here");
    }
    if one.is_none() && many_span.is_none() {
        if needed {
            missing(rule, &format!("{side}PortRange"), findings);
        }
        return vec![0..=u16::MAX];
    }
    one.into_iter().chain(each(many)).map(|range| range.0.clone()).collect()
}
