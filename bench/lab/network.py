"""Two hosts with something between them.

    client c0  10.91.255.2, and 10.91.0.128 to 10.91.9.254  --[ device ]--  s0 198.51.100.2, and .128 to .254  server

The client stands for hosts in ten subnets, 10.91.0.0/24 to 10.91.9.0/24, so that senders can be told apart by address; the server has
many addresses, so that no pair of addresses runs out of ports (bench/lab/programs/addresses.rs draws from both). Neighbours are static: a
device that only moves frames needs no ARP, one that routes finds its own.
"""

import contextlib
import os
from pathlib import Path

from benchlib import Failure
from lab import processes
from lab.processes import run

PREFIX = "cwbench-"
SUBNETS = 10
MAC = {"c0": "02:91:00:00:01:02", "d0": "02:91:00:00:01:01", "d1": "02:91:00:00:02:01", "s0": "02:91:00:00:02:02"}
CLIENT, CLIENT_GATEWAY = "10.91.255.2", "10.91.255.1"
SERVER, SERVER_GATEWAY = "198.51.100.2", "198.51.100.1"
CLIENT_NETWORK, SERVER_NETWORK = "10.91.0.0/16", "198.51.100.0/24"
# What a translating device shows of the client.
PUBLIC, PUBLIC_NETWORK = "192.0.2.1", "192.0.2.0/24"
# The first of the server's addresses that traffic goes to, and of the client's that it comes from.
TARGET, ORIGIN = "198.51.100.128", "10.91.0.128"
HUGE_PAGES = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")


def sweep():
    """Namespaces that an earlier run left, because it was killed."""
    for line in run(["ip", "netns", "list"]).splitlines():
        name = line.split()[0]
        if name.startswith(PREFIX):
            run(["ip", "netns", "delete", name], check=False)


class Network:
    """The namespaces of one device: client, server, and the one in the middle in which devices are made."""

    def __init__(self, name):
        self.client, self.server, self.middle = (f"{PREFIX}{name}-{end}" for end in ("client", "server", "middle"))

    def namespaces(self):
        return (self.client, self.server, self.middle)

    def make(self):
        for namespace in self.namespaces():
            run(["ip", "netns", "add", namespace])
            # Nobody wants router solicitations between the frames that are counted.
            self.inside(namespace, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
            self.inside(namespace, "ip", "link", "set", "lo", "up")

    def remove(self):
        for namespace in self.namespaces():
            run(["ip", "netns", "delete", namespace], check=False)

    def inside(self, namespace, *command, **options):
        """Runs a command in a namespace; its output."""
        return run(self.words(namespace, *command), **options)

    @staticmethod
    def words(namespace, *command):
        return ["ip", "netns", "exec", namespace, *map(str, command)]

    # --- links ---

    def veth_pairs(self):
        """c0 to d0 and d1 to s0, with d0 and d1 in the middle."""
        for end, near, far in ((self.client, "c0", "d0"), (self.server, "s0", "d1")):
            run(["ip", "link", "add", near, "netns", end, "address", MAC[near], "type", "veth", "peer", "name", far, "netns", self.middle, "address", MAC[far]])
            self.inside(self.middle, "ip", "link", "set", far, "up")

    def hand_out(self):
        """Moves the TAPs that a device made in the middle to their hosts."""
        for device, namespace in (("c0", self.client), ("s0", self.server)):
            self.inside(self.middle, "ip", "link", "set", device, "netns", namespace)

    def plain_frames(self):
        """No offloads: for devices that take frames as they lie in memory, and would send unfinished checksums on."""
        for namespace, device in ((self.client, "c0"), (self.server, "s0"), (self.middle, "d0"), (self.middle, "d1")):
            self.inside(namespace, "ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off", "sg", "off", check=False)

    def receive_on(self, namespace, device, core):
        """Receive work of a device on one core (Documentation/networking/scaling.rst, RPS)."""
        self.inside(namespace, "sh", "-c", f"for queue in /sys/class/net/{device}/queues/rx-*; do echo {1 << core:x} > $queue/rps_cpus; done")

    # --- hosts ---

    def hosts(self, client_gateway, server_gateway):
        """Addresses and routes of both hosts; the arguments are the link-layer addresses that their frames go to."""
        ends = (
            (self.client, "c0", f"{CLIENT}/16", CLIENT_GATEWAY, client_gateway, [SERVER_NETWORK], [f"10.91.{subnet}.128/25" for subnet in range(SUBNETS)]),
            (self.server, "s0", f"{SERVER}/24", SERVER_GATEWAY, server_gateway, [CLIENT_NETWORK, PUBLIC_NETWORK], ["198.51.100.128/25"]),
        )
        for namespace, device, address, gateway, link_address, beyond, also in ends:
            self.inside(namespace, "ip", "link", "set", device, "address", MAC[device], check=False)
            self.inside(namespace, "ip", "link", "set", device, "up")
            self.inside(namespace, "ip", "address", "add", address, "dev", device)
            self.inside(namespace, "ip", "neighbour", "replace", gateway, "lladdr", link_address, "nud", "permanent", "dev", device)
            for network in beyond:
                self.inside(namespace, "ip", "route", "add", network, "via", gateway)
            for network in also:
                # All addresses of the prefix are the host's own: it answers ARP for them, and programs may bind to them.
                self.inside(namespace, "ip", "route", "add", "local", network, "dev", "lo")


@contextlib.contextmanager
def huge_pages(number):
    """As many 2 MiB pages as are asked for, for a while. What could not be had is a failure of who needs them, not of the run."""
    if not number or not HUGE_PAGES.exists():
        yield
        return
    before = HUGE_PAGES.read_text()
    try:
        HUGE_PAGES.write_text(str(int(before) + number))
        yield
    finally:
        HUGE_PAGES.write_text(before)


def need_root():
    """One line where this machine cannot."""
    if os.geteuid():
        raise Failure("needs root: it makes network namespaces and TAPs")
    if not Path("/dev/net/tun").exists():
        raise Failure("needs /dev/net/tun: load the kernel module tun")
    missing = {processes.TRAFFIC_CORE, processes.DEVICE_CORE} - os.sched_getaffinity(0)
    if missing:
        raise Failure("needs processor cores 0 and 1: traffic programs run on the first, devices on the second")
