"""A calibration as a page of Markdown."""

from __future__ import annotations

from pathlib import Path

from quantlaxmi.calibrate.experiments import SEARCH_DRAWS, Experiment
from quantlaxmi.calibrate.first_lines import first_lines
from quantlaxmi.calibrate.naive_tests import NAIVE
from quantlaxmi.calibrate.rate_tables import HEADS, check_line, rate, table
from quantlaxmi.calibrate.result import LEVEL, MARGIN, Calibration
from quantlaxmi.calibrate.rules.strategies import SEARCHED
from quantlaxmi.calibrate.worlds.world import (
    TESTS,
)
from quantlaxmi.errors import InputError
from quantlaxmi.files import FileKind, read_regular

__all__ = ["HEADS", "KIND", "kept_section", "page", "rate"]

_TITLE = "# Calibration"
KIND = FileKind("a calibration's page", f"{_TITLE}\n".encode(), first=True)

#: Begins the section at the end that another script measures; a new page keeps it.
_FAMILIES = "## Families of items"
_MOST_BYTES = 1 << 22


def kept_section(path: Path) -> str:
    """The section on families of a page that is to be replaced; empty where there is none.

    Raises
    ------
    InputError
        What is there cannot be read.
    """
    if not path.exists():
        return ""
    old = read_regular(path, _MOST_BYTES, InputError, KIND.words).decode(errors="replace")
    before, mark, after = old.partition(f"\n{_FAMILIES}\n")
    return f"{_FAMILIES}\n{after}" if mark and before else ""


def _cell(found: Calibration, one: Experiment, test: str) -> str:
    text = rate(found.outcomes[one.key].get(test))
    if (
        text
        and one.group in ("size", "paid", "robust")
        and not found.worlds[one.scenario].holds(test)
    ):
        return f"*{text}*"
    return text


def _rates(found: Calibration, group: str) -> list[str]:
    tests = found.tests(group)
    rows = [
        [one.cell, f"{one.runs:,}", *(_cell(found, one, test) for test in tests)]
        for one in found.group(group)
    ]
    return table(["world", "runs", *(HEADS[test] for test in tests)], rows)


def _sizes(found: Calibration) -> list[str]:
    checks = found.size_checks()
    made: list[str] = []
    if found.group("size"):
        made += [
            "## False-pass rates",
            "",
            f"The rules have no edge and pay no fees. At most {100 * LEVEL:g} % of the judged runs "
            "should pass. Some runs are INCONCLUSIVE; the brackets show the rate of all runs and "
            "the share that was not judged. Rates in *italics* are not compared with the level; "
            "the table of worlds says why.",
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
    if shown := [check_line(c) for c in checks if c.group in ("size", "paid")]:
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
    heads = ["world", "runs", *(HEADS[test] for test in TESTS), "expected"]
    check = found.power_check()
    text = []
    if check is not None and check.holds:
        text = [
            f"No joint verdict is significantly more than {100 * MARGIN:g} points below the "
            f"expected rate; the smallest adjusted p is {check.p_values[check.worst]:.3g} "
            f"({check.worst}).",
            "",
        ]
    return [
        "## Power",
        "",
        "Each run has a planted edge. t is the mean of the whole segment's sum over its standard "
        "deviation. Expected is the pass rate of the simulation by which the tests were chosen.",
        "",
        *table(heads, rows),
        "",
        *text,
    ]


def _both(found: Calibration) -> list[str]:
    made: list[str] = []
    if found.group("robust"):
        every = found.settings.market_every
        asked = f"in every {every}th run" if every > 1 else "in every run"
        made += [
            f"## Both suites: the best of {SEARCHED}",
            "",
            f"{SEARCHED} settings without an edge are a declared grid; the one with the largest "
            "statistic of gross (*gross*) or of net (*net*) on the data is judged by G2 and G3. "
            "Rules on schedules have independent settings; those on the last moves (`momentum`, "
            "`trend-on-walk`, `egarch`) overlapping ones; those on a level or a basis leave by "
            "prices. Walk-forward is asked in every run. The market null and selection, one set "
            f"of draws of which each searches all settings, are asked {asked}, and wherever the "
            "verdict depends on them. Equity knows of no search: it is not compared with the "
            "level.",
            "",
            *_rates(found, "robust"),
            "",
            *(check_line(c) for c in found.size_checks() if c.group == "robust"),
            "",
        ]
    if found.group("lasting"):
        made += [
            "### Power of both suites",
            "",
            f"A planted edge with one setting (*alone*; nothing was chosen, so selection is not "
            f"asked), and as one of {SEARCHED} settings (*gross*). The guard on costs asks for a "
            "positive net at 0.5 bps more a fill, and rows here move by 0.9 bps: an edge of t 4 in "
            "turns of 20 rows is worth 0.4 bps a fill, which that guard refuses whatever the "
            "tests find. So the last column has the verdict where it asks for a tenth: the one of "
            "the same market with every move and every limit ten times as large, as on bars of an "
            "hour, in which no test's result changes.",
            "",
            *_rates(found, "lasting"),
            "",
        ]
    return made


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
            *(check_line(c) for c in found.size_checks() if c.group == "search"),
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
        *table(["simpler test", "world", "runs", "passes", "used instead"], rows),
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
        *table(["world", "market and rule"], [[n, found.worlds[n].text] for n in names]),
        "",
    ]


def page(found: Calibration, command: str, elapsed: str, families: str = "") -> str:
    """The page.

    Parameters
    ----------
    found : Calibration
    command : str
        The command line that makes the same tables.
    elapsed : str
        A sentence on the time it took, and where, or nothing; not part of the hash.
    families : str
        The section of `kept_section`, for the end.
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
        *first_lines(found),
        f"`{command}` makes this page. The market null has {settings.draws} draws of each kind of "
        f"market, and {max(settings.draws, settings.extended)} where these do not decide. "
        f"{often}{real}",
        "",
        "Every run goes through the engine and the gates as they ship: the compiled kernel of a "
        "rule trades quotes made in memory, orders arrive 1 ms later, the suite judges the run. "
        "Rules do not declare their filters, which is the harder case for the gates. All counts "
        "follow from the seed, whatever the number of processes.",
        "",
        *_sizes(found),
        *_power(found),
        *_both(found),
        *_searches(found),
        *_naive(found),
        *_worlds(found),
        f"Hash of the counts: `{found.result_hash}`.",
        "",
        *([elapsed, ""] if elapsed else []),
        families,
    ]
    return "\n".join(text).rstrip("\n") + "\n"
