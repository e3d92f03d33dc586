"""The first lines of the page: the worst cell, every cell that is outside, what is not shown."""

from __future__ import annotations

from collections.abc import Sequence

from quantlaxmi.calibrate.experiments import SHARES, Experiment
from quantlaxmi.calibrate.rate_tables import HEADS, KINDS, rate, table
from quantlaxmi.calibrate.result import LEVEL, MARGIN, Calibration, Check, judged_of
from quantlaxmi.calibrate.worlds.world import BOTH, EITHER, MARKET, SELECTION, WALK_FORWARD

__all__ = ["first_lines"]

#: Runs of each false-pass rate in a full calibration; other cells take their share.
FULL = 4000


def first_lines(found: Calibration) -> list[str]:
    """The first lines: the worst cell of the joint verdict, and every cell that is outside."""
    lines = []
    if worst := _worst(found, ("size", "paid"), EITHER):
        lines.append(
            f"**The worst cell of the joint verdict is `{worst[1].scenario}` "
            f"({KINDS[worst[1].group]}): {worst[0]} pass without an edge.**"
        )
    told = [
        f"{HEADS[test]} {worst[0]} in `{worst[1].cell}`"
        for test in (BOTH, WALK_FORWARD, SELECTION)
        if (worst := _worst(found, ("robust",), test))
    ]
    if told:
        lines.append(
            f"**The worst cells of {KINDS['robust']}, without an edge: {', '.join(told)}.**"
        )
    checks = found.size_checks()
    above = _above(found, checks)
    lines += above[:1]
    if above:
        lines.append("\n".join(above[1:]))
    if few := _few(found):
        lines.append(few)
    for check in checks:
        if others := [name for name in check.outside if name not in _outside_jointly(checks)]:
            least = check.p_values[others[0]]
            lines.append(
                f"**{HEADS[check.test]}, {KINDS[check.group]}: above {100 * LEVEL:g} % in "
                f"{', '.join(others)}**; the smallest adjusted p is {least:.3g} ({others[0]})."
            )
    if unseen := _unseen(found, checks):
        lines.append(
            "In some runs of these worlds the rare loss that makes the mean 0 does not occur: "
            f"{unseen} of the runs. Such a run has the distribution of one with an edge, so a test "
            "that refused it would refuse the edge. A loss that hits one held bucket in 66 is "
            "absent from 200 held buckets in 5 % of the runs; one that hits one in 500, in two "
            "runs of three. So every PASS prints the loss that would erase it: ask whether it can "
            "happen."
        )
    if checks and all(check.holds for check in checks):
        lines.append(f"No rate is significantly above {100 * LEVEL:g} %.")
    power = found.power_check()
    if power is not None and not power.holds:
        lines.append(
            f"**Power is more than {100 * MARGIN:g} points below the expected rate in "
            f"{', '.join(power.outside)}.**"
        )
    for group, tests in (("size", (EITHER, MARKET)), ("robust", (BOTH, WALK_FORWARD, SELECTION))):
        for test in tests:
            if names := found.not_shown(group, test):
                said = HEADS[test] if group == "size" else f"{HEADS[test]}, {KINDS[group]}"
                lines.append(
                    f"Not shown for the {said}, as fewer than half of the runs were judged: "
                    f"{', '.join(names)}."
                )
    return [line for text in lines for line in (text, "")]


def _worst(found: Calibration, groups: Sequence[str], test: str) -> tuple[str, Experiment] | None:
    """The largest rate of a result without an edge, and its cell; None without any."""
    cells = [
        (counts.get("P", 0) / judged_of(counts), one)
        for group in groups
        for one in found.group(group)
        if found.worlds[one.scenario].holds(test)
        and judged_of(counts := found.outcomes[one.key].get(test, {}))
    ]
    if not cells:
        return None
    _, worst = max(cells, key=lambda cell: cell[0])
    return rate(found.outcomes[worst.key][test]), worst


def _few(found: Calibration) -> str:
    """Where cells have fewer runs than a full calibration: how many they have."""
    said = []
    for group, kind in KINDS.items():
        runs = [one.runs for one in found.group(group)]
        if runs and min(runs) < FULL // SHARES[group]:
            least, most = min(runs), max(runs)
            span = f"{least:,}" if least == most else f"{least:,} to {most:,}"
            said.append(f"{kind} {span} of {FULL // SHARES[group]:,}")
    return f"**Cells have fewer runs than they should: {'; '.join(said)}.**" if said else ""


def _outside_jointly(checks: Sequence[Check]) -> tuple[str, ...]:
    """Worlds in which the joint verdict is above the level."""
    joint = [check for check in checks if check.test == EITHER]
    return tuple(dict.fromkeys(name for check in joint for name in check.outside))


def _above(found: Calibration, checks: Sequence[Check]) -> list[str]:
    """The worlds in which the joint verdict is above the level, the worst first, as a table."""
    names = _outside_jointly(checks)
    if not names:
        return []
    joint = {check.group: check for check in checks if check.test == EITHER}
    rows = []
    for name in names:
        by_group = {
            one.group: found.outcomes[one.key].get(EITHER)
            for one in found.group("size") + found.group("paid")
            if one.scenario == name
        }
        worst = max(
            counts.get("P", 0) / judged_of(counts)
            for counts in by_group.values()
            if counts is not None and judged_of(counts)
        )
        adjusted = min(c.p_values[name] for c in joint.values() if name in c.p_values)
        unseen = found.worlds[name].unseen
        cells = [rate(by_group.get(group)) for group in ("size", "paid")]
        shown = f"{100 * unseen:.1f} %" if unseen else ""
        rows.append((worst, [f"`{name}`", *cells, f"{adjusted:.2g}", shown]))
    rows.sort(key=lambda row: -row[0])
    heads = ["world", "joint verdict", "with costs", "adjusted p", "runs without the rare loss"]
    return [
        f"**Significantly above {100 * LEVEL:g} %** (one-sided binomial test, adjusted for the "
        "number of worlds by Holm), the worst first:",
        *table(heads, [row for _, row in rows]),
    ]


def _unseen(found: Calibration, checks: Sequence[Check]) -> str:
    """Worlds above the level whose rare loss is often not in the sample, with the share."""
    names = dict.fromkeys(name for check in checks for name in check.outside)
    worlds = dict.fromkeys(name.partition(", ")[0] for name in names)
    shares = [(name, found.worlds[name].unseen) for name in worlds]
    return ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares if share)
