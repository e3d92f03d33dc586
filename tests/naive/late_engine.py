"""Naive twin of latencies that are drawn, and of news that come late.

The engine goes on as it does; beside it stands what the strategy has heard. An order it sends is
known to it at once, and so is a refusal, which no venue is asked for. All else becomes known
``response(order number)`` later, in order of (time, happening); at one time after all that truly
happens then.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quantlaxmi.schema import OrderAction, OrderReason
from tests.naive.engine import Engine
from tests.naive.rng import below, word

Row = dict[str, Any]


def drawn(table: list[int], key: int) -> Callable[[int], int]:
    """Latency by number: an element of the table, by the generator."""
    return lambda number: table[below(word(key, number, 0), len(table))]


@dataclass
class Heard:
    """What the strategy knows of one instrument."""

    position: int = 0
    pending: int = 0


class LateEngine(Engine):
    """``entry`` gives nanoseconds by number of decision, ``response`` by number of order."""

    def __init__(
        self,
        terms: Any,
        decide: Any,
        *,
        entry: Callable[[int], int],
        response: Callable[[int], int] | None,
        on_fill: Callable[[Row], None] | None = None,
        **options: Any,
    ) -> None:
        self.entry, self.response, self.listener = entry, response, on_fill
        self.heard = [Heard() for _ in terms]
        self.heard_in_flight = 0
        self.news: list[tuple[int, int, Callable[[], None]]] = []
        self.n_news = 0
        self.now, self.unsent = 0, False
        super().__init__(terms, decide, latency_ns=0, on_fill=self._happened, **options)

    # The decision is noted before its orders' arrival is worked out.
    @property
    def latency_ns(self) -> int:
        return self.entry(len(self.decisions) - 1)

    @latency_ns.setter
    def latency_ns(self, _: int) -> None:
        pass

    def latency_of(self, decision: int) -> int:
        return self.entry(decision)

    def forget(self, order: Row) -> None:
        super().forget(order)
        hear = (order["instrument"], 0, -order["side"] * order["qty"], -1)
        self.later(order["order"], self.ts_ns, lambda: self._hear(*hear))

    def renewed(self, *order: Any) -> Row:
        return Engine._new(self, *order)  # known of as in flight already

    def later(self, order: int, ts_ns: int, what: Callable[[], None]) -> None:
        if self.response is None:
            what()
            return
        self.news.append((ts_ns + self.response(order), self.n_news, what))
        self.n_news += 1

    def _let_happen(self, before: int) -> None:
        self.pending.sort(key=lambda group: group.arrival)  # equal ones stay as sent
        while True:
            times = [*map(self._settles, self.funding_due), *(p.arrival for p in self.pending)]
            truth = min(times, default=before)
            news = min(self.news, key=lambda one: one[:2], default=None)
            if truth < before and (news is None or truth <= news[0]):
                super()._let_happen(truth + 1)
            elif news is not None and news[0] < before:
                self.news.remove(news)
                news[2]()
            else:
                return

    def _hear(self, instrument: int, position: int, pending: int, in_flight: int) -> None:
        self.heard[instrument].position += position
        self.heard[instrument].pending += pending
        self.heard_in_flight += in_flight

    def _new(self, asked: Row, decision: int, leg: int, ts_ns: int, reason: int) -> Row:
        order = super()._new(asked, decision, leg, ts_ns, reason)
        hear = (order["instrument"], 0, order["side"] * order["qty"], 1)
        if leg >= 0:
            self._hear(*hear)
        else:  # the engine's own: known of when it is told
            self.later(order["order"], ts_ns, lambda: self._hear(*hear))
        return order

    def _close(self, order: Row, filled: int, status: int, reason: int, ts_ns: int) -> None:
        self.now, self.unsent = ts_ns, reason == OrderReason.REFUSED
        super()._close(order, filled, status, reason, ts_ns)

    def _gone(self, order: Row, filled: int) -> None:
        super()._gone(order, filled)
        if self.waits(order):
            return
        hear = (order["instrument"], 0, -order["side"] * (order["qty"] - filled), -1)
        if self.unsent:
            self._hear(*hear)
        else:
            self.later(order["order"], self.now, lambda: self._hear(*hear))

    def _change(self, request: Row, ts_ns: int) -> None:
        self.now, self.unsent = ts_ns, False
        number = request["order"]
        for one in self.queues.lane(request["instrument"], request["side"]):
            if one.order["order"] == number and request["action"] == OrderAction.MODIFY:
                left = max(0, request["qty"] - (one.order["qty"] - one.left))
                hear = (request["instrument"], 0, request["side"] * (left - one.left), 0)
                self.later(number, ts_ns, functools.partial(self._hear, *hear))
        super()._change(request, ts_ns)

    def _happened(self, row: Row) -> None:
        """A fill, or with quantity 0 what else became of an order."""
        if row["qty"]:
            i, change = row["instrument"], row["side"] * row["qty"]

            def heard() -> None:
                self._hear(i, change, -change, 0)
                self._hear_of(row)

            self.later(row["order"], row["ts_ns"], heard)
        elif row["reason"] == OrderReason.REFUSED:
            self._hear_of(row)
        else:
            self.later(row["order"], row["ts_ns"], lambda: self._hear_of(row))

    def _hear_of(self, row: Row) -> None:
        if self.listener is not None:
            self.listener(row)
