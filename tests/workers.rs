//! Several workers, each on a thread of its own, whatever queue a packet comes in at: each flow is one worker's, replies find
//! it, order is kept, and every packet ends once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod rig;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway::config::compile;
use causeway::counters::{PortCell, Reader, Scalar};
use causeway::packet::parse::{Layout, Parsed, Transport, parse};
use causeway::packet::{Frame, Reason};
use causeway::pipeline::{Capacity, Pipeline, Secrets};
use causeway::policy::ids::{Ids, PortId};
use causeway::port::Port;
use causeway::port::memory::{MemoryWire, pair};
use causeway::worker::{Dataplane, Options};
use etherparse::{Ipv4Header, PacketBuilder};
use rig::{GATEWAY, mac, network, seen, udp};

/// What a flow from `a` to `b` keeps, one to the internet changes: there its source is the public address.
const NETWORK: &str = "
virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.1
    subnets:
      - { name: a, addressPrefix: 10.0.1.0/24 }
      - { name: b, addressPrefix: 10.0.2.0/24 }
ports:
  - { name: a, attach: v/a }
  - { name: b, attach: v/b }
  - { name: internet, attach: internet }
";

const B: &str = "10.0.2.4";
const INTERNET: &str = "198.51.100.9";
const PATIENCE: Duration = Duration::from_secs(20);

/// A frame that left, and through which port.
struct Out {
    port: usize,
    bytes: Vec<u8>,
}

/// Workers over memory ports with a queue for each, and the hosts behind them.
struct Team {
    dataplane: Dataplane<Pipeline>,
    readers: Vec<Reader>,
    /// By port, then by queue.
    wires: Vec<Vec<MemoryWire>>,
    ports: BTreeMap<String, usize>,
    ids: Ids,
    random: u64,
    /// Packets that were sent so far.
    sent: u64,
}

impl Team {
    fn start(workers: u16) -> Self {
        let mut ids = Ids::default();
        let snapshot = Arc::new(compile::compile(&network(NETWORK), &mut ids, 1).unwrap());
        let capacity = Capacity { flows_v4: 1 << 14, flows_v6: 1 << 8, neighbours: 1 << 10, fragments: 1 << 9 };
        let (engines, readers) = Pipeline::team(workers, &snapshot, capacity, Secrets::draw().unwrap(), Instant::now());
        let (mut queues, mut wires) = (Vec::new(), Vec::new());
        for port in &snapshot.ports {
            let pairs = (0..workers).map(|_| pair(4096, 1500).unwrap());
            let (ends, wire): (Vec<_>, Vec<_>) = pairs.map(|(end, wire)| (Box::new(end) as Box<dyn Port>, wire)).unzip();
            queues.push((port.id, ends));
            wires.push(wire);
        }
        let ports = snapshot.ports.iter().map(|port| (port.name.clone(), usize::from(port.id.0))).collect();
        // Each packet by itself: they are counted.
        let options = Options { coalesce: false, ..Options::default() };
        let dataplane = Dataplane::start(&options, engines, snapshot, queues).unwrap();
        Self { dataplane, readers, wires, ports, ids, random: 0x9e37_79b9, sent: 0 }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize % limit
    }

    /// Sends a frame into any queue of a port.
    fn send(&mut self, port: &str, bytes: &[u8]) {
        let queue = self.below(self.readers.len());
        self.send_at(port, queue, bytes);
    }

    fn send_at(&mut self, port: &str, queue: usize, bytes: &[u8]) {
        self.sent += 1;
        let mut frame = Frame::from_bytes(bytes);
        let end = Instant::now() + PATIENCE;
        while let Err(back) = self.wires[self.ports[port]][queue].inject(frame) {
            assert!(Instant::now() < end, "the queue stays full");
            std::thread::yield_now();
            frame = back;
        }
    }

    /// What leaves until every packet has ended; hosts answer ARP, at any queue.
    fn settle(&mut self) -> Vec<Out> {
        let (mut all, end) = (Vec::new(), Instant::now() + PATIENCE);
        loop {
            // What leaves is counted once it has left: what was counted before this look is in it.
            let (came, ended) = self.balance();
            let left = self.take();
            if left.is_empty() && [came, ended] == [self.sent; 2] {
                return all;
            }
            assert!(Instant::now() < end, "packets stay under way: {} {came} {ended}", self.sent);
            for out in left {
                match parse(&out.bytes, false) {
                    Ok(Parsed::Arp(arp)) => {
                        let queue = self.below(self.readers.len());
                        let answer = arp_reply(arp.target.octets(), arp.sender.octets());
                        self.sent += 1;
                        self.wires[out.port][queue].inject(Frame::from_bytes(&answer)).unwrap();
                    }
                    _ => all.push(out),
                }
            }
        }
    }

    fn take(&self) -> Vec<Out> {
        let wires = self.wires.iter().enumerate().flat_map(|(port, queues)| queues.iter().map(move |wire| (port, wire)));
        wires
            .flat_map(|(port, wire)| std::iter::from_fn(|| wire.take()).map(move |frame| Out { port, bytes: frame.bytes().to_vec() }))
            .collect()
    }

    fn total(&self, count: impl Fn(&Reader) -> u64) -> u64 {
        self.readers.iter().map(count).sum()
    }

    fn balance(&self) -> (u64, u64) {
        let came = (0..self.wires.len()).map(|port| self.total(|reader| reader.port(port, PortCell::PacketsIn))).sum();
        (came, Reason::ALL.iter().map(|reason| self.count(*reason)).sum())
    }

    fn count(&self, reason: Reason) -> u64 {
        self.total(|reader| reader.total(reason))
    }

    fn drops(&self) -> Vec<(Reason, u64)> {
        let drops = Reason::ALL.iter().filter(|reason| !matches!(reason, Reason::Forwarded | Reason::Answered));
        drops.map(|reason| (*reason, self.count(*reason))).filter(|(_, count)| *count > 0).collect()
    }

    /// Ends the workers: no key is in two tables, and all are whose the directory says.
    fn stop(self) {
        assert!(!self.ids.ports.names().is_empty());
        let engines = self.dataplane.stop().unwrap();
        let mut owners = HashMap::new();
        for (worker, engine) in engines.iter().enumerate() {
            let table = &engine.flows().v4;
            for (original, reply) in table.scan(0, usize::MAX).1.map(|flow| table.keys(flow).unwrap()) {
                assert_eq!([owners.insert(original, worker), owners.insert(reply, worker)], [None, None]);
                let shared = engine.shared().unwrap();
                assert_eq!([&original, &reply].map(|key| shared.flows.owner(key).unwrap().0), [worker as u16; 2]);
            }
        }
        assert_eq!(engines[0].shared().unwrap().flows.len(), owners.len());
        let busy = engines.iter().filter(|engine| !engine.flows().is_empty()).count();
        assert_eq!(busy, engines.len(), "every worker has flows");
    }
}

fn arp_reply(owner: [u8; 4], asker: [u8; 4]) -> Vec<u8> {
    let own = mac(std::net::IpAddr::from(owner));
    let mut bytes = [GATEWAY.as_slice(), &own, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2], &own, &owner, &GATEWAY].concat();
    bytes.extend(asker);
    bytes
}

/// A host of the first subnet, and the port it sends from.
fn client(flow: u16) -> (String, u16) {
    (format!("10.0.1.{}", 4 + flow % 8), 10_000 + flow)
}

/// Half of the flows stay in the network, the others leave it.
fn server(flow: u16) -> (&'static str, u16) {
    (if flow.is_multiple_of(2) { B } else { INTERNET }, 53)
}

fn server_port(flow: u16) -> &'static str {
    if flow.is_multiple_of(2) { "b" } else { "internet" }
}

fn datagram(flow: u16, number: u32) -> Vec<u8> {
    let (host, port) = client(flow);
    udp((&host, port), server(flow), &[&flow.to_be_bytes()[..], &number.to_be_bytes()].concat())
}

/// Flow and number of a datagram.
fn content(bytes: &[u8]) -> (u16, u32) {
    let payload = &bytes[42..];
    (u16::from_be_bytes([payload[0], payload[1]]), u32::from_be_bytes([payload[2], payload[3], payload[4], payload[5]]))
}

/// What the far end answers: the same payload.
fn answer(bytes: &[u8]) -> Vec<u8> {
    let came = seen(bytes);
    udp((&came.destination.to_string(), came.ports.1), (&came.source.to_string(), came.ports.0), &bytes[42..])
}

const FLOWS: u16 = 400;

/// Several packets of each new flow at once, and the answers, each at any queue. What the servers got, by flow.
fn open_all(team: &mut Team) -> BTreeMap<u16, Vec<u8>> {
    // So many packets may not wait for a neighbour.
    for queue in 0..team.readers.len() {
        team.send_at("b", queue, &arp_reply([10, 0, 2, 4], [10, 0, 2, 1]));
        team.send_at("internet", queue, &arp_reply([198, 51, 100, 9], [0; 4]));
    }
    team.settle();
    for number in 0..4 {
        (0..FLOWS).for_each(|flow| team.send("a", &datagram(flow, number)));
    }
    let requests = team.settle();
    assert_eq!((requests.len(), team.drops()), (4 * usize::from(FLOWS), vec![]));
    for request in &requests {
        team.send(server_port(content(&request.bytes).0), &answer(&request.bytes));
    }
    let replies = team.settle();
    assert_eq!((replies.len(), team.drops()), (4 * usize::from(FLOWS), vec![]));
    for reply in &replies {
        let (host, port) = client(content(&reply.bytes).0);
        let (to, came) = (seen(&reply.bytes), server(content(&reply.bytes).0));
        assert_eq!((to.destination.to_string(), to.ports, to.source.to_string().as_str()), (host, (came.1, port), came.0));
    }
    requests.into_iter().map(|request| (content(&request.bytes).0, request.bytes)).collect()
}

#[test]
fn each_flow_is_one_workers_and_its_replies_find_it() {
    for workers in [2, 3] {
        let mut team = Team::start(workers);
        let requests = open_all(&mut team);
        assert_eq!(requests.len(), usize::from(FLOWS));
        assert_eq!(team.total(|reader| reader.scalar(Scalar::FlowsCreated)), u64::from(FLOWS));
        assert_eq!(team.total(|reader| reader.scalar(Scalar::Flows)), u64::from(FLOWS));
        assert!(team.readers.iter().all(|reader| reader.scalar(Scalar::FlowsCreated) > 0));
        team.stop();
    }
}

#[test]
fn packets_of_a_flow_arrive_in_order_through_whatever_queue() {
    let mut team = Team::start(2);
    open_all(&mut team);
    let queues: Vec<usize> = (0..FLOWS).map(|_| team.below(2)).collect();
    for number in 10..20 {
        (0..FLOWS).for_each(|flow| team.send_at("a", queues[usize::from(flow)], &datagram(flow, number)));
    }
    let mut last: HashMap<u16, u32> = HashMap::new();
    let left = team.settle();
    for (flow, number) in left.iter().map(|out| content(&out.bytes)) {
        assert_eq!(last.insert(flow, number).unwrap_or(9) + 1, number, "flow {flow}");
    }
    assert_eq!((left.len(), team.drops()), (10 * usize::from(FLOWS), vec![]));
    team.stop();
}

#[test]
fn errors_reach_whoever_sent_what_they_quote() {
    let mut team = Team::start(2);
    let requests = open_all(&mut team);
    for (flow, request) in requests.iter().take(80) {
        let came = seen(request);
        let (from, to) = (came.destination, came.source);
        let (std::net::IpAddr::V4(source), std::net::IpAddr::V4(destination)) = (from, to) else { panic!() };
        let mut bytes = Vec::new();
        let builder = PacketBuilder::ethernet2(mac(from), GATEWAY).ipv4(source.octets(), destination.octets(), 64);
        builder.icmpv4_raw(3, 3, [0; 4]).write(&mut bytes, &request[14..]).unwrap();
        team.send(server_port(*flow), &bytes);
    }
    let errors = team.settle();
    assert_eq!((errors.len(), team.drops()), (80, vec![]));
    for error in errors {
        let Ok(Parsed::Ip(Layout { transport_header: Transport::IcmpError(quoted), addresses, .. })) = parse(&error.bytes, false) else {
            panic!("no ICMP error: {:02x?}", error.bytes)
        };
        assert_eq!((quoted.addresses.source(), error.port), (addresses.destination(), team.ports["a"]));
        let flow = quoted.source_port - 10_000;
        assert_eq!(client(flow).0, addresses.destination().to_string(), "as its sender knows it");
    }
    team.stop();
}

/// The pieces of a datagram; the first ends behind eight bytes of payload.
fn pieces(flow: u16, identification: u16) -> [Vec<u8>; 3] {
    let (host, port) = client(flow);
    let whole = udp((&host, port), server(flow), &[7; 40]);
    let piece = |from: usize, to: usize| {
        let mut header = Ipv4Header::from_slice(&whole[14..34]).unwrap().0;
        header.identification = identification;
        header.fragment_offset = u16::try_from(from / 8).unwrap().try_into().unwrap();
        header.more_fragments = to < 48;
        header.set_payload_len(to - from).unwrap();
        header.header_checksum = header.calc_header_checksum();
        let mut bytes = whole[..14].to_vec();
        header.write(&mut bytes).unwrap();
        bytes.extend(&whole[34 + from..34 + to]);
        bytes
    };
    [piece(0, 16), piece(16, 32), piece(32, 48)]
}

#[test]
fn fragments_follow_their_first_through_whatever_queue() {
    let mut team = Team::start(2);
    open_all(&mut team);
    let rounds = 20;
    for round in 0..rounds {
        // Flows that are known and flows that the first fragment opens.
        let flows: Vec<u16> = (0..20).map(|flow| flow + 20 * round + FLOWS / 2).collect();
        let all: Vec<_> = flows.iter().map(|flow| pieces(*flow, 1000 + flow)).collect();
        all.iter().for_each(|[first, ..]| team.send("a", first));
        let firsts = team.settle().len();
        all.iter().flat_map(|[_, second, third]| [second, third]).for_each(|later| team.send("a", later));
        assert_eq!((firsts, team.settle().len(), team.drops()), (20, 40, vec![]), "round {round}");
    }
    // Where all come in at one queue, none waits for the first to be there.
    for flow in 0..40 {
        pieces(flow, 2000 + flow).iter().for_each(|piece| team.send_at("a", 0, piece));
    }
    assert_eq!((team.settle().len(), team.drops()), (120, vec![]));
    team.send("a", &pieces(1, 3000)[1]);
    team.settle();
    assert_eq!(team.drops(), [(Reason::FragmentWithoutFirst, 1)]);
    team.stop();
}

#[test]
fn a_neighbour_answers_one_worker_and_all_know() {
    let mut team = Team::start(3);
    // Each worker asks for itself; the answers all come in at one queue.
    for queue in 0..3 {
        team.send_at("a", queue, &datagram(2 * queue as u16, 0));
    }
    let (mut left, end) = (Vec::new(), Instant::now() + PATIENCE);
    while left.len() < 3 {
        assert!(Instant::now() < end, "somebody still waits");
        for out in team.take() {
            match parse(&out.bytes, false) {
                Ok(Parsed::Arp(arp)) => team.send_at("b", 1, &arp_reply(arp.target.octets(), arp.sender.octets())),
                _ => left.push(out),
            }
        }
    }
    // Its last answers have arrived. It moves to another card, and says so once.
    team.settle();
    let mut moved = arp_reply([10, 0, 2, 4], [10, 0, 2, 1]);
    moved[27] = 0x77;
    team.send_at("b", 2, &moved);
    let ports = team.ports["b"];
    let end = Instant::now() + PATIENCE;
    for queue in (0..3).cycle() {
        assert!(Instant::now() < end, "somebody sends to the old card");
        team.send_at("a", queue, &datagram(2 * queue as u16, 1));
        let macs: Vec<u8> = team.settle().iter().filter(|out| out.port == ports).map(|out| out.bytes[5]).collect();
        left.clear();
        if macs == [0x77] && queue == 2 {
            break;
        }
    }
    for queue in 0..3 {
        team.send_at("a", queue, &datagram(2 * queue as u16, 2));
    }
    assert!(team.settle().iter().all(|out| out.bytes[5] == 0x77));
    team.stop();
}

#[test]
fn a_reload_reaches_all_workers_and_their_flows() {
    let mut team = Team::start(2);
    open_all(&mut team);
    let refusing = NETWORK.replace("defaultOutboundAddress: 192.0.2.1", "defaultOutboundAddress: 192.0.2.7");
    let snapshot = compile::compile(&network(&refusing), &mut team.ids, 2).unwrap();
    team.dataplane.publish(Arc::new(snapshot)).unwrap();
    for flow in 0..FLOWS {
        team.send("a", &datagram(flow, 30));
    }
    let left = team.settle();
    assert_eq!((left.len(), team.drops()), (usize::from(FLOWS), vec![]));
    let translated = left.iter().filter(|out| out.port == team.ports["internet"]);
    assert!(translated.into_iter().all(|out| seen(&out.bytes).source.to_string() == "192.0.2.1"), "open flows keep their source");
    let port = PortId(team.ports["b"] as u16);
    assert_eq!(team.dataplane.detach(port).unwrap().len(), 2, "a queue of each worker");
    team.send("a", &datagram(0, 31));
    team.settle();
    assert_eq!(team.drops(), [(Reason::DestinationUnknown, 1)]);
    team.stop();
}
