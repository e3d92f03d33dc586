"""Label permutation over option sessions: each day's spans of constant position in random order."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.path.bounds import BoundError
from quantlaxmi.gates.path.bundle_spans import day_spans
from quantlaxmi.gates.reasons import too_large
from quantlaxmi.gates.resampling.bundle_sweep import (
    bundles_of,
    check_bounds,
    joined,
    shown_sweep,
)
from quantlaxmi.gates.results import GateResult, Inconclusive, Json, ResultSpec, rounded
from quantlaxmi.stats.arrangements import orders

if TYPE_CHECKING:
    from quantlaxmi._jit import bundle_orders as kernels

__all__ = ["permuted_labels"]

#: Draws that tell how often a day keeps its own order.
_LOOKED_AT: Final = 256
#: Largest share of days that may keep it: what is kept of the strategy hides what chance would do.
_MOST_KEPT: Final = Fraction(1, 10)


def permuted_labels(context: GateContext, spec: ResultSpec, n_perms: int) -> GateResult:
    """Shuffle the spans of each session day, each struck anew where it falls (diagnosis).

    Blocks are session days and never grow, since no bundle is held overnight. Orders in which a
    span falls where its contracts are not quoted do not count; a day of which none that was tried
    is quoted keeps its own.

    Raises
    ------
    Inconclusive
        Too few bundles or arrangements, too many days that keep their order, or money does not fit.
    PathError
        The run has no bundles that could stand elsewhere.
    EngineError
        The identity draw is not the replay.
    """
    from quantlaxmi._jit import bundle_orders as kernels

    bundles = bundles_of(context)
    try:
        days = day_spans(bundles)
    except BoundError as error:
        raise Inconclusive(too_large(error), {"trips": len(bundles.path.trips)}) from error
    spans = [table for day in days for table in day.tables]
    tables = [table for table in spans if table is not None]
    sizes = np.cumsum([0, *(0 if one is None else len(one[0]) for one in spans)])
    most = max(len(day.tables) for day in days) if bundles.by_day else 1
    check_bounds(bundles, [gains for gains, _ in tables], most, len(spans))
    arguments = kernels.Orders(
        np.cumsum([0, *(len(day.tables) for day in days)], dtype=np.int64),
        np.array([n for day in days for n in day.length], np.int64),
        np.where([one is not None for one in spans], sizes[:-1], -1).astype(np.int64),
        joined([gains for gains, _ in tables], np.int64),
        joined([quoted for _, quoted in tables], np.bool_),
        bundles.by_day,
    )
    details: dict[str, Json] = {
        "trips": len(bundles.path.trips),
        "rows": len(bundles.grid.seq),
        "spans": len(spans),
        "spans_not_flat": len(tables),
        "blocks": len(days),
        "block": "session day",
        "spans_a_day": rounded(len(spans) / len(days)),
    }
    arrangements = orders([day.kinds() for day in days])
    kept = _share_kept(context, spec, arguments, min(_LOOKED_AT, n_perms))
    details["share_of_days_kept"] = rounded(float(kept))
    if kept > _MOST_KEPT:
        raise Inconclusive(
            f"Session days of which no order in {kernels.MOST_TRIES} tries is quoted, so that they "
            f"keep their own: {float(kept):.1%}, at most {float(_MOST_KEPT):.0%} expected. Trade "
            "contracts that are quoted all day.",
            details | {"unit": bundles.unit, "arrangements": arrangements.text()},
        )
    found = shown_sweep(
        context,
        spec,
        ("permutations within session days", n_perms),
        lambda key, first, out: kernels.ordered(
            key, first, arguments, out, np.empty(len(out), np.int64)
        ),
        details,
        arrangements,
    )
    if not kept:
        return found
    said = f"Days that keep their own order, since no other was found quoted: {float(kept):.2%}."
    return replace(found, reasons=(*found.reasons, said))


def _share_kept(
    context: GateContext, spec: ResultSpec, spans: kernels.Orders, draws: int
) -> Fraction:
    """Share of the days of the first draws that keep their order."""
    from quantlaxmi._jit import bundle_orders as kernels
    from quantlaxmi._jit.compiler import running

    key, kept = np.uint64(context.key(spec.name)), np.empty(draws, np.int64)
    with running(context.threads):
        kernels.ordered(key, 0, spans, np.empty((draws, 4), np.uint64), kept)
    return Fraction(int(kept.sum()), draws * (len(spans.day_span) - 1))
