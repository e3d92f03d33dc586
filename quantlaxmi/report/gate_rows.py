"""What a table of gates shows of each result: one source for terminals, notebooks and Arrow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quantlaxmi.gates.results import GateResult

if TYPE_CHECKING:
    from quantlaxmi.run.result_table import ResultTable

__all__ = ["GateRow", "gate_rows", "rows_table"]


@dataclass(frozen=True, slots=True)
class GateRow:
    """One result of a gate.

    Attributes
    ----------
    gate, role, verdict : str
    p : float or None
        The p-value that decided, the largest of the gate's.
    n : int or None
        Draws behind it, or the clock buckets of a p-value from Student's t.
    limit : str
        Of p; empty where nothing is decided by one.
    advice : str
        Reasons of the verdict, and what to do.
    """

    gate: str
    role: str
    verdict: str
    p: float | None
    n: int | None
    limit: str
    advice: str


def gate_rows(results: Iterable[GateResult], level: str) -> list[GateRow]:
    """Return the rows of results, in order.

    Parameters
    ----------
    results : iterable of GateResult
    level : str
        The limit of every p-value; a diagnosis decides nothing and has none.
    """
    rows = []
    for result in results:
        counts, limit = result.monte_carlo, "" if result.role == "diagnosis" else level
        p = n = None
        if counts is not None:
            p, n = float(counts.p_value), counts.draws
        elif "p_value" in result.details:
            p, n = float(str(result.details["p_value"])), int(str(result.details["buckets"]))
        else:
            limit = ""
        advice = " ".join(result.reasons)
        rows.append(GateRow(result.gate, result.role, result.verdict.value, p, n, limit, advice))
    return rows


def rows_table(rows: Iterable[GateRow]) -> ResultTable:
    """Return rows as a table; ``p`` and ``n`` are null where a gate has no p-value."""
    import pyarrow as pa

    from quantlaxmi.run.result_table import ResultTable

    listed = list(rows)
    text = pa.string()
    kinds = {"gate": text, "role": text, "verdict": text, "p": pa.float64(), "n": pa.int64()}
    kinds |= {"limit": text, "advice": text}
    return ResultTable(
        pa.table(
            {
                name: pa.array([getattr(row, name) for row in listed], kind)
                for name, kind in kinds.items()
            }
        )
    )
