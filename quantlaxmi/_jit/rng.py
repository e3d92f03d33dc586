"""Random numbers as a function of (key, draw, index): Philox 4x32-10.

There is no state, so draw 7 has the same numbers whichever thread makes it, in whatever order
and after any resume. The 64-bit key comes from `quantlaxmi.gates.keys.stream_key`; the 128-bit
counter holds the draw in its high and the block in its low half. Each block of the cipher gives
two 64-bit words, so word ``index`` is half ``index & 1`` of block ``index >> 1``.

References
----------
Salmon, Moraes, Dror, Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC11.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quantlaxmi._jit.compiler import inline

__all__ = ["STILL", "below", "block", "words"]

#: In place of a draw's number: the draw that moves nothing.
STILL = -1

_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


@inline
def block(key: np.uint64, high: np.uint64, low: np.uint64) -> tuple[np.uint64, np.uint64]:
    """One block: 128 random bits of the counter ``high * 2**64 + low`` under `key`.

    Parameters
    ----------
    key, high, low : uint64

    Returns
    -------
    tuple of uint64
        Words 0 and 1 of the block; the cipher's 32-bit outputs x0..x3 are x0 | x1 << 32 and
        x2 | x3 << 32.
    """
    x0 = low & _LOW
    x1 = low >> _32
    x2 = high & _LOW
    x3 = high >> _32
    k0 = key & _LOW
    k1 = key >> _32
    for _ in range(10):
        p0 = _M0 * x0
        p1 = _M1 * x2
        x0 = (p1 >> _32) ^ x1 ^ k0
        x1 = p1 & _LOW
        x2 = (p0 >> _32) ^ x3 ^ k1
        x3 = p0 & _LOW
        k0 = (k0 + _W0) & _LOW
        k1 = (k1 + _W1) & _LOW
    return x0 | (x1 << _32), x2 | (x3 << _32)


@inline
def words(key: np.uint64, draw: int, out: npt.NDArray[np.uint64]) -> None:
    """Fill `out` with the words 0, 1, ... of one draw.

    Parameters
    ----------
    key : uint64
    draw : int64
    out : ndarray of uint64, shape (n,)
        OUT.
    """
    n = out.shape[0]
    for i in range((n + 1) >> 1):
        a, b = block(key, np.uint64(draw), np.uint64(i))
        out[2 * i] = a
        if 2 * i + 1 < n:
            out[2 * i + 1] = b


@inline
def below(word: np.uint64, n: int) -> int:
    """``floor(word * n / 2**64)``: a number in [0, n), for 0 < n <= 2**32.

    Each value has probability 1/n to within 2**-64, so within a relative 2**-32.
    """
    m = np.uint64(n)
    high: int = np.int64(((word >> _32) * m + (((word & _LOW) * m) >> _32)) >> _32)  # type: ignore[assignment]
    return high
