"""What becomes of the excess of a bundle's leg, for the naive engine."""

from __future__ import annotations

from quantlaxmi.schema import FillFlag, OrderReason, RiskRule
from tests.naive.books import Row


class Trims:
    """Its state is the engine's: ``owed`` are rests of trims that wait for a book.

    ``policies`` has the policy of each trim's bundle, by number of the trim.
    """

    def trim(self, leg: Row, excess: int, ts_ns: int) -> None:
        """Whole lots of an excess are sent back; what is below a lot is noted."""
        i = leg["instrument"]
        lot = self.rules[i].lot or 1
        if excess % lot:
            rule = RiskRule.TRIM_REST
            self._risk_row(leg["decision"], i, rule, excess % lot, lot, ts_ns)
        if excess >= lot:
            order = self._new(self._back(leg, excess - excess % lot), *self._trim_of(leg, ts_ns))
            self.policies[order["order"]] = leg["policy"]
            self._send_trim(order, ts_ns)

    def _back(self, leg: Row, qty: int) -> Row:
        return {
            "instrument": leg["instrument"],
            "side": -leg["side"],
            "order_type": 0,
            "time_in_force": 0,
            "qty": qty,
            "limit_price": 0,
        }

    def _trim_of(self, order: Row, ts_ns: int) -> tuple[int, int, int, int]:
        policy = order.get("policy", self.policies.get(order.get("order")))
        return order["decision"], -1, ts_ns, OrderReason.HEDGE_OUT if policy else OrderReason.TRIM

    def _flag(self, order: Row) -> FillFlag:
        return FillFlag.HEDGE_OUT if self.policies[order["order"]] else FillFlag.TRIM

    def note_short(self, order: Row, rest: int, ts_ns: int) -> None:
        rule = RiskRule.TRIM_SHORT
        self._risk_row(order["decision"], order["instrument"], rule, rest, order["qty"], ts_ns)

    def trim_arrives(self, order: Row, ts_ns: int) -> None:
        flag = self._flag(order)
        filled = self._take(order, 0, ts_ns, flag)
        rest = order["qty"] - filled
        if rest:
            self.note_short(order, rest, ts_ns)
            ended = self.has_ended(order["instrument"], ts_ns)
            if self.terms[order["instrument"]].currency not in self.stopped and not ended:
                self.owed.append({**order, "qty": rest})
        self._finish(order, filled, ts_ns, flag)

    def waits(self, order: Row) -> bool:
        """Whether a rest of the order waits for a book: it is then in flight still."""
        return any(one["order"] == order["order"] for one in self.owed)

    def send_owed(self, instrument: int) -> None:
        if not self.market.books[instrument].valid:
            return
        for order in [one for one in self.owed if one["instrument"] == instrument]:
            if self.terms[instrument].currency in self.stopped:
                self.forget(order)
                continue
            Trims.forget(self, order)  # the new order is in flight in its stead
            again = {**order, "side": -order["side"]}
            new = self.renewed(self._back(again, order["qty"]), *self._trim_of(order, self.ts_ns))
            self.policies[new["order"]] = self.policies[order["order"]]
            self._send_trim(new, self.ts_ns)

    def forget(self, order: Row) -> None:
        self.owed.remove(order)
        del self.in_flight[order["order"]]
        self.pending_qty[order["instrument"]] -= order["side"] * order["qty"]

    def renewed(self, asked: Row, decision: int, leg: int, ts_ns: int, reason: int) -> Row:
        """A new order for one that waited: nothing more is in flight."""
        return self._new(asked, decision, leg, ts_ns, reason)
