"""Stretches of a real capture as markets of calibration runs, sides by coin."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quantlaxmi.calibrate import null_strategies as rules
from quantlaxmi.calibrate.random_streams import below, sub_key
from quantlaxmi.calibrate.scenarios import Case, Cell
from quantlaxmi.errors import InputError
from quantlaxmi.segment import Segment, open_segment
from quantlaxmi.segment.memory import MemorySegment

__all__ = ["Capture", "open_capture", "real_cell"]

#: Quotes of one instrument in a run.
WINDOW = 1500


@dataclass(frozen=True, slots=True)
class Capture:
    """A segment whose quotes are traded.

    Attributes
    ----------
    path : str
        Its folder.
    digest : str
        Of the segment.
    """

    path: str
    digest: str


def open_capture(path: str) -> Capture:
    """Check that a segment has enough quotes.

    Raises
    ------
    InputError
        It has not.
    """
    segment = open_segment(path)
    _quotes(path, segment)
    return Capture(path, segment.digest)


def _quotes(path: str, segment: Segment) -> tuple[int, dict[str, np.ndarray]]:
    """The instrument with most quotes, and its quotes with both sides there."""
    quotes = segment.columns("quotes")
    counts = np.bincount(quotes["instrument"], minlength=1)
    best = int(np.argmax(counts))
    own = (quotes["instrument"] == best) & (quotes["bid"] > 0) & (quotes["bid"] < quotes["ask"])
    found = int(own.sum())
    if found < 4 * WINDOW:
        raise InputError(path, f"has {found} quotes of one instrument, expected {4 * WINDOW}")
    return best, {name: column[own] for name, column in quotes.items()}


@functools.lru_cache(maxsize=1)
def _loaded(path: str, digest: str) -> tuple[Segment, int, dict[str, np.ndarray]]:
    segment = open_segment(Path(path))
    if segment.digest != digest:
        raise InputError(path, f"was changed: its digest is {segment.digest}, was {digest}")
    return segment, *_quotes(path, segment)


def _make(capture: Capture, key: int, search: bool) -> Case:
    segment, best, quotes = _loaded(capture.path, capture.digest)
    rows = len(quotes["seq"])
    first = int(below(key, 10, 1, rows - WINDOW + 1)[0])
    window = {name: column[first : first + WINDOW].copy() for name, column in quotes.items()}
    window["instrument"][:] = 0
    window["flags"][:] = 0
    instrument = segment.instruments[best]
    # A lot where it is known; what is displayed at the touch is nearly always more.
    config = rules.RuleConfig(
        rule="trips", key=sub_key(key, 1), rows=WINDOW, qty=max(instrument.lot, 1)
    )
    rule = (rules.CoinSearch if search else rules.CoinRule)(config)
    return Case(MemorySegment([instrument], {"quotes": window}), rule)


def real_cell(capture: Capture | None) -> tuple[Cell, ...]:
    """The cell of a capture, if there is one."""
    if capture is None:
        return ()
    text = f"coin sides on stretches of {WINDOW} quotes of a real capture"
    return (Cell("real", text, functools.partial(_make, capture)),)
