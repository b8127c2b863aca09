//! Ports and the lab's test hosts.

use super::addresses::{Address, ListenPort};
use super::decode::{Spanned, choice, object};
use super::values::{HostName, Name, OneOrMany, Reference};

object! {
    /// A port: where frames come in and go out.
    Port "a port"
    required {
        /// Its name.
        "name" name: Name,
        /// What is behind it: VNET, VNET/SUBNET, VNET/SUBNET/ADDRESS, service/NAME, gateway/NAME, internet or platform.
        "attach" attach: String,
    }
    optional {
        /// The TAP's name; cw-NAME where absent.
        "tap" tap: String,
        /// An existing interface, instead of a TAP.
        "interface" interface: String,
        /// How frames come from the interface: packet (AF_PACKET) or xdp (AF_XDP, for packet rate); packet where absent.
        "mode" mode: InterfaceMode,
    }
}

/// How frames come from an interface that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterfaceMode {
    /// Through an `AF_PACKET` socket.
    Packet,
    /// Through `AF_XDP` sockets.
    Xdp,
}

choice! { InterfaceMode, "mode", "packet" => Self::Packet, "xdp" => Self::Xdp }

object! {
    /// Test hosts for `causeway lab`.
    Lab "lab"
    required {}
    optional {
        /// The hosts.
        "hosts" hosts: Vec<Spanned<Host>>,
    }
}

object! {
    /// A test host: a network namespace behind a port.
    Host "a lab host"
    required {
        /// Its name; the namespace is cw-NAME.
        "name" name: HostName,
        /// Its port.
        "port" port: Reference,
        /// Its address on the wire, or a list with an IPv6 one too.
        "address" | "addresses" address: OneOrMany<Spanned<Address>>,
    }
    optional {
        /// Listeners.
        "serve" serve: Serve,
        /// A command that runs in the namespace, as root.
        "run" run: String,
        /// Forwarding is on, for appliances.
        "forward" forward: bool,
    }
}

object! {
    /// Listeners that say `seen-from ADDRESS PORT`.
    Serve "serve"
    required {}
    optional {
        /// Ports that answer HTTP.
        "http" http: OneOrMany<Spanned<ListenPort>>,
        /// Ports that answer TCP.
        "tcp" tcp: OneOrMany<Spanned<ListenPort>>,
        /// Ports that answer UDP.
        "udp" udp: OneOrMany<Spanned<ListenPort>>,
    }
}
