"""Writes the Parquet view of a catalog anew.

Parts are written under new names, then ``reports/_manifest.json`` is replaced, then what it no
longer names is removed. So a reader of the manifest sees the old parts or the new ones.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa

from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.parquet import (
    GATES,
    MANIFEST,
    PART,
    SETTINGS,
    TIMINGS,
    Manifest,
    Part,
    part_bytes,
    rows_of,
    timing_rows,
)
from quantlaxmi.batch.rows import Row
from quantlaxmi.canonical import canonical_json
from quantlaxmi.errors import CatalogError
from quantlaxmi.files import one_line_errors, whole_file, write_pieces
from quantlaxmi.system.flags import CREATE, NO_LINK, NO_WAIT, UPDATE
from quantlaxmi.system.locks import lock

__all__ = ["Busy", "compact"]

_LOCK: Final = "_compaction.lock"


class Busy(CatalogError):
    """Another process compacts the catalog."""


def compact(catalog: Catalog, *, gates: bool = True) -> int:
    """Write the Parquet view of all that the journals have, and remove the former one.

    Parameters
    ----------
    catalog : Catalog
        Read up to now.
    gates : bool
        Write ``gates`` and ``trials`` too, for which every report is read.

    Returns
    -------
    int
        Rows of ``reports``.

    Raises
    ------
    CatalogError
        Another process compacts the catalog, or a file cannot be written or read.

    Examples
    --------
    >>> compact(Catalog.create("sweeps"))
    0
    """
    place = catalog.folder / "reports"
    with alone(place):
        rows = [catalog.rows[key] for key in sorted(catalog.rows)]
        folders = ["reports", "timings"]
        tables: dict[str, Callable[[], pa.Table]] = {
            "reports": lambda: rows_of(rows),
            "timings": lambda: pa.Table.from_pylist(list(timing_rows(rows)), TIMINGS),
        }
        if gates:
            made = _gate_rows(catalog, rows)
            folders += ["gates", "trials"]
            tables["gates"] = lambda: pa.Table.from_pylist(made[0], GATES)
            tables["trials"] = lambda: pa.Table.from_pylist(made[1], SETTINGS)
        parts = {name: (_write_part(catalog.folder, name, tables[name]()),) for name in folders}
        manifest = Manifest(version=1, journals=catalog.journal_lines, **parts)
        data = canonical_json(msgspec.to_builtins(manifest)) + b"\n"
        write_pieces(place / MANIFEST, (data,), CatalogError)
        for name in ("reports", "timings", "gates", "trials"):
            _remove_others(catalog.folder / name, {one.file for one in parts.get(name, ())})
    # Arrow keeps what it freed: of 10,000 rows 25 MB that a sweep's main process has no use for.
    pa.default_memory_pool().release_unused()
    return len(rows)


def _gate_rows(
    catalog: Catalog, rows: Iterable[Row]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of ``gates`` and of ``trials``: each result of a gate, each setting that was judged."""
    gates: list[dict[str, Any]] = []
    settings: list[dict[str, Any]] = []
    for row in rows:
        if not row.is_done:
            continue
        report = catalog.report(row.key)
        for suite in report.results:
            for one in suite.results:
                count = one.monte_carlo
                gates.append(
                    {
                        "key": row.key,
                        "suite": suite.suite,
                        "gate": one.gate,
                        "role": one.role,
                        "verdict": one.verdict.value,
                        "exceedances": None if count is None else count.exceedances,
                        "draws": None if count is None else count.draws,
                        "reason": " ".join(one.reasons),
                    }
                )
        config = report.header["config_hash"]
        settings += [
            {"key": row.key, "config_hash": config, "name": name, "value": value}
            for name, value in report.config.items()
        ]
    return gates, settings


def _write_part(folder: Path, name: str, table: pa.Table) -> Part:
    place = folder / name
    if place.is_symlink():
        raise CatalogError(place, "is a symbolic link")
    with one_line_errors(place, "cannot be made", CatalogError):
        place.mkdir(exist_ok=True)
    data = part_bytes(table)
    digest = hashlib.sha256(data).hexdigest()
    file = f"part-{digest[:16]}.parquet"
    with whole_file(place / file, CatalogError) as out:
        out.write(data)
    return Part(file=file, rows=table.num_rows, sha256=digest)


def _remove_others(place: Path, kept: set[str]) -> None:
    if not place.is_dir() or place.is_symlink():
        return
    with one_line_errors(place, "cannot be cleared", CatalogError):
        for name in os.listdir(place):  # noqa: PTH208
            if PART.fullmatch(name) and name not in kept:
                (place / name).unlink(missing_ok=True)


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Keep other compactions of the catalog out.

    Raises
    ------
    CatalogError
    """
    flags = UPDATE | CREATE | NO_LINK | NO_WAIT
    with one_line_errors(place / _LOCK, "cannot be opened", CatalogError):
        fd = os.open(place / _LOCK, flags, 0o666)
    try:
        try:
            lock(fd, wait=False)
        except BlockingIOError:
            raise Busy(place, "is being compacted by another process") from None
        except OSError:  # a file system without locks: parts of equal rows have equal names
            pass
        yield
    finally:
        os.close(fd)
