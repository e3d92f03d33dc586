"""Naive twin of the replay engine, in Python ints and Fractions, written from its semantics.

1. Messages in ``seq`` order; the time of one is its receive time.
2. An order of time t arrives at ``t + latency`` and meets the book after all messages up to then.
3. Top of book: the rebuilt depth until the instrument's first quote, then quotes.
4. A market order takes the touch, then recorded levels beyond it; the rest is cancelled. What was
   taken at a price is not there again while that level stands, and is at most what it shows.
5. What a leg of a bundle filled beyond what it may keep (bundles.py) is traded back by a trim, sent
   when all have arrived (trims.py). What it cannot take leaves a risk row and is sent again at the
   next message with a valid book.
6. Funding is settled once, at its time by the venue's clock (venue_clock.py), before orders of the
   same time, on the position held then; at the mid where the row has no mark.
7. A quiet quote changes its book; the strategy is not asked.
8. A row's ``shift`` is added to its instrument's prices from there on; validity is as recorded.
9. An order that breaks a rule of its venue or a limit is refused unsent, with its bundle; so is one
   in an instrument whose book was never valid. Marks are the mid of the last valid book.
10. A limit order takes what is at its price or better; its rest is cancelled or rests (resting.py).
   A post-only order that would take is cancelled whole.
11. A change of an order arrives as an order does, and is rejected unless the order then rests.
   Limits see an order at the largest it may still become.
12. An order whose price is changed or whose total is raised is from then on that of the decision
   that changed it: its rows and fills name that decision and that leg.
13. A short position of what must be borrowed pays interest at every change of it and at the end:
   mid then times quantity times rate times the time since the last change, half to even.
14. A fill pays components beside its rate; what is flat is paid by an order's first fill.
15. Where buys pay their fee in base, whole steps of it are taken from what was bought, valued at
   the fill's price; the rest stays owed. What closes such a position is what can be sold.
16. Rows of a snapshot set a book each, and nobody acts between them; contracts end (ending.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from quantlaxmi.schema import (
    BundlePolicy,
    EventKind,
    FillFlag,
    OrderAction,
    OrderReason,
    OrderStatus,
    QuoteFlag,
    RiskRule,
)
from tests.naive.account import Account
from tests.naive.arrivals import Arrivals
from tests.naive.books import Market, Row, merged
from tests.naive.bundles import Bundles
from tests.naive.checks import Checks
from tests.naive.ending import Ending
from tests.naive.funding import Funding
from tests.naive.margins import Margins
from tests.naive.money import TEN, Money
from tests.naive.order_rows import OrderRows
from tests.naive.resting import Queues
from tests.naive.stopping import Stopping
from tests.naive.terms import Decision, Leg, Limits, Rules, Terms
from tests.naive.trims import Trims
from tests.naive.venue_clock import VenueClock

__all__ = [
    "Account",
    "Decision",
    "Engine",
    "Leg",
    "Limits",
    "Market",
    "Rules",
    "Terms",
    "merged",
]


KINDS = {
    "quotes": EventKind.QUOTE,
    "depth": EventKind.DEPTH,
    "trades": EventKind.TRADE,
    "funding": EventKind.FUNDING,
    "chain": EventKind.CHAIN,
    "settlement": EventKind.SETTLEMENT,
}


@dataclass
class _Pending:
    arrival: int
    decision: int
    bundle: bool
    orders: list[Row]
    trim: bool = False


Decide = Callable[["Engine", str, Row], Decision | None]


class Engine(
    Money, OrderRows, Checks, Margins, Arrivals, Funding, Stopping, Trims, Bundles, Ending
):
    """One run; ``decide`` is asked at every message whose kind is wanted."""

    def __init__(
        self,
        terms: Sequence[Terms],
        decide: Decide,
        *,
        latency_ns: int,
        fee_exponent: int,
        wanted: frozenset[EventKind] = frozenset(EventKind),
        on_fill: Callable[[Row], None] | None = None,
        rules: Sequence[Rules] = (),
        limits: Limits | None = None,
        pro_rata: bool = False,
        by_receipt: bool = False,
        first_seq: int = 0,
        leg_latency_ns: int = 0,
        settles_at_mark: bool = False,
    ) -> None:
        self.leg_latency_ns, self.open, self.bundles = leg_latency_ns, {}, []
        self.first_seq, self.settles_at_mark = first_seq, settles_at_mark
        self.queues = Queues(self, pro_rata, by_receipt)
        self.clocks = [VenueClock() for _ in terms]
        self.sides: dict[int, int] = {}
        self.rules, self.limits = tuple(rules) or tuple(Rules() for _ in terms), limits or Limits()
        self.sent_times: list[int] = []
        self.risk: list[Row] = []
        self.terms, self.decide, self.latency_ns = tuple(terms), decide, latency_ns
        self.fee_exponent, self.wanted, self.on_fill = fee_exponent, wanted, on_fill
        self.ledger_exponent = min(
            [fee_exponent, *(t.price_exponent + t.qty_exponent - t.places for t in terms)]
        )
        self.market = Market(len(terms))
        for book, t in zip(self.market.books, terms, strict=True):
            book.ends_ns = t.ends_ns
        self.settled: list[Row] = []
        self.closed: set[int] = set()  # contracts that were settled
        self.accounts = [Account() for _ in terms]
        self.cash = {t.currency: 0 for t in terms}
        self.funding_due: dict[int, int] = {}  # instrument -> settlement time announced
        self.funding_terms: dict[int, tuple[int, int]] = {}  # instrument -> mark, rate
        self.funding_settled: dict[int, int] = {}
        self.pending: list[_Pending] = []
        self.stopped: dict[str, tuple[OrderReason, tuple[RiskRule, int, int]]] = {}
        unit = TEN ** (self.ledger_exponent - 1)
        self.peak = self.limits.capital // unit * unit
        self.drawdown = self.most_used = Fraction(0)
        self.closing: set[str] = set()
        self.in_flight: dict[int, Row] = {}
        self.pending_qty = [0 for _ in terms]
        self.n_orders = self.n_messages = 0
        self.ts_ns, self.seq = -1, -1
        self.decisions: list[Row] = []
        self.legs: list[Row] = []
        self.orders: list[Row] = []
        self.fills: list[Row] = []
        self.funding: list[Row] = []
        self.owed: list[Row] = []
        self.policies: dict[int, str] = {}
        self.borrow: list[Row] = []
        self.paid_until = [0 for _ in terms]

    # --- the road ------------------------------------------------------------------------------

    def run(self, tables: Mapping[str, Any], flatten: bool = False) -> None:
        for table, rows in merged(tables):
            self.message(table, rows)
        self.finish(flatten)

    def message(self, table: str, rows: Sequence[Row]) -> None:
        row = rows[-1]
        assert row["ts_ns"] >= self.ts_ns
        self._let_happen(before=row["ts_ns"])
        self.ts_ns, self.seq = row["ts_ns"], row["seq"]
        for each in rows:
            self.clocks[each["instrument"]].see(each["ts_ns"], each["exch_ts_ns"])
        self.market.apply(table, rows)
        if table == "funding":
            self._announce(row)
        elif table == "trades":
            price = row["price"] + self.market.books[row["instrument"]].shift
            self.queues.trade(row["instrument"], row, price)
        elif table == "settlement":
            self.settle_contract(row)
        else:
            for i in dict.fromkeys(each["instrument"] for each in rows):
                self.queues.book_changed(i)
                self.send_owed(i)
        self.n_messages += 1
        if self.limits.capital or (self.limits.closes and self.limits.max_loss):
            self._watch(row["instrument"])
        quiet = table == "quotes" and row["flags"] & QuoteFlag.QUIET
        if KINDS[table] in self.wanted and not quiet:
            decision = self.decide(self, table, row)
            if decision is not None:
                self._record(decision)

    def finish(self, flatten: bool) -> None:
        self._let_happen(before=self.ts_ns + 1)
        self.pending = [group for group in self.pending if group.decision >= 0]
        # As they would have arrived, which with drawn latencies is not as they were sent.
        for group in sorted(self.pending, key=lambda one: one.arrival):
            for order in group.orders:
                if group.trim:
                    self.note_short(order, order["qty"], self.ts_ns)
                if order["action"] == OrderAction.NEW:
                    status, reason = OrderStatus.CANCELLED, OrderReason.END_OF_DATA
                    self._close(order, 0, status, reason, self.ts_ns)
                else:
                    reason = OrderReason.END_OF_DATA
                    self._request_row(order, OrderStatus.REJECTED, reason, self.ts_ns)
        waiting = [order for group in self.pending for order in group.orders if group.bundle]
        self.pending = []
        for order in list(self.owed):
            self.forget(order)
        self.end_bundles(waiting)
        for one in self.queues.all():
            filled = one.order["qty"] - one.left
            status = OrderStatus.PARTIAL if filled else OrderStatus.CANCELLED
            self._close(one.order, filled, status, OrderReason.END_OF_DATA, self.ts_ns)
        self.queues.lanes.clear()
        self.end_contracts()
        if flatten:
            for i in range(len(self.accounts)):
                if qty := self.closing_qty(i):
                    side = 1 if qty > 0 else -1
                    self._own_order(
                        i,
                        side,
                        abs(qty),
                        self.ts_ns,
                        -1,
                        OrderReason.FLATTEN,
                        FillFlag.FLATTEN,
                    )
        for i in range(len(self.terms)):
            self.pay_interest(i, self.ts_ns)
        if self.limits.capital:
            self.look()
        self.cost_bundles()

    def _let_happen(self, before: int) -> None:
        while True:
            events: list[tuple[int, int, int]] = [
                (self._settles(i), 0, i) for i in self.funding_due
            ] + [(p.arrival, 1, k) for k, p in enumerate(self.pending)]
            events = [e for e in events if e[0] < before]
            if not events:
                return
            _, what, which = min(events)
            if what == 0:
                self._settle(which, self._settles(which))
            else:
                self._execute(self.pending.pop(which))

    # --- decisions and orders ------------------------------------------------------------------

    def _refuse(self, decision: Decision) -> None:
        """In the warm-up: each leg has a number, and the strategy is told that it was refused."""
        first = self.n_orders
        for k, leg in enumerate(decision.legs):
            if leg.action == OrderAction.NEW:
                self.sides[first + k] = leg.side
            self.n_orders += 1
        for k, leg in enumerate(decision.legs):
            change = leg.action != OrderAction.NEW
            if self.on_fill is not None:
                self.on_fill(
                    {
                        "order": leg.target if change else first + k,
                        "decision": -1,
                        "instrument": leg.instrument,
                        "side": self.sides[leg.target] if change else leg.side,
                        "qty": 0,
                        "reason": OrderReason.REFUSED,
                        "order_left": 0 if leg.action == OrderAction.CANCEL else leg.qty,
                        "ts_ns": self.ts_ns,
                    }
                )

    def _record(self, decision: Decision) -> None:
        legs = tuple(replace(x, qty=x.qty * decision.units) for x in decision.legs)
        decision = replace(decision, legs=tuple(map(self._sized, legs)))
        if self.seq < self.first_seq:
            self._refuse(decision)
            return
        sequence, first_leg = len(self.decisions), len(self.legs)
        self.decisions.append(
            {
                "sequence": sequence,
                "seq": self.seq,
                "ts_ns": self.ts_ns,
                "decision_type": decision.decision_type,
                "direction": decision.direction,
                "confidence": decision.confidence,
                "rationale": decision.rationale,
                "bundle": int(BundlePolicy[(decision.policy or "matched").upper()])
                if decision.bundle
                else 0,
                "first_leg": first_leg,
                "n_legs": len(decision.legs),
                "units": decision.units,
            }
        )
        orders: list[Row] = []
        refused = self._refused(decision, sequence)
        cancelled = []
        for k, leg in enumerate(decision.legs):
            book = self.market.books[leg.instrument]
            change, cancel = leg.action != OrderAction.NEW, leg.action == OrderAction.CANCEL
            side = self.sides[leg.target] if change else leg.side
            asked = {
                "instrument": leg.instrument,
                "side": side,
                "order_type": int(leg.action == OrderAction.MODIFY) if change else leg.order_type,
                "time_in_force": 0 if change else leg.time_in_force,
                "qty": 0 if cancel else leg.qty,
                "limit_price": 0 if cancel else leg.limit_price,
            }
            self.legs.append(
                {
                    "decision": sequence,
                    **asked,
                    "action": leg.action,
                    "target": leg.target if change else -1,
                    "reference_price": book.mid2 * 5,
                    "bid": book.bid,
                    "bid_qty": book.bid_qty,
                    "ask": book.ask,
                    "ask_qty": book.ask_qty,
                    "quote_ts_ns": book.ts_ns,
                }
            )
            if change:
                order = {
                    **asked,
                    "action": leg.action,
                    "order": leg.target,
                    "decision": sequence,
                    "leg": len(self.legs) - 1,
                }
                self.n_orders += 1
                self._request_row(order, OrderStatus.PENDING, OrderReason.DECISION, self.ts_ns)
            else:
                order = self._new(
                    asked, sequence, len(self.legs) - 1, self.ts_ns, OrderReason.DECISION
                )
            if refused[k]:
                cancelled.append(order)
                if change:
                    self._request_row(order, OrderStatus.REJECTED, OrderReason.REFUSED, self.ts_ns)
                else:
                    self._close(order, 0, OrderStatus.CANCELLED, OrderReason.REFUSED, self.ts_ns)
            else:
                if not cancel:
                    self.sent_times.append(self.ts_ns)
                orders.append(order)
        arrival, steps = self.ts_ns + self.latency_ns, self.leg_latency_ns if decision.bundle else 0
        for k, group in enumerate([[o] for o in orders] if steps else [orders] if orders else []):
            self.pending.append(_Pending(arrival + k * steps, sequence, decision.bundle, group))
        if decision.bundle and orders:
            self.sent(sequence, decision.policy, decision.units, orders)
        for order in cancelled:
            self._tell(order, order["qty"], self.ts_ns, 0, OrderReason.REFUSED)
        if decision.bundle and decision.policy and cancelled:
            n_legs, units = len(cancelled), decision.units
            self.bundle_row(sequence, decision.policy, units, 0, n_legs, self.ts_ns)

    # --- orders --------------------------------------------------------------------------------

    def _send_close(self, marker: Row) -> None:
        self.pending.append(_Pending(self.ts_ns + self.latency_ns, -1, False, [marker]))

    def latency_of(self, decision: int) -> int:
        """Of the orders of a decision, and of its trims."""
        return self.latency_ns

    def _send_trim(self, order: Row, ts_ns: int) -> None:
        arrival = ts_ns + self.latency_of(order["decision"])
        self.pending.append(_Pending(arrival, order["decision"], False, [order], True))

    def _execute(self, group: _Pending) -> None:
        if group.decision < 0:
            self._close_out(group.orders[0], group.arrival)
            return
        if group.trim:
            self.trim_arrives(group.orders[0], group.arrival)
            return
        for order in group.orders:
            before = self.accounts[order["instrument"]].position
            filled = self._arrive(order, group.arrival)
            gained = abs(self.accounts[order["instrument"]].position - before)
            if group.bundle:
                self.leg_has_ended(order, filled, gained, group.arrival)
