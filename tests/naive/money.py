"""What prices and quantities come to in money, and fees, for the naive engine."""

from __future__ import annotations

from fractions import Fraction

TEN = Fraction(10)


class Money:
    """Its state is the engine's: ``terms``, ``fee_exponent``, ``ledger_exponent``."""

    def notional(self, instrument: int, price: int, qty: int) -> int:
        """price * qty in ledger units; exact, for the ledger is at least as fine."""
        t = self.terms[instrument]
        value = (
            price
            * qty
            * t.multiplier
            * TEN ** (t.price_exponent + t.qty_exponent - self.ledger_exponent)
        )
        assert value.denominator == 1
        return value.numerator

    def fee(
        self,
        instrument: int,
        price: int,
        qty: int,
        maker: bool = False,
        side: int = 1,
        first: bool = True,
    ) -> int:
        """A rate of the money and components; what is flat an order is rounded by itself."""
        money = self.notional(instrument, price, qty) * TEN**self.ledger_exponent
        terms = self.terms[instrument]
        bps = terms.maker_bps if maker else terms.taker_bps
        unit = TEN**self.fee_exponent
        shares = sum(terms.component_fees(money, side, False).values(), money * bps / 10**4)
        flat = sum(terms.component_fees(Fraction(0), side, first).values(), Fraction(0))
        units = round(shares / unit) + round(flat / unit)
        value = units * TEN ** (self.fee_exponent - self.ledger_exponent)
        assert value.denominator == 1
        return value.numerator
