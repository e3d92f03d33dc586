"""What discoveries earn, allowed for their having been selected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from quantlaxmi.batch.family import FamilyItem, FamilyResult
from quantlaxmi.batch.records import Figures

__all__ = ["LEAST_SHRUNK", "Survivor", "shrunk_means", "survivors"]

#: Items of a family from which on a mean is shrunk towards that of all.
LEAST_SHRUNK: Final = 200


@dataclass(frozen=True, slots=True)
class Survivor:
    """What a discovery earned.

    Attributes
    ----------
    item : FamilyItem
    net : float
        Of its segment; as an estimate it is selected, and too large.
    lower : float
        Lower end of an interval for it that allows for the selection.
    shrunk : float or None
        Empirical-Bayes mean, in families of at least 200 items.
    """

    item: FamilyItem
    net: float
    lower: float
    shrunk: float | None


def survivors(found: FamilyResult) -> tuple[Survivor, ...]:
    """The discoveries of a family, with what they earn.

    Each has net PnL S over n clock buckets with standard deviation s, so its standard error is
    s sqrt(n). Of R discoveries among M items the lower end is S - z(1 - R q/M) s sqrt(n): of such
    ends the mean share that lies above the true value is at most q.

    Parameters
    ----------
    found : FamilyResult

    References
    ----------
    Benjamini, Yekutieli (2005), False discovery rate-adjusted multiple confidence intervals for
    selected parameters, J. Am. Statist. Assoc. 100.
    """
    discovered = found.discoveries
    if not discovered:
        return ()
    share = float(len(discovered) * found.q / len(found.items))
    z = NormalDist().inv_cdf(1 - share)
    means = shrunk_means(found.items)
    made = []
    for one in discovered:
        net, error = _net_and_error(one)
        made.append(Survivor(one, net, net - z * error, means.get(one.key)))
    return tuple(made)


def shrunk_means(items: Sequence[FamilyItem]) -> dict[str, float]:
    """Empirical-Bayes means of net PnL, by key; empty in families of under 200 items.

    The t of all items that were judged have mean m and variance v; each is drawn to m by the share
    1/v of its distance: all of it where they vary no more than chance lets them.

    References
    ----------
    Efron, Morris (1975), Data analysis using Stein's estimator and its generalizations, J. Am.
    Statist. Assoc. 70.
    """
    if len(items) < LEAST_SHRUNK:
        return {}
    made: dict[str, tuple[float, float]] = {}
    for one in items:
        if _figures(one) is not None:
            net, error = _net_and_error(one)
            if error > 0:
                made[one.key] = net / error, error
    if len(made) < LEAST_SHRUNK:
        return {}
    mean = math.fsum(t for t, _ in made.values()) / len(made)
    variance = math.fsum((t - mean) ** 2 for t, _ in made.values()) / (len(made) - 1)
    kept = max(0.0, 1.0 - 1.0 / variance) if variance > 0 else 0.0
    return {key: (mean + kept * (t - mean)) * error for key, (t, error) in made.items()}


def _figures(item: FamilyItem) -> Figures | None:
    """Figures of an item whose equity was judged."""
    figures = None if item.row.finished is None else item.row.finished.figures
    return figures if figures is not None and figures.buckets else None


def _net_and_error(item: FamilyItem) -> tuple[float, float]:
    """Net PnL of a segment and its standard error.

    The mean of the equity test is not used: it counts the worst bucket once more.
    """
    figures = _figures(item)
    assert figures is not None
    return float(figures.net), float(figures.sd) * math.sqrt(figures.buckets)
