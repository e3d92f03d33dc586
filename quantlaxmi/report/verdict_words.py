"""What the verdict line says of selection and of holdouts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from quantlaxmi.counted import counted

__all__ = ["holdout_words", "selection_words"]


def selection_words(
    results: Iterable[Mapping[str, Any]], trials: Mapping[str, Any] | None, edge: str | None = None
) -> str:
    """Which settings the draws searched, and what is known of others that were tried.

    Parameters
    ----------
    results : iterable of mapping
        Of the suites that ran, in order.
    trials : mapping or None
        What the ledger knew; None without one.
    edge : str or None
        What a PASS rests on: draws allow for the choice of timing, never for that of a premium.
    """
    searched = 1
    for result in results:
        found = result.get("details", {}).get("settings_searched")
        searched = found if isinstance(found, int) else searched
    tested = searched > 1
    text = (
        f"best of {counted(searched, 'setting[s]')} allowed for"
        if tested
        else "selection not tested"
    )
    if tested and edge == "premium":
        text = f"best of {counted(searched, 'setting[s]')}, whose premiums' selection is not tested"
    if trials is None:
        return f"{text}, other trials unknown" if tested else f"{text}, trials unknown"
    count, others = trials.get("count"), trials.get("not_searched")
    ledger = "1 trial" if count == 1 else f"{count} trials"
    return f"{text}, {ledger} in the ledger, {others} of their settings not searched"


def holdout_words(holdout: Mapping[str, Any] | None) -> list[str]:
    """What there is to say of rows that were sealed.

    Parameters
    ----------
    holdout : mapping or None
        What the report holds of seals.
    """
    if holdout is None:
        return []
    if holdout.get("judged"):
        return ["sealed rows, opened once for this setting, by the equity test alone"]
    return ["NOT FRESH: rows of a holdout that was opened before"]
