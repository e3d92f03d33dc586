"""Which delays a segment is judged by: milliseconds, or bars where it holds bars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlaxmi.gates.inputs import GateInput, Grid
from quantlaxmi.schema import QuoteFlag

__all__ = ["Delays", "delays_of"]


@dataclass(frozen=True, slots=True)
class Delays:
    """Delays in the segment's own unit.

    Attributes
    ----------
    unit : str
        ``"ms"`` or ``"bars"``.
    unit_ns : int
    amounts : tuple of int
        The policy's delays, ascending; the required one among them.
    required : int
    """

    unit: str
    unit_ns: int
    amounts: tuple[int, ...]
    required: int

    def text(self, amount: int) -> str:
        """A delay with its unit."""
        return f"{amount} {self.unit[:-1] if self.unit == 'bars' and amount == 1 else self.unit}"


def _spacing(grid: Grid) -> int:
    """The most frequent time between two rows, the shortest of equally frequent ones; 0: none."""
    apart = np.diff(grid.ts_ns)
    found, counts = np.unique(apart[apart > 0], return_counts=True)
    return int(found[np.argmax(counts)]) if len(found) else 0


def delays_of(inp: GateInput) -> Delays:
    """The policy's delays for the segment of a run.

    A segment of bars is told by its quiet quotes, which only an import of bars writes; its bars
    are as long as most rows of the grid are apart.

    Parameters
    ----------
    inp : GateInput
        Without a `rerun`, delays are milliseconds.
    """
    policy = inp.policy
    if inp.rerun is not None:
        flags = inp.rerun.run.segment.columns("quotes")["flags"]
        interval = _spacing(inp.grid) if bool((flags & int(QuoteFlag.QUIET)).any()) else 0
        if interval:
            required = policy.required_delay_bars
            bars = tuple(sorted({*policy.delay_bars, required}))
            return Delays("bars", interval, bars, required)
    required = policy.required_delay_ms
    return Delays("ms", 10**6, tuple(sorted({*policy.delays_ms, required})), required)
