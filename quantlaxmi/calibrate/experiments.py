"""The experiments of a calibration, cut into batches of runs.

The counts of a batch are a function of the batch and the settings alone. So batches run in any
order, in any number of processes, before or after an interruption.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from quantlaxmi.calibrate import study
from quantlaxmi.calibrate.capture import Capture, real_scenario
from quantlaxmi.calibrate.naive_tests import NAIVE
from quantlaxmi.calibrate.random_streams import run_key, sub_key
from quantlaxmi.calibrate.scenarios import NO_EDGE, POWER, Scenario
from quantlaxmi.calibrate.study import MARKET, TESTS, Settings
from quantlaxmi.errors import InputError

__all__ = [
    "GROUPS",
    "Batch",
    "Experiment",
    "Outcome",
    "experiments_of",
    "run_batch",
    "scenario_names",
]

#: Kinds of experiments: false-pass rates; power; the best strategy of a search; tests that are not
#: used; the market null that repeats the search. In the order of the work.
GROUPS = ("size", "power", "chosen", "naive", "search")
#: A rate that is only shown takes one run for so many of a rate that is compared with the level.
SHOWN_SHARE = 4
#: Draws of the market null where each is fifty runs: two exceedances decide at 5 %.
SEARCH_DRAWS = 39
#: Scenarios of the kind ``search``, where a run costs some hundred replays.
SEARCHED_SCENARIOS = ("coins", "loud", "momentum", "basis", "basis-exits")
#: Those of them in which net PnL chooses the strategy as well.
NET_SCENARIOS = ("momentum", "basis-exits")
_BATCH = {"size": 100, "power": 100, "search": 20, "chosen": 20, "naive": 50}

#: Test -> P, F or I -> runs.
Outcome = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Experiment:
    """Some runs of one scenario, and one question asked of them.

    Attributes
    ----------
    group : str
        Its kind, one of `GROUPS`.
    scenario : str
        Name of the scenario.
    variant : str
        The naive test; ``net`` where net PnL chooses the strategy; else empty.
    runs : int
    """

    group: str
    scenario: str
    variant: str
    runs: int

    @property
    def label(self) -> str:
        """The scenario, and what chose the strategy where that is net PnL."""
        chosen_by_net = self.group == "search" and self.variant == "net"
        return f"{self.scenario}, by net PnL" if chosen_by_net else self.scenario

    @property
    def key(self) -> str:
        """Names the experiment in results and checkpoints."""
        return "/".join(filter(None, (self.group, self.scenario, self.variant)))


@dataclass(frozen=True, slots=True)
class Batch:
    """The runs first, first + 1, ... of an experiment, `count` of them."""

    experiment: Experiment
    first: int
    count: int


def scenario_names(capture: Capture | None) -> tuple[str, ...]:
    """Names that ``--scenarios`` knows."""
    return tuple(c.name for c in (*NO_EDGE, *real_scenario(capture), *POWER))


def experiments_of(
    runs: int, scenarios: Sequence[str] | None, capture: Capture | None
) -> list[Experiment]:
    """The experiments that are asked for.

    Parameters
    ----------
    runs : int
        Runs of an experiment whose rate is compared with the level; others take a quarter.
    scenarios : sequence of str or None
        Names of scenarios; None for all.
    capture : Capture or None

    Raises
    ------
    InputError
        When no scenario has one of the names.
    """
    known = scenario_names(capture)
    for name in scenarios or ():
        if name not in known:
            raise InputError("--scenarios", f"was {name!r}, expected of {', '.join(known)}")
    wanted = known if scenarios is None else tuple(scenarios)
    fewer = max(1, runs // SHOWN_SHARE)
    no_edge = [c.name for c in (*NO_EDGE, *real_scenario(capture)) if c.name in wanted]
    made = [Experiment("size", name, "", runs) for name in no_edge]
    made += [Experiment("power", c.name, "", fewer) for c in POWER if c.name in wanted]
    made += [Experiment("chosen", name, "", fewer) for name in no_edge]
    made += [
        Experiment("naive", name, variant, fewer)
        for variant, naive in NAIVE.items()
        for name in naive.scenarios
        if name in no_edge
    ]
    made += [Experiment("search", name, "", runs) for name in no_edge if name in SEARCHED_SCENARIOS]
    return made + [
        Experiment("search", name, "net", runs) for name in no_edge if name in NET_SCENARIOS
    ]


def batches_of(experiments: Sequence[Experiment]) -> list[Batch]:
    """Batches of all experiments, in order."""
    return [
        Batch(experiment, first, min(_BATCH[experiment.group], experiment.runs - first))
        for experiment in experiments
        for first in range(0, experiment.runs, _BATCH[experiment.group])
    ]


def _scenario(name: str, capture: Capture | None) -> Scenario:
    return next(c for c in (*NO_EDGE, *real_scenario(capture), *POWER) if c.name == name)


def _judged(
    experiment: Experiment, scenario: Scenario, key: int, settings: Settings
) -> dict[str, str]:
    if experiment.group in ("size", "power"):
        return study.judge(study.run_case(scenario.make(key, False)), settings)
    if experiment.group == "naive":
        naive = NAIVE[experiment.variant]
        run = study.run_case(scenario.make(key, False))
        # The market null is a companion null of the other tests.
        gates = tuple(g for g in TESTS if naive.used.startswith(g) or g == MARKET)
        return {
            experiment.variant: naive.test(run, settings, sub_key(key, 2)),
            naive.used: study.judge(run, settings, gates)[naive.used],
        }
    case = scenario.make(key, True)
    run = study.run_case(case, study.choose(case, net=experiment.variant == "net"))
    if experiment.group == "search":
        few = Settings(settings.seed, min(settings.draws, SEARCH_DRAWS))
        return study.judge(run, few, (MARKET,), search=True)
    return study.judge(run, settings)


def run_batch(batch: Batch, settings: Settings, capture: Capture | None) -> Outcome:
    """Make the runs of a batch and count the verdicts of the tests."""
    scenario = _scenario(batch.experiment.scenario, capture)
    counts: dict[str, Counter[str]] = {}
    for run in range(batch.first, batch.first + batch.count):
        # All experiments of a scenario see the same markets; a search draws other sides on them.
        key = run_key(settings.seed, scenario.name, run)
        for test, letter in _judged(batch.experiment, scenario, key, settings).items():
            counts.setdefault(test, Counter())[letter] += 1
    return {test: dict(sorted(c.items())) for test, c in counts.items()}
