"""Funding settlements with bars: their mark prices, and those that the data do not have."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.mapping import FundingMapping
from quantlaxmi.importers.bars.series import Series, Settlements
from quantlaxmi.importers.bars.spool import chunks
from quantlaxmi.importers.source import FORGIVEN
from quantlaxmi.segment.manifest import Gap


def set_marks(settlements: Settlements, perp: Series, interval_ns: int) -> dict[int, str]:
    """Give settlements without a mark the perpetual's price.

    Parameters
    ----------
    settlements : Settlements
        Changed in place.
    perp : Series
    interval_ns : int

    Returns
    -------
    dict of int to str
        Lines that have no price at their time, with what is missing.

    Notes
    -----
    The price is the close of the bar that ends at the settlement's time, which is known then; where
    that bar is missing, the open of the bar that begins there; and for a settlement inside a bar,
    that bar's open, the last price before it.
    """
    opened, first = perp.column("open_ns"), perp.first_ns
    lacking = {}
    for start, stop in chunks(len(settlements)):
        at_ns = settlements.column("at_ns")[start:stop]
        mark = settlements.column("mark")[start:stop]
        begun = at_ns - (at_ns - first) % interval_ns
        done = mark != 0
        for name, wanted, usable in (
            ("close", begun - interval_ns, begun == at_ns),
            ("open", begun, np.ones(len(begun), np.bool_)),
        ):
            k = np.minimum(np.searchsorted(opened, wanted), len(opened) - 1)
            fits = usable & ~done & (opened[k] == wanted)
            mark[fits] = perp.column(name)[k[fits]]
            done |= fits
        for line in settlements.column("line")[start:stop][~done].tolist():
            lacking[line] = "has no mark price, and there is no bar at its time"
    return lacking


def missing_settlements(settlements: Settlements, every_ns: int, perp: Series) -> Iterator[Gap]:
    """Settlement times within the perpetual's bars of which the data say nothing, ascending.

    Parameters
    ----------
    settlements : Settlements
    every_ns : int
        Settlement times are multiples of it since 1970; 0 where only times of faulty lines are
        known to be missing.
    perp : Series
    """
    for at_ns in _missing_times(settlements, every_ns, perp):
        yield Gap(
            table="funding",
            symbol=perp.leg.instrument.symbol,
            start_ns=at_ns,
            end_ns=at_ns,
            reason="a settlement is missing: nothing is paid at this time",
        )


def _missing_times(settlements: Settlements, every_ns: int, perp: Series) -> Iterator[int]:
    known, last_ns = settlements.column("at_ns"), perp.last_ns

    def missing(times: NDArray[Any]) -> list[int]:
        if not len(known):
            return list(map(int, times))
        k = np.minimum(np.searchsorted(known, times), len(known) - 1)
        return list(map(int, times[known[k] != times]))

    faulty = sorted({at_ns for at_ns in settlements.lost_ns if at_ns >= perp.first_ns})
    faulty = missing(np.array(faulty, np.int64))
    if not every_ns:
        yield from faulty
        return
    start, at = -(-perp.first_ns // every_ns), 0
    for low, high in chunks(last_ns // every_ns - start + 1):
        times = np.arange(start + low, start + high) * every_ns
        end = bisect_right(faulty, int(times[-1]))
        yield from sorted({*missing(times), *faulty[at:end]})
        at = end
    yield from faulty[at:]


def check_settlements(settlements: Settlements, funding: FundingMapping, path: Path) -> None:
    """Refuse a column that is filled off the schedule and not carried on.

    Raises
    ------
    InputError
        A rate stands at no multiple of ``every``, and elsewhere a cell is empty: it is a
        settlement that the schedule does not have.
    """
    if settlements.off_filled >= 0 and settlements.off_empty >= 0:
        raise InputError(
            path,
            f"column {funding.rate!r} has a rate at no multiple of every = "
            f"{funding.every_ns // 10**9} s, and none in "
            f"{settlements.place(settlements.off_empty)}; "
            "expected one that is carried on, or a mapping without every, by which each filled "
            "cell is a settlement",
            settlements.place(settlements.off_filled),
        )


def check_lost(
    settlements: Settlements, perp: Series, interval_ns: int, most: Fraction, path: Path
) -> None:
    """Refuse settlements set aside within the bars' time: what is forgiven covers none.

    One that another line tells is not lost.

    Raises
    ------
    InputError
        There is one, and no more than the default share of faulty lines was asked for.
    """
    end_ns, known = perp.last_ns + interval_ns, settlements.column("at_ns")
    near = {at_ns for at_ns in settlements.lost_ns if perp.first_ns <= at_ns <= end_ns}
    lost = near - set(known[np.isin(known, list(near))].tolist()) if near else near
    if lost and most <= FORGIVEN:
        raise InputError(
            path,
            f"{counted(len(lost), 'funding settlement[s] [is|are]')} set aside, which the "
            f"{float(100 * FORGIVEN):g} % "
            "of --max-quarantine do not cover; expected none, or a larger --max-quarantine, by "
            "which each is a gap",
        )
