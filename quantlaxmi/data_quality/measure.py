"""Measures a segment: counts, silence, clocks, spreads, books and basis.

Every figure is an integer, or decimal text of one. A quantile is a value that occurs: of n values
in ascending order the one numbered ``ceil(q * n)``, counted from 1 (the smallest for q = 0), that
is the least value which at least the share q of all values does not exceed. Nothing is interpolated
or weighted by time. Ratios are rounded down to 10**-4 bps, and because that keeps their order, a
quantile of the rounded ratios is the rounded quantile.

What each figure counts is told in ``docs/DATA_QUALITY.md``.
"""

from __future__ import annotations

import itertools

import numpy as np

from quantlaxmi._ext.depth_book import DepthBook
from quantlaxmi.data_quality.chains import expiry_quality, snapshot_quality
from quantlaxmi.data_quality.figures import (
    STALE_NS,
    DepthQuality,
    InstrumentQuality,
    KindQuality,
    PairQuality,
    Quantiles,
    SegmentQuality,
)
from quantlaxmi.data_quality.quantile import bps_quantiles, quantiles, wide
from quantlaxmi.errors import InputError
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import TABLES, DepthFlag, InstrumentKind
from quantlaxmi.segment import MarketData
from quantlaxmi.segment.rows import Columns


def segment_quality(segment: MarketData, *, stale_ns: int = STALE_NS) -> SegmentQuality:
    """Measure the data of a segment.

    Memory grows with the longest table; the books are rebuilt message by message.

    Parameters
    ----------
    segment : MarketData
        A segment, its parts, a window of it, or rows in memory.
    stale_ns : int
        Nanoseconds; a longer time without a message is a silence.

    Returns
    -------
    SegmentQuality
        Counts, silences, spreads, clock offsets and basis.

    Raises
    ------
    InputError
        ``stale_ns`` is not positive.
    SegmentCorrupt
        The segment's columns were changed.

    Examples
    --------
    >>> from quantlaxmi import open_segment
    >>> quality = segment_quality(open_segment("data/planted"))
    >>> quality.instruments[0].spread.n, quality.pairs[0].basis_bps.n
    (10894, 21996)
    """
    if stale_ns < 1:
        raise InputError("stale_ns", f"was {stale_ns}, expected a positive number")
    tables = {table: _messages(segment.columns(table)) for table in TABLES}
    depth_rows, chain_rows = segment.columns("depth"), segment.columns("chain")
    quotes, n = tables["quotes"], len(segment.instruments)
    # A snapshot is a message of each instrument that it has a row of.
    by_table = {name: _split(columns, n) for name, columns in tables.items() if name != "chain"}
    by_table["chain"], depths = _split(chain_rows, n), _split(depth_rows, n)
    found = [
        _instrument(one, {name: parts[k] for name, parts in by_table.items()}, depths[k], stale_ns)
        for k, one in enumerate(segment.instruments)
    ]
    stamps = np.concatenate([c["ts_ns"] for c in tables.values()])
    order = np.argsort(np.concatenate([c["seq"] for c in tables.values()]))
    return SegmentQuality(
        segment_id=segment.segment_id,
        digest=segment.digest,
        stale_ns=stale_ns,
        messages=segment.n_messages,
        first_ts_ns=segment.first_ts_ns,
        last_ts_ns=segment.last_ts_ns,
        equal_stamps=int((np.diff(stamps[order]) == 0).sum()),
        quarantined=segment.quarantine.lines,
        recorded_gaps=len(segment.gaps),
        instruments=tuple(found),
        pairs=tuple(
            PairQuality(
                spot=segment.instruments[i].symbol,
                perp=segment.instruments[j].symbol,
                basis_bps=_basis(quotes, segment.instruments, i, j),
            )
            for i, j in _pairs(segment.instruments)
        ),
        snapshots=snapshot_quality(
            chain_rows, tables["chain"], lambda messages: _kind(messages, stale_ns)
        ),
        expiries=expiry_quality(segment, chain_rows),
    )


def _messages(columns: Columns) -> Columns:
    """First rows of messages: a table with one row a message."""
    seq = columns["seq"]
    first = np.ones(len(seq), bool)
    first[1:] = seq[1:] != seq[:-1]
    return {name: column[first] for name, column in columns.items()}


def _split(columns: Columns, n: int) -> list[Columns]:
    """Rows of each instrument, in their order."""
    order = np.argsort(columns["instrument"], kind="stable")
    ordered = {name: column[order] for name, column in columns.items()}
    ends = np.searchsorted(ordered["instrument"], np.arange(n + 1))
    return [
        {name: column[start:stop] for name, column in ordered.items()}
        for start, stop in itertools.pairwise(ends.tolist())
    ]


def _instrument(
    instrument: Instrument, messages: dict[str, Columns], depth_rows: Columns, stale_ns: int
) -> InstrumentQuality:
    kinds = {n: _kind(c, stale_ns) for n, c in messages.items() if len(c["seq"])}
    bid, ask = (
        np.concatenate([messages[table][name] for table in ("quotes", "chain")])
        for name in ("bid", "ask")
    )
    both, usable = (bid > 0) & (ask > 0), (bid > 0) & (bid < ask)
    crossed, locked = (int((both & where).sum()) for where in (bid > ask, bid == ask))
    bid, ask = bid[usable], ask[usable]
    return InstrumentQuality(
        symbol=instrument.symbol,
        venue=instrument.venue,
        price_exponent=instrument.price_exponent,
        messages=sum(kind.messages for kind in kinds.values()),
        kinds=kinds,
        quotes_crossed=crossed,
        quotes_locked=locked,
        quotes_one_sided=int((~both).sum()),
        spread=quantiles(ask - bid, instrument.price_exponent),
        spread_bps=bps_quantiles(wide(ask - bid, 2), wide(bid) + wide(ask)),
        depth=_depth(depth_rows, messages["quotes"]) if "depth" in kinds else None,
    )


def _kind(columns: Columns, stale_ns: int) -> KindQuality:
    ts_ns, exchange = columns["ts_ns"], columns["exch_ts_ns"]
    told = exchange != 0
    offsets, exchange = ts_ns[told] - exchange[told], exchange[told]
    steps = np.diff(ts_ns)
    stale = steps[steps > stale_ns]
    at = int(steps.argmax()) if len(steps) else 0
    return KindQuality(
        messages=len(ts_ns),
        first_ts_ns=int(ts_ns[0]),
        last_ts_ns=int(ts_ns[-1]),
        equal_stamps=int((steps == 0).sum()),
        stale=len(stale),
        stale_ns=int(stale.sum()),
        longest_ns=int(steps[at]) if len(steps) else 0,
        longest_from_ns=int(ts_ns[at]),
        clock_offset_ns=quantiles(offsets, 0),
        exchange_backwards=int((np.diff(exchange) < 0).sum()),
    )


def _depth(rows: Columns, quotes: Columns) -> DepthQuality:
    names = ("first_id", "last_id", "prev_id", "side", "price", "qty", "flags")
    columns = [np.ascontiguousarray(rows[name]) for name in names]
    told = (quotes["bid"] != 0) | (quotes["ask"] != 0)  # else the book was not known
    quotes = {name: column[told] for name, column in quotes.items()}
    ids = quotes["update_id"]
    if len(ids) and (int(ids[0]) <= 0 or (np.diff(ids) < 0).any()):
        ids = ids[:0]  # no ids of the venue's: nothing to compare by
    tops = [quotes[name] for name in ("bid", "bid_qty", "ask", "ask_qty")]
    ends = np.flatnonzero(columns[6] & DepthFlag.LAST) + 1
    snapshots = int((columns[6][ends - 1] & DepthFlag.SNAPSHOT != 0).sum())
    book = DepthBook()
    start = standing = crossed = locked = one_sided = 0
    compared = agreeing = compared_exact = agreeing_exact = 0
    for end in ends.tolist():
        book.apply(*(column[start:end] for column in columns))
        start = end
        if not book.valid:
            continue
        standing += 1
        bids, asks = book.levels(1)[:1].tolist(), book.levels(-1)[:1].tolist()
        both = bool(bids and asks)
        one_sided += not both
        crossed += both and bids[0][0] > asks[0][0]
        locked += both and bids[0][0] == asks[0][0]
        at = int(np.searchsorted(ids, book.last_id, side="right")) - 1
        if at < 0:
            continue
        same = both and [*bids[0], *asks[0]] == [int(t[at]) for t in tops]
        exact = int(ids[at]) == book.last_id
        compared, agreeing = compared + 1, agreeing + same
        compared_exact, agreeing_exact = compared_exact + exact, agreeing_exact + (exact and same)
    return DepthQuality(
        messages=len(ends),
        snapshots=snapshots,
        gaps=book.gaps,
        standing=standing,
        crossed=crossed,
        locked=locked,
        one_sided=one_sided,
        compared=compared,
        agreeing=agreeing,
        compared_exact=compared_exact,
        agreeing_exact=agreeing_exact,
    )


def _pairs(instruments: tuple[Instrument, ...]) -> list[tuple[int, int]]:
    """Indices of each perpetual and the first spot of its base and currency."""
    keys = [(one.base, one.currency) for one in instruments]
    kinds = [one.kind for one in instruments]
    spots = {keys[i]: i for i in reversed(range(len(keys))) if kinds[i] == InstrumentKind.SPOT}
    perps = [j for j, kind in enumerate(kinds) if kind == InstrumentKind.PERP]
    return [(spots[keys[j]], j) for j in perps if keys[j] in spots]


def _basis(
    quotes: Columns, instruments: tuple[Instrument, ...], spot: int, perp: int
) -> Quantiles | None:
    bid, ask = quotes["bid"], quotes["ask"]
    usable = (bid > 0) & (bid < ask) & np.isin(quotes["instrument"], (spot, perp))
    which = quotes["instrument"][usable]
    twice = wide(bid[usable]) + wide(ask[usable])  # twice the mid
    least = min(instruments[k].unit_price_exponent for k in (spot, perp))
    mids, begun = [], 0
    for k in (spot, perp):
        rows = np.where(which == k, np.arange(len(which)), -1)
        last = np.maximum.accumulate(rows) if len(rows) else rows
        begun = max(begun, int((last < 0).sum()))
        mids.append(wide(twice[last], 10 ** (instruments[k].unit_price_exponent - least)))
    spots, perps = mids[0][begun:], mids[1][begun:]
    return bps_quantiles(wide(perps - spots), spots)
