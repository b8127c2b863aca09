"""Workers between ports in memory, whose queues are filled beforehand: no host, no TAP, only what a second worker brings."""

import json

import benchlib
from benchlib import Failure
from lab.peers.device import Device
from lab.processes import run

PATIENCE = 120


class InMemory(Device):
    """Runs `cargo bench --bench workers`, which takes turns between one worker and two itself."""

    def up(self):
        if not benchlib.has_bench("workers"):
            raise Failure("this package has no benchmark of several workers")
        self.program = benchlib.built("workers")

    def down(self):
        """There is nothing to take away."""

    def two_over_one(self):
        """Packets a second of two workers over those of one, of flows that each worker owns: by the clock, and by the time that the workers
        had on their cores."""
        for line in run([self.program, "--json"], timeout=PATIENCE).splitlines():
            said = json.loads(line)
            if said.get("case") == "own-flows":
                return {"ratio": said["ratio"], "cpuRatio": said["cpuRatio"]}
        raise Failure("the benchmark of several workers said nothing of own flows")
