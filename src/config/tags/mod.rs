//! Microsoft's weekly file of service tags, `ServiceTags_Public_*.json`, read as it is.

use ipnet::IpNet;

use super::finding::{Code, Findings, Span};
use super::network::ServiceTag;
use super::text::{Content, Entry, Node};

/// The tags of the file's text; what is wrong goes to `findings`, which are about that file.
pub fn read(text: &str, findings: &mut Findings) -> Vec<ServiceTag> {
    let Some(root) = super::text::parse(text, findings) else { return Vec::new() };
    let Some(Content::Sequence(values)) = property(&root, "values").map(|entry| &entry.value.content) else {
        let start = Span { start: root.span.start, end: root.span.start };
        findings.report(Code::TagsFile, start, "no list `values`").hint("download ServiceTags_Public_*.json and leave it unchanged");
        return Vec::new();
    };
    values.iter().filter_map(|value| read_tag(value, findings)).collect()
}

fn property<'a>(node: &'a Node, name: &str) -> Option<&'a Entry> {
    match &node.content {
        Content::Mapping(entries) => entries.iter().find(|entry| entry.key == name),
        _ => None,
    }
}

fn read_tag(value: &Node, findings: &mut Findings) -> Option<ServiceTag> {
    let start = Span { start: value.span.start, end: value.span.start };
    let name = property(value, "name").and_then(|entry| entry.value.text());
    let prefixes =
        property(value, "properties").and_then(|entry| property(&entry.value, "addressPrefixes")).map(|entry| &entry.value.content);
    let (Some(name), Some(Content::Sequence(prefixes))) = (name, prefixes) else {
        findings.report(Code::TagsFile, start, "a tag has a `name` and a list `properties.addressPrefixes`");
        return None;
    };
    let prefixes = prefixes.iter().filter_map(|prefix| read_prefix(prefix, findings)).collect();
    Some(ServiceTag { name: name.to_owned(), prefixes })
}

fn read_prefix(node: &Node, findings: &mut Findings) -> Option<IpNet> {
    let Some(text) = node.text() else {
        findings.report(Code::TagsFile, node.span, "a prefix is a text");
        return None;
    };
    super::model::addresses::read_address_or_prefix(text, node.span, findings)
}
