"""A family of several strategies: which of them has anything, and which earn on average."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from quantlaxmi.batch.family import FamilyItem, FamilyResult
from quantlaxmi.batch.inference import Member, rejected, split
from quantlaxmi.batch.records import Figures
from quantlaxmi.stats.simes import simes
from quantlaxmi.stats.student_t import t_tail

__all__ = ["LEAST_CLUSTERS", "StrategyRow", "by_strategy", "time_clusters"]

#: Disjoint times below which a mean over them is shown and no p is made of it.
LEAST_CLUSTERS: Final = 10


@dataclass(frozen=True, slots=True)
class StrategyRow:
    """A strategy over all its items.

    Attributes
    ----------
    strategy : str
    items : int
    global_p : Fraction
        Simes' p that it has an edge in no item.
    selected : bool
        Whether Benjamini-Hochberg over the strategies rejects that.
    found : tuple of str
        Its discoveries, by key, at the rate that is left within selected strategies.
    clusters : int
        Disjoint times that its judged items cover.
    mean_t : float or None
        Mean over these times of the mean t of their items.
    mean_p : float or None
        One-sided p that it earns nothing on average; None for under ten times.
    """

    strategy: str
    items: int
    global_p: Fraction
    selected: bool
    found: tuple[str, ...]
    clusters: int
    mean_t: float | None
    mean_p: float | None


def by_strategy(found: FamilyResult) -> tuple[StrategyRow, ...]:
    """Judge the strategies of a family, then the items of those that are selected.

    Simes' p for each strategy, Benjamini-Hochberg over the S strategies, and within each of the R
    selected ones Benjamini-Hochberg at q R/S. P-values that are not known yet stand with their
    upper bounds.

    Parameters
    ----------
    found : FamilyResult

    References
    ----------
    Benjamini, Bogomolov (2014), Selective inference on multiple families of hypotheses,
    J. R. Statist. Soc. B 76.
    """
    groups: dict[str, list[FamilyItem]] = {}
    for one in found.items:
        groups.setdefault(one.row.planned.strategy_id, []).append(one)
    names = sorted(groups)
    globals_ = [simes([one.bounds.upper for one in groups[name]]) for name in names]
    most = rejected(globals_, found.q, found.method)
    selected = [most is not None and p <= most for p in globals_]
    within = found.q * sum(selected) / max(len(names), 1)
    rows = []
    for name, p, chosen in zip(names, globals_, selected, strict=True):
        items = groups[name]
        kept: tuple[str, ...] = ()
        if chosen:
            kept = split((Member(one.key, one.bounds) for one in items), within, found.method).found
        clusters, mean, mean_p = _average(items)
        rows.append(StrategyRow(name, len(items), p, chosen, kept, clusters, mean, mean_p))
    return tuple(rows)


def time_clusters(spans: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Groups of spans that overlap, directly or by others between; indices by group.

    Parameters
    ----------
    spans : iterable of (int, int)
        First and last time, both inside.

    Examples
    --------
    >>> time_clusters([(0, 10), (20, 30), (5, 12), (12, 13)])
    [[0, 2, 3], [1]]
    """
    given = list(spans)
    found: list[list[int]] = []
    end = 0
    for index in sorted(range(len(given)), key=lambda k: given[k]):
        first, last = given[index]
        if found and first <= end:
            found[-1].append(index)
            end = max(end, last)
        else:
            found.append([index])
            end = last
    return found


def _average(items: Sequence[FamilyItem]) -> tuple[int, float | None, float | None]:
    """Disjoint times, the mean t over them, and its p."""
    judged = [(one, figures) for one in items if (figures := _judged(one)) is not None]
    spans = [(one.row.planned.first_ts_ns, one.row.planned.last_ts_ns) for one, _ in judged]
    means = []
    for group in time_clusters(spans):
        values = [_t(judged[k][1]) for k in group]
        means.append(math.fsum(values) / len(values))
    n = len(means)
    if not n:
        return 0, None, None
    mean = math.fsum(means) / n
    if n < LEAST_CLUSTERS:
        return n, mean, None
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in means) / (n - 1))
    if not sd:
        return n, mean, None
    return n, mean, t_tail(Decimal(repr(mean / (sd / math.sqrt(n)))), n - 1)


def _judged(item: FamilyItem) -> Figures | None:
    figures = None if item.row.finished is None else item.row.finished.figures
    if figures is None or not figures.buckets or not float(figures.sd):
        return None
    return figures


def _t(figures: Figures) -> float:
    return float(figures.net) / (float(figures.sd) * math.sqrt(figures.buckets))
