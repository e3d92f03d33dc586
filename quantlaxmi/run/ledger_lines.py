"""The ledger of a run, line by line: at every fill, and at any points in time.

A line has cash, position, realised and unrealised PnL, fees, funding and interest of each
instrument that the run ever held, and their sums by currency. Everything is an exact integer.
``equity = cash + position * mid - accrued`` is worked out from prices and quantities traded;
``realized + unrealized - fees + funding - borrow - accrued`` from the accounts, by average cost;
``accrued`` is the interest since it was last paid. The two are checked to be equal at every line,
and cash to be that of the engine's fills.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quantlaxmi import schema
from quantlaxmi._ext.python_bridge import Bridge
from quantlaxmi._ext.replay_loop import FAILURES, Engine
from quantlaxmi.errors import EngineError
from quantlaxmi.execution.ledger import PnLAccumulator, ledger_scale
from quantlaxmi.fixed import int128_array
from quantlaxmi.instruments import Instrument
from quantlaxmi.parallel.pace import Pace
from quantlaxmi.run.accrued import Loans, accrued_interest
from quantlaxmi.run.message_times import last_seq_at as last_seq_at
from quantlaxmi.run.message_times import paid_at as paid_at
from quantlaxmi.run.note_rounding import noted
from quantlaxmi.run.records import RunRecords
from quantlaxmi.run.session import FIRST_ROWS, MOST_ROWS
from quantlaxmi.schema import IntColumn
from quantlaxmi.segment import MarketData

MONEY = ("cash", "realized", "unrealized", "fees", "funding", "borrow", "accrued", "equity")


@dataclass(frozen=True, eq=False)
class Money:
    """Columns of money at the lines' exponent, Python integers, shape (n_lines,).

    Cash and equity of a currency are after ``rounding`` of contract notes, which no contract has.
    """

    cash: IntColumn
    realized: IntColumn
    unrealized: IntColumn
    fees: IntColumn
    funding: IntColumn
    borrow: IntColumn
    accrued: IntColumn
    equity: IntColumn
    rounding: IntColumn


@dataclass(frozen=True, eq=False)
class LedgerLines:
    """The ledger at points of a run.

    Attributes
    ----------
    ts_ns : ndarray of int64, shape (n_lines,)
    held : tuple of int
        Indices of the instruments that the run ever held, ascending.
    first_line : ndarray of int64, shape (n_held,)
        First line after each instrument's first fill; ``n_lines`` where there is none.
    position : ndarray of int64, shape (n_held, n_lines)
        Quantity mantissas.
    mid2 : ndarray of int64, shape (n_held, n_lines)
        Bid + ask each position is marked at, of the last valid book; 0 before the first.
    instruments : tuple of Money
        By instrument of `held`.
    totals : dict of str to Money
        By currency of the run: the sum over its instruments.
    exponent : int
        Of all money: ledger exponent - 1, because a mid may be half a unit.
    """

    ts_ns: NDArray[np.int64]
    held: tuple[int, ...]
    first_line: NDArray[np.int64]
    position: NDArray[np.int64]
    mid2: NDArray[np.int64]
    instruments: tuple[Money, ...]
    totals: dict[str, Money]
    exponent: int

    def __len__(self) -> int:
        return len(self.ts_ns)


def lines_at_fills(
    records: RunRecords, segment: MarketData, loans: Loans | None = None
) -> LedgerLines:
    """Return the ledger after every fill, one line each, marked at the book it met.

    Parameters
    ----------
    records : RunRecords
    segment : MarketData
        The market of the run.
    loans : sequence of (int, int), optional
        At what the run borrows, of `loans_of`; without, interest counts where it is paid.

    Raises
    ------
    EngineError
        Equity by cash and equity by accounts differ, or cash and the engine's do.
    """
    fills = records.fills
    done = np.arange(1, len(fills) + 1)
    # Funding and interest booked before the fill; what is booked after it has seen it.
    settled = _payments(records, lambda rows: rows["fills_before"], done, "left")
    mid2 = marks_at(segment, fills["seq"], tuple(settled))
    notes = np.searchsorted(records.notes["fills_before"], done, side="left")
    lines = _lines(records, mid2, fills["ts_ns"], (done, notes), settled, loans)
    booked = int128_array(fills["cash_hi"], fills["cash_lo"])
    for number, instrument in enumerate(fills["instrument"].tolist()):
        sums = lines.totals[records.instruments[instrument].currency]
        total = sums.cash[number] + sums.rounding[number]  # a note comes after the engine
        if total != 10 * booked[number]:
            raise EngineError(f"cash after fill {number} is {booked[number]}, by prices {total}/10")
    return lines


def lines_at_times(
    records: RunRecords,
    segment: MarketData,
    ts_ns: NDArray[np.int64],
    loans: Loans | None = None,
) -> LedgerLines:
    """Return the ledger at points in time.

    Parameters
    ----------
    records : RunRecords
    segment : MarketData
        The market of the run.
    ts_ns : ndarray of int64, shape (n_lines,)
        Ascending. A line holds all messages, fills and settlements up to its own time.
    loans : sequence of (int, int), optional
        As of `lines_at_fills`.

    Raises
    ------
    EngineError
        Equity by cash and equity by accounts differ.
    """

    def received_at(rows: NDArray[Any]) -> NDArray[np.int64]:
        # Settlements are stamped by the venue's clock, interest by the receive time.
        times: NDArray[np.int64] = rows["ts_ns"]
        return paid_at(segment, rows) if rows.dtype == schema.FUNDING_PAID_DTYPE else times

    settled = _payments(records, received_at, ts_ns, "right")
    done = np.searchsorted(records.fills["ts_ns"], ts_ns, side="right")
    mid2 = marks_at_times(segment, ts_ns, tuple(settled))
    notes = np.searchsorted(records.notes["ts_ns"], ts_ns, side="right")
    return _lines(records, mid2, ts_ns, (done, notes), settled, loans)


def marks_at_times(
    segment: MarketData, ts_ns: NDArray[np.int64], instruments: Sequence[int]
) -> NDArray[np.int64]:
    """As `marks_at`, after all messages up to each time; times ascend."""
    return marks_at(segment, last_seq_at(segment, ts_ns), instruments)


def idle_memory(n_instruments: int) -> dict[str, NDArray[Any]]:
    """Allocate the records of an engine that only follows the market: no strategy, no feature."""
    return {
        name: np.zeros(size, dtype)
        for name, size, dtype in (
            ("ctx", 1, schema.CTX_DTYPE),
            ("event", 1, schema.EVENT_DTYPE),
            ("books", n_instruments, schema.BOOK_DTYPE),
            ("positions", n_instruments, schema.POSITION_DTYPE),
            ("features", 0, schema.FEATURE_DTYPE),
            ("state", 0, schema.SLOT_DTYPE),
            ("params", 0, schema.PARAM_DTYPE),
            ("legs_out", schema.MAX_LEGS, schema.LEG_OUT_DTYPE),
            ("notice", 1, schema.FILL_NOTICE_DTYPE),
        )
    }


def marks_at(
    segment: MarketData, seq: NDArray[np.int64], instruments: Sequence[int]
) -> NDArray[np.int64]:
    """Bid + ask of the last valid book of instruments after a message; 0 before the first.

    Parameters
    ----------
    segment : MarketData
    seq : ndarray of int64, shape (n,)
        Ascending; -1 is before the first message.
    instruments : sequence of int
        Indices.

    Returns
    -------
    ndarray of int64, shape (n_instruments, n)
    """
    tables = {name: segment.columns(name) for name in ("quotes", "depth", "chain")}
    rows = sum(np.searchsorted(t["seq"], seq, side="right") for t in tables.values())
    n = len(segment.instruments)
    memory = idle_memory(n)
    # The engine's own books, with nobody to ask and nothing to trade.
    engine = Engine(
        memory, [(0, 1, 0, 1, 0, 1, 1)] * n, 1, [], 0, 0, 1, bridge=Bridge(None, None, (), ())
    )
    engine.load(tables)
    mid2 = memory["books"]["mid2"]
    steps, place = np.unique(rows, return_inverse=True)
    wanted = np.array(instruments, np.intp)
    found, read = np.zeros((len(wanted), len(steps)), np.int64), 0
    pace = Pace(FIRST_ROWS, MOST_ROWS)
    for k, upto in enumerate(steps.tolist()):
        while read < upto:
            piece = min(pace.size, upto - read)
            with pace:
                status, _ = engine.run(piece)
            if status:
                raise EngineError(f"{FAILURES.get(status, status)} at message seq {engine.seq}")
            read += piece
        found[:, k] = mid2[wanted]
    return np.ascontiguousarray(found[:, place])


def _lines(
    records: RunRecords,
    mid2: NDArray[np.int64],
    ts_ns: NDArray[np.int64],
    after: tuple[NDArray[np.intp], NDArray[np.intp]],
    settled: Mapping[int, _Paid],
    loans: Loans | None,
) -> LedgerLines:
    """Lines after so many fills of all and notes, and ``settled`` payments of each instrument."""
    done, notes = after
    held = tuple(settled)
    position = np.zeros(mid2.shape, np.int64)
    first_line = np.zeros(len(held), np.int64)
    each = []
    for k, i in enumerate(held):
        own = np.flatnonzero(records.fills["instrument"] == i)
        count = np.searchsorted(own, done, side="left")
        first_line[k] = np.searchsorted(count, 1)
        position[k] = np.append(np.int64(0), records.fills["position"][own])[count]
        owed = accrued_interest(*settled[i][1], ts_ns, mid2[k], loans[i] if loans else (0, 0))
        worth = position[k].astype(object) * mid2[k]
        money = _money(records, i, own, count, settled[i], (worth, 10 * owed))
        other = money.realized + money.unrealized - money.fees + money.funding - money.borrow
        other = other - money.accrued
        wrong = np.flatnonzero(money.equity != other)
        if len(wrong):
            at = int(wrong[0])
            raise EngineError(
                f"equity of {records.instruments[i].symbol} at {int(ts_ns[at])} ns is "
                f"{money.equity[at]} by cash and {other[at]} by accounts"
            )
        each.append(money)
    none = Money(*[_zeros(len(ts_ns))] * len(fields(Money)))
    totals = {}
    for currency in dict.fromkeys(one.currency for one in records.instruments):
        mine = [
            money
            for money, i in zip(each, held, strict=True)
            if records.instruments[i].currency == currency
        ]
        totals[currency] = Money(
            *(_sum([getattr(m, one.name) for m in mine or [none]]) for one in fields(Money))
        )
    totals = noted(totals, records.notes, notes)
    return LedgerLines(
        ts_ns, held, first_line, position, mid2, tuple(each), totals, records.ledger_exponent - 1
    )


def _money(
    records: RunRecords,
    i: int,
    own: NDArray[np.intp],
    count: NDArray[np.intp],
    settled: _Paid,
    now: tuple[IntColumn, IntColumn],
) -> Money:
    """Money of one instrument after ``count`` of its ``own`` fills and its ``settled`` payments.

    ``now`` is position times mid2, and the interest that is not paid yet.
    """
    marked, accrued = now
    one, rows = records.instruments[i], records.fills[own]
    traded, cost, fees = (10 * _after(c, count) for c in _booked(rows, one, records))
    realized = 10 * _after(int128_array(rows["realized_hi"], rows["realized_lo"]), count)
    funding, borrow = (
        10 * _after(_running(int128_array(paid["amount_hi"], paid["amount_lo"])), number)
        for paid, number in settled
    )
    worth = marked * (5 * ledger_scale(one, records.ledger_exponent))
    cash = traded - fees + funding - borrow
    equity = cash + worth - accrued
    none = _zeros(len(count))
    return Money(cash, realized, worth - cost, fees, funding, borrow, accrued, equity, none)


def _booked(
    rows: NDArray[Any], one: Instrument, records: RunRecords
) -> tuple[IntColumn, IntColumn, IntColumn]:
    """Cash from trading, signed cost of the open position and fees after each own fill.

    The position and its average cost are kept anew here, and compared with the engine's rows.
    """
    traded, cost, fees = _zeros(len(rows)), _zeros(len(rows)), _zeros(len(rows))
    account = PnLAccumulator(
        price_exponent=one.price_exponent,
        qty_exponent=one.qty_exponent,
        exponent=records.ledger_exponent,
        contract_size=one.multiplier[0],
        contract_exponent=one.multiplier[1],
    )
    fee = int128_array(rows["fee_hi"], rows["fee_lo"])
    realized = int128_array(rows["realized_hi"], rows["realized_lo"])
    names = ("side", "qty", "price", "position")
    for k, (side, qty, price, held) in enumerate(
        zip(*(rows[name].tolist() for name in names), strict=True)
    ):
        account.apply_fill(side, qty, price, fee[k])
        if account.position != held or account.realized != realized[k]:
            raise EngineError(
                f"fill {k} of {one.symbol} leaves {held} and realised {realized[k]}, by average "
                f"cost {account.position} and {account.realized}"
            )
        traded[k] = account.cash + account.fees
        cost[k] = account.cost if account.position > 0 else -account.cost
        fees[k] = account.fees
    return traded, cost, fees


#: Of funding, then of interest: an instrument's rows, and how many of them each line has seen.
_Paid = tuple[tuple[NDArray[Any], NDArray[np.intp]], ...]


def _payments(
    records: RunRecords,
    place: Callable[[NDArray[Any]], NDArray[np.int64]],
    at: NDArray[np.int64],
    side: Literal["left", "right"],
) -> dict[int, _Paid]:
    """Payments of each instrument ever held, by ascending index, and how many each line has."""
    found: dict[int, _Paid] = {}
    for i in np.unique(records.fills["instrument"]).tolist():
        tables = (t[t["instrument"] == i] for t in (records.funding, records.borrow))
        found[i] = tuple((rows, np.searchsorted(place(rows), at, side=side)) for rows in tables)
    return found


def _zeros(n: int) -> IntColumn:
    column: IntColumn = np.empty(n, dtype=object)
    column[:] = 0
    return column


def _running(column: IntColumn) -> IntColumn:
    summed: IntColumn = np.cumsum(column) if len(column) else column
    return summed


def _after(column: IntColumn, done: NDArray[np.intp]) -> IntColumn:
    """Value after ``done`` rows; 0 after none."""
    padded: IntColumn = np.concatenate([_zeros(1), column])
    taken: IntColumn = padded[done]
    return taken


def _sum(columns: list[IntColumn]) -> IntColumn:
    total = columns[0]
    for column in columns[1:]:
        total = total + column
    return total
