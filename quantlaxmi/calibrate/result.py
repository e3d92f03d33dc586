"""Result of a calibration: counts of verdicts, and whether false-pass rates keep to the level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quantlaxmi.calibrate.experiments import Experiment, Outcome
from quantlaxmi.calibrate.study import SUITE, Settings
from quantlaxmi.canonical import canonical_digest
from quantlaxmi.gates.results import Json, rounded
from quantlaxmi.stats.holm import holm

__all__ = ["LEVEL", "Calibration", "SizeCheck"]

#: Level of the tests, and of the check of their sizes.
LEVEL = 0.05
_DOMAIN = "quantlaxmi.calibration-result.v1"


@dataclass(frozen=True, slots=True)
class SizeCheck:
    """Whether one test's false-pass rate is at most the level, on every scenario.

    Attributes
    ----------
    test : str
    p_values : dict of str to float
        By scenario: the chance of so many passes or more when the rate is exactly the level,
        adjusted for the number of scenarios (Holm).
    """

    test: str
    p_values: Mapping[str, float]

    @property
    def holds(self) -> bool:
        """No scenario's rate is significantly above the level."""
        return all(p > LEVEL for p in self.p_values.values())


@dataclass(frozen=True, slots=True)
class Calibration:
    """The counts of a finished calibration.

    Attributes
    ----------
    settings : Settings
    runs : int
        Runs of each experiment whose rate is compared with the level.
    experiments : tuple of Experiment
    outcomes : dict of str to Outcome
        By the experiment's key.
    scenarios : dict of str to str
        Description of each scenario.
    capture : str or None
        Digest of the real capture, where there is one.
    """

    settings: Settings
    runs: int
    experiments: tuple[Experiment, ...]
    outcomes: Mapping[str, Outcome]
    scenarios: Mapping[str, str]
    capture: str | None

    def group(self, name: str) -> list[Experiment]:
        """Experiments of one kind."""
        return [experiment for experiment in self.experiments if experiment.group == name]

    def tests(self, group: str) -> list[str]:
        """Tests of the experiments of a kind, in the suite's order, the suite last."""
        found = dict.fromkeys(
            t for experiment in self.group(group) for t in self.outcomes[experiment.key]
        )
        return [t for t in found if t != SUITE] + [t for t in found if t == SUITE]

    def size_checks(self) -> list[SizeCheck]:
        """One check for each test, and one for the market null that repeats the search."""
        from scipy.stats import binom

        checks = []
        for group, suffix in (("size", ""), ("search", ", search repeated")):
            for test in self.tests(group):
                p_values = {}
                for experiment in self.group(group):
                    counts = self.outcomes[experiment.key].get(test)
                    if counts and counts["P"] + counts["F"]:
                        judged = counts["P"] + counts["F"]
                        p_values[experiment.label] = float(binom.sf(counts["P"] - 1, judged, LEVEL))
                if p_values:
                    adjusted = holm(list(p_values.values()))
                    made = dict(zip(p_values, adjusted, strict=True))
                    checks.append(SizeCheck(test + suffix, made))
        return checks

    @property
    def holds(self) -> bool:
        """Whether every test keeps its level on every scenario."""
        return all(check.holds for check in self.size_checks())

    def counts_json(self) -> dict[str, Json]:
        """The part of the result that the hash covers."""
        counts: dict[str, Json] = {}
        for experiment in self.experiments:
            tests: dict[str, Json] = {t: dict(c) for t, c in self.outcomes[experiment.key].items()}
            counts[experiment.key] = {"runs": experiment.runs, "tests": tests}
        return {
            "seed": self.settings.seed,
            "draws": self.settings.draws,
            "runs": self.runs,
            "capture": self.capture,
            "counts": counts,
        }

    @property
    def result_hash(self) -> str:
        """SHA-256 of seed, draws, runs and all counts, hexadecimal."""
        return canonical_digest(_DOMAIN, self.counts_json()).hex()

    def to_json(self) -> dict[str, Json]:
        checks: list[Json] = []
        for c in self.size_checks():
            p_values: dict[str, Json] = {scenario: rounded(p) for scenario, p in c.p_values.items()}
            checks.append({"test": c.test, "holds": c.holds, "holm_p": p_values})
        return {
            **self.counts_json(),
            "holds": self.holds,
            "size_checks": checks,
            "result_hash": self.result_hash,
        }
