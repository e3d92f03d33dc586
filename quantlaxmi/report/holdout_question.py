"""The one question that opens a seal: asked before a sealed row is read, answered by a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from quantlaxmi.canonical import canonical_digest
from quantlaxmi.errors import ConfigError, HoldoutError
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.report.judged_rows import sealed_window
from quantlaxmi.report.known import AnyGrid, strategy_class

if TYPE_CHECKING:
    from quantlaxmi.execution.conversion import Conversion
    from quantlaxmi.report.gate_report import GateReport
    from quantlaxmi.run.config import RunConfig
    from quantlaxmi.segment import MarketData
    from quantlaxmi.trials.holdout import Holdout
    from quantlaxmi.trials.ledger import TrialLedger

__all__ = ["HOLDOUT_GATES", "SealQuestion"]

#: Suites of which a holdout is judged by one test.
HOLDOUT_GATES: Final = ("g2",)
_DOMAIN: Final = "quantlaxmi.holdout-question.v1"


@dataclass(frozen=True, slots=True)
class SealQuestion:
    """What is asked of the sealed rows of a segment: one setting, with all that decides on it.

    Attributes
    ----------
    segment : MarketData
        With sealed rows.
    config : RunConfig
    conversion : Conversion or None
    policy : GatePolicy
        The equity test alone.
    seed : int or None
        Of the gates' draws, where somebody chose it.
    """

    segment: MarketData
    config: RunConfig
    conversion: Conversion | None
    policy: GatePolicy
    seed: int | None

    @classmethod
    def of(
        cls,
        segment: MarketData,
        config: RunConfig,
        conversion: Conversion | None,
        policy: GatePolicy | None,
        seed: int | None,
    ) -> SealQuestion:
        """The question under a policy, of which the equity test alone is asked."""
        asked = (policy or GatePolicy()).replace(suites={"g2": ["equity"]})
        return cls(segment, config, conversion, asked, seed)

    @property
    def digest(self) -> str:
        """SHA-256 of all that the verdict depends on besides the setting, hexadecimal."""
        parts = {
            "segment": self.segment.digest,
            "config": self.config.digest.hex(),
            "conversion": None if self.conversion is None else self.conversion.describe(),
            "policy": self.policy.policy_hash,
            "seed": self.seed,
        }
        return canonical_digest(_DOMAIN, parts).hex()

    def ask(
        self, strategy: Any, ledger: TrialLedger | None, grid: AnyGrid | None = None
    ) -> OpenedRows:
        """Open the seal of the segment for a setting; it is written before a sealed row is read.

        Parameters
        ----------
        strategy : Strategy, BoundStrategy, str or type of Strategy
        ledger : TrialLedger or None
        grid : as for `run_gates`
            Refused: it names no setting.

        Raises
        ------
        HoldoutError
            There is no ledger, no seal, several, or one that was opened for another question or was
            judged.
        ConfigError
            The strategy was given as a function of the segment, with recorded positions, or with a
            grid.
        """
        from quantlaxmi.run.replay import bind
        from quantlaxmi.run.trial_lines import code_of
        from quantlaxmi.trials.opening import open_seal

        if getattr(strategy, "is_recording", False):
            problem = "was given with recorded positions, which may know the sealed rows"
            raise ConfigError("--open-seal", f"{problem}; expected the strategy itself")
        if grid is not None:
            raise ConfigError("--open-seal", "judges one named setting, expected no grid")
        if ledger is None:
            raise HoldoutError("--open-seal", "needs the ledger that holds the seal, --trials DIR")
        kind = strategy_class(strategy)
        bound = bind(kind if isinstance(strategy, str) else strategy, self.segment.instruments)
        ledger.prepare()
        opened = open_seal(
            self.segment,
            ledger,
            strategy=bound.strategy_id,
            code=code_of(bound),
            config=bound.config.as_texts(),
            config_hash=bound.config_hash.hex(),
            question=self.digest,
        )
        return OpenedRows(ledger, opened, sealed_window(self.segment, opened.seal.from_ns))


@dataclass(frozen=True, slots=True)
class OpenedRows:
    """The rows of an opened seal, before they are judged.

    Attributes
    ----------
    ledger : TrialLedger
    holdout : Holdout
    rows : MarketData
        Warmed on all earlier messages.
    """

    ledger: TrialLedger
    holdout: Holdout
    rows: MarketData

    def judged(self, report: GateReport) -> GateReport:
        """Write the answer to the ledger; from then on the question is answered.

        Parameters
        ----------
        report : GateReport
            Of the equity test.

        Returns
        -------
        GateReport
            The same.

        Raises
        ------
        HoldoutError
            Another answer stands there already.
        """
        from quantlaxmi.trials.opening import judge_seal
        from quantlaxmi.trials.records import Answer, Judgement

        opening, [found] = self.holdout.opening, report.results[0].results
        assert opening is not None
        made = Judgement(
            opening=opening.opening_id,
            verdict=cast(Answer, found.verdict.value),
            reason=" ".join(found.reasons)[:4096],
            run=report.outcome_hash,
            report=report.report_hash,
        )
        judge_seal(self.ledger, self.holdout, made)
        return report
