"""Sweep kernel of the label permutation: spans of constant position in random order.

The PnL of a span that has position P over rows a..b is P times the move of the mid from a to b.
Spans stay inside their block, so a draw is one walk over the spans. The caller proves that the PnL
of one span fits int64; sums are 128-bit. Draw ``t`` writes slot ``t`` alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from quantlaxmi._jit.compiler import kernel
from quantlaxmi._jit.random_entry import Bundles, bundle_value
from quantlaxmi._jit.rng import below, words
from quantlaxmi._jit.wide import add_signed, add_square
from quantlaxmi.schema import I64, U64

__all__ = ["Bundles", "Spans", "identity", "shuffled"]


class Spans(NamedTuple):
    """Spans of constant position, block by block.

    Attributes
    ----------
    block_first : ndarray of int64, shape (n_blocks + 1,)
        Into the spans.
    block_row : ndarray of int64, shape (n_blocks,)
        First row of each block.
    length : ndarray of int64, shape (n_spans,)
        In rows.
    position : ndarray of int64, shape (n_spans,)
        Bundle of the position, -1 for flat.
    """

    block_first: I64
    block_row: I64
    length: I64
    position: I64


@kernel
def _walk(
    order: I64,  # IN  (n_spans,) which span stands j-th
    bundles: Bundles,
    spans: Spans,
    out: U64,  # OUT (4,) S and Q as (high, low)
) -> None:
    columns, coefficients = bundles.columns, bundles.term_coefficient
    first, column = bundles.term_first, bundles.term_column
    s_hi = s_lo = q_hi = q_lo = np.uint64(0)
    for b in range(spans.block_row.shape[0]):
        row = spans.block_row[b]
        for j in range(spans.block_first[b], spans.block_first[b + 1]):
            span = order[j]
            end = row + spans.length[span]
            position = spans.position[span]
            if position >= 0:
                gain = bundle_value(
                    columns, first, column, coefficients, position, end
                ) - bundle_value(columns, first, column, coefficients, position, row)
                s_hi, s_lo = add_signed(s_hi, s_lo, gain)
                q_hi, q_lo = add_square(q_hi, q_lo, gain)
            row = end
    out[0], out[1], out[2], out[3] = s_hi, s_lo, q_hi, q_lo


@kernel
def shuffled(
    key: np.uint64,
    first: int,  # number of the first draw
    bundles: Bundles,
    spans: Spans,
    out: U64,  # OUT (n_draws, 4)
) -> None:
    """Sum and sum of squares of the spans' PnL, spans shuffled inside their blocks."""
    n_draws = out.shape[0]
    n_spans = spans.length.shape[0]
    random = np.empty(n_spans, np.uint64)
    order = np.empty(n_spans, np.int64)
    for t in range(n_draws):
        words(key, first + t, random)
        for i in range(n_spans):
            order[i] = i
        for b in range(spans.block_row.shape[0]):
            low = spans.block_first[b]
            for i in range(spans.block_first[b + 1] - 1, low, -1):
                j = low + below(random[i], i - low + 1)
                order[i], order[j] = order[j], order[i]
        _walk(order, bundles, spans, out[t])


def identity(
    bundles: Bundles,
    spans: Spans,
    out: U64,  # OUT (4,)
) -> None:
    """The draw that moves nothing: the spans in their own order through the same walk."""
    _walk(np.arange(spans.length.shape[0]), bundles, spans, out)
