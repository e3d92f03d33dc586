"""Inference over a family of items: which of them are discoveries, and what is still open.

Discoveries are *defined* as those of Benjamini and Hochberg on p-values of full length, and
*computed* in stages: an item whose draws are not all made has a lower and an upper bound of its p
that hold for every continuation. The procedure is monotone, so what it rejects on all upper bounds
is rejected, and what it does not reject on all lower bounds is not: no order, batch or interruption
changes the answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from quantlaxmi.batch.records import FIRST, KindCounts
from quantlaxmi.stats.benjamini import harmonic

__all__ = [
    "LEAST_DRAWS",
    "STAGES",
    "Bounds",
    "Member",
    "Split",
    "anytime_bounds",
    "anytime_length",
    "count_bounds",
    "draws_needed",
    "family_length",
    "next_stage",
    "rejected",
    "split",
]

Method = Literal["bh", "by"]
#: Fewest draws of each kind that a p of full length has.
LEAST_DRAWS: Final = 19_999
#: Draws at which a family looks who goes on.
STAGES: Final = (199, 1_999, LEAST_DRAWS)
_ONE: Final = Fraction(1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which a p lies; both are equal where it is known.

    Attributes
    ----------
    lower, upper : Fraction
    """

    lower: Fraction
    upper: Fraction

    @property
    def is_exact(self) -> bool:
        """Whether the p is known."""
        return self.lower == self.upper

    def joined(self, other: Bounds) -> Bounds:
        """Bounds of the larger of two p."""
        return Bounds(max(self.lower, other.lower), max(self.upper, other.upper))


@dataclass(frozen=True, slots=True)
class Member:
    """An item of a family.

    Attributes
    ----------
    key : str
    bounds : Bounds
    """

    key: str
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Split:
    """What is known of a family.

    Attributes
    ----------
    found : tuple of str
        Discoveries, by key.
    open : tuple of str
        Items that further draws may make discoveries or not.
    threshold : Fraction
        Largest p that is rejected on the upper bounds; 0 where none is.
    """

    found: tuple[str, ...]
    open: tuple[str, ...]
    threshold: Fraction


def family_length(items: int, q: Fraction) -> int:
    """Return the draws of a full-length p: enough that the smallest can be rejected alone.

    Parameters
    ----------
    items : int
        Of the family.
    q : Fraction
        Rate of false discoveries.

    Examples
    --------
    >>> family_length(220, Fraction(1, 10)), family_length(10_000, Fraction(1, 10))
    (19999, 199999)
    """
    return max(LEAST_DRAWS, math.ceil(2 * items / q) - 1)


def anytime_length(items: int, q: Fraction) -> int:
    """Return the draws up to which a family that grew goes on: the smallest p is rejected alone.

    Parameters
    ----------
    items : int
        Of the family as it is now.
    q : Fraction
        Rate of false discoveries.

    Examples
    --------
    >>> anytime_length(100, Fraction(1, 10)), anytime_length(500, Fraction(1, 10))
    (19999, 50000)
    """
    return max(LEAST_DRAWS, math.ceil(FIRST * items / q))


def count_bounds(counts: KindCounts, length: int) -> Bounds:
    """Bounds of the sequential p of full length, from the draws that were made.

    With h = 10: the p is h/T where the h-th exceedance is draw T of at most n, else
    (b + 1)/(n + 1).

    Parameters
    ----------
    counts : KindCounts
        With the places of the first exceedances, or without.
    length : int
        n.

    References
    ----------
    Besag, Clifford (1991), Sequential Monte Carlo p-values, Biometrika 78(2).
    """
    b, made = counts.exceedances, counts.draws
    smallest = Fraction(1, length + 1)
    if len(counts.first) == FIRST and counts.first[-1] <= length:
        return Bounds(*[Fraction(FIRST, counts.first[-1])] * 2)
    if made > length:  # what the first n gave is not known without places
        before = [place for place in counts.first if place <= length]
        if len(counts.first) == min(b, FIRST):
            return Bounds(*[Fraction(len(before) + 1, length + 1)] * 2)
        return Bounds(smallest, _ONE)
    if b >= FIRST:  # the tenth is one of draw 10 to draw made - (b - 10)
        return Bounds(Fraction(FIRST, made - b + FIRST), _ONE)
    lower = Fraction(b + 1, length + 1)
    soonest = made + FIRST - b
    if soonest <= length:
        return Bounds(lower, Fraction(FIRST, soonest))
    return Bounds(lower, Fraction(b + length - made + 1, length + 1))


def anytime_bounds(counts: KindCounts, length: int) -> Bounds:
    """Bounds of the p that holds whenever drawing stops, for drawing up to a length.

    It is h/(l + h - b) after l draws, then h/T; it never rises. So what it is now is the upper
    bound, and the lower one is what it comes to if no further draw exceeds.

    Parameters
    ----------
    counts : KindCounts
        With the places of the first exceedances, or without.
    length : int
        Draws that the family can want by now.

    References
    ----------
    Fischer, Barry, Ramdas (2024), Multiple testing with anytime-valid Monte Carlo p-values,
    arXiv:2404.15586.
    """
    b, made = counts.exceedances, counts.draws
    if len(counts.first) == FIRST:
        return Bounds(*[Fraction(FIRST, counts.first[-1])] * 2)
    if b >= FIRST:  # the tenth is one of draw 10 to draw made - (b - 10)
        return Bounds(Fraction(FIRST, made - b + FIRST), _ONE)
    most = max(made, length)
    return Bounds(Fraction(FIRST, most + FIRST - b), Fraction(FIRST, made + FIRST - b))


def rejected(p_values: Sequence[Fraction], q: Fraction, method: Method = "bh") -> Fraction | None:
    """The largest p that is rejected at rate q; None where none is.

    Parameters
    ----------
    p_values : sequence of Fraction
        Of the whole family.
    q : Fraction
    method : {"bh", "by"}
        Benjamini-Hochberg, or Benjamini-Yekutieli for any dependence.

    References
    ----------
    Benjamini, Hochberg (1995), J. R. Statist. Soc. B 57; Benjamini, Yekutieli (2001), Annals of
    Statistics 29.
    """
    n = len(p_values)
    if not n:
        return None
    step = q / n if method == "bh" else q / (n * harmonic(n))
    small = sorted(p for p in p_values if p <= q)  # a larger one is never rejected
    for rank in range(len(small), 0, -1):
        if small[rank - 1] <= rank * step:
            return small[rank - 1]
    return None


def split(members: Iterable[Member], q: Fraction, method: Method = "bh") -> Split:
    """Discoveries of a family, and the items that are still open.

    Parameters
    ----------
    members : iterable of Member
        All planned items: one without a p of its own has p = 1.
    q : Fraction
    method : {"bh", "by"}
    """
    given = list(members)
    surely = rejected([one.bounds.upper for one in given], q, method)
    perhaps = rejected([one.bounds.lower for one in given], q, method)
    found = [m.key for m in given if surely is not None and m.bounds.upper <= surely]
    # Monotone: whatever is rejected on the upper bounds is rejected on the lower ones.
    reached = [m.key for m in given if perhaps is not None and m.bounds.lower <= perhaps]
    known = set(found)
    still = tuple(sorted(key for key in reached if key not in known))
    return Split(tuple(sorted(found)), still, surely or Fraction(0))


def next_stage(made: int, length: int) -> int:
    """Draws at which an item stops next; the length where it has no further stage."""
    return next((stage for stage in STAGES if made < stage <= length), length)


def draws_needed(exceedances: int, threshold: Fraction) -> int:
    """Draws in all after which the upper bound is at the threshold, if none more exceeds.

    Parameters
    ----------
    exceedances : int
    threshold : Fraction
        Above 0.
    """
    return max(0, math.ceil(FIRST / threshold) - FIRST + exceedances)
