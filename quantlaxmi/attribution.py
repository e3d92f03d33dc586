"""Where every fill's money came from.

For each fill, in exact integers at 10**(ledger exponent - 1): the cash of trading at the mid its
decision saw (``gross``), minus slippage, minus fee, plus the funding of its instrument since the
previous fill, is the fill's effect on cash. ``edge`` is what a fill realised from mid to mid, so
from flat to flat ``edge - slippage - fee + funding`` sums to the realised PnL net of all costs.
Basis points are derived from these integers on reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.attribution_kernel import attribute
from quantlaxmi.errors import EngineError, FixedPointOverflow
from quantlaxmi.fixed import int128_array

IntColumn = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Attributions:
    """Attribution of all fills of a run, as columns.

    Attributes
    ----------
    gross, slippage, fee, funding, edge : ndarray of int (object), shape (n_fills,)
        At 10**exponent.
    reference_price : ndarray of int64, shape (n_fills,)
        The mid each fill is measured against, at its instrument's price exponent - 1.
    exponent : int
        Ledger exponent - 1.
    """

    gross: IntColumn
    slippage: IntColumn
    fee: IntColumn
    funding: IntColumn
    edge: IntColumn
    reference_price: NDArray[np.int64]
    exponent: int

    def __len__(self) -> int:
        return len(self.gross)

    @property
    def cash_effect(self) -> IntColumn:
        """What each fill, with the funding before it, did to cash."""
        return self.gross - self.slippage - self.fee + self.funding

    @property
    def realized_edge(self) -> IntColumn:
        """``edge - slippage - fee + funding``."""
        return self.edge - self.slippage - self.fee + self.funding


def attribute_fills(
    tables: dict[str, NDArray[Any]],
    scales: Sequence[int],
    last_mids: NDArray[np.int64],
    ledger_exponent: int,
    cash: Sequence[int],
) -> Attributions:
    """Attribute every fill, and hold the sum against the ledger.

    Parameters
    ----------
    tables : dict
        ``fills, decisions, legs, funding`` of the run.
    scales : sequence of int
        Ledger units of one price*quantity product, per instrument.
    last_mids : ndarray of int64, shape (n_instruments,)
        At price exponent - 1.
    ledger_exponent : int
    cash : sequence of int
        The ledger's cash by currency at the end of the run.

    Raises
    ------
    EngineError
        The attributions do not sum to the ledger's cash: an engine fault, the run is withheld.
    FixedPointOverflow
        A fill's money does not fit 128 bits.
    """
    fills = tables["fills"]
    parts, references, status = attribute(
        fills,
        tables["decisions"],
        tables["legs"],
        tables["funding"],
        np.array(scales, dtype=np.int64),
        np.ascontiguousarray(last_mids),
    )
    if status:
        raise FixedPointOverflow("attribute", tuple(fills[status - 1].item()), status - 1)
    columns = [int128_array(parts[:, k, 0], parts[:, k, 1]) for k in range(5)]
    result = Attributions(*columns, references, ledger_exponent - 1)
    late = tables["funding"][tables["funding"]["fills_before"] > _last_fill_of(tables)]
    open_funding = int128_array(late["amount_hi"], late["amount_lo"])
    total = sum(result.cash_effect.tolist()) + 10 * sum(open_funding.tolist())
    if total != 10 * sum(cash) or len(result) != len(fills):
        raise EngineError(
            f"attributions of {len(fills)} fills sum to {total}, the ledger's cash to "
            f"{10 * sum(cash)} at 10**{ledger_exponent - 1}"
        )
    return result


def _last_fill_of(tables: dict[str, NDArray[Any]]) -> NDArray[np.int64]:
    """For each funding row, the number of its instrument's last fill, -1 where it has none."""
    funding, fills = tables["funding"], tables["fills"]
    last: dict[int, int] = {}
    for number, instrument in enumerate(fills["instrument"].tolist()):
        last[instrument] = number
    return np.array([last.get(i, -1) for i in funding["instrument"].tolist()], dtype=np.int64)


def trips_flat_to_flat(positions: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield the half-open ranges of fills of one instrument from flat to flat.

    Parameters
    ----------
    positions : ndarray of int64, shape (n,)
        Position after each fill of the instrument.
    """
    start = 0
    for end in np.flatnonzero(positions == 0).tolist():
        yield start, end + 1
        start = end + 1
