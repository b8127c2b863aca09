"""Open vSwitch with its userspace datapath, a database and a switch of its own for each device."""

import os
import shutil
import time

from benchlib import Failure
from lab import processes
from lab.network import SERVER_NETWORK
from lab.peers.device import Device, rule_sources

PLAIN, WITH_DPDK = "/usr/lib/openvswitch-switch/ovs-vswitchd", "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class OpenVSwitch(Device):
    """`port`: tap (internal ports of the userspace datapath), or dpdk (DPDK's af_packet driver on veth pairs, polled)."""

    def __init__(self, name, tools, port, super_frames=False, rules=0):
        super().__init__(name, tools)
        self.port, self.super_frames, self.rules = port, super_frames, rules
        self.needs_dpdk = port == "dpdk" or super_frames
        self.memory = 1024 if port == "dpdk" else 256
        self.huge_pages = self.memory // 2 if self.needs_dpdk else 0

    def start(self):
        switch = WITH_DPDK if self.needs_dpdk else PLAIN
        for needed in (switch, SCHEMA):
            if not os.path.exists(needed):
                raise Failure(f"{needed} is not installed: scripts/setup bench")
        if self.port == "dpdk":
            self.network.veth_pairs()
            self.network.plain_frames()
        self.start_database()
        self.start_switch(switch)
        self.make_bridge()
        if self.port == "tap":
            self.network.hand_out()

    def start_database(self):
        self.home = self.tools.scratch / f"{self.name}-run"
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()
        home = str(self.home)
        self.environment = {**os.environ, "OVS_RUNDIR": home, "OVS_DBDIR": home, "OVS_LOGDIR": home, "RUNTIME_DIRECTORY": home}
        self.database = self.home / "db.sock"
        processes.run(["ovsdb-tool", "create", f"{home}/conf.db", SCHEMA], environment=self.environment)
        words = ["ovsdb-server", f"{home}/conf.db", f"--remote=punix:{self.database}", f"--unixctl={home}/db.ctl"]
        self.run(words, environment=self.environment).wait_for(self.database.exists)
        self.configure("--no-wait", "init")

    def start_switch(self, switch):
        if self.needs_dpdk:
            main_core = processes.TRAFFIC_CORE if self.port == "dpdk" else processes.DEVICE_CORE
            self.configure(
                "--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                f"other_config:dpdk-extra=--no-pci --no-telemetry --file-prefix=cwbench-{self.name}", f"other_config:dpdk-socket-mem={self.memory}",
                f"other_config:pmd-cpu-mask={1 << processes.DEVICE_CORE:x}", f"other_config:dpdk-lcore-mask={1 << main_core:x}",
                f"other_config:userspace-tso-enable={'true' if self.super_frames else 'false'}",
            )
        # With polled ports the switch places its threads itself.
        core = {processes.TRAFFIC_CORE, processes.DEVICE_CORE} if self.port == "dpdk" else processes.DEVICE_CORE
        control = self.home / "switch.ctl"
        words = [switch, f"unix:{self.database}", f"--unixctl={control}", f"--log-file={self.home}/switch.log"]
        self.run(words, core=core, environment=self.environment).wait_for(control.exists)

    def make_bridge(self):
        self.configure("add-br", "lab", "--", "set", "bridge", "lab", "datapath_type=netdev", "fail-mode=secure")
        for number, tap in ((1, "c0"), (2, "s0")):
            if self.port == "tap":
                name, kind = tap, ["type=internal"]
            else:
                name, kind = f"p{number}", ["type=dpdk", f"options:dpdk-devargs=net_af_packet{number},iface=d{number - 1}"]
            self.configure("add-port", "lab", name, "--", "set", "interface", name, *kind, f"ofport_request={number}")
        errors = [line for line in self.configure("--bare", "--columns=error", "list", "interface").splitlines() if line.strip()]
        if errors:
            raise Failure(f"ovs-vswitchd: {errors[0]}")
        management = f"unix:{self.home}/lab.mgmt"
        self.network.inside(self.network.middle, "ovs-ofctl", "add-flows", management, "-", text="\n".join(self.flows()) + "\n", environment=self.environment)
        time.sleep(0.3)

    def configure(self, *words):
        command = ["ovs-vsctl", f"--db=unix:{self.database}", "--timeout=20", *words]
        return self.network.inside(self.network.middle, *command, environment=self.environment)

    def flows(self):
        """Forwarding alone; or connection tracking, where the first packet of a connection meets the rules."""
        if not self.rules:
            return ["in_port=1 actions=output:2", "in_port=2 actions=output:1"]
        flows = [
            "table=0,priority=10,ip actions=ct(table=1)",
            "table=1,priority=40000,ct_state=+trk+est,ip,in_port=1 actions=2",
            "table=1,priority=40000,ct_state=+trk+est,ip,in_port=2 actions=1",
            f"table=1,priority=5,ct_state=+trk+new,ip,nw_src=10.91.0.0/16,nw_dst={SERVER_NETWORK},in_port=1 actions=ct(commit),output:2",
        ]
        for index, source in enumerate(rule_sources(self.rules - 1)):
            match = f"{('tcp', 'udp')[index % 2]},nw_src={source},nw_dst={SERVER_NETWORK},tp_dst={1000 + index % 5000}"
            flows.append(f"table=1,priority={30000 - index},ct_state=+trk+new,{match} actions=drop")
        return flows
