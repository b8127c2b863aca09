//! The flow-hit path allocates nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod rig;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use causeway::packet::{Frame, FramePool};
use causeway::pipeline::Capacity;
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

/// A service that sees IPv6 sources.
const TUNNEL: &str = r#"
virtualNetworks:
  - { name: v, addressPrefixes: [10.1.0.0/16], tunnelKey: 1, subnets: [{ name: s, addressPrefix: 10.1.1.0/24, serviceEndpoints: [Microsoft.Sql], tunnelKey: 2 }] }
services:
  - { name: db, type: Microsoft.Sql/servers, addresses: [203.0.113.36], sourceEncoding: ServiceTunnel, tunnelPrefix: "2603::/96", firewall: { virtualNetworkRules: [v/s] } }
ports:
  - { name: web1, attach: v/s/10.1.1.4 }
  - { name: db, attach: service/db }
"#;

#[test]
fn packets_of_a_known_flow_allocate_nothing() {
    let (client, server) = (("10.1.1.4", 40_000), ("203.0.113.20", 80));
    let mut rig = alone(&quickstart());
    rig.send("web1", &tcp(client, server, "S", 1, 0, b""));
    rig.send("orders", &tcp(server, client, "SA", 9, 2, b""));
    rig.send("web1", &tcp(client, server, "A", 2, 10, b""));
    assert_eq!(allocations(&mut rig, &tcp(client, server, "AP", 2, 10, b"ping"), "web1", "orders"), 0);
}

#[test]
fn nor_do_those_that_leave_in_the_other_family() {
    let (client, server) = (("10.1.1.4", 40_000), ("203.0.113.36", 1433));
    let mut rig = alone(TUNNEL);
    let out = rig.send("web1", &tcp(client, server, "S", 1, 0, b""));
    assert_eq!(out[0].bytes[12..14], [0x86, 0xdd]);
    assert_eq!(allocations(&mut rig, &tcp(client, server, "S", 1, 0, b""), "web1", "db"), 0);
}

/// What is sent to one worker is not handed over.
fn alone(network: &str) -> Rig {
    Rig::with_workers(1, network, Capacity { flows_v4: 4096, flows_v6: 1024, neighbours: 1024, fragments: 256 })
}

/// Allocations in 48 batches of this packet, once the buffers are there.
fn allocations(rig: &mut Rig, packet: &[u8], from: &str, to: &str) -> u64 {
    let (from, to) = (rig.port(from), rig.port(to));
    let mut outbox = Outbox::new(FramePool::new(64));
    outbox.grow(rig.ids.ports.names().len());
    let mut frames = Vec::with_capacity(64);
    let mut counted = 0;
    for round in 0..50 {
        frames.extend((0..32).map(|_| {
            let mut frame = outbox.pool.take();
            frame.set_bytes(packet);
            frame
        }));
        let before = ALLOCATIONS.with(Cell::get);
        rig.pipelines[0].process(rig.now, from, &mut frames, &mut outbox);
        let during = ALLOCATIONS.with(Cell::get) - before;
        let (queue, pool) = outbox.queue(to).unwrap();
        assert_eq!(queue.frames.len(), 32, "every packet of the flow goes on");
        rig.pipelines[0].sent(to, &queue.sent);
        queue.sent.clear();
        queue.frames.drain(..).for_each(|frame: Frame| pool.give(frame));
        // The first rounds size the outbox's vectors and the pool.
        counted += if round < 2 { 0 } else { during };
    }
    counted
}
