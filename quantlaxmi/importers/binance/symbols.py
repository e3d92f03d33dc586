"""Binance symbols to instruments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from quantlaxmi.errors import InputError
from quantlaxmi.importers.traded_pair import QUOTE_CURRENCIES
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind

#: Prices and quantities are printed with at most eight decimals.
EXPONENT: Final = -8


def split_symbol(path: Path, symbol: str) -> tuple[str, str]:
    """Base and quote currency of a venue symbol.

    Raises
    ------
    InputError
        The symbol is a dated future's, or ends in no known currency.
    """
    if re.fullmatch(r"[A-Z0-9]{2,30}_PERP", symbol):
        problem = "a coin-margined (inverse) perpetual; expected a linear one such as BTCUSDT"
        raise InputError(path, f"has {symbol}, {problem}")
    if not re.fullmatch(r"[A-Z0-9]{2,30}", symbol):
        problem = f"has {symbol[:40]!r}; expected a spot or perpetual symbol such as BTCUSDT"
        raise InputError(path, problem)
    ends = [c for c in QUOTE_CURRENCIES if symbol.endswith(c) and len(symbol) > len(c)]
    if not ends:
        raise InputError(path, f"has {symbol}, which ends in no known quote currency")
    quote = max(ends, key=len)
    return symbol[: -len(quote)], quote


def binance_instrument(path: Path, symbol: str, perp: bool) -> Instrument:
    """Instrument of a capture: symbol as is for spot, with ``-PERP`` for the perpetual."""
    base, quote = split_symbol(path, symbol)
    return Instrument(
        symbol=f"{symbol}-PERP" if perp else symbol,
        venue="binance-usdm" if perp else "binance",
        venue_symbol=symbol,
        kind=InstrumentKind.PERP if perp else InstrumentKind.SPOT,
        price_exponent=EXPONENT,
        qty_exponent=EXPONENT,
        currency=quote,
        base=base,
    )


def check_underlying(path: Path, symbol: str, underlying: str) -> None:
    """Refuse a capture of something else.

    Parameters
    ----------
    path : Path
    symbol : str
        What the capture has.
    underlying : str
        What was asked for: a symbol (``BTCUSDT``) or its base (``BTC``), in any case.

    Raises
    ------
    InputError
        They differ.
    """
    wanted = underlying.upper()
    if wanted not in (symbol, split_symbol(path, symbol)[0]):
        raise InputError(path, f"has {symbol}; expected {underlying}, as --underlying says")
