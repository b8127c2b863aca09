//! Fragmentation (RFC 791 3.2), for packets that are larger than the way out takes.

use std::ops::Range;

use etherparse::{IpFragOffset, Ipv4Header, Ipv4Options};

use crate::packet::{Frame, FramePool, Gso, Layout};
use crate::wire::ipv6::{self, FragmentHeader};
use crate::wire::set_u16_at;

/// Fragment offsets count in units of so many bytes.
const UNIT: usize = 8;
/// The bit of an option's type that says: into every fragment.
const COPIED: u8 = 0x80;
const END_OF_OPTIONS: u8 = 0;
const NO_OPERATION: u8 = 1;

/// Appends to `out` the pieces of the IPv4 packet in `frame`, each at most `mtu` bytes of IP, in order. A packet that is
/// a fragment itself is cut further. Its transport checksum must be complete: later pieces do not hold it.
///
/// False, and `out` as it was, for what may not or cannot be cut: "don't fragment", IPv6, super-frames, an incomplete
/// checksum, an `mtu` that leaves no room for 8 bytes behind the header, or a header that contradicts itself.
pub fn fragment_ipv4(frame: &Frame, layout: &Layout, mtu: usize, pool: &mut FramePool, out: &mut Vec<Frame>) -> bool {
    let Some(packet) = frame.bytes().get(layout.network..layout.end) else { return false };
    let Some(link) = frame.bytes().get(..layout.network) else { return false };
    let Ok((header, payload)) = Ipv4Header::from_slice(packet) else { return false };
    if header.dont_fragment || frame.offload.gso != Gso::None || frame.offload.needs_checksum {
        return false;
    }
    let Some(pieces) = cut(&header, payload.len(), mtu) else { return false };
    let first = out.len();
    for piece in pieces {
        let Some(bytes) = payload.get(piece.clone()) else { continue };
        let Some(header) = piece_header(&header, &piece, payload.len()) else {
            out.drain(first..).for_each(|frame| pool.give(frame));
            return false;
        };
        let mut fragment = pool.take();
        assemble(&mut fragment, &[link, &header.to_bytes(), bytes]);
        out.push(fragment);
    }
    true
}

/// The same for an IPv6 packet that was made of an IPv4 one and has a fragment header for this purpose, behind the fixed
/// header and in front of everything else (RFC 8200 4.5).
pub fn fragment_ipv6(frame: &Frame, layout: &Layout, mtu: usize, pool: &mut FramePool, out: &mut Vec<Frame>) -> bool {
    const HEADERS: usize = ipv6::LENGTH + ipv6::FRAGMENT_LENGTH;
    let Some(packet) = frame.bytes().get(layout.network..layout.end) else { return false };
    let Some((headers, payload)) = packet.split_at_checked(HEADERS) else { return false };
    let whole = ipv6::walk(ipv6::FRAGMENT, &headers[ipv6::LENGTH..]).and_then(|chain| Some((chain.protocol, chain.fragment?)));
    let (Some(link), Some((carried, whole))) = (frame.bytes().get(..layout.network), whole) else { return false };
    let step = mtu.saturating_sub(HEADERS) / UNIT * UNIT;
    let is_ready = frame.offload.gso == Gso::None && !frame.offload.needs_checksum && headers.get(6) == Some(&ipv6::FRAGMENT);
    if step == 0 || !is_ready {
        return false;
    }
    for (index, bytes) in payload.chunks(step).enumerate() {
        let last = (index + 1) * step >= payload.len();
        let own = FragmentHeader { offset: whole.offset + index * step, more: whole.more || !last, ..whole };
        let length = u16::try_from(ipv6::FRAGMENT_LENGTH + bytes.len()).unwrap_or(u16::MAX);
        let mut fixed = headers[..ipv6::LENGTH].to_vec();
        set_u16_at(&mut fixed, ipv6::PAYLOAD_LENGTH, length);
        let mut fragment = pool.take();
        assemble(&mut fragment, &[link, &fixed, &own.to_bytes(carried), bytes]);
        out.push(fragment);
    }
    true
}

/// Where the payload is cut: pieces of whole units but for the last, all with room for the longest header, so that
/// options that stay behind in the first piece only make later ones shorter than they could be. `None` where no unit fits.
fn cut(header: &Ipv4Header, length: usize, mtu: usize) -> Option<impl Iterator<Item = Range<usize>> + use<>> {
    let room = mtu.checked_sub(header.header_len())?;
    let step = if length <= room { length.max(1) } else { room / UNIT * UNIT };
    (step > 0).then(|| (0..length.max(1)).step_by(step).map(move |start| start..(start + step).min(length)))
}

/// The header of one piece. `None` where the offset is beyond what the field holds.
fn piece_header(whole: &Ipv4Header, piece: &Range<usize>, length: usize) -> Option<Ipv4Header> {
    let units = u16::try_from(piece.start / UNIT).ok()?;
    let mut header = whole.clone();
    header.fragment_offset = IpFragOffset::try_new(whole.fragment_offset.value().checked_add(units)?).ok()?;
    header.more_fragments = whole.more_fragments || piece.end < length;
    if piece.start > 0 {
        header.options = copied_options(&whole.options);
    }
    header.set_payload_len(piece.len()).ok()?;
    header.header_checksum = header.calc_header_checksum();
    Some(header)
}

/// The options that go into later pieces too, filled up to whole words by [`END_OF_OPTIONS`].
fn copied_options(options: &[u8]) -> Ipv4Options {
    let mut kept = [END_OF_OPTIONS; Ipv4Options::MAX_LEN as usize];
    let mut used = 0;
    let mut rest = options;
    while let Some((&kind, behind)) = rest.split_first() {
        let length = match kind {
            END_OF_OPTIONS => break,
            NO_OPERATION => 1,
            _ => usize::from(behind.first().copied().unwrap_or(0)),
        };
        // An option that is cut short, or claims less than its own two bytes, ends the list.
        let Some((option, next)) = rest.split_at_checked(length).filter(|_| length > 0) else { break };
        if kind & COPIED != 0
            && let Some(place) = kept.get_mut(used..used + length)
        {
            place.copy_from_slice(option);
            used += length;
        }
        rest = next;
    }
    let words = used.next_multiple_of(4).min(kept.len());
    Ipv4Options::try_from(&kept[..words]).unwrap_or_default()
}

/// Makes `fragment` the parts, one behind the other.
fn assemble(fragment: &mut Frame, parts: &[&[u8]]) {
    fragment.clear();
    fragment.set_length(parts.iter().map(|part| part.len()).sum());
    let mut place = fragment.bytes_mut();
    for part in parts {
        let Some((here, behind)) = place.split_at_mut_checked(part.len()) else { return };
        here.copy_from_slice(part);
        place = behind;
    }
}

#[cfg(test)]
#[path = "fragment_tests.rs"]
mod tests;
