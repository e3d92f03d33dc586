"""Combinatorial purged cross-validation: its splits, its paths, and what a split may train on."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

__all__ = ["CombinatorialSplits", "combinatorial_splits", "training_rows"]


@dataclass(frozen=True, slots=True)
class CombinatorialSplits:
    """Splits and backtest paths.

    Attributes
    ----------
    splits : tuple of tuple of int
        Test groups of each split, in lexicographic order.
    paths : tuple of tuple of int
        For each path the split that tests each group; a split gives each of its groups to one path.
    """

    splits: tuple[tuple[int, ...], ...]
    paths: tuple[tuple[int, ...], ...]


def combinatorial_splits(groups: int, tested: int) -> CombinatorialSplits:
    """All ways to test `tested` of `groups` groups, and the paths they join to.

    Parameters
    ----------
    groups : int
        N, from 2 to 20.
    tested : int
        k, from 1 to N - 1.

    Returns
    -------
    CombinatorialSplits
        C(N, k) splits and C(N - 1, k - 1) paths.

    Raises
    ------
    ValueError
        When the numbers are out of range.

    References
    ----------
    Lopez de Prado (2018), Advances in financial machine learning, ch. 12.
    """
    if not 2 <= groups <= 20 or not 1 <= tested < groups:
        raise ValueError(f"{tested} of {groups} groups, expected 1 <= k < N and 2 <= N <= 20")
    splits = tuple(itertools.combinations(range(groups), tested))
    holding = [[s for s, split in enumerate(splits) if g in split] for g in range(groups)]
    return CombinatorialSplits(splits, tuple(zip(*holding, strict=True)))


def training_rows(
    n: int, groups: int, test: tuple[int, ...], *, purge: int = 0, embargo: int = 0
) -> tuple[tuple[int, int], ...]:
    """Spans of rows that a split may be trained on.

    Parameters
    ----------
    n : int
        Rows, at least `groups`; group g holds rows ``g n // N`` up to ``(g + 1) n // N``.
    groups : int
    test : tuple of int
        Test groups, ascending.
    purge : int
        Rows left out before each test block: as many as an outcome reaches forward.
    embargo : int
        Rows left out after each test block, in addition to `purge` rows.

    Returns
    -------
    tuple of (int, int)
        First and end row of each block.

    Raises
    ------
    ValueError
        When there are fewer rows than groups, or a length is negative.
    """
    if n < groups or purge < 0 or embargo < 0:
        raise ValueError(f"{n} rows in {groups} groups, purge {purge}, embargo {embargo}")
    barred = [
        (max(0, g * n // groups - purge), min(n, (g + 1) * n // groups + purge + embargo))
        for g in sorted(test)
    ]
    found, at = [], 0
    for first, end in barred:
        if first > at:
            found.append((at, first))
        at = max(at, end)
    if at < n:
        found.append((at, n))
    return tuple(found)
