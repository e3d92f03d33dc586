"""Bhavcopies of several days as instruments, chain rows and settlements.

A contract is its expiry, strike and side. Where an expiry is moved while the contract is listed,
the exchange's token tells that it is the same one: a single instrument, with the later expiry.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantlaxmi.counted import counted
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.importers.nse.bhavcopy import SIDES, Bhavcopy
from quantlaxmi.importers.nse.contracts import (
    IST,
    TICK,
    contract,
    contract_id,
    expires_ns,
    ns_of,
)
from quantlaxmi.importers.nse.udiff_mapping import AssumedQuotes
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import I64, TABLES, ChainFlag
from quantlaxmi.segment.manifest import MAX_INSTRUMENTS
from quantlaxmi.venues import nse

__all__ = ["DayRows", "day_rows"]

#: Bits of a key: strike and side below the expiry's number.
_STRIKE_BITS: Final = 46
_MAX_EXPIRIES: Final = 1 << 14
_STRIKE_MASK: Final = (1 << _STRIKE_BITS) - 1


@dataclass(slots=True, eq=False)
class DayRows:
    """What days of bhavcopies are in a segment.

    Attributes
    ----------
    instruments : list of Instrument
    chain, settlement : dict of str to ndarray
        Columns of these tables of the schema.
    counts : list of (int, int)
        Messages of chain and of settlement of each day.
    traded, quoted : int
        Rows of contracts that traded on the day; rows with an assumed quote at either side.
    notes : list of str
        On expiries and lots.
    """

    instruments: list[Instrument]
    chain: dict[str, npt.NDArray[Any]]
    settlement: dict[str, npt.NDArray[Any]]
    counts: list[tuple[int, int]]
    traded: int = 0
    quoted: int = 0
    notes: list[str] = field(default_factory=list)


def day_rows(days: Sequence[Bhavcopy], underlying: str, assumed: AssumedQuotes | None) -> DayRows:
    """Put days together.

    Parameters
    ----------
    days : sequence of Bhavcopy
        Of different days, ascending.
    underlying : str
    assumed : AssumedQuotes, optional
        Without it there are no quotes.

    Raises
    ------
    InputError
        There are more contracts than a segment can have, or the assumed size is below a lot.
    ConfigError
        The dated table has no session for a day or an expiry.
    """
    expiries = tuple(sorted({expiry for one in days for expiry in one.expiries}))
    if len(expiries) > _MAX_EXPIRIES:
        raise InputError(
            underlying, f"has {counted(len(expiries), 'expir[y|ies]')}, at most {_MAX_EXPIRIES}"
        )
    listed = [_keys(one, expiries) for one in days]
    moves = _moves(days, listed, expiries)
    keys = [moves.resolved(key) for key in listed]
    contracts = np.unique(np.concatenate(keys))
    if len(contracts) > MAX_INSTRUMENTS:
        what = f"has {counted(len(contracts), 'contract[s]')}, expected at most {MAX_INSTRUMENTS}"
        raise InputError(underlying, what)
    lots, lot_notes = _lots(days, keys, contracts, underlying)
    names = _names(days, keys, contracts)
    found = _tables(days, keys, contracts, lots, assumed)
    found.notes = [*moves.notes(expiries), *lot_notes]
    for key, lot, name in zip(contracts.tolist(), lots.tolist(), names, strict=True):
        expiry, strike, side = _parts(key, expiries)
        identity = None
        if key in moves.first:
            first, *_ = _parts(moves.first[key], expiries)
            identity = contract_id(underlying, first, strike, SIDES[side])
        found.instruments.append(
            contract(
                underlying,
                expiry,
                strike,
                SIDES[side],
                lot=lot,
                venue_symbol=name,
                identity=identity,
            )
        )
    return found


def _keys(one: Bhavcopy, expiries: tuple[date, ...]) -> I64:
    """A number for each row's contract, ascending in expiry, strike and side."""
    place = {day: k for k, day in enumerate(expiries)}
    c = one.columns
    number = np.array([place[day] for day in one.expiries], np.int64)[c["expiry"]]
    keys: I64 = (number << _STRIKE_BITS) | (c["strike"] << 2) | c["side"]
    return keys


def _parts(key: int, expiries: tuple[date, ...]) -> tuple[date, int, int]:
    low = key & _STRIKE_MASK
    return expiries[key >> _STRIKE_BITS], low >> 2, low & 3


@dataclass(slots=True)
class _Moves:
    """Contracts whose expiry was moved while they were listed.

    Attributes
    ----------
    final : dict of int to int
        Key of a contract with an expiry that it had before, to its last key.
    first : dict of int to int
        Last key to the one first listed.
    told : Counter
        Contracts by old key's expiry, new key's expiry and the day that shows it.
    """

    final: dict[int, int] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)
    told: Counter[tuple[int, int, date]] = field(default_factory=Counter)

    def add(self, old: int, new: int, day: date) -> None:
        """Note that a contract has another expiry from a day on."""
        for key in [key for key, last in self.final.items() if last == old] + [old]:
            self.final[key] = new
        self.final.pop(new, None)
        self.first[new] = self.first.pop(old, old)
        self.told[old >> _STRIKE_BITS, new >> _STRIKE_BITS, day] += 1

    def resolved(self, keys: I64) -> I64:
        """Keys with the expiries that the contracts have in the end."""
        if not self.final:
            return keys
        olds = np.array(sorted(self.final), np.int64)
        lasts = np.array([self.final[key] for key in olds.tolist()], np.int64)
        at = np.minimum(np.searchsorted(olds, keys), len(olds) - 1)
        return np.where(olds[at] == keys, lasts[at], keys)

    def notes(self, expiries: tuple[date, ...]) -> list[str]:
        """One sentence for each pair of expiries."""
        return [
            f"{counted(n, 'contract[s] [is|are]')} of {expiries[new]} from {day} on, before "
            f"of {expiries[old]}; each "
            "is one instrument, whose contract_id has the expiry first listed."
            for (old, new, day), n in self.told.items()
        ]


def _moves(days: Sequence[Bhavcopy], keys: Sequence[I64], expiries: tuple[date, ...]) -> _Moves:
    """Contracts that the exchange's token shows under another expiry in the next file."""
    found = _Moves()
    for (before, old), (after, new) in itertools.pairwise(zip(days, keys, strict=True)):
        tokens = before.columns["token"], after.columns["token"]
        _, i, k = np.intersect1d(*tokens, return_indices=True)
        same = (old[i] & _STRIKE_MASK) == (new[k] & _STRIKE_MASK)
        # Tokens are used again: an expiry that had passed by then was not moved.
        listed = np.array([day >= after.day for day in expiries])[old[i] >> _STRIKE_BITS]
        # Where a file has both expiries they are two contracts.
        two = np.isin(new[k], old) | np.isin(old[i], new)
        for at in np.flatnonzero(same & listed & ~two & (old[i] != new[k])).tolist():
            found.add(int(old[i][at]), int(new[k][at]), after.day)
    return found


def _lots(
    days: Sequence[Bhavcopy], keys: Sequence[I64], contracts: I64, underlying: str
) -> tuple[I64, list[str]]:
    """The last lot of each contract, and how the files' lots differ from the dated table's."""
    lots, changed = np.zeros(len(contracts), np.int64), np.zeros(len(contracts), bool)
    differ, missing = [], []
    for one, key in zip(days, keys, strict=True):
        own = one.columns["lot"]
        at = np.searchsorted(contracts, key)
        changed[at] |= (lots[at] != 0) & (lots[at] != own)
        lots[at] = own
        of_expiry = set(zip(one.columns["expiry"].tolist(), own.tolist(), strict=True))
        for expiry, lot in sorted(of_expiry):
            day = one.expiries[expiry]
            try:
                known = nse.lot(underlying, day, one.day)
            except ConfigError:
                missing.append(f"{day} on {one.day}")
                continue
            if known != lot:
                differ.append(f"{day} on {one.day}: {lot} in the file, {known} in the table")
    notes = []
    if n := int(changed.sum()):
        notes.append(
            f"The lot of {counted(n, 'contract[s]')} changes within the files; the last "
            "stands for all."
        )
    for told, what in ((differ, "differ from the dated table"), (missing, "are not in it")):
        if told:
            such = f"for {counted(len(told), 'expir[y|ies]')} and days, such as {told[0]}"
            notes.append(f"Lots of the files {what} {such}; the files' are used.")
    if not notes:
        notes.append("Lots of the files are those of the dated table.")
    return lots, notes


def _names(days: Sequence[Bhavcopy], keys: Sequence[I64], contracts: I64) -> list[str]:
    """The exchange's last name of each contract."""
    found = np.full(len(contracts), "", object)
    for one, key in zip(days, keys, strict=True):
        found[np.searchsorted(contracts, key)] = one.names
    return [str(name) for name in found]


def _tables(
    days: Sequence[Bhavcopy],
    keys: Sequence[I64],
    contracts: I64,
    lots: I64,
    assumed: AssumedQuotes | None,
) -> DayRows:
    """A snapshot a day at the end of its session, and a settlement of what ends on the day."""
    chain: dict[str, list[Any]] = {name: [] for name in TABLES["chain"]}
    settled: dict[str, list[Any]] = {name: [] for name in TABLES["settlement"]}
    found = DayRows([], {}, {}, [])
    seq = 0
    for one, key in zip(days, keys, strict=True):
        order = np.argsort(key, kind="stable")
        c = {name: column[order] for name, column in one.columns.items()}
        instrument = np.searchsorted(contracts, key[order])
        closes = ns_of(datetime.combine(one.day, nse.session_hours("option", one.day).closes, IST))
        ends = np.flatnonzero((c["expiry"] == 0) & (one.expiries[0] == one.day))
        ends_ns = expires_ns(one.day) if len(ends) else closes
        # Of one time the day's figures come first; later they would be of what has ended.
        first = len(ends) if ends_ns < closes else 0
        snapshot = seq + first
        numbers = seq + np.arange(len(ends)) + (0 if first else 1)
        _add(settled, len(ends), seq=numbers, ts_ns=ends_ns, exch_ts_ns=ends_ns,
             instrument=instrument[ends], price=c["underlying"][ends])  # fmt: skip
        traded = c["traded"] > 0
        quotes = _quotes(c["close"], traded, lots[instrument], assumed)
        flags = np.zeros(len(order), np.int8)
        flags[-1] = ChainFlag.LAST
        _add(chain, len(order), seq=snapshot, ts_ns=closes, exch_ts_ns=closes, flags=flags,
             instrument=instrument, last=np.where(traded, c["close"], 0), oi=c["oi"], iv=0,
             volume=c["traded"] * c["lot"], **quotes)  # fmt: skip
        found.counts.append((1, len(ends)))
        found.traded += int(traded.sum())
        found.quoted += int(((quotes["bid"] > 0) | (quotes["ask"] > 0)).sum())
        seq += 1 + len(ends)
    found.chain, found.settlement = _joined("chain", chain), _joined("settlement", settled)
    return found


def _add(parts: dict[str, list[Any]], n: int, **columns: Any) -> None:
    """Append rows; a number stands for a column of it."""
    for name, column in columns.items():
        parts[name].append(np.broadcast_to(np.asarray(column, np.int64), n))


def _joined(table: str, parts: dict[str, list[Any]]) -> dict[str, npt.NDArray[Any]]:
    return {
        name: np.concatenate(parts[name]).astype(dtype) for name, dtype in TABLES[table].items()
    }


def _quotes(
    close: I64, traded: npt.NDArray[np.bool_], lots: I64, assumed: AssumedQuotes | None
) -> dict[str, I64]:
    """Bid and ask around closes that traded, rounded outward to the tick; sizes in whole lots."""
    zero = np.zeros(len(close), np.int64)
    if assumed is None:
        return {"bid": zero, "bid_qty": zero, "ask": zero, "ask_qty": zero}
    if assumed.size < int(lots.max()):
        what = f"was {assumed.size}, expected the lot {int(lots.max())} or more"
        raise InputError("--mapping", what, "size")
    share = Fraction(assumed.half_spread_bps) / 10_000
    num, den = share.numerator, share.denominator
    # Exact: a close below 10**11 paise times a share of up to 15 decimals leaves 64 bits.
    wide = close.astype(object)
    low = (wide * (den - num)) // (den * TICK) * TICK
    high = -((-wide * (den + num)) // (den * TICK)) * TICK
    bid = np.where(traded, low, 0).astype(np.int64)
    ask = np.where(traded, high, 0).astype(np.int64)
    size = assumed.size // lots * lots
    return {
        "bid": bid,
        "bid_qty": np.where(bid > 0, size, 0),
        "ask": ask,
        "ask_qty": np.where(ask > 0, size, 0),
    }
