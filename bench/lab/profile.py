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
from lab import processes, traffic
from lab.plan import PEERS
from lab.processes import Child, run as run_command

FREQUENCY = 2500
DEFAULT = "copy,causeway-uncoalesced,causeway"
# The first that is found anywhere in a sample's stack says where it belongs.
KERNEL = (
    ("write to the TAP", re.compile(r"\b(tun_chr_write_iter|(__x64_sys_|ksys_|vfs_)write)\b")),
    ("read from the TAP", re.compile(r"\b(tun_chr_read_iter|(__x64_sys_|ksys_|vfs_)read)\b")),
    ("epoll_wait", re.compile(r"\b(do_epoll_wait|ep_poll|__x64_sys_epoll_p?wait\w*)\b")),
    ("send and receive on sockets", re.compile(r"\b__sys_(send|recv)\w*\b")),
)
ENTRY = "system call entry and exit"
OTHER = "other kernel work (interrupts, scheduling)"
MODULE = re.compile(r"\b(causeway|lab)::(\w+)(?:::([a-z]\w*))?")
KERNEL_ADDRESS = re.compile(r"^f{4}[0-9a-f]{12}$")


def run(tools, options):
    """Samples the bare copy and causeway, or what of them is asked for; prints and keeps the result."""
    wanted = [name for name in (options.peers or DEFAULT).split(",") if name.startswith(("causeway", "copy"))]
    if not wanted:
        raise Failure("--profile is for causeway's own devices and the bare copy: see --list")
    if not shutil.which("perf"):
        raise Failure("perf is not installed: apt-get install linux-perf (Debian) or linux-tools-generic (Ubuntu)")
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
                floods = [traffic.flood(device, datagrams, seconds / 4, 8, 32) for _ in range(4)]
                sampler.process.wait(seconds + processes.PATIENCE)
            except subprocess.TimeoutExpired as error:
                raise Failure(f"perf does not end: {sampler.complaint()}") from error
            finally:
                sampler.stop()
        if not recording.exists():
            raise Failure(f"perf recorded nothing: {sampler.complaint()}")
        median = {name: statistics.median(flood[name] for flood in floods) for name in ("packetsPerSecond", "nanosecondsPerPacket")}
        return {**median, **shares(recording)}
    finally:
        device.down()


def record_command(device, recording, seconds):
    pid = device.children[0].pid
    return ["perf", "record", "-e", "cpu-clock", "-F", str(FREQUENCY), "-g", "-p", str(pid), "-o", str(recording), "--", "sleep", f"{seconds:.1f}"]


def shares(recording):
    """The share of the worker's time by place. Samples come only while it runs: asleep it costs nothing."""
    said = run_command(["perf", "script", "-i", str(recording), "-F", "comm,tid,ip,sym"], timeout=300)
    samples = list(stacks(said))
    # The bare copy has one thread, of no particular name.
    workers = [sample for sample in samples if sample[0].startswith("worker")] or samples
    counted = Counter(place for _, stack in workers if (place := placed(stack)))
    total = sum(counted.values())
    if not total:
        raise Failure("perf took no sample of the worker")
    return {"samples": total, "places": {place: count / total for place, count in counted.most_common()}}


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
            return "::".join(part for part in module.groups() if part)
        # A function of a library, by its crate or, in C, its own name.
        return f"library {re.split('::|@', symbol.strip().lstrip('<'))[0] or 'without symbol'}"
    whole = "\n".join(symbol for _, symbol in stack)
    for name, pattern in KERNEL:
        if pattern.search(whole):
            return name
    return ENTRY if re.search(r"entry_SYSCALL|syscall_(return|exit)|do_syscall_64|srso|x64_sys_call", symbol) else OTHER


def text(result):
    lines = [benchlib.described(result["machine"]), ""]
    for name, of in result["profiles"].items():
        lines += [f"{name}: {of['packetsPerSecond'] / 1e6:.3f} M packets/s, {of['nanosecondsPerPacket']:,.0f} ns a packet, {of['samples']:,} samples"]
        own = sum(share for place, share in of["places"].items() if is_own(place))
        for place, share in [*((place, share) for place, share in of["places"].items() if share >= 0.002), ("in all in the kernel", 1 - own), ("in all outside it", own)]:
            lines.append(f"  {share * 100:5.1f} %  {share * of['nanosecondsPerPacket']:6,.0f} ns  {place}")
        lines.append("")
    return "\n".join(lines)


def is_own(place):
    """Whether a place is outside the kernel."""
    return place.startswith(("causeway::", "lab::", "library "))
