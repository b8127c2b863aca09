"""DPDK's testpmd, which only moves frames between two ports, polling all the time: what DPDK reaches on these devices."""

import os
import time

from lab import processes
from lab.peers.device import Device


class Testpmd(Device):
    """`kind`: af_xdp or af_packet on veth pairs, or tap."""

    def __init__(self, name, tools, kind):
        super().__init__(name, tools)
        self.kind = kind

    def start(self):
        if self.kind == "tap":
            devices = ["--vdev=net_tap0,iface=c0,mac=fixed", "--vdev=net_tap1,iface=s0,mac=fixed"]
        else:
            self.network.veth_pairs()
            self.network.plain_frames()
            devices = [f"--vdev=net_{self.kind}{number},iface=d{number}" for number in (0, 1)]
        command = [
            "dpdk-testpmd", "-l", f"{processes.TRAFFIC_CORE},{processes.DEVICE_CORE}", f"--main-lcore={processes.TRAFFIC_CORE}", "--no-pci", "--no-huge",
            "-m", "512", "--no-telemetry", f"--file-prefix=cwbench-{self.name}", *devices,
            "--", "-i", "--nb-cores=1", "--forward-mode=io", "--total-num-mbufs=32768", "--auto-start",
        ]
        runtime = self.tools.scratch / f"{self.name}-run"
        runtime.mkdir(exist_ok=True)
        child = self.run(command, core={processes.TRAFFIC_CORE, processes.DEVICE_CORE}, environment={**os.environ, "RUNTIME_DIRECTORY": str(runtime)})
        child.wait_for_word("testpmd>")
        if self.kind == "tap":
            self.network.hand_out()
        # Its links are up a moment after its prompt.
        time.sleep(0.5)
