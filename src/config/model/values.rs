//! Scalars of the network file: names, numbers, regions, references.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::decode::{Decode, scalar, wrong_type};
use crate::config::finding::{Code, Findings};
use crate::config::text::{Content, Node, Span};

/// Declares a scalar type: a newtype, how its text is read, and its schema.
macro_rules! scalar_type {
    ($(#[$meta:meta])* $name:ident($inner:ty), $expected:literal, $read:path, $schema:tt) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl $crate::config::model::decode::Decode for $name {
            fn decode(node: &$crate::config::text::Node, findings: &mut $crate::config::finding::Findings) -> Option<Self> {
                let text = $crate::config::model::decode::scalar(node, $expected, findings)?;
                $read(text, node.span, findings).map(Self)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}

pub(crate) use scalar_type;

scalar_type! {
    /// A name: it becomes paths, labels and devices.
    Name(String), "a name", read_name, {
        "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$",
        "description": "A letter or digit, then up to 79 letters, digits, dots, underscores and hyphens."
    }
}

scalar_type! {
    /// A lab host's name: it becomes a network namespace and a host name.
    HostName(String), "a host name", read_host_name, {
        "type": "string", "pattern": "^[a-z0-9-]{1,60}$", "description": "Up to 60 lower-case letters, digits and hyphens."
    }
}

scalar_type! {
    /// A DNS name, lower case.
    DnsName(String), "a DNS name", read_dns_name, {
        "type": "string", "pattern": "^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$", "description": "A DNS name."
    }
}

scalar_type! {
    /// A region, lower case and without spaces: `West Europe` is `westeurope`.
    Region(String), "a region", read_region, { "type": "string", "pattern": "^[A-Za-z0-9 ]+$", "description": "An Azure region, such as westeurope." }
}

scalar_type! {
    /// A resource type, such as `Microsoft.Storage/storageAccounts`.
    ResourceType(String), "a resource type", read_resource_type, {
        "type": "string", "pattern": "^[A-Za-z0-9.]+(/[A-Za-z0-9]+)+$", "description": "An ARM resource type."
    }
}

fn read_name(text: &str, span: Span, findings: &mut Findings) -> Option<String> {
    let valid = text.len() <= 80
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-'));
    checked(valid, text, span, findings, "a letter or digit, then up to 79 letters, digits, dots, underscores and hyphens")
}

fn read_host_name(text: &str, span: Span, findings: &mut Findings) -> Option<String> {
    let valid = (1..=60).contains(&text.len())
        && text.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    checked(valid, text, span, findings, "up to 60 lower-case letters, digits and hyphens")
}

fn read_dns_name(text: &str, span: Span, findings: &mut Findings) -> Option<String> {
    let valid = (1..=253).contains(&text.len())
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        });
    checked(valid, text, span, findings, "labels of letters, digits and hyphens, joined by dots").map(|name| name.to_ascii_lowercase())
}

fn checked(valid: bool, text: &str, span: Span, findings: &mut Findings, form: &str) -> Option<String> {
    if !valid {
        findings.report(Code::BadName, span, format!("`{}` is not a valid name here", short(text))).hint(form);
        return None;
    }
    Some(text.to_owned())
}

fn read_region(text: &str, span: Span, findings: &mut Findings) -> Option<String> {
    let region: String = text.chars().filter(|letter| *letter != ' ').collect::<String>().to_ascii_lowercase();
    if region.is_empty() || !region.chars().all(|letter| letter.is_ascii_alphanumeric()) {
        findings.report(Code::BadValue, span, format!("`{}` is no region", short(text))).hint("such as westeurope");
        return None;
    }
    Some(region)
}

fn read_resource_type(text: &str, span: Span, findings: &mut Findings) -> Option<String> {
    let mut parts = text.split('/');
    let namespace = parts.next().unwrap_or_default();
    let is_word = |part: &str| !part.is_empty() && part.chars().all(|letter| letter.is_ascii_alphanumeric());
    let types: Vec<&str> = parts.collect();
    if types.is_empty() || !namespace.split('.').all(is_word) || !types.into_iter().all(is_word) {
        findings
            .report(Code::BadValue, span, format!("`{}` is no resource type", short(text)))
            .hint("such as Microsoft.Storage/storageAccounts");
        return None;
    }
    Some(text.to_owned())
}

/// A text for messages: long ones are cut, control characters are shown as such.
pub fn short(text: &str) -> String {
    let shown: String = text
        .chars()
        .take(60)
        .flat_map(|letter| if letter.is_control() { letter.escape_default().collect() } else { vec![letter] })
        .collect();
    if text.chars().nth(60).is_some() { shown + "…" } else { shown }
}

impl Decode for String {
    fn decode(node: &Node, findings: &mut Findings) -> Option<Self> {
        scalar(node, "text", findings).map(str::to_owned)
    }
}

impl Decode for bool {
    fn decode(node: &Node, findings: &mut Findings) -> Option<Self> {
        let text = scalar(node, "true or false", findings)?;
        match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                let finding = wrong_type(node, "true or false", findings);
                finding.message = format!("expected true or false, found `{}`", short(text));
                match other {
                    "yes" | "on" | "y" => finding.hint("write `true`"),
                    "no" | "off" | "n" => finding.hint("write `false`"),
                    _ => finding,
                };
                None
            }
        }
    }
}

/// A whole number within Azure's bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer<const MINIMUM: u32, const MAXIMUM: u32>(pub u32);

impl<const MINIMUM: u32, const MAXIMUM: u32> Decode for Integer<MINIMUM, MAXIMUM> {
    fn decode(node: &Node, findings: &mut Findings) -> Option<Self> {
        let text = scalar(node, "a number", findings)?;
        let Some(value) = read_integer(text) else {
            wrong_type(node, "a number", findings).message = format!("expected a whole number, found `{}`", short(text));
            return None;
        };
        match u32::try_from(value) {
            Ok(number) if (MINIMUM..=MAXIMUM).contains(&number) => Some(Self(number)),
            _ => {
                findings.report(Code::OutOfRange, node.span, format!("{} is not within {MINIMUM} to {MAXIMUM}", short(text)));
                None
            }
        }
    }
}

impl<const MINIMUM: u32, const MAXIMUM: u32> JsonSchema for Integer<MINIMUM, MAXIMUM> {
    fn schema_name() -> Cow<'static, str> {
        format!("Integer{MINIMUM}To{MAXIMUM}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MINIMUM, "maximum": MAXIMUM })
    }
}

/// An integer of the core schema: decimal, `0x…` or `0o…`.
fn read_integer(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.starts_with('+') {
        return None;
    }
    match digits.get(..2) {
        Some("0x") => {
            i128::from_str_radix(digits.get(2..)?, 16).ok().filter(|_| digits.as_bytes().get(2).is_some_and(u8::is_ascii_hexdigit))
        }
        Some("0o") => i128::from_str_radix(digits.get(2..)?, 8).ok().filter(|_| digits.as_bytes().get(2).is_some_and(u8::is_ascii_digit)),
        _ => digits.parse().ok(),
    }
}

/// A name that refers to another object: as text, as ARM's `{id: …}`, or as an ARM resource id, whose names count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(pub String);

impl Decode for Reference {
    fn decode(node: &Node, findings: &mut Findings) -> Option<Self> {
        match &node.content {
            Content::Mapping(entries) => match entries.as_slice() {
                [entry] if entry.key.eq_ignore_ascii_case("id") => Self::decode(&entry.value, findings),
                _ => {
                    wrong_type(node, "a name or `{id: …}`", findings);
                    None
                }
            },
            _ => scalar(node, "a name", findings).map(|text| Self(names_of_id(text))),
        }
    }
}

/// `/subscriptions/…/virtualNetworks/shop/subnets/web` → `shop/web`; other texts stay.
fn names_of_id(text: &str) -> String {
    let parts: Vec<&str> = text.split('/').collect();
    let Some(providers) = parts.iter().position(|part| part.eq_ignore_ascii_case("providers")).filter(|_| text.starts_with('/')) else {
        return text.to_owned();
    };
    let names: Vec<&str> = parts.iter().skip(providers + 3).step_by(2).copied().collect();
    names.join("/")
}

impl JsonSchema for Reference {
    fn schema_name() -> Cow<'static, str> {
        "Reference".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The name of another object in this file.",
            "anyOf": [
                { "type": "string" },
                { "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"], "additionalProperties": false }
            ]
        })
    }
}

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T: Decode> Decode for OneOrMany<T> {
    fn decode(node: &Node, findings: &mut Findings) -> Option<Self> {
        match &node.content {
            Content::Sequence(_) => Vec::decode(node, findings).map(Self),
            _ => T::decode(node, findings).map(|value| Self(vec![value])),
        }
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// An object that may be written as the one text that matters.
pub trait FromText: Sized {
    /// The object that this text stands for.
    fn from_text(node: &Node, findings: &mut Findings) -> Option<Self>;
}

/// An object in its long form, or as a text.
#[derive(Clone, Debug, Default)]
pub struct Shorthand<T>(pub T);

impl<T: Decode + FromText> Decode for Shorthand<T> {
    fn decode(node: &Node, findings: &mut Findings) -> Option<Self> {
        match &node.content {
            Content::Scalar { .. } => T::from_text(node, findings).map(Self),
            _ => T::decode(node, findings).map(Self),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Shorthand<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Shorthand{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [{ "type": "string" }, long] })
    }
}
