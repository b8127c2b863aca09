//! Addresses, prefixes and ports as a person writes them.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;

use ipnet::{IpNet, Ipv4Net};

use super::values::{scalar_type, short};
use crate::config::finding::{Code, Findings};
use crate::config::text::Span;

scalar_type! {
    /// An IPv4 or IPv6 address.
    Address(IpAddr), "an address", read_address, { "type": "string", "description": "An IPv4 or IPv6 address." }
}

scalar_type! {
    /// An IPv4 address.
    Address4(Ipv4Addr), "an IPv4 address", read_address4, {
        "type": "string", "pattern": "^[0-9]{1,3}(\\.[0-9]{1,3}){3}$", "description": "An IPv4 address."
    }
}

scalar_type! {
    /// An address prefix without bits behind its length.
    Prefix(IpNet), "an address prefix", read_prefix, { "type": "string", "pattern": "^[0-9A-Fa-f.:]+/[0-9]{1,3}$", "description": "An address prefix, such as 10.0.0.0/16." }
}

scalar_type! {
    /// An address, or a prefix without bits behind its length.
    AddressOrPrefix(IpNet), "an address or prefix", read_address_or_prefix, {
        "type": "string", "pattern": "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$", "description": "An address, or an address prefix."
    }
}

scalar_type! {
    /// An IPv4 prefix.
    Prefix4(Ipv4Net), "an IPv4 prefix", read_prefix4, {
        "type": "string", "pattern": "^[0-9]{1,3}(\\.[0-9]{1,3}){3}/[0-9]{1,2}$", "description": "An IPv4 prefix."
    }
}

scalar_type! {
    /// A port or a range of ports.
    PortRange(RangeInclusive<u16>), "a port or a range `a-b`", read_port_range, {
        "description": "A port, or a range a-b.",
        "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 65535 }, { "type": "string", "pattern": "^[0-9]{1,5}(-[0-9]{1,5})?$" }]
    }
}

scalar_type! {
    /// A port that a listener binds: 1 to 65535.
    ListenPort(u16), "a port", read_listen_port, { "type": "integer", "minimum": 1, "maximum": 65535 }
}

scalar_type! {
    /// Ports of a security rule: `*`, a port, or a range. An empty text counts as not given, and is the empty range.
    RulePorts(RangeInclusive<u16>), "`*`, a port or a range `a-b`", read_rule_ports, {
        "description": "`*`, a port, or a range a-b.",
        "anyOf": [{ "type": "integer", "minimum": 0, "maximum": 65535 }, { "type": "string", "pattern": "^(\\*|[0-9]{1,5}(-[0-9]{1,5})?)?$" }]
    }
}

pub(crate) fn read_address(text: &str, span: Span, findings: &mut Findings) -> Option<IpAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        let finding = findings.report(Code::BadAddress, span, format!("`{}` is no IP address", short(text)));
        if text.contains('/') {
            finding.hint("write the address without a prefix length");
        }
    }
    address
}

fn read_address4(text: &str, span: Span, findings: &mut Findings) -> Option<Ipv4Addr> {
    match read_address(text, span, findings)? {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => {
            findings.report(Code::BadAddress, span, format!("`{text}` is an IPv6 address; this one has to be IPv4"));
            None
        }
    }
}

fn read_prefix(text: &str, span: Span, findings: &mut Findings) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        let host = IpNet::from(address);
        findings
            .report(Code::BadPrefix, span, format!("`{text}` is an address; this has to be a prefix"))
            .hint(format!("for the one address write `{host}`"));
        return None;
    }
    read_address_or_prefix(text, span, findings)
}

pub(crate) fn read_address_or_prefix(text: &str, span: Span, findings: &mut Findings) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(IpNet::from(address));
    }
    let Ok(prefix) = text.parse::<IpNet>() else {
        findings.report(Code::BadPrefix, span, format!("`{}` is no address prefix", short(text))).hint("such as 10.0.0.0/16");
        return None;
    };
    if prefix != prefix.trunc() {
        let right = prefix.trunc();
        findings
            .report(Code::BadPrefix, span, format!("`{text}` has bits set behind the first {}", prefix.prefix_len()))
            .hint(format!("the network is `{right}`"));
        return None;
    }
    Some(prefix)
}

fn read_prefix4(text: &str, span: Span, findings: &mut Findings) -> Option<Ipv4Net> {
    match read_prefix(text, span, findings)? {
        IpNet::V4(prefix) => Some(prefix),
        IpNet::V6(_) => {
            findings.report(Code::BadPrefix, span, format!("`{text}` is an IPv6 prefix; this one has to be IPv4"));
            None
        }
    }
}

fn read_rule_ports(text: &str, span: Span, findings: &mut Findings) -> Option<RangeInclusive<u16>> {
    match text {
        "*" => Some(0..=u16::MAX),
        // Exports hold an empty text where the plural form is used.
        "" => Some(RangeInclusive::new(1, 0)),
        _ => read_port_range(text, span, findings),
    }
}

fn read_listen_port(text: &str, span: Span, findings: &mut Findings) -> Option<u16> {
    let port = read_port(text, span, findings)?;
    if port == 0 {
        findings.report(Code::BadPort, span, "nothing can listen on port 0");
        return None;
    }
    Some(port)
}

fn read_port_range(text: &str, span: Span, findings: &mut Findings) -> Option<RangeInclusive<u16>> {
    let Some((first, last)) = text.split_once('-') else {
        return read_port(text, span, findings).map(|port| port..=port);
    };
    let (first, last) = (read_port(first.trim(), span, findings)?, read_port(last.trim(), span, findings)?);
    if first > last {
        findings
            .report(Code::BackwardsRange, span, format!("the range {first}-{last} ends before it starts"))
            .hint(format!("write `{last}-{first}`"));
        return None;
    }
    Some(first..=last)
}

fn read_port(text: &str, span: Span, findings: &mut Findings) -> Option<u16> {
    let port = text.parse().ok().filter(|_| text.bytes().all(|digit| digit.is_ascii_digit()));
    if port.is_none() {
        let finding = findings.report(Code::BadPort, span, format!("`{}` is no port", short(text)));
        if text.contains(',') {
            finding.hint("write several ports in the plural form, as a list");
        } else {
            finding.hint("a number from 0 to 65535, or a range such as 8000-8099");
        }
    }
    port
}
