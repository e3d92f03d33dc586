"""How many different arrangements a null has: exact while small, else its logarithm."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

__all__ = ["Arrangements", "counted", "orders", "placements"]

#: Above this the count is kept as a logarithm alone.
_EXACT = 1_000_000


class Arrangements:
    """A number of arrangements.

    Parameters
    ----------
    log10 : float
        Decimal logarithm of the number.
    exact : int or None
        The number itself where it is at most a million.
    """

    __slots__ = ("exact", "log10")

    def __init__(self, log10: float, exact: int | None) -> None:
        self.log10 = log10
        self.exact = exact

    def fewer_than(self, limit: int) -> bool:
        """Whether there are fewer than `limit`, which is at most a million."""
        return self.exact is not None and self.exact < limit

    def text(self) -> str:
        """The number for a sentence: ``720`` or ``10^83.2``."""
        return str(self.exact) if self.exact is not None else f"10^{self.log10:.1f}"


def counted(number: int) -> Arrangements:
    """A number of arrangements that is known.

    Parameters
    ----------
    number : int
        At least 1.

    Examples
    --------
    >>> counted(720).text(), counted(10**9).text()
    ('720', '10^9.0')
    """
    return Arrangements(math.log10(number), number if number <= _EXACT else None)


def _log_orders(kinds: Iterable[int]) -> float:
    counts = list(kinds)
    return math.lgamma(sum(counts) + 1) - math.fsum(math.lgamma(c + 1) for c in counts)


def _exact_orders(kinds: Iterable[int]) -> int:
    counts = list(kinds)
    return math.factorial(sum(counts)) // math.prod(math.factorial(c) for c in counts)


def placements(trips: Sequence[Hashable], free: int) -> Arrangements:
    """Ways to place trips in any order, without overlap, among `free` rows outside all of them.

    Parameters
    ----------
    trips : sequence of hashable
        One key a trip; equal keys are interchangeable.
    free : int
        At least 0.
    """
    k = len(trips)
    kinds = Counter(trips).values()
    log = _log_orders(kinds)
    log += math.lgamma(free + k + 1) - math.lgamma(free + 1) - math.lgamma(k + 1)
    log10 = log / math.log(10)
    if log10 > math.log10(_EXACT) - 1e-3:
        return Arrangements(log10, None)
    return Arrangements(log10, _exact_orders(kinds) * math.comb(free + k, k))


def orders(blocks: Sequence[Sequence[Hashable]]) -> Arrangements:
    """Orders of the members of every block, equal members being interchangeable.

    Parameters
    ----------
    blocks : sequence of sequences of hashable
    """
    kinds = [list(Counter(block).values()) for block in blocks]
    log10 = math.fsum(_log_orders(k) for k in kinds) / math.log(10)
    if log10 > math.log10(_EXACT) - 1e-3:
        return Arrangements(log10, None)
    return Arrangements(log10, math.prod(_exact_orders(k) for k in kinds))
