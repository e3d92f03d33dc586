"""Snapshots as instruments and rows of the table ``chain``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.nse.contracts import contract
from quantlaxmi.importers.nse.snapshot import Snapshot
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import I64, TABLES, ChainFlag
from quantlaxmi.segment.manifest import MAX_INSTRUMENTS

__all__ = ["chain_rows"]

#: Bits of a key: strike and side below the expiry's number.
_STRIKE_BITS: Final = 48
_MAX_EXPIRIES: Final = 1 << 14
_COPIED: Final = ("bid", "bid_qty", "ask", "ask_qty", "last", "volume", "oi", "iv")


def chain_rows(
    snapshots: Sequence[Snapshot], unchanged: frozenset[int]
) -> tuple[list[Instrument], dict[str, npt.NDArray[Any]]]:
    """Return the contracts of snapshots and their rows, a message a snapshot.

    Contracts ascend in expiry, strike and side, the call first. A snapshot need not have all of
    them.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        Of one underlying, by time of collection; at least one.
    unchanged : frozenset of int
        Indices of those whose rows get ``ChainFlag.UNCHANGED``.

    Returns
    -------
    tuple of list of Instrument and dict of str to ndarray
        Columns of ``schema.TABLES["chain"]``; the message's number is that of the snapshot.

    Raises
    ------
    InputError
        Two snapshots have one time of collection, a contract's lot changes between them, or there
        are more contracts than a segment can have.
    """
    expiries = sorted({day for one in snapshots for day in one.expiries})
    if len(expiries) > _MAX_EXPIRIES:
        what = f"has {counted(len(expiries), 'expir[y|ies]')}, expected at most {_MAX_EXPIRIES}"
        raise InputError(snapshots[0].underlying, what)
    keys = [_keys(one, expiries) for one in snapshots]
    contracts = np.unique(np.concatenate(keys))
    if len(contracts) > MAX_INSTRUMENTS:
        what = f"has {counted(len(contracts), 'contract[s]')}, expected at most {MAX_INSTRUMENTS}"
        raise InputError(snapshots[0].underlying, what)
    lots = np.zeros(len(contracts), np.int64)
    parts: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in TABLES["chain"]}
    for seq, (one, key) in enumerate(zip(snapshots, keys, strict=True)):
        if seq and one.ts_ns <= snapshots[seq - 1].ts_ns:
            what = f"has the time of collection of {snapshots[seq - 1].name}, expected a later one"
            raise InputError(one.name, what)
        order = np.argsort(key, kind="stable")
        instrument = np.searchsorted(contracts, key[order])
        _check_lots(one, lots, instrument, one.columns["lot"][order])
        for name, column in _columns(seq, one, order, instrument, seq in unchanged).items():
            parts[name].append(column)
    rows = {
        name: np.concatenate(parts[name]).astype(dtype, copy=False)
        for name, dtype in TABLES["chain"].items()
    }
    low = contracts & ((1 << _STRIKE_BITS) - 1)
    days = [expiries[k] for k in (contracts >> _STRIKE_BITS).tolist()]
    terms = zip(days, (low >> 1).tolist(), (low & 1).tolist(), lots.tolist(), strict=True)
    underlying = snapshots[0].underlying
    return [
        contract(underlying, e, s, "PE" if put else "CE", lot=n) for e, s, put, n in terms
    ], rows


def _keys(one: Snapshot, expiries: list[date]) -> I64:
    """A number for each row's contract, ascending as the contracts do."""
    place = {day: k for k, day in enumerate(expiries)}
    number = np.array([place[day] for day in one.expiries], np.int64)[one.columns["expiry"]]
    keys: I64 = (number << _STRIKE_BITS) | (one.columns["strike"] << 1) | (1 - one.columns["call"])
    return keys


def _check_lots(one: Snapshot, lots: I64, instrument: I64, own: I64) -> None:
    """Note the lots of a snapshot's contracts, which an earlier one must not contradict."""
    before = lots[instrument]
    bad = (before != 0) & (before != own)
    if bad.any():
        k = int(np.argmax(bad))
        raise InputError(one.name, f"has the lot {own[k]}, before it was {before[k]}; "
                         "expected one lot of a contract in a segment")  # fmt: skip
    lots[instrument] = own


def _columns(
    seq: int, one: Snapshot, order: I64, instrument: I64, unchanged: bool
) -> dict[str, npt.NDArray[Any]]:
    n = len(order)
    flags = np.full(n, int(ChainFlag.UNCHANGED) if unchanged else 0, np.int8)
    flags[-1] |= int(ChainFlag.LAST)
    return {
        "seq": np.full(n, seq, np.int64),
        "ts_ns": np.full(n, one.ts_ns, np.int64),
        "instrument": instrument,
        "exch_ts_ns": np.full(n, one.exch_ts_ns, np.int64),
        **{name: one.columns[name][order] for name in _COPIED},
        "flags": flags,
    }
