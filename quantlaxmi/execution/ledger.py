"""Profit and loss of one instrument, to the last unit: average cost with the total cost carried."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from types import MappingProxyType

from quantlaxmi.errors import FixedPointError, FixedPointOverflow
from quantlaxmi.fixed import div_round, format_decimal
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import Side

_I64_MIN = -(1 << 63)
_I64_MAX = (1 << 63) - 1


def ledger_scale(instrument: Instrument, ledger_exponent: int) -> int:
    """Return the ledger units of one ``price * quantity`` mantissa product of an instrument.

    Parameters
    ----------
    instrument : Instrument
    ledger_exponent : int
        Of the ledger's money; at most the instrument's ``product_exponent``.
    """
    return _scale(instrument.product_exponent, instrument.multiplier[0], ledger_exponent)


def _scale(product_exponent: int, multiplier: int, ledger_exponent: int) -> int:
    """Mantissa of the multiplier, times the steps from product to ledger exponent."""
    steps: int = 10 ** (product_exponent - ledger_exponent)
    return multiplier * steps


class PnLAccumulator:
    """Realized and unrealized PnL, fees, funding and interest of one instrument.

    The *total* cost of the open position is carried, not a price. A fill that closes ``q`` of
    ``Q`` takes half-even(cost * q / Q) of it and leaves the rest, so nothing is lost to rounding
    and a flat account has a cost of 0. A fill through zero closes first, then opens. All money is
    Python integers at ``exponent``; the replay loop's accounts do the same in 128 bits.

    Parameters
    ----------
    price_exponent, qty_exponent : int
        Prices and quantities are mantissas at 10**exponent.
    exponent : int, optional
        Ledger scale; at most, and by default, ``price_exponent + qty_exponent +
        contract_exponent``, where products are exact.
    currency : str
        Currency of cash and PnL; the asset of fees that name none.
    contract_size : int
        Money of a price of 1 for a quantity of 1, a mantissa at ``contract_exponent``, at least 1;
        see `Instrument.multiplier`.
    contract_exponent : int

    Attributes
    ----------
    exponent : int
    currency : str
    position : int
        Signed quantity mantissa, fits int64.
    cost : int
        Notional paid (long) or received (short) for the open position.
    realized : int
        PnL of closed quantity, before fees and funding.
    funding : int
        Received; negative where paid.
    borrow : int
        Interest paid on what was sold and not held.
    cash : int
        All notional received less paid, less fees in ``currency``, plus funding, less interest.
        From flat to flat it is ``realized - fees + funding - borrow``.
    n_fills : int

    Raises
    ------
    FixedPointError
        The ledger scale is coarser than a product, or the contract size is below 1.

    Examples
    --------
    >>> pnl = PnLAccumulator(price_exponent=-2, qty_exponent=0, currency="USDT")
    >>> pnl.apply_fill(+1, 3, 100_00, fee=30)
    0
    >>> pnl.apply_fill(-1, 1, 110_00)
    1000
    >>> pnl.mark(105_00)
    1000
    >>> pnl.as_text()["net"]
    '19.70'
    """

    __slots__ = (
        "_fees",
        "_mark",
        "_scale",
        "borrow",
        "cash",
        "cost",
        "currency",
        "exponent",
        "funding",
        "n_fills",
        "position",
        "price_exponent",
        "qty_exponent",
        "realized",
    )

    def __init__(
        self,
        *,
        price_exponent: int,
        qty_exponent: int,
        exponent: int | None = None,
        currency: str = "",
        contract_size: int = 1,
        contract_exponent: int = 0,
    ) -> None:
        # NumPy's integers wrap; from here on all are Python's.
        self.price_exponent = operator.index(price_exponent)
        self.qty_exponent = operator.index(qty_exponent)
        places = operator.index(contract_exponent)
        product = self.price_exponent + self.qty_exponent + places
        self.exponent = product if exponent is None else operator.index(exponent)
        if self.exponent > product:
            raise FixedPointError(
                f"ledger exponent {self.exponent} is coarser than the product's, {product}"
            )
        if contract_size < 1:
            raise FixedPointError(f"contract size {contract_size} is below 1")
        self.currency = currency
        self._scale = _scale(product, operator.index(contract_size), self.exponent)
        self._fees: dict[str, int] = {currency: 0}
        self._mark: tuple[int, int] | None = None
        self.position = self.cost = self.realized = self.cash = self.n_fills = 0
        self.funding = self.borrow = 0

    def apply_fill(
        self, side: int, qty: int, price: int, fee: int = 0, fee_asset: str | None = None
    ) -> int:
        """Book one fill.

        Parameters
        ----------
        side : int or Side
            1 buys, -1 sells.
        qty : int
            Mantissa at ``qty_exponent``, at least 1, fits int64.
        price : int
            Mantissa at ``price_exponent``, fits int64.
        fee : int
            At ``exponent`` of ``fee_asset``; negative for a rebate.
        fee_asset : str, optional
            Asset the fee is paid in; by default ``currency``. A fee in another asset is counted
            by itself and leaves cash and PnL alone.

        Returns
        -------
        int
            PnL realized by this fill, before its fee.

        Raises
        ------
        FixedPointError
            Side is neither 1 nor -1, or the quantity is below 1.
        FixedPointOverflow
            Quantity, price or the new position does not fit int64. The account is unchanged.
        """
        side, qty, price, fee = map(operator.index, (side, qty, price, fee))
        if side not in (Side.BUY, Side.SELL):
            raise FixedPointError(f"side {side} is neither 1 (buy) nor -1 (sell)")
        if qty < 1:
            raise FixedPointError(f"filled quantity {qty} is below 1")
        position = self.position + side * qty
        # Symmetric, as in the kernel: a position can always change its sign.
        if qty > _I64_MAX or not _I64_MIN <= price <= _I64_MAX or abs(position) > _I64_MAX:
            raise FixedPointOverflow("apply_fill", (self.position, side, qty, price))
        cost, gain, opening = self.cost, 0, qty
        if self.position * side < 0:
            held = abs(self.position)
            closing = min(qty, held)
            released = cost if closing == held else div_round(cost * closing, held)
            gain = -side * (closing * price * self._scale - released)
            cost -= released
            opening = qty - closing
        asset = self.currency if fee_asset is None else fee_asset
        self._fees[asset] = self._fees.get(asset, 0) + fee
        self.cash -= side * qty * price * self._scale + (fee if asset == self.currency else 0)
        self.cost = cost + opening * price * self._scale
        self.position = position
        self.realized += gain
        self.n_fills += 1
        return gain

    def apply_funding(self, amount: int) -> None:
        """Book a funding payment at ``exponent``: positive where received."""
        amount = operator.index(amount)
        self.funding += amount
        self.cash += amount

    def apply_borrow(self, amount: int) -> None:
        """Book interest at ``exponent`` on what was sold and not held: positive where paid."""
        amount = operator.index(amount)
        self.borrow += amount
        self.cash -= amount

    def mark(self, price: int, exponent: int | None = None) -> int:
        """Value the open position at a price, now and after later fills until the next mark.

        Parameters
        ----------
        price : int
            Mantissa at ``exponent``.
        exponent : int, optional
            By default ``price_exponent``. A mid of an odd spread needs ``price_exponent - 1``; the
            position's value is then rounded half-even to the ledger scale.

        Returns
        -------
        int
            `unrealized` at this price.
        """
        finest = self.price_exponent if exponent is None else operator.index(exponent)
        self._mark = operator.index(price), finest
        return self.unrealized

    @property
    def unrealized(self) -> int:
        """PnL of the open position at the last mark; 0 before the first."""
        return self.unrealized_at(self.exponent)

    def unrealized_at(self, exponent: int) -> int:
        """`unrealized` at another scale: a mid of an odd spread is exact at ``exponent - 1``.

        Parameters
        ----------
        exponent : int
            At most the ledger's, so that the cost is exact; the position's value is rounded
            half-even where even this is too coarse for the mark.

        Returns
        -------
        int

        Raises
        ------
        FixedPointError
            The scale is coarser than the ledger's.
        """
        finer: int = 10 ** self._shift_to(exponent)
        if self._mark is None or self.position == 0:
            return 0
        price, mark_exponent = self._mark
        value = self.position * price * self._scale * finer
        shift = mark_exponent - self.price_exponent
        value = value * 10**shift if shift >= 0 else div_round(value, 10**-shift)
        return value - (self.cost if self.position > 0 else -self.cost) * finer

    def _shift_to(self, exponent: int) -> int:
        exponent = operator.index(exponent)
        if exponent > self.exponent:
            raise FixedPointError(
                f"exponent {exponent} is coarser than the ledger's, {self.exponent}"
            )
        return self.exponent - exponent

    @property
    def fees(self) -> int:
        """Fees paid in ``currency``."""
        return self._fees[self.currency]

    @property
    def fees_by_asset(self) -> Mapping[str, int]:
        """Fees paid in each asset, all at ``exponent``; a read-only view."""
        return MappingProxyType(self._fees)

    @property
    def net(self) -> int:
        """``realized + unrealized - fees + funding - borrow``."""
        return self.realized + self.unrealized - self.fees + self.funding - self.borrow

    def as_text(self) -> dict[str, str]:
        """Exact decimal texts of position and money, by name."""
        names = ("cost", "realized", "unrealized", "fees", "funding", "borrow", "cash", "net")
        texts = {name: format_decimal(getattr(self, name), self.exponent) for name in names}
        return {"position": format_decimal(self.position, self.qty_exponent), **texts}

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={text}" for name, text in self.as_text().items())
        return f"PnLAccumulator({shown}, currency={self.currency!r})"
