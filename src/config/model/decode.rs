//! Tolerant decoding: a node becomes a typed value, every fault is collected, and decoding goes on.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::config::finding::{Code, Findings};
use crate::config::nearest::did_you_mean;
use crate::config::text::{Content, Entry, Node, Span};

/// A type that a node of the network file can become.
pub trait Decode: Sized {
    /// The value, or `None` when `findings` says why not.
    fn decode(node: &Node, findings: &mut Findings) -> Option<Self>;
}

/// A value and its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Decode> Decode for Spanned<T> {
    fn decode(node: &Node, findings: &mut Findings) -> Option<Self> {
        T::decode(node, findings).map(|value| Self { value, span: node.span })
    }
}

/// The schema of `Spanned<T>` is that of `T`: a place is not written.
impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A property: absent (or wrong, which is in the findings), or a value with its place.
pub type Field<T> = Option<Spanned<T>>;

/// A property that is a list.
pub type ListField<T> = Field<Vec<Spanned<T>>>;

/// The entries of a list property; none where it is absent.
pub fn each<T>(field: &ListField<T>) -> &[Spanned<T>] {
    field.as_ref().map_or(&[], |list| list.value.as_slice())
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, findings: &mut Findings) -> Option<Self> {
        match &node.content {
            Content::Sequence(items) => Some(items.iter().filter_map(|item| T::decode(item, findings)).collect()),
            _ => {
                wrong_type(node, "a list", findings).hint("write `[…]`, or one entry a line, each after `- `");
                None
            }
        }
    }
}

/// Reports that `node` is not `expected`.
pub fn wrong_type<'a>(node: &Node, expected: &str, findings: &'a mut Findings) -> &'a mut crate::config::finding::Finding {
    findings.report(Code::WrongType, first_line(node), format!("expected {expected}, found {}", node.kind()))
}

fn first_line(node: &Node) -> Span {
    match node.content {
        Content::Scalar { .. } => node.span,
        _ => Span { start: node.span.start, end: node.span.start },
    }
}

/// The text of a scalar; reports anything else.
pub fn scalar<'a>(node: &'a Node, expected: &str, findings: &mut Findings) -> Option<&'a str> {
    let text = node.text();
    if text.is_none() {
        wrong_type(node, expected, findings);
    }
    text
}

/// Reads the properties of one mapping, one after the other.
pub struct Properties<'a> {
    entries: &'a [Entry],
    span: Span,
    what: &'static str,
}

impl<'a> Properties<'a> {
    /// The mapping `node`, which describes `what`.
    pub fn open(node: &'a Node, what: &'static str, findings: &mut Findings) -> Option<Self> {
        match &node.content {
            Content::Mapping(entries) => Some(Self { entries, span: node.span, what }),
            _ => {
                wrong_type(node, &format!("a mapping with the properties of {what}"), findings);
                None
            }
        }
    }

    /// A property under any of its spellings; the first is the canonical one.
    pub fn optional<T: Decode>(&self, names: &[&str], findings: &mut Findings) -> Field<T> {
        let entry = self.find(names, findings)?;
        if entry.value.is_null() { None } else { Spanned::decode(&entry.value, findings) }
    }

    /// A property that must be there.
    pub fn required<T: Decode>(&self, names: &[&str], findings: &mut Findings) -> Field<T> {
        let name = names.first().copied().unwrap_or_default();
        match self.find(names, findings) {
            Some(entry) if !entry.value.is_null() => Spanned::decode(&entry.value, findings),
            Some(entry) => {
                findings.report(Code::MissingProperty, entry.key_span, format!("`{name}` has no value"));
                None
            }
            None => {
                let span = Span { start: self.span.start, end: self.span.start };
                findings.report(Code::MissingProperty, span, format!("{} lacks `{name}`", self.what));
                None
            }
        }
    }

    fn find(&self, names: &[&str], findings: &mut Findings) -> Option<&'a Entry> {
        let is_named = |entry: &&Entry| names.iter().any(|name| name.eq_ignore_ascii_case(&entry.key));
        let mut entries = self.entries.iter().filter(is_named);
        let first = entries.next()?;
        if let Some(second) = entries.next() {
            findings
                .report(Code::BothForms, second.key_span, format!("`{}` and `{}` are the same property", first.key, second.key))
                .related(first.key_span, "given here");
        }
        Some(first)
    }

    /// Reports what is none of the known properties.
    pub fn close(&self, known: &[&[&str]], findings: &mut Findings) {
        let is_known = |key: &str| known.iter().any(|names| names.iter().any(|name| name.eq_ignore_ascii_case(key)));
        for entry in self.entries.iter().filter(|entry| !is_known(&entry.key)) {
            let hint = did_you_mean(&entry.key, known.iter().flat_map(|names| names.iter().copied()));
            findings
                .report(Code::UnknownProperty, entry.key_span, format!("{} has no property `{}`", self.what, entry.key))
                .maybe_hint(hint);
        }
    }
}

/// Declares an object of the network file once: the struct, its decoding and its JSON Schema.
///
/// Every property is a [`Field`]; a `required` one is absent only where a finding says so. `|` separates other
/// spellings that ARM knows for the same property.
macro_rules! object {
    (
        $(#[$meta:meta])* $name:ident $what:literal
        required { $($(#[$rmeta:meta])* $rkey:literal $(| $ralias:literal)* $rfield:ident: $rtype:ty,)* }
        optional { $($(#[$ometa:meta])* $okey:literal $(| $oalias:literal)* $ofield:ident: $otype:ty,)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields, transform = Self::with_other_spellings)]
        pub struct $name {
            $($(#[$rmeta])* #[schemars(rename = $rkey, required)] pub $rfield: $crate::config::model::decode::Field<$rtype>,)*
            $($(#[$ometa])* #[schemars(rename = $okey)] pub $ofield: $crate::config::model::decode::Field<$otype>,)*
        }

        impl $name {
            fn with_other_spellings(schema: &mut schemars::Schema) {
                const SPELLINGS: &[(&str, &[&str])] = &[$(($rkey, &[$($ralias),*]),)* $(($okey, &[$($oalias),*]),)*];
                $crate::config::model::spellings::add(schema, SPELLINGS);
            }
        }

        impl $crate::config::model::decode::Decode for $name {
            fn decode(node: &$crate::config::text::Node, findings: &mut $crate::config::finding::Findings) -> Option<Self> {
                let properties = $crate::config::model::decode::Properties::open(node, $what, findings)?;
                let object = Self {
                    $($rfield: properties.required(&[$rkey $(, $ralias)*], findings),)*
                    $($ofield: properties.optional(&[$okey $(, $oalias)*], findings),)*
                };
                properties.close(&[$(&[$rkey $(, $ralias)*],)* $(&[$okey $(, $oalias)*],)*], findings);
                Some(object)
            }
        }
    };
}

/// Declares the spellings of an enumeration's values: decoding without regard to case, and the schema.
macro_rules! choice {
    ($type:ty, $title:literal, $($key:literal => $value:expr),+ $(,)?) => {
        impl $crate::config::model::decode::Decode for $type {
            fn decode(node: &$crate::config::text::Node, findings: &mut $crate::config::finding::Findings) -> Option<Self> {
                $crate::config::model::decode::choose(node, $title, &[$(($key, $value)),+], findings)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $title.into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($key),+] })
            }
        }
    };
}

pub(crate) use {choice, object};

/// The value whose spelling the node has.
pub fn choose<T: Clone>(node: &Node, what: &str, choices: &[(&str, T)], findings: &mut Findings) -> Option<T> {
    let text = scalar(node, what, findings)?;
    if let Some((_, value)) = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Some(value.clone());
    }
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let hint = did_you_mean(text, names.iter().copied()).unwrap_or_else(|| format!("one of {}", names.join(", ")));
    findings.report(Code::BadValue, node.span, format!("`{text}` is no {what}")).hint(hint);
    None
}
