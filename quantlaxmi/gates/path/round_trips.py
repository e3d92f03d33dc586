"""Round trips and positions of a run, over its decision points.

An *action* is what the fills of one decision did to the positions. It stands on the row of the
decision and is valued at that row's mids. A *trip* goes from flat to flat over all instruments
together. A decision that turns a position into the opposite one, or into another one, is two
actions on one row: the first closes, the second opens. A position still open at the end is closed
at the last row's mids without costs, because the ledger marks it at those mids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import EngineError
from quantlaxmi.gates.path.base_fees import BaseBuys
from quantlaxmi.instruments import Bundle
from quantlaxmi.run.position_changes import after_change, bundle_of, turns_over
from quantlaxmi.schema import I64, FillFlag, OrderAction

__all__ = [
    "Action",
    "PathError",
    "TradePath",
    "TradeRecords",
    "Trip",
    "build_path",
    "opposite",
]

_WITHOUT_CLOSING = "run the strategy without flattening or closing at a loss"


def opposite(bundle: Bundle) -> Bundle:
    """The same quantities on the other side."""
    return tuple((i, -q) for i, q in bundle)


class PathError(Exception):
    """The run has no path over its decision points; the message says why."""


@dataclass(frozen=True, slots=True)
class Action:
    """One change of positions.

    Attributes
    ----------
    row : int
        Decision point of the decision.
    bundle : tuple of (int, int)
        (instrument, signed quantity filled), ascending by instrument, no zeros.
    cost : int
        Slippage plus fees, attribution scale.
    clean : bool
        Whether every order of the decision filled whole, in one trip, from size that the run had
        not taken before, and a fee in base took what it would take with nothing owed before. The
        cost at the decision point must then equal `cost`.
    mark : bool
        Whether it closes a position still open at the end, at the last row's mids.
    borrow : int
        Interest paid with it, attribution scale.
    """

    row: int
    bundle: Bundle
    cost: int
    clean: bool
    mark: bool = False
    borrow: int = 0


@dataclass(frozen=True, slots=True)
class Trip:
    """Actions from flat to flat."""

    actions: tuple[Action, ...]

    def positions(self) -> list[Bundle]:
        """The position after each action; the last one is empty."""
        position: dict[int, int] = {}
        found = []
        for action in self.actions:
            position = after_change(position, action.bundle)
            found.append(bundle_of(position))
        return found

    @property
    def open_at_end(self) -> bool:
        """Whether the run ended inside this trip."""
        return self.actions[-1].mark


@dataclass(frozen=True, slots=True)
class TradePath:
    """The positions of a run as gates see them.

    Attributes
    ----------
    trips : tuple of Trip
    changes : tuple of (int, Bundle)
        Rows at which the position changes and the position from there on, ascending.
    gross : int
        Mid-to-mid PnL, attribution scale: the attributed gross and the mark of an open position.
    cost : int
        Slippage plus fees of all fills, attribution scale.
    funding : int
        Received less paid, attribution scale.
    borrow : int
        Interest paid, attribution scale.
    stray_cost, strays : int
        Cost and interest of filled decisions that changed no position; their number.
    short_actions : int
        Actions whose fills differ from what was decided.
    after_own_actions : int
        Other actions that passed over size which the run had taken before (`FillFlag.AFTER_OWN`).
    reversals : int
        Decisions that are two actions, a closing and an opening one.
    has_resting_orders : bool
        Whether a limit order was sent, or a change of one.
    """

    trips: tuple[Trip, ...]
    changes: tuple[tuple[int, Bundle], ...]
    gross: int
    cost: int
    funding: int
    borrow: int
    stray_cost: int
    strays: int
    short_actions: int
    after_own_actions: int
    reversals: int
    has_resting_orders: bool

    @property
    def net(self) -> int:
        """What the ledger shows, attribution scale."""
        return self.gross - self.cost + self.funding - self.borrow


def _rows_of(decisions: npt.NDArray[np.void], seq: I64, used: Sequence[int]) -> dict[int, int]:
    """Decision point of every decision in `used`."""
    wanted = decisions["seq"][list(used)]
    rows = np.searchsorted(seq, wanted)
    inside = rows < len(seq)
    found = np.zeros(len(rows), bool)
    found[inside] = seq[rows[inside]] == wanted[inside]
    if not found.all():
        first = int(np.flatnonzero(~found)[0])
        raise PathError(
            f"Decision {used[first]} at message {int(wanted[first])} was made while a book it "
            "trades on was not valid, so it has no mid."
        )
    return dict(zip(used, rows.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class TradeRecords:
    """What a run traded; money at the attribution scale.

    Attributes
    ----------
    decisions : ndarray of DECISION_DTYPE
        Ascending in ``seq``.
    legs : ndarray of LEG_DTYPE
    fills : ndarray of FILL_DTYPE
    gross, cost, borrow : sequence of int, one for each fill
        Attributed gross, slippage plus fee, interest.
    funding, open_borrow : int
        Funding of the whole run; interest on what was still open at its end.
    buys : BaseBuys
        What fees in base took of buys.
    """

    decisions: npt.NDArray[np.void]
    legs: npt.NDArray[np.void]
    fills: npt.NDArray[np.void]
    gross: Sequence[int]
    cost: Sequence[int]
    borrow: Sequence[int]
    funding: int
    open_borrow: int
    buys: BaseBuys = field(default_factory=BaseBuys)


def build_path(
    records: TradeRecords,
    *,
    seq: I64,
    mid2: Mapping[int, I64],
    units: Sequence[int],
) -> TradePath:
    """Cut a run into round trips.

    Parameters
    ----------
    records : TradeRecords
    seq : ndarray of int64, shape (n_rows,)
        Message numbers of the decision points, ascending.
    mid2 : mapping of int to ndarray of int64, shape (n_rows,)
        Bid plus ask, by instrument traded.
    units : sequence of int
        Attribution units in one (quantity mantissa times mid2), for each instrument.

    Returns
    -------
    TradePath

    Raises
    ------
    PathError
        When a filled decision is at no decision point, a fill belongs to no decision, or an order
        was filled after those of a later decision: then the position after a decision is not the
        sum of the decisions before it.
    EngineError
        When an action's value at the decision points' mids is not its attributed gross.
    """
    legs, fills = records.legs, records.fills
    moved, value = _moves(records)
    _check_order(fills)
    intended = _intended(legs, moved)
    passed = _flagged(fills, FillFlag.AFTER_OWN)
    used = sorted(moved)
    rows = _rows_of(records.decisions, seq, used) if used else {}
    builder = _Builder(mid2, units, len(seq) - 1)
    for decision in used:
        delta = bundle_of(moved[decision])
        bought = records.buys.taken.get(decision)
        ordered = bundle_of(_sum(moved[decision], bought)) if bought else delta
        builder.act(
            rows[decision],
            delta,
            value[decision],
            whole=ordered == intended[decision],
            after_own=decision in passed,
            known=decision not in records.buys.others,
        )
    builder.finish(records.open_borrow)
    return TradePath(
        trips=tuple(builder.trips),
        changes=tuple(builder.changes),
        gross=builder.gross,
        cost=builder.cost,
        funding=records.funding,
        borrow=sum(records.borrow) + records.open_borrow,
        stray_cost=builder.stray,
        strays=builder.strays,
        short_actions=builder.short,
        after_own_actions=builder.after_own,
        reversals=builder.reversals,
        has_resting_orders=bool(len(legs)) and bool((legs["order_type"] != 0).any()),
    )


def _sum(a: Mapping[int, int], b: Mapping[int, int]) -> dict[int, int]:
    """Quantities of both, by instrument."""
    return {i: a.get(i, 0) + b.get(i, 0) for i in {*a, *b}}


def _flagged(fills: npt.NDArray[np.void], flag: FillFlag) -> set[int]:
    """Decisions of which a fill has a flag."""
    found: list[int] = fills["decision"][(fills["flags"] & flag) != 0].tolist()
    return set(found)


def _moves(records: TradeRecords) -> tuple[dict[int, dict[int, int]], dict[int, list[int]]]:
    """Quantities that each decision moved, and its gross, cost and interest."""
    fills, money = records.fills, (records.gross, records.cost, records.borrow)
    if any(len(column) != len(fills) for column in money):
        raise EngineError(f"{len(fills)} fills have {len(records.gross)} attributions")
    moved: dict[int, dict[int, int]] = {}
    value: dict[int, list[int]] = {}
    columns = (fills[name].tolist() for name in ("decision", "instrument", "side", "qty"))
    for k, (decision, instrument, side, qty) in enumerate(zip(*columns, strict=True)):
        if decision < 0:
            paid = fills["flags"][k] & FillFlag.SETTLED
            what = "close positions before their contracts end" if paid else _WITHOUT_CLOSING
            raise PathError(f"Fill {k} belongs to no decision: {what}.")
        at = moved.setdefault(decision, {})
        at[instrument] = at.get(instrument, 0) + side * qty
        total = value.setdefault(decision, [0, 0, 0])
        for which, column in enumerate(money):
            total[which] += column[k]
    return moved, value


def _check_order(fills: npt.NDArray[np.void]) -> None:
    """Refuse fills that came after those of a later decision."""
    order = fills["decision"].tolist()
    late = next((k for k, (a, b) in enumerate(pairwise(order)) if b < a), None)
    if late is not None:
        raise PathError(
            f"Fill {late + 1} is of decision {order[late + 1]} and came after one of decision "
            f"{order[late]}: the rows of the decisions do not tell what was held."
        )


def _intended(legs: npt.NDArray[np.void], moved: dict[int, dict[int, int]]) -> dict[int, Bundle]:
    wanted: dict[int, dict[int, int]] = {d: {} for d in moved}
    legs = legs[legs["action"] == OrderAction.NEW]
    for decision, instrument, side, qty in zip(
        legs["decision"].tolist(),
        legs["instrument"].tolist(),
        legs["side"].tolist(),
        legs["qty"].tolist(),
        strict=True,
    ):
        if decision in wanted:
            at = wanted[decision]
            at[instrument] = at.get(instrument, 0) + side * qty
    return {d: bundle_of(w) for d, w in wanted.items()}


class _Builder:
    """Makes actions and trips of decisions, read in order."""

    def __init__(self, mid2: Mapping[int, I64], units: Sequence[int], last_row: int) -> None:
        self.mid2, self.units, self.last_row = mid2, units, last_row
        self.position: dict[int, int] = {}
        self.held: Bundle = ()  # what of the position is not 0
        self.actions: list[Action] = []
        self.trips: list[Trip] = []
        self.changes: list[tuple[int, Bundle]] = []
        self.gross = self.cost = self.stray = self.strays = 0
        self.short = self.after_own = self.reversals = 0

    def _value(self, bundle: Bundle, row: int) -> int:
        return sum(q * int(self.mid2[i][row]) * self.units[i] for i, q in bundle)

    def _put(self, action: Action, after: dict[int, int]) -> None:
        """Add an action and the position after it."""
        self.position = after
        self.actions.append(action)
        self.held = held = bundle_of(after)
        if self.changes and self.changes[-1][0] == action.row:
            self.changes.pop()
        self.changes.append((action.row, held))
        if not held:
            self.trips.append(Trip(tuple(self.actions)))
            self.actions = []

    def act(
        self,
        row: int,
        delta: Bundle,
        value: Sequence[int],
        *,
        whole: bool,
        after_own: bool,
        known: bool,
    ) -> None:
        gross, cost, borrow = value
        if -self._value(delta, row) != gross:
            raise EngineError(
                f"the action at decision point {row} is worth {-self._value(delta, row)} at its "
                f"mids, but its fills were attributed {gross}"
            )
        self.gross += gross
        self.cost += cost
        self.short += not whole
        self.after_own += whole and after_own
        held, after = self.held, after_change(self.position, delta)
        if not turns_over(held, after):
            if delta:
                clean = whole and known and not after_own
                self._put(Action(row, delta, cost, clean, borrow=borrow), after)
            else:
                self.stray += cost + borrow
                self.strays += 1
            return
        self.reversals += 1
        # The cost of the whole is known, its halves are not; they only have to add up.
        self._put(Action(row, opposite(held), cost // 2, False, borrow=borrow), {})
        self._put(Action(row, bundle_of(after), cost - cost // 2, False), after)

    def finish(self, borrow: int) -> None:
        if self.held:
            close = opposite(self.held)
            self.gross -= self._value(close, self.last_row)
            self._put(Action(self.last_row, close, 0, False, mark=True, borrow=borrow), {})
