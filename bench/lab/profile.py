"""Where a packet's time goes: causeway's worker sampled by perf while 60-byte frames come flat out.

Samples are of `cpu-clock`: virtual machines often have no hardware counters. A sample in the kernel is put down to the system call that it
is below, one in user space to the module of causeway that it is in.
"""

import json
import re
import shutil
import statistics
import subprocess
from collections import Counter

import benchlib
from benchlib import Failure
from lab import network, processes, traffic
from lab.plan import PEERS
from lab.processes import Child, run as run_command

FREQUENCY = 2500
# The first that is found anywhere in a sample's stack says where it belongs.
KERNEL = (
    ("write to the TAP", re.compile(r"\b(tun_chr_write_iter|(__x64_sys_|ksys_|vfs_)write)\b")),
    ("read from the TAP", re.compile(r"\b(tun_chr_read_iter|(__x64_sys_|ksys_|vfs_)read)\b")),
    ("epoll_wait", re.compile(r"\b(do_epoll_wait|ep_poll|__x64_sys_epoll_p?wait\w*)\b")),
    ("send and receive on sockets", re.compile(r"\b__sys_(send|recv)\w*\b")),
)
ENTRY = "system call entry and exit"
OTHER = "other kernel work (interrupts, scheduling)"
MODULE = re.compile(r"causeway::(\w+)(?:::([a-z]\w*))?")
KERNEL_ADDRESS = re.compile(r"^f{4}[0-9a-f]{12}$")


def run(tools, options):
    """Samples every way of causeway that is asked for; prints and keeps the result."""
    wanted = [name for name in (options.peers or "causeway-uncoalesced,causeway").split(",") if name in PEERS and name.startswith("causeway")]
    if not wanted:
        raise Failure("--profile is for causeway's own devices: see --list")
    if not shutil.which("perf"):
        raise Failure("perf is not installed: apt-get install linux-perf (Debian) or linux-tools-generic (Ubuntu)")
    network.sweep()
    found = {name: profiled(name, tools, max(2.0, 3 * options.seconds)) for name in wanted}
    result = {"schemaVersion": 1, "date": benchlib.today(), "machine": benchlib.machine(), "profiles": found}
    print(json.dumps(result) if options.json else text(result))
    benchlib.give(options.output / f"{result['date']}-lab-profile.json", json.dumps(result, indent=1) + "\n")
    return 0


def profiled(name, tools, seconds):
    device = PEERS[name].make(name, tools)
    try:
        device.up()
        recording = tools.scratch / f"{name}.perf"
        traffic.offload(device, False)
        traffic.prime(device, 8, 32)
        with traffic.counting(device) as datagrams:
            sampler = Child(record_command(device, recording, seconds), device.log("perf"), core=processes.TRAFFIC_CORE)
            try:
                rates = [traffic.flood(device, datagrams, seconds / 4, 8, 32)["packetsPerSecond"] for _ in range(4)]
                sampler.process.wait(seconds + processes.PATIENCE)
            except subprocess.TimeoutExpired as error:
                raise Failure(f"perf does not end: {sampler.complaint()}") from error
            finally:
                sampler.stop()
        if not recording.exists():
            raise Failure(f"perf recorded nothing: {sampler.complaint()}")
        return shares(recording, statistics.median(rates))
    finally:
        device.down()


def record_command(device, recording, seconds):
    pid = device.children[0].pid
    return ["perf", "record", "-e", "cpu-clock", "-F", str(FREQUENCY), "-g", "-p", str(pid), "-o", str(recording), "--", "sleep", f"{seconds:.1f}"]


def shares(recording, rate):
    """Nanoseconds of the worker for a packet, by place, and share of its time."""
    said = run_command(["perf", "script", "-i", str(recording), "-F", "comm,tid,ip,sym"], timeout=300)
    samples = [place for name, stack in stacks(said) if name.startswith("worker") and (place := placed(stack))]
    if not samples:
        raise Failure("perf took no sample of the worker")
    # Samples come only while the worker runs; asleep it costs nothing.
    counted = Counter(samples)
    return {"packetsPerSecond": rate, "samples": len(samples), "places": {place: count / len(samples) for place, count in counted.most_common()}}


def stacks(said):
    """(thread's name, [(address, symbol), …] from the innermost) of each sample of `perf script`."""
    for block in said.split("\n\n"):
        lines = [line for line in block.splitlines() if line.strip()]
        if len(lines) < 2:
            continue
        frames = [line.split(None, 1) for line in lines[1:]]
        yield lines[0].split()[0], [(frame[0], frame[1] if len(frame) > 1 else "") for frame in frames]


def placed(stack):
    """The place in the table that a sample belongs to."""
    if not stack:
        return None
    address, symbol = stack[0]
    if not KERNEL_ADDRESS.match(address):
        module = MODULE.search(symbol)
        if module:
            return "::".join(part for part in ("causeway", *module.groups()) if part)
        return "causeway, libraries"
    whole = "\n".join(symbol for _, symbol in stack)
    for name, pattern in KERNEL:
        if pattern.search(whole):
            return name
    return ENTRY if re.search(r"entry_SYSCALL|syscall_(return|exit)|do_syscall_64|srso|x64_sys_call", symbol) else OTHER


def text(result):
    lines = [benchlib.described(result["machine"]), ""]
    for name, of in result["profiles"].items():
        lines.append(f"{name}: {of['packetsPerSecond'] / 1e6:.3f} M packets/s, {of['samples']} samples of its worker")
        lines += [f"  {share * 100:5.1f} %  {place}" for place, share in of["places"].items() if share >= 0.001]
        kernel = sum(share for place, share in of["places"].items() if not place.startswith("causeway"))
        lines += [f"  {kernel * 100:5.1f} %  in all in the kernel, {100 - kernel * 100:.1f} % in causeway", ""]
    return "\n".join(lines)
