"""A catalog's rows as one file for another program."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.parquet import rows_of
from quantlaxmi.errors import CatalogError
from quantlaxmi.files import FileKind, write_output

__all__ = ["FORMATS", "export_catalog"]

FORMATS: Final = {
    "parquet": FileKind("a Parquet file", b"PAR1", first=True),
    "sqlite": FileKind("an SQLite database", b"SQLite format 3\0", first=True),
}


def export_catalog(catalog: Catalog, out: Path | str, form: str) -> int:
    """Write one row an item to a file.

    Parameters
    ----------
    catalog : Catalog
        Read up to now.
    out : Path or str
        Written whole or not at all; a file of the same format is replaced.
    form : {"parquet", "sqlite"}
        SQLite has the table ``reports``, with lists as text.

    Returns
    -------
    int
        Rows.

    Raises
    ------
    CatalogError
        The format is unknown, or the file cannot be written.

    Examples
    --------
    >>> export_catalog(Catalog.create("sweeps"), "rows.parquet", "parquet")
    0
    """
    if form not in FORMATS:
        raise CatalogError("--format", f"was {form[:40]!r}, expected {' or '.join(FORMATS)}")
    table = rows_of(catalog.rows[key] for key in sorted(catalog.rows))
    data = _parquet(table) if form == "parquet" else _sqlite(table)
    write_output(Path(out), (data,), FORMATS[form], CatalogError)
    return int(table.num_rows)


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


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
