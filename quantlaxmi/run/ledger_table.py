"""The ledger of a run as a table: a row for each instrument that is or was held, and the sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from quantlaxmi.fixed import int128_halves
from quantlaxmi.run.arrow_columns import decimals_of_halves, texts_column, times_column
from quantlaxmi.run.ledger_lines import MONEY, LedgerLines
from quantlaxmi.run.records import RunRecords

__all__ = ["ledger_table"]


def ledger_table(records: RunRecords, lines: LedgerLines) -> pa.Table:
    """Return lines of a ledger as a table: at each, the instruments held, then the currencies.

    A line has one row for each instrument that is or was held at it, in the segment's order, then
    one for each currency of the run.

    Parameters
    ----------
    records : RunRecords
    lines : LedgerLines
        Of this run.

    Returns
    -------
    pyarrow.Table
        ``line`` counts from 0; ``symbol``, ``position`` and ``mid`` are null in sums. In every row
        ``equity = cash + position * mid - accrued``, which is also
        ``realized + unrealized - fees + funding - borrow - accrued``, in sums less ``rounding`` of
        contract notes, a column where there are any.
    """
    instruments = [records.instruments[i] for i in lines.held]
    symbols, currencies = [one.symbol for one in instruments], list(lines.totals)
    n_held, n_currencies, n = len(instruments), len(currencies), len(lines)
    of = np.array([*(currencies.index(i.currency) for i in instruments), *range(n_currencies)])
    # Rows of all lines, by place: instruments from their first line on, then the currencies.
    first_line = np.append(lines.first_line, np.zeros(n_currencies, np.int64))
    line, which = np.nonzero(np.arange(n)[:, np.newaxis] >= first_line)

    def woven(parts: list[Any]) -> NDArray[Any]:
        """Values of the rows, line by line."""
        taken: NDArray[Any] = np.stack(parts, axis=1)[line, which]
        return taken

    is_sum = which >= n_held
    blank = [np.zeros(n, np.int64)] * n_currencies
    money = [*lines.instruments, *lines.totals.values()]
    positions = woven([*lines.position.astype(object), *blank])
    mids = woven([*(5 * mid2.astype(object) for mid2 in lines.mid2), *blank])
    columns = {
        "line": line,
        "ts": times_column(lines.ts_ns[line]),
        "symbol": pa.DictionaryArray.from_arrays(
            pa.array(np.where(is_sum, 0, which).astype(np.int32), mask=is_sum),
            pa.array(symbols, pa.string()),
        ),
        "currency": texts_column(of[which], currencies),
        "position": _scaled(records, lines.held, positions, which, "qty_exponent", 0),
        "mid": _scaled(records, lines.held, mids, which, "price_exponent", -1),
    }
    for name in (*MONEY, "rounding") if len(records.notes) else MONEY:
        column = woven([getattr(part, name) for part in money])
        columns[name] = decimals_of_halves(*int128_halves(column), lines.exponent)
    return pa.table(columns)


def _scaled(
    records: RunRecords,
    held: Sequence[int],
    values: NDArray[Any],
    which: NDArray[Any],
    exponent: str,
    shift: int,
) -> Any:
    """Python integers at the finest exponent of all the run's instruments; null in sums.

    ``which`` is each row's place in ``held``. The type of the column does not depend on what was
    held, so that tables of several runs over one segment can be put together.
    """
    all_exponents = [getattr(i, exponent) + shift for i in records.instruments]
    finest = min(all_exponents)
    exponents = [all_exponents[i] for i in held]
    # All places above the instruments' are of currencies.
    steps = np.array([10 ** (e - finest) for e in exponents] + [0], dtype=object)
    column = decimals_of_halves(
        *int128_halves(values * steps[np.minimum(which, len(exponents))]), finest
    )
    # A page of a report loads this module, and has no need of what Arrow computes.
    import pyarrow.compute as pc

    return pc.if_else(pa.array(which < len(exponents)), column, pa.scalar(None, column.type))
