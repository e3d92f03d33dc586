"""Margin that is asked for before an order is sent, for the naive engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction

from quantlaxmi.schema import RISK_MONEY_EXPONENT, OrderAction, OrderEventKind, RiskRule
from tests.naive.scan_margin import Contract, Rule, margin
from tests.naive.terms import Decision

TEN = Fraction(10)
INDIA = timezone(timedelta(hours=5, minutes=30))
#: INDIA.md: no benefit of calendars on the day of expiry from the second day on.
FIRST, APART = date(2024, 11, 20), date(2025, 2, 10)
FAR_MONTHS = 9


@dataclass(frozen=True)
class MarginTerms:
    """Daily volatilities by underlying, each from a day on."""

    stated: tuple[tuple[str, date, float], ...] = ()

    def rule(self, underlying: str, day: date) -> Rule | None:
        if day < FIRST:
            return None
        daily = 0.0
        for name, since, value in self.stated:
            if name == underlying and since <= day:
                daily = value
        scan, volatility = 6 * math.sqrt(2) * daily, 0.25 * math.sqrt(365) * daily
        return Rule(
            price_scan=max(0.093, scan),
            vol_scan=max(0.04, volatility),
            calendar=0.0175,
            exposure=0.02,
            expiring=0.02,
            apart=day >= APART,
            far_scan=max(0.177, scan),
        )


def day_of(ts_ns: int) -> date:
    return datetime.fromtimestamp(ts_ns // 10**9, INDIA).date()


def far_until(day: date) -> date:
    """The day nine months before another, or the last of that month."""
    month = day.year * 12 + day.month - 1 - FAR_MONTHS
    found = day.day
    while True:
        try:
            return date(month // 12, month % 12 + 1, found)
        except ValueError:
            found -= 1


class Margins:
    """What `Engine` asks once the other rules were asked; its state is the engine's."""

    def _without_margin(self, decision: Decision, sequence: int, refused: list[bool]) -> list[bool]:
        if self.limits.margin is None:
            return refused
        asked: dict[int, int] = {}
        sent = [
            leg
            for leg, no in zip(decision.legs, refused, strict=True)
            if not no and leg.action != OrderAction.CANCEL
        ]
        orders = []
        for leg in sent:
            qty = leg.qty
            if leg.action == OrderAction.MODIFY:
                qty = max(0, qty - self._last_qty(leg.target))
            orders.append((leg.instrument, self._lane(leg)[1] * qty))
        found = self.margin_of(orders)
        if found is None:
            return refused
        value, limit = found
        for leg in sent:
            self._risk_row(sequence, leg.instrument, RiskRule.MARGIN, value, limit, self.ts_ns)
            asked[id(leg)] = 1
        return [no or id(leg) in asked for leg, no in zip(decision.legs, refused, strict=True)]

    def _last_qty(self, number: int) -> int:
        kinds = (OrderEventKind.NEW, OrderEventKind.UPDATE)
        return [o["qty"] for o in self.orders if o["order"] == number and o["kind"] in kinds][-1]

    def margin_of(self, orders: list[tuple[int, int]]) -> tuple[int, int] | None:
        """What is asked for and what is there where orders lack their margin; else None."""
        held = [a.position for a in self.accounts]
        cash = sum(self.cash.values()) * TEN**self.ledger_exponent + self.limits.capital
        before = [(i, q) for i, q in enumerate(self.pending_qty) if q]
        was, had = self._sent(held, cash, before)
        then, there = self._sent(was, had, orders)
        asked, lacked = self._scanned(then), self._scanned(was)
        unit = TEN ** max(self.ledger_exponent, RISK_MONEY_EXPONENT)
        if asked is None:
            opens = any(abs(a) > abs(b) for a, b in zip(then, was, strict=True))
            return ((1 << 63) - 1, math.ceil(there / unit)) if opens else None
        there += Fraction(asked["futures"])
        if asked["required"] <= there:
            return None
        if lacked is not None:
            had += Fraction(lacked["futures"])
            if asked["required"] - there <= lacked["required"] - had:
                return None
        return math.ceil(Fraction(asked["required"]) / unit), math.ceil(there / unit)

    def _sent(
        self, held: list[int], money: Fraction, orders: list[tuple[int, int]]
    ) -> tuple[list[int], Fraction]:
        """Positions and money once orders have filled at their touch."""
        held = list(held)
        for i, qty in orders:
            book, future = self.market.books[i], not self.terms[i].right
            price = Fraction(book.mid2, 2)
            if book.valid and not future:
                price = Fraction(book.ask if qty > 0 else book.bid)
            held[i] += qty
            money -= qty * price * self._unit(i)
        return held, money

    def _unit(self, i: int) -> Fraction:
        terms = self.terms[i]
        return terms.multiplier * TEN ** (terms.price_exponent + terms.qty_exponent)

    def _scanned(self, qty: list[int]) -> dict[str, float] | None:
        contracts, quotes, mids, held = [], [], [], []
        today = day_of(self.ts_ns)
        for i, terms in enumerate(self.terms):
            if not self.rules[i].tradable:
                continue
            book, ends = self.market.books[i], day_of(terms.ends_ns)
            kind = {1: "call", -1: "put"}.get(terms.right, "future")
            contracts.append(
                Contract(
                    kind,
                    terms.ends_ns,
                    ends.toordinal(),
                    terms.strike,
                    float(self._unit(i)),
                    terms.base,
                    far_until(ends).toordinal(),
                )
            )
            quotes.append((book.bid, book.ask) if book.valid else None)
            mids.append(book.mid2 / 2)
            held.append(qty[i])
        total: dict[str, float] = {"required": 0.0, "futures": 0.0}
        for underlying in dict.fromkeys(c.underlying for c in contracts):
            own = [q if c.underlying == underlying else 0 for c, q in zip(contracts, held,
                                                                        strict=True)]  # fmt: skip
            rule = self.limits.margin.rule(underlying, today)
            if rule is None:
                return None
            part = margin(contracts, quotes, mids, own, self.ts_ns, today.toordinal(), rule)
            if part is None:
                return None
            for name in total:
                total[name] += part[name]
        return total
