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
    together.lookup_batch(&keys, |table, place, found| {
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
