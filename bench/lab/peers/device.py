"""What all devices have in common."""

from lab import processes
from lab.network import MAC, Network
from lab.processes import Child


class Device:
    """Between two hosts. `about` says in a line what it is; `huge_pages` how many pages of 2 MiB it takes while it is there."""

    about = ""
    huge_pages = 0
    # Frames that go to the link-layer address of the other host pass; otherwise the device is a router with an address of its own.
    client_gateway, server_gateway = MAC["s0"], MAC["c0"]

    def __init__(self, name, tools):
        self.name, self.tools = name, tools
        self.network = Network(name)
        self.children = []
        self.servers = []

    def up(self):
        """Makes namespaces, the device, the hosts and their servers."""
        self.network.make()
        self.start()
        self.network.hosts(self.client_gateway, self.server_gateway)
        self.finish()
        for command in ("echo", "accept"):
            words = self.network.words(self.network.server, self.tools.lab, command)
            server = Child(words, self.log(command), core=processes.TRAFFIC_CORE)
            self.servers.append(server)
            server.wait_for_word("ready")

    def start(self):
        """Makes links and device."""
        raise NotImplementedError

    def finish(self):
        """What can be done only when the hosts have their links."""

    def down(self):
        for child in reversed(self.children + self.servers):
            child.stop()
        self.children, self.servers = [], []
        self.network.remove()

    def freeze(self):
        for child in self.children + self.servers:
            child.freeze()

    def thaw(self):
        for child in self.children + self.servers:
            child.thaw()

    def run(self, command, core=processes.DEVICE_CORE, environment=None):
        """Starts a process of the device in the middle namespace."""
        child = Child(self.network.words(self.network.middle, *command), self.log(len(self.children)), core=core, environment=environment)
        self.children.append(child)
        return child

    def log(self, what):
        return self.tools.scratch / f"{self.name}-{what}.log"

    def dead(self):
        """Why it can no longer be measured, if so."""
        for child in self.children:
            if not child.is_alive():
                return f"{child.name()} ended with status {child.process.returncode}: {child.complaint()}"
        return None

    def nanoseconds(self):
        """Processor time that it has taken: that of its processes, or where the kernel itself is the device, of its core."""
        if not self.children:
            return processes.core_nanoseconds(processes.DEVICE_CORE)
        return sum(child.nanoseconds() for child in self.children)


def rule_sources(number):
    """Source prefixes of `number` rules, none of which the traffic matches: 172.16.0.0/28 and on."""
    for index in range(number):
        block = index * 16
        yield f"172.{16 + (block >> 16)}.{block >> 8 & 255}.{block & 255}/28"
