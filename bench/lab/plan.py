"""Who takes part in which test, and which ratios are asked for."""

from dataclasses import dataclass
from typing import Callable

from lab import traffic
from lab.peers import BareCopy, Causeway, InMemory, Kernel, OpenVSwitch, Testpmd


@dataclass(frozen=True)
class Peer:
    """A device, and how it is made from its name and the tools."""

    about: str
    make: Callable


PEERS = {
    "causeway": Peer("causeway on TAPs, one worker, NSG of 1,000 rules, source translation", Causeway),
    "causeway-uncoalesced": Peer("the same, frames sent one by one (--no-coalesce)", lambda *of: Causeway(*of, coalesce=False)),
    "causeway-poll": Peer("the same as causeway, busy polling", lambda *of: Causeway(*of, busy_poll=True)),
    "causeway-2": Peer("the same as causeway, two workers, which share both cores with the traffic programs", lambda *of: Causeway(*of, workers=2)),
    "causeway-10": Peer("the same with 10 rules, for flows and rules without coalescing", lambda *of: Causeway(*of, rules=10, coalesce=False)),
    "causeway-10000": Peer("the same with 10,000 rules: an NSG of 1,000 for each of ten subnets", lambda *of: Causeway(*of, rules=10_000, coalesce=False)),
    "causeway-xdp": Peer("causeway on veth pairs through AF_XDP, busy polling", lambda *of: Causeway(*of, busy_poll=True, xdp=True)),
    "causeway-memory": Peer("causeway's workers between ports in memory", InMemory),
    "copy": Peer("bare copy from TAP to TAP, same offloads", BareCopy),
    "copy-poll": Peer("the same, busy polling", lambda *of: BareCopy(*of, busy_poll=True)),
    "kernel": Peer("kernel routing on veth pairs", Kernel),
    "nftables": Peer("kernel routing, nftables with connection tracking, 1,000 rules, source translation", lambda *of: Kernel(*of, rules=1000)),
    "ovs": Peer("Open vSwitch userspace datapath on TAPs, connection tracking, 1,000 rules", lambda *of: OpenVSwitch(*of, "tap", rules=1000)),
    "ovs-tso": Peer("Open vSwitch userspace datapath on TAPs with TSO, forwarding only", lambda *of: OpenVSwitch(*of, "tap", super_frames=True)),
    "ovs-dpdk": Peer("Open vSwitch with DPDK on AF_PACKET, busy polling, connection tracking, 1,000 rules", lambda *of: OpenVSwitch(*of, "dpdk", rules=1000)),
    "testpmd-xdp": Peer("DPDK testpmd on AF_XDP, busy polling", lambda *of: Testpmd(*of, "af_xdp")),
    "testpmd-packet": Peer("DPDK testpmd on AF_PACKET, busy polling", lambda *of: Testpmd(*of, "af_packet")),
    "testpmd-tap": Peer("DPDK testpmd on TAPs, busy polling", lambda *of: Testpmd(*of, "tap")),
}


@dataclass(frozen=True)
class Test:
    """`measure` takes a device and seconds; `figure` is the one of its figures that tables show, in `unit` after division by `scale`."""

    about: str
    measure: Callable
    peers: tuple
    figure: str
    unit: str
    scale: float = 1.0
    digits: int = 2


_TCP = ("causeway", "copy", "nftables", "ovs-tso", "kernel", "ovs", "testpmd-xdp")
_RULES = ("causeway-10", "causeway-uncoalesced", "causeway-10000")


def _flows(number):
    return Test(
        f"60-byte frames flat out, each of another flow: {number:,} in all", lambda device, seconds: traffic.packets(device, seconds, flows=number, segments=1),
        ("causeway-uncoalesced",), "packetsPerSecond", "M/s", 1e6, 3,
    )


TESTS = {
    "tcp-1": Test("TCP throughput, 1 stream", lambda device, seconds: traffic.tcp(device, 2 * seconds, 1), _TCP, "gigabitsPerSecond", "Gbit/s"),
    "tcp-4": Test("TCP throughput, 4 streams", lambda device, seconds: traffic.tcp(device, 2 * seconds, 4), _TCP, "gigabitsPerSecond", "Gbit/s"),
    "packets": Test(
        "60-byte frames (64 on a wire) of 8 flows, flat out", traffic.packets,
        ("causeway", "copy", "causeway-uncoalesced", "nftables", "ovs", "causeway-poll", "copy-poll", "causeway-xdp", "testpmd-xdp", "kernel", "ovs-tso",
         "ovs-dpdk", "testpmd-packet", "testpmd-tap", "causeway-2"), "packetsPerSecond", "M/s", 1e6, 3,
    ),
    "loss-free": Test(
        "60-byte frames at the highest rate without loss", traffic.loss_free, ("causeway", "copy", "nftables", "ovs", "kernel"), "packetsPerSecond", "M/s", 1e6, 3
    ),
    "datagrams": Test(
        "datagrams of 18 bytes in super-frames (UDP segmentation offload)",
        lambda device, seconds: traffic.packets(device, seconds, segments=64, whole=True), ("causeway", "copy"), "packetsPerSecond", "M/s", 1e6,
    ),
    "round-trip": Test(
        "round trip of a datagram of 64 bytes, p50", traffic.round_trip,
        ("causeway", "copy", "nftables", "ovs", "kernel", "causeway-poll", "copy-poll", "ovs-dpdk", "testpmd-xdp"), "p50", "µs", 1.0, 1,
    ),
    "connects": Test("TCP connections opened and closed", traffic.connects, ("causeway", "nftables", "copy", "ovs", "kernel"), "connectsPerSecond", "k/s", 1e3),
    "rules": Test(
        "60-byte frames flat out, by rules: 10, 1,000, 10,000",
        lambda device, seconds: traffic.packets(device, seconds, flows=640, segments=1), _RULES, "packetsPerSecond", "M/s", 1e6, 3,
    ),
    "rules-connects": Test("TCP connections by rules: 10, 1,000, 10,000", traffic.connects, _RULES, "connectsPerSecond", "k/s", 1e3),
    "flows-1": _flows(1),
    "flows-1000": _flows(1_000),
    "flows-100000": _flows(100_000),
    "reloads": Test("packets lost while the file is read again, up to 100 times a second", traffic.reloads, ("causeway",), "lostWithReloads", "packets", 1.0, 0),
    "workers": Test("two workers over one, ports in memory", lambda device, _: device.two_over_one(), ("causeway-memory",), "ratio", "times"),
}

# Names for several tests at once.
GROUPS = {"tcp": ("tcp-1", "tcp-4"), "flows": ("flows-1", "flows-1000", "flows-100000")}


@dataclass(frozen=True)
class Of:
    """A figure of a test, of one device or of the best of several."""

    test: str
    peers: tuple
    figure: str = ""

    def name(self):
        return self.figure or TESTS[self.test].figure


@dataclass(frozen=True)
class Row:
    """A figure to reach: `ours` over `theirs`, or less `theirs` where `difference` is set. `floor` and `aim` as the project set them;
    `smaller`: less is better."""

    what: str
    ours: Of
    theirs: Of | None
    floor: float
    aim: float
    smaller: bool = False
    difference: bool = False
    digits: int = 2
    unit: str = ""


def _over(what, test, ours, theirs, floor, aim, **more):
    figure = more.pop("figure", "")
    theirs = theirs if isinstance(theirs, tuple) else (theirs,)
    return Row(what, Of(test, (ours,), figure), Of(test, theirs, figure), floor, aim, **more)


ROWS = (
    _over("TCP, 1 stream, over the bare copy", "tcp-1", "causeway", "copy", 0.85, 0.97),
    _over("TCP, 4 streams, over the bare copy", "tcp-4", "causeway", "copy", 0.85, 0.97),
    _over("TCP, 1 stream, over the best of nftables and OVS with TSO", "tcp-1", "causeway", ("nftables", "ovs-tso"), 1.0, 1.2),
    _over("TCP, 4 streams, over the best of nftables and OVS with TSO", "tcp-4", "causeway", ("nftables", "ovs-tso"), 1.0, 1.2),
    _over("packets, not coalesced, over the bare copy", "packets", "causeway-uncoalesced", "copy", 0.85, 0.95),
    _over("datagrams in super-frames, over the bare copy", "datagrams", "causeway", "copy", 0.8, 0.95),
    _over("packets, coalesced on egress, over the bare copy", "packets", "causeway", "copy", 1.0, 1.3),
    _over("packets over the best of nftables and OVS on TAPs", "packets", "causeway", ("nftables", "ovs"), 1.2, 1.4),
    _over("packets, AF_XDP, over testpmd on AF_XDP", "packets", "causeway-xdp", "testpmd-xdp", 0.9, 1.1),
    _over(
        "nanoseconds a packet, not coalesced, less the bare copy's", "packets", "causeway-uncoalesced", "copy", 250, 100, figure="nanosecondsPerPacket",
        smaller=True, difference=True, digits=0, unit="ns",
    ),
    _over("round trip p50, sleeping, over the bare copy", "round-trip", "causeway", "copy", 1.15, 1.05, smaller=True),
    _over("round trip p99, sleeping, over the bare copy", "round-trip", "causeway", "copy", 1.15, 1.05, smaller=True, figure="p99"),
    _over("round trip p50, busy polling, over the bare copy", "round-trip", "causeway-poll", "copy-poll", 1.15, 1.05, smaller=True),
    _over("round trip p99, busy polling, over the bare copy", "round-trip", "causeway-poll", "copy-poll", 1.15, 1.05, smaller=True, figure="p99"),
    _over("round trip p50, busy polling, over OVS-DPDK on AF_PACKET", "round-trip", "causeway-poll", "ovs-dpdk", 1.2, 1.0, smaller=True),
    _over("packets with 10,000 rules over 10", "rules", "causeway-10000", "causeway-10", 0.9, 0.98),
    Row(
        "packets with 100,000 flows over 1", Of("flows-100000", ("causeway-uncoalesced",)), Of("flows-1", ("causeway-uncoalesced",)), 0.9, 0.98
    ),
    _over("TCP connects over nftables", "connects", "causeway", "nftables", 1.0, 1.3),
    Row("two workers over one, ports in memory", Of("workers", ("causeway-memory",)), None, 1.7, 1.9),
    Row("packets lost while reloading, up to 100 times a second", Of("reloads", ("causeway",)), None, 0, 0, smaller=True, digits=0),
)
