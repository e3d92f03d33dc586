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
from quantlaxmi.importers.bars.mapping_file import MAX_INPUTS, BarsFile
from quantlaxmi.importers.bars.read import Reading, read_input
from quantlaxmi.importers.bars.recognised import recognised_mapping
from quantlaxmi.importers.bars.source import Bars, bars_source
from quantlaxmi.importers.bars.spool import MemoryStore, Store
from quantlaxmi.importers.bars.terms import BarsTerms
from quantlaxmi.importers.pipeline import hold_segment
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import ImportedFile, ImportOptions
from quantlaxmi.importers.traded_pair import bare_symbol, is_named_perp, splits
from quantlaxmi.segment import HeldSegment

__all__ = ["from_frame"]

_PLACE = "from_frame"


def from_frame(
    frame: Any,
    symbol: str | None = None,
    kind: str | Mapping[str, str] = "spot",
    interval: str | None = None,
    currency: str | Mapping[str, str] | None = None,
    costs: Mapping[str, str | int | float | Decimal] | None = None,
    calendar: str | None = None,
    *,
    base: str | Mapping[str, str] | None = None,
    venue: str | Mapping[str, str] | None = None,
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
        Arrow's C stream, or a dict of columns. Or a dict of these, an instrument each, by symbol
        or, where ``symbol`` is given, by kind: the spot market and the perpetual of one pair.
        Rows are in order of time, ascending or descending; bars of all begin on one grid.
    symbol : str, optional
        The venue's; by default the keys of the dict.
    kind : {"spot", "perp"} or mapping of str to str
        Of the instrument; of a dict of frames by its keys. Without it, of two frames of one base
        and currency the first is spot and the second the perpetual, unless the first one's symbol
        ends in ``-PERP``.
    interval : str, optional
        Length of a bar such as ``"1m"``, ``"4h"``, ``"1d"``; by default the smallest step of the
        first 8,192 rows.
    currency : str or mapping of str to str, optional
        Quote currency, of all or by key; by default the symbol's end, where that is a known one.
    costs : mapping, optional
        ``half_spread_bps``: assumed distance of bid and ask from the price in bps, by default 1;
        ``share`` of a bar's volume that can be traded at once, by default 0.1; or ``size`` that
        can, where there is no column of volume. Fees are told to `backtest`.
    calendar : str, optional
        Exchange whose closed times are no gaps, such as ``"XNYS"``.
    base : str or mapping of str to str, optional
        Asset that is traded, of all or by key; by default the symbol's beginning.
    venue : str or mapping of str to str, optional
        Of all or by key, such as ``"binance-usdm"``, whose fees a run then finds by date; by
        default ``"bars"``, which has none.
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
    frames, symbols, kinds = _told(frame, symbol, kind, base, currency)
    keys = [name.removeprefix("frame ") for _, name in frames]
    columns = [frame_columns(one, name) for one, name in frames]
    terms = BarsTerms(
        symbols=symbols,
        kinds=kinds,
        interval=interval,
        costs={name: _decimal(name, value) for name, value in (costs or {}).items()},
        currency=currency if isinstance(currency, str) else None,
        base=base if isinstance(base, str) else None,
        own=tuple(_terms(one, currency=currency, base=base, venue=venue) for one in keys),
        venue=venue if isinstance(venue, str) else None,
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
    frame: Any,
    symbol: str | None,
    kind: str | Mapping[str, str],
    base: str | Mapping[str, str] | None,
    currency: str | Mapping[str, str] | None,
) -> tuple[list[tuple[Any, str]], tuple[str, ...], tuple[str, ...]]:
    """Frames with what errors call them, symbols and kinds; a pair's spot market first."""
    if not isinstance(frame, Mapping) or not any(map(is_frame, frame.values())):
        if not isinstance(kind, str):
            raise InputError(_PLACE, "was given kinds by name for one frame; expected one kind")
        return [(frame, "frame")], (() if symbol is None else (symbol,)), (kind,)
    names = [str(name) for name in frame]
    if symbol is not None:  # the frames are named by their kinds
        if len(names) > 2:
            problem = f"was given {counted(len(names), 'frame[s]')} of one symbol; expected a dict"
            raise InputError(_PLACE, f"{problem} by symbol, without the argument symbol")
        kinds = names
    elif isinstance(kind, str):
        kinds = [kind] * len(names)
        if kind == "spot" and _is_pair(names, base, currency):
            kinds = ["perp", "spot"] if is_named_perp(names[0]) else ["spot", "perp"]
    else:
        kinds = [_own(kind, name, "kind") or "" for name in names]
        if missing := [name for name, one in zip(names, kinds, strict=True) if not one]:
            raise InputError(_PLACE, f"has no kind of {missing[0][:40]!r}; expected spot or perp")
    if len(names) > MAX_INPUTS:
        raise InputError(_PLACE, f"was given {len(names)} frames; expected at most {MAX_INPUTS}")
    frames = [(one, f"frame {name}") for name, one in zip(names, frame.values(), strict=True)]
    for k, (one, name) in enumerate(frames):
        if same := [other for before, other in frames[:k] if before is one]:
            raise InputError(name, f"is the same object as {same[0]}")
    # As in a mapping: the first of each kind, then the others as they were given.
    firsts = [kinds.index(one) for one in ("spot", "perp") if one in kinds]
    order = firsts + [k for k in range(len(names)) if k not in firsts]
    return (
        [frames[k] for k in order],
        (symbol,) if symbol is not None else tuple(names[k] for k in order),
        tuple(kinds[k] for k in order),
    )


def _terms(name: str, **told: str | Mapping[str, str] | None) -> dict[str, str]:
    """Terms of one frame alone, where they were given by name."""
    own = {k: _own(v, name, k) for k, v in told.items() if isinstance(v, Mapping)}
    return {key: value for key, value in own.items() if value is not None}


def _is_pair(
    names: list[str],
    base: str | Mapping[str, str] | None,
    currency: str | Mapping[str, str] | None,
) -> bool:
    """Whether two symbols are of one base and currency: a spot market and its perpetual."""
    if len(names) != 2 or (is_named_perp(names[0]) and is_named_perp(names[1])):
        return False
    pairs = []
    for name in names:
        own, quote = next(splits(name), (bare_symbol(name), ""))
        told = _own(base, name, "base"), _own(currency, name, "currency")
        pairs.append((told[0] or own, told[1] or quote))
    return pairs[0] == pairs[1]


def _own(told: str | Mapping[str, str] | None, name: str, what: str) -> str | None:
    """What is told of a frame: the same of all, or by its name."""
    if not isinstance(told, Mapping):
        return told
    value = told.get(name)
    if not isinstance(value, str | None):
        raise InputError(_PLACE, f"has {what} {value!r:.40} of {name[:40]!r}; expected a text")
    return value


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
