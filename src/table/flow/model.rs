//! The flow table beside its plain reference: a list of flows, searched from front to back.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::model_batches::in_batches;
use super::*;
use crate::packet::Zone;

/// A number as a key: few numbers, so that keys collide.
pub(super) trait Numbered: Address {
    fn numbered(number: u128) -> Self;
}
impl Numbered for Ipv4Addr {
    fn numbered(number: u128) -> Self {
        Self::from_bits(0x0a00_0000 + u32::try_from(number).unwrap())
    }
}
impl Numbered for Ipv6Addr {
    fn numbered(number: u128) -> Self {
        Self::from_bits((0xfd00 << 112) + (number << 60))
    }
}

pub(super) fn key<A: Numbered>(number: u32) -> FlowKey<A> {
    FlowKey {
        source: A::numbered(u128::from(number / 4)),
        destination: A::numbered(9),
        source_port: 1_000 + u16::try_from(number % 2).unwrap(),
        destination_port: 443,
        zone: Zone(u16::try_from(number / 2 % 2).unwrap()),
        protocol: 6,
    }
}

#[derive(Clone, Debug)]
struct ModelFlow {
    id: FlowId,
    keys: [u32; 2],
    deadline: u32,
    value: u64,
}

#[derive(Clone, Debug)]
enum Act {
    Insert { original: u32, reply: u32, lasts: u32 },
    Remove { pick: usize },
    SetLater { pick: usize, by: u32 },
    Hasten { pick: usize, lasts: u32 },
    Expire { after: u32 },
}

fn acts(keys: u32) -> impl Strategy<Value = Vec<Act>> {
    let pick = any::<prop::sample::Index>().prop_map(|index| index.index(1 << 20));
    let lasts = prop_oneof![0..4_u32, 0..200_u32, Just(5_000), Just(20_000)];
    let act = prop_oneof![
        6 => (0..keys, 0..keys, lasts.clone()).prop_map(|(original, reply, lasts)| Act::Insert { original, reply, lasts }),
        2 => pick.clone().prop_map(|pick| Act::Remove { pick }),
        2 => (pick.clone(), lasts.clone()).prop_map(|(pick, by)| Act::SetLater { pick, by }),
        1 => (pick, lasts.clone()).prop_map(|(pick, lasts)| Act::Hasten { pick, lasts }),
        2 => lasts.prop_map(|after| Act::Expire { after }),
    ];
    prop::collection::vec(act, 0..120)
}

struct Pair<A: Address, V> {
    table: FlowTable<A, V>,
    flows: Vec<ModelFlow>,
    keys: u32,
    now: u32,
    next_value: u64,
}

impl<A: Numbered> Pair<A, u64> {
    fn new(capacity: usize, keys: u32, seed: [u64; 2]) -> Self {
        Self { table: FlowTable::new(capacity, seed), flows: Vec::new(), keys, now: 0, next_value: 0 }
    }

    fn pick(&mut self, pick: usize) -> Option<&mut ModelFlow> {
        let count = self.flows.len();
        (count > 0).then(|| &mut self.flows[pick % count])
    }

    fn owner(&self, number: u32) -> Option<(FlowId, FlowDirection)> {
        self.flows.iter().find_map(|flow| match flow.keys {
            [original, _] if original == number => Some((flow.id, FlowDirection::Original)),
            [_, reply] if reply == number => Some((flow.id, FlowDirection::Reply)),
            _ => None,
        })
    }

    fn insert(&mut self, original: u32, reply: u32, deadline: u32) {
        let expected = if self.owner(original).is_some() {
            Some(InsertError::OriginalTaken)
        } else if self.owner(reply).is_some() {
            Some(InsertError::ReplyTaken)
        } else {
            (self.flows.len() == self.table.capacity()).then_some(InsertError::Full)
        };
        let value = self.next_value;
        self.next_value += 1;
        match self.table.insert(key(original), key(reply), value, deadline) {
            Ok(id) => {
                assert_eq!(expected, None);
                assert!(self.flows.iter().all(|flow| flow.id != id));
                self.flows.push(ModelFlow { id, keys: [original, reply], deadline, value });
            }
            Err(error) => assert_eq!(Some(error), expected),
        }
    }

    fn run(&mut self, act: &Act) {
        let now = self.now;
        match *act {
            Act::Insert { original, reply, lasts } => self.insert(original, reply, now + lasts),
            Act::Remove { pick } => {
                if let Some(flow) = self.pick(pick).cloned() {
                    self.flows.retain(|other| other.id != flow.id);
                    assert_eq!(self.table.remove(flow.id), Some(flow.value));
                    assert_eq!(self.table.remove(flow.id), None);
                }
            }
            Act::SetLater { pick, by } => {
                if let Some(flow) = self.pick(pick) {
                    flow.deadline += by;
                    let (id, deadline) = (flow.id, flow.deadline);
                    self.table.set_deadline(id, deadline);
                }
            }
            Act::Hasten { pick, lasts } => {
                if let Some(flow) = self.pick(pick) {
                    flow.deadline = now + lasts;
                    let id = flow.id;
                    self.table.hasten(id, now + lasts);
                }
            }
            Act::Expire { after } => self.expire(after),
        }
    }

    /// Time passes; in small bites, all that is due must come, exactly that, and with what was kept for it.
    fn expire(&mut self, after: u32) {
        self.now += after;
        let now = self.now;
        let mut gone = BTreeSet::new();
        for _ in 0..20 + 3 * self.flows.len() {
            let mut bite = 0;
            let count = self.table.expire(now, 3, |id, original, reply, value| {
                bite += 1;
                let flow = self.flows.iter().find(|flow| flow.id == id && flow.value == value).unwrap();
                assert_eq!((original, reply), (&key(flow.keys[0]), &key(flow.keys[1])));
                assert!(gone.insert(id));
            });
            assert_eq!(count, bite);
            assert!(count <= 3);
        }
        let due: BTreeSet<FlowId> = self.flows.iter().filter(|flow| flow.deadline <= now).map(|flow| flow.id).collect();
        assert_eq!(gone, due);
        self.flows.retain(|flow| flow.deadline > now);
    }

    fn compare(&mut self) {
        assert_eq!(self.table.len(), self.flows.len());
        assert_eq!(self.table.is_empty(), self.flows.is_empty());
        let keys: Vec<FlowKey<A>> = (0..self.keys).map(key).collect();
        let mut batch = Vec::new();
        in_batches(&mut self.table, &keys, |_, place, found| {
            assert_eq!(place, batch.len());
            batch.push(found);
        });
        for (number, (key, batched)) in (0..).zip(keys.iter().zip(batch)) {
            let expected = self.owner(number);
            assert_eq!(self.table.lookup(key), expected);
            assert_eq!(self.table.contains(key), expected.is_some());
            assert_eq!(batched, expected);
        }
        for flow in &self.flows {
            assert_eq!(self.table.get(flow.id), Some(&flow.value));
            assert_eq!(self.table.keys(flow.id), Some((key(flow.keys[0]), key(flow.keys[1]))));
            assert_eq!(self.table.key(flow.id, FlowDirection::Reply), Some(key(flow.keys[1])));
            assert_eq!(self.table.deadline(flow.id), Some(flow.deadline));
        }
        let ids: BTreeSet<FlowId> = self.flows.iter().map(|flow| flow.id).collect();
        assert_eq!(scan_all(&self.table, 5), ids.into_iter().collect::<Vec<_>>());
    }
}

pub(super) fn scan_all<A: Address, V: Copy>(table: &FlowTable<A, V>, budget: usize) -> Vec<FlowId> {
    let mut met = Vec::new();
    let mut from = Some(0);
    while let Some(number) = from {
        let (next, flows) = table.scan(number, budget);
        met.extend(flows);
        from = next;
    }
    met
}

fn check<A: Numbered>(capacity: usize, keys: u32, seed: [u64; 2], acts: &[Act]) {
    let mut pair = Pair::<A, u64>::new(capacity, keys, seed);
    for act in acts {
        pair.run(act);
        pair.compare();
    }
}

/// Seeds, and the worst that a broken random source can give.
pub(super) fn seeds() -> impl Strategy<Value = [u64; 2]> {
    prop_oneof![3 => any::<[u64; 2]>(), 1 => Just([0, 0]), 1 => Just([u64::MAX, u64::MAX])]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn small_tables_of_both_families_are_the_reference(capacity in 0..6_usize, seed in seeds(), acts in acts(12)) {
        check::<Ipv4Addr>(capacity, 12, seed, &acts);
        check::<Ipv6Addr>(capacity, 12, seed, &acts);
    }

    #[test]
    fn a_table_of_several_buckets_is_the_reference(seed in seeds(), acts in acts(160)) {
        check::<Ipv4Addr>(40, 160, seed, &acts);
    }
}

fn wide(number: u32, port: u16) -> FlowKey<Ipv4Addr> {
    let source = Ipv4Addr::from_bits(number);
    FlowKey { source, destination: Ipv4Addr::LOCALHOST, source_port: port, destination_port: 80, zone: Zone(1), protocol: 17 }
}

/// Fills a table to its last entry, several times over with different seeds: no insert may fail before.
#[test]
fn full_means_full() {
    for (capacity, seed) in
        [1_u32, 2, 3, 4, 5, 7, 12, 20, 33, 64, 100, 1_000].into_iter().flat_map(|size| (0..20).map(move |seed| (size, seed)))
    {
        fill(capacity, [seed, !seed]);
    }
    fill(100_000, [3, 4]);
}

fn fill(capacity: u32, seed: [u64; 2]) {
    let mut table = FlowTable::new(capacity as usize, seed);
    let memory = table.memory();
    for number in 0..capacity {
        assert_eq!(table.insert(wide(number, 1), wide(number, 2), number, 10), Ok(FlowId(number)), "{number} of {capacity}");
    }
    assert_eq!(table.insert(wide(capacity, 1), wide(capacity, 2), 0, 10), Err(InsertError::Full));
    for number in 0..capacity {
        assert_eq!(table.lookup(&wide(number, 1)), Some((FlowId(number), FlowDirection::Original)));
        assert_eq!(table.lookup(&wide(number, 2)), Some((FlowId(number), FlowDirection::Reply)));
        assert_eq!(table.lookup(&wide(number, 3)), None);
    }
    assert_eq!(table.memory(), memory);
    assert_eq!(table.expire(10, usize::MAX, |_, _, _, _| ()), capacity as usize);
    assert!(table.is_empty());
}

/// Long after its first fill a table at the brim still takes a flow for each that goes.
#[test]
fn churn_at_full_load_never_fails() {
    const CAPACITY: u32 = 1_000;
    let mut table = FlowTable::new(CAPACITY as usize, [5, 6]);
    for number in 0..20 * CAPACITY {
        if number >= CAPACITY {
            let (id, _) = table.lookup(&wide(number - CAPACITY, 1)).unwrap();
            assert_eq!(table.remove(id), Some(number - CAPACITY));
        }
        table.insert(wide(number, 1), wide(number, 2), number, 10).unwrap();
    }
    assert_eq!(table.len(), CAPACITY as usize);
}

#[test]
fn equal_keys_are_one_original_key() {
    let mut table = FlowTable::new(2, [1, 1]);
    let id = table.insert(wide(1, 1), wide(1, 1), 'a', 10).unwrap();
    assert_eq!(table.lookup(&wide(1, 1)), Some((id, FlowDirection::Original)));
    assert_eq!(table.remove(id), Some('a'));
    assert_eq!(table.lookup(&wide(1, 1)), None);
}

#[test]
fn a_refreshed_flow_outlives_its_first_deadline_and_a_hastened_one_goes_early() {
    let mut table = FlowTable::new(4, [1, 1]);
    let refreshed = table.insert(wide(1, 1), wide(1, 2), 'r', 100).unwrap();
    let hastened = table.insert(wide(2, 1), wide(2, 2), 'h', 57_600).unwrap();
    let mut gone = Vec::new();
    table.set_deadline(refreshed, 300);
    table.hasten(hastened, 8);
    for now in 0..=300 {
        table.expire(now, 10, |_, _, _, value| gone.push((now, value)));
    }
    assert_eq!(gone, [(8, 'h'), (300, 'r')]);
}

#[test]
fn a_table_that_starts_late_keeps_deadlines() {
    let mut table = FlowTable::new(4, [1, 1]);
    table.expire(1_000_000, 10, |_, _, _, _: char| ());
    table.insert(wide(1, 1), wide(1, 2), 'a', 1_000_080).unwrap();
    assert_eq!(table.expire(1_000_079, 10, |_, _, _, _| ()), 0);
    assert_eq!(table.expire(1_000_080, 10, |_, _, _, _| ()), 1);
}

/// Where an entry of an IPv4 flow ends: with a value of this size it is one cache line.
#[test]
fn an_entry_with_28_bytes_for_an_ipv4_flow_is_a_cache_line() {
    assert_eq!(size_of::<Entry<Ipv4Addr, [u32; 7]>>(), 64);
    assert_eq!(size_of::<Entry<Ipv6Addr, [u32; 7]>>(), 128);
    let table = FlowTable::<Ipv4Addr, [u32; 7]>::new(100_000, [1, 1]);
    assert!(table.memory() / table.capacity() <= 93, "{} bytes", table.memory() / table.capacity());
}

#[test]
fn an_unknown_number_names_nothing() {
    let mut table = FlowTable::<Ipv4Addr, char>::new(2, [1, 1]);
    let unknown = FlowId(u32::MAX);
    table.set_deadline(unknown, 1);
    table.hasten(unknown, 1);
    assert_eq!((table.get(unknown), table.keys(unknown)), (None, None));
    assert_eq!(table.get_mut(unknown), None);
    assert_eq!(table.remove(unknown), None);
}
