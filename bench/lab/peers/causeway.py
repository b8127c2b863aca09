"""causeway itself: a virtual network of ten subnets with an NSG, its client behind one port, the internet behind the other."""

import http.client
import json
import os
import socket

from benchlib import Failure
from lab import processes
from lab.network import CLIENT_NETWORK, PUBLIC, SERVER_NETWORK, SUBNETS
from lab.peers.device import Device, rule_sources

# An Azure NSG has no more (docs/codes/LIMIT_EXCEEDED.md).
RULES_OF_A_GROUP = 1000
GATEWAY = "12:34:56:78:9a:bc"


class Causeway(Device):
    """`rules` NSG rules, the last of which matches; more than an NSG may have are an NSG of 1,000 for each of the ten subnets.
    Sources are translated to a public address. `xdp`: on veth pairs through AF_XDP instead of TAPs."""

    client_gateway = server_gateway = GATEWAY

    def __init__(self, name, tools, rules=1000, busy_poll=False, coalesce=True, workers=1, xdp=False):
        super().__init__(name, tools)
        self.rules, self.busy_poll, self.coalesce, self.workers, self.xdp = rules, busy_poll, coalesce, workers, xdp
        self.file = tools.scratch / f"{name}.yaml"
        self.socket = tools.scratch / f"{name}.sock"

    def start(self):
        self.refuse_what_is_not_offered()
        if self.xdp:
            self.network.veth_pairs()
            self.network.plain_frames()
        self.file.write_text(network_file(self.rules, self.xdp))
        command = [self.tools.causeway, "run", self.file, "--socket", self.socket, "--workers", self.workers]
        command += ["--busy-poll"] if self.busy_poll else []
        command += ["--no-coalesce"] if not self.coalesce and self.tools.offers("--no-coalesce") else []
        every_core = {processes.TRAFFIC_CORE, processes.DEVICE_CORE}
        child = self.run(command, core=processes.DEVICE_CORE if self.workers == 1 else every_core)
        child.wait_for(self.answers)
        if not self.xdp:
            self.network.hand_out()
        self.place_threads(child)

    def refuse_what_is_not_offered(self):
        if self.xdp and not self.tools.offers_xdp():
            raise Failure("this build has no AF_XDP ports (`mode: xdp`)")

    def place_threads(self, child):
        """The worker has the device's core for itself; what reads files and answers clients runs where the traffic programs do."""
        if self.workers > 1:
            return
        for number, name in child.threads():
            if not name.startswith("worker"):
                os.sched_setaffinity(number, {processes.TRAFFIC_CORE})

    def answers(self):
        try:
            return self.ask("GET", "/v1/status") is not None
        except OSError:
            return False

    def reload(self):
        """Whether the file was read again and is in force."""
        return bool(self.ask("POST", "/v1/reload")["reloaded"])

    def ask(self, method, path):
        """The daemon's answer on its socket."""
        connection = http.client.HTTPConnection("causeway", timeout=processes.PATIENCE)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.settimeout(processes.PATIENCE)
            connection.sock.connect(str(self.socket))
            connection.request(method, path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


def network_file(rules, xdp=False):
    """The network, as a user would write it."""
    groups = [f"g{number}" for number in range(max(1, -(-rules // RULES_OF_A_GROUP)))]
    subnets = [
        f"      - {{ name: s{number}, addressPrefix: 10.91.{number}.0/24, networkSecurityGroup: {groups[number % len(groups)]} }}" for number in range(SUBNETS)
    ]
    ports = [("client", "c0", "d0", "lab"), ("server", "s0", "d1", "internet")]
    lines = [
        "virtualNetworks:", "  - name: lab", f"    addressPrefixes: [{CLIENT_NETWORK}]", f"    defaultOutboundAddress: {PUBLIC}", "    subnets:", *subnets,
        "networkSecurityGroups:", *[line for group in groups for line in group_lines(group, min(rules, RULES_OF_A_GROUP))], "ports:",
    ]
    for name, tap, interface, attach in ports:
        device = f"interface: {interface}, mode: xdp" if xdp else f"tap: {tap}"
        lines.append(f"  - {{ name: {name}, {device}, attach: {attach} }}")
    return "\n".join(lines) + "\n"


def group_lines(name, rules):
    """An NSG whose last rule is the only one that the traffic matches."""
    yield f"  - name: {name}"
    yield "    securityRules:"
    for index, source in enumerate(rule_sources(rules - 1)):
        access, protocol = ("Deny", "Allow", "Allow")[index % 3], ("Tcp", "Udp")[index % 2]
        low = 1000 + index % 5000
        yield (
            f"      - {{ name: r{index}, priority: {100 + index}, direction: Outbound, access: {access}, protocol: {protocol}, sourceAddressPrefix: {source}, "
            f"sourcePortRange: 1024-65535, destinationAddressPrefix: {SERVER_NETWORK}, destinationPortRange: {low}-{low + 9} }}"
        )
    yield (
        f"      - {{ name: last, priority: 4096, direction: Outbound, access: Allow, protocol: '*', sourceAddressPrefix: {CLIENT_NETWORK}, "
        f"sourcePortRange: '*', destinationAddressPrefix: {SERVER_NETWORK}, destinationPortRange: '*' }}"
    )
