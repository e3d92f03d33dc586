"""A calibration as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quantlaxmi.calibrate.naive import NAIVE
from quantlaxmi.calibrate.result import LEVEL, Calibration, SizeCheck
from quantlaxmi.calibrate.rules import SEARCHED
from quantlaxmi.calibrate.tasks import SEARCH_DRAWS, Line
from quantlaxmi.calibrate.trial import SUITE

__all__ = ["page"]

_HEADS = {
    "random_entry.matched": "random entry",
    "label_permutation": "label runs",
    "market_permutation": "market null",
    "time_shift": "circular shift",
    SUITE: "all of them",
}


def _head(test: str) -> str:
    return _HEADS.get(test, test.replace("_", " "))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    made = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    return [*made, *("| " + " | ".join(row) + " |" for row in rows)]


def _rate(counts: dict[str, int] | None) -> str:
    """``4.7 %``; with the runs that were not judged, where there are any."""
    if counts is None:
        return ""
    judged = counts["P"] + counts["F"]
    text = f"{100 * counts['P'] / judged:.2f} %" if judged else "none judged"
    return text + (f" ({counts['I']} inconclusive)" if counts["I"] else "")


def _rates(found: Calibration, group: str, lines: Sequence[Line]) -> list[str]:
    tests = found.tests(group)
    rows = []
    for line in lines:
        outcome = found.outcomes[line.key]
        rates = [_rate(outcome.get(test)) for test in tests]
        rows.append([line.cell, found.cells[line.cell], f"{line.runs:,}", *rates])
    return _table(["cell", "", "runs", *map(_head, tests)], rows)


def _check(check: SizeCheck) -> str:
    test, _, suffix = check.test.partition(",")
    name = _head(test) + (f",{suffix}" if suffix else "")
    cell = min(check.p_values, key=lambda c: check.p_values[c])
    least = f"least adjusted p {check.p_values[cell]:.3g} ({cell})"
    if check.holds:
        return f"- {name}: at most {100 * LEVEL:g} % on every cell is not rejected; {least}."
    bad = ", ".join(c for c, p in check.p_values.items() if p <= LEVEL)
    return f"- **{name}: above {100 * LEVEL:g} % on {bad}**; {least}."


def _sizes(found: Calibration) -> list[str]:
    lines = found.group("size")
    if not lines:
        return []
    checks = [c for c in found.size_checks() if "," not in c.test]
    return [
        "## False passes",
        "",
        "How often a strategy without an edge passes each test, of the runs it judged. A test of "
        f"level {100 * LEVEL:g} % may pass one in twenty.",
        "",
        *_rates(found, "size", lines),
        "",
        f"One-sided binomial test of a rate of at most {100 * LEVEL:g} %, Holm over the cells:",
        "",
        *map(_check, checks),
        "",
    ]


def _power(found: Calibration) -> list[str]:
    lines = found.group("power")
    if not lines:
        return []
    return [
        "## Power",
        "",
        "How often a planted edge passes. t is the mean trip over its standard error, over the "
        "whole segment. More draws than here gain a point or two.",
        "",
        *_rates(found, "power", lines),
        "",
    ]


def _searches(found: Calibration) -> list[str]:
    chosen, inside = found.group("chosen"), found.group("search")
    if not chosen:
        return []
    made = [
        f"## The best of {SEARCHED}",
        "",
        f"The rule that did best of {SEARCHED} of a kind, by the statistic of the tests, shown to "
        "tests that know nothing of the others. No test of one strategy can stand this: that is "
        "what the selection test of G3 is for.",
        "",
        *_rates(found, "chosen", chosen),
        "",
    ]
    if inside:
        made += [
            f"The market null with the search inside, each draw choosing the best of {SEARCHED} "
            f"again ({min(SEARCH_DRAWS, found.settings.draws)} draws):",
            "",
            *_rates(found, "search", inside),
            "",
            *map(_check, [c for c in found.size_checks() if "," in c.test]),
            "",
        ]
    return made


def _naive(found: Calibration) -> list[str]:
    lines = found.group("naive")
    if not lines:
        return []
    rows = []
    for line in lines:
        _, text, _, beside = NAIVE[line.variant]
        outcome = found.outcomes[line.key]
        own, shipped = _rate(outcome.get(line.variant)), _rate(outcome.get(beside))
        rows.append([text, line.cell, f"{line.runs:,}", own, f"{_head(beside)} {shipped}".strip()])
    return [
        "## Why the tests are what they are",
        "",
        "Tests as one would first write them, on the same runs as the test that is used instead. "
        "The first cell of a pair is there to show that it is the second that upsets them. What "
        "keeps to the level here keeps to it on these cells.",
        "",
        *_table(["first idea", "cell", "runs", "passes", "used instead"], rows),
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
        Time it took, and where, as a sentence; not part of the hash.
    """
    draws = found.settings.draws
    real = (
        f"The capture's segment has the digest `{found.capture}`."
        if found.capture
        else "No real capture was given, so its cell is left out."
    )
    lines = [
        "# Calibration",
        "",
        f"Made by `{command}`, with {draws} draws a test. {real}",
        "",
        "The runs go through the engine and the gates as they ship: a strategy's kernel on quotes "
        "made in memory, 1 ms of latency, trips taken from its fills. The rules' filters are not "
        "declared to the gates, which is the harder case. Everything follows from the seed; the "
        "number of processes changes nothing.",
        "",
        *_sizes(found),
        *_power(found),
        *_searches(found),
        *_naive(found),
        f"Hash of the counts: `{found.result_hash}`.",
        "",
        f"{elapsed}",
        "",
    ]
    return "\n".join(lines)
