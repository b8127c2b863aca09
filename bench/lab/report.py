"""A result as text and as Markdown."""

import benchlib
from lab.plan import PEERS, TESTS

WORDS = {"aim": "aim reached", "floor": "above the floor", "no": "BELOW THE FLOOR"}


def number(value, digits=2):
    """With so many digits behind the point, thousands apart."""
    return f"{value:,.{digits}f}"


def figure(of, test):
    """Median (lowest to highest) in the test's unit."""
    median, lowest, highest = (number(of[name] / test.scale, test.digits) for name in ("median", "lowest", "highest"))
    return f"{median} ({lowest} to {highest})"


def test_rows(name, result):
    """Head and rows of one test's table: every peer that was measured, and why one was not."""
    test = TESTS[name]
    measured, failed = result["summary"].get(name, {}), result["failures"].get(name, {})
    extra = _columns(measured)
    rows = []
    for peer in [peer for peer in test.peers if peer in measured or peer in failed]:
        of = measured.get(peer)
        if not of or test.figure not in of:
            rows.append([peer, f"failed: {failed.get(peer, 'no figure')}", *[""] * len(extra)])
            continue
        rows.append([peer, figure(of[test.figure], test), *[show(of[key]["median"]) if key in of else "" for key, _, show in extra]])
    return [name, test.unit, *[title for _, title, _ in extra]], rows


# Further figures of a test that tables show: name, title, form.
EXTRA = (
    ("nanosecondsPerPacket", "ns of the device a packet", lambda value: number(value, 0)),
    ("deviceMillisecondsPerGigabit", "ms of the device a Gbit", lambda value: number(value, 1)),
    ("nanosecondsPerConnect", "µs of the device a connect", lambda value: number(value / 1000, 1)),
    ("sentPerSecond", "sent, M/s", lambda value: number(value / 1e6, 2)),
    ("p99", "p99, µs", lambda value: number(value, 1)),
    ("halting", "p50 where the hosts' core halts, µs", lambda value: number(value, 1)),
    ("lostWithout", "without reloads", lambda value: number(value, 0)),
    ("sent", "of packets", lambda value: number(value, 0)),
    ("cpuRatio", "by processor time", lambda value: number(value, 2)),
    ("reloadsPerSecond", "reloads a second", lambda value: number(value, 0)),
)


def _columns(measured):
    """What of EXTRA the test has; `sent` says something only where losses are counted."""
    has = {name for of in measured.values() for name in of}
    hidden = set() if "lostWithReloads" in has else {"sent"}
    return [column for column in EXTRA if column[0] in has - hidden]


def ratio_rows(result):
    head = ["figure to reach", "median", "lowest to highest", "floor", "aim", ""]
    rows = []
    for entry in result["ratios"]:
        digits = 0 if entry["unit"] or isinstance(entry["floor"], int) and entry["floor"] != 1 else 2
        bound = "≤ " if entry["smallerIsBetter"] else "≥ "
        goals = [f"{bound}{number(entry[name], digits)}" for name in ("floor", "aim")]
        if entry["value"] is None:
            rows.append([entry["what"], "-", "-", *goals, entry["why"]])
            continue
        spread = f"{number(entry['lowest'], digits)} to {number(entry['highest'], digits)}"
        rows.append([entry["what"], number(entry["value"], digits), spread, *goals, WORDS[entry["met"]]])
    return head, rows


def text(result):
    parts = [described(result), ""]
    for name in result["summary"].keys() | result["failures"].keys():
        assert name in TESTS
    for name in [name for name in TESTS if name in result["summary"] or name in result["failures"]]:
        parts += [TESTS[name].about, aligned(*test_rows(name, result)), ""]
    parts += [aligned(*ratio_rows(result))]
    return "\n".join(parts) + "\n"


def described(result):
    return (
        f"{benchlib.described(result['machine'])}. {result['rounds']} round{'s' if result['rounds'] > 1 else ''}, peers in turns; median (lowest to highest); "
        f"ratios are made within each round. Load of the machine before: {result['load']:.1f}."
    )


def aligned(head, rows):
    """Columns, the first to the left; a long last cell does not widen the others."""
    table = [head, *rows]
    last = len(head) - 1
    widths = [max(len(row[column]) for row in table if column == 0 or column == last or not row[column].startswith("failed")) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table]
    return "\n".join(lines)


def markdown(result):
    parts = [f"# Between namespaces, {result['date']}\n", described(result), ""]
    for name in [name for name in TESTS if name in result["summary"] or name in result["failures"]]:
        parts += [f"## {TESTS[name].about}\n", _markdown_table(*test_rows(name, result)), ""]
    parts += ["## Figures to reach\n", _markdown_table(*ratio_rows(result)), "", "## Devices\n"]
    parts += [f"- `{name}`: {PEERS[name].about}" for name in result["peers"]]
    return "\n".join(parts) + "\n"


def _markdown_table(head, rows):
    line = lambda cells: "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    return "\n".join([line(head), line(["---"] * len(head)), *map(line, rows)])
