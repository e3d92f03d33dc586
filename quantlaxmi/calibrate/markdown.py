"""A calibration as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quantlaxmi.calibrate.experiments import SEARCH_DRAWS, Experiment
from quantlaxmi.calibrate.naive_tests import NAIVE
from quantlaxmi.calibrate.null_strategies import SEARCHED
from quantlaxmi.calibrate.result import LEVEL, Calibration, SizeCheck
from quantlaxmi.calibrate.study import MARKET, SUITE
from quantlaxmi.files import FileKind
from quantlaxmi.gates.time_shift import TimeShiftSettings

__all__ = ["KIND", "page"]

_TITLE = "# Calibration"
KIND = FileKind("a calibration's page", f"{_TITLE}\n".encode(), first=True)

_HEADS = {
    "random_entry.matched": "random entry",
    "label_permutation": "label permutation",
    MARKET: "market null",
    "time_shift": "circular shift",
    SUITE: "all together",
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


def _rates(found: Calibration, group: str, experiments: Sequence[Experiment]) -> list[str]:
    tests = found.tests(group)
    rows = []
    for one in experiments:
        outcome = found.outcomes[one.key]
        rates = [_rate(outcome.get(test)) for test in tests]
        rows.append([one.label, found.scenarios[one.scenario], f"{one.runs:,}", *rates])
    return _table(["scenario", "", "runs", *map(_head, tests)], rows)


def _check(check: SizeCheck) -> str:
    test, _, suffix = check.test.partition(",")
    name = _head(test) + (f",{suffix}" if suffix else "")
    scenario = min(check.p_values, key=lambda one: check.p_values[one])
    least = f"the smallest adjusted p is {check.p_values[scenario]:.3g} ({scenario})"
    if check.holds:
        return f"- {name}: no scenario is significantly above {100 * LEVEL:g} %; {least}."
    bad = ", ".join(one for one, p in check.p_values.items() if p <= LEVEL)
    return f"- **{name}: above {100 * LEVEL:g} % on {bad}**; {least}."


def _sizes(found: Calibration) -> list[str]:
    experiments = found.group("size")
    if not experiments:
        return []
    checks = [c for c in found.size_checks() if "," not in c.test]
    return [
        "## False-pass rates",
        "",
        f"The strategies have no edge. A test of level {100 * LEVEL:g} % should pass at most one "
        "in twenty of the runs it judges. Some runs are INCONCLUSIVE because they have too few "
        "round trips; the rate is that of the judged runs, and the brackets show the rate of all "
        "runs and the share that was not judged. Random entry, label permutation and circular "
        "shift take the largest p of their own null, random sides and the market null, as in the "
        "suite.",
        "",
        *_rates(found, "size", experiments),
        "",
        f"One-sided binomial test of the hypothesis that a rate is at most {100 * LEVEL:g} %, "
        "adjusted for the number of scenarios (Holm):",
        "",
        *map(_check, checks),
        "",
    ]


def _power(found: Calibration) -> list[str]:
    experiments = found.group("power")
    if not experiments:
        return []
    return [
        "## Power",
        "",
        "Each run has a planted edge. The rate is the share of runs that pass. t is the mean PnL "
        "of the round trips over its standard error, over the whole segment. More draws than "
        "here add a point or two.",
        "",
        *_rates(found, "power", experiments),
        "",
    ]


def _searches(found: Calibration) -> list[str]:
    chosen, repeated = found.group("chosen"), found.group("search")
    if not chosen:
        return []
    made = [
        f"## The best of {SEARCHED}",
        "",
        f"A search tries {SEARCHED} strategies without an edge and keeps the best one by the "
        "statistic of the tests. The tests see that one alone and know nothing of the search. "
        "They pass far too many, as they must: only a test that knows all candidates can account "
        "for the choice. The selection test of G3 will do that for candidates that no parameter "
        "grid declares.",
        "",
        *_rates(found, "chosen", chosen),
        "",
    ]
    if repeated:
        made += [
            f"The market null can account for the choice where the {SEARCHED} strategies are the "
            "declared parameter grid. Every draw then repeats the search and takes the largest "
            f"statistic ({min(SEARCH_DRAWS, found.settings.draws)} draws), so that its rate should "
            f"be at most {100 * LEVEL:g} %, whatever chose the strategy:",
            "",
            *_rates(found, "search", repeated),
            "",
            *map(_check, [c for c in found.size_checks() if "," in c.test]),
            "",
        ]
    return made


def _naive(found: Calibration) -> list[str]:
    experiments = found.group("naive")
    if not experiments:
        return []
    rows = []
    for one in experiments:
        naive = NAIVE[one.variant]
        outcome = found.outcomes[one.key]
        own, used = _rate(outcome.get(one.variant)), _rate(outcome.get(naive.used))
        rows.append(
            [naive.text, one.scenario, f"{one.runs:,}", own, f"{_head(naive.used)} {used}".strip()]
        )
    return [
        "## Why not a simpler test",
        "",
        "Each simpler test and the test that is used instead see the same runs of two scenarios. "
        "In the first scenario the simpler test is near its level. The second one adds "
        "autocorrelation, volatility clusters, spreads that change, or exits that take profit, "
        "and the simpler test passes too many. A strategy that leaves when it has won is judged "
        "because it made enough round trips. Its gains are then short and its losses long, so "
        "that neither moved round trips, nor random sides, nor markets on which it seldom trades "
        "are a valid null for it.",
        "",
        *_table(["simpler test", "scenario", "runs", "passes", "used instead"], rows),
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
    draws = found.settings.draws
    shifts = found.settings.policy().settings(TimeShiftSettings).n_shifts
    real = (
        f"The segment of the real capture has the digest `{found.capture}`."
        if found.capture
        else "No real capture was given, so the scenario `real` is left out."
    )
    text = [
        _TITLE,
        "",
        f"`{command}` makes this page. Every test has {draws} draws (`extend_factor` 1) and the "
        f"circular shift {shifts} offsets. {real}",
        "",
        "Every run goes through the engine and the gates as they ship: the compiled kernel of a "
        "strategy trades quotes made in memory, orders arrive 1 ms later, and round trips are "
        "taken from the fills. The strategies do not declare their filters, which is the harder "
        "case for the gates. All counts follow from the seed, whatever the number of processes.",
        "",
        *_sizes(found),
        *_power(found),
        *_searches(found),
        *_naive(found),
        f"Hash of the counts: `{found.result_hash}`.",
        "",
        *([elapsed, ""] if elapsed else []),
    ]
    return "\n".join(text)
