"""The page of a sweep: a heat map of its items, p-values, the funnel of gates, who survives."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from quantlaxmi.batch.family import FamilyItem, FamilyResult
from quantlaxmi.batch.figures import POLICY
from quantlaxmi.errors import ReportError
from quantlaxmi.files import write_output
from quantlaxmi.gates.suites import ALL_GATES
from quantlaxmi.report.html.page import KIND, filled

__all__ = ["save_sweep_page", "sweep_page"]

#: Cells of the heat map; of a larger family it has the first, and says so.
MAX_CELLS: Final = 4_000
#: Rows of a table, and characters of a reason.
MAX_ROWS: Final = 300
MAX_REASON: Final = 300
_BINS: Final = 20
#: The width of the page's text, so that a unit is a pixel.
_CELL, _WIDTH, _LABEL = 14, 752, 150
_ACROSS: Final = (_WIDTH - _LABEL) // _CELL


def save_sweep_page(
    found: FamilyResult, facts: dict[str, Any], path: str | Path, folder: Path
) -> None:
    """Write the page of a family.

    Parameters
    ----------
    found : FamilyResult
    facts : dict
        As `family_summary` gives them.
    path : str or Path
    folder : Path
        The catalog's: the page links to its reports from where it lies.

    Raises
    ------
    ReportError
        It cannot be written, or something else is there.
    """
    text = sweep_page(found, facts, _way(folder, Path(path)))
    write_output(Path(path), (text.encode(),), KIND, ReportError)


def _way(folder: Path, page: Path) -> str:
    """The address of a folder as a page links to it, with a slash at its end."""
    place = os.path.realpath(folder)
    try:
        near = os.path.relpath(place, os.path.realpath(page.parent))
    except ValueError:  # another drive
        return Path(place).as_uri() + "/"
    return "" if near == os.curdir else quote(Path(near).as_posix()) + "/"


def sweep_page(found: FamilyResult, facts: dict[str, Any], way: str = "") -> str:
    """The page of a family: one file without a script.

    Parameters
    ----------
    found : FamilyResult
    facts : dict
        As `family_summary` gives them.
    way : str
        What links to reports begin with.

    Raises
    ------
    ReportError
        A page of a few rows would be too large.
    """
    cells, rows = MAX_CELLS, MAX_ROWS
    while True:  # names and reasons can be long: then the page has fewer of them, and says so
        try:
            return filled(
                "sweep.html.j2",
                facts=facts,
                way=way,
                most=rows,
                longest=MAX_REASON,
                heat=_heat_map(found, cells),
                bars=_histogram(found),
                funnel=_funnel(facts),
                method={"bh": "Benjamini-Hochberg", "by": "Benjamini-Yekutieli"}[facts["method"]],
            )
        except ReportError:
            if rows < 10:
                raise
            cells, rows = cells // 2, rows // 2


def _heat_map(found: FamilyResult, most: int) -> dict[str, Any]:
    """Cells of strategies by segments: the stronger the colour, the smaller the p.

    A column is a segment, in the order of their times; what is wider than the page goes on below.
    Where a strategy has several items of a segment they stand below one another.
    """
    table: dict[tuple[Any, ...], dict[str, list[FamilyItem]]] = {}
    for one in found.items:
        planned = one.row.planned
        segment = (planned.first_ts_ns, planned.segment_id, planned.segment_digest)
        table.setdefault(segment, {}).setdefault(planned.strategy_id, []).append(one)
    marks = dict.fromkeys(found.split.found, "d") | dict.fromkeys(found.split.open, "o")
    segments, y = sorted(table), 0
    cells: list[dict[str, Any]] = []
    labels: list[dict[str, Any]] = []
    for begin in range(0, len(segments), _ACROSS):
        if len(cells) >= most:
            break
        columns = segments[begin : begin + _ACROSS]
        y += _CELL + 4
        labels.append({"text": _from_to(columns), "x": _LABEL, "y": y - 5})
        block = [table[segment] for segment in columns]
        for strategy in sorted({name for column in block for name in column}):
            labels.append({"text": strategy[:20], "x": 0, "y": y + _CELL - 3})
            cells += _cells_of([one.get(strategy, []) for one in block], y, marks)
            y += _CELL * max(len(column.get(strategy, [])) for column in block)
        y += _CELL // 2
    more = max(len(cells) - most, 0) + len(found.items) - len(cells)
    height = max((one["y"] for one in cells[:most]), default=0) + _CELL * 2
    shown = [one for one in labels if one["y"] < height]
    return {
        "cells": cells[:most],
        "labels": shown,
        "size": _CELL - 2,
        "width": _WIDTH,
        "height": height,
        "more": more,
    }


def _from_to(segments: Sequence[tuple[Any, ...]]) -> str:
    first, last = segments[0][1], segments[-1][1]
    return first[:80] if first == last else f"{first[:38]} to {last[:38]}"


def _cells_of(
    columns: Sequence[Sequence[FamilyItem]], y: int, marks: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Cells of a strategy in some columns, below y."""
    for place, items in enumerate(columns):
        for line, one in enumerate(items):
            yield {
                "x": _LABEL + place * _CELL,
                "y": y + line * _CELL,
                "dark": _darkness(one),
                "mark": marks.get(one.key, "" if one.row.is_done else "x"),
                "title": f"{one.row.planned.segment_id}: {_told(one)}",
            }


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
    most = max(counts)
    bars = [
        {
            "x": k,
            "height": f"{100 * n / (most or 1):.4g}",
            "y": f"{100 - 100 * n / (most or 1):.4g}",
            "n": n,
            "from": f"{k / _BINS:.2f}",
            "to": f"{(k + 1) / _BINS:.2f}",
        }
        for k, n in enumerate(counts)
    ]
    return {"bars": bars, "bins": _BINS, "most": most, "items": sum(counts)}


def _funnel(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Where items stopped, in the order of the gates, and how many were left after that."""
    stopped = dict(facts["funnel"])
    stopped.pop("passed all", None)
    n = facts["items"]
    left = facts["status"].get("done", 0)
    rows = [{"gate": "planned", "n": None, "left": n}]
    if left < n:
        rows.append({"gate": "did not run", "n": n - left, "left": left})
    for gate in sorted(stopped, key=_place_of):
        left -= stopped[gate]
        rows.append({"gate": gate, "n": stopped[gate], "left": left})
    return [{**row, "share": round(100 * row["left"] / (n or 1))} for row in rows]


_PLACES: Final = {gate.name: place for place, gate in enumerate(ALL_GATES)}


def _place_of(gate: str) -> tuple[int, str]:
    """Place of a result's gate among all; of another version's gate after them, then the policy."""
    if gate == POLICY:
        return len(_PLACES) + 1, gate
    return _PLACES.get(gate.partition(".")[0], len(_PLACES)), gate
