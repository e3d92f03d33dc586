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
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from quantlaxmi.schema import (
    RATE_EXPONENT,
    RISK_MONEY_EXPONENT,
    TABLES,
    DepthFlag,
    EventKind,
    FillFlag,
    OrderEventKind,
    OrderReason,
    OrderStatus,
    QuoteFlag,
    RiskRule,
)
from tests.naive.depth_book import DepthBook, Message

TEN = Fraction(10)
Row = dict[str, Any]
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
    currency: str = "USDT"
    contract_size: int = 1


@dataclass(frozen=True)
class Rules:
    """What may be sent in one instrument, in quantity mantissas and in currency; 0 is no rule."""

    lot: int = 0
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


@dataclass(frozen=True)
class Decision:
    legs: tuple[Leg, ...]
    bundle: bool = True
    decision_type: int = 1
    direction: int = 0
    confidence: int = -1
    rationale: int = 0


@dataclass
class Book:
    valid: bool = False
    bid: int = 0
    bid_qty: int = 0
    ask: int = 0
    ask_qty: int = 0
    ts_ns: int = 0
    shift: int = 0  # of all recorded prices; the levels of ``depth`` are kept without it
    has_quotes: bool = False
    taken: dict[int, int] = field(default_factory=lambda: {1: 0, -1: 0})  # by the order's side
    depth: DepthBook = field(default_factory=DepthBook)

    def set_top(
        self, bid: int, bid_qty: int, ask: int, ask_qty: int, ts_ns: int, shift: int = 0
    ) -> None:
        self.bid = bid + shift if bid > 0 else bid
        self.ask = ask + shift if ask > 0 else ask
        self.bid_qty, self.ask_qty = bid_qty, ask_qty
        self.valid = 0 < bid < ask and bid_qty > 0 and ask_qty > 0
        self.ts_ns, self.shift = ts_ns, shift
        self.taken = {1: 0, -1: 0}

    def ladder(self, side: int) -> list[tuple[int, int, bool]]:
        """What an order of ``side`` could take: price, qty, beyond the touch."""
        if not self.valid:
            return []
        touch = self.ask if side > 0 else self.bid
        steps = [(touch, self.ask_qty if side > 0 else self.bid_qty, False)]
        if self.depth.valid:
            steps += [
                (price + self.shift, qty, True)
                for price, qty in self.depth.levels(-side)
                if (price + self.shift - touch) * side > 0
                and (price + self.shift > 0 or not self.shift)
            ]
        return steps

    def available(self, side: int, skip: int) -> Iterator[tuple[int, int, bool]]:
        for price, qty, beyond in self.ladder(side):
            gone = min(qty, skip)
            skip -= gone
            if qty > gone:
                yield price, qty - gone, beyond


class Market:
    """Books that follow messages."""

    def __init__(self, n_instruments: int) -> None:
        self.books = [Book() for _ in range(n_instruments)]

    def apply(self, table: str, rows: Sequence[Row]) -> None:
        row = rows[-1]
        book = self.books[row["instrument"]]
        if table == "quotes":
            book.has_quotes = True
            book.set_top(
                row["bid"],
                row["bid_qty"],
                row["ask"],
                row["ask_qty"],
                row["ts_ns"],
                row.get("shift", 0),
            )
        elif table == "depth":
            levels = tuple((r["side"], r["price"], r["qty"]) for r in rows)
            snapshot = bool(row["flags"] & DepthFlag.SNAPSHOT)
            book.depth.apply(
                Message(row["first_id"], row["last_id"], row["prev_id"], snapshot, levels)
            )
            if book.has_quotes:
                return
            if book.depth.valid and book.depth.bids and book.depth.asks:
                best_bid, best_ask = max(book.depth.bids), min(book.depth.asks)
                book.set_top(
                    best_bid,
                    book.depth.bids[best_bid],
                    best_ask,
                    book.depth.asks[best_ask],
                    row["ts_ns"],
                    row.get("shift", 0),
                )
            else:
                book.valid = False


@dataclass
class Account:
    position: int = 0
    cost: int = 0
    realized: int = 0
    fees: int = 0
    funding: int = 0

    def fill(self, side: int, qty: int, notional_of: Callable[[int], int]) -> None:
        """Average cost with the total carried; a flip closes, then opens."""
        opening = qty
        if self.position * side < 0:
            closing = min(qty, abs(self.position))
            released = round(Fraction(self.cost * closing, abs(self.position)))
            # A long is closed by selling: proceeds minus cost. A short: cost minus outlay.
            self.realized += -side * (notional_of(closing) - released)
            self.cost -= released
            self.position += side * closing
            opening = qty - closing
        if opening:
            self.cost += notional_of(opening)
            self.position += side * opening


@dataclass
class _Pending:
    arrival: int
    decision: int
    bundle: bool
    orders: list[Row]


def merged(tables: Mapping[str, Mapping[str, Sequence[int]]]) -> list[tuple[str, list[Row]]]:
    """Messages of all tables in ``seq`` order; rows of a depth message together."""
    by_seq: dict[int, tuple[str, list[Row]]] = {}
    for table in TABLES:
        columns = {name: [int(v) for v in values] for name, values in tables[table].items()}
        for i in range(len(columns["seq"])):
            row = {name: values[i] for name, values in columns.items()}
            by_seq.setdefault(row["seq"], (table, []))[1].append(row)
    return [by_seq[seq] for seq in sorted(by_seq)]


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
    ) -> None:
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

    def fee(self, instrument: int, price: int, qty: int) -> int:
        money = self.notional(instrument, price, qty) * TEN**self.ledger_exponent
        units = round(money * self.terms[instrument].taker_bps / 10**4 / TEN**self.fee_exponent)
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
                self._close(order, 0, OrderStatus.CANCELLED, OrderReason.END_OF_DATA, self.ts_ns)
        self.pending = []
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
            self.legs.append(
                {
                    "decision": sequence,
                    "instrument": leg.instrument,
                    "action": 0,
                    "side": leg.side,
                    "order_type": 0,
                    "time_in_force": 0,
                    "qty": leg.qty,
                    "limit_price": 0,
                    "target": -1,
                    "reference_price": (book.bid + book.ask) * 5 if book.valid else 0,
                    "bid": book.bid,
                    "bid_qty": book.bid_qty,
                    "ask": book.ask,
                    "ask_qty": book.ask_qty,
                    "quote_ts_ns": book.ts_ns,
                }
            )
            order = self._new(
                leg.instrument,
                leg.side,
                leg.qty,
                sequence,
                len(self.legs) - 1,
                self.ts_ns,
                OrderReason.DECISION,
            )
            if refused[k]:
                self._close(order, 0, OrderStatus.CANCELLED, OrderReason.REFUSED, self.ts_ns)
                cancelled.append(order)
            else:
                self.sent_times.append(self.ts_ns)
                group.orders.append(order)
        if group.orders:
            self.pending.append(group)
        for order in cancelled:
            self._tell_cancelled(order, order["qty"], self.ts_ns, 0)

    # --- rules and limits ----------------------------------------------------------------------

    def _refused(self, decision: Decision, sequence: int) -> list[bool]:
        refused: list[bool] = []
        for k, leg in enumerate(decision.legs):
            sent = [x for x, no in zip(decision.legs[:k], refused, strict=True) if not no]
            broken = list(self._broken(leg, sent))
            for rule, value, limit in broken:
                self._risk_row(sequence, leg.instrument, rule, value, limit, self.ts_ns)
            refused.append(bool(broken))
        return [True] * len(refused) if decision.bundle and any(refused) else refused

    def _broken(self, leg: Leg, sent: list[Leg]) -> Iterator[tuple[RiskRule, int, int]]:
        """Every rule that the leg breaks, were ``sent`` on their way before it."""
        rule, limits = self.rules[leg.instrument], self.limits
        book, held = self.market.books[leg.instrument], self.accounts[leg.instrument].position
        price = book.ask if leg.side > 0 else book.bid
        waiting = [o for group in self.pending for o in group.orders]
        same = leg.qty + sum(
            o["qty"] for o in waiting if (o["instrument"], o["side"]) == self._lane(leg)
        )
        same += sum(x.qty for x in sent if self._lane(x) == self._lane(leg))
        closes = held * leg.side < 0 and same <= abs(held)
        after = abs(held + leg.side * same)
        if rule.lot and leg.qty % rule.lot:
            yield RiskRule.LOT, leg.qty, rule.lot
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
        if not closes:
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
            count = sum(t > since for t in self.sent_times) + len(sent) + 1
            if most and count > most:
                yield which, count, most

    def _lane(self, leg: Leg) -> tuple[int, int]:
        return leg.instrument, leg.side

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

    def _tell_cancelled(self, order: Row, left: int, ts_ns: int, flags: int) -> None:
        if self.on_fill is not None:
            self.on_fill(
                {
                    "decision": order["decision"],
                    "instrument": order["instrument"],
                    "side": order["side"],
                    "qty": 0,
                    "price": 0,
                    "ts_ns": ts_ns,
                    "flags": int(flags),
                    "order_left": left,
                }
            )

    def _new(
        self, instrument: int, side: int, qty: int, decision: int, leg: int, ts_ns: int, reason: int
    ) -> Row:
        order = {
            "order": self.n_orders,
            "decision": decision,
            "leg": leg,
            "instrument": instrument,
            "side": side,
            "order_type": 0,
            "time_in_force": 0,
            "qty": qty,
            "limit_price": 0,
        }
        self.n_orders += 1
        self.in_flight[order["order"]] = order
        self.pending_qty[instrument] += side * qty
        self._order_row(order, OrderEventKind.NEW, OrderStatus.PENDING, reason, 0, ts_ns)
        return order

    def _order_row(
        self, order: Row, kind: int, status: int, reason: int, filled: int, ts_ns: int
    ) -> None:
        self.orders.append(
            {
                **order,
                "kind": int(kind),
                "status": int(status),
                "reason": int(reason),
                "filled_qty": filled,
                "ts_ns": ts_ns,
                "seq": self.seq,
            }
        )

    def _close(self, order: Row, filled: int, status: int, reason: int, ts_ns: int) -> None:
        del self.in_flight[order["order"]]
        self.pending_qty[order["instrument"]] -= order["side"] * (order["qty"] - filled)
        self._order_row(order, OrderEventKind.UPDATE, status, reason, filled, ts_ns)

    def _execute(self, group: _Pending) -> None:
        filled = [self._take(order, group.arrival, FillFlag.NONE) for order in group.orders]
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
        self._take(self._new(instrument, side, qty, decision, -1, ts_ns, reason), ts_ns, flag)

    def _take(self, order: Row, ts_ns: int, flags: int) -> int:
        i, side = order["instrument"], order["side"]
        book, account, currency = self.market.books[i], self.accounts[i], self.terms[i].currency
        left = order["qty"]
        for price, shown, beyond in list(book.available(side, book.taken[side])):
            qty = min(shown, left)
            if qty == 0:
                break
            left -= qty
            book.taken[side] += qty
            self.pending_qty[i] -= side * qty
            fee = self.fee(i, price, qty)
            account.fees += fee
            account.fill(side, qty, lambda q, price=price: self.notional(i, price, q))
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
                "flags": int(flags | (FillFlag.DEPTH if beyond else 0)),
                "fee": fee,
                "cash": self.cash[currency],
                "position": account.position,
                "realized": account.realized,
            }
            self.fills.append(fill)
            if self.on_fill is not None:
                self.on_fill({**fill, "order_left": left})
        filled = order["qty"] - left
        if left == 0:
            self._close(order, filled, OrderStatus.FILLED, OrderReason.FILLED, ts_ns)
            return filled
        status = OrderStatus.PARTIAL if filled else OrderStatus.CANCELLED
        reason = OrderReason.SIZE_EXHAUSTED if book.valid else OrderReason.BOOK_INVALID
        self._close(order, filled, status, reason, ts_ns)
        self._tell_cancelled(order, left, ts_ns, flags)
        return filled
