"""What trading costs: commission per fill, by kind of instrument.

A rate is in basis points of the fill's notional (price times quantity). Each commission is rounded
half to even at ``fee_exponent``: Binance books commissions to eight decimals.
"""

from __future__ import annotations

import hashlib
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import msgspec

from quantlaxmi.errors import ConfigError, FixedPointError
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind

MAX_FILE_BYTES: Final = 1 << 20
#: Nothing in these markets costs a tenth of the trade; beyond it the unit is surely wrong.
MAX_BPS: Final = 1000


class FeeRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Commission of one kind of instrument.

    Attributes
    ----------
    maker_bps, taker_bps : FixedPoint
        Basis points of the notional; negative is a rebate.
    """

    maker_bps: FixedPoint
    taker_bps: FixedPoint


class CostModel(msgspec.Struct, frozen=True, kw_only=True):
    """Commissions of a run.

    Attributes
    ----------
    rates : dict of InstrumentKind to FeeRate
    fee_exponent : int
        Each commission is a multiple of 10**fee_exponent of the currency.
    """

    rates: dict[InstrumentKind, FeeRate]
    fee_exponent: int = -8

    @classmethod
    def binance(cls) -> CostModel:
        """Return Binance's regular-user rates: spot 10/10 bps, USDM perpetual 2/5 bps."""
        spot, maker, taker = (FixedPoint(n, 0) for n in (10, 2, 5))
        return cls(
            rates={
                InstrumentKind.SPOT: FeeRate(maker_bps=spot, taker_bps=spot),
                InstrumentKind.PERP: FeeRate(maker_bps=maker, taker_bps=taker),
            }
        )

    @classmethod
    def load(cls, path: str | Path) -> CostModel:
        """Read a TOML file; kinds it does not name keep the default rates.

        ::

            fee_exponent = -8
            [spot]
            maker_bps = "10"
            taker_bps = "10"

        Raises
        ------
        ConfigError
            The file cannot be read, or a key or value is not as above; names the field.
        """
        source = Path(path)
        try:
            with source.open("rb") as stream:
                raw = stream.read(MAX_FILE_BYTES + 1)
            if len(raw) > MAX_FILE_BYTES:
                raise ConfigError(source, f"was over {MAX_FILE_BYTES} bytes, expected a small TOML")
            data: dict[str, Any] = tomllib.loads(raw.decode(), parse_float=str)
        except OSError as error:
            raise ConfigError(source, error.strerror or str(error)) from None
        # ValueError: not TOML, not UTF-8, or a number of thousands of digits.
        except (ValueError, RecursionError) as error:
            raise ConfigError(source, f"was not TOML: {error}") from None
        exponent = data.pop("fee_exponent", -8)
        if type(exponent) is not int or not -18 <= exponent <= 0:
            raise ConfigError(
                source, f"was {exponent!r}, expected an integer from -18 to 0", "fee_exponent"
            )
        rates = dict(cls.binance().rates)
        kinds = {kind.value: kind for kind in InstrumentKind}
        for name, table in data.items():
            if name not in kinds or not isinstance(table, dict):
                raise ConfigError(
                    source, f"was not expected, only fee_exponent and {', '.join(kinds)}", name
                )
            rates[kinds[name]] = _rate(source, name, table)
        return cls(rates=rates, fee_exponent=exponent)

    def rate(self, instrument: Instrument) -> FeeRate:
        """Return the rate of one instrument.

        Raises
        ------
        ConfigError
            The model has no rate for the instrument's kind.
        """
        found = self.rates.get(instrument.kind)
        if found is None:
            raise ConfigError("costs", f"has no rate for {instrument.symbol}", instrument.kind)
        return found

    def scaled(self, factor: Fraction) -> CostModel:
        """Return the model with every rate times ``factor`` (exact, to 10**-8 bps)."""

        def times(bps: FixedPoint) -> FixedPoint:
            value = Fraction(bps.mantissa) * Fraction(10) ** bps.exponent * factor * 10**8
            if value.denominator != 1:
                raise ConfigError("costs", f"rate times {factor} needs more than 8 decimals")
            return FixedPoint(value.numerator, -8)

        return CostModel(
            rates={
                kind: FeeRate(maker_bps=times(r.maker_bps), taker_bps=times(r.taker_bps))
                for kind, r in self.rates.items()
            },
            fee_exponent=self.fee_exponent,
        )

    def describe(self) -> dict[str, Any]:
        """Return the model as plain values, rates as decimal text; what ``cost_hash`` covers."""
        return {
            "fee_exponent": self.fee_exponent,
            "rates": {
                kind.value: {
                    "maker_bps": _plain(rate.maker_bps),
                    "taker_bps": _plain(rate.taker_bps),
                }
                for kind, rate in sorted(self.rates.items())
            },
            "rounding": "half-even",
        }

    @property
    def cost_hash(self) -> bytes:
        """SHA-256 of the canonical description: equal rates give equal hashes."""
        return hashlib.sha256(b"quantlaxmi.costs.1\0" + canonical_json(self.describe())).digest()


def canonical_json(value: object) -> bytes:
    """Encode plain values as JSON with sorted keys and no spaces."""
    return msgspec.json.encode(value, order="sorted")


def ledger_exponent(instruments: tuple[Instrument, ...], costs: CostModel) -> int:
    """Return the exponent at which a run keeps money: the finest product scale, or the fees'."""
    products = [i.price_exponent + i.qty_exponent for i in instruments]
    return min([*products, costs.fee_exponent])


def account_terms(
    instrument: Instrument, costs: CostModel, ledger: int, currency: int
) -> tuple[int, int, int, int, int, int, int]:
    """Return the integers with which a kernel books fills of one instrument.

    Returns
    -------
    currency, scale, maker_num, maker_den, taker_num, taker_den, fee_scale : int
        ``notional = price * qty * scale`` and
        ``fee = half_even(price * qty * num / den) * fee_scale``, both at 10**ledger.

    Raises
    ------
    ConfigError
        The instrument has no rate, or its exponents lie so far from the ledger's that money would
        not fit a kernel's integers.
    """
    product = instrument.price_exponent + instrument.qty_exponent
    rate = costs.rate(instrument)
    terms: list[int] = []
    for bps in (rate.maker_bps, rate.taker_bps):
        # 1 bps = 10**-4; the fraction num/den brings the product to units of 10**fee_exponent.
        factor = Fraction(bps.mantissa) * Fraction(10) ** (
            bps.exponent - 4 + product - costs.fee_exponent
        )
        terms += [factor.numerator, factor.denominator]
    size = instrument.contract_size
    scale = int(10 ** (product - ledger)) * size
    fee_scale = int(10 ** (costs.fee_exponent - ledger))
    maker_num, maker_den, taker_num, taker_den = terms
    made = (maker_num * size, maker_den, taker_num * size, taker_den, fee_scale)
    if scale >= 1 << 63 or any(abs(term) >= 1 << 127 for term in made):
        raise ConfigError(
            "costs",
            f"money of {instrument.symbol} at 10**{product} does not fit a ledger at 10**{ledger} "
            f"with fees at 10**{costs.fee_exponent}",
            instrument.kind,
        )
    return (currency, scale, *made)


def _rate(source: Path, name: str, table: dict[str, Any]) -> FeeRate:
    values: dict[str, FixedPoint] = {}
    for key in ("maker_bps", "taker_bps"):
        if key not in table:
            raise ConfigError(source, "is missing", f"{name}.{key}")
        value = table[key]
        place = f"{name}.{key}"
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise ConfigError(source, f"was {value!r}, expected a decimal number", place)
        try:
            fixed = FixedPoint.from_text(str(value), exponent=-8)
        except FixedPointError as error:
            raise ConfigError(source, f"{error}, expected a decimal number", place) from None
        if abs(fixed.mantissa) > MAX_BPS * 10**8:
            raise ConfigError(source, f"was {value}, expected within ±{MAX_BPS} bps", place)
        values[key] = fixed
    for key in table:
        if key not in values:
            raise ConfigError(source, "was not expected", f"{name}.{key}")
    return FeeRate(**values)


def _plain(value: FixedPoint) -> str:
    """Decimal text that is the same for equal values at any exponent."""
    mantissa, exponent = value.mantissa, value.exponent
    while mantissa and mantissa % 10 == 0:
        mantissa, exponent = mantissa // 10, exponent + 1
    return f"{mantissa}e{exponent if mantissa else 0}"
