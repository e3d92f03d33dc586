"""What one setting of a grid earned from mid to mid, and the hash of its run.

It is `quantlaxmi.run.bucket_sums.z_sums` of the finished run, by a kernel from the engine's
records: no fill is attributed in Python. Where the kernel cannot tell (a closing that nobody
decided, money in several currencies), the run is made whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from quantlaxmi._ext.bucket_sums import bucket_sums
from quantlaxmi._ext.trip_times import trip_times
from quantlaxmi.errors import FixedPointOverflow
from quantlaxmi.execution.conversion import Conversion
from quantlaxmi.run.grid_market import GridMarket
from quantlaxmi.run.replay import make_header, run_columns
from quantlaxmi.run.session import Session
from quantlaxmi.run.trial_lines import SettingGross, gross_of_run
from quantlaxmi.schema import I64
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.trace import OUTCOME_TABLES, DecisionTrace

__all__ = ["gross_of_setting"]


def gross_of_setting(
    market: GridMarket,
    bind: Callable[[], BoundStrategy],
    conversion: Conversion | None = None,
    *,
    hashed: bool = True,
) -> SettingGross:
    """Run one setting, and say what it made: equal to `gross_of_run` of the whole run.

    Parameters
    ----------
    market : GridMarket
        Its ends are those of the 200 clock buckets.
    bind : callable
        Gives the strategy with its setting, for one run.
    conversion : Conversion, optional
        Its weights are the market's.
    hashed : bool
        Whether the outcome hash is asked for.

    Raises
    ------
    StrategyError, FixedPointOverflow
        The setting cannot be run.
    """
    bound = bind()
    session = market.run(bound)
    sums = _sums(market, session)
    tables = session.engine.tables(last=True)
    if sums is None or (conversion is None and _currencies(market, tables["fills"]) > 1):
        whole = run_columns(market.segment, bind(), market.config)
        return gross_of_run(replace(whole, conversion=conversion), hashed=hashed)
    fills = tables["fills"]
    times = np.ascontiguousarray(fills["ts_ns"])
    try:
        closed, is_open = trip_times(fills, times, len(market.weights))
    except OverflowError as error:
        raise FixedPointOverflow("grid", (str(error),)) from None
    digest = _outcome_hash(market, bound, tables) if hashed else b""
    return SettingGross(*sums, closed.shape[1] + is_open, digest)


def _sums(market: GridMarket, session: Session) -> tuple[int, int] | None:
    """Total and squares; None where the kernel cannot tell."""
    units = [5 * term[1] * w for term, w in zip(session.terms, market.weights, strict=True)]
    finest = math.gcd(*units)
    weights = [unit // finest for unit in units]
    if max(weights) >= 2**63:
        return None
    packed: I64 = np.array(weights, np.int64)
    try:
        followed, total, squares = bucket_sums(session.engine, packed, market.ends, market.mid2)
    except (OverflowError, ValueError):  # too wide for the kernel, or not in the order of time
        return None
    return (total * finest, squares * finest * finest) if followed else None


def _currencies(market: GridMarket, fills: npt.NDArray[Any]) -> int:
    """How many currencies were traded."""
    instruments = market.segment.instruments
    return len({instruments[i].currency for i in np.unique(fills["instrument"]).tolist()})


def _outcome_hash(
    market: GridMarket, bound: BoundStrategy, tables: dict[str, npt.NDArray[Any]]
) -> bytes:
    trace = DecisionTrace.from_arrays(
        make_header(market.segment, bound, market.config),
        tables["decisions"],
        tables["legs"],
        **{name: tables[name] for name in OUTCOME_TABLES},
    )
    return trace.outcome_hash
