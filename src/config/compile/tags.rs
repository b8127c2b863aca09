//! Service tags → prefixes.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ipnet::IpNet;

use super::service_kinds;
use super::tag_sets::TagSets;
use crate::config::network::{Network, Service};
use crate::policy::snapshot::{METADATA_ADDRESS, PLATFORM_ADDRESS};
use crate::table::address_classes::AddressClasses;
use crate::table::prefix_set::PrefixSet;

/// The tags of a network file.
pub struct Tags<'a> {
    network: &'a Network,
    /// Lower-case name → prefixes as the file gives them.
    given: BTreeMap<String, &'a [IpNet]>,
    /// Lower-case name → addresses that were asked for: tags are long, and thousands of rules name the same.
    known: RefCell<HashMap<String, Arc<PrefixSet>>>,
    /// The addresses of long tags, which outlive a compilation.
    long: Arc<TagSets>,
}

/// The special tags, which no file gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialTag {
    /// `VirtualNetwork`: depends on the subnet.
    VirtualNetwork,
    /// `Internet`.
    Internet,
    /// `AzureLoadBalancer`: where health probes come from.
    AzureLoadBalancer,
    /// `AzurePlatformDNS`.
    AzurePlatformDns,
    /// `AzurePlatformIMDS`.
    AzurePlatformImds,
    /// `AzurePlatformLKM`: the prefixes that the file gives; none are published.
    AzurePlatformLkm,
}

impl SpecialTag {
    /// The special tag of this name; classic spellings are known, case does not matter.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "virtualnetwork" | "virtual_network" => Self::VirtualNetwork,
            "internet" => Self::Internet,
            "azureloadbalancer" | "azure_loadbalancer" => Self::AzureLoadBalancer,
            "azureplatformdns" => Self::AzurePlatformDns,
            "azureplatformimds" => Self::AzurePlatformImds,
            "azureplatformlkm" => Self::AzurePlatformLkm,
            _ => return None,
        })
    }

    /// Whether a rule that names this tag is meant for what bypasses other rules.
    #[must_use]
    pub const fn is_platform(self) -> bool {
        matches!(self, Self::AzurePlatformDns | Self::AzurePlatformImds | Self::AzurePlatformLkm)
    }
}

/// The `Internet` tag: all unicast IPv4 but the private, shared, loopback and link-local ranges and the platform's address.
#[must_use]
pub fn internet() -> PrefixSet {
    let range = |first: [u8; 4], last: [u8; 4]| -> RangeInclusive<Ipv4Addr> { first.into()..=last.into() };
    let unicast = PrefixSet::from_ranges([range([1, 0, 0, 0], [223, 255, 255, 255])]);
    let inner = PrefixSet::from_ranges([
        range([10, 0, 0, 0], [10, 255, 255, 255]),
        range([172, 16, 0, 0], [172, 31, 255, 255]),
        range([192, 168, 0, 0], [192, 168, 255, 255]),
        range([100, 64, 0, 0], [100, 127, 255, 255]),
        range([127, 0, 0, 0], [127, 255, 255, 255]),
        range([169, 254, 0, 0], [169, 254, 255, 255]),
        range([168, 63, 129, 16], [168, 63, 129, 16]),
    ]);
    unicast.difference(&inner)
}

impl<'a> Tags<'a> {
    /// The tags that `network` gives.
    #[must_use]
    pub fn new(network: &'a Network) -> Self {
        let given = network.service_tags.iter().map(|tag| (key(&tag.name), tag.prefixes.as_slice())).collect();
        Self { network, given, known: RefCell::default(), long: Arc::default() }
    }

    /// The same tags, the long ones' addresses those of `long`.
    #[must_use]
    pub(super) fn with(self, long: Arc<TagSets>) -> Self {
        Self { long, ..self }
    }

    /// The classes of long tags, where a rule list asked for them.
    pub(super) fn classes(&self) -> Arc<AddressClasses> {
        if self.long.are_used() { Arc::clone(self.long.classes()) } else { Arc::default() }
    }

    /// The addresses of a tag. `VirtualNetwork` depends on a subnet and is not known here: it has none.
    #[must_use]
    pub fn addresses(&self, name: &str) -> Arc<PrefixSet> {
        Arc::clone(self.known.borrow_mut().entry(key(name)).or_insert_with(|| self.look_up(name)))
    }

    fn look_up(&self, name: &str) -> Arc<PrefixSet> {
        Arc::new(match SpecialTag::named(name) {
            Some(SpecialTag::Internet) => internet(),
            Some(SpecialTag::AzureLoadBalancer | SpecialTag::AzurePlatformDns) => PrefixSet::from_prefixes([PLATFORM_ADDRESS.into()]),
            Some(SpecialTag::AzurePlatformImds) => PrefixSet::from_prefixes([METADATA_ADDRESS.into()]),
            Some(SpecialTag::VirtualNetwork) => PrefixSet::default(),
            Some(SpecialTag::AzurePlatformLkm) | None => match self.long.get(&key(name)) {
                Some(known) => return Arc::clone(known),
                None => PrefixSet::from_prefixes(self.prefixes(name)),
            },
        })
    }

    /// The prefixes of a tag as given; else, for one without region, the union of its regional ones; and wherever
    /// nothing gives the tag of one of the file's own services, that service's addresses.
    #[must_use]
    pub fn prefixes(&self, name: &str) -> Vec<IpNet> {
        let name = key(name);
        if let Some(given) = self.given.get(&name) {
            return given.to_vec();
        }
        let regional = format!("{name}.");
        let parts = self.given.range(regional.clone()..).take_while(|(tag, _)| tag.starts_with(&regional));
        let mut prefixes: Vec<IpNet> = parts.flat_map(|(_, prefixes)| prefixes.iter().copied()).collect();
        prefixes.extend(self.stand_ins(&name));
        prefixes
    }

    fn stand_ins(&self, tag: &str) -> impl Iterator<Item = IpNet> {
        let (base, region) = tag.split_once('.').map_or((tag, None), |(base, region)| (base, Some(region)));
        self.network
            .services
            .iter()
            .filter(|service| {
                service.subnet.is_none() && service_kinds::tag_of(&service.kind).is_some_and(|own| own.eq_ignore_ascii_case(base))
            })
            .filter(move |service| in_region(service, region) && !self.gives(base, service))
            .flat_map(|service| service.addresses.iter().map(|address| IpNet::from(*address)))
    }

    /// Whether the file gives the regional tag that a service's addresses are in.
    fn gives(&self, base: &str, service: &Service) -> bool {
        service.location.as_ref().is_some_and(|region| self.given.contains_key(&format!("{base}.{}", key(region))))
    }
}

fn in_region(service: &Service, region: Option<&str>) -> bool {
    match (service.location.as_deref(), region) {
        (Some(own), Some(wanted)) => key(own) == wanted,
        _ => true,
    }
}

/// The name by which a tag is found.
pub(super) fn key(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_ascii_lowercase()
}
