"""Windows of a real capture as markets of calibration runs, traded with random sides."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quantlaxmi.calibrate.random_streams import NOISE, Draws
from quantlaxmi.calibrate.worlds.world import Case, World, rule
from quantlaxmi.errors import InputError
from quantlaxmi.segment import Segment, open_segment
from quantlaxmi.segment.memory import MemorySegment

__all__ = ["Capture", "open_capture", "real_worlds"]

#: Quotes of one instrument in a run.
WINDOW = 3000


@dataclass(frozen=True, slots=True)
class Capture:
    """A segment from which the markets of runs are cut.

    Attributes
    ----------
    path : str
        Folder of the segment.
    digest : str
        Digest of the segment.
    """

    path: str
    digest: str


def open_capture(path: str) -> Capture:
    """Check that a segment has enough quotes.

    Raises
    ------
    InputError
        When no instrument has enough quotes.
    """
    segment = open_segment(path)
    _quotes(path, segment)
    return Capture(path, segment.digest)


def _quotes(path: str, segment: Segment) -> tuple[int, dict[str, np.ndarray]]:
    """The instrument with the most quotes, and those of its quotes that have both sides."""
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


def _make(capture: Capture, draws: Draws, search: bool) -> Case:
    segment, best, quotes = _loaded(capture.path, capture.digest)
    rows = len(quotes["seq"])
    first = int(draws.below(NOISE, 1, rows - WINDOW + 1)[0])
    window = {name: column[first : first + WINDOW].copy() for name, column in quotes.items()}
    window["instrument"][:] = 0
    window["flags"][:] = 0
    instrument = segment.instruments[best]
    # A lot where it is known; what is displayed at the touch is nearly always more.
    made = rule(draws, search, rows=WINDOW, qty=max(instrument.lot, 1))
    return Case(MemorySegment([instrument], {"quotes": window}), made)


def real_worlds(capture: Capture | None) -> tuple[World, ...]:
    """The world of a capture, where one is given."""
    if capture is None:
        return ()
    text = f"random sides on windows of {WINDOW} quotes of a real capture"
    return (World("real", text, functools.partial(_make, capture)),)
