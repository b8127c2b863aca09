//! One packet within a frame, the frame's own or a quoted one, and the changes to its fields.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Tuple;
use crate::packet::parse::{Addresses, Quoted};
use crate::packet::{Frame, Layout};
use crate::wire::checksum::Delta;
use crate::wire::{array_at_mut, icmp, icmpv6, ipv4, ipv6, protocol, set_u16_at, tcp, u16_at, udp};

/// Where a packet's headers are, and how its transport checksum stands.
pub(super) struct Place {
    network: usize,
    transport: usize,
    end: usize,
    protocol: u8,
    is_v4: bool,
    /// The checksum field holds only the pseudo-header sum.
    is_partial: bool,
}

/// What new addresses change.
#[derive(Default)]
pub(super) struct Change {
    /// In the pseudo-header.
    pub(super) pseudo_header: Delta,
    /// In the IP header, its checksum included.
    pub(super) all: Delta,
}

impl Place {
    /// The frame's own packet.
    #[inline]
    pub(super) fn outer(frame: &Frame, layout: &Layout) -> Self {
        let offload = &frame.offload;
        let field = checksum_offset(layout.protocol);
        let starts_here = usize::from(offload.checksum_start) == layout.transport;
        Self {
            network: layout.network,
            transport: layout.transport,
            end: layout.end,
            protocol: layout.protocol,
            is_v4: matches!(layout.addresses, Addresses::V4 { .. }),
            is_partial: offload.needs_checksum && starts_here && field == Some(usize::from(offload.checksum_offset)),
        }
    }

    /// A quoted packet; the quote goes on until `end` at most.
    pub(super) const fn quoted(quoted: &Quoted, end: usize) -> Self {
        Self {
            network: quoted.network,
            transport: quoted.transport,
            end,
            protocol: quoted.protocol,
            is_v4: matches!(quoted.addresses, Addresses::V4 { .. }),
            is_partial: false,
        }
    }

    /// Sets the addresses, and the checksum of an IPv4 header. `None`, and nothing set, where they are of another family
    /// or the header is not there.
    #[inline]
    pub(super) fn set_addresses(&self, bytes: &mut [u8], to: Addresses) -> Option<Change> {
        match to {
            Addresses::V4 { source, destination } if self.is_v4 => self.set_v4(bytes, source, destination),
            Addresses::V6 { source, destination } if !self.is_v4 => self.set_v6(bytes, source, destination),
            _ => None,
        }
    }

    #[inline]
    fn set_v4(&self, bytes: &mut [u8], source: Ipv4Addr, destination: Ipv4Addr) -> Option<Change> {
        let header = array_at_mut::<{ ipv4::LENGTH }>(bytes, self.network)?;
        let [.., c0, c1, s0, s1, s2, s3, d0, d1, d2, d3] = header;
        if [*s0, *s1, *s2, *s3] == source.octets() && [*d0, *d1, *d2, *d3] == destination.octets() {
            return Some(Change::default());
        }
        let mut delta = Delta::default();
        delta.replace_u32(u32::from_be_bytes([*s0, *s1, *s2, *s3]), source.to_bits());
        delta.replace_u32(u32::from_be_bytes([*d0, *d1, *d2, *d3]), destination.to_bits());
        [*s0, *s1, *s2, *s3] = source.octets();
        [*d0, *d1, *d2, *d3] = destination.octets();
        let old = u16::from_be_bytes([*c0, *c1]);
        let new = delta.update(old);
        [*c0, *c1] = new.to_be_bytes();
        let mut all = delta;
        all.replace_u16(old, new);
        Some(Change { pseudo_header: delta, all })
    }

    #[inline]
    fn set_v6(&self, bytes: &mut [u8], source: Ipv6Addr, destination: Ipv6Addr) -> Option<Change> {
        let addresses = array_at_mut::<32>(bytes, self.network + ipv6::ADDRESSES)?;
        let mut new = [0; 32];
        let (new_source, new_destination) = new.split_at_mut(16);
        new_source.copy_from_slice(&source.octets());
        new_destination.copy_from_slice(&destination.octets());
        if *addresses == new {
            return Some(Change::default());
        }
        let mut delta = Delta::default();
        delta.replace_slice(addresses, &new);
        *addresses = new;
        Some(Change { pseudo_header: delta, all: delta })
    }

    /// Sets the ports, or the identifier of an echo, and says what that changed.
    #[inline]
    pub(super) fn set_ports(&self, bytes: &mut [u8], to: &Tuple) -> Delta {
        let mut delta = Delta::default();
        match self.protocol {
            protocol::TCP | protocol::UDP => {
                if let Some(ports) = array_at_mut::<4>(bytes, self.transport) {
                    let [s0, s1] = to.source_port.to_be_bytes();
                    let [d0, d1] = to.destination_port.to_be_bytes();
                    if *ports != [s0, s1, d0, d1] {
                        delta.replace_u32(u32::from_be_bytes(*ports), u32::from_be_bytes([s0, s1, d0, d1]));
                        *ports = [s0, s1, d0, d1];
                    }
                }
            }
            protocol::ICMP | protocol::ICMPV6 => self.set_identifier(bytes, to, &mut delta),
            _ => {}
        }
        delta
    }

    fn set_identifier(&self, bytes: &mut [u8], to: &Tuple, delta: &mut Delta) {
        let identifier = match (self.is_v4, bytes.get(self.transport)) {
            (true, Some(&icmp::kind::ECHO_REQUEST)) | (false, Some(&icmpv6::kind::ECHO_REQUEST)) => to.source_port,
            (true, Some(&icmp::kind::ECHO_REPLY)) | (false, Some(&icmpv6::kind::ECHO_REPLY)) => to.destination_port,
            _ => return,
        };
        let at = self.transport + icmp::IDENTIFIER;
        if let Some(old) = u16_at(bytes, at).filter(|old| *old != identifier) {
            set_u16_at(bytes, at, identifier);
            delta.replace_u16(old, identifier);
        }
    }

    /// Brings the transport checksum along, where the packet has one and it was quoted, and says what that changed.
    #[inline]
    pub(super) fn update_checksum(&self, bytes: &mut [u8], pseudo_header: Delta, covered: Delta) -> Delta {
        let mut change = Delta::default();
        if pseudo_header.is_none() && covered.is_none() {
            return change;
        }
        let Some(offset) = checksum_offset(self.protocol) else { return change };
        let at = self.transport + offset;
        if at + 2 > self.end {
            return change;
        }
        let Some(old) = u16_at(bytes, at) else { return change };
        let new = self.updated(old, pseudo_header, covered);
        set_u16_at(bytes, at, new);
        change.replace_u16(old, new);
        change
    }

    #[inline]
    fn updated(&self, old: u16, pseudo_header: Delta, covered: Delta) -> u16 {
        if self.is_partial {
            return pseudo_header.update_sum(old);
        }
        let mut delta = covered;
        if self.protocol != protocol::ICMP {
            delta.join(pseudo_header);
        }
        if self.protocol == protocol::UDP { delta.update_udp(old) } else { delta.update(old) }
    }
}

/// Where a transport header holds its checksum, if it has one.
#[inline]
pub(super) const fn checksum_offset(carried: u8) -> Option<usize> {
    match carried {
        protocol::TCP => Some(tcp::CHECKSUM),
        protocol::UDP => Some(udp::CHECKSUM),
        protocol::ICMP | protocol::ICMPV6 => Some(icmp::CHECKSUM),
        _ => None,
    }
}
