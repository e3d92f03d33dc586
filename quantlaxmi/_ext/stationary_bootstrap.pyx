"""Draws of the stationary bootstrap: sums of resampled series.

Step i of a draw begins a new block with probability 1/L, at a uniform observation, and otherwise
goes on to the next observation, the first after the last. Both random words of step i are those
of one cipher block. Sums are int64, which the caller proves. Draw ``t`` writes row ``t`` alone.
"""
from libc.stdint cimport int64_t, uint64_t

from quantlaxmi._ext.philox cimport philox_below, philox_block


def resampled_sums(
    uint64_t key, int64_t first, uint64_t last_word, const int64_t[:, ::1] columns,
    int64_t[:, ::1] out,
):
    """Column sums over one resampled order of the rows for each draw.

    Parameters
    ----------
    key : int
    first : int
        Number of the first draw.
    last_word : int
        A block begins where the step's first word is not above it.
    columns : ndarray of int64, shape (n_observations, n_columns)
    out : ndarray of int64, shape (n_draws, n_columns)
        OUT.
    """
    cdef Py_ssize_t t, i, k, n = columns.shape[0], n_columns = columns.shape[1]
    cdef int64_t at
    cdef uint64_t block[2]
    if out.shape[1] != n_columns:
        raise ValueError(f"out has {out.shape[1]} columns")
    with nogil:
        for t in range(out.shape[0]):
            at = 0
            for k in range(n_columns):
                out[t, k] = 0
            for i in range(n):
                philox_block(key, <uint64_t>(first + t), <uint64_t>i, block)
                at += 1
                if i == 0 or block[0] <= last_word:
                    at = philox_below(block[1], n)
                elif at == n:
                    at = 0
                for k in range(n_columns):
                    out[t, k] += columns[at, k]
