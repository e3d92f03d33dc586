"""A calibration as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quantlaxmi.calibrate.naive_tests import NAIVE
from quantlaxmi.calibrate.null_strategies import SEARCHED
from quantlaxmi.calibrate.result import LEVEL, Calibration, SizeCheck
from quantlaxmi.calibrate.study import SUITE
from quantlaxmi.calibrate.tasks import SEARCH_DRAWS, Line

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
    """``4.70 %``; where runs were not judged ``4.70 % (4.20 % of all, 10.6 % not judged)``."""
    if counts is None:
        return ""
    judged = counts["P"] + counts["F"]
    runs = judged + counts["I"]
    if not judged:
        return "none judged"
    text = f"{100 * counts['P'] / judged:.2f} %"
    if not counts["I"]:
        return text
    of_all, left_out = 100 * counts["P"] / runs, 100 * counts["I"] / runs
    return f"{text} ({of_all:.2f} % of all, {left_out:.1f} % not judged)"


def _rates(found: Calibration, group: str, lines: Sequence[Line]) -> list[str]:
    tests = found.tests(group)
    rows = []
    for line in lines:
        outcome = found.outcomes[line.key]
        rates = [_rate(outcome.get(test)) for test in tests]
        rows.append([line.label, found.cells[line.cell], f"{line.runs:,}", *rates])
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
        "How often a strategy without an edge passes each test, of the runs it judged; where some "
        "were INCONCLUSIVE, in brackets the rate of all runs and the share that was not judged. A "
        f"test of level {100 * LEVEL:g} % may pass one in twenty of those it judged. Random entry, "
        "label runs and circular shift each take the largest p of their own draws, coin sides and "
        "the market null, as in the suite.",
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
        f"The rule that did best of {SEARCHED} of a kind and was judged, by the statistic of the "
        "tests, shown to tests that know nothing of the others. None of them claims to hold this, "
        "and none does: a choice among strategies that the grid does not name is what the "
        "selection test of G3 is for.",
        "",
        *_rates(found, "chosen", chosen),
        "",
    ]
    if inside:
        made += [
            f"The market null with the search inside, as it is where the {SEARCHED} are the "
            "strategy's declared grid: each draw has the best of them again "
            f"({min(SEARCH_DRAWS, found.settings.draws)} draws). This one claims to hold the "
            "choice, whatever it was made by:",
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
        "The first cell of a pair is there to show that it is the second that upsets them: "
        "volatility, spreads, or exits that take profit. Where a rule is judged for the trips it "
        "made and leaves when it has won, its moved trips, trips with coin sides and markets on "
        "which it seldom trades are no null for it.",
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
        Time it took, and where, as a sentence, or nothing; not part of the hash.
    """
    draws = found.settings.draws
    shifts = found.settings.policy().n_shifts
    real = (
        f"The capture's segment has the digest `{found.capture}`."
        if found.capture
        else "No real capture was given, so its cell is left out."
    )
    lines = [
        "# Calibration",
        "",
        f"Made by `{command}`: {draws} draws a test, never more (`extend_factor` 1), {shifts} "
        f"offsets for the circular shift. {real}",
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
        *([elapsed, ""] if elapsed else []),
    ]
    return "\n".join(lines)
