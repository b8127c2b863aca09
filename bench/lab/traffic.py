"""One measurement of one device, which is up and awake. Each gives a dictionary of figures; what a device cannot do is a Failure."""

import contextlib
import json
import os
import re
import threading
import time

from benchlib import Failure
from lab import processes
from lab.network import ORIGIN, TARGET
from lab.processes import TRAFFIC_CORE, Child, run

# An Ethernet frame of 60 bytes: 14 of header, 20 of IPv4, 8 of UDP, 18 of payload (bench/lab/programs/send.rs).
PAYLOAD, IP_AND_UDP = 18, 28
FIRST_PORT, LAST_PORT = 9000, 9007
# Frames still on their way when the generator has ended.
DRAIN = 0.15
# Datagrams a second while flows are made: each is to be answered, and none to be lost.
PRIMING_RATE = 30_000
# Loss below which a rate counts as loss-free: one frame in a thousand (RFC 2544 asks for none, which no scheduler gives).
TOLERANCE = 0.001
BISECTIONS = 7


# --- TCP ---


def tcp(device, seconds, streams):
    """iperf3: bits a second that arrived, and processor time of the device for them."""
    network = device.network
    server = Child(network.words(network.server, "iperf3", "-s", "-1", "-B", TARGET, "--forceflush"), device.log("iperf3"), core=TRAFFIC_CORE)
    try:
        server.wait_for_word("listening")
        before = device.nanoseconds()
        command = ["iperf3", "-c", TARGET, "-B", ORIGIN, "-t", max(1, round(seconds)), "-P", streams, "-J"]
        said = network.inside(network.client, *command, core=TRAFFIC_CORE, check=False, timeout=seconds + 15)
        used = device.nanoseconds() - before
    finally:
        server.stop()
    result = json.loads(said or "{}")
    if "sum_received" not in result.get("end", {}):
        raise Failure(f"iperf3: {result.get('error', 'no result')}")
    received = result["end"]["sum_received"]
    gigabits = received["bytes"] * 8 / 1e9
    return {
        "gigabitsPerSecond": received["bits_per_second"] / 1e9,
        "retransmits": result["end"]["sum_sent"].get("retransmits"),
        "deviceMillisecondsPerGigabit": used / 1e6 / gigabits if gigabits else None,
    }


# --- packets ---


@contextlib.contextmanager
def dropping(network, namespace, interface, side):
    """Counts what arrives at an interface from (`sport`) or for (`dport`) the server's ports, and drops it there: for each an skb was built
    and handed to the stack. At the client this keeps answers to nobody from being refused. Yields a function that gives the datagrams so far."""
    table = f"""table netdev lab {{
  counter arrived {{ }}
  chain ingress {{
    type filter hook ingress device {interface} priority 0;
    udp {side} {FIRST_PORT}-{LAST_PORT} counter name arrived drop
  }}
}}
"""
    network.inside(namespace, "nft", "-f", "-", text=table)

    def datagrams():
        said = network.inside(namespace, "nft", "list", "counter", "netdev", "lab", "arrived")
        packets, length = map(int, re.search(r"packets (\d+) bytes (\d+)", said).groups())
        # A super-frame is one packet with one header; all payloads have the same length.
        return (length - IP_AND_UDP * packets) // PAYLOAD

    try:
        yield datagrams
    finally:
        network.inside(namespace, "nft", "delete", "table", "netdev", "lab", check=False)


def counting(device):
    """At the server."""
    return dropping(device.network, device.network.server, "s0", "dport")


def send(device, seconds, flows, segments, rate=None):
    """Runs the generator; what it says."""
    command = [device.tools.lab, "send", "--flows", flows, "--segments", segments, "--seconds", f"{seconds:.3f}"]
    command += ["--rate", f"{rate:.0f}"] if rate else []
    command += ["--gateway", device.client_gateway]
    return json.loads(device.network.inside(device.network.client, *command, core=TRAFFIC_CORE, timeout=seconds + 30))


def prime(device, flows, segments):
    """Has every flow answered, so that those who track connections know them, and every neighbour found."""
    datagrams = max(flows, 64) * segments
    with dropping(device.network, device.network.client, "c0", "sport"):
        for _ in range(2):
            send(device, datagrams / PRIMING_RATE + 0.03, flows, segments, rate=PRIMING_RATE)
            time.sleep(0.05)


def flood(device, datagrams, seconds, flows, segments, rate=None):
    """Sends and counts."""
    count, used, began = datagrams(), device.nanoseconds(), time.monotonic()
    sent = send(device, seconds, flows, segments, rate)
    used, elapsed = device.nanoseconds() - used, time.monotonic() - began
    time.sleep(DRAIN)
    arrived = datagrams() - count
    if not arrived:
        raise Failure(device.dead() or "no packet arrived")
    return {
        "packetsPerSecond": arrived / sent["seconds"],
        "sentPerSecond": sent["sent"] / sent["seconds"],
        "sent": sent["sent"],
        "lost": max(0, sent["sent"] - arrived),
        "nanosecondsPerPacket": used / arrived,
        "deviceShare": used / 1e9 / elapsed,
    }


def packets(device, seconds, flows=8, segments=32, whole=False):
    """As many frames of 60 bytes as go through, flat out. `whole`: super-frames (USO) stay whole, and count as their datagrams."""
    offload(device, whole)
    try:
        prime(device, flows, segments)
        with counting(device) as datagrams:
            flood(device, datagrams, 0.1, flows, segments)
            return flood(device, datagrams, seconds, flows, segments)
    finally:
        offload(device, False)


def offload(device, on):
    device.network.inside(device.network.client, "ethtool", "-K", "c0", "tx-udp-segmentation", "on" if on else "off", check=False)


def loss_free(device, seconds):
    """The highest rate at which all but one frame in a thousand arrive, by bisection below the flat-out rate."""
    flows, segments = 8, 8
    offload(device, False)
    prime(device, flows, segments)
    with counting(device) as datagrams:
        low, high = 0.0, 1.2 * flood(device, datagrams, 0.3, flows, segments)["packetsPerSecond"]
        for _ in range(BISECTIONS):
            rate = (low + high) / 2
            run_of = flood(device, datagrams, max(0.2, seconds / 4), flows, segments, rate)
            if run_of["lost"] <= TOLERANCE * run_of["sent"]:
                low = rate
            else:
                high = rate
    return {"packetsPerSecond": low}


# --- round trips, connections, reloads ---


def round_trip(device, seconds):
    """Microseconds from a datagram of 64 bytes to its echo, one at a time. The hosts' core does not halt meanwhile: to wake it takes as long
    as a polling device takes for the whole way, and whether it has to be woken is a race that a microsecond decides. `halting`: the
    median where it does halt."""
    # First: a core that was kept awake takes a while to fall back into its habit.
    halting = ping(device, seconds / 2)
    with processes.kept_awake(TRAFFIC_CORE) as awake:
        said = ping(device, seconds) if awake else halting
    times = {name: said[name] / 1000 for name in ("p50", "p90", "p99", "p999")}
    return {**times, "halting": halting["p50"] / 1000, "count": said["count"], "lost": said["lost"]}


def ping(device, seconds):
    command = [device.tools.lab, "ping", "--seconds", f"{seconds:.3f}"]
    return json.loads(device.network.inside(device.network.client, *command, core=TRAFFIC_CORE, timeout=seconds + 30))


def connects(device, seconds):
    """TCP connections a second, opened and closed, 64 at a time."""
    command = [device.tools.lab, "connect", "--seconds", f"{seconds:.3f}"]
    used = device.nanoseconds()
    said = json.loads(device.network.inside(device.network.client, *command, core=TRAFFIC_CORE, timeout=seconds + 30))
    used = device.nanoseconds() - used
    if not said["connects"]:
        raise Failure("no connection came about")
    return {
        "connectsPerSecond": said["connects"] / said["seconds"],
        "failed": said["failed"],
        "nanosecondsPerConnect": used / said["connects"],
    }


def reloads(device, seconds, per_second=100):
    """Packets lost while causeway reads its file again and again, each time with a rule changed, and without that; same rate."""
    text = device.file.read_text()
    variants = [text, text.replace("name: r0, priority: 100, direction: Outbound, access: Deny", "name: r0, priority: 100, direction: Outbound, access: Allow")]
    if variants[0] == variants[1]:
        raise Failure("there is no rule to change")
    offload(device, False)
    prime(device, 8, 32)
    with counting(device) as datagrams:
        # A tenth of what goes through flat out: a queue before the device holds what comes in some milliseconds, and a virtual
        # machine that is held up for longer loses packets whoever forwards them.
        rate = flood(device, datagrams, 0.2, 8, 32)["packetsPerSecond"] / 10
        prime(device, 8, 32)
        quiet = flood(device, datagrams, seconds, 8, 32, rate)
        prime(device, 8, 32)
        done = Reloading(device, variants, per_second)
        with done:
            busy = flood(device, datagrams, seconds, 8, 32, rate)
    device.file.write_text(text)
    device.reload()
    if not done.count:
        raise Failure(f"no reload came about: {done.failure}")
    return {
        "lostWithReloads": busy["lost"], "lostWithout": quiet["lost"], "sent": busy["sent"], "packetsPerSecond": busy["packetsPerSecond"],
        "reloadsPerSecond": done.count / done.seconds,
    }


class Reloading:
    """Reloads on a thread of its own, while the block lasts."""

    def __init__(self, device, variants, per_second):
        self.device, self.variants, self.period = device, variants, 1 / per_second
        self.count, self.seconds, self.failure = 0, 0.0, None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.go_on, daemon=True)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(processes.PATIENCE)

    def go_on(self):
        began = due = time.monotonic()
        unfinished = self.device.file.with_suffix(".new")
        while not self.over.wait(max(0.0, due - time.monotonic())):
            due = max(due + self.period, time.monotonic() - 10 * self.period)
            unfinished.write_text(self.variants[(self.count + 1) % 2])
            os.replace(unfinished, self.device.file)
            try:
                if not self.device.reload():
                    self.failure = "the daemon kept its old file"
                    break
            except (OSError, ValueError) as error:
                self.failure = str(error)
                break
            self.count += 1
        self.seconds = time.monotonic() - began
