//! What a refused client is shown: nothing, a reset, an unreachable, or the 403 page.

use std::net::IpAddr;

use super::fragments::Fate;
use super::outbox::Outbox;
use super::respond::forbidden::{self, Answer};
use super::respond::icmp_error::Error;
use super::respond::reset::reset;
use super::{Packet, Pipeline};
use crate::packet::Reason;
use crate::packet::parse::{Layout, Transport};
use crate::policy::question::{Denial, Shown};
use crate::policy::snapshot::Snapshot;
use crate::wire::tcp::{ACK, SYN};

impl Pipeline {
    /// Shows the client what the denial says, and says how the packet ends. `client` is the source that was judged.
    pub(super) fn refuse(
        &mut self,
        snapshot: &Snapshot,
        packet: &Packet,
        layout: &Layout,
        (denial, client): (Denial, IpAddr),
        outbox: &mut Outbox,
    ) -> Reason {
        self.remember_fate(packet.zone, layout, Fate::Ended(denial.reason));
        match denial.shown {
            Shown::Nothing => denial.reason,
            Shown::Reset => self.show_reset(snapshot, packet, layout, denial.reason, outbox),
            Shown::Http403 => self.show_forbidden(packet, layout, (denial.reason, client), outbox),
        }
    }

    fn show_reset(&mut self, snapshot: &Snapshot, packet: &Packet, layout: &Layout, reason: Reason, outbox: &mut Outbox) -> Reason {
        match layout.transport_header {
            Transport::Tcp(_) => {
                self.emit_from(packet, outbox, |refused, frame| reset(layout, refused.bytes(), frame));
            }
            Transport::Udp => self.send_icmp_error(snapshot, packet, layout, Error::PortUnreachable, outbox),
            _ => self.send_icmp_error(snapshot, packet, layout, Error::AdministrativelyProhibited, outbox),
        }
        reason
    }

    /// The connection that gets the page is refused with its SYN; its later packets are answered.
    fn show_forbidden(&mut self, packet: &Packet, layout: &Layout, (reason, client): (Reason, IpAddr), outbox: &mut Outbox) -> Reason {
        let secret = self.secrets.cookie;
        let mut answer = Answer::Silent;
        self.emit_from(packet, outbox, |refused, frame| {
            answer = forbidden::respond_to(client, &secret, layout, refused.bytes(), frame);
            answer == Answer::Reply
        });
        match layout.transport_header {
            Transport::Tcp(tcp) if tcp.flags & (SYN | ACK) != SYN => Reason::Answered,
            _ => reason,
        }
    }
}
