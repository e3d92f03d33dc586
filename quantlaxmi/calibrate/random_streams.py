"""Random streams of a calibration run: integers, each a function of (key, stream, position).

The key of a run comes from `quantlaxmi.gates.keys.stream_key`, so run 7 of a scenario is the same
whichever process makes it and whatever was run before.

References
----------
Salmon, Moraes, Dror, Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC11.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from quantlaxmi.gates.keys import stream_key
from quantlaxmi.schema import I64

__all__ = ["BELL_SD", "NOISE", "Draws", "bell", "below", "run_key", "sub_key", "words"]

#: The stream of a market's moves.
NOISE = 10
#: Standard deviation of `bell`.
BELL_SD = float(np.sqrt((2.0**32 - 1.0) / 3.0))


def run_key(seed: int, scenario: str, run: int) -> int:
    """The 64-bit key of one run of one scenario."""
    return stream_key(seed, run.to_bytes(8, "little"), b"", f"calibrate.{scenario}")


def sub_key(key: int, number: int) -> int:
    """The key of a part of a run, such as one of fifty strategies; below 2**62."""
    parts = key.to_bytes(8, "little") + number.to_bytes(8, "little")
    return int.from_bytes(hashlib.sha256(parts).digest()[:8], "little") >> 2


def words(key: int, stream: int, n: int) -> npt.NDArray[np.uint64]:
    """The first `n` words of a stream of a run: raw Philox 4x64 output."""
    state = np.array([key & (2**64 - 1), stream], np.uint64)
    return np.random.Philox(key=state).random_raw(n)


def below(key: int, stream: int, n: int, bound: int) -> I64:
    """`n` uniform integers in [0, bound), `bound` at most 2**32."""
    high = words(key, stream, n) >> np.uint64(32)
    return (high * np.uint64(bound) >> np.uint64(32)).astype(np.int64)


def bell(key: int, stream: int, n: int) -> I64:
    """`n` bell-shaped integers, symmetric about 0: sums of four uniform ones of 16 bits."""
    quarters = words(key, stream, n).view(np.uint16).reshape(n, 4)
    total: I64 = quarters.sum(axis=1, dtype=np.int64)
    return total - 2 * (2**16 - 1)


class Draws:
    """The random numbers of one run.

    A test replaces single numbers: with the noise of one row mirrored, the moves of a market
    without an edge cancel, and nothing before that row has changed.

    Parameters
    ----------
    key : int
        Key of the run.
    """

    def __init__(self, key: int) -> None:
        self.key = key

    def bell(self, stream: int, n: int) -> I64:
        """See `bell`."""
        return bell(self.key, stream, n)

    def below(self, stream: int, n: int, bound: int) -> I64:
        """See `below`."""
        return below(self.key, stream, n, bound)

    def noise(self, n: int) -> I64:
        """The noise of a market's moves, one number a row."""
        return self.bell(NOISE, n)

    def sides(self, stream: int, n: int) -> I64:
        """`n` fair coins, 1 or -1."""
        return 2 * self.below(stream, n, 2) - 1

    def lengths(self, stream: int, rows: int, shortest: int, longest: int) -> I64:
        """Uniform lengths from `shortest` to `longest`, enough of them to fill `rows`."""
        return self.below(stream, rows // shortest + 2, longest - shortest + 1) + shortest

    def sub_key(self, number: int) -> int:
        """See `sub_key`."""
        return sub_key(self.key, number)
