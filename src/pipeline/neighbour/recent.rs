//! The neighbours of the last packets: a small cache in front of those known, for one compare instead of a hash lookup.

use super::Neighbour;

/// Places. A power of two; 32 bytes each, so that the cache stays within a core's own.
const PLACES: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct Place {
    neighbour: Neighbour,
    mac: [u8; 6],
}

/// A place per group of neighbours. Nothing stays longer than a second, so that what is in use is marked as such where it
/// is kept.
#[derive(Debug)]
pub(super) struct Recent {
    places: Box<[Option<Place>]>,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { places: vec![None; PLACES].into_boxed_slice() }
    }

    #[inline(always)]
    pub(super) fn lookup(&self, neighbour: &Neighbour) -> Option<[u8; 6]> {
        let place = self.places.get(place_of(neighbour))?.as_ref()?;
        (place.neighbour == *neighbour).then_some(place.mac)
    }

    pub(super) fn keep(&mut self, neighbour: Neighbour, mac: [u8; 6]) {
        if let Some(place) = self.places.get_mut(place_of(&neighbour)) {
            *place = Some(Place { neighbour, mac });
        }
    }

    /// Something else was learnt of a neighbour.
    pub(super) fn forget(&mut self, neighbour: &Neighbour) {
        if let Some(place) = self.places.get_mut(place_of(neighbour)) {
            place.take_if(|place| place.neighbour == *neighbour);
        }
    }

    pub(super) fn forget_all(&mut self) {
        self.places.fill(None);
    }
}

/// Neighbours of one subnet have places of their own. Who chooses addresses to meet in one place makes lookups as slow as
/// they are without this.
#[inline]
fn place_of(neighbour: &Neighbour) -> usize {
    let folded = (neighbour.bits >> 64) as u64 ^ neighbour.bits as u64 ^ u64::from(neighbour.port.0) << 5;
    (folded ^ folded >> 32) as usize % PLACES
}
