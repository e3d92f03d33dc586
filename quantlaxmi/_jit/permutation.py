"""Sweep kernel of the label permutation: spans of constant position in random order.

The PnL of a span that has position P over rows a..b is P times the move of the mid from a to b.
Spans stay inside their block, so a draw is one walk over the spans. The caller proves that the PnL
of one span fits int64; sums are 128-bit. Draw ``t`` writes slot ``t`` alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from quantlaxmi._jit.compiler import kernel
from quantlaxmi._jit.random_entry import Bundles, bundle_move
from quantlaxmi._jit.rng import STILL, below, words
from quantlaxmi._jit.wide import add_signed, add_square
from quantlaxmi.schema import I64, U64

__all__ = ["Bundles", "Spans", "identity", "prepare", "shuffled"]


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
def shuffled(
    key: np.uint64,
    first: int,  # number of the first draw, or STILL
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
        for i in range(n_spans):
            order[i] = i
        if first != STILL:
            words(key, first + t, random)
            for b in range(spans.block_row.shape[0]):
                low = spans.block_first[b]
                for i in range(spans.block_first[b + 1] - 1, low, -1):
                    j = low + below(random[i], i - low + 1)
                    order[i], order[j] = order[j], order[i]
        s_hi = s_lo = q_hi = q_lo = np.uint64(0)
        for b in range(spans.block_row.shape[0]):
            row = spans.block_row[b]
            for j in range(spans.block_first[b], spans.block_first[b + 1]):
                span = order[j]
                end = row + spans.length[span]
                if spans.position[span] >= 0:
                    gain = bundle_move(bundles, spans.position[span], row, end)
                    s_hi, s_lo = add_signed(s_hi, s_lo, gain)
                    q_hi, q_lo = add_square(q_hi, q_lo, gain)
                row = end
        out[t, 0], out[t, 1], out[t, 2], out[t, 3] = s_hi, s_lo, q_hi, q_lo


def identity(
    bundles: Bundles,
    spans: Spans,
    out: U64,  # OUT (4,)
) -> None:
    """The draw that moves nothing: the spans in their own order through the same kernel."""
    shuffled(np.uint64(0), STILL, bundles, spans, out.reshape(1, 4))


def prepare() -> None:
    """Compile what the gate needs, or load it from the cache; nothing is drawn."""
    none, table = np.zeros(0, np.int64), np.zeros((0, 0), np.int64)
    bundles, spans = Bundles(table, none, none, none), Spans(none, none, none, none)
    shuffled(np.uint64(0), 0, bundles, spans, np.zeros((0, 4), np.uint64))
