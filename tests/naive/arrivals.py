"""What orders and changes do when they arrive, and the money of fills, for the naive engine."""

from __future__ import annotations

from fractions import Fraction

from quantlaxmi.schema import (
    FillFlag,
    OrderAction,
    OrderEventKind,
    OrderReason,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from tests.naive.books import Row
from tests.naive.resting import Resting


class Arrivals:
    """What `Engine` does at an arrival; its state is the engine's."""

    def _arrive(self, order: Row, ts_ns: int) -> int:
        """What it filled."""
        if order["action"] != OrderAction.NEW:
            self._change(order, ts_ns)
            return 0
        if order["order_type"] == OrderType.LIMIT and not self.has_ended(
            order["instrument"], ts_ns
        ):
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
        self.queues.join(order, left, ts_ns)
        status, reason = OrderStatus.RESTING, OrderReason.RESTS
        self._order_row(order, OrderEventKind.UPDATE, status, reason, filled, ts_ns)
        self._tell(order, left, ts_ns, 0, OrderReason.RESTS)
        return filled

    def _within(self, order: Row) -> list[tuple[int, int, bool, bool]]:
        """What the order could take now: price, quantity, beyond the touch, after own takes."""
        book, side = self.market.books[order["instrument"]], order["side"]
        return [
            level
            for level in book.available(side)
            if order["order_type"] == OrderType.MARKET
            or (order["limit_price"] - level[0]) * side >= 0
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
        if left and not keeps:
            new.update(decision=request["decision"], leg=request["leg"])
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
        if self.has_ended(order["instrument"], ts_ns):
            return filled
        for price, shown, beyond, passed in self._within(order):
            left = order["qty"] - filled
            if left == 0:
                break
            qty = self.queues.whole(order["instrument"], shown, left)
            if qty == 0:  # less than a lot
                continue
            filled += qty
            book.take(side, price, qty)
            more = (FillFlag.DEPTH if beyond else 0) | (FillFlag.AFTER_OWN if passed else 0)
            self.book_fill(order, price, qty, ts_ns, flags | more, order["qty"] - filled)
        return filled

    def _finish(self, order: Row, filled: int, ts_ns: int, flags: int) -> None:
        if filled == order["qty"]:
            self._close(order, filled, OrderStatus.FILLED, OrderReason.FILLED, ts_ns)
            return
        if self.has_ended(order["instrument"], ts_ns):
            reason = OrderReason.SETTLED
        elif not self.market.books[order["instrument"]].valid:
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

    def interest(self, i: int, ts_ns: int) -> int:
        """What a change of the position would have to pay at a time."""
        account, terms = self.accounts[i], self.terms[i]
        if account.position >= 0 or terms.borrow_bps is None:
            return 0
        worth = Fraction(self.notional(i, self.market.books[i].mid2, -account.position), 2)
        years = Fraction(ts_ns - self.paid_until[i], 365 * 24 * 3600 * 10**9)
        return round(worth * terms.borrow_bps / 10**4 * years)

    def pay_interest(self, i: int, ts_ns: int) -> None:
        """On what was sold and not held, for the time since this was last asked."""
        account, terms = self.accounts[i], self.terms[i]
        amount = self.interest(i, ts_ns)
        since, self.paid_until[i] = self.paid_until[i], ts_ns
        if account.position >= 0 or terms.borrow_bps is None or ts_ns == since:
            return
        mid2 = self.market.books[i].mid2
        account.borrow += amount
        self.cash[terms.currency] -= amount
        self.borrow.append(
            {
                "instrument": i,
                "since_ns": since,
                "ts_ns": ts_ns,
                "seq": self.seq,
                "position": account.position,
                "mid2": mid2,
                "amount": amount,
                "fills_before": len(self.fills),
            }
        )

    def book_fill(
        self, order: Row, price: int, qty: int, ts_ns: int, flags: int, left: int
    ) -> None:
        i, side = order["instrument"], order["side"]
        account, currency = self.accounts[i], self.terms[i].currency
        self.pending_qty[i] -= side * qty
        self.pay_interest(i, ts_ns)
        kept, terms = qty, self.terms[i]
        bps = terms.maker_bps if flags & FillFlag.MAKER else terms.taker_bps
        if terms.in_base and side > 0 and bps > 0 and qty > terms.step:
            # The venue takes it out of what was bought: all of it is paid for, less is received.
            paid, account.base_owed = terms.base_fee(account.base_owed, qty, bps)
            fee, kept, flags = self.notional(i, price, paid), qty - paid, flags | FillFlag.BASE_FEE
            self.cash[currency] -= self.notional(i, price, qty)
        else:
            first = all(one["order"] != order["order"] for one in self.fills)
            fee = self.fee(i, price, qty, bool(flags & FillFlag.MAKER), side, first)
            if flags & FillFlag.SETTLED:
                fee = self.settled[-1]["fee"]
            self.cash[currency] -= side * self.notional(i, price, qty) + fee
        account.fees += fee
        account.fill(side, kept, lambda q: self.notional(i, price, q))
        fill = {
            "order": order["order"],
            "decision": order["decision"],
            "leg": order["leg"],
            "instrument": i,
            "side": side,
            "price": price,
            "qty": kept,
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
            self.on_fill(
                {**fill, "qty": qty, "order_left": left, "reason": int(OrderReason.FILLED)}
            )
