"""Vendor files to segments, by the name of their format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from quantlaxmi.errors import InputError
from quantlaxmi.given import many
from quantlaxmi.importers import (
    bars_csv_parquet,
    binance_csv,
    binance_stream,
    binance_vision,
    bybit,
    india_bars,
    kite_frames,
    klines_json,
    kraken,
    lean,
    nse_chain,
    ohlcv,
    okx,
    tardis,
    udiff,
    upstox_json,
)
from quantlaxmi.importers.bars_csv_parquet import import_bars
from quantlaxmi.importers.binance_csv import import_binance_csv
from quantlaxmi.importers.binance_stream import import_binance_stream
from quantlaxmi.importers.binance_vision import import_binance_vision
from quantlaxmi.importers.klines_json import import_klines_json
from quantlaxmi.importers.pipeline import ImportResult, import_source
from quantlaxmi.importers.source import CaptureCounts, ImportOptions, OpenSource
from quantlaxmi.importers.tardis import import_tardis

__all__ = [
    "FORMATS",
    "CaptureCounts",
    "ImportResult",
    "import_bars",
    "import_binance_csv",
    "import_binance_stream",
    "import_binance_vision",
    "import_capture",
    "import_klines_json",
    "import_tardis",
]

#: How the inputs of each format are opened, by the name that ``import --format`` takes.
FORMATS: Final[dict[str, OpenSource]] = {
    "binance-stream": binance_stream.open_source,
    "binance-csv": binance_csv.open_source,
    "binance-vision": binance_vision.open_source,
    "tardis": tardis.open_source,
    "bars": bars_csv_parquet.open_source,
    "klines-json": klines_json.open_source,
    "ohlcv": ohlcv.open_source,
    "kraken": kraken.open_source,
    "lean": lean.open_source,
    "okx": okx.open_source,
    "bybit": bybit.open_source,
    "nse-chain": nse_chain.open_source,
    "udiff": udiff.open_source,
    "kite-frames": kite_frames.open_source,
    "upstox-json": upstox_json.open_source,
    "india-bars": india_bars.open_source,
}


def import_capture(format: str, *, out: Path | str, **options: Any) -> ImportResult:
    """Import recorded market data to a segment.

    Parameters
    ----------
    format : str
        A key of `FORMATS`.
    out : Path or str
        Folder of the segment; it must not exist. It is built under a temporary name and renamed
        when it is whole.
    **options
        ``inputs``, files of any format but ``binance-stream``, or ``spot`` and ``perp``, its
        captures; and the fields of `ImportOptions`. The formats' functions describe them:
        `import_binance_stream`, `import_binance_csv`, `import_binance_vision`, `import_tardis`,
        `import_bars`, `import_klines_json`.

    Returns
    -------
    ImportResult
        The sealed segment, and the number of lines and messages read.

    Raises
    ------
    InputError
        The format is unknown, an option is not for it, or the data cannot be used.

    Examples
    --------
    >>> _ = Path("trades.csv").write_text(
    ...     "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\\n"
    ...     "binance,BTCUSDT,1700000000000000,1700000000001000,7,buy,100.01,0.25\\n"
    ... )
    >>> import_capture("tardis", inputs=["trades.csv"], out="segment").messages_by_kind["trades"]
    1
    """
    if format not in FORMATS:
        raise InputError("--format", f"was {format!r}; expected one of {', '.join(FORMATS)}")
    if format != "bars" and options.get("bars") is not None:
        raise InputError("--symbol", f"is not for {format}; expected --format bars")
    captures = {name: options.pop(name, None) for name in ("spot", "perp")}
    captures = {name: path for name, path in captures.items() if path is not None}
    given = options.pop("inputs", ())
    inputs = given if isinstance(given, Mapping) else many(given)
    if captures and inputs:  # each format refuses the option that is not for it
        captures["input"] = next(iter(inputs))
    return import_source(FORMATS[format], captures or inputs, out, ImportOptions(**options))
