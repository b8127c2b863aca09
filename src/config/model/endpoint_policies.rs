//! Service endpoint policies.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::decode::{Decode, Spanned, object, scalar, wrong_type};
use super::values::{Name, Region};
use crate::config::finding::Findings;
use crate::config::text::{Content, Node};

object! {
    /// A service endpoint policy; what it lists itself is one definition.
    ServiceEndpointPolicy "a service endpoint policy"
    required {
        /// Its name.
        "name" name: Name,
    }
    optional {
        /// Its region, that of the networks whose subnets it is attached to.
        "location" location: Region,
        /// The storage accounts that it lists: names of services, resource ids of accounts, resource groups or
        /// subscriptions, or aliases such as /services/Azure/Batch.
        "services" | "serviceResources" services: Vec<Spanned<PolicyEntry>>,
        /// ARM's long form: several definitions.
        "serviceEndpointPolicyDefinitions" definitions: Vec<Spanned<PolicyDefinition>>,
        /// An alias of a platform service, such as /services/Azure/Batch.
        "serviceAlias" service_alias: PolicyEntry,
        /// Policies that platform services add; no effect here.
        "contextualServiceEndpointPolicies" contextual: Vec<Spanned<String>>,
    }
}

object! {
    /// A definition of a service endpoint policy.
    PolicyDefinition "a policy definition"
    required {}
    optional {
        /// Its name.
        "name" name: Name,
        /// `Microsoft.Storage` for accounts, `Global` for aliases.
        "service" service: String,
        /// What it lists.
        "serviceResources" | "services" services: Vec<Spanned<PolicyEntry>>,
        /// For people.
        "description" description: String,
    }
}

/// What a policy lists, as written: a service's name, a resource id, or an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyEntry(pub String);

impl Decode for PolicyEntry {
    fn decode(node: &Node, findings: &mut Findings) -> Option<Self> {
        match &node.content {
            Content::Mapping(entries) => match entries.as_slice() {
                [entry] if entry.key.eq_ignore_ascii_case("id") => Self::decode(&entry.value, findings),
                _ => {
                    wrong_type(node, "a name, a resource id or an alias", findings);
                    None
                }
            },
            _ => scalar(node, "a name, a resource id or an alias", findings).map(|text| Self(text.to_owned())),
        }
    }
}

impl JsonSchema for PolicyEntry {
    fn schema_name() -> Cow<'static, str> {
        "PolicyEntry".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A service's name, the resource id of an account, resource group or subscription, or an alias such as /services/Azure/Batch.",
            "anyOf": [
                { "type": "string" },
                { "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"], "additionalProperties": false }
            ]
        })
    }
}
