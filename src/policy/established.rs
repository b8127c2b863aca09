//! A flow under a new configuration: what becomes of its next packet.
//!
//! It keeps the NSG and firewall verdict and the source that it was admitted with
//! (<https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview>: existing connections are not
//! affected); routes, ports and removed objects take effect. Switching a service endpoint closes the subnet's open TCP
//! connections to that service
//! (<https://learn.microsoft.com/azure/virtual-network/virtual-network-service-endpoints-overview>).

use super::decide::decide;
use super::private_endpoint;
use super::question::{Forward, Observer, Outcome, Question, Scope};
use super::route;
use super::snapshot::Snapshot;
use crate::packet::Reason;
use crate::wire::protocol::TCP;

/// What becomes of a flow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// It goes on, perhaps by another way.
    GoesOn(Forward),
    /// Its endpoint was switched: both ends are reset.
    Switched,
    /// It cannot go on as it is: its next packet is a first packet.
    Again,
    /// It ends, for this reason.
    Ends(Reason),
    /// It meets something that is not modelled, and ends.
    Undetermined,
}

/// Judges the next packet of a flow that was admitted under an earlier configuration. `over_endpoint`: it went over a
/// service endpoint; `as_recorded`: whether packets that go on this way still fit the flow's translation; `observer`
/// hears of the rules that look at it again (`flushConnection`).
pub fn fate(
    snapshot: &Snapshot,
    question: &Question,
    over_endpoint: bool,
    as_recorded: impl FnOnce(&Forward) -> bool,
    observer: &mut impl Observer,
) -> Fate {
    if question.protocol == TCP && switched(snapshot, over_endpoint, question) {
        return Fate::Switched;
    }
    match decide(snapshot, question, Scope::Established, observer) {
        Outcome::Deny(denial) => Fate::Ends(denial.reason),
        Outcome::Undetermined(_) => Fate::Undetermined,
        Outcome::Forward(forward) if as_recorded(&forward) => Fate::GoesOn(forward),
        Outcome::Forward(_) => Fate::Again,
    }
}

/// Whether an endpoint, or a private endpoint, was switched on or off under the flow. What the flow would meet on its
/// new way does not matter: a subnet that has no public address to leave with loses its endpoint all the same.
fn switched(snapshot: &Snapshot, over_endpoint: bool, question: &Question) -> bool {
    let private = route::takes_endpoint(snapshot, question) || private_endpoint::reached(snapshot, question).is_some();
    over_endpoint != private
}
