"""What a loss that closes does, for the naive engine; see quantlaxmi/_ext/loss_close.pyx."""

from __future__ import annotations

from typing import Any

from quantlaxmi.schema import FillFlag, OrderReason, OrderStatus, RiskRule
from tests.naive.books import Row

CLOSE: Row = {"side": 0, "qty": 0, "action": -1}


class Stopping:
    """Its state is the engine's: ``stopped`` and ``closing`` are sets of currencies."""

    def _in(self, currency: str) -> list[int]:
        return [i for i, terms in enumerate(self.terms) if terms.currency == currency]

    def _watch(self, instrument: int) -> None:
        currency = self.terms[instrument].currency
        if currency not in self.stopped:
            result, limit = self._result(currency), -self.limits.max_loss
            if result >= limit:
                return
            self.stopped.add(currency)
            _, value, least = self._money(RiskRule.MAX_LOSS, result, limit)
            self._risk_row(-1, instrument, RiskRule.MAX_LOSS, value, least, self.ts_ns)
        mine = self._in(currency)
        held = any(self.accounts[i].position and self.market.books[i].valid for i in mine)
        rests = any(self.queues.lane(i, side) for i in mine for side in (1, -1))
        if currency not in self.closing and (held or rests):
            self.closing.add(currency)
            self._send_close({**CLOSE, "instrument": instrument})

    def _close_out(self, marker: Row, ts_ns: int) -> None:
        currency: Any = self.terms[marker["instrument"]].currency
        self.closing.discard(currency)
        for i in self._in(currency):
            for side in (1, -1):
                lane = self.queues.lane(i, side)
                while lane:
                    one = lane.pop(0)
                    filled = one.order["qty"] - one.left
                    status = OrderStatus.PARTIAL if filled else OrderStatus.CANCELLED
                    self._close(one.order, filled, status, OrderReason.MAX_LOSS, ts_ns)
                    self._tell(one.order, one.left, ts_ns, 0, OrderReason.MAX_LOSS)
        for i in self._in(currency):
            held = self.accounts[i].position
            if held:
                side = -1 if held > 0 else 1
                reason, flag = OrderReason.MAX_LOSS, FillFlag.CLOSE
                self._own_order(i, side, abs(held), ts_ns, -1, reason, flag)
