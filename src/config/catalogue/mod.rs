//! The catalogue of services that live in subnets, `injected.yaml`, and how it is read.

use std::sync::OnceLock;

use super::finding::Findings;
use super::model::addresses::RulePorts;
use super::model::decode::{Decode, Spanned, choice, object};
use super::model::values::{Integer, OneOrMany, ResourceType};
use super::network::RuleProtocol;
use super::text;

/// The catalogue's text.
pub const TEXT: &str = include_str!("injected.yaml");

object! {
    /// The file.
    Catalogue "the catalogue"
    required {
        /// Its entries.
        "services" services: Vec<Spanned<Entry>>,
    }
    optional {}
}

object! {
    /// What is known of a kind of injected service.
    Entry "an entry of the catalogue"
    required {
        /// What people call it.
        "name" name: String,
        /// Pages of Azure's documentation.
        "pages" pages: Vec<Spanned<String>>,
        /// Resource types.
        "types" types: Vec<Spanned<ResourceType>>,
    }
    optional {
        /// Beginnings of `sku` or `kind` that this entry is for; absent: the default of its types.
        "variant" variant: Vec<Spanned<String>>,
        /// Found by `virtualNetworkSubnetId`: the service is not in the subnet, what it sends is.
        "integration" integration: bool,
        /// Only this service's resources may be in the subnet.
        "dedicated" dedicated: Dedicated,
        /// The subnet's name.
        "subnetName" subnet_name: String,
        /// The subnet's delegation.
        "delegation" delegation: String,
        /// A delegation that it may have.
        "delegationOptional" delegation_optional: String,
        /// Longest prefix that Azure takes.
        "smallest" smallest: Integer<8, 29>,
        /// Longest prefix that is recommended.
        "recommended" recommended: Integer<8, 29>,
        /// Whether the subnet must have or must not have a network security group.
        "networkSecurityGroup" network_security_group: Need,
        /// Whether the subnet must have a route table.
        "routeTable" route_table: Need,
        /// What a default route does to it.
        "defaultRoute" default_route: DefaultRoute,
        /// It forwards what is not addressed to it.
        "forwards" forwards: bool,
        /// What must come in.
        "inbound" inbound: Vec<Spanned<Requirement>>,
        /// What must go out.
        "outbound" outbound: Vec<Spanned<Requirement>>,
    }
}

object! {
    /// Traffic without which a service does not work.
    Requirement "a requirement"
    required {
        /// What it is for.
        "purpose" purpose: String,
        /// Protocol.
        "protocol" protocol: RuleProtocol,
        /// Destination ports.
        "ports" ports: OneOrMany<Spanned<RulePorts>>,
        /// Sources of what comes in, destinations of what goes out.
        "peers" peers: OneOrMany<Spanned<String>>,
    }
    optional {
        /// For features that not everybody uses.
        "optional" optional: bool,
    }
}

/// Whether only the service's resources may be in its subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dedicated {
    /// They must be alone.
    Required,
    /// Documents disagree, or advise it.
    Recommended,
}

choice! { Dedicated, "dedication", "required" => Self::Required, "recommended" => Self::Recommended }

/// Whether a subnet has something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It may.
    Optional,
    /// It must.
    Required,
    /// It must not.
    Unsupported,
}

choice! { Need, "need", "optional" => Self::Optional, "required" => Self::Required, "unsupported" => Self::Unsupported }

/// What a default route away from the internet does to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultRoute {
    /// Nothing.
    Free,
    /// It breaks it.
    Breaks,
}

choice! { DefaultRoute, "default route", "free" => Self::Free, "breaks" => Self::Breaks }

/// The catalogue. The file is part of the program, and a test reads it without a finding.
pub fn catalogue() -> &'static [Spanned<Entry>] {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    let read = || read(&mut Findings::new("injected.yaml", TEXT)).unwrap_or_default();
    CATALOGUE.get_or_init(read).services.as_ref().map_or(&[], |list| list.value.as_slice())
}

fn read(findings: &mut Findings) -> Option<Catalogue> {
    Catalogue::decode(&text::parse(TEXT, findings)?, findings)
}

/// The entry for a service of type `kind` that lives in a subnet; `variant` is its `sku` or `kind`.
#[must_use]
pub fn injected(kind: &str, variant: Option<&str>) -> Option<&'static Entry> {
    find(kind, variant, false)
}

/// The entry for a service of type `kind` that sends from a subnet which it is not in.
#[must_use]
pub fn integrated(kind: &str) -> Option<&'static Entry> {
    find(kind, None, true)
}

fn find(kind: &str, variant: Option<&str>, integration: bool) -> Option<&'static Entry> {
    let of_type = |entry: &&Spanned<Entry>| {
        let types = entry.types.as_ref().map_or(&[][..], |list| list.value.as_slice());
        entry.integrates() == integration && types.iter().any(|known| known.0.eq_ignore_ascii_case(kind))
    };
    let begins = |word: &str| variant.and_then(|text| text.get(..word.len())).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let fits = |entry: &&Spanned<Entry>| match &entry.variant {
        Some(words) => words.iter().any(|word| begins(word)),
        None => true,
    };
    catalogue().iter().filter(of_type).find(fits).map(|entry| &entry.value)
}

impl Entry {
    /// What people call it.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_ref().map_or("", |name| &name.value)
    }

    /// The page to read.
    #[must_use]
    pub fn page(&self) -> &str {
        self.pages.as_ref().and_then(|list| list.first()).map_or("", |page| &page.value)
    }

    /// Whether the service is not in the subnet itself, but what it sends is.
    #[must_use]
    pub fn integrates(&self) -> bool {
        self.integration.as_ref().is_some_and(|flag| flag.value)
    }

    /// Whether it forwards what is not addressed to it.
    #[must_use]
    pub fn is_forwarder(&self) -> bool {
        self.forwards.as_ref().is_some_and(|flag| flag.value)
    }
}

impl Requirement {
    /// Whether everybody needs it.
    #[must_use]
    pub fn is_required(&self) -> bool {
        !self.optional.as_ref().is_some_and(|flag| flag.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_without_a_finding() {
        let mut findings = Findings::new("injected.yaml", TEXT);
        assert!(read(&mut findings).is_some());
        assert_eq!(findings.render(false), "");
        assert!(catalogue().len() > 20);
    }

    #[test]
    fn every_tag_of_the_catalogue_is_one_of_azures() {
        let known: Vec<&str> = include_str!("../tags/known.txt").lines().map(|line| line.strip_suffix(".*").unwrap_or(line)).collect();
        let special = ["Subnet", "Any", "VirtualNetwork", "Internet", "AzureLoadBalancer"];
        for entry in catalogue() {
            let requirements = [&entry.inbound, &entry.outbound].into_iter().flatten().flat_map(|list| &list.value);
            for peer in requirements.flat_map(|requirement| requirement.peers.iter()).flat_map(|list| &list.value.0) {
                let name = peer.value.strip_suffix(".pair").unwrap_or(&peer.value);
                assert!(special.contains(&name) || known.contains(&name), "{}: {name}", entry.label());
            }
        }
    }

    #[test]
    fn variants_choose_the_entry() {
        let label = |kind, variant| injected(kind, variant).map(Entry::label);
        assert_eq!(label("microsoft.network/applicationgateways", None), Some("Application Gateway v2"));
        assert_eq!(label("Microsoft.Network/applicationGateways", Some("WAF_Medium")), Some("Application Gateway v1"));
        assert_eq!(label("Microsoft.Network/applicationGateways", Some("WAF_v2")), Some("Application Gateway v2"));
        assert_eq!(label("Microsoft.Web/hostingEnvironments", Some("ASEV2")), Some("App Service Environment v1 or v2"));
        assert_eq!(label("Microsoft.Web/hostingEnvironments", Some("ASEV3")), Some("App Service Environment v3"));
        assert_eq!(label("Microsoft.Web/sites", None), None);
        assert_eq!(integrated("Microsoft.Web/sites").map(Entry::label), Some("App Service regional integration"));
        assert_eq!(label("Contoso.Foo/bars", None), None);
    }

    #[test]
    fn every_service_of_the_list_is_there() {
        let kinds = [
            "Microsoft.Batch/batchAccounts",
            "Microsoft.Network/virtualNetworkGateways",
            "Microsoft.Network/azureFirewalls",
            "Microsoft.Cache/redis",
            "Microsoft.Sql/managedInstances",
            "Microsoft.HDInsight/clusters",
            "Microsoft.Databricks/workspaces",
            "Microsoft.AAD/domainServices",
            "Microsoft.ContainerService/managedClusters",
            "Microsoft.ContainerInstance/containerGroups",
            "Microsoft.ApiManagement/service",
            "Microsoft.Network/bastionHosts",
        ];
        for kind in kinds {
            assert!(injected(kind, None).is_some_and(|entry| !entry.page().is_empty()), "{kind}");
        }
    }
}
