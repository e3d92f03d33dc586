"""Depth messages of the synthetic market: a snapshot, then differences that follow one another."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import TABLES, DepthFlag

_LEVELS = 4
_LEVEL_COINS = Fraction(1, 4)  # at each level beyond the touch


class DepthSource:
    """Keeps the update numbers and the displayed levels of both instruments.

    Parameters
    ----------
    instruments : tuple of Instrument
        Levels are a tick apart.
    """

    def __init__(self, instruments: tuple[Instrument, ...]) -> None:
        self._tick = [one.tick for one in instruments]
        self._qty = [int(_LEVEL_COINS / Fraction(10) ** one.qty_exponent) for one in instruments]
        self._last_id = [0 for _ in instruments]
        self._shown: list[list[tuple[int, int]]] = [[] for _ in instruments]

    def _message(
        self, instrument: int, bid: int, ask: int
    ) -> tuple[tuple[int, int, int], list[tuple[int, int, int, int]]]:
        """Ids (first, last, previous) and rows (side, price, qty, flags) of one message."""
        tick = self._tick[instrument]
        levels = [(1, bid - j * tick) for j in range(_LEVELS)]
        levels += [(-1, ask + j * tick) for j in range(_LEVELS)]
        old, self._shown[instrument] = self._shown[instrument], levels
        previous = self._last_id[instrument]
        snapshot = not old
        self._last_id[instrument] = previous + 1 + len(levels)
        last, is_perp = self._last_id[instrument], instrument == 1
        # The venues number differently: a spot difference begins after the last id, a
        # perpetual's names it.
        first = last if snapshot else previous if is_perp else previous + 1
        ids = (first, last, previous if is_perp and not snapshot else -1)
        now = set(levels)
        gone = [(side, price, 0, 0) for side, price in old if (side, price) not in now]
        flags = int(DepthFlag.SNAPSHOT) if snapshot else 0
        rows = gone + [
            (side, price, self._qty[instrument] * (1 + j % _LEVELS), flags)
            for j, (side, price) in enumerate(levels)
        ]
        side, price, qty, flag = rows[-1]
        rows[-1] = (side, price, qty, flag | int(DepthFlag.LAST))
        return ids, rows

    def rows(
        self,
        seq: npt.NDArray[np.int64],
        ts_ns: npt.NDArray[np.int64],
        instrument: npt.NDArray[np.int64],
        exch_ts_ns: npt.NDArray[np.int64],
        bid: npt.NDArray[np.int64],
        ask: npt.NDArray[np.int64],
    ) -> dict[str, npt.NDArray[Any]]:
        """The depth table of the messages at ``seq``; all inputs have shape (n_messages,)."""
        made: list[tuple[int, ...]] = []
        for s, t, i, e, b, a in zip(
            *(x.tolist() for x in (seq, ts_ns, instrument, exch_ts_ns, bid, ask)), strict=True
        ):
            ids, levels = self._message(i, b, a)
            made.extend((s, t, i, e, *ids, *level) for level in levels)
        columns = list(zip(*made, strict=True)) if made else [() for _ in TABLES["depth"]]
        return {
            name: np.array(column, dtype)
            for (name, dtype), column in zip(TABLES["depth"].items(), columns, strict=True)
        }
