"""All devices at once, each asleep while it is not measured, and tests in turns over them, round by round.

All are made at the start, in namespaces of their own. What is measured is then thawed, measured and frozen again: two devices that are
compared are measured within seconds of each other, and no device's start is part of a round.
"""

import contextlib
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchlib import Failure
from lab import network, processes
from lab.plan import PEERS, TESTS

# Settling after SIGCONT: timers that are due fire, and queues empty.
SETTLE = 0.05
SCRATCH = "cwbench."


class Tools:
    """The programs that devices and traffic need, and a place for files."""

    def __init__(self, lab, causeway, scratch):
        self.lab, self.causeway, self.scratch = str(lab), str(causeway), Path(scratch)
        self._help = self._schema = None

    def offers(self, option):
        """Whether `causeway run` has an option."""
        if self._help is None:
            self._help = processes.run([self.causeway, "run", "--help"])
        return option in self._help

    def offers_xdp(self):
        """Whether the network file knows AF_XDP ports."""
        if self._schema is None:
            self._schema = processes.run([self.causeway, "schema"])
        return '"xdp"' in self._schema


@contextlib.contextmanager
def tools(lab, causeway):
    """For a run that is the only one: what a killed one left is swept away."""
    network.sweep()
    for left in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)
    scratch = tempfile.mkdtemp(prefix=SCRATCH)
    try:
        yield Tools(lab, causeway, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class Bench:
    """A run: which tests over which peers, and what was measured so far."""

    def __init__(self, tests, peers, rounds, seconds, of, say):
        self.tests, self.peers, self.rounds, self.seconds, self.tools, self.say = tests, peers, rounds, seconds, of, say
        self.devices, self.refused, self.measurements = {}, {}, []

    def wanted(self, test):
        return [peer for peer in TESTS[test].peers if peer in self.peers]

    def measure(self):
        """Everything. Devices are gone afterwards, however it ends."""
        needed = list(dict.fromkeys(peer for test in self.tests for peer in self.wanted(test)))
        made = {name: PEERS[name].make(name, self.tools) for name in needed}
        with network.huge_pages(sum(device.huge_pages for device in made.values())):
            try:
                for name, device in made.items():
                    self.set_up(name, device)
                for number in range(self.rounds):
                    self.round(number)
            finally:
                for device in made.values():
                    self.take_down(device)
        return self.measurements

    def take_down(self, device):
        """One that does not go must not keep the others."""
        try:
            device.down()
        except (Failure, OSError) as failure:
            self.say(f"taking down {device.name}: {failure}")

    def set_up(self, name, device):
        self.say(f"making {name}")
        try:
            device.up()
            device.freeze()
            self.devices[name] = device
        except Failure as failure:
            self.refused[name] = str(failure)
            self.say(f"  {name}: {failure}")
            self.take_down(device)

    def round(self, number):
        for test in self.tests:
            # Every second round goes backwards: what drifts one way within a round evens out.
            order = self.wanted(test)
            for peer in order if number % 2 == 0 else reversed(order):
                self.one(number, test, peer)

    def one(self, number, test, peer):
        entry = {"round": number, "test": test, "peer": peer}
        try:
            entry |= self.figures(test, peer)
            shown = entry[TESTS[test].figure] / TESTS[test].scale
            self.say(f"round {number + 1} of {self.rounds}, {test}, {peer}: {shown:.{TESTS[test].digits}f} {TESTS[test].unit}")
        except (Failure, OSError, ValueError, KeyError) as failure:
            entry["error"] = str(failure) or type(failure).__name__
            self.say(f"round {number + 1} of {self.rounds}, {test}, {peer}: {entry['error']}")
        self.measurements.append(entry)

    def figures(self, test, peer):
        if peer in self.refused:
            raise Failure(self.refused[peer])
        device = self.devices[peer]
        if why := device.dead():
            raise Failure(why)
        device.thaw()
        try:
            time.sleep(SETTLE)
            return TESTS[test].measure(device, self.seconds)
        finally:
            device.freeze()


def to_stderr(line):
    print(line, file=sys.stderr, flush=True)
