"""A program that only copies frames from TAP to TAP: bench/lab/programs/forward.rs."""

from lab.peers.device import Device


class BareCopy(Device):
    """Same TAPs and offloads as causeway's, a read and a write a frame, nothing between."""

    def __init__(self, name, tools, busy_poll=False):
        super().__init__(name, tools)
        self.busy_poll = busy_poll

    def start(self):
        command = [self.tools.lab, "forward", "c0", "s0", *(["--busy-poll"] if self.busy_poll else [])]
        self.run(command).wait_for_word("ready")
        self.network.hand_out()
