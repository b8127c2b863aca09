//! What is expected of an answer: any part of `explain -o json`, and the place of each part in the file.
//!
//! The fields stand in one table, which serves for decoding, for comparing and for the JSON Schema.

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value as Json, json};

use crate::config::finding::{Code, Findings, Span};
use crate::config::model::decode::{Decode, choose, scalar, wrong_type};
use crate::config::nearest::did_you_mean;
use crate::config::text::{Content, Node};
use crate::packet::Reason;

/// Some fields of an answer, or of one of its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation(pub Vec<Wanted>);

/// A field and what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The field's name, as `explain -o json` spells it.
    pub field: &'static str,
    /// Place of the value.
    pub span: Span,
    /// What it must be.
    pub value: Value,
}

/// What a field must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Null, or not there.
    Null,
    /// This text, in any case.
    Text(String),
    /// A text that holds this one, in any case.
    Part(String),
    /// This address.
    Address(IpAddr),
    /// A subnet: its bare name, or `VNET/SUBNET`.
    Subnet(String),
    /// `FILE:LINE:COL`, or its first or last parts.
    Place(String),
    /// These fields of it.
    Object(Expectation),
    /// A list in which these occur, in this order.
    Steps(Vec<(Span, Expectation)>),
}

/// A field that can be expected.
struct Field {
    name: &'static str,
    kind: Kind,
    about: &'static str,
}

/// How a field is written.
enum Kind {
    Choice(&'static [&'static str]),
    Reason,
    Text,
    Part,
    Address,
    Subnet,
    Place,
    Object(&'static [Field]),
    Steps(&'static [Field]),
}

const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, about }
}

const VERDICTS: &[&str] = &["Allow", "Deny", "Undetermined"];
const KINDS: &[&str] = &["Private", "Public", "ServiceTunnel"];
const NEXT_HOPS: &[&str] = &[
    "VnetLocal",
    "VNetPeering",
    "VirtualNetworkGateway",
    "VirtualNetworkServiceEndpoint",
    "InterfaceEndpoint",
    "VirtualAppliance",
    "Internet",
    "None",
];
const STAGES: &[&str] = &[
    "admission",
    "classification",
    "nsg-outbound",
    "route",
    "source-rewrite",
    "endpoint-policy",
    "service-firewall",
    "nsg-inbound",
    "delivery",
];

/// The fields of an answer.
const ANSWER: &[Field] = &[
    field("verdict", Kind::Choice(VERDICTS), "Whether the packet gets through."),
    field("reason", Kind::Reason, "How it ends: `forwarded`, `answered`, or why it is dropped."),
    field("source", Kind::Object(PARTY), "Who sends."),
    field("destination", Kind::Object(PARTY), "Where to."),
    field("nextHopType", Kind::Choice(NEXT_HOPS), "Type of the next hop; null where no subnet's route is looked up."),
    field("seenAs", Kind::Object(SEEN_AS), "What the destination sees as source."),
    field("decidedBy", Kind::Text, "OBJECT/RULE of the step that denied, or of the last rule that allowed."),
    field("steps", Kind::Steps(STEP), "Steps that must occur, in this order; others may stand between them."),
    field("hint", Kind::Part, "A part of the hint's text."),
    field("deliveredTo", Kind::Text, "The port that the packet leaves by, or the lab host behind it."),
];

const PARTY: &[Field] = &[
    field("virtualNetwork", Kind::Text, "Its virtual network."),
    field("subnet", Kind::Subnet, "Its subnet, as SUBNET or VNET/SUBNET."),
    field("address", Kind::Address, "Its address, as sent."),
    field("service", Kind::Text, "Its service."),
    field("gateway", Kind::Text, "Its gateway."),
];

const SEEN_AS: &[Field] = &[
    field("kind", Kind::Choice(KINDS), "What kind of source it is."),
    field("address", Kind::Address, "The address."),
    field("virtualNetwork", Kind::Text, "The virtual network that goes with it."),
    field("subnet", Kind::Subnet, "The subnet that goes with it, as SUBNET or VNET/SUBNET."),
];

const STEP: &[Field] = &[
    field("stage", Kind::Choice(STAGES), "The stage."),
    field("object", Kind::Text, "Bare name of the NSG, route table, policy or service."),
    field("rule", Kind::Text, "The rule's name."),
    field("access", Kind::Text, "What it decided."),
    field("at", Kind::Place, "The rule's place, as FILE:LINE:COL or FILE:LINE; a file's folders may be left out."),
    field("prefix", Kind::Text, "A route's prefix."),
    field("source", Kind::Text, "Where a route comes from: Default, User or VirtualNetworkGateway."),
    field("nextHopType", Kind::Choice(NEXT_HOPS), "A route's next hop type."),
    field("nextHopIpAddress", Kind::Address, "A route's appliance."),
    field("note", Kind::Part, "A part of the sentence for people."),
];

impl Decode for Expectation {
    fn decode(node: &Node, findings: &mut Findings) -> Option<Self> {
        let expectation = fields(node, ANSWER, "the fields of an answer", findings)?;
        if expectation.0.is_empty() && !findings.anything_within(node.span) {
            findings.report(Code::MissingProperty, node.span, "nothing is expected").hint("such as `{ verdict: Allow }`");
            return None;
        }
        Some(expectation)
    }
}

fn fields(node: &Node, known: &'static [Field], what: &str, findings: &mut Findings) -> Option<Expectation> {
    let Content::Mapping(entries) = &node.content else {
        wrong_type(node, &format!("a mapping with {what}"), findings);
        return None;
    };
    let mut wanted = Vec::new();
    for entry in entries {
        let Some(field) = known.iter().find(|field| field.name.eq_ignore_ascii_case(&entry.key)) else {
            let hint = did_you_mean(&entry.key, known.iter().map(|field| field.name));
            findings
                .report(Code::UnknownProperty, entry.key_span, format!("{what} have no `{}`", entry.key))
                .hint(hint.unwrap_or_else(|| format!("one of {}", known.iter().map(|field| field.name).collect::<Vec<_>>().join(", "))));
            continue;
        };
        wanted.extend(field.kind.decode(&entry.value, field.name, findings).map(|value| Wanted {
            field: field.name,
            span: entry.value.span,
            value,
        }));
    }
    Some(Expectation(wanted))
}

impl Kind {
    fn decode(&self, node: &Node, name: &'static str, findings: &mut Findings) -> Option<Value> {
        if node.is_null() {
            return Some(Value::Null);
        }
        let text = |findings: &mut Findings| scalar(node, "text, or null", findings).map(str::to_owned);
        match self {
            Self::Choice(choices) => one_of(node, name, choices, findings),
            Self::Reason => one_of(node, name, &reasons(), findings),
            Self::Text => text(findings).map(Value::Text),
            Self::Part => text(findings).map(Value::Part),
            Self::Subnet => text(findings).map(Value::Subnet),
            Self::Place => text(findings).map(Value::Place),
            Self::Address => crate::config::model::addresses::Address::decode(node, findings).map(|address| Value::Address(address.0)),
            Self::Object(known) => fields(node, known, &format!("the fields of `{name}`"), findings).map(Value::Object),
            Self::Steps(known) => steps(node, known, findings),
        }
    }

    fn schema(&self) -> Json {
        match self {
            Self::Choice(choices) => {
                json!({ "type": ["string", "null"], "enum": choices.iter().map(|it| json!(it)).chain([Json::Null]).collect::<Vec<_>>() })
            }
            Self::Reason => {
                json!({ "type": ["string", "null"], "enum": reasons().iter().map(|it| json!(it)).chain([Json::Null]).collect::<Vec<_>>() })
            }
            Self::Text | Self::Part | Self::Address | Self::Subnet | Self::Place => json!({ "type": ["string", "null"] }),
            Self::Object(known) => object_schema(known, &json!(["object", "null"])),
            Self::Steps(known) => json!({ "type": ["array", "null"], "items": object_schema(known, &json!("object")) }),
        }
    }
}

fn one_of(node: &Node, name: &str, choices: &[&'static str], findings: &mut Findings) -> Option<Value> {
    let choices: Vec<_> = choices.iter().map(|choice| (*choice, *choice)).collect();
    choose(node, name, &choices, findings).map(|choice| Value::Text(choice.to_owned()))
}

fn reasons() -> Vec<&'static str> {
    Reason::ALL.iter().map(|reason| reason.name()).collect()
}

fn steps(node: &Node, known: &'static [Field], findings: &mut Findings) -> Option<Value> {
    let Content::Sequence(items) = &node.content else {
        wrong_type(node, "a list of steps", findings).hint("such as `[{ stage: route, nextHopType: Internet }]`");
        return None;
    };
    let steps = items.iter().filter_map(|item| Some((item.span, fields(item, known, "the fields of a step", findings)?)));
    Some(Value::Steps(steps.collect()))
}

fn object_schema(known: &[Field], kind: &Json) -> Json {
    let properties: Map<String, Json> = known
        .iter()
        .map(|field| {
            let mut schema = field.kind.schema();
            if let Some(object) = schema.as_object_mut() {
                object.insert("description".to_owned(), field.about.into());
            }
            (field.name.to_owned(), schema)
        })
        .collect();
    json!({ "type": kind, "additionalProperties": false, "properties": properties })
}

impl JsonSchema for Expectation {
    fn schema_name() -> Cow<'static, str> {
        "Expectation".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = object_schema(ANSWER, &json!("object"));
        if let Some(object) = schema.as_object_mut() {
            object.insert("description".to_owned(), "Any of the fields of `explain -o json`; each must be as written here.".into());
            object.insert("minProperties".to_owned(), 1.into());
        }
        Schema::try_from(schema).unwrap_or_default()
    }
}

impl Expectation {
    /// The field of this name, where it is expected to be anything.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.iter().find(|wanted| wanted.field == field).map(|wanted| &wanted.value)
    }

    /// As it was written, for reports.
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::Object(self.0.iter().map(|wanted| (wanted.field.to_owned(), wanted.value.to_json())).collect())
    }
}

impl Value {
    /// As it was written, for reports.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Text(text) | Self::Part(text) | Self::Subnet(text) | Self::Place(text) => text.as_str().into(),
            Self::Address(address) => address.to_string().into(),
            Self::Object(expectation) => expectation.to_json(),
            Self::Steps(steps) => steps.iter().map(|(_, step)| step.to_json()).collect(),
        }
    }

    /// Whether this is that text.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        matches!(self, Self::Text(own) if own.eq_ignore_ascii_case(text))
    }
}
