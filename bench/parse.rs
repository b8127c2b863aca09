//! Reading headers, on one core: `cargo bench --bench parse`.

use std::hint::black_box;

use causeway::packet::parse::parse;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use etherparse::PacketBuilder;

const SOURCE: [u8; 6] = [2, 0, 0, 0, 0, 1];
const GATEWAY: [u8; 6] = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc];

fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let v4 = || PacketBuilder::ethernet2(SOURCE, GATEWAY).ipv4([10, 1, 0, 4], [10, 2, 0, 4], 64);
    let v6 = || PacketBuilder::ethernet2(SOURCE, GATEWAY).ipv6([0xfd; 16], [0xfe - 0x80; 16], 64);
    let payload = [0; 18];
    let mut all = [("UDP over IPv4", Vec::new()), ("TCP over IPv4", Vec::new()), ("UDP over IPv6", Vec::new())];
    let [(_, udp4), (_, tcp4), (_, udp6)] = &mut all;
    let built = v4()
        .udp(5000, 9000)
        .write(udp4, &payload)
        .and_then(|()| v4().tcp(5000, 9000, 1, 512).ack(9).write(tcp4, &payload))
        .and_then(|()| v6().udp(5000, 9000).write(udp6, &payload));
    assert!(built.is_ok());
    all.into()
}

fn parsing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    for (name, frame) in frames() {
        assert!(parse(&frame, false).is_ok(), "{name}");
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| bencher.iter(|| parse(black_box(&frame), false)));
    }
    group.finish();
}

criterion_group!(benches, parsing);
criterion_main!(benches);
