"""Data frames as segments: what ``import --format bars`` makes of the same data, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.frame_columns import frame_columns, is_frame
from quantlaxmi.importers.bars.frame_table import FrameTable
from quantlaxmi.importers.bars.inputs import BarsInput, fill_in
from quantlaxmi.importers.bars.mapping import BarsMapping, mapping_of
from quantlaxmi.importers.bars.mapping_file import BarsFile
from quantlaxmi.importers.bars.read import Reading, read_input
from quantlaxmi.importers.bars.recognised import recognised_mapping
from quantlaxmi.importers.bars.source import Bars, bars_source
from quantlaxmi.importers.bars.spool import MemoryStore, Store
from quantlaxmi.importers.bars.terms import BarsTerms
from quantlaxmi.importers.pipeline import hold_segment
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import ImportedFile, ImportOptions
from quantlaxmi.segment import HeldSegment

__all__ = ["from_frame"]

_PLACE = "from_frame"


def from_frame(
    frame: Any,
    symbol: str | None = None,
    kind: str | Mapping[str, str] = "spot",
    interval: str | None = None,
    currency: str | None = None,
    costs: Mapping[str, str | int | float | Decimal] | None = None,
    calendar: str | None = None,
    *,
    base: str | None = None,
    venue: str | None = None,
    round: bool = False,
) -> HeldSegment:
    """Make a segment of a data frame of bars, without a file.

    It is the segment that ``import --format bars`` makes of the same data written as CSV, with the
    same digest. Columns are recognised by their names, in any case and order; ``docs/FRAMES.md``
    lists them. A float is taken at its shortest decimal text, as CSV has it. Times without a zone
    are UTC.

    Parameters
    ----------
    frame : data frame or dict
        Of pandas or Polars, an Arrow table or record batch, whatever offers its columns through
        Arrow's C stream, or a dict of columns. Or a dict of one or two of these, by symbol or,
        where ``symbol`` is given, by kind: the spot market and the perpetual of one pair.
        Rows are in order of time, ascending or descending.
    symbol : str, optional
        The venue's; by default the keys of the dict.
    kind : {"spot", "perp"} or mapping of str to str
        Of the instrument; of a dict of frames by its keys. Without it, of two frames the first is
        spot and the second the perpetual.
    interval : str, optional
        Length of a bar such as ``"1m"``, ``"4h"``, ``"1d"``; by default the smallest step of the
        first 8,192 rows.
    currency : str, optional
        Quote currency; by default the symbol's end, where that is a known one.
    costs : mapping, optional
        ``half_spread_bps``: assumed distance of bid and ask from the price in bps, by default 1;
        ``share`` of a bar's volume that can be traded at once, by default 0.1; or ``size`` that
        can, where there is no column of volume. Fees are told to `backtest`.
    calendar : str, optional
        Exchange whose closed times are no gaps, such as ``"XNYS"``.
    base : str, optional
        Asset that is traded; by default the symbol's beginning.
    venue : str, optional
        By default ``"bars"``.
    round : bool
        Prices with more than eight decimals are rounded, half to even; by default they are an
        error.

    Returns
    -------
    HeldSegment
        Its ``save`` writes the sealed folder.

    Raises
    ------
    InputError
        A column or row cannot be used: the error names it, its value and what was expected. Rows
        count from 0.
    ConfigError
        A term is missing or out of range.

    Examples
    --------
    >>> import pyarrow as pa
    >>> hour = 3_600_000
    >>> bars = pa.table({
    ...     "time": [1704067200000, 1704067200000 + hour, 1704067200000 + 2 * hour],
    ...     "open": [100.0, 101.5, 101.0], "high": [102.0, 103.0, 101.5],
    ...     "low": [99.0, 100.0, 100.5], "close": [101.5, 101.0, 101.25],
    ...     "volume": [50.0, 40.0, 60.0],
    ... })
    >>> segment = from_frame(bars, symbol="BTCUSDT")
    >>> segment.instruments[0].currency, segment.cadence
    ('USDT', 'bars')
    """
    if not isinstance(costs, Mapping | None):
        raise InputError("costs", f"was {costs!r:.40}; expected a dict such as {{'size': 5}}")
    frames, symbols, kinds = _told(frame, symbol, kind)
    columns = [frame_columns(one, name) for one, name in frames]
    terms = BarsTerms(
        symbols=symbols,
        kinds=kinds,
        interval=interval,
        costs={name: _decimal(name, value) for name, value in (costs or {}).items()},
        currency=currency,
        base=base,
        venue=venue,
        calendar=calendar,
        round=round,
    )
    names = [name for _, name in frames]
    samples = [FrameTable(name, one) for name, one in zip(names, columns, strict=True)]
    values = recognised_mapping(samples, terms)
    mapping = mapping_of(BarsFile.from_mapping(values, _PLACE), _PLACE)
    descending = mapping.form.descending
    tables = [FrameTable(n, one, descending) for n, one in zip(names, columns, strict=True)]
    options = ImportOptions(strict=True)
    source = bars_source(
        mapping, lambda store: _read(mapping, tables, store), options, lambda _: MemoryStore(_)
    )
    return hold_segment(source, options)


def _told(
    frame: Any, symbol: str | None, kind: str | Mapping[str, str]
) -> tuple[list[tuple[Any, str]], tuple[str, ...], tuple[str, ...]]:
    """Frames with what errors call them, symbols and kinds."""
    if not isinstance(frame, Mapping) or not any(map(is_frame, frame.values())):
        if not isinstance(kind, str):
            raise InputError(_PLACE, "was given kinds by name for one frame; expected one kind")
        return [(frame, "frame")], (() if symbol is None else (symbol,)), (kind,)
    names = [str(name) for name in frame]
    kinds: tuple[str, ...]
    symbols: tuple[str, ...]
    if symbol is not None:  # the frames are named by their kinds
        kinds, symbols = tuple(names), (symbol,)
    elif isinstance(kind, str):
        kinds, symbols = ((kind,) if len(names) == 1 else ("spot", "perp")), tuple(names)
    else:
        if missing := [name for name in names if name not in kind]:
            raise InputError(_PLACE, f"has no kind of {missing[0][:40]!r}; expected spot or perp")
        kinds, symbols = tuple(kind[name] for name in names), tuple(names)
    if len(names) > 2:
        problem = (
            f"was given {counted(len(names), 'frame[s]')}; expected one or two, a spot market and a"
        )
        raise InputError(_PLACE, f"{problem} perpetual: a segment of bars holds one pair")
    frames = [(one, f"frame {name}") for name, one in zip(names, frame.values(), strict=True)]
    if len(frames) == 2 and frames[0][0] is frames[1][0]:
        raise InputError(frames[1][1], f"is the same object as {frames[0][1]}")
    order = sorted(range(len(frames)), key=lambda k: kinds[k] == "perp")
    return (
        [frames[k] for k in order],
        symbols if len(symbols) == 1 else tuple(symbols[k] for k in order),
        tuple(kinds[k] for k in order),
    )


def _decimal(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise InputError("costs", f"was {value!r:.40}; expected a number", str(name)[:40])
    return value if isinstance(value, str) else f"{Decimal(str(value)):f}"


def _read(mapping: BarsMapping, tables: list[FrameTable], store: Store) -> Bars:
    """Read every frame to its end."""
    inputs = []
    for number, table in enumerate(tables):
        reading = Reading(mapping, number, store)
        log = QuarantineLog(table.path, reading.stream, strict=True, rows=True)
        for series in reading.series:
            series.counts_rows = True
        file = ImportedFile(path=table.path, log=log)
        read_input(table, mapping, reading, log)
        fill_in(file, table)
        inputs.append(BarsInput([file], reading.series, reading.settlements))
    return Bars(mapping, inputs)
