"""Vendor files to segments, by the name of their format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.importer import import_bars
from quantlaxmi.importers.bars.klines_json import import_klines_json
from quantlaxmi.importers.binance_csv import import_binance_csv
from quantlaxmi.importers.binance_stream import import_binance_stream
from quantlaxmi.importers.binance_vision import import_binance_vision
from quantlaxmi.importers.result import CaptureCounts, ImportResult
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

#: Importer of each format, by the name that ``import --format`` takes.
FORMATS: Final[dict[str, Callable[..., ImportResult]]] = {
    "binance-stream": import_binance_stream,
    "binance-csv": import_binance_csv,
    "binance-vision": import_binance_vision,
    "tardis": import_tardis,
    "bars": import_bars,
    "klines-json": import_klines_json,
}


def import_capture(format: str, **options: Any) -> ImportResult:
    """Import recorded market data to a segment.

    Parameters
    ----------
    format : str
        A key of `FORMATS`.
    **options
        Arguments of the format's importer: `import_binance_stream`, `import_binance_csv`,
        `import_binance_vision`, `import_tardis`, `import_bars` or `import_klines_json`.

    Returns
    -------
    ImportResult

    Raises
    ------
    InputError
        The format is unknown, or the data cannot be used.
    """
    if format not in FORMATS:
        raise InputError("--format", f"was {format!r}; expected one of {', '.join(FORMATS)}")
    return FORMATS[format](**options)
