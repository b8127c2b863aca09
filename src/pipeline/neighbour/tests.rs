use std::collections::{HashMap, HashSet, VecDeque};

use proptest::prelude::*;

use super::*;

const PORT: PortId = PortId(3);
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const OTHER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

fn host(number: u32) -> IpAddr {
    IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number))
}

/// A packet that carries a number.
fn packet(number: u8) -> (Frame, Sent) {
    (Frame::from_bytes(&[number]), Sent { forwarded_for: None, packets: 1, bytes: u64::from(number) })
}

fn numbers(packets: &[Waiting]) -> Vec<u8> {
    packets.iter().map(|packet| packet.frame.bytes()[0]).collect()
}

fn wait(table: &mut NeighbourTable, address: IpAddr, number: u8, now_ms: u64) -> Result<bool, Reason> {
    let (frame, sent) = packet(number);
    let result = table.wait(Neighbour::new(PORT, address), frame, sent, now_ms);
    result.map(|needs| needs.0).map_err(|refused| {
        assert_eq!((refused.frame.bytes(), refused.sent.bytes), (&[number][..], u64::from(number)), "given back as it was");
        refused.reason
    })
}

/// Requests and given-up packets of a tick.
fn tick(table: &mut NeighbourTable, now_ms: u64) -> (Vec<IpAddr>, Vec<u8>) {
    let mut actions = Vec::new();
    table.tick(now_ms, &mut actions);
    let (mut requests, mut given_up) = (Vec::new(), Vec::new());
    for action in actions {
        match action {
            Action::Request { port, address } => {
                assert_eq!(port, PORT);
                requests.push(address);
            }
            Action::GiveUp(packet) => given_up.push(packet.frame.bytes()[0]),
        }
    }
    (requests, given_up)
}

#[test]
fn packets_wait_for_the_answer_and_leave_in_order() {
    let mut table = NeighbourTable::new(8, 4, 8);
    assert_eq!(table.lookup(Neighbour::new(PORT, host(1))), None);
    assert_eq!(wait(&mut table, host(1), 1, 0), Ok(true), "the first asks");
    assert_eq!(wait(&mut table, host(1), 2, 10), Ok(false), "the second finds it asked");
    assert_eq!(numbers(&table.learn(PORT, host(1), MAC)), [1, 2]);
    assert_eq!(table.lookup(Neighbour::new(PORT, host(1))), Some(MAC));
    assert!(table.learn(PORT, host(1), MAC).is_empty());
    assert_eq!(tick(&mut table, 50_000), (vec![], vec![]), "nothing is left to ask for");
}

#[test]
fn ports_and_families_are_told_apart() {
    let mut table = NeighbourTable::new(8, 4, 8);
    let v4: IpAddr = "192.0.2.1".parse().unwrap();
    let same_bits: IpAddr = IpAddr::V6(std::net::Ipv6Addr::from_bits(0xc000_0201));
    table.learn(PORT, v4, MAC);
    assert_eq!(table.lookup(Neighbour::new(PORT, v4)), Some(MAC));
    assert_eq!(table.lookup(Neighbour::new(PORT, same_bits)), None);
    assert_eq!(table.lookup(Neighbour::new(PortId(4), v4)), None);
}

#[test]
fn three_requests_a_second_apart_then_the_packets_are_given_up() {
    let mut table = NeighbourTable::new(8, 4, 8);
    assert_eq!(wait(&mut table, host(1), 1, 100), Ok(true));
    assert_eq!(tick(&mut table, 1_099), (vec![], vec![]));
    assert_eq!(tick(&mut table, 1_100), (vec![host(1)], vec![]));
    assert_eq!(tick(&mut table, 2_100), (vec![host(1)], vec![]));
    assert_eq!(tick(&mut table, 3_100), (vec![], vec![1]));
    assert_eq!(wait(&mut table, host(1), 2, 3_200), Err(Reason::DestinationUnknown), "known not to answer");
    assert_eq!(wait(&mut table, host(1), 3, 8_100), Ok(true), "asked again after a while");
}

#[test]
fn a_silent_host_that_speaks_up_is_reached_at_once() {
    let mut table = NeighbourTable::new(8, 4, 8);
    assert_eq!(wait(&mut table, host(1), 1, 0), Ok(true));
    for now_ms in [1_000, 2_000, 3_000] {
        tick(&mut table, now_ms);
    }
    assert_eq!(wait(&mut table, host(1), 2, 3_001), Err(Reason::DestinationUnknown));
    assert!(table.learn(PORT, host(1), MAC).is_empty());
    assert_eq!(table.lookup(Neighbour::new(PORT, host(1))), Some(MAC));
}

#[test]
fn queues_are_bounded_each_and_together() {
    let mut table = NeighbourTable::new(8, 2, 3);
    assert_eq!(wait(&mut table, host(1), 1, 0), Ok(true));
    assert_eq!(wait(&mut table, host(1), 2, 0), Ok(false));
    assert_eq!(wait(&mut table, host(1), 3, 0), Err(Reason::QueueFull), "its own queue");
    assert_eq!(wait(&mut table, host(2), 4, 0), Ok(true));
    assert_eq!(wait(&mut table, host(3), 5, 0), Err(Reason::QueueFull), "all queues together");
    assert_eq!(numbers(&table.learn(PORT, host(1), MAC)), [1, 2]);
    assert_eq!(wait(&mut table, host(3), 6, 0), Ok(true), "room again");
}

#[test]
fn an_entry_in_use_is_refreshed_and_kept_while_it_may_still_answer() {
    let mut table = NeighbourTable::new(8, 4, 8);
    table.learn(PORT, host(1), MAC);
    for (now_ms, requests) in [(59_000, 0), (60_000, 1), (61_000, 1), (62_000, 1)] {
        assert_eq!(table.lookup(Neighbour::new(PORT, host(1))), Some(MAC));
        assert_eq!(tick(&mut table, now_ms).0.len(), requests, "at {now_ms}");
    }
    assert_eq!(table.lookup(Neighbour::new(PORT, host(1))), Some(MAC), "the third may still be answered");
    table.learn(PORT, host(1), OTHER_MAC);
    assert_eq!(tick(&mut table, 63_000), (vec![], vec![]));
    assert_eq!(table.lookup(Neighbour::new(PORT, host(1))), Some(OTHER_MAC), "answered, from another interface");
}

#[test]
fn an_entry_that_no_longer_answers_is_forgotten() {
    let mut table = NeighbourTable::new(8, 4, 8);
    table.learn(PORT, host(1), MAC);
    assert_eq!(table.lookup(Neighbour::new(PORT, host(1))), Some(MAC));
    let requests: usize = [60_000, 61_000, 62_000].into_iter().map(|now_ms| tick(&mut table, now_ms).0.len()).sum();
    assert_eq!(requests, 3);
    assert_eq!(tick(&mut table, 63_000), (vec![], vec![]));
    assert_eq!(table.lookup(Neighbour::new(PORT, host(1))), None);
}

#[test]
fn an_entry_that_is_not_used_is_neither_asked_for_nor_kept_for_ever() {
    let mut table = NeighbourTable::new(8, 4, 8);
    table.learn(PORT, host(1), MAC);
    assert_eq!(tick(&mut table, 299_999), (vec![], vec![]));
    assert_eq!(table.known.len(), 1);
    assert_eq!(tick(&mut table, 300_999), (vec![], vec![]));
    assert_eq!(table.known.len(), 0);
}

#[test]
fn a_scan_neither_grows_the_table_nor_pushes_out_who_is_known() {
    let mut table = NeighbourTable::new(100, 4, 1_000);
    for number in 0..50 {
        table.learn(PORT, host(number), MAC);
    }
    let mut now_ms = 0;
    for round in 0..20 {
        for number in 0..500 {
            let _ = wait(&mut table, host(1_000 + round * 500 + number), 1, now_ms);
        }
        now_ms += 500;
        tick(&mut table, now_ms);
        assert!(table.sought.len() <= 100);
    }
    for _ in 0..3 {
        now_ms += 1_000;
        tick(&mut table, now_ms);
    }
    assert_eq!(table.sought.len(), 100, "full of addresses that did not answer");
    assert!((0..50).all(|number| table.lookup(Neighbour::new(PORT, host(number))) == Some(MAC)));
    assert_eq!(wait(&mut table, host(70), 7, now_ms), Ok(true), "silent addresses make room for a new one");
}

#[test]
fn announcements_of_made_up_addresses_leave_room_for_those_asked_for() {
    let mut table = NeighbourTable::new(100, 4, 100);
    for number in 0..1_000 {
        table.learn(PORT, host(number), MAC);
    }
    assert_eq!(table.known.len(), 50);
    for number in 2_000..2_100 {
        assert_eq!(wait(&mut table, host(number), 1, 0), Ok(true));
    }
    for number in 2_000..2_100 {
        assert_eq!(table.learn(PORT, host(number), MAC).len(), 1, "who waited is sent even where nothing is remembered");
    }
    assert_eq!(table.known.len(), 100);
    assert_eq!(table.lookup(Neighbour::new(PORT, host(2_000))), Some(MAC));
}

#[test]
fn what_cannot_be_one_interface_is_not_believed() {
    let mut table = NeighbourTable::new(8, 4, 8);
    assert_eq!(wait(&mut table, host(1), 1, 0), Ok(true));
    for mac in [[0xff; 6], [0x01, 0, 0x5e, 0, 0, 1], [0; 6]] {
        assert!(table.learn(PORT, host(1), mac).is_empty());
        assert_eq!(table.lookup(Neighbour::new(PORT, host(1))), None);
    }
    assert_eq!(numbers(&table.learn(PORT, host(1), MAC)), [1]);
}

#[test]
fn a_port_that_is_gone_takes_its_neighbours_and_gives_back_its_packets() {
    let mut table = NeighbourTable::new(8, 4, 2);
    table.learn(PORT, host(1), MAC);
    table.learn(PortId(9), host(1), OTHER_MAC);
    assert_eq!(wait(&mut table, host(2), 2, 0), Ok(true));
    assert_eq!(wait(&mut table, host(3), 3, 0), Ok(true));
    let mut gone = numbers(&table.forget_port(PORT));
    gone.sort_unstable();
    assert_eq!(gone, [2, 3]);
    assert_eq!((table.lookup(Neighbour::new(PORT, host(1))), table.lookup(Neighbour::new(PortId(9), host(1)))), (None, Some(OTHER_MAC)));
    assert_eq!(wait(&mut table, host(4), 4, 0), Ok(true), "their room is free again");
}

/// The plain reference: everything in one place, every rule written out.
#[derive(Default)]
struct Reference {
    macs: HashMap<IpAddr, [u8; 6]>,
    asked: HashMap<IpAddr, (VecDeque<u8>, u64)>,
    silent: HashMap<IpAddr, u64>,
}

impl Reference {
    fn wait(&mut self, address: IpAddr, number: u8, now_ms: u64) -> Result<bool, Reason> {
        if self.silent.get(&address).is_some_and(|until| now_ms < *until) {
            return Err(Reason::DestinationUnknown);
        }
        if self.asked.values().map(|(queue, _)| queue.len()).sum::<usize>() >= 6 {
            return Err(Reason::QueueFull);
        }
        self.silent.remove(&address);
        let first = !self.asked.contains_key(&address);
        let (queue, _) = self.asked.entry(address).or_insert((VecDeque::new(), now_ms));
        if queue.len() >= 3 {
            return Err(Reason::QueueFull);
        }
        queue.push_back(number);
        Ok(first)
    }

    fn learn(&mut self, address: IpAddr, mac: [u8; 6]) -> Vec<u8> {
        self.silent.remove(&address);
        self.macs.insert(address, mac);
        self.asked.remove(&address).map(|(queue, _)| queue.into()).unwrap_or_default()
    }

    /// One second has passed exactly.
    fn second(&mut self, now_ms: u64) -> (HashSet<IpAddr>, HashSet<u8>) {
        self.silent.retain(|_, until| now_ms < *until);
        let (over, going): (HashMap<_, _>, HashMap<_, _>) =
            std::mem::take(&mut self.asked).into_iter().partition(|(_, (_, since))| now_ms - since >= 3_000);
        self.silent.extend(over.keys().map(|address| (*address, now_ms + 5_000)));
        let given_up = over.into_values().flat_map(|(queue, _)| queue).collect();
        let requests = going.iter().filter(|(_, (_, since))| now_ms > *since).map(|(address, _)| *address).collect();
        self.asked = going;
        (requests, given_up)
    }
}

proptest! {
    #[test]
    fn it_does_what_the_plain_reference_does(steps in proptest::collection::vec((0_u8..6, 0_u32..5), 0..200)) {
        let mut table = NeighbourTable::new(64, 3, 6);
        let mut reference = Reference::default();
        let mut now_ms = 0;
        for (number, (step, who)) in steps.into_iter().enumerate() {
            let (address, number) = (host(who), number as u8);
            match step {
                0..=2 if reference.macs.contains_key(&address) => {}
                0..=2 => prop_assert_eq!(wait(&mut table, address, number, now_ms), reference.wait(address, number, now_ms)),
                3 => {
                    let mac = [2, 0, 0, 0, 0, number];
                    prop_assert_eq!(numbers(&table.learn(PORT, address, mac)), reference.learn(address, mac));
                }
                _ => {
                    now_ms += 1_000;
                    let (requests, given_up) = tick(&mut table, now_ms);
                    // Entries that are known may be asked for again or forgotten: other tests look at that.
                    let requests: HashSet<_> = requests.into_iter().filter(|address| !reference.macs.contains_key(address)).collect();
                    prop_assert_eq!((requests, given_up.into_iter().collect()), reference.second(now_ms));
                }
            }
            if now_ms < 60_000 {
                prop_assert_eq!(table.lookup(Neighbour::new(PORT, address)), reference.macs.get(&address).copied());
            }
        }
    }
}
