//! Model → validated network: names resolved, and everything refused that Azure refuses.
//!
//! Every object of the model becomes one of the network, wrong ones too, so that indices agree and one fault does not
//! hide another. A network leaves only when no error was found; `names::UNRESOLVED` never leaves.

mod address_space;
mod addresses;
mod application_groups;
mod endpoint_policies;
mod endpoints;
mod firewall_addresses;
mod firewall_limits;
mod firewall_rules;
mod firewalls;
mod gateways;
mod injected;
mod integration;
mod interfaces;
mod lab;
mod lints;
mod names;
mod network_managers;
mod not_modelled;
mod peerings;
mod ports;
mod private_endpoints;
mod public_routes;
mod restrictions;
mod routes;
mod rule_sides;
mod security_rules;
pub mod service_types;
mod services;
mod tag_book;
mod virtual_networks;

use crate::config::finding::{Findings, Span};
use crate::config::model::values::Name;
use crate::config::model::{Field, NetworkFile, each};
use crate::config::network::{Named, Network, Options, ServiceTag};
use names::Names;
use tag_book::TagBook;

/// What every check needs: the names, the tags, and where to report.
struct Scope<'a> {
    names: Names,
    tags: TagBook,
    findings: &'a mut Findings,
}

/// Checks `file` and resolves it. `path` is the file's name as the user gave it; `tags_file` holds the tags of its
/// `serviceTagsFile`.
///
/// `None` where `findings` has an error.
pub fn validate(path: &str, file: &NetworkFile, tags_file: Vec<ServiceTag>, findings: &mut Findings) -> Option<Network> {
    let names = Names::collect(file, findings);
    let tags = TagBook::new(file, tags_file, findings);
    let mut scope = Scope { names, tags, findings };
    let network = resolve(path, file, &mut scope);
    check(file, &network, &mut scope);
    if scope.findings.has_errors() { None } else { Some(network) }
}

fn resolve(path: &str, file: &NetworkFile, scope: &mut Scope<'_>) -> Network {
    let mut network =
        Network { file: path.to_owned(), location: file.location.as_ref().map(|region| region.0.clone()), ..Network::default() };
    network.options = options(file);
    virtual_networks::resolve(file, &mut network, scope);
    network.network_security_groups = security_rules::resolve(file, scope);
    network.admin_rule_collections = network_managers::resolve(file, scope);
    network.application_security_groups =
        each(&file.application_security_groups).iter().map(|group| named(&group.0.name, group.span)).collect();
    network.route_tables = routes::resolve(file, scope);
    network.network_interfaces = interfaces::resolve(file, scope);
    network.nat_gateways = gateways::resolve_nat(file);
    network.gateways = gateways::resolve(file, scope);
    network.services = services::resolve(file, scope);
    network.private_endpoints = private_endpoints::resolve(file, scope);
    network.service_endpoint_policies = endpoint_policies::resolve(file, scope);
    network.ports = ports::resolve(file, scope);
    network.hosts = lab::resolve(file, scope);
    network.service_tags = scope.tags.take();
    network.mark_private_endpoints();
    network.place_apps();
    network
}

fn check(file: &NetworkFile, network: &Network, scope: &mut Scope<'_>) {
    address_space::check(file, scope.findings);
    peerings::check(file, network, scope.findings);
    routes::check(file, network, scope.findings);
    virtual_networks::check_limits(file, network, scope.findings);
    endpoints::check(file, network, scope.findings);
    endpoint_policies::check(file, network, scope.findings);
    private_endpoints::check(file, network, scope.findings);
    integration::check(file, network, scope.findings);
    addresses::check(file, network, scope.findings);
    security_rules::check(file, scope.findings);
    interfaces::check(file, network, scope.findings);
    application_groups::check(file, network, scope.findings);
    firewalls::check(file, network, scope.findings);
    gateways::check(file, network, scope.findings);
    lab::check(file, network, scope.findings);
    injected::check(file, network, scope.findings);
    lints::check(file, network, scope.findings);
    not_modelled::check(file, scope.findings);
}

fn options(file: &NetworkFile) -> Options {
    let Some(options) = &file.options else { return Options::default() };
    Options {
        endpoint_route_over_user_route: options
            .endpoint_route_over_user_route
            .as_ref()
            .map_or_else(Default::default, |choice| choice.value),
        forwarded_traffic_check: options.forwarded_traffic_check.as_ref().map_or_else(Default::default, |choice| choice.value),
        public_address_without_security_group: options
            .public_address_without_security_group
            .as_ref()
            .map_or_else(Default::default, |choice| choice.value),
        tcp_without_handshake: options.tcp_without_handshake.as_ref().map_or_else(Default::default, |choice| choice.value),
        user_default_route_removes: options.user_default_route_removes.as_ref().map_or_else(Default::default, |choice| choice.value),
        user_default_route_to_internet: options
            .user_default_route_to_internet
            .as_ref()
            .map_or_else(Default::default, |choice| choice.value),
        system_none_routes: options.system_none_routes.as_ref().map_or_else(Default::default, |choice| choice.value),
        global_peering_hop_type: options.global_peering_hop_type.as_ref().map_or_else(Default::default, |choice| choice.value),
    }
}

/// Name and place; the name is empty where it was wrong.
fn named(name: &Field<Name>, span: Span) -> Named {
    Named { name: name.as_ref().map_or_else(String::new, |name| name.0.clone()), position: span.start }
}

/// A flag's value, or its default.
fn flag(field: &Field<bool>, default: bool) -> bool {
    field.as_ref().map_or(default, |flag| flag.value)
}

/// Reports a list that is longer than Azure's limit.
fn limit(count: usize, maximum: usize, what: &str, span: Span, findings: &mut Findings) {
    if count > maximum {
        let place = Span { start: span.start, end: span.start };
        findings.report(crate::config::finding::Code::LimitExceeded, place, format!("{count} {what}; Azure's limit is {maximum}"));
    }
}

/// Reports a list that is empty, unless its entries were there and wrong.
fn not_empty(is_empty: bool, what: &str, span: Span, findings: &mut Findings) {
    if is_empty && !findings.anything_within(span) {
        findings.report(crate::config::finding::Code::MissingProperty, span, what);
    }
}
