//! One host: its namespace, its TAP, its addresses and its way out.

use std::net::IpAddr;
use std::time::Duration;

use super::error::LabError;
use super::ip::{ip, ip_in, shell_in};
use super::plan::{HostAddress, HostPlan};
use super::process::wait_until;
use super::up::Stop;

/// How long the dataplane has to answer for a host's next hop.
const RESOLUTION: Duration = Duration::from_secs(10);
/// Looks at the neighbour table before the kernel is asked to resolve once more.
const LOOKS_PER_REQUEST: u32 = 50;

/// Makes the namespace, with settings that must be there before the TAP arrives.
///
/// # Errors
/// [`LabError::Command`].
pub(super) fn make(host: &HostPlan) -> Result<(), LabError> {
    ip(&["netns", "add", &host.namespace])?;
    shell_in(&host.namespace, &settings(host))?;
    ip_in(&host.namespace, &["link", "set", "lo", "up"]).map(drop)
}

/// Moves the host's TAP in and gives it the host's addresses and default routes.
///
/// # Errors
/// [`LabError::Command`].
pub(super) fn attach(host: &HostPlan) -> Result<(), LabError> {
    ip(&["link", "set", &host.device, "netns", &host.namespace])?;
    ip_in(&host.namespace, &["link", "set", &host.device, "up"])?;
    host.addresses.iter().try_for_each(|address| add_address(host, address))
}

fn add_address(host: &HostPlan, address: &HostAddress) -> Result<(), LabError> {
    let (own, gateway) = (format!("{}/{}", address.address, address.prefix_length), address.gateway.to_string());
    let family = if address.address.is_ipv6() { "-6" } else { "-4" };
    let no_detection: &[&str] = if address.address.is_ipv6() { &["nodad"] } else { &[] };
    ip_in(&host.namespace, &[&[family, "address", "add", own.as_str(), "dev", &host.device], no_detection].concat())?;
    ip_in(&host.namespace, &[family, "route", "add", "default", "via", &gateway, "dev", &host.device, "onlink"]).map(drop)
}

/// Waits until the dataplane has answered for each of the host's next hops. Asks for the address alone: no IP packet leaves.
///
/// # Errors
/// [`LabError::Late`], [`LabError::Command`], [`LabError::Interrupted`].
pub(super) fn wait_for_gateways(host: &HostPlan, stop: &Stop) -> Result<(), LabError> {
    host.addresses.iter().try_for_each(|address| wait_for_gateway(host, address.gateway, stop))
}

fn wait_for_gateway(host: &HostPlan, gateway: IpAddr, stop: &Stop) -> Result<(), LabError> {
    let (mut looks, mut failed) = (0, None);
    let resolved = wait_until(RESOLUTION, || {
        if looks % LOOKS_PER_REQUEST == 0 {
            failed = request(host, gateway).err();
        }
        looks += 1;
        failed.is_some() || stop.is_set() || is_resolved(host, gateway)
    });
    stop.check()?;
    match failed {
        Some(error) => Err(error),
        None if resolved => Ok(()),
        None => Err(LabError::Late {
            what: format!("host {}: the dataplane did not answer for {gateway} on {}", host.name, host.device),
            seconds: RESOLUTION.as_secs(),
        }),
    }
}

/// Has the kernel resolve the next hop; an iproute2 without `use` (before 5.16) has `ping` do it, which costs a packet.
fn request(host: &HostPlan, gateway: IpAddr) -> Result<(), LabError> {
    let gateway = gateway.to_string();
    ip_in(&host.namespace, &["neighbour", "replace", &gateway, "dev", &host.device, "use"]).map(drop).or_else(|_| {
        let once = format!("ping -c 1 -W 1 -I {} {gateway} >/dev/null || true", host.device);
        shell_in(&host.namespace, &once).map(drop)
    })
}

fn is_resolved(host: &HostPlan, gateway: IpAddr) -> bool {
    let shown = ip_in(&host.namespace, &["neighbour", "show", "to", &gateway.to_string(), "dev", &host.device]);
    shown.is_ok_and(|text| text.contains("lladdr"))
}

/// Settings of a namespace, written before its TAP comes: they are what the TAP starts with.
fn settings(host: &HostPlan) -> String {
    let mut lines = vec!["cd /proc/sys/net"];
    if host.has_ipv6() {
        // The network is known beforehand: nothing is asked for, nothing is probed for.
        lines.push("for it in accept_dad dad_transmits router_solicitations accept_ra autoconf; do echo 0 > ipv6/conf/default/$it; done");
    } else {
        lines.push("if [ -d ipv6 ]; then echo 1 > ipv6/conf/default/disable_ipv6; fi");
    }
    if host.forward {
        lines.push("echo 1 > ipv4/ip_forward");
        // One leg: packets go out where they came in, which the kernel would tell the sender to shorten.
        lines.push("for it in all default; do echo 0 > ipv4/conf/$it/rp_filter; echo 0 > ipv4/conf/$it/send_redirects; done");
        lines.push("if [ -d ipv6 ]; then echo 1 > ipv6/conf/all/forwarding; fi");
    }
    lines.join("\n")
}
