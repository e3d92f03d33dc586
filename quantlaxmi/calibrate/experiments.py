"""The experiments of a calibration, cut into batches of runs.

The counts of a batch are a function of the batch and the settings alone. So batches run in any
order, in any number of processes, before or after an interruption.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quantlaxmi.calibrate import study
from quantlaxmi.calibrate.capture import Capture, real_worlds
from quantlaxmi.calibrate.naive_tests import NAIVE, letter_of
from quantlaxmi.calibrate.random_streams import Draws, run_key
from quantlaxmi.calibrate.robust import CHOICES, judge_both, judge_lasting
from quantlaxmi.calibrate.study import Settings
from quantlaxmi.calibrate.worlds.catalogue import EDGES, NO_EDGE
from quantlaxmi.calibrate.worlds.world import ROBUST, TESTS, World
from quantlaxmi.errors import InputError

__all__ = [
    "GROUPS",
    "Batch",
    "Experiment",
    "Outcome",
    "edges",
    "experiments_of",
    "no_edge",
    "run_batch",
    "scenario_names",
]

#: Kinds of experiments, in the order of the work: false-pass rates; the same with fees; power; the
#: best of fifty under both suites, without an edge and with one; the same under G2, told of the
#: search and not; tests that are not used.
GROUPS = ("size", "paid", "power", "robust", "lasting", "search", "chosen", "naive")
#: One run for so many of a false-pass rate: power, simpler tests; best of fifty.
SHARES = {"size": 1, "paid": 1, "power": 4, "naive": 4, "chosen": 8, "search": 4}
SHARES |= {"robust": 4, "lasting": 16}
#: How the setting is chosen in each: by the market null's statistic, by net; or there is one alone.
VARIANTS = {"robust": ("gross", "net"), "lasting": ("alone", "gross")}
#: Draws of the market null where each is fifty runs: two exceedances decide at 5 %.
SEARCH_DRAWS = 39
_BATCH = {"size": 50, "paid": 100, "power": 10, "search": 5, "chosen": 10, "naive": 25}
_BATCH |= {"robust": 10, "lasting": 5}

#: Test -> P, F or I -> runs.
Outcome = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Experiment:
    """Some runs of one world, and one question asked of them.

    Attributes
    ----------
    group : str
        Its kind, one of `GROUPS`.
    scenario : str
        Name of the world.
    variant : str
        The simpler test, or how the setting was chosen; else empty.
    runs : int
    """

    group: str
    scenario: str
    variant: str
    runs: int

    @property
    def cell(self) -> str:
        """The world, and how the setting was chosen in it where there is more than one way."""
        if self.group not in VARIANTS:
            return self.scenario
        return f"{self.scenario}, {self.variant}"

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


def no_edge(capture: Capture | None) -> tuple[World, ...]:
    """Worlds without an edge, the capture's last."""
    return (*NO_EDGE, *real_worlds(capture))


def edges() -> tuple[World, ...]:
    """Worlds with a planted edge."""
    return EDGES


def scenario_names(capture: Capture | None) -> tuple[str, ...]:
    """Names that ``--scenarios`` knows."""
    return tuple(one.name for one in (*no_edge(capture), *EDGES))


def experiments_of(
    runs: int,
    scenarios: Sequence[str] | None,
    capture: Capture | None,
    groups: Sequence[str] | None = None,
) -> list[Experiment]:
    """The experiments that are asked for.

    Parameters
    ----------
    runs : int
        Runs of each false-pass rate; others take the part that `SHARES` has.
    scenarios : sequence of str or None
        Names of worlds; None for all.
    capture : Capture or None
    groups : sequence of str or None
        Of `GROUPS`; None for all.

    Raises
    ------
    InputError
        When no world, or no group, has one of the names.
    """
    known = scenario_names(capture)
    _check("--scenarios", scenarios, known)
    _check("--groups", groups, GROUPS)
    wanted = known if scenarios is None else tuple(scenarios)
    nulls = [one.name for one in no_edge(capture) if one.name in wanted]
    planted = [one.name for one in EDGES if one.name in wanted]
    made: list[Experiment] = []
    for group in GROUPS if groups is None else [one for one in GROUPS if one in groups]:
        count = max(1, runs // SHARES[group])
        if group == "naive":
            made += [
                Experiment(group, name, variant, count)
                for variant, naive in NAIVE.items()
                for name in naive.scenarios
                if name in nulls
            ]
        else:
            names = planted if group in ("power", "lasting") else nulls
            if group in ("search", "chosen", "robust"):
                names = [one.name for one in no_edge(capture) if one.searched and one.name in nulls]
            made += [
                Experiment(group, name, variant, count)
                for name in names
                for variant in VARIANTS.get(group, ("",))
            ]
    return made


def _check(option: str, given: Sequence[str] | None, known: Sequence[str]) -> None:
    for name in given or ():
        if name not in known:
            raise InputError(option, f"was {name!r}, expected of {', '.join(known)}")


def batches_of(
    experiments: Sequence[Experiment], kept: Mapping[int, tuple[int, Outcome]] | None = None
) -> list[Batch]:
    """Batches of all experiments, in order.

    Parameters
    ----------
    experiments : sequence of Experiment
    kept : mapping of int to (int, Outcome), optional
        First run and number of runs that need not be made, none of them in two.
    """
    ends = {first: first + count for first, (count, _) in (kept or {}).items()}
    batches = []
    for experiment in experiments:
        size, run = _BATCH[experiment.group], 0
        while run < experiment.runs:
            if run in ends:
                run = ends[run]
                continue
            end = min(
                [run - run % size + size, experiment.runs, *(one for one in ends if one > run)]
            )
            batches.append(Batch(experiment, run, end - run))
            run = end
    return batches


def _judged(
    experiment: Experiment, world: World, number: int, settings: Settings
) -> dict[str, str]:
    # All experiments of a world see the same markets; a search draws other sides on them.
    draws = Draws(run_key(settings.seed, world.name, number))
    group = experiment.group
    searches = group in ("search", "chosen", "robust") or experiment.variant == "gross"
    case = world.make(draws, searches)
    if group in ("size", "paid", "power"):
        run = study.run_case(case, costs="paid" if group == "paid" else "free")
        due = group == "power" or (group == "size" and number % settings.market_every == 0)
        return study.judge(run, settings.policy(), market=due)
    if group == "naive":
        naive = NAIVE[experiment.variant]
        run = study.run_case(case)
        own = naive.test(run, settings, draws.sub_key(2))
        return {experiment.variant: own, naive.used: letter_of(run, settings, naive.used)}
    choice = CHOICES[experiment.variant or "gross"]
    run = study.run_case(case, choice(case, settings.policy()))
    if group == "chosen":
        return study.judge(run, settings.policy(short=True))
    few = Settings(settings.seed, min(settings.draws, SEARCH_DRAWS), 0)
    if experiment.variant == "alone":
        return judge_lasting(run, settings.policy())
    policy = few.policy(search=True)
    if group == "search":
        return study.judge(run, policy)
    if group == "lasting":
        return judge_lasting(run, policy)
    return judge_both(run, policy, market=number % settings.market_every == 0)


def run_batch(batch: Batch, settings: Settings, capture: Capture | None) -> Outcome:
    """Make the runs of a batch and count the letters of the tests."""
    name = batch.experiment.scenario
    world = next(one for one in (*no_edge(capture), *EDGES) if one.name == name)
    counts: dict[str, Counter[str]] = {}
    for number in range(batch.first, batch.first + batch.count):
        for test, letter in _judged(batch.experiment, world, number, settings).items():
            counts.setdefault(test, Counter())[letter] += 1
    order = {test: k for k, test in enumerate((*TESTS, *ROBUST))}
    return {
        test: dict(sorted(counts[test].items()))
        for test in sorted(counts, key=lambda one: order.get(one, -1))
    }
