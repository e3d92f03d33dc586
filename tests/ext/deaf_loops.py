"""Compiled functions with loops that do not listen for signals, and why they need not.

What can take more than a second listens (`quantlaxmi/_ext/signals.pxd`): with 100 million rows, or
with what somebody made up to take long. A function that is new and has a loop either listens or is
named here. Nanoseconds are of one row, measured on the machine of benchmarks/RESULTS.md.
"""

from __future__ import annotations

from typing import Final

#: One step for each instrument, leg, side, lane, expiry, feature, bit or digit, or for each byte of
#: a cell or a name.
FEW: Final = "few"
#: Inside a loop that listens, which counts the steps or takes one of these a row.
INSIDE: Final = "inside"
#: Callers give pieces of this size at most.
PIECE: Final = "piece"
#: Whole tables, fast enough.
FAST: Final = "fast"

#: By module: names of functions, with the reason.
DEAF: Final[dict[str, dict[str, str]]] = {
    "_types_check": {FEW: "layout"},
    "accounts": {FEW: "order_owing"},
    "asking": {FEW: "ask_awake"},
    "attribution_kernel": {
        FEW: "_reference attribute",
        FAST: "_gather_open",  # payments after the last fill: 2 ns
    },
    "bar_lines": {FAST: "feed advance"},  # bars: 3 ns
    "binance_rows": {FEW: "_guess _stamped", PIECE: "_levels"},  # of a line
    "borrow": {FEW: "accrue_all"},
    "bucket_sums": {FEW: "_decision_mid2 bucket_sums", INSIDE: "_close_bucket"},
    # Rests of trims: a bundle of a decision each; what looks through them is counted in `steps`.
    "bundles": {INSIDE: "send_owed forget_owed", FAST: "end_owed"},
    # Rows of one snapshot of a chain.
    "calendar_carry": {FEW: "_terms _gather _enter _reached step"},
    "calendar_check": {FEW: "_expiries"},
    "canonical": {PIECE: "_pack"},  # as many as fit a buffer of a mebibyte
    "chain_rows": {INSIDE: "chain_rows lanes_see_snapshot"},
    # One chain: at most 32,767 instruments, half a microsecond each.
    "chain_surface": {
        FEW: "chain_forward chain_nearest _at __init__ forwards nearest volatilities skews at_money"
    },
    "csv_fields": {FEW: "__init__ plan _parse"},
    "csv_groups": {PIECE: "bids_first"},  # levels of a message
    "csv_messages": {PIECE: "_finish_depth _blame"},  # levels, lines of a message
    "csv_rows": {PIECE: "_grouped", FEW: "_place_fault"},  # lines of a piece of two mebibytes
    "csv_words": {FEW: "whole"},
    "decimal_text": {FEW: "parse_mantissa _scan parse_mantissa_rounded natural_exponent"},
    "decision_record": {FEW: "_refuse_all _tell_refused record_decision"},
    "depth_book": {
        FEW: "depth_free _place",
        FAST: "levels",
    },
    "depth_changes": {
        INSIDE: "change_add changes_sorted",
        FAST: "_grow_table _merge",  # at most 45 million prices, which fill an index: 10 ns
    },
    "depth_index": {FEW: "_note_state _read point", FAST: "_now levels"},  # 1 ns, 20 ns a price
    "depth_levels": {
        FEW: "_n_worse size_then depth_size",
        # A ladder counts the levels it passes, 4 ns each: an index has at most 30 million.
        INSIDE: "depth_further",
    },
    "depth_tops": {
        FAST: "_first_quotes",  # 0.4 ns
        FEW: "__cinit__ __dealloc__",
    },
    "engine_core": {FEW: "_ask_strategies"},
    "engine_setup": {
        FEW: "allocate_tape allocate set_accounts _set_charges set_borrow set_contracts "
        "set_base_fees set_features set_impact set_delays set_guard _release_tape release"
    },
    "execution": {
        FEW: "_close_out _execute_group",
        FAST: "_held_at lane_finish",  # fills from the last one back, 1 ns; open orders, 50 ns
    },
    "fair_variance": {
        INSIDE: "_calls _quote chain",
        FAST: "_check_moves draw",  # 20 ns an expiry of a snapshot, of which a year has 500,000
    },
    "fixed_ops": {FEW: "_check_lengths"},
    "int128_sums": {FAST: "group_sums running_sums add_times product_sum total"},  # 1 to 4 ns
    "int_text": {FAST: "parse_ints"},  # the commas: 0.3 ns a byte
    # Sixteen draws; instruments in each of 200 clock buckets.
    "lane_draws": {PIECE: "made", FEW: "_follow _mark"},
    "lanes": {FEW: "_renew __init__ __dealloc__ forget _begin _check shown"},
    "latency_news": {FEW: "see_all", INSIDE: "delay_news"},
    "leg_checks": {FEW: "_size_in_bar _take_units check_legs"},
    "loss_close": {FEW: "watch_losses"},
    "margin": {FEW: "_used"},
    "market_feed": {FEW: "_load load_feed"},
    "market_null": {
        FEW: "__init__ __dealloc__",
        FAST: "make _fill _walk _positive _keep_means",  # 4 ns a row of the market
    },
    "matching": {INSIDE: "ladder_next"},
    "merged_order": {FEW: "_group_starts", FAST: "place_value"},  # 2 ns
    "message_rows": {PIECE: "feed _readable crowd"},  # two mebibytes; what waits in a window
    "open_bundles": {
        FEW: "_whole_units _shares _end_bundle",
        INSIDE: "leg_ended",
        FAST: "end_bundles",
    },
    "order_arrival": {INSIDE: "take", FEW: "_left_in_bar"},
    "order_queue": {INSIDE: "enqueue", FEW: "dequeue"},
    "own_takes": {INSIDE: "takes_add takes_seen"},
    "philox": {FEW: "philox_block", FAST: "words"},  # 7 ns; the cuts of a gate
    "plain_levels": {PIECE: "_closing plain_levels"},  # of a line
    "probe": {FEW: "probe_arrive probe_step", INSIDE: "_price_bundle"},
    "quiet_rows": {FEW: "__init__"},
    # At most as many rows as a call of the engine has (two million): 1 to 3 ns.
    "quiet_walk": {PIECE: "_unasked _asleep _set_traded", FEW: "_set_last"},
    "quote_kinds": {PIECE: "add_quotes"},  # a million rows
    "quote_run": {FEW: "_ask", INSIDE: "quote_run"},
    "replay_loop": {FEW: "tables accounts venue_clocks"},
    "resting": {
        INSIDE: "find join _trade_side _requeue _up_to _cross_side",
        FAST: "cancel_resting end_resting",  # open orders, 50 ns each
    },
    "risk_checks": {INSIDE: "_exposure _takes_away", FEW: "lost _expire check_orders"},
    "scan_checks": {FEW: "check_scan"},
    "scan_margin": {FEW: "made_scan _forward _add _calendar _prepare _rule scan_margin"},
    "scan_orders": {FEW: "begin_ask _opens allows"},
    "settlement": {FEW: "end_contracts"},
    "sleep": {FEW: "_set"},
    "step_fit": {FAST: "divided"},  # 2.4 ns
    # What waits in a window or was read in a piece; 65,536 rows are released at once.
    "stream_merge": {
        PIECE: "_sort _order release _sorted _tell _drop",
        FEW: "_columns __init__ take_counts",
    },
    "stream_tables": {PIECE: "depth_rows fill"},
    "table_order": {PIECE: "first_break"},  # 65,536 rows, 0.3 us
    "tape": {
        FEW: "reset_tape refresh_tape settle_funding close_contract _advance_lanes lanes_see_book "
        "lanes_see_trade lanes_watch tape_finish",
        INSIDE: "advance",  # of `lane_advance`
    },
    # 8,192 lines.
    "text_cells": {
        PIECE: "split_cells decimal_cells equal_cells stamp_cells",
        FEW: "_split_line _trim _clock _zone",
    },
    "trip_extremes": {INSIDE: "_look _trade _begin", FAST: "_leaves"},  # 0.5 ns
    "trip_parts": {INSIDE: "_write trip_parts"},
    "trip_sums": {INSIDE: "_act", FEW: "trip_sums"},
    "trip_times": {INSIDE: "_flat _turned"},
}

#: Headers in C that have loops, and over what.
HEADERS: Final = {
    "black76.h": "steps of an iteration, at most",
    "crc32c.h": "bytes of what is hashed at once, 128 mebibytes: 0.03 ns, without hardware 0.4 ns",
    "impact.h": "bits",
    "int128.h": "bits",
    "int128_words.h": "bits",
    "int256.h": "bits",
    "sleep.h": "lanes",
    "square_sum.h": "words",
}
