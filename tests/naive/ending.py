"""Contracts that end, for the naive engine.

A call is worth max(0, S - K) at the settlement price S of its underlying, a put max(0, K - S), all
else S. A position is paid that by a fill of the engine's own order; what rests, or waits, in the
contract is cancelled. Whatever arrives after its end is cancelled too. A position that nothing
settles by the end of the data is an error, or takes the last mid, half to even.
"""

from __future__ import annotations

from fractions import Fraction

from quantlaxmi.schema import FillFlag, OrderEventKind, OrderReason, OrderStatus
from tests.naive.books import Row


class Unsettled(Exception):
    """A position outlived its contract."""


class Ending:
    """Its state is the engine's: ``settled`` are the rows, ``closed`` what was settled."""

    def has_ended(self, i: int, ts_ns: int) -> bool:
        ends = self.terms[i].ends_ns
        return i in self.closed or (ends is not None and ts_ns >= ends)

    def settle_contract(self, row: Row) -> None:
        i, price = row["instrument"], row["price"]
        if i in self.closed:
            return
        self.closed.add(i)
        self.market.books[i].valid, self.market.books[i].closed = False, True
        for side in (1, -1):
            lane = self.queues.lane(i, side)
            while lane:
                one = lane.pop(0)
                filled = one.order["qty"] - one.left
                status = OrderStatus.PARTIAL if filled else OrderStatus.CANCELLED
                self._close(one.order, filled, status, OrderReason.SETTLED, self.ts_ns)
                self._tell(one.order, one.left, self.ts_ns, 0, OrderReason.SETTLED)
        for order in [one for one in self.owed if one["instrument"] == i]:
            self.forget(order)
        terms = self.terms[i]
        worth = price if terms.right == 0 else max(0, terms.right * (price - terms.strike))
        self._pay_out(i, price, worth)

    def _pay_out(self, i: int, price: int, worth: int) -> None:
        held = self.accounts[i].position
        if not held:
            return
        fee = self._exercise_fee(i, held, worth)
        row = {"instrument": i, "ts_ns": self.ts_ns, "seq": self.seq, "position": held}
        row |= {"price": price, "intrinsic": worth, "amount": self.notional(i, worth, held)}
        self.settled.append({**row, "fee": fee, "fills_before": len(self.fills)})
        asked = {"instrument": i, "side": -1 if held > 0 else 1, "qty": abs(held)}
        asked |= {"order_type": 0, "time_in_force": 0, "limit_price": 0}
        order = self._new(asked, -1, -1, self.ts_ns, OrderReason.SETTLED)
        self.book_fill(order, worth, abs(held), self.ts_ns, FillFlag.SETTLED, 0)
        del self.in_flight[order["order"]]
        status = OrderStatus.FILLED
        self._order_row(
            order, OrderEventKind.UPDATE, status, OrderReason.SETTLED, abs(held), self.ts_ns
        )

    def _exercise_fee(self, i: int, held: int, worth: int) -> int:
        """What a long position in the money pays, half to even at the exponent of fees."""
        if held <= 0:
            return 0
        unit = Fraction(10) ** self.fee_exponent
        value = self.notional(i, worth, held) * Fraction(10) ** self.ledger_exponent
        rates = [c.rate for c in self.terms[i].components if c.base == "intrinsic"]
        fee = round(sum(rates, Fraction(0)) * value / unit) * unit
        return int(fee / Fraction(10) ** self.ledger_exponent)

    def end_contracts(self) -> None:
        for i, account in enumerate(self.accounts):
            ends = self.terms[i].ends_ns
            if account.position and ends is not None and self.ts_ns >= ends:
                if not self.settles_at_mark:
                    raise Unsettled(i)
                self._pay_out(i, 0, round(Fraction(self.market.books[i].mid2, 2)))
