"""What a family gave, as plain values: the one source of the terminal, JSON and the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from quantlaxmi.batch.by_strategy import by_strategy
from quantlaxmi.batch.family import FamilyItem, FamilyResult
from quantlaxmi.batch.inference import draws_needed
from quantlaxmi.batch.other_trials import OtherTrials
from quantlaxmi.batch.report_files import report_name
from quantlaxmi.batch.survivors import survivors
from quantlaxmi.gates.results import rounded
from quantlaxmi.stats.benjamini import harmonic

__all__ = ["SINGLE_LEVEL", "family_summary", "p_text"]

#: Level of a single test, for what the correction did.
SINGLE_LEVEL = Fraction(1, 20)


def p_text(item: FamilyItem) -> str:
    """The p of an item: known, or between what its draws allow."""
    lower, upper = (f"{rounded(float(p)):.4g}" for p in (item.bounds.lower, item.bounds.upper))
    return upper if lower == upper else f"{lower} to {upper}"


def family_summary(
    found: FamilyResult, others: Mapping[str, OtherTrials] | None = None
) -> dict[str, Any]:
    """Plain values of what a family gave.

    Parameters
    ----------
    found : FamilyResult
    others : mapping of str to OtherTrials, optional
        What a trial ledger knows of the discoveries, by key; without it other trials are unknown.

    Returns
    -------
    dict
        Money and p-values are doubles rounded to nine digits, exact amounts are text.
    """
    statuses = Counter(one.row.status for one in found.items)
    funnel: Counter[str] = Counter()
    settings = 0
    for one in found.items:
        figures = None if one.row.finished is None else one.row.finished.figures
        if figures is not None:
            funnel[figures.funnel or "passed all"] += 1
            settings += figures.settings
    alone = [one for one in found.items if one.bounds.upper <= SINGLE_LEVEL]
    return {
        "version": found.version,
        "other_versions": found.other_versions,
        "q": float(found.q),
        "method": found.method,
        "full_length": found.length,
        "anytime": found.anytime,
        "items": len(found.items),
        "settings": settings,
        "other_trials_known": others is not None,
        "status": dict(sorted(statuses.items())),
        "funnel": dict(funnel.most_common()),
        "global_p": rounded(float(found.global_p)),
        "alone_at_5_percent": len(alone),
        "discoveries": [
            {**_discovery(one), "trials": _trials(one.item.key, others)} for one in survivors(found)
        ],
        "unresolved": [_unresolved(one, found) for one in found.unresolved],
        "premiums": [_named(one) for one in found.premiums],
        "strategies": [
            {
                "strategy": row.strategy,
                "items": row.items,
                "global_p": rounded(float(row.global_p)),
                "selected": row.selected,
                "discoveries": len(row.found),
                "times": row.clusters,
                "mean_t": None if row.mean_t is None else rounded(row.mean_t),
                "mean_p": None if row.mean_p is None else rounded(row.mean_p),
            }
            for row in by_strategy(found)
        ],
        "failed": [
            {**_named(one), "status": one.row.status, "error": one.row.finished.error}
            for one in found.items
            if one.row.finished is not None and not one.row.is_done
        ],
    }


def _named(one: FamilyItem) -> dict[str, Any]:
    planned = one.row.planned
    return {
        "segment": planned.segment_id,
        "strategy": planned.strategy_id,
        "key": one.key,
        "p": [rounded(float(one.bounds.lower)), rounded(float(one.bounds.upper))],
    }


def _discovery(one: Any) -> dict[str, Any]:
    figures = one.item.row.finished.figures
    return {
        **_named(one.item),
        "p_text": p_text(one.item),
        "draws": one.item.draws,
        "net": rounded(one.net),
        "net_lower": rounded(one.lower),
        "net_shrunk": None if one.shrunk is None else rounded(one.shrunk),
        "currency": figures.currency,
        "trips": figures.trips,
        "verdict": figures.verdict,
        "config_hash": figures.config_hash,
        "settings": figures.settings,
        "dsr": figures.dsr,
        "pbo": figures.pbo,
        "unseen": figures.unseen,
        "report": report_name(one.item.key),
    }


def _trials(key: str, others: Mapping[str, OtherTrials] | None) -> dict[str, int] | None:
    if others is None or key not in others:
        return None
    return {"count": others[key].count, "not_searched": others[key].not_searched}


def _unresolved(one: FamilyItem, found: FamilyResult) -> dict[str, Any]:
    """How many draws it has, and would take if no further one exceeded."""
    # With one discovery more the step-up limit would be at least this.
    rank = len(found.split.found) + 1
    limit = found.q * rank / len(found.items)
    if found.method == "by":
        limit /= harmonic(len(found.items))
    needed = min(draws_needed(one.exceedances, limit), found.length)
    return {**_named(one), "p_text": p_text(one), "draws": one.draws, "would_take": needed}
