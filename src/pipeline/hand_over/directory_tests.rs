use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;
use crate::packet::Zone;

/// Keys of a universe so small that claims meet.
fn small_key(number: u8) -> FlowKey<Ipv4Addr> {
    let [source, destination] = [number & 3, number >> 2 & 3].map(|host| Ipv4Addr::new(10, 0, 0, host));
    FlowKey { source, destination, source_port: 1, destination_port: 2, zone: Zone(u16::from(number >> 4 & 1)), protocol: 17 }
}

/// The same key as a flow through a tunnel has it in its table.
fn in_tunnel(key: &FlowKey<Ipv4Addr>) -> FlowKey<Ipv6Addr> {
    Ipv4Addr::in_tunnel(key).unwrap()
}

#[test]
fn a_flow_has_both_keys_or_none() {
    let directory = Directory::new(8, 8);
    let [first, second, third] = [1, 2, 3].map(small_key);
    assert_eq!(directory.claim(&first, &second, WorkerId(0)), Ok(()));
    assert_eq!(directory.claim(&third, &second, WorkerId(1)), Err(Taken::Reply));
    assert_eq!(directory.owner(&third), None, "nothing is left of the claim that failed");
    assert_eq!(directory.claim(&second, &third, WorkerId(1)), Err(Taken::Original(WorkerId(0))));
    assert_eq!([first, second, third].map(|key| directory.owner(&key)), [Some(WorkerId(0)), Some(WorkerId(0)), None]);
    directory.release(&first, &second);
    assert!(directory.is_empty());
}

#[test]
fn a_packet_finds_the_flow_that_goes_through_a_tunnel() {
    let directory = Directory::new(8, 8);
    let near = small_key(1);
    let far = FlowKey { source: Ipv6Addr::LOCALHOST, destination: "fd00::1".parse().unwrap(), ..in_tunnel(&small_key(2)) };
    assert_eq!(directory.claim(&in_tunnel(&near), &far, WorkerId(1)), Ok(()));
    assert_eq!((directory.owner(&near), directory.owner(&far)), (Some(WorkerId(1)), Some(WorkerId(1))));
    assert_eq!(directory.claim(&near, &small_key(3), WorkerId(0)), Err(Taken::Original(WorkerId(1))));
    directory.release(&in_tunnel(&near), &far);
    assert!(directory.is_empty());
}

#[test]
fn a_flow_that_answers_itself_has_one_key() {
    let directory = Directory::new(8, 8);
    let key = FlowKey { destination: small_key(0).source, ..small_key(0) };
    assert_eq!(directory.claim(&key, &key, WorkerId(1)), Ok(()));
    assert_eq!(directory.len(), 1);
    directory.release(&key, &key);
    assert!(directory.is_empty());
}

proptest! {
    /// Whatever is claimed and released in whatever order: a plain map says the same.
    #[test]
    fn it_does_what_a_plain_map_does(steps in prop::collection::vec((0_u8..32, 0_u8..32, 0_u16..3, any::<bool>()), 0..200)) {
        let directory = Directory::new(32, 0);
        let mut plain: HashMap<FlowKey<Ipv4Addr>, WorkerId> = HashMap::new();
        let mut flows: Vec<(FlowKey<Ipv4Addr>, FlowKey<Ipv4Addr>)> = Vec::new();
        for (original, reply, worker, ends) in steps {
            let (original, reply, worker) = (small_key(original), small_key(reply), WorkerId(worker));
            if ends && !flows.is_empty() {
                let (original, reply) = flows.swap_remove(usize::from(worker.0) % flows.len());
                directory.release(&original, &reply);
                plain.retain(|key, _| *key != original && *key != reply);
                continue;
            }
            let expected = match (plain.get(&original), plain.get(&reply)) {
                (Some(owner), _) => Err(Taken::Original(*owner)),
                (None, Some(_)) => Err(Taken::Reply),
                (None, None) => Ok(()),
            };
            prop_assert_eq!(directory.claim(&original, &reply, worker), expected);
            if expected.is_ok() {
                plain.extend([(original, worker), (reply, worker)]);
                flows.push((original, reply));
            }
            for number in 0..32 {
                prop_assert_eq!(directory.owner(&small_key(number)), plain.get(&small_key(number)).copied());
            }
            prop_assert_eq!(directory.len(), plain.len());
        }
    }
}

/// Workers claim the same few keys at once, in both orders; whoever has a flow finds that nobody else has a key of it.
#[test]
fn no_key_is_ever_in_two_hands() {
    const WORKERS: u16 = 4;
    let directory = Directory::new(32, 0);
    let holders: Vec<AtomicUsize> = (0..32).map(|_| AtomicUsize::new(0)).collect();
    let work = |worker: u16| {
        let mut state = u64::from(worker) + 1;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (one, other) = ((state >> 33) as u8 % 32, (state >> 43) as u8 % 32);
            let (original, reply) = (small_key(one), small_key(other));
            if directory.claim(&original, &reply, WorkerId(worker)).is_ok() {
                let hands = if one == other { vec![one] } else { vec![one, other] };
                assert!(hands.iter().all(|key| holders[usize::from(*key)].fetch_add(1, Ordering::SeqCst) == 0));
                assert_eq!(directory.owner(&reply), Some(WorkerId(worker)));
                for key in hands {
                    holders[usize::from(key)].fetch_sub(1, Ordering::SeqCst);
                }
                directory.release(&original, &reply);
            }
        }
    };
    std::thread::scope(|scope| (0..WORKERS).for_each(|worker| drop(scope.spawn(move || work(worker)))));
    assert!(directory.is_empty());
}
