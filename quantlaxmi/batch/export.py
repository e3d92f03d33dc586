"""A catalog's rows as one file, or one table, for another program."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.parquet import part_bytes, rows_of
from quantlaxmi.batch.store import is_url, write_url
from quantlaxmi.errors import CatalogError, InputError
from quantlaxmi.files import FileKind, check_apart, staged_directory, write_output

__all__ = ["FORMATS", "export_catalog"]

_FILES: Final = {
    "parquet": FileKind("a Parquet file", b"PAR1", first=True),
    "sqlite": FileKind("an SQLite database", b"SQLite format 3\0", first=True),
}
#: What `catalog export` writes; the last is a folder.
FORMATS: Final = (*_FILES, "delta")
#: The folder that makes a folder a Delta table.
_DELTA_LOG: Final = "_delta_log"


def export_catalog(catalog: Catalog, out: Path | str, form: str) -> int:
    """Write one row an item to a file.

    Parameters
    ----------
    catalog : Catalog
        Read up to now.
    out : Path or str
        Written whole or not at all; a file of the same format is replaced. It may be a URL of
        fsspec, such as ``s3://bucket/rows.parquet``. A Delta table is a folder: where it is there,
        its rows are replaced by a new version of it.
    form : {"parquet", "sqlite", "delta"}
        SQLite has the table ``reports``, with lists as text. Delta needs the extra ``delta``.

    Returns
    -------
    int
        Rows.

    Raises
    ------
    CatalogError
        The format is unknown, the file cannot be written, or the extra ``delta`` is not installed.

    Examples
    --------
    >>> export_catalog(Catalog.create("sweeps"), "rows.parquet", "parquet")
    0
    """
    if form not in FORMATS:
        raise CatalogError("--format", f"was {form[:40]!r}, expected {' or '.join(FORMATS)}")
    table = rows_of(catalog.rows[key] for key in sorted(catalog.rows))
    if form == "delta":
        if is_url(str(out)):
            raise CatalogError("--out", f"was {out}, expected a folder for a Delta table")
        _write_delta(table, Path(out))
    else:
        data = part_bytes(table) if form == "parquet" else _sqlite(table)
        _write(str(out), data, _FILES[form])
    return int(table.num_rows)


def _write(out: str, data: bytes, kind: FileKind) -> None:
    if not is_url(out):
        write_output(Path(out), (data,), kind, CatalogError)
        return
    try:
        write_url("--out", out, data, kind)
    except InputError as error:
        raise CatalogError(error.source, error.problem) from None


def _write_delta(table: pa.Table, out: Path) -> None:
    """A new Delta table, made next to its place and renamed; or a new version of one.

    Raises
    ------
    CatalogError
    """
    try:
        import deltalake
    except ImportError:
        raise CatalogError(
            "--format", "was delta, which needs its extra: pip install 'quantlaxmi[delta]'"
        ) from None
    write: Any = deltalake.write_deltalake
    try:
        if not os.path.lexists(out):
            with staged_directory(out) as folder:
                write(str(folder), table)
            return
        check_apart(out / _DELTA_LOG, CatalogError)
        log = out / _DELTA_LOG
        if out.is_symlink() or log.is_symlink() or not log.is_dir():
            raise CatalogError(out, "is there and is no Delta table; name another folder")
        write(str(out), table, mode="overwrite", schema_mode="overwrite")
    except InputError as error:
        if isinstance(error, CatalogError):
            raise
        raise CatalogError(error.source, error.problem) from None
    except Exception as error:  # its errors have no common class
        text = " ".join(str(error).split())[:300]
        raise CatalogError(out, f"cannot be written as a Delta table: {text}") from None


def _sqlite(table: pa.Table) -> bytes:
    """The bytes of a database, made where nobody sees it half made."""
    kinds = {pa.int64(): "INTEGER", pa.float64(): "REAL"}
    columns = ", ".join(f'"{one.name}" {kinds.get(one.type, "TEXT")}' for one in table.schema)
    places = ", ".join("?" for _ in table.schema)
    rows = [
        tuple(str(value) if isinstance(value, list) else value for value in row.values())
        for row in table.to_pylist()
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.sqlite")
        with contextlib.closing(sqlite3.connect(path)) as base, base:
            base.execute(f"CREATE TABLE reports ({columns}, PRIMARY KEY (key))")
            base.executemany(f"INSERT INTO reports VALUES ({places})", rows)
        return path.read_bytes()
