"""Parquet files of a catalog's journal: a view that any reader of Parquet can query.

``reports/_manifest.json`` names the parts. Deleting all of it loses nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from quantlaxmi.batch.records import FIRST, KindCounts, Sha256
from quantlaxmi.batch.report_files import report_name
from quantlaxmi.batch.rows import Row
from quantlaxmi.errors import CatalogError, SegmentCorrupt
from quantlaxmi.files import hash_inside, read_bounded

__all__ = [
    "GATES",
    "MANIFEST",
    "PART",
    "REPORTS",
    "SETTINGS",
    "TIMINGS",
    "Manifest",
    "Part",
    "View",
    "part_bytes",
    "rows_of",
    "timing_rows",
    "view_state",
]

MANIFEST: Final = "_manifest.json"
_MAX_MANIFEST: Final = 1 << 24
PART: Final = re.compile(r"part-[0-9a-f]{16}\.parquet")
View = Literal["none", "current", "older", "other"]

_TEXT, _WHOLE, _REAL = pa.string(), pa.int64(), pa.float64()
_PLACES: Final = pa.list_(pa.int64())
#: Columns of ``reports``; some may be added, none changes.
REPORTS: Final = pa.schema(
    [
        ("key", _TEXT),
        ("segment_id", _TEXT),
        ("segment_digest", _TEXT),
        ("strategy_id", _TEXT),
        ("code_digest", _TEXT),
        ("grid_hash", _TEXT),
        ("config_hash", _TEXT),
        ("run_hash", _TEXT),
        ("policy_hash", _TEXT),
        ("engine_version", _TEXT),
        ("gates", _TEXT),
        ("rows", _WHOLE),
        ("first_ts_ns", _WHOLE),
        ("last_ts_ns", _WHOLE),
        ("status", _TEXT),
        ("error_kind", _TEXT),
        ("error", _TEXT),
        ("attempts", _WHOLE),
        ("verdict", _TEXT),
        ("g2", _TEXT),
        ("g3", _TEXT),
        ("edge", _TEXT),
        ("excluded", _TEXT),
        ("funnel", _TEXT),
        ("settings", _WHOLE),
        ("p_market_drift", _REAL),
        ("p_market_drift_draws", _WHOLE),
        ("p_market_drift_exceedances", _WHOLE),
        ("p_market_drift_first", _PLACES),
        ("p_market_driftless", _REAL),
        ("p_market_driftless_draws", _WHOLE),
        ("p_market_driftless_exceedances", _WHOLE),
        ("p_market_driftless_first", _PLACES),
        ("p_equity", _REAL),
        ("mean", _TEXT),
        ("sd", _TEXT),
        ("buckets", _WHOLE),
        ("trips", _WHOLE),
        ("net", _TEXT),
        ("gross", _TEXT),
        ("currency", _TEXT),
        ("break_even", _REAL),
        ("dsr", _REAL),
        ("pbo", _REAL),
        ("unseen", _TEXT),
        ("report_hash", _TEXT),
        ("report", _TEXT),
    ]
)
TIMINGS: Final = pa.schema(
    [
        ("key", _TEXT),
        ("wall_s", _REAL),
        ("cpu_s", _REAL),
        ("peak_bytes", _WHOLE),
        ("host", _TEXT),
    ]
)
GATES: Final = pa.schema(
    [
        ("key", _TEXT),
        ("suite", _TEXT),
        ("gate", _TEXT),
        ("role", _TEXT),
        ("verdict", _TEXT),
        ("exceedances", _WHOLE),
        ("draws", _WHOLE),
        ("reason", _TEXT),
    ]
)
SETTINGS: Final = pa.schema(
    [("key", _TEXT), ("config_hash", _TEXT), ("name", _TEXT), ("value", _TEXT)]
)


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of a view, its rows, and the SHA-256 of its bytes."""

    file: str
    rows: int
    sha256: Sha256


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``_manifest.json`` holds: the parts, and how far the journals are in them."""

    version: int
    journals: dict[str, int]
    reports: tuple[Part, ...]
    timings: tuple[Part, ...]
    gates: tuple[Part, ...] = ()
    trials: tuple[Part, ...] = ()


def rows_of(rows: Iterable[Row]) -> pa.Table:
    """The table ``reports`` of some rows."""
    return pa.Table.from_pylist([_report_row(row) for row in rows], REPORTS)


def _report_row(row: Row) -> dict[str, Any]:
    planned, finished = row.planned, row.finished
    found: dict[str, Any] = {
        name: getattr(planned, name) for name in planned.__struct_fields__ if name != "key"
    }
    found |= {"key": planned.key, "status": row.status}
    if finished is None:
        return found
    for name in ("error_kind", "error", "attempts"):
        found[name] = getattr(finished, name)
    figures = finished.figures
    if figures is None:
        return found
    for name in figures.__struct_fields__:
        if name not in ("drifting", "driftless"):
            found[name] = getattr(figures, name)
    found["report"] = report_name(planned.key)
    for name, kind in (("drift", "drifting"), ("driftless", "driftless")):
        counts = getattr(row.drawn, kind, None) or getattr(figures, kind)
        if counts is not None:
            begin = f"p_market_{name}"
            found[begin] = _shown_p(counts)
            found[f"{begin}_draws"] = counts.draws
            found[f"{begin}_exceedances"] = counts.exceedances
            found[f"{begin}_first"] = list(counts.first)
    return found


def _shown_p(counts: KindCounts) -> float:
    """P of the draws that were made; a family's inference bounds what all of them would give."""
    if len(counts.first) == FIRST:
        return FIRST / counts.first[-1]
    if counts.stopped:
        return counts.exceedances / counts.draws
    return (counts.exceedances + 1) / (counts.draws + 1)


def timing_rows(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Rows of ``timings``."""
    for row in rows:
        if row.finished is not None:
            yield {"key": row.key, **msgspec.structs.asdict(row.finished.timings)}


def part_bytes(table: pa.Table) -> bytes:
    """A part of a view; equal tables give equal bytes by one version of Arrow."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def view_state(folder: Path, rows: Sequence[Row], journals: Mapping[str, int]) -> View:
    """Whether the view is that of the journals, without a part being decoded.

    A part of a few bytes can declare a thousand million rows, or unpack to more memory than there
    is. So the part of these rows is made here, and its hash is compared.

    Parameters
    ----------
    folder : Path
        The catalog's.
    rows : sequence of Row
        By key.
    journals : mapping of str to int
        Lines of every journal.

    Returns
    -------
    {"none", "current", "older", "other"}
        ``"older"``: the journals have grown since, or one is gone. ``"other"``: it has other rows,
        or another version of Arrow wrote it.

    Raises
    ------
    CatalogError
        The manifest is none, or a part is not the one that it names.
    """
    place = folder / "reports"
    if place.is_symlink():
        raise CatalogError(place, "is a symbolic link")
    if not os.path.lexists(place / MANIFEST):
        return "none"
    try:
        raw = read_bounded(place, MANIFEST, _MAX_MANIFEST)
        manifest = msgspec.convert(json.loads(raw), Manifest)
        for part in manifest.reports:
            if not PART.fullmatch(part.file):
                raise CatalogError(place / MANIFEST, f"names {part.file[:80]!r}, which is no part")
            if hash_inside(place, part.file)[0] != part.sha256:
                problem = "was changed: its hash is not the manifest's"
                raise CatalogError(place / part.file, problem)
    except SegmentCorrupt as error:
        raise CatalogError(error.source, error.problem, error.place) from None
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        problem = str(error).splitlines()[0][:120]
        raise CatalogError(place / MANIFEST, f"is no manifest: {problem}") from None
    if manifest.journals != journals:
        return "older"
    expected = hashlib.sha256(part_bytes(rows_of(rows))).hexdigest()
    told = [(part.rows, part.sha256) for part in manifest.reports]
    return "current" if told == [(len(rows), expected)] else "other"
