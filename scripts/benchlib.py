"""What the scripts that measure share: the machine, built benchmarks, children that end with the script, result files."""

import datetime
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"


class Failure(Exception):
    """Something that the user has to know; ends the script."""


def main(run):
    """Runs a script's main function: failures are told in a line, and what it began is ended however it ends."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    name = Path(sys.argv[0]).name
    try:
        sys.exit(run())
    except Failure as failure:
        sys.exit(f"{name}: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def machine():
    """What the figures were measured on."""
    fields = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    return {
        "cpu": fields.get("model name", platform.machine()),
        "family": fields.get("cpu family"),
        "model": fields.get("model"),
        "cores": os.cpu_count(),
        "instructions": [flag for flag in ("sse4_1", "avx2", "avx512f", "asimd") if flag in cpu_flags(fields)],
        "kernel": platform.release(),
    }


def cpu_flags(fields=None):
    """Names of what the processor can do, as the kernel gives them."""
    if fields is None:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        fields = {line.partition(":")[0].strip(): line.partition(":")[2] for line in lines}
    return set((fields.get("flags") or fields.get("Features") or "").split())


def described(of):
    """The machine in words."""
    instructions = ", ".join(of["instructions"]) or "no vector instructions that matter here"
    return f"{of['cores']} cores of {of['cpu']} (family {of['family']}, model {of['model']}; {instructions}), kernel {of['kernel']}"


def today():
    return datetime.date.today().isoformat()


def built(bench):
    """Builds a benchmark; the path of its program."""
    if not shutil.which("cargo"):
        raise Failure("no cargo here: install the Rust toolchain (https://rustup.rs)")
    command = ["cargo", "bench", "--locked", "--bench", bench, "--no-run", "--message-format=json-render-diagnostics"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(command[:5])} failed")
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message.get("target", {}).get("name") == bench:
            return message["executable"]
    raise Failure(f"cargo named no program of the benchmark {bench}")


def has_bench(name):
    """Whether the package has such a benchmark."""
    command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version=1"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Failure("cargo metadata failed")
    targets = [target for package in json.loads(done.stdout)["packages"] for target in package["targets"]]
    return any(target["name"] == name and "bench" in target["kind"] for target in targets)


def lines_of(command, core=None, **options):
    """Runs a child, on one core if asked, and gives its lines as they come. The child ends with the script."""
    pin = (lambda: os.sched_setaffinity(0, {core})) if core is not None else None
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace", preexec_fn=pin, **options)
    try:
        yield from child.stdout
        child.wait()
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
        child.stdout.close()
    if child.returncode:
        raise Failure(f"{Path(command[0]).name} ended with status {child.returncode}")


def give(path, text):
    """Writes a result file in one go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(text)
    unfinished.replace(path)
    print(f"written: {path}", file=sys.stderr)
