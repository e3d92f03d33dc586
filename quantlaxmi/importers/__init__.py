"""Vendor files to segments, by the name of their format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from quantlaxmi.errors import InputError
from quantlaxmi.importers.binance_stream import (
    CaptureCounts,
    ImportResult,
    import_binance_stream,
)

__all__ = [
    "FORMATS",
    "CaptureCounts",
    "ImportResult",
    "import_binance_stream",
    "import_capture",
]

#: Importer of each format, by the name that ``import --format`` takes.
FORMATS: Final[dict[str, Callable[..., ImportResult]]] = {
    "binance-stream": import_binance_stream,
}


def import_capture(format: str, **options: Any) -> ImportResult:
    """Import recorded market data to a segment.

    Parameters
    ----------
    format : str
        A key of `FORMATS`.
    **options
        Arguments of the format's importer; for ``"binance-stream"`` those of
        `import_binance_stream`.

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
