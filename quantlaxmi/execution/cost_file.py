"""The file of ``--costs``: rates, least notionals, interest and impact, by kind and by symbol."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

import msgspec

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.cost_components import MOST_COMPONENTS
from quantlaxmi.execution.fee_components import FeeComponent
from quantlaxmi.execution.impact import ImpactBps
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import TRADED_KINDS
from quantlaxmi.settings import Bounds, Items, Others, Settings

#: Nothing in these markets costs a tenth of the trade; beyond it the unit is surely wrong.
MAX_BPS: Final = 1000
Bps = Annotated[FixedPoint, Bounds(ge=-MAX_BPS, le=MAX_BPS, places=8)]
#: A thousand per cent a year: what cannot be had at this rate cannot be had.
MAX_BORROW_BPS: Final = 100_000
BorrowBps = Annotated[FixedPoint, Bounds(ge=0, le=MAX_BORROW_BPS, places=8)]
Amount = Annotated[FixedPoint, Bounds(ge=0, le="1e18", places=8)]
#: What shortens the queue before a resting order.
Queue = Literal["trades", "pro_rata"]
#: What a buy of spot pays its fee in.
BuyFee = Literal["quote", "base"]
#: By which clock a trade is later than a resting order.
TradeClock = Literal["exchange", "receive"]


class CostTable(Settings, frozen=True, kw_only=True):
    """Costs of a kind of instrument, or of one symbol; other tables give what it leaves out.

    Attributes
    ----------
    maker_bps, taker_bps : FixedPoint or None
        Commission in basis points of the notional, both or neither; negative is a rebate.
    min_notional : FixedPoint or None
        Least value of an order, in the instrument's currency; 0 is no least.
    impact_bps, impact_sqrt_bps : FixedPoint or None
        The two terms of `Impact`.
    borrow_bps : FixedPoint or None
        Interest a year on spot that is sold and not held, in basis points; of spot alone.
    buy_fee : {"quote", "base"} or None
        What a buy pays its fee in; of spot alone.
    components : tuple of FeeComponent or None
        What a fill pays in addition to its rate; of derivatives alone.
    """

    maker_bps: Bps | None = None
    taker_bps: Bps | None = None
    min_notional: Amount | None = None
    impact_bps: ImpactBps | None = None
    impact_sqrt_bps: ImpactBps | None = None
    borrow_bps: BorrowBps | None = None
    buy_fee: BuyFee | None = None
    components: Annotated[tuple[FeeComponent, ...], Items(most=MOST_COMPONENTS)] | None = None

    @property
    def has_impact(self) -> bool:
        """Whether it sets a term of the impact."""
        return self.impact_bps is not None or self.impact_sqrt_bps is not None

    def check(self) -> None:
        """Check that a table sets something, and both rates or neither."""
        rates = (self.maker_bps, self.taker_bps)
        others = (self.min_notional, self.borrow_bps, self.buy_fee, self.components)
        alone = self.has_impact or any(one is not None for one in others)
        if None in rates and not (rates == (None, None) and alone):
            lacking = "maker_bps" if self.maker_bps is None else "taker_bps"
            raise self.lacks(lacking, "a table has both rates, or other costs alone")


class KindTable(CostTable, frozen=True, kw_only=True):
    """Costs of a kind, with tables of symbols that take precedence."""

    symbols: Annotated[dict[str, CostTable], Others()] = msgspec.field(default_factory=dict)

    def check(self) -> None:
        """Check the table's own settings, where it has any."""
        own = [getattr(self, name) for name in CostTable.__struct_fields__]
        if not self.symbols or own.count(None) < len(own):
            super().check()


class CostFile(Settings, frozen=True, kw_only=True):
    """The whole file; a field a kind of instrument.

    Attributes
    ----------
    fee_exponent : int
        Each commission is a multiple of 10**fee_exponent of the currency.
    queue : {"trades", "pro_rata"}
        What shortens the queue before a resting order.
    trade_clock : {"exchange", "receive"}
        By which clock a trade is later than a resting order, and so acts on it.
    spot, perp, future, call, put : KindTable or None
    """

    file_kind: ClassVar[str] = "a file of costs"

    fee_exponent: Annotated[int, Bounds(ge=-18, le=0)] = -8
    queue: Queue = "trades"
    trade_clock: TradeClock = "exchange"
    spot: KindTable | None = None
    perp: KindTable | None = None
    future: KindTable | None = None
    call: KindTable | None = None
    put: KindTable | None = None

    def check(self) -> None:
        """Check that interest and fees in base are of spot, and components are not."""
        for key, table in self.tables().items():
            if key.partition(".")[0] == "spot":
                if table.components:
                    raise ConfigError(
                        type(self).__name__,
                        f"was {len(table.components)} of them, expected none in a table of spot",
                        f"{key}.components",
                    )
                continue
            if table.buy_fee is not None:
                raise ConfigError(
                    type(self).__name__,
                    f"was {table.buy_fee!r}, expected in a table of spot: nothing else is received",
                    f"{key}.buy_fee",
                )
            if table.borrow_bps is not None:
                raise ConfigError(
                    type(self).__name__,
                    f"was {table.borrow_bps.to_text()}, expected in a table of spot: nothing else "
                    "is borrowed to be sold",
                    f"{key}.borrow_bps",
                )

    def tables(self) -> dict[str, CostTable]:
        """Every table that sets something, by ``perp`` or ``perp.BTCUSDT-PERP``."""
        found: dict[str, CostTable] = {}
        for kind in KINDS:
            table: KindTable | None = getattr(self, kind)
            if table is not None:
                found[kind] = table
                found |= {f"{kind}.{symbol}": own for symbol, own in table.symbols.items()}
        return found


#: Kinds of instruments that a file can name.
KINDS: Final = tuple(kind.value for kind in TRADED_KINDS)
