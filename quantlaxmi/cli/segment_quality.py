"""``segment quality``: the figures of a segment's data as tables or as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.output import money_text, print_facts, print_json, print_table
from quantlaxmi.cli.segment_info import MOST_LISTED, expiry_text
from quantlaxmi.cli.values import utc_text

if TYPE_CHECKING:
    from quantlaxmi.data_quality import Quantiles, SegmentQuality, SnapshotQuality


def show_quality(folder: str, stale_ms: int, as_json: bool, every: bool) -> None:
    """Measure the segment in ``folder`` and print what was found."""
    from quantlaxmi.data_quality import segment_quality
    from quantlaxmi.segment import open_segment

    quality = segment_quality(open_segment(folder), stale_ns=stale_ms * 10**6)
    listed = every or len(quality.instruments) <= MOST_LISTED
    if as_json:
        print_json(_plain(quality) | ({} if listed else {"instruments": len(quality.instruments)}))
    else:
        _print(quality, listed)


def _plain(value: Any) -> Any:
    """Plain values for JSON; what has decimals is text."""
    from quantlaxmi.data_quality import SHARES, Quantiles

    if isinstance(value, Quantiles):
        made = [money_text(v, value.exponent) if value.exponent else v for v in value.values]
        return {"n": value.n, **{f"p{s}": v for s, v in zip(SHARES, made, strict=True)}}
    if hasattr(value, "__struct_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _print(quality: SegmentQuality, listed: bool) -> None:
    print_facts(
        {
            "segment": quality.segment_id,
            "digest": quality.digest,
            "messages": quality.messages,
            "from": utc_text(quality.first_ts_ns) if quality.messages else None,
            "to": utc_text(quality.last_ts_ns) if quality.messages else None,
            "equal stamps": quality.equal_stamps,
            "lines set aside": quality.quarantined,
            "gaps recorded": quality.recorded_gaps,
        }
    )
    if quality.snapshots is not None:
        _print_snapshots(quality.snapshots)
        _print_expiries(quality)
    if listed:
        _print_instruments(quality)


def _print_snapshots(found: SnapshotQuality) -> None:
    kind = found.kind
    print("\nSnapshots")
    print_facts(
        {
            "snapshots": found.messages,
            "rows": found.rows,
            "unchanged": found.unchanged,
            "changed under an old stamp": found.same_stamp,
            "venue time back": kind.exchange_backwards,
            "longest s": money_text(kind.longest_ns, -9),
            "longest from": utc_text(kind.longest_from_ns),
        }
    )
    seconds = [("time between two", "s", found.step_ns), ("age", "s", kind.clock_offset_ns)]
    _quantile_table("Times of snapshots", ("", "unit"), seconds, -9)


def _print_expiries(quality: SegmentQuality) -> None:
    print("\nRows of snapshots by expiry")
    names = ("instruments", "rows", "unquoted", "one_sided", "crossed", "locked", "untradable",
             "no_iv")  # fmt: skip
    print_table(
        ("base", "expiry", *(name.replace("_", " ") for name in names)),
        [
            (one.base, expiry_text(one.expiry_ns), *(getattr(one, name) for name in names))
            for one in quality.expiries
        ],
        keys=2,
    )
    spreads = [
        (f"{one.base} {expiry_text(one.expiry_ns)}", unit, found)
        for one in quality.expiries
        for unit, found in (("price", one.spread), ("bps", one.spread_bps))
    ]
    _quantile_table("Spread of the rows", ("expiry", "unit"), spreads)


def _print_instruments(quality: SegmentQuality) -> None:
    from quantlaxmi.data_quality import BPS_EXPONENT

    kinds = [(i.symbol, name, kind) for i in quality.instruments for name, kind in i.kinds.items()]
    bound = f"{money_text(quality.stale_ns, -9)} s"
    print(f"\nMessages; a silence is a time of more than {bound} without one")
    print_table(
        ("symbol", "kind", "messages", "from", "to", "equal stamps", "silences", "silence s",
         "longest s", "longest from", "venue time back"),
        [
            (symbol, name, k.messages, utc_text(k.first_ts_ns), utc_text(k.last_ts_ns),
             k.equal_stamps, k.stale, money_text(k.stale_ns, -9), money_text(k.longest_ns, -9),
             utc_text(k.longest_from_ns), k.exchange_backwards)
            for symbol, name, k in kinds
        ],
        keys=2,
    )  # fmt: skip
    offsets = [(s, name, k.clock_offset_ns) for s, name, k in kinds if k.clock_offset_ns]
    _quantile_table("Receive time minus exchange time, ms", ("symbol", "kind"), offsets, -6)
    spreads = [
        (i.symbol, unit, found)
        for i in quality.instruments
        for unit, found in (("price", i.spread), ("bps", i.spread_bps))
        if found
    ]
    _quantile_table("Spread of the quotes", ("symbol", "unit"), spreads)
    bases = [(f"{p.perp} - {p.spot}", "bps", p.basis_bps) for p in quality.pairs if p.basis_bps]
    _quantile_table("Basis", ("pair", "unit"), bases, BPS_EXPONENT)
    print("\nQuotes and rebuilt books")
    print_table(
        ("symbol", "quotes crossed", "quotes locked", "quotes one-sided", "depth messages",
         "snapshots", "depth gaps",
         "books", "crossed", "locked", "one-sided", "compared", "agree", "same id", "agree there"),
        [
            (i.symbol, i.quotes_crossed, i.quotes_locked, i.quotes_one_sided, *_books(i.depth))
            for i in quality.instruments
        ],
    )  # fmt: skip


def _books(depth: Any) -> tuple[object, ...]:
    if depth is None:
        return ("-",) * 11
    names = ("messages", "snapshots", "gaps", "standing", "crossed", "locked", "one_sided",
             "compared", "agreeing", "compared_exact", "agreeing_exact")  # fmt: skip
    return tuple(getattr(depth, name) for name in names)


def _quantile_table(
    title: str,
    heads: tuple[str, str],
    rows: Iterable[tuple[str, str, Quantiles | None]],
    exponent: int | None = None,
) -> None:
    """Rows of quantiles; ``exponent`` shows integers as multiples of a larger unit."""
    from quantlaxmi.data_quality import SHARES

    data = [
        (*names, q.n, *(money_text(v, exponent or q.exponent) for v in q.values))
        for *names, q in rows
        if q is not None
    ]
    if data:
        print(f"\n{title}")
        print_table((*heads, "n", *(f"{share} %" for share in SHARES)), data, keys=2)
