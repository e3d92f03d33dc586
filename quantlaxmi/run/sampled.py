"""A run looked at in equal steps of time, for drawing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import InputError
from quantlaxmi.run.ledger_lines import lines_at_times
from quantlaxmi.run.picture import DrawnRun

__all__ = ["Sampled"]

#: Equal steps of time at which a run is looked at for drawing.
_POINTS = 8000
#: Units of time on an axis: nanoseconds, and the longest span in them.
_UNITS = ((10**9, "seconds", 300), (60 * 10**9, "minutes", 300), (3600 * 10**9, "hours", 96))
_DAY_NS = 86_400 * 10**9


class Sampled:
    """A run at equal steps of time: equity, mids and positions of what it traded.

    Parameters
    ----------
    run : DrawnRun
    """

    def __init__(self, run: DrawnRun) -> None:
        segment, records = run.segment, run.exact
        first, last = segment.first_ts_ns, segment.last_ts_ns
        points = np.unique(np.linspace(0, last - first, _POINTS).astype(np.int64)) + first
        self.run = run
        self.lines = lines_at_times(records, segment, points, run.loans)
        self.names = [run.instruments[i].symbol for i in self.lines.held]
        span = last - first
        self.unit, self.unit_name = _DAY_NS, "days"
        for unit, name, most in _UNITS:
            if span <= unit * most:
                self.unit, self.unit_name = unit, name
                break
        begun = np.datetime64(first, "ns").astype("datetime64[m]")
        self.time_label = f"{self.unit_name} since {str(begun).replace('T', ' ')} UTC"
        self.t: npt.NDArray[np.float64] = (points - first) / self.unit

    def at(self, ts_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Times on the axis."""
        return (ts_ns - self.run.segment.first_ts_ns) / self.unit

    @property
    def currencies(self) -> list[str]:
        """Currencies of what was traded, in order."""
        return list(dict.fromkeys(self.run.instruments[i].currency for i in self.lines.held))

    def equity(self, currency: str) -> npt.NDArray[np.float64]:
        """Equity of a currency at every step."""
        scale = 10.0**self.lines.exponent
        return np.array([v * scale for v in self.lines.totals[currency].equity.tolist()])

    def mid(self, k: int) -> npt.NDArray[np.float64]:
        """Mid of a traded instrument at every step; NaN before its first book."""
        exponent = self.run.instruments[self.lines.held[k]].price_exponent
        found = self.lines.mid2[k].astype(np.float64) * (10.0**exponent / 2)
        found[found == 0] = np.nan
        return np.asarray(found, np.float64)

    def position(self, k: int) -> npt.NDArray[np.float64]:
        """Position in a traded instrument at every step."""
        one = self.run.instruments[self.lines.held[k]]
        held = self.lines.position[k].astype(np.float64)
        return np.asarray(held * 10.0**one.qty_exponent, np.float64)

    def place(self, symbol: str | None) -> int:
        """Which of the traded instruments is meant.

        Raises
        ------
        InputError
        """
        if not self.names or (symbol is not None and symbol not in self.names):
            traded = ", ".join(self.names) or "none, the run has no fill"
            raise InputError("picture", f"was of {symbol}, expected one that was traded: {traded}")
        return 0 if symbol is None else self.names.index(symbol)

    def pair(self) -> tuple[int, int] | None:
        """Places of a spot and of its perpetual, where both were traded."""
        kinds = [self.run.instruments[i] for i in self.lines.held]
        for k, spot in enumerate(kinds):
            for j, perp in enumerate(kinds):
                if spot.kind == "spot" and perp.kind != "spot" and spot.base == perp.base:
                    return k, j
        return None
