"""The venue's rules and the run's limits, for the naive engine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from quantlaxmi.schema import RISK_MONEY_EXPONENT, OrderAction, OrderReason, OrderType, RiskRule
from tests.naive.terms import Decision, Leg

TEN = Fraction(10)


class Checks:
    """What `Engine` asks before it sends; its state is the engine's."""

    def _sized(self, leg: Leg) -> Leg:
        """A net order as the new order that leaves what it asks for."""
        if leg.action != OrderAction.NEW_NET:
            return leg
        qty = leg.qty
        if leg.side > 0 and self.terms[leg.instrument].in_base:
            qty = self.order_for(leg.instrument, qty, self.terms[leg.instrument].lot or 1)
        return replace(leg, action=OrderAction.NEW, qty=qty, gains=leg.qty)

    def _refused(self, decision: Decision, sequence: int) -> list[bool]:
        refused: list[bool] = []
        for k, leg in enumerate(decision.legs):
            sent = [x for x, no in zip(decision.legs[:k], refused, strict=True) if not no]
            cancel = leg.action == OrderAction.CANCEL
            broken = [] if cancel else list(self._broken(leg, sent, decision.units))
            for rule, value, limit in broken:
                self._risk_row(sequence, leg.instrument, rule, value, limit, self.ts_ns)
            refused.append(bool(broken))
        whole = decision.bundle and any(refused)
        return self._without_margin(decision, sequence, [True] * len(refused) if whole else refused)

    def _broken(self, leg: Leg, sent: list[Leg], units: int) -> Iterator[tuple[RiskRule, int, int]]:
        """Every rule that the leg breaks, were ``sent`` on their way before it."""
        rule, limits = self.rules[leg.instrument], self.limits
        book, held = self.market.books[leg.instrument], self.accounts[leg.instrument].position
        side = self._lane(leg)[1]
        price = book.ask if side > 0 else book.bid
        limit = leg.order_type == OrderType.LIMIT or leg.action == OrderAction.MODIFY
        if limit:
            price = leg.limit_price
        same = sum(self._may_fill(leg, [*sent, leg]).values())
        closes = held * side < 0 and same <= abs(held)
        after = abs(held + side * same)
        if not rule.tradable:
            yield RiskRule.NOT_TRADABLE, 0, 0
        if leg.action == OrderAction.NEW and not book.mid2:
            yield RiskRule.NO_BOOK, 0, 0
        of_unit = leg.qty // units
        if rule.lot and of_unit % rule.lot:
            yield RiskRule.LOT, of_unit, rule.lot
        if limit and rule.tick and price % rule.tick:
            yield RiskRule.TICK, price, rule.tick
        worth = self._currency(leg.instrument, price, leg.qty)
        exempt = closes and rule.closing_exempt
        if price > 0 and worth < rule.min_notional and not exempt:
            # Money comes in ledger units: the least that will do is the next whole one.
            unit = TEN**self.ledger_exponent
            least = math.ceil(rule.min_notional / unit) * unit
            yield self._money(RiskRule.MIN_NOTIONAL, worth, least)
        age = self.ts_ns - book.said_ns if book.valid else -1
        if limits.max_age_ns and not 0 <= age <= limits.max_age_ns:
            yield RiskRule.STALE_BOOK, age, limits.max_age_ns
        currency = self.terms[leg.instrument].currency
        if currency in self.stopped:
            why, row = self.stopped[currency]
            if why == OrderReason.MAX_LOSS:
                row = self._money(RiskRule.MAX_LOSS, self._result(currency), -limits.max_loss)
            yield row
        elif not closes and not self._takes_away(leg, sent):
            borrows = self.terms[leg.instrument].borrow_bps is not None
            if limits.refuse_short and borrows and side < 0 < after:
                yield RiskRule.SHORT_SPOT, -after, 0
            if rule.max_position and after > rule.max_position:
                yield RiskRule.MAX_POSITION, after, rule.max_position
            worth = self._currency(leg.instrument, price, self._once_arrived(leg, sent))
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

    def _filled(self, number: int) -> int:
        order = self.in_flight[number]
        lane = self.queues.lane(order["instrument"], order["side"])
        rests = [one for one in lane if one.order["order"] == number]
        return order["qty"] - rests[0].left if rests else 0

    def _changes(self, number: int, legs: list[Leg]) -> list[tuple[int, int]]:
        """(total, price) that each change of an order asks for: those in flight, then ``legs``."""
        waiting = [o for group in self.pending for o in group.orders]
        return [
            (o["qty"], o["limit_price"])
            for o in waiting
            if o["action"] == OrderAction.MODIFY and o["order"] == number
        ] + [
            (x.qty, x.limit_price)
            for x in legs
            if x.action == OrderAction.MODIFY and x.target == number
        ]

    def _may_fill(self, leg: Leg, legs: list[Leg]) -> dict[object, int]:
        """What may still be filled on the leg's side, by order: whichever of its changes arrive."""
        found: dict[object, int] = {}
        for number, order in self.in_flight.items():
            if (order["instrument"], order["side"]) == self._lane(leg):
                totals = [order["qty"], *(qty for qty, _ in self._changes(number, legs))]
                found[number] = max(totals) - self._filled(number)
        for k, x in enumerate(legs):
            if x.action == OrderAction.NEW and self._lane(x) == self._lane(leg):
                found["sent", k] = x.qty if x.gains < 0 else x.gains
        return found

    def _once_arrived(self, leg: Leg, sent: list[Leg]) -> int:
        """The position on the leg's side were all filled there, its own order as the leg has it."""
        may_fill = self._may_fill(leg, [*sent, leg])
        if leg.action == OrderAction.MODIFY and leg.target in may_fill:
            may_fill[leg.target] = max(0, leg.qty - self._filled(leg.target))
        side = self._lane(leg)[1]
        return side * self.accounts[leg.instrument].position + sum(may_fill.values())

    def _takes_away(self, leg: Leg, sent: list[Leg]) -> bool:
        """Whether it is a change that raises no quantity and moves no price, whatever it finds."""
        if leg.action != OrderAction.MODIFY:
            return False
        if leg.target not in self.in_flight:
            return True  # the order has ended: nothing is changed
        order = self.in_flight[leg.target]
        finds = [(order["qty"], order["limit_price"]), *self._changes(leg.target, sent)]
        return all(leg.limit_price == price and leg.qty <= qty for qty, price in finds)

    def _currency(self, instrument: int, price: int, qty: int) -> Fraction:
        return self.notional(instrument, price, qty) * TEN**self.ledger_exponent

    def _result(self, currency: str) -> Fraction:
        total = Fraction(0)
        for i, (terms, account) in enumerate(zip(self.terms, self.accounts, strict=True)):
            if terms.currency != currency:
                continue
            book, sign = self.market.books[i], 1 if account.position >= 0 else -1
            marked = Fraction(self.notional(i, book.mid2, account.position), 2)
            booked = account.realized - account.fees + account.funding - account.borrow
            booked -= sign * account.cost + self.interest(i, self.ts_ns)
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
