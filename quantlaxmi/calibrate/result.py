"""What a calibration found: counts, and whether the false-pass rates keep to the level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quantlaxmi.calibrate.study import SUITE, Settings
from quantlaxmi.calibrate.tasks import Line, Outcome
from quantlaxmi.canonical import canonical_digest
from quantlaxmi.gates.results import Json, rounded
from quantlaxmi.stats.holm import holm

__all__ = ["LEVEL", "Calibration", "SizeCheck"]

#: Level of the tests, and of the check of their sizes.
LEVEL = 0.05
_DOMAIN = "quantlaxmi.calibration-result.v1"


@dataclass(frozen=True, slots=True)
class SizeCheck:
    """Whether one test's false-pass rate is at most the level, on every cell.

    Attributes
    ----------
    test : str
    p_values : dict of str to float
        By cell: chance of so many passes or more at a rate of exactly the level, adjusted by Holm
        over the cells.
    """

    test: str
    p_values: Mapping[str, float]

    @property
    def holds(self) -> bool:
        """No cell's rate is significantly above the level."""
        return all(p > LEVEL for p in self.p_values.values())


@dataclass(frozen=True, slots=True)
class Calibration:
    """Counts of a finished calibration.

    Attributes
    ----------
    settings : Settings
    runs : int
        Of each line that holds a size.
    lines : tuple of Line
    outcomes : dict of str to Outcome
        By the line's key.
    cells : dict of str to str
        What each cell is.
    capture : str or None
        Digest of the real capture.
    """

    settings: Settings
    runs: int
    lines: tuple[Line, ...]
    outcomes: Mapping[str, Outcome]
    cells: Mapping[str, str]
    capture: str | None

    def group(self, name: str) -> list[Line]:
        """Lines of one kind."""
        return [line for line in self.lines if line.group == name]

    def tests(self, group: str) -> list[str]:
        """Tests that stand in the lines of a kind, in the suite's order, the suite last."""
        found = dict.fromkeys(t for line in self.group(group) for t in self.outcomes[line.key])
        return [t for t in found if t != SUITE] + [t for t in found if t == SUITE]

    def size_checks(self) -> list[SizeCheck]:
        """One for each test, and one for a search inside the market null."""
        from scipy.stats import binom

        checks = []
        for group, suffix in (("size", ""), ("search", ", search inside")):
            for test in self.tests(group):
                p_values = {}
                for line in self.group(group):
                    counts = self.outcomes[line.key].get(test)
                    if counts and counts["P"] + counts["F"]:
                        judged = counts["P"] + counts["F"]
                        p_values[line.label] = float(binom.sf(counts["P"] - 1, judged, LEVEL))
                if p_values:
                    adjusted = holm(list(p_values.values()))
                    made = dict(zip(p_values, adjusted, strict=True))
                    checks.append(SizeCheck(test + suffix, made))
        return checks

    @property
    def holds(self) -> bool:
        """Whether every test keeps its level on every cell."""
        return all(check.holds for check in self.size_checks())

    def counts_json(self) -> dict[str, Json]:
        """What the hash covers."""
        counts: dict[str, Json] = {}
        for line in self.lines:
            tests: dict[str, Json] = {t: dict(c) for t, c in self.outcomes[line.key].items()}
            counts[line.key] = {"runs": line.runs, "tests": tests}
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
            p_values: dict[str, Json] = {cell: rounded(p) for cell, p in c.p_values.items()}
            checks.append({"test": c.test, "holds": c.holds, "holm_p": p_values})
        return {
            **self.counts_json(),
            "holds": self.holds,
            "size_checks": checks,
            "result_hash": self.result_hash,
        }
