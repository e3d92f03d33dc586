"""The figures of a segment's data, as they are shown and written."""

from __future__ import annotations

from typing import Final

import msgspec

#: A longer time without a message is a silence: the age at which strategies stop to trust a quote.
STALE_NS: Final = 5_000_000_000
#: Ratios are multiples of 10**-4 bps.
BPS_EXPONENT: Final = -4
#: Shares of the quantiles, in hundredths.
SHARES: Final = (0, 1, 5, 25, 50, 75, 95, 99, 100)


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """Quantiles of integers.

    Attributes
    ----------
    n, exponent : int
        How many values there were; they are mantissas at 10**exponent.
    values : tuple of int
        At the shares of `SHARES`, least first.
    """

    n: int
    exponent: int
    values: tuple[int, ...]


class KindQuality(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of message of one instrument.

    Attributes
    ----------
    messages, first_ts_ns, last_ts_ns : int
        Their number; receive times.
    equal_stamps : int
        Messages received at the very time of the one of this kind before.
    stale, stale_ns : int
        Silences: times above the bound between two messages that follow one another; their sum.
    longest_ns, longest_from_ns : int
        The longest time between two, and where it began (the first of equals); 0 and the first
        time where there is one message.
    clock_offset_ns : Quantiles or None
        Receive time minus exchange time, over messages that have one.
    exchange_backwards : int
        Messages whose exchange time is before that of the one of this kind before.
    """

    messages: int
    first_ts_ns: int
    last_ts_ns: int
    equal_stamps: int
    stale: int
    stale_ns: int
    longest_ns: int
    longest_from_ns: int
    clock_offset_ns: Quantiles | None
    exchange_backwards: int


class DepthQuality(msgspec.Struct, frozen=True, kw_only=True):
    """The book rebuilt from an instrument's depth, looked at after every message.

    Attributes
    ----------
    messages, snapshots, gaps : int
        Gaps are breaks of the venue's sequence rule while a book stood.
    standing, crossed, locked, one_sided : int
        Messages after which a book stood; of these, with a best bid above, at, or without a best
        ask (or the reverse).
    compared, agreeing : int
        Standing books with a quote whose update id is not above the book's; those whose best bid
        and ask, with sizes, are those of the last such quote.
    compared_exact, agreeing_exact : int
        The same where the quote has the book's very update id.
    """

    messages: int
    snapshots: int
    gaps: int
    standing: int
    crossed: int
    locked: int
    one_sided: int
    compared: int
    agreeing: int
    compared_exact: int
    agreeing_exact: int


class InstrumentQuality(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument.

    Attributes
    ----------
    symbol, venue : str
        Names of the instrument and of its venue.
    price_exponent, messages : int
        Exponent of prices; messages of all kinds.
    kinds : dict of str to KindQuality
        By table; those without messages are left out.
    quotes_crossed, quotes_locked, quotes_one_sided : int
        Quotes, and rows of snapshots, whose bid is above, or at, their ask; that lack a bid, an
        ask or both.
    spread, spread_bps : Quantiles or None
        Ask minus bid of the other quotes with positive prices, as price and in bps of their mid.
    depth : DepthQuality or None
        None without depth.
    """

    symbol: str
    venue: str
    price_exponent: int
    messages: int
    kinds: dict[str, KindQuality]
    quotes_crossed: int
    quotes_locked: int
    quotes_one_sided: int
    spread: Quantiles | None
    spread_bps: Quantiles | None
    depth: DepthQuality | None


class PairQuality(msgspec.Struct, frozen=True, kw_only=True):
    """A perpetual and the spot it follows.

    Attributes
    ----------
    spot, perp : str
        Symbols of the two instruments.
    basis_bps : Quantiles or None
        Perpetual's mid over spot's, minus one, after every usable quote of either once both have
        had one.
    """

    spot: str
    perp: str
    basis_bps: Quantiles | None


class SnapshotQuality(msgspec.Struct, frozen=True, kw_only=True):
    """Snapshots of a session, whatever instruments each has.

    Attributes
    ----------
    messages, rows : int
        Snapshots, and rows of instruments in them.
    kind : KindQuality
        Of the snapshots as messages.
    step_ns : Quantiles or None
        Times between two that follow one another.
    unchanged : int
        In which nothing but the time of collection differs from the one before.
    same_stamp : int
        Changed ones under the exchange time of the one before.
    """

    messages: int
    rows: int
    kind: KindQuality
    step_ns: Quantiles | None
    unchanged: int
    same_stamp: int


class ExpiryQuality(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of snapshots of the instruments that end at one time.

    Attributes
    ----------
    base : str
    expiry_ns : int or None
    instruments, rows : int
        How many there are.
    unquoted, one_sided : int
        Rows without a bid and an ask; rows with one of them.
    crossed, locked : int
        Rows whose bid is above, or at, their ask.
    untradable : int
        Instruments without a row whose bid is below its ask.
    no_iv : int
        Rows with bid below ask for which the venue states no volatility.
    spread, spread_bps : Quantiles or None
        Ask minus bid of rows with bid below ask, as price and in bps of their mid.
    """

    base: str
    expiry_ns: int | None
    instruments: int
    rows: int
    unquoted: int
    one_sided: int
    crossed: int
    locked: int
    untradable: int
    no_iv: int
    spread: Quantiles | None
    spread_bps: Quantiles | None


class SegmentQuality(msgspec.Struct, frozen=True, kw_only=True):
    """Figures on the data of a segment, as `segment_quality` returns them.

    Attributes
    ----------
    segment_id, digest : str
        Of the segment; the digest in hex.
    stale_ns : int
        The bound above which a time without a message is a silence.
    messages, first_ts_ns, last_ts_ns : int
        Number of all messages; receive times of the first and the last.
    equal_stamps : int
        Messages received at the very time of the message before, of whatever kind and instrument.
    quarantined, recorded_gaps : int
        Lines set aside and gaps listed, as the manifest says.
    instruments : tuple of InstrumentQuality
        One for each instrument, in the segment's order.
    pairs : tuple of PairQuality
        One for each perpetual with its spot.
    snapshots : SnapshotQuality or None
        None without snapshots.
    expiries : tuple of ExpiryQuality
        By base and expiry, of the instruments of snapshots; empty without them.
    """

    segment_id: str
    digest: str
    stale_ns: int
    messages: int
    first_ts_ns: int
    last_ts_ns: int
    equal_stamps: int
    quarantined: int
    recorded_gaps: int
    instruments: tuple[InstrumentQuality, ...]
    pairs: tuple[PairQuality, ...]
    snapshots: SnapshotQuality | None = None
    expiries: tuple[ExpiryQuality, ...] = ()
