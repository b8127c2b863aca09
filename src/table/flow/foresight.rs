//! Where the replies to a first packet will be looked up: a guess, so that their bucket is asked for with the batch, long
//! before the flow is entered.

use std::net::IpAddr;

use super::{Address, FlowKey};

/// Destinations that are remembered.
const PLACES: usize = 64;

/// A flow's keys: original, reply.
type Keys<A> = (FlowKey<A>, FlowKey<A>);

/// The keys of the last flows, by where they went. Replies to the next flow there will look as those did, but for what is
/// the flow's own. A wrong guess costs a cache line asked for in vain, nothing else.
#[derive(Debug)]
pub(super) struct Foresight<A> {
    last: Box<[Option<Keys<A>>]>,
}

impl<A: Address> Foresight<A> {
    /// Nothing seen yet.
    pub(super) fn new() -> Self {
        Self { last: vec![None; PLACES].into_boxed_slice() }
    }

    /// A flow was entered.
    #[inline]
    pub(super) fn note(&mut self, original: FlowKey<A>, reply: FlowKey<A>) {
        if let Some(last) = self.last.get_mut(place(original.destination.into())) {
            *last = Some((original, reply));
        }
    }

    /// How replies to a packet with this key will probably look, where its source port is kept.
    #[inline]
    pub(super) fn reply(&self, key: &FlowKey<A>) -> Option<FlowKey<A>> {
        let (original, reply) = self.last.get(place(key.destination.into()))?.as_ref()?;
        let keeps_source = reply.destination == original.source;
        Some(FlowKey {
            source: reply.source,
            destination: if keeps_source { key.source } else { reply.destination },
            source_port: key.destination_port,
            destination_port: key.source_port,
            zone: reply.zone,
            protocol: key.protocol,
        })
    }
}

/// Scatters destinations; that others share a place does no harm.
#[inline]
fn place(destination: IpAddr) -> usize {
    let number = match destination {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => address
            .segments()
            .chunks(4)
            .fold(0, |number, half| number ^ half.iter().fold(0, |number, part| number << 16 | u64::from(*part))),
    };
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::packet::Zone;

    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 4);

    fn key(source: Ipv4Addr, source_port: u16) -> FlowKey<Ipv4Addr> {
        FlowKey { source, destination: SERVER, source_port, destination_port: 443, zone: Zone(1), protocol: 6 }
    }

    fn reply(shown: Ipv4Addr, port: u16) -> FlowKey<Ipv4Addr> {
        FlowKey { source: SERVER, destination: shown, source_port: 443, destination_port: port, zone: Zone(7), protocol: 6 }
    }

    #[test]
    fn the_next_flow_is_answered_as_the_last_one_was() {
        let (one, other) = (Ipv4Addr::new(10, 1, 0, 4), Ipv4Addr::new(10, 1, 0, 5));
        let mut foresight = Foresight::new();
        assert_eq!(foresight.reply(&key(one, 1)), None);
        foresight.note(key(one, 1), reply(one, 1));
        assert_eq!(foresight.reply(&key(other, 2)), Some(reply(other, 2)));
    }

    #[test]
    fn an_address_that_is_shown_for_others_is_shown_again() {
        let public = Ipv4Addr::new(20, 0, 0, 9);
        let mut foresight = Foresight::new();
        foresight.note(key(Ipv4Addr::new(10, 1, 0, 4), 1), reply(public, 1));
        assert_eq!(foresight.reply(&key(Ipv4Addr::new(10, 1, 0, 5), 2)), Some(reply(public, 2)));
    }
}
