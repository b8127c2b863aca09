"""From what was measured, round by round, to medians, spreads and the ratios that are asked for.

A ratio is made within each round, where both sides were measured seconds apart, and the median of these counts: a spell of the machine
that is slow for one round is slow for both.
"""

import statistics

from lab.plan import ROWS, TESTS

NOT_FIGURES = ("round", "test", "peer", "error")


def spread(values):
    return {"median": statistics.median(values), "lowest": min(values), "highest": max(values), "rounds": len(values)}


def summary(measurements):
    """{test: {peer: {figure: spread}}}, in the order of the plan."""
    found = {}
    for entry in measurements:
        of = found.setdefault(entry["test"], {}).setdefault(entry["peer"], {})
        for name, value in entry.items():
            if name not in NOT_FIGURES and isinstance(value, (int, float)):
                of.setdefault(name, []).append(value)
    ordered = {test: found[test] for test in TESTS if test in found}
    return {test: {peer: {name: spread(values) for name, values in of.items()} for peer, of in peers.items() if of} for test, peers in ordered.items()}


def failures(measurements):
    """{test: {peer: why}} of those that never gave a figure, and of the last time for those that sometimes did."""
    found = {}
    for entry in measurements:
        if "error" in entry:
            found.setdefault(entry["test"], {})[entry["peer"]] = entry["error"]
    return found


def ratios(measurements, rows=ROWS):
    """One entry for each row; `value` is None where a side was not measured, and `why` then says what was wrong."""
    return [_ratio(row, measurements) for row in rows]


def _ratio(row, measurements):
    entry = {"what": row.what, "unit": row.unit, "floor": row.floor, "aim": row.aim, "smallerIsBetter": row.smaller}
    ours = _by_round(row.ours, measurements, row.smaller)
    theirs = _by_round(row.theirs, measurements, row.smaller) if row.theirs else {number: None for number in ours}
    values = [_combined(row, ours[number], theirs[number]) for number in sorted(ours.keys() & theirs.keys())]
    if not values:
        return {**entry, "value": None, "why": _why(row, measurements)}
    of = spread(values)
    return {**entry, "value": of["median"], "lowest": of["lowest"], "highest": of["highest"], "rounds": of["rounds"], "met": _met(row, of["median"])}


def _by_round(of, measurements, smaller):
    """{round: figure}; of several peers the best in that round."""
    found, best = {}, min if smaller else max
    for entry in measurements:
        if entry["test"] == of.test and entry["peer"] in of.peers and entry.get(of.name()) is not None:
            value, number = entry[of.name()], entry["round"]
            found[number] = best(found[number], value) if number in found else value
    return found


def _combined(row, ours, theirs):
    if theirs is None:
        return ours
    return ours - theirs if row.difference else ours / theirs if theirs else float("inf")


def _met(row, value):
    """Which of the figures to reach is reached: `aim`, `floor`, or `no`."""
    reaches = (lambda goal: value <= goal) if row.smaller else (lambda goal: value >= goal)
    return "aim" if reaches(row.aim) else "floor" if reaches(row.floor) else "no"


def _why(row, measurements):
    wanted = [side for side in (row.ours, row.theirs) if side]
    for side in wanted:
        for entry in measurements:
            if entry["test"] == side.test and entry["peer"] in side.peers and "error" in entry:
                return f"{entry['peer']}: {entry['error']}"
    return "not measured"
