"""Draws of random sides: the strategy's own trips, a fair coin for the side of each.

Gains must fit int64 in magnitude below 2**62, which the caller proves; sums are 128-bit. Draw
``t`` writes row ``t`` alone.
"""
from libc.stdint cimport int64_t, uint64_t

from quantlaxmi._ext.draw_sums cimport *
from quantlaxmi._ext.philox cimport philox_word


def random_sides(uint64_t key, int64_t first, const int64_t[::1] gains, uint64_t[:, ::1] out):
    """Sum of the gains, each turned where its bit of the draw is 1, and sum of their squares.

    Parameters
    ----------
    key : int
    first : int
        Number of the first draw.
    gains : ndarray of int64, shape (k,)
        PnL of each trip.
    out : ndarray of uint64, shape (n_draws, 4)
        OUT. S and Q as (high, low).
    """
    cdef ql_i128 sums[2]
    cdef Py_ssize_t t, j
    cdef uint64_t word = 0
    if out.shape[1] != 4:
        raise ValueError(f"out has {out.shape[1]} columns")
    with nogil:
        for t in range(out.shape[0]):
            sums[0] = sums[1] = ql_mul64(0, 0)
            for j in range(gains.shape[0]):
                if j & 63 == 0:
                    word = philox_word(key, <uint64_t>(first + t), <uint64_t>(j >> 6))
                add_value(&sums[0], -gains[j] if (word >> (j & 63)) & 1 else gains[j])
                add_square(&sums[1], gains[j])
            write_sums(&out[t, 0], sums, 2)
