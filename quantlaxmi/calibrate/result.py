"""Result of a calibration: counts of letters, and whether rates keep to what they should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quantlaxmi.calibrate.experiments import Experiment, Outcome
from quantlaxmi.calibrate.study import Settings
from quantlaxmi.calibrate.worlds.world import (
    EITHER,
    EQUITY,
    PREMIUM,
    ROBUST,
    TESTS,
    World,
)
from quantlaxmi.canonical import canonical_digest
from quantlaxmi.gates.results import Json, rounded
from quantlaxmi.stats.holm import holm

__all__ = ["LEAST_JUDGED", "LEVEL", "MARGIN", "Calibration", "Check", "judged_of"]

#: Level of the tests, and of the checks.
LEVEL = 0.05
#: Power may be so much below the expected rate.
MARGIN = 0.03
#: A cell without an edge shows something where at least this share of its runs is judged.
LEAST_JUDGED = 0.5
#: Results that are told of no search, and the verdict of G2 that rests on them.
_UNTOLD = (EQUITY, PREMIUM, EITHER)
_DOMAIN = "quantlaxmi.calibration-result.v2"


def judged_of(counts: Mapping[str, int]) -> int:
    """Runs that passed or failed."""
    return counts.get("P", 0) + counts.get("F", 0)


def _asked(counts: Mapping[str, int]) -> int:
    return sum(counts.values())


@dataclass(frozen=True, slots=True)
class Check:
    """One result's rates over the cells of one kind of experiment.

    Attributes
    ----------
    group : str
        Kind of the experiments.
    test : str
    p_values : dict of str to float
        By world: without an edge the chance of so many passes or more where the rate is the level,
        with one that of so few where it is `MARGIN` below the measured one; adjusted for the number
        of cells (Holm).
    """

    group: str
    test: str
    p_values: Mapping[str, float]

    @property
    def outside(self) -> tuple[str, ...]:
        """Worlds whose rate is significantly outside, the worst first."""
        found = [(p, name) for name, p in self.p_values.items() if p <= LEVEL]
        return tuple(name for _, name in sorted(found))

    @property
    def holds(self) -> bool:
        """No world's rate is significantly outside."""
        return not self.outside

    @property
    def worst(self) -> str:
        """The world with the smallest p."""
        return min(self.p_values, key=lambda name: self.p_values[name])


@dataclass(frozen=True, slots=True)
class Calibration:
    """The counts of a finished calibration.

    Attributes
    ----------
    settings : Settings
    runs : int
        Runs of each world without an edge.
    experiments : tuple of Experiment
    outcomes : dict of str to Outcome
        By the experiment's key.
    worlds : dict of str to World
    capture : str or None
        Digest of the real capture, where there is one.
    """

    settings: Settings
    runs: int
    experiments: tuple[Experiment, ...]
    outcomes: Mapping[str, Outcome]
    worlds: Mapping[str, World]
    capture: str | None

    def group(self, name: str) -> list[Experiment]:
        """Experiments of one kind."""
        return [experiment for experiment in self.experiments if experiment.group == name]

    def tests(self, group: str) -> list[str]:
        """Results of the experiments of a kind, in the order of `TESTS`."""
        found = {t for experiment in self.group(group) for t in self.outcomes[experiment.key]}
        return [test for test in (*TESTS, *ROBUST) if test in found]

    def _counts(self, experiment: Experiment, test: str) -> Mapping[str, int]:
        return self.outcomes[experiment.key].get(test, {})

    def _held(self, group: str, test: str) -> list[Experiment]:
        """Cells without an edge that are compared with the level, where a run was judged."""
        if group in ("search", "robust") and test in _UNTOLD:
            return []
        return [
            one
            for one in self.group(group)
            if self.worlds[one.scenario].holds(test) and judged_of(self._counts(one, test))
        ]

    def size_checks(self) -> list[Check]:
        """Whether false-pass rates are at most the level: a check for each kind and result."""
        from scipy.stats import binom

        checks = []
        for group in ("size", "paid", "robust", "search"):
            for test in self.tests(group):
                p_values = {}
                for one in self._held(group, test):
                    counts = self._counts(one, test)
                    passed, judged = counts.get("P", 0), judged_of(counts)
                    p_values[one.cell] = float(binom.sf(passed - 1, judged, LEVEL))
                if p_values:
                    checks.append(_adjusted(group, test, p_values))
        return checks

    def power_check(self) -> Check | None:
        """Whether the joint verdict's power is at most `MARGIN` below the measured one."""
        from scipy.stats import binom

        p_values = {}
        for one in self.group("power"):
            expected = self.worlds[one.scenario].expected
            counts = self._counts(one, EITHER)
            if expected is not None and judged_of(counts):
                least = expected - MARGIN
                p = binom.cdf(counts.get("P", 0), judged_of(counts), least)
                p_values[one.scenario] = float(p)
        return _adjusted("power", EITHER, p_values) if p_values else None

    def not_shown(self, group: str, test: str) -> list[str]:
        """Worlds without an edge of whose runs fewer than half were judged by a result."""
        return [
            one.cell
            for one in self.group(group)
            if self.worlds[one.scenario].holds(test)
            and judged_of(self._counts(one, test)) < LEAST_JUDGED * _asked(self._counts(one, test))
        ]

    @property
    def holds(self) -> bool:
        """Whether no false-pass rate is above the level, and no power below what was measured."""
        power = self.power_check()
        return all(c.holds for c in self.size_checks()) and (power is None or power.holds)

    def counts_json(self) -> dict[str, Json]:
        """The part of the result that the hash covers."""
        counts: dict[str, Json] = {}
        for experiment in self.experiments:
            tests: dict[str, Json] = {t: dict(c) for t, c in self.outcomes[experiment.key].items()}
            counts[experiment.key] = {"runs": experiment.runs, "tests": tests}
        return {
            "seed": self.settings.seed,
            "draws": self.settings.draws,
            "extended": self.settings.extended,
            "market_every": self.settings.market_every,
            "runs": self.runs,
            "capture": self.capture,
            "counts": counts,
        }

    @property
    def result_hash(self) -> str:
        """SHA-256 of seed, draws, runs and all counts, hexadecimal."""
        return canonical_digest(_DOMAIN, self.counts_json()).hex()

    def to_json(self) -> dict[str, Json]:
        power = self.power_check()
        return {
            **self.counts_json(),
            "holds": self.holds,
            "size_checks": [_check_json(c) for c in self.size_checks()],
            "power_check": None if power is None else _check_json(power),
            "result_hash": self.result_hash,
        }


def _adjusted(group: str, test: str, p_values: Mapping[str, float]) -> Check:
    adjusted = holm(list(p_values.values()))
    return Check(group, test, dict(zip(p_values, adjusted, strict=True)))


def _check_json(check: Check) -> Json:
    p_values: dict[str, Json] = {name: rounded(p) for name, p in check.p_values.items()}
    return {"group": check.group, "test": check.test, "holds": check.holds, "holm_p": p_values}
