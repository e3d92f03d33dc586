"""The page of a sweep: a heat map of its items, p-values, the funnel of gates, who survives."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

from quantlaxmi.batch.family import FamilyItem, FamilyResult
from quantlaxmi.errors import ReportError
from quantlaxmi.files import write_output
from quantlaxmi.report.html.page import KIND, filled

__all__ = ["save_sweep_page", "sweep_page"]

#: Cells of the heat map; of a larger family it has the first, and says so.
MAX_CELLS: Final = 4_000
#: Rows of a table.
MAX_ROWS: Final = 300
_BINS: Final = 20
_CELL, _WIDTH, _LABEL = 14, 960, 150
_HIGH: Final = 120


def save_sweep_page(found: FamilyResult, facts: dict[str, Any], path: str | Path) -> None:
    """Write the page of a family.

    Parameters
    ----------
    found : FamilyResult
    facts : dict
        As `family_summary` gives them.
    path : str or Path

    Raises
    ------
    ReportError
        It cannot be written, or something else is there.
    """
    write_output(Path(path), (sweep_page(found, facts).encode(),), KIND, ReportError)


def sweep_page(found: FamilyResult, facts: dict[str, Any]) -> str:
    """The page of a family: one file without a script.

    Parameters
    ----------
    found : FamilyResult
    facts : dict
        As `family_summary` gives them.
    """
    return filled(
        "sweep.html.j2",
        facts=facts,
        most=MAX_ROWS,
        heat=_heat_map(found),
        bars=_histogram(found),
        funnel=_funnel(facts["funnel"]),
        method={"bh": "Benjamini-Hochberg", "by": "Benjamini-Yekutieli"}[facts["method"]],
    )


def _heat_map(found: FamilyResult) -> dict[str, Any]:
    """Cells of strategies by segments: the stronger the colour, the smaller the p."""
    shown = sorted(
        found.items,
        key=lambda one: (one.row.planned.strategy_id, one.row.planned.segment_id, one.key),
    )[:MAX_CELLS]
    surely, still = set(found.split.found), set(found.split.open)
    across = (_WIDTH - _LABEL) // _CELL
    cells, labels = [], []
    name, x, y = "", 0, 0
    for one in shown:
        if one.row.planned.strategy_id != name:
            y += _CELL * (2 if name else 1)
            name, x = one.row.planned.strategy_id, 0
            labels.append({"text": name[:22], "y": y + _CELL - 3})
        elif x == across:
            x, y = 0, y + _CELL
        mark = "d" if one.key in surely else "o" if one.key in still else _mark(one)
        cells.append(
            {
                "x": _LABEL + x * _CELL,
                "y": y,
                "dark": _darkness(one),
                "mark": mark,
                "title": f"{one.row.planned.segment_id}: {_told(one)}",
            }
        )
        x += 1
    return {
        "cells": cells,
        "labels": labels,
        "size": _CELL - 2,
        "width": _WIDTH,
        "height": y + _CELL * 2,
        "more": len(found.items) - len(shown),
    }


def _mark(one: FamilyItem) -> str:
    return "" if one.row.is_done else "x"


def _darkness(one: FamilyItem) -> str:
    """Opacity from the upper bound: p of 1 gives .05, of a ten-thousandth and below 1."""
    steps = min(-math.log10(float(one.bounds.upper)) / 4, 1.0)
    return f"{0.05 + 0.95 * steps:.2f}"


def _told(one: FamilyItem) -> str:
    return one.why or f"p at most {float(one.bounds.upper):.3g}"


def _histogram(found: FamilyResult) -> dict[str, Any]:
    """Items that have a p of their own, by its upper bound, in bins of a twentieth."""
    counts = [0] * _BINS
    for one in found.items:
        if not one.why:
            counts[min(int(one.bounds.upper * _BINS), _BINS - 1)] += 1
    most, wide = max(counts) or 1, _WIDTH // _BINS
    bars = [
        {
            "x": k * wide,
            "y": _HIGH - round(_HIGH * n / most),
            "height": round(_HIGH * n / most),
            "n": n,
            "from": f"{k / _BINS:.2f}",
            "to": f"{(k + 1) / _BINS:.2f}",
        }
        for k, n in enumerate(counts)
    ]
    return {"bars": bars, "width": _WIDTH, "high": _HIGH, "wide": wide - 2, "items": sum(counts)}


def _funnel(counts: dict[str, int]) -> list[dict[str, Any]]:
    """Items by the first gate that they did not pass, with the share of the largest."""
    most = max(counts.values(), default=1)
    return [{"gate": k, "n": n, "share": round(100 * n / most)} for k, n in counts.items()]
