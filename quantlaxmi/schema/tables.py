"""Tables of a segment: their columns and dtypes, in the order they are written and digested."""

from __future__ import annotations

from typing import Final

#: Column name -> dtype, in the order they are written and digested. Rows ascend in ``seq``; rows
#: of one message of depth or chain share it, and the last of them has LAST in ``flags``.
TABLES: Final[dict[str, dict[str, str]]] = {
    "quotes": {
        "seq": "<i8",
        "ts_ns": "<i8",
        "instrument": "<i2",
        "exch_ts_ns": "<i8",  # 0 where the source has none
        "update_id": "<i8",
        "bid": "<i8",
        "bid_qty": "<i8",
        "ask": "<i8",
        "ask_qty": "<i8",
        "flags": "<i1",  # QuoteFlag
    },
    "depth": {
        "seq": "<i8",
        "ts_ns": "<i8",
        "instrument": "<i2",
        "exch_ts_ns": "<i8",
        "first_id": "<i8",
        "last_id": "<i8",
        "prev_id": "<i8",  # -1 where the venue sends none
        "side": "<i1",  # 1 bid, -1 ask, 0: a message without levels
        "price": "<i8",
        "qty": "<i8",  # 0 deletes the level
        "flags": "<i1",
    },
    "trades": {
        "seq": "<i8",
        "ts_ns": "<i8",
        "instrument": "<i2",
        "exch_ts_ns": "<i8",
        "trade_id": "<i8",
        "price": "<i8",
        "qty": "<i8",
        "side": "<i1",  # aggressor
    },
    "funding": {
        "seq": "<i8",
        "ts_ns": "<i8",
        "instrument": "<i2",
        "exch_ts_ns": "<i8",
        "mark": "<i8",  # 0 where the source has none: settled at the mid
        "index": "<i8",  # 0 where the source has none
        "rate": "<i8",  # at RATE_EXPONENT
        "next_funding_ns": "<i8",  # 0 where none is announced
    },
    "bars": {
        "seq": "<i8",
        "ts_ns": "<i8",  # when the bar is known: that of the quote of its close
        "instrument": "<i2",
        "exch_ts_ns": "<i8",  # when it ended
        "open_ns": "<i8",  # when it began
        "open": "<i8",  # high and low are those of open and close where the source has none
        "high": "<i8",
        "low": "<i8",
        "close": "<i8",
        "volume": "<i8",  # 0 where the source has none
    },
    "chain": {  # a message is a snapshot of many instruments, one row each, ascending
        "seq": "<i8",
        "ts_ns": "<i8",  # when the snapshot was collected, and so known
        "instrument": "<i2",
        "exch_ts_ns": "<i8",
        "bid": "<i8",  # 0 where there is no quote, as are its size and the ask's
        "bid_qty": "<i8",
        "ask": "<i8",
        "ask_qty": "<i8",
        "last": "<i8",  # 0 where the source has none, as are the three below
        "volume": "<i8",
        "oi": "<i8",
        "iv": "<i8",  # the venue's, at IV_EXPONENT
        "flags": "<i1",  # ChainFlag
    },
    "settlement": {
        "seq": "<i8",
        "ts_ns": "<i8",  # when the price is known
        "instrument": "<i2",  # what settles
        "exch_ts_ns": "<i8",
        "price": "<i8",  # of the underlying, at the instrument's exponent; 0 is a price
    },
}
#: Tables that a segment has only where they have rows.
OPTIONAL_TABLES: Final = frozenset({"bars", "chain", "settlement"})
#: Tables whose messages may have many rows: the column that tells a message's last row is theirs.
MANY_ROWS: Final = frozenset({"depth", "chain"})
