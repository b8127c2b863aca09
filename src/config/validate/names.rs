//! Names of objects → indices, with duplicates and unknown names reported.

use std::collections::HashMap;

use crate::config::finding::{Code, Findings, Span};
use crate::config::model::values::{Name, Reference, short};
use crate::config::model::{Field, NetworkFile, Spanned, each};
use crate::config::nearest::nearest;

/// Stands for an object that could not be found. It never leaves `validate`: an error was reported.
pub(super) const UNRESOLVED: usize = usize::MAX;

/// The names of one kind of object.
#[derive(Debug)]
pub(super) struct NameTable {
    what: &'static str,
    entries: HashMap<String, (usize, Span)>,
    spellings: Vec<String>,
}

impl NameTable {
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, entries: HashMap::new(), spellings: Vec::new() }
    }

    /// Gives `name` an index; a name that is taken is reported at `span`.
    pub(super) fn insert(&mut self, name: &str, span: Span, index: usize, findings: &mut Findings) {
        if let Some((_, first)) = self.entries.get(&name.to_lowercase()) {
            let first = *first;
            findings
                .report(Code::DuplicateName, span, format!("two {}s have the name `{name}`", self.what))
                .related(first, "first given here");
            return;
        }
        self.entries.insert(name.to_lowercase(), (index, span));
        self.spellings.push(name.to_owned());
    }

    /// The index of `name`, without regard to case.
    pub(super) fn get(&self, name: &str) -> Option<usize> {
        self.entries.get(&name.to_lowercase()).map(|(index, _)| *index)
    }

    /// The index of `name`, or [`UNRESOLVED`] with a finding that suggests the nearest name.
    pub(super) fn find(&self, name: &str, span: Span, findings: &mut Findings) -> usize {
        if let Some(index) = self.get(name) {
            return index;
        }
        let finding = findings.report(Code::UnknownName, span, format!("there is no {} `{}`", self.what, short(name)));
        if let Some(near) = self.nearest(name) {
            finding.hint(format!("did you mean `{near}`?"));
        } else if self.spellings.is_empty() {
            finding.hint(format!("this file has no {}", self.what));
        }
        UNRESOLVED
    }

    pub(super) fn refer(&self, reference: &Spanned<Reference>, findings: &mut Findings) -> usize {
        self.find(&reference.0, reference.span, findings)
    }

    /// The index of a required property, whose absence is reported already.
    pub(super) fn required(&self, reference: &Field<Reference>, findings: &mut Findings) -> usize {
        reference.as_ref().map_or(UNRESOLVED, |reference| self.refer(reference, findings))
    }

    fn nearest(&self, name: &str) -> Option<&str> {
        // `web` for `shop/web`: the name without its network.
        let tail = format!("/{}", name.to_lowercase());
        let qualified = self.spellings.iter().find(|spelling| !name.contains('/') && spelling.to_lowercase().ends_with(&tail));
        qualified.map(String::as_str).or_else(|| nearest(name, self.spellings.iter().map(String::as_str)))
    }
}

/// The names of every kind of object in the file.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) virtual_networks: NameTable,
    pub(super) subnets: NameTable,
    pub(super) network_security_groups: NameTable,
    pub(super) application_security_groups: NameTable,
    pub(super) route_tables: NameTable,
    pub(super) nat_gateways: NameTable,
    pub(super) policies: NameTable,
    pub(super) services: NameTable,
    pub(super) gateways: NameTable,
    pub(super) ports: NameTable,
}

impl Names {
    /// Collects all names; those of interfaces and hosts, which nothing refers to, are checked only.
    pub(super) fn collect(file: &NetworkFile, findings: &mut Findings) -> Self {
        table("network interface", each(&file.network_interfaces), |object| &object.name, findings);
        table("private endpoint", each(&file.private_endpoints), |object| &object.name, findings);
        if let Some(lab) = &file.lab {
            host_names(lab, findings);
        }
        Self {
            virtual_networks: table("virtual network", each(&file.virtual_networks), |object| &object.name, findings),
            subnets: subnet_names(file, findings),
            network_security_groups: table("network security group", each(&file.network_security_groups), |object| &object.name, findings),
            application_security_groups: asg_names(file, findings),
            route_tables: table("route table", each(&file.route_tables), |object| &object.name, findings),
            nat_gateways: table("NAT gateway", each(&file.nat_gateways), |object| &object.name, findings),
            policies: table("service endpoint policy", each(&file.service_endpoint_policies), |object| &object.name, findings),
            services: table("service", each(&file.services), |object| &object.name, findings),
            gateways: table("gateway", each(&file.gateways), |object| &object.name, findings),
            ports: table("port", each(&file.ports), |object| &object.name, findings),
        }
    }
}

/// The names of a section.
pub(super) fn table<T>(
    what: &'static str,
    objects: &[Spanned<T>],
    name: impl Fn(&T) -> &Field<Name>,
    findings: &mut Findings,
) -> NameTable {
    let mut table = NameTable::new(what);
    for (index, object) in objects.iter().enumerate() {
        if let Some(name) = name(object) {
            table.insert(&name.0, name.span, index, findings);
        }
    }
    table
}

fn asg_names(file: &NetworkFile, findings: &mut Findings) -> NameTable {
    table("application security group", each(&file.application_security_groups), |object| &object.0.name, findings)
}

fn host_names(lab: &crate::config::model::lab::Lab, findings: &mut Findings) {
    let mut names = NameTable::new("lab host");
    for (index, host) in each(&lab.hosts).iter().enumerate() {
        if let Some(name) = &host.name {
            names.insert(&name.0, name.span, index, findings);
        }
    }
}

/// `VNET/SUBNET` of all networks, numbered as in [`crate::config::network::Network::subnets`].
fn subnet_names(file: &NetworkFile, findings: &mut Findings) -> NameTable {
    let mut names = NameTable::new("subnet");
    let mut index = 0;
    for network in each(&file.virtual_networks) {
        for subnet in each(&network.subnets) {
            if let (Some(network), Some(subnet)) = (&network.name, &subnet.name) {
                names.insert(&format!("{}/{}", network.0, subnet.0), subnet.span, index, findings);
            }
            index += 1;
        }
    }
    names
}
