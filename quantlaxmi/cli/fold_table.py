"""The folds of walk-forward as a table: when, what was chosen, what it earned before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.output import WIDTH, shortened
from quantlaxmi.cli.values import utc_text

if TYPE_CHECKING:
    from quantlaxmi.gates.results import WalkForwardResult

__all__ = ["fold_lines"]

_HEADS = ("fold", "test begins", "purge s", "chosen", "in sample Z", "trips", "net after", "trips")
#: Place of the setting that was chosen, and the characters of the widest.
_CHOICE, _CHOSEN = 3, 40


def fold_lines(result: WalkForwardResult, most: int = WIDTH) -> list[str]:
    """A head and a line a fold; empty where no fold was run.

    Parameters
    ----------
    result : WalkForwardResult
    most : int
        Columns. Where they have no room for it, the setting stands beneath its fold.
    """
    rows = [_HEADS, *(_cells(row) for row in result.folds)]
    if len(rows) == 1:
        return []
    lines = _aligned(rows, range(len(_HEADS)))
    if max(map(len, lines)) <= most:
        return lines
    lines = _aligned(rows, [k for k in range(len(_HEADS)) if k != _CHOICE])
    beneath = [shortened(row[_CHOICE], max(8, min(_CHOSEN, most - 6))) for row in rows[1:]]
    folds = zip(lines[1:], beneath, strict=True)
    return [lines[0], *(line for fold, told in folds for line in (fold, " " * 6 + told))]


def _aligned(rows: Sequence[tuple[str, ...]], places: Sequence[int]) -> list[str]:
    """Some columns of rows side by side: words left, numbers right."""
    widths = [max(len(row[k]) for row in rows) for k in places]
    return [
        "  ".join(
            f"{row[k]:<{width}}" if k in (1, _CHOICE) else f"{row[k]:>{width}}"
            for k, width in zip(places, widths, strict=True)
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
        utc_text(row["test_begin_ns"] // 10**9 * 10**9),
        purge,
        shortened(chosen, _CHOSEN),
        *before,
        f"{float(row['net']):.6g}",
        str(row["round_trips"]),
    )
