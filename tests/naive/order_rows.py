"""The rows that orders leave, and the news of them, for the naive engine."""

from __future__ import annotations

from quantlaxmi.schema import OrderAction, OrderEventKind, OrderStatus
from tests.naive.books import Row


class OrderRows:
    """Its state is the engine's: ``orders`` are the rows, ``in_flight`` what is not at an end."""

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
        self.sides[order["order"]] = order["side"]
        self.pending_qty[order["instrument"]] += order["side"] * order["qty"]
        self._order_row(order, OrderEventKind.NEW, OrderStatus.PENDING, reason, 0, ts_ns)
        return order

    def _order_row(
        self, order: Row, kind: int, status: int, reason: int, filled: int, ts_ns: int
    ) -> None:
        row = {k: v for k, v in order.items() if k != "action"}
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
        if self.waits(order):
            self.in_flight[order["order"]] = {**order, "qty": order["qty"] - filled}
            return
        del self.in_flight[order["order"]]
        self.pending_qty[order["instrument"]] -= order["side"] * (order["qty"] - filled)

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
