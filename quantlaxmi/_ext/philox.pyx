"""The counter-based generator in C, for kernels; this function is for Python and tests."""
from libc.stdint cimport uint64_t

import numpy as np


def words(uint64_t key, uint64_t draw, Py_ssize_t n, uint64_t first=0):
    """Words ``first``, ``first + 1``, ... of one draw.

    Parameters
    ----------
    key, draw : int
        From 0 to 2**64 - 1.
    n : int
    first : int

    Returns
    -------
    ndarray of uint64, shape (n,)
    """
    made = np.empty(n, dtype=np.uint64)
    cdef uint64_t[::1] out = made
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = philox_word(key, draw, first + <uint64_t>i)
    return made


def below(uint64_t word, uint64_t n):
    """``floor(word * n / 2**64)``: a number in [0, n), for 0 < n <= 2**32.

    Each has probability 1/n to within 2**-64, so within a relative 2**-32.
    """
    if not 0 < n <= <uint64_t>1 << 32:
        raise ValueError(f"n was {n}, expected 1 to 2**32")
    return philox_below(word, n)
