"""What a loss that closes and a margin call do, for the naive engine.

Equity is the capital and the result so far. Margin used is the sum of the notionals at the mids
over the leverage. Equity below margin used is a margin call.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from quantlaxmi.schema import FillFlag, OrderReason, OrderStatus, RiskRule
from tests.naive.books import Row

CLOSE: Row = {"side": 0, "qty": 0, "action": -1}


class Stopping:
    """Its state is the engine's: ``stopped`` says why by currency, ``closing`` is a set of them."""

    def _in(self, currency: str) -> list[int]:
        return [i for i, terms in enumerate(self.terms) if terms.currency == currency]

    def look(self) -> tuple[Fraction, Fraction]:
        """Equity and margin used now; what was reached so far is kept."""
        (currency,) = self.cash
        # Capital is whole tenths of the ledger's unit, what is over is left out.
        unit = Fraction(10) ** (self.ledger_exponent - 1)
        equity = self.limits.capital // unit * unit + self._result(currency)
        notionals = [
            Fraction(abs(self.notional(i, self.market.books[i].mid2, account.position)), 2)
            for i, account in enumerate(self.accounts)
        ]
        used = sum(notionals, Fraction(0)) * Fraction(10) ** self.ledger_exponent
        used /= self.limits.leverage
        self.peak = max(self.peak, equity)
        self.drawdown = max(self.drawdown, self.peak - equity)
        self.most_used = max(self.most_used, used)
        return equity, used

    def _stop(self, instrument: int, why: OrderReason, row: tuple[RiskRule, int, int]) -> None:
        self.stopped[self.terms[instrument].currency] = (why, row)
        self._risk_row(-1, instrument, *row, self.ts_ns)

    def _watch(self, instrument: int) -> None:
        currency = self.terms[instrument].currency
        equity, used = self.look() if self.limits.capital else (Fraction(0), Fraction(0))
        if currency not in self.stopped:
            result, limit = self._result(currency), -self.limits.max_loss
            if self.limits.closes and self.limits.max_loss and result < limit:
                row = self._money(RiskRule.MAX_LOSS, result, limit)
                self._stop(instrument, OrderReason.MAX_LOSS, row)
            elif equity < used:
                # Money comes in units: what equity is below is the next whole one.
                unit = Fraction(10) ** (self.ledger_exponent - 1)
                least = math.ceil(used / unit) * unit
                row = self._money(RiskRule.MARGIN_CALL, equity, least)
                self._stop(instrument, OrderReason.MARGIN_CALL, row)
            else:
                return
        mine = self._in(currency)
        held = any(self.closing_qty(i) and self.market.books[i].valid for i in mine)
        rests = any(self.queues.lane(i, side) for i in mine for side in (1, -1))
        if currency not in self.closing and (held or rests):
            self.closing.add(currency)
            self._send_close({**CLOSE, "instrument": instrument})

    def _close_out(self, marker: Row, ts_ns: int) -> None:
        currency: Any = self.terms[marker["instrument"]].currency
        self.closing.discard(currency)
        reason = self.stopped[currency][0]
        for i in self._in(currency):
            for side in (1, -1):
                lane = self.queues.lane(i, side)
                while lane:
                    one = lane.pop(0)
                    filled = one.order["qty"] - one.left
                    status = OrderStatus.PARTIAL if filled else OrderStatus.CANCELLED
                    self._close(one.order, filled, status, reason, ts_ns)
                    self._tell(one.order, one.left, ts_ns, 0, reason)
        for i in self._in(currency):
            qty = self.closing_qty(i)
            if qty:
                side = 1 if qty > 0 else -1
                self._own_order(i, side, abs(qty), ts_ns, -1, reason, FillFlag.CLOSE)

    def closing_qty(self, i: int) -> int:
        """Signed quantity that closes a position; where fees are in base, as far as lots go."""
        held, lot = self.accounts[i].position, self.rules[i].lot or 1
        if not self.terms[i].in_base:
            return -held
        return -(held - held % lot) if held >= 0 else self.order_for(i, -held, lot)

    def order_for(self, i: int, wanted: int, lot: int) -> int:
        """The smallest whole lots of which a buy at the market leaves what is wanted."""
        terms, owed = self.terms[i], self.accounts[i].base_owed
        bps = max(terms.taker_bps, Fraction(0))

        def left(lots: int) -> int:
            qty = lots * lot
            return qty - (terms.base_fee(owed, qty, bps)[0] if bps and qty > terms.step else 0)

        # A lot more may leave less, where its fee reaches the next step: no search by halves. It
        # never leaves more than itself, though, so nothing that leaves enough is passed over.
        lots = -(-max(wanted, 0) // lot)
        while (lacks := wanted - left(lots)) > 0:
            lots += -(-lacks // lot)
        return lots * lot
