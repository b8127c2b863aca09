"""What stands between the hosts. A device is made by `up`, is measured while it runs, sleeps (SIGSTOP) while others are measured, and is
gone after `down`."""

from lab.peers.bare_copy import BareCopy
from lab.peers.causeway import Causeway
from lab.peers.in_memory import InMemory
from lab.peers.kernel import Kernel
from lab.peers.open_vswitch import OpenVSwitch
from lab.peers.testpmd import Testpmd

__all__ = ["BareCopy", "Causeway", "InMemory", "Kernel", "OpenVSwitch", "Testpmd"]
