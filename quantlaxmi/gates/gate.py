"""What a gate is: a name, a suite, the results it declares, its settings and its question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from quantlaxmi.errors import EngineError
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.path.round_trips import PathError
from quantlaxmi.gates.reasons import NO_CODE
from quantlaxmi.gates.results import GateResult, Inconclusive, ResultSpec, Verdict
from quantlaxmi.settings import Settings

__all__ = ["Gate"]


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate; the file of a gate ends with one of these.

    Attributes
    ----------
    name : str
        In the policy, in reports and in the terminal.
    suite : str
        The suite it belongs to: ``"g2"``.
    results : tuple of ResultSpec
        Results that every run of it gives, in order. Others may follow where their names begin
        with the gate's name and a dot.
    Settings : type
        The gate's table in the policy, a class of its own: `quantlaxmi.settings.Settings`.
    evaluate : callable
        Takes a `GateContext` and gives the results. It raises `Inconclusive` where it cannot ask.
    dear : bool
        Whether it draws or runs the strategy many times, so that a policy may skip it.
    added : type
        Class of the results that it gives in addition to those declared.
    needs_code : bool
        Whether its question is about the strategy's code: what it would do on other data or with
        other settings. Of recorded positions it cannot be asked.
    kernels : str
        Module of `quantlaxmi._jit` whose kernels it sweeps with; empty where it has no sweep.
    """

    name: str
    suite: str
    results: tuple[ResultSpec, ...]
    Settings: type[Settings]
    evaluate: Callable[[GateContext], Sequence[GateResult]]
    dear: bool = False
    added: type[GateResult] = GateResult
    needs_code: bool = False
    kernels: str = ""

    def skipped(self, guard: str) -> tuple[GateResult, ...]:
        """The declared results, not asked for because a guard had failed."""
        reason = (
            f"Skipped: the guard {guard} failed, so the verdict is FAIL whatever this gate finds; "
            'early = "off" in the policy asks it all the same.'
        )
        return tuple(spec.result(Verdict.SKIPPED, reason) for spec in self.results)

    def judge(self, context: GateContext) -> tuple[GateResult, ...]:
        """Run the gate; where it cannot ask its question, every declared result says why.

        Raises
        ------
        EngineError
            When an identity does not hold, or the gate gives other results than it declares.
        """
        if problem := context.mixed_currencies():
            return tuple(spec.unanswered(problem) for spec in self.results)
        if self.needs_code and context.is_recording:
            return tuple(spec.unanswered(NO_CODE) for spec in self.results)
        try:
            found = tuple(self.evaluate(context))
        except Inconclusive as error:
            return tuple(spec.unanswered(error.reason, error.details) for spec in self.results)
        except PathError as error:
            return tuple(spec.unanswered(str(error)) for spec in self.results)
        declared = [spec.name for spec in self.results]
        names = [result.gate for result in found]
        more = names[len(declared) :]
        if names[: len(declared)] != declared or not all(
            name.startswith(f"{self.name}.") for name in more
        ):
            raise EngineError(f"the gate {self.name} gave {names}, it declares {declared}")
        return found
