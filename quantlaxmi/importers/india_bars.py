"""Format ``india-bars``: minute bars of an index, and of its options and futures, at NSE."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import numpy as np

from quantlaxmi.counted import agreed, counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.mapping_leg import LegMapping, TimeColumn
from quantlaxmi.importers.bars.series import Series
from quantlaxmi.importers.bars.spool import MemoryStore, Store
from quantlaxmi.importers.nse.bar_file import (
    INDEX,
    MAX_TEXT,
    MINUTE_NS,
    BarFile,
    Key,
    read_bar_file,
    session_of,
)
from quantlaxmi.importers.nse.bar_quotes import ContractBars, DatedSessions
from quantlaxmi.importers.nse.contracts import (
    IST,
    PRICE_EXPONENT,
    VENUE,
    Side,
    contract,
)
from quantlaxmi.importers.nse.udiff_mapping import AssumedQuotes
from quantlaxmi.importers.pipeline import check_copies
from quantlaxmi.importers.source import (
    MAX_LISTED_GAPS,
    ImportOptions,
    Inputs,
    Source,
    Tables,
    input_paths,
)
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.segment.manifest import MAX_INSTRUMENTS
from quantlaxmi.venues import nse

__all__ = ["AssumedBarQuotes", "open_source"]

_ORDER: Final = ("", "FUT", "CE", "PE")
_SIDES: Final[dict[str, Side]] = {"FUT": "FUT", "CE": "CE", "PE": "PE"}
_TIME: Final = TimeColumn("datetime", "text", ZoneInfo("Asia/Kolkata"))
#: Bars of one contract: beginning, open, high, low, close, volume, line.
Rows = list[tuple[int, ...]]


class AssumedBarQuotes(AssumedQuotes, frozen=True, kw_only=True):
    """The mapping: quotes around opens and closes, which the files do not have.

    Attributes
    ----------
    half_spread_bps : Decimal
        Distance of bid and ask from an open or close; rounded outward to the tick.
    size : int
        Units at either side, at most; each contract's is the largest multiple of its lot in it.
    """

    file_kind: ClassVar[str] = "a mapping of India's bars"


def open_source(inputs: Inputs, options: ImportOptions) -> Source:
    """Files of minute bars as a source of the tables ``quotes`` and ``bars``.

    Parameters
    ----------
    inputs : sequence of Path or str
        CSV files, plain or gzip; those of a contract in the order of time.
    options : ImportOptions
        ``underlying`` must be given, and ``mapping`` where contracts are read.

    Raises
    ------
    InputError
        No underlying or no mapping is given, a file cannot be used, or there is no bar.
    ConfigError
        The mapping is not valid, or the dated table has no lot, tick or session that is needed.
    """
    paths = input_paths(inputs, "india-bars")
    if options.underlying is None:
        raise InputError("import", "needs --underlying NAME for india-bars, such as NIFTY")
    assumed = None if options.mapping is None else AssumedBarQuotes.load(options.mapping)
    files: list[BarFile] = []
    last: dict[Key, int] = {}
    for path in paths:
        left = MAX_TEXT - sum(one.file.text_bytes for one in files)
        files.append(read_bar_file(path, options.underlying, options, left, last))
    bars: dict[Key, Rows] = {}
    sources: dict[Key, Path] = {}
    for one in files:
        for key, rows in one.rows.items():
            bars.setdefault(key, []).extend(rows)
            sources.setdefault(key, one.file.path)
    check_copies([one.file for one in files])
    for one in files:
        if one.file.is_empty:
            raise InputError(one.file.path, "has no line below its header; expected bars")
        one.file.check_share(options.max_quarantine)
    if not bars:
        fault = f"; {told}" if (told := files[0].file.log.first()) else ""
        raise InputError(paths[0], f"has no bar of {options.underlying} or its contracts{fault}")
    if len(bars) > MAX_INSTRUMENTS:
        what = f"have {counted(len(bars), 'contract[s]')}, expected at most {MAX_INSTRUMENTS}"
        raise InputError("--input", what)
    keys = sorted(bars, key=_place)
    instruments = [_instrument(key, options.underlying, bars[key]) for key in keys]
    legs = [_leg(one, assumed) for one in instruments]
    total = sum(one.file.raw_bytes for one in files)
    days = sorted(_days(bars))

    def tables(folder: Path) -> Generator[Tables, None, None]:
        with MemoryStore(folder) as store:
            pairs = zip(legs, keys, strict=True)
            all_series = [_series(leg, bars[key], store) for leg, key in pairs]
            rule = DatedSessions(MINUTE_NS, [session_of(day) for day in days])
            made = ContractBars(all_series, [sources[key] for key in keys], rule)
            yield from made.tables()
        gaps = list(itertools.chain(*made.gaps))
        source.gaps = gaps[:MAX_LISTED_GAPS]
        by_symbol = {one.symbol: bars[key] for one, key in zip(instruments, keys, strict=True)}
        source.notes = _notes(files, days, assumed, made, by_symbol)
        options.report_progress(total, total)

    source = Source(
        venue=VENUE,
        cadence="bars",
        instruments=instruments,
        tables=tables,
        files=[one.file for one in files],
    )
    return source


def _day(at_ns: int) -> date:
    return datetime.fromtimestamp(at_ns // 10**9, IST).date()


def _days(bars: Mapping[Key, Rows]) -> set[date]:
    """Days of which there is a bar."""
    stamps = np.unique(np.array([row[0] for rows in bars.values() for row in rows], np.int64))
    shift, day_ns = 19_800 * 10**9, 86_400 * 10**9
    return {_day(int(day) * day_ns) for day in np.unique((stamps + shift) // day_ns)}


def _instrument(key: Key, underlying: str, rows: Rows) -> Instrument:
    if key != INDEX:
        expiry = date.fromordinal(key[0])
        lot = nse.lot(underlying, expiry, _day(rows[-1][0]))
        return contract(underlying, expiry, key[1], _SIDES[key[2]], lot=lot)
    return Instrument(
        symbol=underlying,
        venue=VENUE,
        venue_symbol=underlying,
        kind=InstrumentKind.INDEX,
        price_exponent=PRICE_EXPONENT,
        qty_exponent=0,
        currency="INR",
        base=underlying,
    )


def _leg(one: Instrument, assumed: AssumedQuotes | None) -> LegMapping:
    """What is assumed of an instrument; of an index nothing."""
    bps, size = Decimal(0), 0
    if one.kind != InstrumentKind.INDEX:
        if assumed is None:
            what = "needs --mapping FILE for india-bars, with half_spread_bps and size"
            raise InputError("import", what)
        bps, size = assumed.half_spread_bps, assumed.size
        if size < one.lot:
            problem = f"was {size}, expected the lot {one.lot} of {one.symbol} or more"
            raise InputError("--mapping", problem, "size")
    return LegMapping(
        instrument=one,
        input=0,
        time=_TIME,
        columns={},
        half_spread_bps=Fraction(bps),
        share=Fraction(0),
        size=Fraction(size),
    )


def _series(leg: LegMapping, rows: Rows, store: Store) -> Series:
    columns = np.array(rows, np.int64).T
    size = np.full(len(rows), leg.fixed_size, np.int64)
    found = Series(leg, store)
    found.append(dict(zip(Series.NAMES, (*columns[:6], size, columns[6]), strict=True)))
    return found


def _notes(
    files: Sequence[BarFile],
    days: Sequence[date],
    assumed: AssumedQuotes | None,
    made: ContractBars,
    bars: Mapping[str, Rows],
) -> list[str]:
    """Notes of the manifest; ``bars`` are by symbol."""
    notes = [
        "Bars of 60 s: decisions are made at a bar's close and trade at the next bar's open; over "
        "closed times they wait for it, and where a bar of the session is missing orders are "
        "cancelled."
    ]
    index = next((one for one in made.instruments if one.kind == InstrumentKind.INDEX), None)
    if assumed is not None:
        notes += _contract_notes(assumed, made, bars)
    if index is not None:
        notes.append(
            f"{index.symbol} is an index: its quotes are its opens and closes, without a size."
        )
        notes += _short_days(bars[index.symbol])
    span = ((days[0] + timedelta(k)) for k in range((days[-1] - days[0]).days))
    have = set(days)
    if empty := [str(day) for day in span if day.weekday() < 5 and day not in have]:
        more = ", ..." if len(empty) > 4 else ""
        notes.append(
            f"{counted(len(empty), 'weekday[s] [has|have] no bar and [counts|count] as')} "
            f"{agreed(len(empty), '[a holiday|holidays]')}: {', '.join(empty[:4])}{more}."
        )
    if n := sum(one.from_float32 for one in files):
        notes.append(
            f"{counted(n, 'price[s] [is|are] the digits of [a 32-bit number|32-bit numbers]')}, "
            "read as the paise meant."
        )
    if made.n_gaps > MAX_LISTED_GAPS:
        notes.append(f"{counted(made.n_gaps, 'gap[s]')}, the first {MAX_LISTED_GAPS} are listed.")
    return notes


def _contract_notes(
    assumed: AssumedQuotes, made: ContractBars, bars: Mapping[str, Rows]
) -> list[str]:
    """What is assumed of contracts, and what is odd."""
    contracts = [one for one in made.instruments if one.kind != InstrumentKind.INDEX]
    if not contracts:
        return ["Quotes of an index are not assumed: the mapping was not needed."]
    widest, price = max(made.widest)
    lots = ", ".join(map(str, sorted({one.lot for one in contracts})))
    notes = [
        f"Quotes are assumed: {assumed.half_spread_bps} bps at either side of open and close, "
        f"rounded outward to the tick, which makes it up to {float(widest):.4g} bps, at a price of "
        f"{price / 100:.2f}; {counted(assumed.size, 'unit[s]')} in whole lots of {lots}.",
        "Volumes are units of the index. Open interest is left out: bars have none.",
    ]
    if made.bidless:
        notes.append(
            f"{counted(made.bidless, 'quote[s] [has|have]')} no bid above 0 and so no size."
        )
    if off := sum(row[5] % one.lot != 0 for one in contracts for row in bars[one.symbol]):
        notes.append(f"Volumes of {counted(off, 'bar[s]')} are no multiple of the lot.")
    if any(one.expiry_ns is not None and one.expiry_ns <= made.last_ns for one in contracts):
        notes.append("Contracts end within the bars, which have no settlement prices.")
    return notes


def _place(key: Key) -> tuple[int, int, int]:
    return key[0], key[1], _ORDER.index(key[2])


def _short_days(rows: Rows) -> list[str]:
    """Days of an index with fewer bars than their session has minutes."""
    short = []
    for day, group in itertools.groupby(rows, key=lambda row: _day(row[0])):
        n = len(list(group))
        start, end = session_of(day)
        if n != (wanted := (end - start) // MINUTE_NS):
            short.append(f"{day} ({n} of {wanted})")
    if not short:
        return []
    more = ", ..." if len(short) > 4 else ""
    return [
        f"{counted(len(short), 'day[s] [has|have]')} fewer bars than minutes: "
        f"{', '.join(short[:4])}{more}."
    ]
