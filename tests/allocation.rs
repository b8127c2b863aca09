//! The flow-hit path allocates nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod rig;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use causeway::packet::{Frame, FramePool};
use causeway::pipeline::engine::Engine;
use causeway::pipeline::outbox::Outbox;
use rig::{Rig, quickstart, tcp};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is handed to the system allocator unchanged; the counter is a thread-local cell without a destructor.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn packets_of_a_known_flow_allocate_nothing() {
    let (client, server) = (("10.1.1.4", 40_000), ("203.0.113.20", 80));
    let mut rig = Rig::new(&quickstart());
    rig.send("web1", &tcp(client, server, "S", 1, 0, b""));
    rig.send("orders", &tcp(server, client, "SA", 9, 2, b""));
    rig.send("web1", &tcp(client, server, "A", 2, 10, b""));

    let (web, orders) = (rig.port("web1"), rig.port("orders"));
    let there = tcp(client, server, "AP", 2, 10, b"ping");
    let mut outbox = Outbox::new(FramePool::new(64));
    outbox.grow(rig.ids.ports.names().len());
    let mut frames = Vec::with_capacity(64);
    let mut counted = 0;
    for round in 0..50 {
        frames.extend((0..32).map(|_| {
            let mut frame = outbox.pool.take();
            frame.set_bytes(&there);
            frame
        }));
        let before = ALLOCATIONS.with(Cell::get);
        rig.pipeline.process(rig.now, web, &mut frames, &mut outbox);
        let during = ALLOCATIONS.with(Cell::get) - before;
        let (queue, pool) = outbox.queue(orders).unwrap();
        assert_eq!(queue.frames.len(), 32, "every packet of the flow goes on");
        for sent in queue.sent.drain(..) {
            rig.pipeline.sent(orders, &sent);
        }
        queue.frames.drain(..).for_each(|frame: Frame| pool.give(frame));
        // The first rounds size the outbox's vectors and the pool.
        counted += if round < 2 { 0 } else { during };
    }
    assert_eq!(counted, 0);
}
