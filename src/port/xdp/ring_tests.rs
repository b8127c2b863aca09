use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const OFFSETS: Offsets = Offsets { producer: 0, consumer: 64, flags: 128, entries: 192 };

/// Both sides of one ring whose indices start at `start`.
fn ring(size: u32, start: u32) -> (Producer<u64>, Consumer<u64>) {
    let mapping = Arc::new(Mapping::anonymous(192 + size as usize * 8).unwrap());
    for offset in [OFFSETS.producer, OFFSETS.consumer] {
        // SAFETY: inside the mapping, and nobody else looks at it yet.
        unsafe { part::<AtomicU32>(&mapping, offset, 1).unwrap().as_ref() }.store(start, Ordering::Relaxed);
    }
    (Producer::new(Arc::clone(&mapping), OFFSETS, size).unwrap(), Consumer::new(mapping, OFFSETS, size).unwrap())
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Push,
    Publish,
    Pop,
    Release,
}

proptest! {
    /// Three queues say what a ring is: written and not shown, shown and not read, read and not given back.
    #[test]
    fn a_ring_does_what_its_model_does(
        power in 0_u32..5, before_the_end in 0_u32..40,
        acts in prop::collection::vec(prop_oneof![Just(Act::Push), Just(Act::Push), Just(Act::Publish), Just(Act::Pop), Just(Act::Pop), Just(Act::Release)], 0..300),
    ) {
        let size = 1 << power;
        // Indices go over the end of 32 bits on the way.
        let (mut producer, mut consumer) = ring(size, u32::MAX - before_the_end);
        let (mut hidden, mut shown, mut read, mut number) = (VecDeque::new(), VecDeque::new(), 0_usize, 0_u64);
        for act in acts {
            match act {
                Act::Push => {
                    let room = hidden.len() + shown.len() + read < size as usize;
                    prop_assert_eq!(producer.push(number), room);
                    if room {
                        hidden.push_back(number);
                    }
                    number += 1;
                }
                Act::Publish => {
                    producer.publish();
                    shown.append(&mut hidden);
                }
                Act::Pop => {
                    let entry = shown.pop_front();
                    prop_assert_eq!(consumer.pop(), entry);
                    read += usize::from(entry.is_some());
                }
                Act::Release => {
                    consumer.release();
                    read = 0;
                }
            }
            prop_assert_eq!(producer.unread() as usize, hidden.len() + shown.len() + read);
        }
    }
}

#[test]
fn entries_cross_between_threads_in_order() {
    const ENTRIES: u64 = 100_000;
    let (mut producer, mut consumer) = ring(8, u32::MAX - 3);
    let writer = std::thread::spawn(move || {
        for number in 0..ENTRIES {
            while !producer.push(number) {
                std::thread::yield_now();
            }
            producer.publish();
        }
    });
    for number in 0..ENTRIES {
        let entry = loop {
            match consumer.pop() {
                Some(entry) => break entry,
                None => std::thread::yield_now(),
            }
        };
        assert_eq!(entry, number);
        consumer.release();
    }
    writer.join().unwrap();
}

#[test]
fn a_ring_outside_of_its_mapping_is_refused() {
    let mapping = Arc::new(Mapping::anonymous(4096).unwrap());
    let open = |offsets, size| Producer::<u64>::new(Arc::clone(&mapping), offsets, size).is_ok();
    assert!(open(OFFSETS, 256));
    assert!(!open(OFFSETS, 512), "past the end");
    assert!(!open(OFFSETS, 3), "no power of two");
    assert!(!open(Offsets { consumer: 2, ..OFFSETS }, 8), "not aligned");
    assert!(!open(Offsets { entries: usize::MAX - 7, ..OFFSETS }, 8), "wraps around");
}

#[test]
fn the_wish_to_be_woken_is_read_from_the_ring() {
    let (producer, _) = ring(8, 0);
    assert!(!producer.needs_wakeup());
    // SAFETY: inside the mapping that the ring keeps.
    unsafe { producer.ring.flags.as_ref() }.store(libc::XDP_RING_NEED_WAKEUP, Ordering::Relaxed);
    assert!(producer.needs_wakeup());
}
