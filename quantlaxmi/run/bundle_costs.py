"""Cost of trading out what bundles may not keep."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.fixed import int128_halves, int128_sum
from quantlaxmi.run.attribution import Attributions
from quantlaxmi.schema import FillFlag


def costed_bundles(
    bundles: NDArray[Any], fills: NDArray[Any], attributions: Attributions
) -> NDArray[Any]:
    """Return the rows of bundles with the cost of each one's hedging out.

    The cost is slippage and fees of the fills with ``HEDGE_OUT``, as attributed: compared with the
    mids that the bundle's decision saw. So it has the moves of the market since then in it.

    Parameters
    ----------
    bundles : ndarray of BUNDLE_DTYPE
        As the engine wrote them, without costs; ascending neither in decision nor in time alone.
    fills : ndarray of FILL_DTYPE
    attributions : Attributions
        Of these fills.

    Returns
    -------
    ndarray of BUNDLE_DTYPE
        Read-only.
    """
    if len(bundles) == 0:
        return bundles
    found = bundles.copy()
    hedged = np.flatnonzero((fills["flags"] & FillFlag.HEDGE_OUT) != 0)
    decision = fills["decision"][hedged]
    order = np.argsort(decision, kind="stable")
    hedged, decision = hedged[order], decision[order]
    first = np.searchsorted(decision, found["decision"], side="left")
    stop = np.searchsorted(decision, found["decision"], side="right")
    parts = [attributions.halves(name) for name in ("slippage", "fee")]
    costs = [
        sum(int128_sum(hi[hedged[a:b]], lo[hedged[a:b]]) for hi, lo in parts)
        for a, b in zip(first.tolist(), stop.tolist(), strict=True)
    ]
    found["cost_hi"], found["cost_lo"] = int128_halves(costs)
    found.flags.writeable = False
    return found
