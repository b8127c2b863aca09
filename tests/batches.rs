//! A batch does what its packets would do one by one, and the recipes of flows what the long way does: the same frames
//! leave, the same is counted, the same flows stay.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod rig;

use std::net::IpAddr;
use std::time::Duration;

use causeway::packet::flow_key::Address;
use causeway::packet::{FlowKey, Frame, Gso, Offload};
use causeway::pipeline::Capacity;
use causeway::pipeline::flows::Flow;
use causeway::table::flow::FlowTable;
use etherparse::{IpFragOffset, IpHeaders, Ipv4Header, PacketBuilder};
use proptest::prelude::*;
use rig::{GATEWAY, Out, Rig, mac, tcp, udp};

/// A port for each kind: a host's, a subnet's, a network's (whose zone depends on the source), services', the internet's.
/// RULE stands for a rule that open flows feel, as the group flushes them.
const NETWORK: &str = "
virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16, 'fd00::/48']
    defaultOutboundAddress: 192.0.2.1
    tunnelKey: 1
    subnets:
      - { name: a, addressPrefixes: [10.0.1.0/24, 'fd00:0:0:1::/64'], networkSecurityGroup: g, serviceEndpoints: [Microsoft.Sql, Microsoft.Storage], tunnelKey: 2 }
      - { name: b, addressPrefixes: [10.0.2.0/24, 'fd00:0:0:2::/64'] }
      - { name: c, addressPrefix: 10.0.3.0/24 }
networkSecurityGroups:
  - name: g
    flushConnection: true
    securityRules:
      - { name: later, priority: 100, direction: Outbound, access: RULE, protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '22' }
services:
  - { name: db, type: Microsoft.Sql/servers, addresses: [203.0.113.36], ports: [22, 80], sourceEncoding: ServiceTunnel, tunnelPrefix: '2603::/96', firewall: { virtualNetworkRules: [v/a] } }
  - { name: store, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], ports: [22, 80], firewall: { defaultAction: Deny, virtualNetworkRules: [v/a] } }
ports:
  - { name: a1, attach: v/a/10.0.1.4 }
  - { name: a, attach: v/a }
  - { name: rest, attach: v }
  - { name: db, attach: service/db }
  - { name: store, attach: service/store }
  - { name: internet, attach: internet }
";

const PORTS: [&str; 6] = ["a1", "a", "rest", "db", "store", "internet"];
/// Whoever is at these addresses is behind the port of the same place; the last two are nobody's there.
const V4: [&str; 8] = ["10.0.1.4", "10.0.1.5", "10.0.2.4", "203.0.113.36", "203.0.113.20", "198.51.100.9", "10.0.3.4", "192.0.2.1"];
const V6: [&str; 4] = ["fd00:0:0:1::5", "fd00:0:0:1::6", "fd00:0:0:2::4", "fd00:0:0:2::5"];

/// What one frame of a batch is made of.
#[derive(Clone, Debug)]
struct Made {
    kind: u8,
    from: usize,
    to: usize,
    ports: (u16, u16),
    flags: usize,
    flaw: u8,
}

fn made() -> impl Strategy<Value = Made> {
    let ports = (prop::sample::select(vec![5000, 5001, 80, 22]), prop::sample::select(vec![5000, 80, 80, 22, 22]));
    (0..16_u8, 0..8_usize, 0..8_usize, ports, 0..7_usize, any::<u8>()).prop_map(|(kind, from, to, ports, flags, flaw)| Made {
        kind,
        from,
        to,
        ports,
        flags,
        flaw,
    })
}

impl Made {
    fn frame(&self) -> Frame {
        let (from, to) = (V4[self.from], V4[self.to]);
        let bytes = match self.kind {
            0..6 => udp((from, self.ports.0), (to, self.ports.1), b"x"),
            6..10 => tcp((from, self.ports.0), (to, self.ports.1), ["S", "SA", "A", "AP", "FA", "R", "RA"][self.flags], 100, 100, b""),
            10 => rig::echo(from, to, self.ports.0, self.flags.is_multiple_of(2)),
            11 => self.over_v6(),
            12 => self.fragment(),
            13 => self.error(),
            14 => self.arp(),
            _ => udp((from, self.ports.0), (to, self.ports.1), &[0; 1_600]),
        };
        self.flawed(bytes)
    }

    /// One frame in six is not as it should be.
    fn flawed(&self, mut bytes: Vec<u8>) -> Frame {
        match self.flaw {
            0..10 => bytes[0] ^= 2,
            10..15 => bytes.truncate(20 + usize::from(self.flaw)),
            15..25 if bytes[12..14] == [8, 0] => last_hop(&mut bytes),
            _ => {}
        }
        let mut frame = Frame::from_bytes(&bytes);
        if (25..40).contains(&self.flaw) && self.kind == 15 {
            frame.offload = Offload { gso: Gso::UdpSegments, gso_size: 500, ..Offload::default() };
        }
        frame
    }

    fn over_v6(&self) -> Vec<u8> {
        let (from, to): (IpAddr, IpAddr) = (V6[self.from % 4].parse().unwrap(), V6[self.to % 4].parse().unwrap());
        let (IpAddr::V6(source), IpAddr::V6(destination)) = (from, to) else { panic!() };
        let builder = PacketBuilder::ethernet2(mac(from), GATEWAY).ipv6(source.octets(), destination.octets(), 64);
        let mut bytes = Vec::new();
        builder.udp(self.ports.0, self.ports.1).write(&mut bytes, b"six").unwrap();
        bytes
    }

    /// The first or the last piece of one of two datagrams.
    fn fragment(&self) -> Vec<u8> {
        let whole = udp((V4[self.from], self.ports.0), (V4[self.to], self.ports.1), &[7; 24]);
        let mut header = Ipv4Header::from_slice(&whole[14..34]).unwrap().0;
        let first = self.flags < 4;
        header.identification = self.ports.1;
        header.more_fragments = first;
        header.fragment_offset = IpFragOffset::try_new(if first { 0 } else { 2 }).unwrap();
        let payload = if first { &whole[34..50] } else { &whole[50..] };
        let mut bytes = whole[..14].to_vec();
        header.set_payload_len(payload.len()).unwrap();
        IpHeaders::Ipv4(header, Default::default()).write(&mut bytes).unwrap();
        bytes.extend(payload);
        bytes[24..26].copy_from_slice(&[0, 0]);
        set_checksum(&mut bytes);
        bytes
    }

    /// An ICMP error of the sender about a datagram that it got.
    fn error(&self) -> Vec<u8> {
        let about = udp((V4[self.to], self.ports.1), (V4[self.from], self.ports.0), b"x");
        let from: IpAddr = V4[self.from].parse().unwrap();
        let (IpAddr::V4(source), Ok(IpAddr::V4(destination))) = (from, V4[self.to].parse()) else { panic!() };
        let builder = PacketBuilder::ethernet2(mac(from), GATEWAY).ipv4(source.octets(), destination.octets(), 64);
        let mut bytes = Vec::new();
        builder.icmpv4_raw(3, 3, [0; 4]).write(&mut bytes, &about[14..]).unwrap();
        bytes
    }

    fn arp(&self) -> Vec<u8> {
        let (from, to): (IpAddr, IpAddr) = (V4[self.from].parse().unwrap(), V4[self.to].parse().unwrap());
        let (IpAddr::V4(sender), IpAddr::V4(target)) = (from, to) else { panic!() };
        let kind = 1 + u8::from(self.flags == 0);
        let head = [GATEWAY.as_slice(), &mac(from), &[8, 6, 0, 1, 8, 0, 6, 4, 0, kind], &mac(from)].concat();
        [head.as_slice(), &sender.octets(), &[0; 6], &target.octets()].concat()
    }
}

fn last_hop(bytes: &mut [u8]) {
    bytes[22] = 1;
    set_checksum(bytes);
}

fn set_checksum(bytes: &mut [u8]) {
    let header = Ipv4Header::from_slice(&bytes[14..]).unwrap().0;
    bytes[24..26].copy_from_slice(&header.calc_header_checksum().to_be_bytes());
}

/// Batches, each with the port where it comes in, and what happens before it.
#[derive(Clone, Debug)]
struct Batch {
    port: usize,
    before: u8,
    frames: Vec<Made>,
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let frames = prop::collection::vec(made(), 1..70);
    // Most frames come from where they belong.
    let at_home = |port: usize, frames: Vec<Made>| -> Vec<Made> {
        let honest = |frame: Made| if frame.flaw > 60 { Made { from: port.min(5), ..frame } } else { frame };
        frames.into_iter().map(honest).collect()
    };
    let batch =
        (0..PORTS.len(), 0..10_u8, frames).prop_map(move |(port, before, frames)| Batch { port, before, frames: at_home(port, frames) });
    prop::collection::vec(batch, 1..8)
}

fn network(denies: bool) -> String {
    NETWORK.replace("RULE", if denies { "Deny" } else { "Allow" })
}

fn rig() -> Rig {
    // Few flows, so that the table and the quota are full at times.
    Rig::with(&network(false), Capacity { flows_v4: 24, flows_v6: 12, neighbours: 64, fragments: 64 })
}

/// What happens before a batch, and what leaves then.
fn begin(rig: &mut Rig, batch: &Batch) -> Vec<Out> {
    match batch.before {
        0 => rig.reload(&network(true)),
        1 => rig.reload(&network(false)),
        2 => rig.after(Duration::from_secs(9)),
        3 | 4 => {
            rig.adopt(&network(batch.before == 3));
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// What shows the public address, without what is behind its IP header: the port there may have been drawn.
fn without_drawn_port(mut out: Out) -> Out {
    if out.bytes.get(26..30) == Some(&[192, 0, 2, 1]) {
        out.bytes.truncate(34);
    }
    out
}

fn sorted(mut left: Vec<Out>) -> Vec<Out> {
    left.sort_by(|one, other| (&one.port, &one.bytes).cmp(&(&other.port, &other.bytes)));
    left
}

/// Runs all batches and returns what left, in order.
fn run(rig: &mut Rig, batches: &[Batch], together: bool) -> Vec<Out> {
    let mut left = Vec::new();
    for batch in batches {
        left.extend(begin(rig, batch));
        let frames = batch.frames.iter().map(Made::frame);
        left.extend(if together { rig.send_batch(PORTS[batch.port], frames) } else { rig.send_each(PORTS[batch.port], frames) });
    }
    left
}

/// A flow as a table has it.
#[derive(Debug, PartialEq)]
struct Kept<A> {
    keys: Option<(FlowKey<A>, FlowKey<A>)>,
    deadline: Option<u32>,
    recipe: Option<Flow>,
}

/// All flows of a table.
fn content<A: Address>(table: &FlowTable<A, Flow>) -> Vec<Kept<A>> {
    let (_, flows) = table.scan(0, usize::MAX);
    let kept = |id| Kept { keys: table.keys(id), deadline: table.deadline(id), recipe: table.get(id).copied() };
    flows.map(kept).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2_000, ..ProptestConfig::with_cases(160) })]

    #[test]
    fn a_batch_with_recipes_is_its_packets_one_by_one_the_long_way(batches in batches()) {
        let (mut together, mut alone) = (rig(), rig());
        alone.pipelines.iter_mut().for_each(|pipeline| pipeline.run_recipes(false));
        let (left_together, left_alone) = (run(&mut together, &batches, true), run(&mut alone, &batches, false));
        prop_assert_eq!(left_together, left_alone);
        prop_assert_eq!(together.all_counters(), alone.all_counters());
        for (flows, others) in together.pipelines.iter().zip(&alone.pipelines).map(|(one, other)| (one.flows(), other.flows())) {
            prop_assert_eq!(content(&flows.v4), content(&others.v4));
            prop_assert_eq!(content(&flows.v6), content(&others.v6));
        }
    }
}

/// What two runs must agree in, whoever did the work: neighbours are asked for by each worker, and decisions that two come
/// to at once are counted twice.
fn outcome(rig: &Rig) -> Vec<(String, u64)> {
    let mut all = rig.all_counters();
    let about_neighbours =
        |name: &str| ["PacketsIn", "BytesIn", "PacketsOut", "BytesOut", "answered"].iter().any(|part| name.ends_with(part));
    all.retain(|(name, _)| !about_neighbours(name));
    all
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2_000, ..ProptestConfig::with_cases(48) })]

    /// Whatever queue each packet comes in at: two or three workers do together what one does.
    #[test]
    fn several_workers_do_what_one_does(batches in batches(), workers in 2..4_u16) {
        let room = Capacity { flows_v4: 2048, flows_v6: 2048, neighbours: 64, fragments: 1024 };
        let [mut one, mut several] = [1, workers].map(|workers| Rig::with_workers(workers, &network(false), room));
        for batch in &batches {
            // Whose flows are reset first after a reload is nobody's business.
            let [left, expected] = [&mut several, &mut one].map(|rig| sorted(begin(rig, batch).into_iter().map(without_drawn_port).collect()));
            prop_assert_eq!(left, expected);
            for made in &batch.frames {
                let [left, expected] = [&mut several, &mut one].map(|rig| rig.send_frame(PORTS[batch.port], made.frame()).into_iter().map(without_drawn_port).collect::<Vec<_>>());
                prop_assert_eq!(left, expected);
            }
        }
        prop_assert_eq!(outcome(&one), outcome(&several));
    }
}

/// The mix reaches what it is meant to reach; else the test above would say little.
#[test]
fn the_mix_meets_flows_refusals_and_every_kind_of_drop() {
    use causeway::packet::Reason;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::<Reason>::new();
    let mut rewritten = 0;
    for _ in 0..60 {
        let batches = batches().new_tree(&mut runner).unwrap().current();
        let mut rig = rig();
        run(&mut rig, &batches, true);
        seen.extend(Reason::ALL.iter().filter(|reason| rig.count(**reason) > 0));
        rewritten += rig.scalar(causeway::counters::Scalar::RewritesServiceTunnel);
    }
    use Reason::*;
    for reason in [Forwarded, Answered, NsgDeny, ServiceFirewallDeny, SourceSpoofed, DestinationUnknown, FlowTableFull] {
        assert!(seen.contains(&reason), "{reason}");
    }
    for reason in [FragmentWithoutFirst, TtlExceeded, MalformedIpv4, Unsupported] {
        assert!(seen.contains(&reason), "{reason}");
    }
    assert!(rewritten > 0, "no flow went through the tunnel");
}
