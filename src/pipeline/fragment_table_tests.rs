use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn key(source: u8, id: u32) -> FragmentKey {
    let source = IpAddr::from([10, 0, 0, source]);
    FragmentKey { id, zone: Zone(1), protocol: 17, source, destination: IpAddr::from([192, 0, 2, 1]) }
}

#[test]
fn later_fragments_find_what_the_first_got_for_thirty_seconds() {
    let mut table = FragmentTable::new(64, 8);
    assert_eq!(table.get(&key(1, 7), 0), None, "nothing before the first");
    table.insert(key(1, 7), "allowed", 1_000);
    assert_eq!(table.get(&key(1, 7), 1_000), Some("allowed"));
    assert_eq!(table.get(&key(1, 7), 30_999), Some("allowed"), "the last one does not end it");
    assert_eq!(table.get(&key(1, 7), 31_000), None);
}

#[test]
fn every_part_of_the_key_counts() {
    let mut table = FragmentTable::new(64, 8);
    let good = key(1, 7);
    table.insert(good, (), 0);
    let others = [
        FragmentKey { id: 8, ..good },
        FragmentKey { zone: Zone(2), ..good },
        FragmentKey { protocol: 6, ..good },
        FragmentKey { source: "10.0.0.2".parse().unwrap(), ..good },
        FragmentKey { destination: "192.0.2.2".parse().unwrap(), ..good },
    ];
    assert!(others.iter().all(|other| table.get(other, 0).is_none()));
    assert!(table.get(&good, 0).is_some());
}

#[test]
fn an_identification_used_again_takes_the_new_value_and_time() {
    let mut table = FragmentTable::new(64, 8);
    table.insert(key(1, 7), 'a', 0);
    table.insert(key(1, 7), 'b', 29_000);
    assert_eq!(table.len(), 1);
    assert_eq!(table.get(&key(1, 7), 58_999), Some('b'));
}

#[test]
fn a_sender_over_its_share_loses_its_own_oldest() {
    let mut table = FragmentTable::new(8, 4);
    table.insert(key(1, 0), 0, 0);
    for id in 0..1_000 {
        table.insert(key(2, id), id, u64::from(id));
    }
    assert_eq!(table.get(&key(1, 0), 1_000), Some(0), "the neighbour's stays");
    let kept: Vec<_> = (0..1_000).filter(|id| table.get(&key(2, *id), 1_000).is_some()).collect();
    assert_eq!(kept, [996, 997, 998, 999]);
}

#[test]
fn the_table_does_not_grow() {
    let mut table = FragmentTable::new(100, 4);
    let places = table.places.len();
    for id in 0..10_000 {
        table.insert(key((id % 251) as u8, id), id, u64::from(id));
    }
    assert_eq!(table.places.len(), places);
    assert!(table.len() <= places && places >= 100);
}

#[test]
fn expiry_frees_what_is_too_old_and_nothing_else() {
    let mut table = FragmentTable::new(64, 8);
    table.insert(key(1, 1), (), 0);
    table.insert(key(1, 2), (), 10_000);
    table.expire(30_000);
    assert_eq!((table.len(), table.get(&key(1, 2), 30_000)), (1, Some(())));
    table.expire(40_000);
    assert!(table.is_empty());
}

#[test]
fn the_smallest_table_works() {
    let mut table = FragmentTable::new(0, 0);
    table.insert(key(1, 1), (), 0);
    assert_eq!(table.get(&key(1, 1), 0), Some(()));
}

proptest! {
    /// With one set the replacement is exact: a list in order of insertion says what must be left.
    #[test]
    fn one_set_keeps_what_a_plain_list_keeps(steps in proptest::collection::vec((0_u8..3, 0_u32..6, 0_u64..4_000), 0..200)) {
        let mut table = FragmentTable::new(6, 3);
        let mut list: Vec<(FragmentKey, usize, u64)> = Vec::new();
        let mut now_ms = 0;
        for (value, (source, id, passed)) in steps.into_iter().enumerate() {
            // Distinct times: which of two equally old ones goes is not promised.
            now_ms += passed + 1;
            let key = key(source, id);
            list.retain(|(known, _, since)| now_ms - since < LIFETIME && *known != key);
            let own: Vec<_> = list.iter().enumerate().filter(|(_, (known, ..))| known.source == key.source).map(|(at, _)| at).collect();
            let was_there = table.get(&key, now_ms).is_some();
            if !was_there && own.len() >= 3 {
                list.remove(own[0]);
            } else if !was_there && list.len() >= 6 {
                list.remove(0);
            }
            list.push((key, value, now_ms));
            table.insert(key, value, now_ms);
            for source in 0..3 {
                for id in 0..6 {
                    let wanted = self::key(source, id);
                    let listed = list.iter().find(|(known, ..)| *known == wanted).map(|(_, value, _)| *value);
                    prop_assert_eq!(table.get(&wanted, now_ms), listed);
                }
            }
        }
    }

    /// Whatever is pushed out, an answer is never another packet's.
    #[test]
    fn an_answer_is_always_the_last_one_given(steps in proptest::collection::vec((any::<u8>(), 0_u32..40, 0_u64..2_000), 0..500)) {
        let mut table = FragmentTable::new(128, 4);
        let mut given = HashMap::new();
        let mut now_ms = 0;
        for (value, (source, id, passed)) in steps.into_iter().enumerate() {
            now_ms += passed;
            table.insert(key(source, id), value, now_ms);
            given.insert(key(source, id), (value, now_ms));
            prop_assert_eq!(table.get(&key(source, id), now_ms), Some(value));
            for (key, (value, since)) in &given {
                if let Some(found) = table.get(key, now_ms) {
                    prop_assert!(found == *value && now_ms - since < LIFETIME);
                }
            }
        }
    }
}
