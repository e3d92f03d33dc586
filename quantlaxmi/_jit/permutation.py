"""Sweep kernel of the label permutation: runs of constant position in random order.

The PnL of a run that holds position P over rows a..b is P times the move of the mid from a to b.
Runs stay inside their block, so a draw is one walk over the runs. The PnL of one run must fit
int64, which the caller proves; sums are 128-bit. Draw ``t`` writes slot ``t`` alone.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from quantlaxmi._jit.compiler import inline, kernel
from quantlaxmi._jit.random_entry import bundle_value
from quantlaxmi._jit.rng import below, words
from quantlaxmi._jit.wide import add_signed, add_square
from quantlaxmi.schema import I64, U64

__all__ = ["identity", "shuffled"]


_CHUNK = 32


@inline
def _walk(
    order: I64,  # IN  (n_runs,) which run stands j-th
    columns: I64,  # IN  (n_rows, n_columns)
    term_first: I64,
    term_column: I64,
    term_coefficient: I64,
    block_first: I64,  # IN  (n_blocks + 1,) into the runs
    block_row: I64,  # IN  (n_blocks,) first row of each block
    run_length: I64,  # IN  (n_runs,) in rows
    run_position: I64,  # IN  (n_runs,) bundle held, -1: flat
    out: U64,  # OUT (4,) S and Q as (high, low)
) -> None:
    s_hi = s_lo = q_hi = q_lo = np.uint64(0)
    for b in range(block_row.shape[0]):
        row = block_row[b]
        for j in range(block_first[b], block_first[b + 1]):
            run = order[j]
            end = row + run_length[run]
            position = run_position[run]
            if position >= 0:
                gain = bundle_value(
                    columns, term_first, term_column, term_coefficient, position, end
                ) - bundle_value(columns, term_first, term_column, term_coefficient, position, row)
                s_hi, s_lo = add_signed(s_hi, s_lo, gain)
                q_hi, q_lo = add_square(q_hi, q_lo, gain)
            row = end
    out[0], out[1], out[2], out[3] = s_hi, s_lo, q_hi, q_lo


@kernel
def shuffled(
    key: np.uint64,
    first: int,  # number of the first draw
    columns: I64,
    term_first: I64,
    term_column: I64,
    term_coefficient: I64,
    block_first: I64,
    block_row: I64,
    run_length: I64,
    run_position: I64,
    out: U64,  # OUT (n_draws, 4)
) -> None:
    """Sum and sum of squares of the runs' PnL, runs shuffled inside their blocks."""
    n_draws = out.shape[0]
    n_runs = run_length.shape[0]
    for chunk in prange((n_draws + _CHUNK - 1) // _CHUNK):
        random = np.empty(n_runs, np.uint64)
        order = np.empty(n_runs, np.int64)
        for t in range(chunk * _CHUNK, min(n_draws, (chunk + 1) * _CHUNK)):
            words(key, first + t, random)
            for i in range(n_runs):
                order[i] = i
            for b in range(block_row.shape[0]):
                low = block_first[b]
                for i in range(block_first[b + 1] - 1, low, -1):
                    j = low + below(random[i], i - low + 1)
                    held = order[i]
                    order[i] = order[j]
                    order[j] = held
            _walk(
                order,
                columns,
                term_first,
                term_column,
                term_coefficient,
                block_first,
                block_row,
                run_length,
                run_position,
                out[t],
            )


@inline
def identity(
    columns: I64,
    term_first: I64,
    term_column: I64,
    term_coefficient: I64,
    block_first: I64,
    block_row: I64,
    run_length: I64,
    run_position: I64,
    out: U64,  # OUT (4,)
) -> None:
    """The draw that moves nothing: the runs in their own order through the same walk."""
    _walk(
        np.arange(run_length.shape[0]),
        columns,
        term_first,
        term_column,
        term_coefficient,
        block_first,
        block_row,
        run_length,
        run_position,
        out,
    )
