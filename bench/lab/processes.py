"""Children: pinned to cores, inside namespaces, and gone when the script is."""

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

from benchlib import Failure

TRAFFIC_CORE, DEVICE_CORE = 0, 1
# Longest that anything is waited for which has no time of its own.
PATIENCE = 30.0
SCHEDULER_TICK = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


def allow_many_files():
    """As many as this machine gives: a generator of 100,000 flows has a socket for each of 1,563 sources."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.contextmanager
def coming_first():
    """For a while the script, its children, and the kernel's own receive work where it has a thread (ksoftirqd) get processor time before
    others: niceness, and that of the session where the kernel shares time out by session (sched(7), autogroup)."""
    session = Path("/proc/self/autogroup")
    threads = {0, *kernel_receive_threads()}
    before = {thread: os.getpriority(os.PRIO_PROCESS, thread) for thread in threads}
    try:
        for thread in threads:
            os.setpriority(os.PRIO_PROCESS, thread, -20)
        if session.exists():
            session.write_text("-20")
        yield
    finally:
        for thread, priority in before.items():
            os.setpriority(os.PRIO_PROCESS, thread, priority)
        if session.exists():
            session.write_text("0")


def kernel_receive_threads():
    """Of both cores."""
    wanted = {f"ksoftirqd/{core}\n" for core in (TRAFFIC_CORE, DEVICE_CORE)}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if (directory / "comm").read_text() in wanted:
                yield int(directory.name)
        except OSError:
            pass


def run(command, timeout=PATIENCE, text=None, core=None, check=True, environment=None):
    """Runs a command to its end; its output. What it said is the failure where it fails."""
    command = [str(word) for word in command]
    try:
        done = subprocess.run(
            command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", timeout=timeout,
            preexec_fn=lambda: _begin(core), env=environment,
        )
    except FileNotFoundError as error:
        raise Failure(f"{command[0]} is not installed: scripts/setup bench") from error
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{' '.join(command[:6])} took more than {timeout:.0f} s") from error
    if check and done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}").splitlines()
        raise Failure(f"{' '.join(command[:6])}: {' / '.join(said[-3:])}")
    return done.stdout


def _begin(core):
    """In the child: dies with the script, and keeps to its core (a number, a set, or None for where it likes)."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if core is not None:
        os.sched_setaffinity(0, {core} if isinstance(core, int) else core)


class Child:
    """A program that runs beside the script."""

    def __init__(self, command, log, core=None, environment=None):
        self.command, self.log = [str(word) for word in command], Path(log)
        # testpmd reads commands: the pipe stays open and silent.
        self.silence = os.pipe()
        try:
            with open(self.log, "wb") as output:
                self.process = subprocess.Popen(
                    self.command, stdin=self.silence[0], stdout=output, stderr=subprocess.STDOUT, preexec_fn=lambda: _begin(core), env=environment
                )
        except FileNotFoundError as error:
            self._close()
            raise Failure(f"{command[0]} is not installed: scripts/setup bench") from error

    @property
    def pid(self):
        return self.process.pid

    def said(self):
        return self.log.read_text(errors="replace")

    def complaint(self):
        """The last lines that it wrote."""
        lines = [line.strip() for line in self.said().splitlines() if line.strip()]
        return " / ".join(lines[-3:]) or "it said nothing"

    def wait_for(self, ready, what="ready", patience=PATIENCE):
        """Until `ready()` holds; a failure if the program ends before."""
        end = time.monotonic() + patience
        while not ready():
            if self.process.poll() is not None:
                raise Failure(f"{self.name()} ended with status {self.process.returncode}: {self.complaint()}")
            if time.monotonic() > end:
                raise Failure(f"{self.name()} was not {what} after {patience:.0f} s: {self.complaint()}")
            time.sleep(0.02)

    def wait_for_word(self, word, patience=PATIENCE):
        self.wait_for(lambda: word in self.said(), patience=patience)

    def name(self):
        """The program's, not that of what puts it into a namespace."""
        words = self.command[4:] if self.command[:3] == ["ip", "netns", "exec"] else self.command
        return Path(words[0]).name

    def is_alive(self):
        return self.process.poll() is None

    def freeze(self):
        if self.is_alive():
            self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        if self.is_alive():
            self.process.send_signal(signal.SIGCONT)

    def stop(self, grace=4.0):
        if self.is_alive():
            self.process.send_signal(signal.SIGTERM)
            self.thaw()
            try:
                self.process.wait(grace)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._close()

    def _close(self):
        for descriptor in self.silence:
            try:
                os.close(descriptor)
            except OSError:
                pass
        self.silence = ()

    def threads(self):
        """(thread's number, its name)"""
        found = []
        for task in Path(f"/proc/{self.pid}/task").glob("*"):
            try:
                found.append((int(task.name), (task / "comm").read_text().strip()))
            except OSError:
                pass
        return found

    def nanoseconds(self):
        """Processor time of all its threads so far (Documentation/scheduler/sched-stats.rst)."""
        total = 0
        for number, _ in self.threads():
            try:
                total += int(Path(f"/proc/{self.pid}/task/{number}/schedstat").read_text().split()[0])
            except OSError:
                pass
        return total


@contextlib.contextmanager
def kept_awake(core):
    """An idle core waits for work with its eyes open, instead of halting: nobody has to wake it (Documentation/ABI/testing/sysfs-devices-power,
    pm_qos_resume_latency_us). Where the kernel does not offer that, it sleeps as it likes. Yields whether it is kept awake."""
    limit = Path(f"/sys/devices/system/cpu/cpu{core}/power/pm_qos_resume_latency_us")
    try:
        before = limit.read_text()
        limit.write_text("n/a")
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        limit.write_text(before)


def core_nanoseconds(core):
    """Time that a core has not been idle so far, whatever it did; in steps of a scheduler tick."""
    for line in Path("/proc/stat").read_text().splitlines():
        fields = line.split()
        if fields[0] == f"cpu{core}":
            user, nice, system, _, _, interrupt, soft = map(int, fields[1:8])
            return (user + nice + system + interrupt + soft) * 1_000_000_000 // SCHEDULER_TICK
    return 0
