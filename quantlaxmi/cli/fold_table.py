"""The folds of walk-forward as a table: when, what was chosen, what it earned before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.output import shortened
from quantlaxmi.cli.values import utc_text

if TYPE_CHECKING:
    from quantlaxmi.gates.results import WalkForwardResult

__all__ = ["fold_lines"]

_HEADS = ("fold", "test begins", "purge s", "chosen", "in sample Z", "trips", "net after", "trips")
#: Characters of the widest setting.
_CHOSEN = 40


def fold_lines(result: WalkForwardResult) -> list[str]:
    """A head and a line a fold; empty where no fold was run.

    Parameters
    ----------
    result : WalkForwardResult
    """
    rows = [_HEADS, *(_cells(row) for row in result.folds)]
    if len(rows) == 1:
        return []
    widths = [max(len(row[k]) for row in rows) for k in range(len(_HEADS))]
    return [
        "  ".join(
            f"{cell:<{width}}" if k in (1, 3) else f"{cell:>{width}}"
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    trained, values = row.get("in_sample"), row.get("values")
    chosen = "flat"
    if isinstance(values, Mapping):
        chosen = " ".join(f"{name}={text}" for name, text in values.items()) or "the run's own"
    before = ("", "")
    if isinstance(trained, Mapping):
        before = (f"{trained['statistic']:.4g}", str(trained["round_trips"]))
    purge = f"{row['purge_ns'] / 1e9:.6g}{'*' if row['purge_capped'] else ''}"
    return (
        str(row["fold"]),
        utc_text(row["test_begin_ns"]),
        purge,
        shortened(chosen, _CHOSEN),
        *before,
        f"{float(row['net']):.6g}",
        str(row["round_trips"]),
    )
