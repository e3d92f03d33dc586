"""Records of a run as plain arrays and back, for a catalog that keeps them without the strategy.

With the trace header (`quantlaxmi.trace.file.header_json`) they are all of a `RunRecords`. Money of
accounts and currencies is 128-bit halves; nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import InputError
from quantlaxmi.execution.ledger import ledger_scale
from quantlaxmi.fixed import int128_array, int128_halves
from quantlaxmi.run.attribution import Attributions
from quantlaxmi.run.capital import CapitalUse
from quantlaxmi.run.note_rounding import NO_NOTES, NOTE_DTYPE
from quantlaxmi.run.records import Account, RunRecords, VenueClock
from quantlaxmi.trace import TRACE_TABLES
from quantlaxmi.trace.header import TraceHeader

__all__ = ["arrays_of", "records_of"]

Arrays = Mapping[str, NDArray[Any]]
#: What runs stored before this table was made do not have.
_LATER: Final = frozenset({"bundles", "settled"})


def arrays_of(records: RunRecords) -> dict[str, NDArray[Any]]:
    """Return all but the header as arrays of fixed types, which ``numpy.savez`` stores.

    Returns
    -------
    dict of str to ndarray
        The tables by their names; ``attributions`` (n_fills, 6, 2) and ``reference_price``
        (n_fills,); by instrument ``booked`` (n, 6, 2), which is position, cost, realized, fees,
        funding and borrow, ``last_mids``, ``depth_gaps`` and ``venue_clocks`` (n, 4), which is
        whether there was a stamp, offset, trades met and trades over; ``cash`` (n_currencies, 2);
        ``counts``, which is ledger exponent and messages; ``capital`` (3, 2) where it is stated:
        capital, drawdown, most margin used; ``notes`` where there are any. All but the tables and
        the notes are int64, halves (hi, lo) last.
    """
    booked = [
        value
        for a in records.accounts
        for value in (a.position, a.cost, a.realized, a.fees, a.funding, a.borrow)
    ]
    use = records.capital
    stated = [] if use is None else [use.capital, use.drawdown, use.most_used]
    return {
        **{name: getattr(records, name) for name in TRACE_TABLES},
        "attributions": records.attributions.parts,
        "reference_price": records.attributions.reference_price,
        "booked": np.stack(int128_halves(booked), axis=1).reshape(-1, 6, 2),
        "last_mids": records.last_mids,
        "depth_gaps": np.array(records.depth_gaps, np.int64),
        "venue_clocks": np.array(
            [
                (c.offset_ns is not None, c.offset_ns or 0, c.n_met, c.n_over)
                for c in records.venue_clocks
            ],
            np.int64,
        ).reshape(-1, 4),
        "cash": np.stack(int128_halves(list(records.cash.values())), axis=1),
        "counts": np.array([records.ledger_exponent, records.n_messages], np.int64),
        **({"capital": np.stack(int128_halves(stated), axis=1)} if stated else {}),
        **({"notes": records.notes} if len(records.notes) else {}),
    }


def records_of(header: TraceHeader, arrays: Arrays) -> RunRecords:
    """Return the records of which `arrays_of` gave these arrays.

    Parameters
    ----------
    header : TraceHeader
        Of the same run.
    arrays : mapping of str to ndarray

    Raises
    ------
    InputError
        An array is missing, or has another type or shape.
    """
    currencies = tuple(dict.fromkeys(one.currency for one in header.instruments))
    _check(arrays, len(header.instruments), len(currencies))
    exponent, n_messages = arrays["counts"].tolist()
    accounts = [
        Account.marked(int128_array(*booked.T).tolist(), mid, ledger_scale(one, exponent))
        for booked, mid, one in zip(
            arrays["booked"], arrays["last_mids"].tolist(), header.instruments, strict=True
        )
    ]
    cash = int128_array(*arrays["cash"].T).tolist()
    return RunRecords(
        header=header,
        ledger_exponent=exponent,
        **{name: arrays.get(name, np.empty(0, kind)) for name, kind in TRACE_TABLES.items()},
        accounts=tuple(accounts),
        cash=dict(zip(currencies, cash, strict=True)),
        attributions=Attributions(arrays["attributions"], arrays["reference_price"], exponent - 1),
        last_mids=arrays["last_mids"],
        n_messages=n_messages,
        depth_gaps=tuple(arrays["depth_gaps"].tolist()),
        venue_clocks=tuple(
            VenueClock(offset if known else None, met, over)
            for known, offset, met, over in arrays["venue_clocks"].tolist()
        ),
        capital=(
            CapitalUse(*int128_array(*arrays["capital"].T).tolist())
            if "capital" in arrays
            else None
        ),
        notes=arrays.get("notes", NO_NOTES),
    )


def _check(arrays: Arrays, n_instruments: int, n_currencies: int) -> None:
    """Refuse what `arrays_of` cannot have made of a run of so many instruments."""
    n_fills = len(arrays["fills"]) if "fills" in arrays else 0
    shapes: dict[str, tuple[int, ...]] = {
        "attributions": (n_fills, 6, 2),
        "reference_price": (n_fills,),
        "booked": (n_instruments, 6, 2),
        "last_mids": (n_instruments,),
        "depth_gaps": (n_instruments,),
        "venue_clocks": (n_instruments, 4),
        "cash": (n_currencies, 2),
        "counts": (2,),
        **({"capital": (3, 2)} if "capital" in arrays else {}),
    }
    tables = {**TRACE_TABLES, **({"notes": NOTE_DTYPE} if "notes" in arrays else {})}
    for name in (*tables, *shapes):
        if name not in arrays and name in _LATER:
            continue
        if name not in arrays:
            raise InputError("records of a run", "is missing", name)
        found, dtype = arrays[name], tables.get(name, np.dtype(np.int64))
        shape = shapes.get(name, found.shape[:1])
        if found.dtype != dtype or found.shape != shape:
            raise InputError(
                "records of a run",
                f"was {found.dtype} of shape {found.shape}, expected {dtype} of {shape}",
                name,
            )
