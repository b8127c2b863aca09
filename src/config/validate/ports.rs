//! Ports: their devices and what is behind them.

use std::collections::HashMap;

use super::names::UNRESOLVED;
use super::{Scope, named};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::addresses::read_address;
use crate::config::model::lab::{InterfaceMode, Port as PortModel};
use crate::config::model::values::short;
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::nearest::did_you_mean;
use crate::config::network::{Attachment, Device, GatewayIndex, Port, ServiceIndex, SubnetIndex, VirtualNetworkIndex};

/// The kernel's limit for an interface name (IFNAMSIZ without the final zero).
const DEVICE_LENGTH: usize = 15;

/// Stands for an attachment that names nothing.
const UNKNOWN: Attachment = Attachment::VirtualNetwork(VirtualNetworkIndex(UNRESOLVED));

/// All ports of the file.
pub(super) fn resolve(file: &NetworkFile, scope: &mut Scope<'_>) -> Vec<Port> {
    let mut devices: HashMap<String, Span> = HashMap::new();
    let mut attachments: HashMap<String, Span> = HashMap::new();
    let mut ports = Vec::new();
    for model in each(&file.ports) {
        let (device, span) = device(model, scope.findings);
        let name = device.name().to_owned();
        if let Some(first) = devices.insert(name.clone(), span).filter(|_| !name.is_empty()) {
            scope.findings.report(Code::BadDevice, span, format!("another port has the device `{name}`")).related(first, "here");
        }
        // A port whose attachment is wrong has its finding, and is no double.
        let mark = scope.findings.iter().count();
        let attachment = model.attach.as_ref().map_or(UNKNOWN, |text| attachment(text, scope));
        if let Some(text) = model.attach.as_ref().filter(|_| scope.findings.iter().count() == mark)
            && let Some(first) = attachments.insert(format!("{attachment:?}"), text.span)
        {
            scope
                .findings
                .report(Code::BadAttachment, text.span, format!("another port stands for `{}`", text.value))
                .related(first, "here");
        }
        ports.push(Port { named: named(&model.name, model.span), device, attachment });
    }
    ports
}

fn device(model: &Spanned<PortModel>, findings: &mut Findings) -> (Device, Span) {
    if let (Some(tap), Some(interface)) = (&model.tap, &model.interface) {
        findings.report(Code::BothForms, interface.span, "a port has a `tap` or an `interface`, not both").related(tap.span, "given here");
    }
    if let Some(interface) = &model.interface {
        check_device(&interface.value, interface.span, None, findings);
        let name = interface.value.clone();
        let device = match model.mode.as_ref().map(|mode| mode.value) {
            Some(InterfaceMode::Xdp) => Device::Xdp(name),
            Some(InterfaceMode::Packet) | None => Device::Interface(name),
        };
        return (device, interface.span);
    }
    if let Some(mode) = &model.mode {
        let message = "`mode` says how frames come from an `interface`, and this port has a TAP";
        findings.report(Code::MissingProperty, mode.span, message).hint("give the port an `interface`, or leave out `mode`");
    }
    if let Some(tap) = &model.tap {
        check_device(&tap.value, tap.span, None, findings);
        return (Device::Tap(tap.value.clone()), tap.span);
    }
    let Some(name) = &model.name else { return (Device::Tap(String::new()), model.span) };
    let default = format!("cw-{}", name.0);
    check_device(&default, name.span, Some("give the port a `tap` of up to 15 characters"), findings);
    (Device::Tap(default), name.span)
}

fn check_device(name: &str, span: Span, hint: Option<&str>, findings: &mut Findings) {
    let bad = |letter: char| letter.is_whitespace() || letter.is_control() || matches!(letter, '/' | ':' | '%');
    if name.len() > DEVICE_LENGTH {
        let message = format!("the device name `{}` has {} characters; the kernel takes {DEVICE_LENGTH}", short(name), name.len());
        findings.report(Code::BadDevice, span, message).maybe_hint(hint.map(str::to_owned));
    } else if name.is_empty() || matches!(name, "." | ".." | "all" | "default" | "lo") || name.chars().any(bad) {
        findings.report(Code::BadDevice, span, format!("`{}` cannot be a device's name", short(name)));
    }
}

/// What `attach` names. Where it names nothing, there is a finding.
fn attachment(text: &Spanned<String>, scope: &mut Scope<'_>) -> Attachment {
    let parts: Vec<&str> = text.value.split('/').collect();
    let Scope { names, findings, .. } = scope;
    match parts.as_slice() {
        [word] if word.eq_ignore_ascii_case("internet") => Attachment::Internet,
        [word] if word.eq_ignore_ascii_case("platform") => Attachment::Platform,
        [word, name] if word.eq_ignore_ascii_case("service") => {
            Attachment::Service(ServiceIndex(names.services.find(name, text.span, findings)))
        }
        [word, name] if word.eq_ignore_ascii_case("gateway") => {
            Attachment::Gateway(GatewayIndex(names.gateways.find(name, text.span, findings)))
        }
        [network] => match names.virtual_networks.get(network) {
            Some(index) => Attachment::VirtualNetwork(VirtualNetworkIndex(index)),
            None => {
                report_unknown(network, text.span, scope);
                UNKNOWN
            }
        },
        [network, subnet] => Attachment::Subnet(SubnetIndex(names.subnets.find(&format!("{network}/{subnet}"), text.span, findings))),
        [network, subnet, address] => {
            let index = SubnetIndex(names.subnets.find(&format!("{network}/{subnet}"), text.span, findings));
            read_address(address, text.span, findings).map_or(Attachment::Subnet(index), |address| Attachment::Address(index, address))
        }
        _ => {
            report_form(text, findings);
            UNKNOWN
        }
    }
}

fn report_form(text: &Spanned<String>, findings: &mut Findings) {
    findings
        .report(Code::BadAttachment, text.span, format!("`{}` names nothing that a port can stand for", short(&text.value)))
        .hint("VNET, VNET/SUBNET, VNET/SUBNET/ADDRESS, service/NAME, gateway/NAME, internet or platform");
}

fn report_unknown(name: &str, span: Span, scope: &mut Scope<'_>) {
    if let Some(kind) = scope.names.services.get(name).map(|_| "service").or_else(|| scope.names.gateways.get(name).map(|_| "gateway")) {
        scope
            .findings
            .report(Code::UnknownName, span, format!("there is no virtual network `{name}`"))
            .hint(format!("did you mean `{kind}/{name}`?"));
    } else if let Some(hint) = did_you_mean(name, ["internet", "platform"]) {
        scope.findings.report(Code::UnknownName, span, format!("there is no virtual network `{}`", short(name))).hint(hint);
    } else {
        scope.names.virtual_networks.find(name, span, scope.findings);
    }
}
