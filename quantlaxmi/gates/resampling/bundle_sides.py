"""Random sides over option sessions: the run's own bundles, a fair coin for the side of each."""

from __future__ import annotations

import numpy as np

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.path.bundle_path import BundlePath
from quantlaxmi.gates.resampling.bundle_sweep import bundles_of, check_bounds, shown_sweep
from quantlaxmi.gates.results import GateResult, Json, ResultSpec
from quantlaxmi.schema import I64

__all__ = ["bundle_gains", "sided_bundles"]


def bundle_gains(bundles: BundlePath) -> I64:
    """Mid-to-mid PnL of every bundle, quantity times mid2.

    Returns
    -------
    ndarray of int64, shape (n_trips,)
    """
    grid = bundles.grid

    def value(i: int, row: int) -> int:
        return int(grid.mid2[int(grid.rows.put_of[i]), row, grid.rows.row_of[i]])

    return np.array(
        [
            -sum(q * value(i, action.row) for action in trip.actions for i, q in action.bundle)
            for trip in bundles.path.trips
        ],
        np.int64,
    )


def sided_bundles(context: GateContext, spec: ResultSpec, stream: str, draws: int) -> GateResult:
    """Turn each bundle by a fair coin (diagnosis).

    Raises
    ------
    Inconclusive
        Too few bundles, or money does not fit.
    PathError
        The run has no bundles over its snapshots.
    EngineError
        The bundles do not earn the replay's gross.
    """
    from quantlaxmi._jit import bundle_sides as kernels

    bundles = bundles_of(context)
    gains, days = bundle_gains(bundles), bundles.trips_by_day()
    sizes = [len(day) for day in days] if bundles.by_day else [1] * len(gains)
    unit_first = np.cumsum([0, *sizes], dtype=np.int64)
    check_bounds(bundles, [gains], max(sizes), len(sizes))
    key = np.uint64(context.key(stream))
    details: dict[str, Json] = {"trips": len(gains)}
    return shown_sweep(
        context,
        spec,
        ("random sides", draws),
        lambda _, first, out: kernels.sided(key, first, gains, unit_first, out),
        details,
        None,
    )
