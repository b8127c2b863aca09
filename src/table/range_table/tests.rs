use super::*;
use proptest::prelude::*;

/// The plain way.
fn plain(starts: &[(u32, u32)], address: u32) -> u32 {
    starts.iter().rev().find(|(start, _)| *start <= address).map_or(0, |(_, value)| *value)
}

fn check(starts: &[(u32, u32)]) {
    let table = RangeTable::from_starts(starts);
    let around = |start: &(u32, u32)| [start.0.wrapping_sub(1), start.0, start.0.wrapping_add(1)];
    let addresses: Vec<u32> = starts.iter().flat_map(around).chain([0, 1, 0xffff, 0x1_0000, u32::MAX - 1, u32::MAX]).collect();
    let mut values = vec![u32::MAX; addresses.len()];
    table.get_all(&addresses, &mut values);
    for (address, value) in addresses.iter().zip(values) {
        // Tables are large here: the plain way starts close by.
        let near = starts.partition_point(|(start, _)| start <= address);
        assert_eq!(table.get(*address), plain(&starts[near.saturating_sub(4)..near], *address), "{address:#x} of {}", starts.len());
        assert_eq!(value, table.get(*address), "{address:#x} in a batch");
    }
}

proptest! {
    #[test]
    fn a_small_table_answers_like_the_plain_way(mut starts in prop::collection::vec((0u32..64, 0u32..9), 0..40)) {
        starts.sort_by_key(|(start, _)| *start);
        let table = RangeTable::from_starts(&starts);
        for address in (0..70).chain([u32::MAX]) {
            prop_assert_eq!(table.get(address), plain(&starts, address), "{}", address);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_rooted_table_answers_like_the_plain_way(
        dense in prop::collection::vec(0u32..0x4_0000, 4000..4300), wide in prop::collection::vec(any::<u32>(), 0..900), ends: bool,
    ) {
        let mut starts: Vec<u32> = dense.into_iter().map(|start| start + 0x0a01_fff0).chain(wide).collect();
        starts.extend(ends.then_some([0, u32::MAX]).into_iter().flatten());
        starts.sort_unstable();
        starts.dedup();
        check(&starts.into_iter().zip(5..).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn clustered_addresses_are_answered_like_the_plain_way(
        clusters in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u16>(), 1..400), any::<bool>()), 1..24),
    ) {
        let starts = clusters.into_iter().flat_map(|(upper, lowers, dense)| {
            lowers.into_iter().map(move |lower| u32::from(upper) << 16 | u32::from(if dense { lower % 512 } else { lower }))
        });
        let mut starts: Vec<u32> = starts.collect();
        starts.sort_unstable();
        starts.dedup();
        check(&starts.into_iter().zip(5..).collect::<Vec<_>>());
    }
}

#[test]
fn sizes_around_the_steps_of_the_search_and_the_root() {
    for count in [0, 1, 2, 15, 16, 17, 255, 256, 257, 4094, 4095, 4096, 4097, 70_000] {
        let step = u32::MAX / (count + 1);
        check(&(0..count).map(|number| (number * step, number + 1)).collect::<Vec<_>>());
        check(&(0..count).map(|number| (u32::MAX - (count - 1 - number), number + 1)).collect::<Vec<_>>());
        check(&(0..count.min(4096)).map(|number| (0x0a00_0000 + number * 128, number + 1)).collect::<Vec<_>>());
    }
}

#[test]
fn slices_of_unequal_length_are_filled_as_far_as_both_reach() {
    let table = RangeTable::from_starts(&[(0, 1), (10, 2)]);
    let mut values = [9; 3];
    table.get_all(&[0, 10], &mut values);
    assert_eq!(values, [1, 2, 9]);
    table.get_all(&[10; 20], &mut values);
    assert_eq!(values, [2, 2, 2]);
}
