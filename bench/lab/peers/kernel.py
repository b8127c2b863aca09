"""The kernel as the device: routing, with nftables or without.

There is no process to pin. Receive packet steering puts the receive work of the device's interfaces, and so its forwarding, on the
device's core, and that of the hosts on the core of the traffic programs.
"""

from lab import processes
from lab.network import CLIENT, CLIENT_GATEWAY, MAC, PUBLIC, SERVER, SERVER_GATEWAY, SERVER_NETWORK
from lab.peers.device import Device, rule_sources


class Kernel(Device):
    """Routing between two veth pairs; with `rules` also connection tracking, a rule list and source translation by nftables."""

    client_gateway, server_gateway = MAC["d0"], MAC["d1"]

    def __init__(self, name, tools, rules=0):
        super().__init__(name, tools)
        self.rules = rules

    def start(self):
        self.network.veth_pairs()
        middle = lambda *words, **options: self.network.inside(self.network.middle, *words, **options)
        middle("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
        for device, gateway, host, length in (("d0", CLIENT_GATEWAY, CLIENT, 16), ("d1", SERVER_GATEWAY, SERVER, 24)):
            middle("ip", "address", "add", f"{gateway}/{length}", "dev", device)
            middle("ip", "neighbour", "replace", host, "lladdr", MAC["c0" if device == "d0" else "s0"], "nud", "permanent", "dev", device)
        # All other addresses of a host are behind its first one, whose neighbour entry is there.
        middle("ip", "route", "add", "10.91.0.0/17", "via", CLIENT, "dev", "d0")
        middle("ip", "route", "add", "198.51.100.128/25", "via", SERVER, "dev", "d1")
        if self.rules:
            middle("nft", "-f", "-", text=ruleset(self.rules), timeout=120)

    def finish(self):
        network = self.network
        for namespace, device, core in (
            (network.middle, "d0", processes.DEVICE_CORE),
            (network.middle, "d1", processes.DEVICE_CORE),
            (network.client, "c0", processes.TRAFFIC_CORE),
            (network.server, "s0", processes.TRAFFIC_CORE),
        ):
            network.receive_on(namespace, device, core)


def ruleset(rules):
    """Established connections pass at once; the first packet of another meets every rule and matches the last."""
    lines = []
    for index, source in enumerate(rule_sources(rules - 1)):
        protocol, verdict = ("tcp", "udp")[index % 2], ("drop", "accept", "accept")[index % 3]
        low = 1000 + index % 5000
        lines.append(f"ip saddr {source} ip daddr {SERVER_NETWORK} {protocol} sport 1024-65535 {protocol} dport {low}-{low + 9} {verdict}")
    listed = "\n    ".join(lines)
    return f"""table ip lab {{
  chain forward {{
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    {listed}
    ip saddr 10.91.0.0/16 ip daddr {SERVER_NETWORK} accept
  }}
  chain translate {{
    type nat hook postrouting priority 100;
    oifname d1 snat to {PUBLIC}
  }}
}}
"""
