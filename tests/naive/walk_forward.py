"""Naive twin of walk-forward: folds, purge and choice, from the words of docs/GATES.md."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor

Trips = Sequence[tuple[int, int, int]]  # opening decided, closing decided, closing filled


def folds(
    first: int, last: int, n: int, share: Fraction, rolling: bool
) -> list[tuple[int, int, int]]:
    """Train begin, test begin, test stop (outside) of each fold."""
    start = first + floor((last - first) * share)
    found = []
    for k in range(n):
        begin = start + floor(Fraction((last + 1 - start) * k, n))
        stop = start + floor(Fraction((last + 1 - start) * (k + 1), n))
        found.append((begin - (start - first) if rolling else first, begin, stop))
    return found


def purge(trips: Sequence[Trips], fold: tuple[int, int, int], cap: Fraction) -> int:
    """The longest decided holding of all settings' trips closed in training, capped."""
    held = [
        closed - opened
        for one in trips
        for opened, closed, filled in one
        if fold[0] <= filled < fold[1]
    ]
    return min(max(held, default=0), floor((fold[1] - fold[0]) * cap))


def choice(
    nets: Sequence[Sequence[int]],
    trips: Sequence[Trips],
    hashes: Sequence[bytes],
    ends: Sequence[int],
    first: int,
    begin: int,
    cut: int,
) -> int | None:
    """The setting with the largest net over the root of its squares, in whole buckets."""
    used = [
        k for k, end in enumerate(ends)
        if end < cut and (ends[k - 1] + 1 if k else first) >= begin
    ]  # fmt: skip
    ranked = []
    for index, net in enumerate(nets):
        values = [net[k] for k in used]
        closed = sum(begin <= filled < cut for _, _, filled in trips[index])
        if not closed or len(set(values)) < 2:
            continue
        total, squares = sum(values), sum(v * v for v in values)
        z2 = Fraction(total * abs(total), squares)  # sign and square of the statistic
        ranked.append((-z2, hashes[index], index))
    return min(ranked)[2] if ranked else None
