"""Rows of a CSV or Parquet file as texts, with their line numbers."""

from __future__ import annotations

import csv
import difflib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from quantlaxmi.errors import InputError
from quantlaxmi.importers.text_source import TextSource

MAX_LINE: Final = 1 << 16
MAX_ROWS: Final = 20_000_000
_EXPECTED: Final = "bars below a header"


class Row:
    """One line: its cells, or why it has none."""

    __slots__ = ("cells", "excerpt", "fault", "line", "open_end")

    def __init__(
        self,
        line: int,
        cells: list[str],
        fault: tuple[str, str] | None = None,
        excerpt: str | None = None,
        open_end: bool = False,
    ) -> None:
        self.line, self.cells, self.fault, self.excerpt = line, cells, fault, excerpt
        self.open_end = open_end  # the last line, without a newline


class CsvTable:
    """A CSV file, plain, gzip or zip, whose first line names the columns.

    Parameters
    ----------
    path : Path
    delimiter : str
    tell : callable
        Called with the bytes read so far.

    Attributes
    ----------
    header : list of str
    header_lines, lines, raw_bytes, text_bytes : int
        ``lines`` counts the header as well.
    sha256 : str
        Of the file as stored; whole after the last row.

    Raises
    ------
    InputError
        The file cannot be read, is empty, not text, or its header names a column twice.
    """

    header_lines = 1

    def __init__(self, path: Path, delimiter: str, tell: Callable[[int], None]) -> None:
        self.path, self._delimiter, self._tell = path, delimiter, tell
        self.lines = 0
        self._source = TextSource(path, _EXPECTED, zipped=True)
        try:
            self._lines = self._read()
            text, whole = next(self._lines, (b"", False))
            first = self._cells(text.removeprefix(b"\xef\xbb\xbf"))
            if isinstance(first, tuple) or not whole or not text.strip():
                raise InputError(path, f"holds no whole header; expected {_EXPECTED}", "line 1")
        except BaseException:
            self._source.close()
            raise
        self.header = [name.strip() for name in first]
        self.lines = 1

    @property
    def raw_bytes(self) -> int:
        return self._source.raw_bytes

    @property
    def text_bytes(self) -> int:
        return self._source.text_bytes

    @property
    def sha256(self) -> str:
        return self._source.sha256

    def close(self) -> None:
        """Stop reading."""
        self._source.close()

    def rows(self, columns: list[int]) -> Iterator[Row]:
        """Cells of the columns of each line, stripped of spaces."""
        width = len(self.header)
        for text, whole in self._lines:
            self.lines += 1
            if self.lines - 1 > MAX_ROWS:
                raise InputError(self.path, f"has more than {MAX_ROWS} lines of bars")
            cells = self._cells(text)
            excerpt = text[:160].decode("utf-8", "replace")
            if isinstance(cells, tuple):
                yield Row(self.lines, [], cells, excerpt)
            elif not whole and len(cells) < width:
                detail = f"has {len(cells)} of {width} cells and no newline"
                yield Row(self.lines, [], ("half-line", detail), excerpt)
            elif len(cells) != width:
                detail = f"has {len(cells)} cells, expected {width}"
                yield Row(self.lines, [], ("wrong-shape", detail), excerpt)
            else:
                yield Row(
                    self.lines, [cells[k].strip() for k in columns], None, excerpt,
                    not whole and width - 1 in columns,
                )  # fmt: skip

    def _cells(self, line: bytes) -> list[str] | tuple[str, str]:
        if len(line) > MAX_LINE:
            return "line-too-long", f"over {MAX_LINE} bytes"
        line = line.removesuffix(b"\r")
        if not line:
            return "empty-line", ""
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            return "not-utf-8", f"byte {error.start}"
        if '"' not in text:
            return text.split(self._delimiter)
        try:
            return next(csv.reader([text], delimiter=self._delimiter, strict=True))
        except (csv.Error, StopIteration) as error:
            return "wrong-shape", str(error)

    def _read(self) -> Iterator[tuple[bytes, bool]]:
        rest = b""
        while True:
            text, end = self._source.read()
            self._tell(self._source.raw_bytes)
            if end:
                break
            lines = (rest + text).split(b"\n")
            rest = lines.pop()
            if len(rest) > 64 << 20:
                raise InputError(self.path, "has 64 MiB without a newline; expected lines of text")
            for line in lines:
                yield line, True
        if rest:
            yield rest, False


class ParquetTable:
    """A Parquet file; row ``n`` counts as line ``n``, from 1.

    Floats are taken at their shortest decimal text, which is what was written where a decimal of at
    most 15 digits was stored as a float.
    """

    header_lines = 0

    def __init__(self, path: Path, tell: Callable[[int], None]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path, self._tell, self.lines = path, tell, 0
        self._errors = (pa.ArrowException, OSError, ValueError)
        digest = hashlib.sha256()
        try:
            with path.open("rb") as file:
                self.raw_bytes = self.text_bytes = path.stat().st_size
                while data := file.read(1 << 20):
                    digest.update(data)
            self._file = pq.ParquetFile(path)
        except self._errors as error:
            raise self._fail(error) from None
        self.sha256 = digest.hexdigest()
        self.header = list(self._file.schema_arrow.names)
        if self._file.metadata.num_rows > MAX_ROWS:
            raise InputError(path, f"has more than {MAX_ROWS} rows of bars")

    def _fail(self, error: BaseException) -> InputError:
        words = " ".join(str(error).split())[:200]
        return InputError(self.path, f"cannot be read as Parquet: {words}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def rows(self, columns: list[int]) -> Iterator[Row]:
        """Cells of the columns of each row, as texts; empty for a null."""
        names = [self.header[k] for k in columns]
        try:
            for batch in self._file.iter_batches(batch_size=1 << 14, columns=sorted(set(names))):
                texts = [_texts(batch.column(name)) for name in names]
                for cells in zip(*texts, strict=True):
                    self.lines += 1
                    yield Row(self.lines, list(cells), None, ",".join(cells)[:160])
                self._tell(self.raw_bytes)
        except self._errors as error:
            raise self._fail(error) from None


def _texts(column: Any) -> list[str]:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind):
        # A stamp with a zone is one instant; one without is read in the mapping's zone.
        aware = kind.tz is not None
        column = column.cast(pa.timestamp("ns", "UTC") if aware else pa.timestamp("ns"))
        end = "Z" if aware else ""
        plain = column.cast(pa.int64()).cast(pa.timestamp("ns")).cast(pa.string())
        return ["" if v is None else v + end for v in plain.to_pylist()]
    if pa.types.is_date(kind):
        return ["" if v is None else v.isoformat() for v in column.to_pylist()]
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        shortest = column.to_numpy(zero_copy_only=False)
        return ["" if v != v else str(v) for v in shortest]
    if pa.types.is_floating(kind):
        return ["" if v is None or v != v else repr(v) for v in column.to_pylist()]
    if pa.types.is_decimal(kind):
        return ["" if v is None else f"{v:f}" for v in column.to_pylist()]
    return ["" if v is None else str(v) for v in column.to_pylist()]


def open_table(path: Path, delimiter: str, tell: Callable[[int], None]) -> CsvTable | ParquetTable:
    """Open a file of bars, CSV or Parquet as its first bytes say.

    Raises
    ------
    InputError
        It cannot be read, or names a column twice.
    """
    try:
        is_parquet = False
        if path.is_file():
            with path.open("rb") as file:
                is_parquet = file.read(4) == b"PAR1"
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror or error}") from None
    table = ParquetTable(path, tell) if is_parquet else CsvTable(path, delimiter, tell)
    twice = {name for name in table.header if table.header.count(name) > 1}
    if twice:
        table.close()
        raise InputError(path, f"has column {min(twice)[:40]!r} twice", "line 1")
    return table


def place_of(table: CsvTable | ParquetTable, column: str, key: str) -> int:
    """Index of a column that the mapping names.

    Raises
    ------
    InputError
        The file lacks it.
    """
    if column in table.header:
        return table.header.index(column)
    near = difflib.get_close_matches(column, table.header, n=1, cutoff=0.6)
    shown = ", ".join(table.header[:8]) + (", ..." if len(table.header) > 8 else "")
    hint = f"did you mean {near[0]!r}?" if near else f"it has {shown}"
    raise InputError(table.path, f"lacks column {column!r}, which {key} names; {hint}", "line 1")
