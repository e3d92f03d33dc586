"""A calibration as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quantlaxmi.calibrate.experiments import SEARCH_DRAWS, Experiment
from quantlaxmi.calibrate.naive_tests import NAIVE
from quantlaxmi.calibrate.result import LEVEL, MARGIN, Calibration, Check, judged_of
from quantlaxmi.calibrate.rules.strategies import SEARCHED
from quantlaxmi.calibrate.worlds.world import EITHER, EQUITY, MARKET, PREMIUM, TESTS, TIMING
from quantlaxmi.files import FileKind

__all__ = ["HEADS", "KIND", "page", "rate"]

_TITLE = "# Calibration"
KIND = FileKind("a calibration's page", f"{_TITLE}\n".encode(), first=True)

HEADS = {
    EQUITY: "equity",
    MARKET: "market null",
    TIMING: "PASS (timing)",
    PREMIUM: "PASS (premium)",
    EITHER: "joint verdict",
}
_KINDS = {
    "size": "without costs",
    "paid": "with costs",
    "search": f"the best of {SEARCHED}, told",
    "power": "power",
}


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    made = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    return [*made, *("| " + " | ".join(row) + " |" for row in rows)]


def rate(counts: dict[str, int] | None) -> str:
    """``4.70 %``; where runs were not judged ``4.70 % (4.20 % of all, 10.6 % not judged)``."""
    if counts is None:
        return ""
    judged = judged_of(counts)
    runs = judged + counts.get("I", 0)
    if not judged:
        return "none judged"
    text = f"{100 * counts.get('P', 0) / judged:.2f} %"
    if judged == runs:
        return text
    of_all, left_out = 100 * counts.get("P", 0) / runs, 100 * (runs - judged) / runs
    return f"{text} ({of_all:.2f} % of all, {left_out:.1f} % not judged)"


def _cell(found: Calibration, one: Experiment, test: str) -> str:
    text = rate(found.outcomes[one.key].get(test))
    if text and one.group in ("size", "paid") and test not in found.worlds[one.scenario].nulls:
        return f"*{text}*"
    return text


def _rates(found: Calibration, group: str) -> list[str]:
    tests = found.tests(group)
    rows = [
        [one.scenario, f"{one.runs:,}", *(_cell(found, one, test) for test in tests)]
        for one in found.group(group)
    ]
    return _table(["world", "runs", *(HEADS[test] for test in tests)], rows)


def _check(check: Check) -> str:
    """One line: the worst cell of a result, and all that are above."""
    name = f"{HEADS[check.test]}, {_KINDS[check.group]}"
    least = f"the smallest adjusted p is {check.p_values[check.worst]:.3g} ({check.worst})"
    if check.holds:
        return f"- {name}: no world is significantly above {100 * LEVEL:g} %; {least}."
    return f"- **{name}: above {100 * LEVEL:g} % in {', '.join(check.outside)}**; {least}."


def _worst(found: Calibration) -> list[str]:
    """The first lines: the worst cell of the joint verdict, and every cell that is outside."""
    lines = []
    cells = [
        (counts.get("P", 0) / judged_of(counts), one)
        for one in found.group("size") + found.group("paid")
        if EITHER in found.worlds[one.scenario].nulls
        and judged_of(counts := found.outcomes[one.key].get(EITHER, {}))
    ]
    if cells:
        _, worst = max(cells, key=lambda cell: cell[0])
        shown = rate(found.outcomes[worst.key][EITHER])
        lines.append(
            f"**The worst cell of the joint verdict is `{worst.scenario}` ({_KINDS[worst.group]}): "
            f"{shown} pass without an edge.**"
        )
    checks = found.size_checks()
    above = _above(found, checks)
    lines += above[:1]
    if above:
        lines.append("\n".join(above[1:]))
    for check in checks:
        if others := [name for name in check.outside if name not in _outside_jointly(checks)]:
            least = check.p_values[others[0]]
            lines.append(
                f"**{HEADS[check.test]}, {_KINDS[check.group]}: above {100 * LEVEL:g} % in "
                f"{', '.join(others)}**; the smallest adjusted p is {least:.3g} ({others[0]})."
            )
    if unseen := _unseen(found, checks):
        lines.append(
            "In some of these worlds the rare loss that makes the mean 0 is in no part of a run, "
            f"so that nothing tells it from an edge: {unseen} of the runs. Such a run has the very "
            "distribution of one with an edge: a test that refused it would refuse the edge. A "
            "loss that comes once in 66 of 200 held buckets is missed 5 % of the time, one that "
            "comes once in 500 in two runs of three. So every PASS prints the loss that would "
            "erase it: ask whether it can happen."
        )
    if checks and all(check.holds for check in checks):
        lines.append(f"No rate is significantly above {100 * LEVEL:g} %.")
    power = found.power_check()
    if power is not None and not power.holds:
        lines.append(
            f"**Power is more than {100 * MARGIN:g} points below what STATISTICS measured in "
            f"{', '.join(power.outside)}.**"
        )
    for test in (EITHER, MARKET):
        if few := found.not_shown("size", test):
            lines.append(
                f"Not shown for the {HEADS[test]}, as fewer than half of the runs were judged: "
                f"{', '.join(few)}."
            )
    return [line for text in lines for line in (text, "")]


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
        *_table(heads, [row for _, row in rows]),
    ]


def _unseen(found: Calibration, checks: Sequence[Check]) -> str:
    """Worlds above the level whose rare loss is often not in the sample, with the share."""
    names = dict.fromkeys(name for check in checks for name in check.outside)
    shares = [(name, found.worlds[name].unseen) for name in names]
    return ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares if share)


def _sizes(found: Calibration) -> list[str]:
    checks = found.size_checks()
    made: list[str] = []
    if found.group("size"):
        made += [
            "## False-pass rates",
            "",
            f"The rules have no edge and pay no fees. At most {100 * LEVEL:g} % of the judged runs "
            "should pass. Some runs are INCONCLUSIVE; the brackets show the rate of all runs and "
            "the share that was not judged. *Slanted* rates are not held to the level: the world "
            "says why.",
            "",
            *_rates(found, "size"),
            "",
        ]
    if found.group("paid"):
        made += [
            "### With costs",
            "",
            "The same runs with 0.1 bps of each fill. The market null, which is before costs, has "
            "nearly the same counts, and is asked only where the verdict depends on it.",
            "",
            *_rates(found, "paid"),
            "",
        ]
    if shown := [_check(c) for c in checks if c.group in ("size", "paid")]:
        made += [
            f"One-sided binomial test that a rate is at most {100 * LEVEL:g} %, adjusted for the "
            "number of worlds (Holm):",
            "",
            *shown,
            "",
        ]
    return made


def _power(found: Calibration) -> list[str]:
    experiments = found.group("power")
    if not experiments:
        return []
    rows = []
    for one in experiments:
        outcome, expected = found.outcomes[one.key], found.worlds[one.scenario].expected
        known = "" if expected is None else f"{100 * expected:.1f} %"
        rates = [rate(outcome.get(test)) for test in TESTS]
        rows.append([one.scenario, f"{one.runs:,}", *rates, known])
    heads = ["world", "runs", *(HEADS[test] for test in TESTS), "in STATISTICS"]
    check = found.power_check()
    text = []
    if check is not None and check.holds:
        text = [
            f"No joint verdict is significantly more than {100 * MARGIN:g} points below the last "
            f"column; the smallest adjusted p is {check.p_values[check.worst]:.3g} "
            f"({check.worst}).",
            "",
        ]
    return [
        "## Power",
        "",
        "Each run has a planted edge. t is the mean of the whole segment's sum over its standard "
        "deviation.",
        "",
        *_table(heads, rows),
        "",
        *text,
    ]


def _searches(found: Calibration) -> list[str]:
    made: list[str] = []
    if found.group("search"):
        draws = min(SEARCH_DRAWS, found.settings.draws)
        made += [
            f"## The best of {SEARCHED}, with telling",
            "",
            f"{SEARCHED} rules without an edge are a declared parameter grid; the best one by the "
            "market null's statistic is judged. Every draw of the market null repeats the search "
            f"({draws} draws). The equity test and the premium know of no search; a PASS (timing) "
            "needs both tests.",
            "",
            *_rates(found, "search"),
            "",
            *(_check(c) for c in found.size_checks() if c.group == "search"),
            "",
        ]
    if found.group("chosen"):
        made += [
            f"## The best of {SEARCHED}, without telling",
            "",
            "The same rule is judged as if it were the only one. It passes far too often, as it "
            "must: no test knows of trials that nobody told.",
            "",
            *_rates(found, "chosen"),
            "",
        ]
    return made


def _naive(found: Calibration) -> list[str]:
    experiments = found.group("naive")
    if not experiments:
        return []
    rows = []
    for one in experiments:
        naive, outcome = NAIVE[one.variant], found.outcomes[one.key]
        used = f"{HEADS[naive.used]} {rate(outcome.get(naive.used))}".strip()
        own = rate(outcome.get(one.variant))
        rows.append([naive.text, one.scenario, f"{one.runs:,}", own, used])
    return [
        "## Why not a simpler test",
        "",
        "Each simpler test and the test that is used instead see the same runs of two worlds. The "
        "first does the simpler test no harm. Random entry, random sides, label permutation and "
        "time shift are diagnoses or guards of the suite; here their p is read as if it decided.",
        "",
        *_table(["simpler test", "world", "runs", "passes", "used instead"], rows),
        "",
    ]


def _worlds(found: Calibration) -> list[str]:
    names = dict.fromkeys(one.scenario for one in found.experiments)
    return [
        "## Worlds",
        "",
        "n[t] is noise: a whole number, symmetric about 0, a sum of four uniform ones; s.d. is its "
        "standard deviation, 0.9 bps of the price. Every number is a function of seed, world, run, "
        "stream and place (`quantlaxmi/calibrate/random_streams.py`); the equations are in "
        "`quantlaxmi/calibrate/worlds/`. Where a world has no edge, a test finds that its moves "
        "given the past cancel exactly.",
        "",
        *_table(["world", "market and rule"], [[n, found.worlds[n].text] for n in names]),
        "",
    ]


def page(found: Calibration, command: str, elapsed: str) -> str:
    """The page.

    Parameters
    ----------
    found : Calibration
    command : str
        The command line that makes the same tables.
    elapsed : str
        A sentence on the time it took, and where, or nothing; not part of the hash.
    """
    settings = found.settings
    real = (
        f"The segment of the real capture has the digest `{found.capture}`."
        if found.capture
        else "No real capture was given, so the world `real` is left out."
    )
    often = ""
    if settings.market_every > 1:
        often = (
            f"Its own rate without an edge is that of every {settings.market_every}th run; the "
            "verdict has it wherever it depends on it. "
        )
    text = [
        _TITLE,
        "",
        *_worst(found),
        f"`{command}` makes this page. The market null has {settings.draws} draws of a kind, and "
        f"{max(settings.draws, settings.extended)} where these leave the level open. {often}{real}",
        "",
        "Every run goes through the engine and the gates as they ship: the compiled kernel of a "
        "rule trades quotes made in memory, orders arrive 1 ms later, the suite judges the run. "
        "Rules do not declare their filters, which is the harder case for the gates. All counts "
        "follow from the seed, whatever the number of processes.",
        "",
        *_sizes(found),
        *_power(found),
        *_searches(found),
        *_naive(found),
        *_worlds(found),
        f"Hash of the counts: `{found.result_hash}`.",
        "",
        *([elapsed, ""] if elapsed else []),
    ]
    return "\n".join(text)
