//! Service tags: those that the file gives, those that Azure has, and the special ones.

use std::collections::{HashMap, HashSet};

use crate::config::finding::{Code, Findings, Span};
use crate::config::model::values::short;
use crate::config::model::{NetworkFile, each};
use crate::config::nearest::nearest;
use crate::config::network::ServiceTag;

use super::service_types;

/// Names of Azure's published tags and regions.
const KNOWN: &str = include_str!("../tags/known.txt");

/// Tags whose meaning is fixed, with the spellings of the classic deployment model.
const SPECIAL: [(&str, &str); 8] = [
    ("virtualnetwork", "VirtualNetwork"),
    ("virtual_network", "VirtualNetwork"),
    ("internet", "Internet"),
    ("azureloadbalancer", "AzureLoadBalancer"),
    ("azure_loadbalancer", "AzureLoadBalancer"),
    ("azureplatformdns", "AzurePlatformDNS"),
    ("azureplatformimds", "AzurePlatformIMDS"),
    ("azureplatformlkm", "AzurePlatformLKM"),
];

/// The only special tag whose addresses Azure does not tell, so that a file may.
const LICENSE_SERVERS: &str = "AzurePlatformLKM";

/// Where a name may be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TagUse {
    /// A security rule takes every tag.
    Rule,
    /// Routes and access restrictions take no special tags.
    PrefixesOnly,
}

/// All tags that the file can name.
#[derive(Debug)]
pub(super) struct TagBook {
    given: Vec<ServiceTag>,
    /// Lower case → spelling, for every tag given.
    spellings: HashMap<String, String>,
    /// Tags that the file's services stand in for, lower case.
    stand_ins: HashSet<String>,
    known: HashMap<String, String>,
    regions: HashSet<String>,
    regional: HashSet<String>,
    warned: HashSet<String>,
}

impl TagBook {
    /// The tags of `file` and of its tags file; an inline tag replaces the tags file's.
    pub(super) fn new(file: &NetworkFile, tags_file: Vec<ServiceTag>, findings: &mut Findings) -> Self {
        let mut book = Self::published();
        let inline = file.service_tags.as_ref().map_or(&[][..], |tags| tags.0.as_slice());
        for tag in inline {
            Self::check_given(&tag.name, tag.span, findings);
            let prefixes = tag.prefixes.iter().map(|prefix| prefix.0).collect();
            book.spellings.insert(tag.name.to_lowercase(), tag.name.clone());
            book.given.push(ServiceTag { name: tag.name.clone(), prefixes });
        }
        for tag in tags_file {
            if book.spellings.insert(tag.name.to_lowercase(), tag.name.clone()).is_none() {
                book.given.push(tag);
            }
        }
        book.stand_ins = stand_ins(file);
        book
    }

    fn published() -> Self {
        let (mut known, mut regions, mut regional) = (HashMap::new(), HashSet::new(), HashSet::new());
        for line in KNOWN.lines().filter(|line| !line.starts_with('#')) {
            if let Some(names) = line.strip_prefix('@') {
                regions.extend(names.split_whitespace().map(str::to_owned));
            } else {
                let name = line.strip_suffix(".*").unwrap_or(line);
                if name.len() < line.len() {
                    regional.insert(name.to_lowercase());
                }
                known.insert(name.to_lowercase(), name.to_owned());
            }
        }
        Self { given: Vec::new(), spellings: HashMap::new(), stand_ins: HashSet::new(), known, regions, regional, warned: HashSet::new() }
    }

    /// Refuses prefixes for special tags, and names that cannot be a tag's.
    fn check_given(name: &str, span: Span, findings: &mut Findings) {
        if special(name).is_some_and(|name| name != LICENSE_SERVERS) {
            findings.report(Code::BadTag, span, format!("`{name}` has a fixed meaning and takes no prefixes"));
        } else if name.parse::<ipnet::IpNet>().is_ok()
            || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-'))
        {
            findings.report(Code::BadTag, span, format!("`{}` cannot be a tag's name", short(name)));
        }
    }

    /// The tag's spelling; reports what is no tag, and once each tag that holds nothing.
    pub(super) fn resolve(&mut self, text: &str, place: TagUse, span: Span, findings: &mut Findings) -> Option<String> {
        if let Some(name) = special(text) {
            if place == TagUse::PrefixesOnly {
                findings.report(Code::BadTag, span, format!("the tag `{name}` cannot be used here"));
            } else if name == LICENSE_SERVERS && !self.spellings.contains_key(&name.to_lowercase()) {
                self.warn_empty(name, span, findings);
            }
            return Some(name.to_owned());
        }
        let key = text.to_lowercase();
        if let Some(spelling) = self.spellings.get(&key) {
            return Some(spelling.clone());
        }
        if self.stand_ins.contains(&key) || self.has_regional(&key) {
            return Some(self.known.get(&key).cloned().unwrap_or_else(|| text.to_owned()));
        }
        if self.is_known(text) {
            self.warn_empty(text, span, findings);
            return Some(self.known.get(&key).cloned().unwrap_or_else(|| text.to_owned()));
        }
        self.report_unknown(text, span, findings);
        None
    }

    fn has_regional(&self, key: &str) -> bool {
        let prefix = format!("{key}.");
        self.spellings.keys().any(|name| name.strip_prefix(&prefix).is_some_and(|region| self.regions.contains(region)))
    }

    fn is_known(&self, text: &str) -> bool {
        let key = text.to_lowercase();
        let regional = || key.rsplit_once('.').is_some_and(|(base, region)| self.regional.contains(base) && self.regions.contains(region));
        self.known.contains_key(&key) || regional()
    }

    fn warn_empty(&mut self, text: &str, span: Span, findings: &mut Findings) {
        if self.warned.insert(text.to_lowercase()) {
            findings
                .report(Code::EmptyTag, span, format!("nothing here gives prefixes to the tag `{text}`: it matches nothing"))
                .hint("list its prefixes under `serviceTags`, or name Microsoft's file in `serviceTagsFile`");
        }
    }

    fn report_unknown(&self, text: &str, span: Span, findings: &mut Findings) {
        let finding = findings.report(Code::UnknownTag, span, format!("there is no service tag `{}`", short(text)));
        if let Some((base, region)) = text.rsplit_once('.').filter(|(base, _)| self.regional.contains(&base.to_lowercase())) {
            if let Some(near) = nearest(region, self.regions.iter().map(String::as_str)) {
                finding.hint(format!("did you mean `{base}.{near}`?"));
            }
            return;
        }
        let candidates =
            self.spellings.values().chain(self.known.values()).map(String::as_str).chain(SPECIAL.iter().map(|(_, name)| *name));
        match nearest(text, candidates) {
            Some(near) => finding.hint(format!("did you mean `{near}`?")),
            None => finding.hint("an address prefix, `*`, or a tag of Azure's or of `serviceTags`"),
        };
    }

    /// The given tags, for the network; the book keeps none.
    pub(super) fn take(&mut self) -> Vec<ServiceTag> {
        std::mem::take(&mut self.given)
    }
}

fn special(text: &str) -> Option<&'static str> {
    SPECIAL.iter().find(|(key, _)| key.eq_ignore_ascii_case(text)).map(|(_, name)| *name)
}

/// Tags that the addresses of the file's own services stand in for: top-level and the service's region's.
fn stand_ins(file: &NetworkFile) -> HashSet<String> {
    let default = file.location.as_ref().map(|region| region.0.as_str());
    let mut tags = HashSet::new();
    for service in each(&file.services).iter().filter(|service| service.subnet.is_none()) {
        let Some(found) = service.kind.as_ref().and_then(|kind| service_types::find(&kind.0)) else { continue };
        let tag = found.tag.to_lowercase();
        if let Some(region) = service.location.as_ref().map(|region| region.0.as_str()).or(default) {
            tags.insert(format!("{tag}.{region}"));
        }
        tags.insert(tag);
    }
    tags
}
