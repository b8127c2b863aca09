//! Batches whose packets change the table, beside the same packets one after the other.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::model::{Numbered, key, scan_all, seeds};
use super::*;

/// What a packet may do to the table between two looks of its batch.
fn disturb<A: Numbered>(table: &mut FlowTable<A, u64>, number: u32, act: u8, found: Option<(FlowId, FlowDirection)>) {
    match (act % 4, found) {
        (0, Some((id, _))) => assert!(table.remove(id).is_some()),
        (1, Some((id, _))) => table.set_deadline(id, 50 + u32::from(act)),
        (2, Some((id, _))) => *table.get_mut(id).unwrap() += 1,
        (0 | 1, None) => {
            let _ = table.insert(key(number), key((number + u32::from(act)) % 80), u64::from(act), 20);
        }
        _ => {}
    }
}

/// Looks keys up as packets are looked up that come together. `visit` gets each key's place and flow, in order, and may
/// change the table.
pub(super) fn in_batches<A: Numbered>(
    table: &mut FlowTable<A, u64>,
    keys: &[FlowKey<A>],
    mut visit: impl FnMut(&mut FlowTable<A, u64>, usize, Option<(FlowId, FlowDirection)>),
) {
    for (number, keys) in keys.chunks(STAGE).enumerate() {
        let mut trails: Vec<Trail<A>> = keys.iter().map(|key| table.seek(key)).collect();
        let there = trails.iter_mut().filter_map(|trail| table.approach(trail).then_some(())).count();
        if there < trails.len() {
            trails.iter_mut().for_each(|trail| table.approach_again(trail));
        }
        for (place, (trail, key)) in (number * STAGE..).zip(trails.iter().zip(keys)) {
            assert_eq!(trail.key(), *key);
            let found = table.find(trail);
            check_hit(table, trail, found);
            visit(table, place, found);
        }
    }
}

/// A hit is the flow that was found; there may be none though a flow was found, never one though none was.
fn check_hit<A: Numbered>(table: &mut FlowTable<A, u64>, trail: &Trail<A>, found: Option<(FlowId, FlowDirection)>) {
    let seen = table.hit(trail).map(|hit| (hit.direction, *hit.value(), hit.other_key()));
    if let Some((direction, value, other)) = seen {
        let (id, way) = found.unwrap();
        assert_eq!((direction, Some(&value), Some(other)), (way, table.get(id), table.key(id, way.opposite())));
    }
}

fn changing_batch<A: Numbered>(capacity: usize, seed: [u64; 2], before: &[(u32, u32)], looks: &[(u32, u8)]) {
    let [mut together, mut alone] = [(); 2].map(|()| {
        let mut table = FlowTable::<A, u64>::new(capacity, seed);
        for &(original, reply) in before {
            let _ = table.insert(key(original), key(reply), 0, 10);
        }
        table
    });
    let mut found_together = Vec::new();
    let keys: Vec<FlowKey<A>> = looks.iter().map(|look| key(look.0)).collect();
    in_batches(&mut together, &keys, |table, place, found| {
        disturb(table, looks[place].0, looks[place].1, found);
        found_together.push(found);
    });
    for (&(number, act), together) in looks.iter().zip(found_together) {
        let found = alone.lookup(&key(number));
        assert_eq!(together, found);
        disturb(&mut alone, number, act, found);
    }
    let content = |table: &FlowTable<A, u64>| -> Vec<_> {
        let ids = scan_all(table, 7).into_iter();
        ids.map(|id| (id, table.keys(id), table.deadline(id), table.get(id).copied())).collect()
    };
    assert_eq!(content(&together), content(&alone));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_batch_that_changes_the_table_is_one_after_the_other(
        capacity in 1..70_usize, seed in seeds(), before in prop::collection::vec((0..80_u32, 0..80_u32), 0..80),
        looks in prop::collection::vec((0..80_u32, any::<u8>()), 0..100),
    ) {
        changing_batch::<Ipv4Addr>(capacity, seed, &before, &looks);
        changing_batch::<Ipv6Addr>(capacity, seed, &before, &looks);
    }
}

#[test]
fn a_hit_is_the_flow_itself() {
    let mut table = FlowTable::<Ipv4Addr, u64>::new(4, [1, 2]);
    let id = table.insert(key(1), key(2), 7, 10).unwrap();
    for (number, direction, other) in [(1, FlowDirection::Original, 2), (2, FlowDirection::Reply, 1)] {
        let mut trail = table.seek(&key(number));
        table.approach(&mut trail);
        let mut hit = table.hit(&trail).unwrap();
        assert_eq!((hit.direction, hit.other_key()), (direction, key(other)));
        *hit.value_mut() += u64::from(number);
        hit.refresh(20 + number);
    }
    assert_eq!((table.get(id), table.deadline(id)), (Some(&10), Some(22)));
    let nowhere = Trail::default();
    assert!(table.hit(&nowhere).is_none() && table.find(&nowhere).is_none());
}

/// A flow goes while a batch is under way, and one whose keys are equal takes its entry.
#[test]
fn a_trail_that_is_older_than_a_flow_with_equal_keys_does_not_tell_its_direction() {
    let mut table = FlowTable::<Ipv4Addr, u64>::new(1, [1, 2]);
    let former = table.insert(key(1), key(2), 0, 10).unwrap();
    let mut trail = table.seek(&key(2));
    assert!(table.approach(&mut trail));
    assert_eq!(table.find(&trail), Some((former, FlowDirection::Reply)));
    table.remove(former);
    let id = table.insert(key(2), key(2), 7, 10).unwrap();
    assert_eq!((id, table.find(&trail)), (former, Some((id, FlowDirection::Original))));
    assert!(table.hit(&trail).is_none_or(|hit| hit.direction == FlowDirection::Original));
}
