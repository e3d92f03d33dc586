"""Naive twin of the replay engine, in Python ints and Fractions, written from its semantics.

1. Messages in ``seq`` order; the time of one is its receive time.
2. An order of time t arrives at ``t + latency`` and meets the book after all messages up to then.
3. Top of book: the rebuilt depth until the instrument's first quote, then quotes.
4. A market order takes the touch, then recorded levels beyond it, never the same size twice while
   the top stands; the rest is cancelled.
5. Legs of a bundle end matched: the excess over the least filled share is traded back at once.
6. Funding is settled once, at its time, before orders of the same time; at the mid where the row
   has no mark.
7. A quiet quote changes its book; the strategy is not asked.
8. A row's ``shift`` is added to its instrument's prices from there on; validity is as recorded.
9. An order that breaks a rule of its venue or a limit is refused unsent, with its bundle.
10. A limit order takes what is at its price or better; its rest is cancelled or rests (resting.py).
   A post-only order that would take is cancelled whole.
11. A change of an order arrives as an order does, and is rejected unless the order then rests.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from quantlaxmi.schema import (
    RATE_EXPONENT,
    RISK_MONEY_EXPONENT,
    EventKind,
    FillFlag,
    OrderAction,
    OrderEventKind,
    OrderReason,
    OrderStatus,
    OrderType,
    QuoteFlag,
    RiskRule,
    TimeInForce,
)
from tests.naive.account import Account
from tests.naive.books import Market, Row, merged
from tests.naive.resting import Queues, Resting

TEN = Fraction(10)
KINDS = {
    "quotes": EventKind.QUOTE,
    "depth": EventKind.DEPTH,
    "trades": EventKind.TRADE,
    "funding": EventKind.FUNDING,
}


@dataclass(frozen=True)
class Terms:
    """What the engine must know of one instrument."""

    price_exponent: int
    qty_exponent: int
    taker_bps: Fraction
    maker_bps: Fraction = Fraction(1)
    currency: str = "USDT"
    contract_size: int = 1


@dataclass(frozen=True)
class Rules:
    """What may be sent in one instrument, in quantity mantissas and in currency; 0 is no rule."""

    lot: int = 0
    tick: int = 0
    min_notional: Fraction = Fraction(0)
    closing_exempt: bool = True
    max_position: int = 0
    max_notional: Fraction = Fraction(0)


@dataclass(frozen=True)
class Limits:
    """Of a whole run; 0 is no limit."""

    orders_per_second: int = 0
    orders_per_minute: int = 0
    max_age_ns: int = 0
    max_loss: Fraction = Fraction(0)


@dataclass(frozen=True)
class Leg:
    instrument: int
    side: int
    qty: int
    order_type: int = 0
    limit_price: int = 0
    time_in_force: int = 0
    action: int = 0
    target: int = -1


@dataclass(frozen=True)
class Decision:
    legs: tuple[Leg, ...]
    bundle: bool = True
    decision_type: int = 1
    direction: int = 0
    confidence: int = -1
    rationale: int = 0
    relative: bool = False  # for schedules: prices and targets still to be named (cases.resolved)


@dataclass
class _Pending:
    arrival: int
    decision: int
    bundle: bool
    orders: list[Row]


Decide = Callable[["Engine", str, Row], Decision | None]


class Engine:
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
    ) -> None:
        self.queues = Queues(self, pro_rata)
        self.totals: dict[int, int] = {}  # order number -> quantity it is for
        self.sides: dict[int, int] = {}
        self.rules, self.limits = tuple(rules) or tuple(Rules() for _ in terms), limits or Limits()
        self.sent_times: list[int] = []
        self.risk: list[Row] = []
        self.terms, self.decide, self.latency_ns = tuple(terms), decide, latency_ns
        self.fee_exponent, self.wanted, self.on_fill = fee_exponent, wanted, on_fill
        self.ledger_exponent = min(
            [fee_exponent, *(t.price_exponent + t.qty_exponent for t in terms)]
        )
        self.market = Market(len(terms))
        self.accounts = [Account() for _ in terms]
        self.cash = {t.currency: 0 for t in terms}
        self.funding_due: dict[int, int] = {}  # instrument -> settlement time announced
        self.funding_terms: dict[int, tuple[int, int]] = {}  # instrument -> mark, rate
        self.funding_settled: dict[int, int] = {}
        self.pending: list[_Pending] = []
        self.in_flight: dict[int, Row] = {}
        self.pending_qty = [0 for _ in terms]
        self.n_orders = self.n_messages = 0
        self.ts_ns, self.seq = -1, -1
        self.decisions: list[Row] = []
        self.legs: list[Row] = []
        self.orders: list[Row] = []
        self.fills: list[Row] = []
        self.funding: list[Row] = []

    # --- money ---------------------------------------------------------------------------------

    def notional(self, instrument: int, price: int, qty: int) -> int:
        """price * qty in ledger units; exact, for the ledger is at least as fine."""
        t = self.terms[instrument]
        value = (
            price
            * qty
            * t.contract_size
            * TEN ** (t.price_exponent + t.qty_exponent - self.ledger_exponent)
        )
        assert value.denominator == 1
        return value.numerator

    def fee(self, instrument: int, price: int, qty: int, maker: bool = False) -> int:
        money = self.notional(instrument, price, qty) * TEN**self.ledger_exponent
        terms = self.terms[instrument]
        bps = terms.maker_bps if maker else terms.taker_bps
        units = round(money * bps / 10**4 / TEN**self.fee_exponent)
        value = units * TEN ** (self.fee_exponent - self.ledger_exponent)
        assert value.denominator == 1
        return value.numerator

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
        self.market.apply(table, rows)
        if table == "funding":
            self._announce(row)
        elif table == "trades":
            price = row["price"] + self.market.books[row["instrument"]].shift
            self.queues.trade(row["instrument"], price, row["qty"], row["side"])
        else:
            self.queues.book_changed(row["instrument"])
        self.n_messages += 1
        quiet = table == "quotes" and row["flags"] & QuoteFlag.QUIET
        if KINDS[table] in self.wanted and not quiet:
            decision = self.decide(self, table, row)
            if decision is not None:
                self._record(decision)

    def finish(self, flatten: bool) -> None:
        self._let_happen(before=self.ts_ns + 1)
        for group in self.pending:
            for order in group.orders:
                if order["action"] == OrderAction.NEW:
                    status, reason = OrderStatus.CANCELLED, OrderReason.END_OF_DATA
                    self._close(order, 0, status, reason, self.ts_ns)
                else:
                    reason = OrderReason.END_OF_DATA
                    self._request_row(order, OrderStatus.REJECTED, reason, self.ts_ns)
        self.pending = []
        for one in self.queues.all():
            filled = one.order["qty"] - one.left
            status = OrderStatus.PARTIAL if filled else OrderStatus.CANCELLED
            self._close(one.order, filled, status, OrderReason.END_OF_DATA, self.ts_ns)
        self.queues.lanes.clear()
        if flatten:
            for i, account in enumerate(self.accounts):
                if account.position:
                    side = -1 if account.position > 0 else 1
                    self._own_order(
                        i,
                        side,
                        abs(account.position),
                        self.ts_ns,
                        -1,
                        OrderReason.FLATTEN,
                        FillFlag.FLATTEN,
                    )

    def _let_happen(self, before: int) -> None:
        while True:
            events: list[tuple[int, int, int]] = [
                (at, 0, i) for i, at in self.funding_due.items()
            ] + [(p.arrival, 1, k) for k, p in enumerate(self.pending)]
            events = [e for e in events if e[0] < before]
            if not events:
                return
            _, what, which = min(events)
            if what == 0:
                self._settle(which)
            else:
                self._execute(self.pending.pop(which))

    # --- funding -------------------------------------------------------------------------------

    def _announce(self, row: Row) -> None:
        i, at = row["instrument"], row["next_funding_ns"]
        if i in self.funding_due and at > self.funding_due[i]:
            self._settle(i)
        mark = row["mark"] + self.market.books[i].shift if row["mark"] else 0
        self.funding_terms[i] = (mark, row["rate"])
        if at > 0 and (i not in self.funding_settled or at > self.funding_settled[i]):
            self.funding_due[i] = at

    def _settle(self, i: int) -> None:
        at = self.funding_due.pop(i)
        self.funding_settled[i] = at
        account = self.accounts[i]
        if account.position == 0:
            return
        mark, rate = self.funding_terms[i]
        if mark == 0:  # the source has none
            book = self.market.books[i]
            mark = round(Fraction(book.bid + book.ask, 2))
        exact = self.notional(i, mark, account.position) * rate * TEN**RATE_EXPONENT
        amount = -round(exact)
        account.funding += amount
        self.cash[self.terms[i].currency] += amount
        self.funding.append(
            {
                "instrument": i,
                "ts_ns": at,
                "seq": self.seq,
                "position": account.position,
                "mark": mark,
                "rate": rate,
                "amount": amount,
                "fills_before": len(self.fills),
            }
        )

    # --- decisions and orders ------------------------------------------------------------------

    def _record(self, decision: Decision) -> None:
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
                "bundle": int(decision.bundle),
                "first_leg": first_leg,
                "n_legs": len(decision.legs),
            }
        )
        group = _Pending(self.ts_ns + self.latency_ns, sequence, decision.bundle, [])
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
                    "reference_price": (book.bid + book.ask) * 5 if book.valid else 0,
                    "bid": book.bid,
                    "bid_qty": book.bid_qty,
                    "ask": book.ask,
                    "ask_qty": book.ask_qty,
                    "quote_ts_ns": book.ts_ns,
                }
            )
            more = self._adds(leg)
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
                group.orders.append({**order, "more": more} if change else order)
        if group.orders:
            self.pending.append(group)
        for order in cancelled:
            self._tell(order, order["qty"], self.ts_ns, 0, OrderReason.REFUSED)

    # --- rules and limits ----------------------------------------------------------------------

    def _refused(self, decision: Decision, sequence: int) -> list[bool]:
        refused: list[bool] = []
        for k, leg in enumerate(decision.legs):
            sent = [x for x, no in zip(decision.legs[:k], refused, strict=True) if not no]
            cancel = leg.action == OrderAction.CANCEL
            broken = [] if cancel else list(self._broken(leg, sent))
            for rule, value, limit in broken:
                self._risk_row(sequence, leg.instrument, rule, value, limit, self.ts_ns)
            refused.append(bool(broken))
        return [True] * len(refused) if decision.bundle and any(refused) else refused

    def _broken(self, leg: Leg, sent: list[Leg]) -> Iterator[tuple[RiskRule, int, int]]:
        """Every rule that the leg breaks, were ``sent`` on their way before it."""
        rule, limits = self.rules[leg.instrument], self.limits
        book, held = self.market.books[leg.instrument], self.accounts[leg.instrument].position
        side = self._lane(leg)[1]
        price = book.ask if side > 0 else book.bid
        limit = leg.order_type == OrderType.LIMIT or leg.action == OrderAction.MODIFY
        if limit:
            price = leg.limit_price
        waiting = [o for group in self.pending for o in group.orders]
        adds = self._adds(leg)
        same = adds + sum(
            o.get("more", o["qty"])
            for o in waiting
            if (o["instrument"], o["side"]) == self._lane(leg)
        )
        same += sum(one.left for one in self.queues.lane(*self._lane(leg)))
        same += sum(self._adds(x) for x in sent if self._lane(x) == self._lane(leg))
        closes = held * side < 0 and same <= abs(held)
        after = abs(held + side * same)
        if rule.lot and leg.qty % rule.lot:
            yield RiskRule.LOT, leg.qty, rule.lot
        if limit and rule.tick and price % rule.tick:
            yield RiskRule.TICK, price, rule.tick
        worth = self._currency(leg.instrument, price, leg.qty)
        exempt = closes and rule.closing_exempt
        if price > 0 and worth < rule.min_notional and not exempt:
            # Money comes in ledger units: the least that will do is the next whole one.
            unit = TEN**self.ledger_exponent
            least = math.ceil(rule.min_notional / unit) * unit
            yield self._money(RiskRule.MIN_NOTIONAL, worth, least)
        age = self.ts_ns - book.ts_ns if book.valid else -1
        if limits.max_age_ns and not 0 <= age <= limits.max_age_ns:
            yield RiskRule.STALE_BOOK, age, limits.max_age_ns
        if adds and not closes:
            if rule.max_position and after > rule.max_position:
                yield RiskRule.MAX_POSITION, after, rule.max_position
            worth = self._currency(leg.instrument, price, after)
            if rule.max_notional and price > 0 and worth > rule.max_notional:
                yield self._money(RiskRule.MAX_NOTIONAL, worth, rule.max_notional)
            result = self._result(self.terms[leg.instrument].currency)
            if limits.max_loss and result < -limits.max_loss:
                yield self._money(RiskRule.MAX_LOSS, result, -limits.max_loss)
        for most, seconds, which in (
            (limits.orders_per_second, 1, RiskRule.ORDERS_PER_SECOND),
            (limits.orders_per_minute, 60, RiskRule.ORDERS_PER_MINUTE),
        ):
            since = self.ts_ns - seconds * 10**9
            before = sum(x.action != OrderAction.CANCEL for x in sent)
            count = sum(t > since for t in self.sent_times) + before + 1
            if most and count > most:
                yield which, count, most

    def _lane(self, leg: Leg) -> tuple[int, int]:
        side = leg.side if leg.action == OrderAction.NEW else self.sides[leg.target]
        return leg.instrument, side

    def _adds(self, leg: Leg) -> int:
        """By how much the leg may raise the position."""
        if leg.action == OrderAction.NEW:
            return leg.qty
        if leg.action == OrderAction.CANCEL:
            return 0
        return max(0, leg.qty - self.totals[leg.target])

    def _currency(self, instrument: int, price: int, qty: int) -> Fraction:
        return self.notional(instrument, price, qty) * TEN**self.ledger_exponent

    def _result(self, currency: str) -> Fraction:
        total = Fraction(0)
        for i, (terms, account) in enumerate(zip(self.terms, self.accounts, strict=True)):
            if terms.currency != currency:
                continue
            book, sign = self.market.books[i], 1 if account.position >= 0 else -1
            marked = Fraction(self.notional(i, book.bid + book.ask, account.position), 2)
            booked = account.realized - account.fees + account.funding - sign * account.cost
            total += (marked + booked) * TEN**self.ledger_exponent
        return total

    def _money(self, rule: RiskRule, value: Fraction, limit: Fraction) -> tuple[RiskRule, int, int]:
        unit = TEN ** max(self.ledger_exponent, RISK_MONEY_EXPONENT)
        return rule, int(value / unit), int(limit / unit)

    def _risk_row(
        self, decision: int, instrument: int, rule: RiskRule, value: int, limit: int, ts_ns: int
    ) -> None:
        self.risk.append(
            {
                "decision": decision,
                "instrument": instrument,
                "rule": int(rule),
                "value": value,
                "limit": limit,
                "ts_ns": ts_ns,
                "seq": self.seq,
            }
        )

    # --- orders --------------------------------------------------------------------------------

    def _tell(self, order: Row, left: int, ts_ns: int, flags: int, reason: int) -> None:
        if self.on_fill is not None:
            self.on_fill(
                {
                    "order": order["order"],
                    "decision": order["decision"],
                    "instrument": order["instrument"],
                    "side": order["side"],
                    "qty": 0,
                    "price": 0,
                    "ts_ns": ts_ns,
                    "flags": int(flags),
                    "order_left": left,
                    "reason": int(reason),
                }
            )

    def _new(self, asked: Row, decision: int, leg: int, ts_ns: int, reason: int) -> Row:
        order = {"order": self.n_orders, "decision": decision, "leg": leg, **asked, "action": 0}
        self.n_orders += 1
        self.in_flight[order["order"]] = order
        self.totals[order["order"]] = order["qty"]
        self.sides[order["order"]] = order["side"]
        self.pending_qty[order["instrument"]] += order["side"] * order["qty"]
        self._order_row(order, OrderEventKind.NEW, OrderStatus.PENDING, reason, 0, ts_ns)
        return order

    def _order_row(
        self, order: Row, kind: int, status: int, reason: int, filled: int, ts_ns: int
    ) -> None:
        row = {k: v for k, v in order.items() if k not in ("action", "more")}
        self.orders.append(
            {
                **row,
                "kind": int(kind),
                "status": int(status),
                "reason": int(reason),
                "filled_qty": filled,
                "ts_ns": ts_ns,
                "seq": self.seq,
            }
        )

    def _request_row(
        self, request: Row, status: int, reason: int, ts_ns: int, filled: int = 0
    ) -> None:
        modify = request["action"] == OrderAction.MODIFY
        kind = OrderEventKind.MODIFY if modify else OrderEventKind.CANCEL
        self._order_row(request, kind, status, reason, filled, ts_ns)

    def _close(self, order: Row, filled: int, status: int, reason: int, ts_ns: int) -> None:
        self._gone(order, filled)
        self._order_row(order, OrderEventKind.UPDATE, status, reason, filled, ts_ns)

    def _gone(self, order: Row, filled: int) -> None:
        del self.in_flight[order["order"]]
        self.pending_qty[order["instrument"]] -= order["side"] * (order["qty"] - filled)

    def _execute(self, group: _Pending) -> None:
        filled = [self._arrive(order, group.arrival) for order in group.orders]
        if not group.bundle or len(group.orders) < 2:
            return
        share = min(
            Fraction(f, order["qty"]) for f, order in zip(filled, group.orders, strict=True)
        )
        for f, order in zip(filled, group.orders, strict=True):
            excess = f - int(order["qty"] * share)  # not negative, so int() is floor
            lot = self.rules[order["instrument"]].lot or 1
            if excess % lot:
                self._risk_row(
                    group.decision,
                    order["instrument"],
                    RiskRule.TRIM_REST,
                    excess % lot,
                    lot,
                    group.arrival,
                )
            excess -= excess % lot
            if excess > 0:
                self._own_order(
                    order["instrument"],
                    -order["side"],
                    excess,
                    group.arrival,
                    group.decision,
                    OrderReason.TRIM,
                    FillFlag.TRIM,
                )

    def _own_order(
        self,
        instrument: int,
        side: int,
        qty: int,
        ts_ns: int,
        decision: int,
        reason: int,
        flag: int,
    ) -> None:
        asked = {
            "instrument": instrument,
            "side": side,
            "order_type": 0,
            "time_in_force": 0,
            "qty": qty,
            "limit_price": 0,
        }
        order = self._new(asked, decision, -1, ts_ns, reason)
        self._finish(order, self._take(order, 0, ts_ns, flag), ts_ns, flag)

    # --- arrivals ------------------------------------------------------------------------------

    def _arrive(self, order: Row, ts_ns: int) -> int:
        """What it filled."""
        if order["action"] != OrderAction.NEW:
            self._change(order, ts_ns)
            return 0
        if order["order_type"] == OrderType.LIMIT:
            return self._arrive_limit(order, 0, ts_ns)
        filled = self._take(order, 0, ts_ns, FillFlag.NONE)
        self._finish(order, filled, ts_ns, FillFlag.NONE)
        return filled

    def _arrive_limit(self, order: Row, filled: int, ts_ns: int) -> int:
        if order["time_in_force"] == TimeInForce.POST_ONLY:
            if self._within(order):
                self._end_short(order, filled, ts_ns, 0, OrderReason.WOULD_TAKE)
                return filled
        else:
            filled = self._take(order, filled, ts_ns, FillFlag.NONE)
            if filled == order["qty"] or order["time_in_force"] == TimeInForce.IOC:
                self._finish(order, filled, ts_ns, FillFlag.NONE)
                return filled
        left = order["qty"] - filled
        self.queues.join(order, left)
        status, reason = OrderStatus.RESTING, OrderReason.RESTS
        self._order_row(order, OrderEventKind.UPDATE, status, reason, filled, ts_ns)
        self._tell(order, left, ts_ns, 0, OrderReason.RESTS)
        return filled

    def _within(self, order: Row) -> list[tuple[int, int, bool]]:
        """What the order could take now: price, quantity, beyond the touch."""
        book, side = self.market.books[order["instrument"]], order["side"]
        return [
            (price, qty, beyond)
            for price, qty, beyond in book.available(side, book.taken[side])
            if order["order_type"] == OrderType.MARKET or (order["limit_price"] - price) * side >= 0
        ]

    def _change(self, request: Row, ts_ns: int) -> None:
        lane = self.queues.lane(request["instrument"], request["side"])
        found = [one for one in lane if one.order["order"] == request["order"]]
        if not found:
            reason = OrderReason.NOT_RESTING
            self._request_row(request, OrderStatus.REJECTED, reason, ts_ns)
            self._tell(request, 0, ts_ns, 0, reason)
            return
        one = found[0]
        old, filled = one.order, one.order["qty"] - one.left
        who = {name: request[name] for name in ("action", "decision", "leg")}
        if request["action"] == OrderAction.CANCEL:
            lane.remove(one)
            self._gone(old, filled)
            status = OrderStatus.PARTIAL if filled else OrderStatus.CANCELLED
            self._request_row({**old, **who}, status, OrderReason.CANCELLED, ts_ns, filled)
            self._tell(old, one.left, ts_ns, 0, OrderReason.CANCELLED)
            return
        left = max(0, request["qty"] - filled)
        keeps = (
            request["limit_price"] == old["limit_price"]
            and request["qty"] <= old["qty"]
            and left > 0
        )
        new = {**old, "qty": filled + left, "limit_price": request["limit_price"]}
        self.pending_qty[old["instrument"]] += old["side"] * (left - one.left)
        self.totals[old["order"]] = new["qty"]
        self.in_flight[old["order"]] = new
        if keeps:
            one.order, one.left = new, left
            status = OrderStatus.RESTING
        else:
            lane.remove(one)
            status = OrderStatus.PENDING if left else OrderStatus.FILLED
            if not left:
                self._gone(new, filled)
        self._request_row({**new, **who}, status, OrderReason.MODIFIED, ts_ns, filled)
        self._tell(new, left, ts_ns, 0, OrderReason.MODIFIED)
        if left and not keeps:
            self._arrive_limit(new, filled, ts_ns)

    def _take(self, order: Row, filled: int, ts_ns: int, flags: int) -> int:
        """Take from the displayed book; returns what is filled then."""
        book, side = self.market.books[order["instrument"]], order["side"]
        for price, shown, beyond in self._within(order):
            qty = min(shown, order["qty"] - filled)
            if qty == 0:
                break
            filled += qty
            book.taken[side] += qty
            more = FillFlag.DEPTH if beyond else 0
            self.book_fill(order, price, qty, ts_ns, flags | more, order["qty"] - filled)
        return filled

    def _finish(self, order: Row, filled: int, ts_ns: int, flags: int) -> None:
        if filled == order["qty"]:
            self._close(order, filled, OrderStatus.FILLED, OrderReason.FILLED, ts_ns)
            return
        if not self.market.books[order["instrument"]].valid:
            reason = OrderReason.BOOK_INVALID
        elif order["order_type"] == OrderType.LIMIT:
            reason = OrderReason.IMMEDIATE
        else:
            reason = OrderReason.SIZE_EXHAUSTED
        self._end_short(order, filled, ts_ns, flags, reason)

    def _end_short(self, order: Row, filled: int, ts_ns: int, flags: int, reason: int) -> None:
        status = OrderStatus.PARTIAL if filled else OrderStatus.CANCELLED
        self._close(order, filled, status, reason, ts_ns)
        self._tell(order, order["qty"] - filled, ts_ns, flags, reason)

    def rest_filled(self, one: Resting, qty: int) -> None:
        """``qty`` of a resting order was filled by the message at hand."""
        order = one.order
        price = order["limit_price"]
        self.book_fill(order, price, qty, self.ts_ns, FillFlag.MAKER, one.left)
        filled = order["qty"] - one.left
        if one.left == 0:
            self._close(order, filled, OrderStatus.FILLED, OrderReason.FILLED, self.ts_ns)
            return
        status, reason = OrderStatus.RESTING, OrderReason.FILLED
        self._order_row(order, OrderEventKind.UPDATE, status, reason, filled, self.ts_ns)

    def book_fill(
        self, order: Row, price: int, qty: int, ts_ns: int, flags: int, left: int
    ) -> None:
        i, side = order["instrument"], order["side"]
        account, currency = self.accounts[i], self.terms[i].currency
        self.pending_qty[i] -= side * qty
        fee = self.fee(i, price, qty, bool(flags & FillFlag.MAKER))
        account.fees += fee
        account.fill(side, qty, lambda q: self.notional(i, price, q))
        self.cash[currency] -= side * self.notional(i, price, qty) + fee
        fill = {
            "order": order["order"],
            "decision": order["decision"],
            "leg": order["leg"],
            "instrument": i,
            "side": side,
            "price": price,
            "qty": qty,
            "ts_ns": ts_ns,
            "seq": self.seq,
            "flags": int(flags),
            "fee": fee,
            "cash": self.cash[currency],
            "position": account.position,
            "realized": account.realized,
        }
        self.fills.append(fill)
        if self.on_fill is not None:
            self.on_fill({**fill, "order_left": left, "reason": int(OrderReason.FILLED)})
