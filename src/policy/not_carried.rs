//! What virtual networks do not carry, whatever the rules say: multicast and broadcast, protocols other than TCP, UDP,
//! ICMP, ESP and AH (GRE and IP-in-IP among them), unicast DHCP between hosts, and UDP from port 65330, which the host
//! below keeps (Azure: virtual-networks-faq).
//!
//! Frames of the first two kinds end in the parser already; here are the questions about them.

use std::borrow::Cow;
use std::net::IpAddr;

use super::decide::{Decision, Stop};
use super::ids::Access;
use super::question::{Observer, Question, Scope, Sender, Stage, Step};
use super::snapshot::PLATFORM_ADDRESS;
use crate::packet::Reason;
use crate::wire::protocol;

/// UDP source port that the host keeps for itself.
const HOST_PORT: u16 = 65330;
/// A DHCP client's port and a server's.
const DHCP: (u16, u16) = (68, 67);

/// Refuses what is not carried. A flow that exists was carried.
pub(super) fn refuse(decision: &mut Decision<'_, impl Observer>) -> Result<(), Stop> {
    let Some(what) = not_carried(decision.question).filter(|_| decision.scope == Scope::FirstPacket) else { return Ok(()) };
    decision.observer.step(|| Step {
        access: Some(Access::Deny),
        note: Some(format!("virtual networks do not carry {what}")),
        ..Step::new(Stage::Classification)
    });
    Err(Stop::silent(Reason::Unsupported))
}

fn not_carried(question: &Question) -> Option<Cow<'static, str>> {
    let group = match question.destination {
        IpAddr::V4(address) => address.is_multicast() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_multicast(),
    };
    if group {
        return Some("multicast and broadcast".into());
    }
    match question.protocol {
        protocol::TCP | protocol::ICMP | protocol::ICMPV6 | protocol::ESP | protocol::AH => None,
        protocol::UDP => datagram(question).map(Cow::Borrowed),
        4 => Some("IP in IP".into()),
        47 => Some("GRE".into()),
        other => Some(format!("IP protocol {other}").into()),
    }
}

/// What hosts of subnets may not send by UDP. DHCP with the platform is how they get their addresses.
fn datagram(question: &Question) -> Option<&'static str> {
    if !matches!(question.sender, Sender::Subnet { .. }) || question.destination == PLATFORM_ADDRESS {
        return None;
    }
    if (question.source_port, question.destination_port) == DHCP {
        return Some("unicast DHCP");
    }
    (question.source_port == HOST_PORT).then_some("UDP from port 65330, which the platform keeps")
}
