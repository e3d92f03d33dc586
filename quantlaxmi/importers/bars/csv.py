"""Rows of a CSV file of bars, many at once where they are plain, else one by one as texts."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.text_cells import split_cells
from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.descending import DescendingText
from quantlaxmi.importers.bars.spool import Int64Array
from quantlaxmi.importers.bars.table import BATCH_LINES, Batch, Cells, Row
from quantlaxmi.importers.bars.text_form import FileForm
from quantlaxmi.importers.delimited.text_source import TextSource

MAX_LINE: Final = 1 << 16
MAX_SPAN: Final = 64 << 20
_EXPECTED: Final = "bars below a header"
#: Decimal comma to point; a point where a comma belongs stays a fault.
_COMMA: Final = bytes.maketrans(b",.", b".,")


class CsvTable:
    """A CSV file, plain, gzip or zip, whose first line names the columns.

    Parameters
    ----------
    path : Path
    form : FileForm
    report_progress : callable
        Called with the bytes read so far.
    names : sequence of str, optional
        Names of the columns of a file that may have no header: the first line is one if it does
        not begin with a digit.
    folder : Path, optional
        Where text that is read from its end waits.

    Raises
    ------
    InputError
        The file cannot be read, is empty, or has no whole header.
    """

    def __init__(
        self,
        path: Path,
        form: FileForm,
        report_progress: Callable[[int], None],
        names: Sequence[str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.path, self._delimiter, self._report_progress = path, form.delimiter, report_progress
        self._comma = form.comma
        self._source = TextSource(path, _EXPECTED, zipped=True)
        self._text, self._ended = b"", False
        self._descending: DescendingText | None = None
        try:
            self.header_lines = 0
            for _ in range(form.skip_lines):
                self._skip()
            if form.columns:
                self.header = list(form.columns)
            else:
                self._read_header(names)
            self.first_line, self._step = self.header_lines + 1, 1
            if form.descending:
                assert folder is not None
                self._descending = DescendingText(self._source, self._text, folder)
                self._text, self._ended = b"", True
                report_progress(self._source.raw_bytes)
                n_lines = self._descending.n_lines + bool(self._descending.cut)
                self.first_line, self._step = self.header_lines + n_lines, -1
        except BaseException:
            self.close()
            raise
        self.lines = self.header_lines

    def _skip(self) -> None:
        """Pass over a line before the header."""
        while b"\n" not in self._text and not self._ended:
            self._more()
        text, newline, self._text = self._text.partition(b"\n")
        self.header_lines += bool(text or newline)

    def _read_header(self, names: Sequence[str] | None) -> None:
        while b"\n" not in self._text and not self._ended:
            self._more()
        text, newline, _ = self._text.partition(b"\n")
        if names is not None and text[:1].isdigit():
            self.header = list(names)
            return
        first = self._cells(text)
        self.header_lines += 1
        if isinstance(first, tuple) or not newline or not text.strip():
            place = f"line {self.header_lines}"
            raise InputError(self.path, f"has no whole header; expected {_EXPECTED}", place)
        self.header = [name.strip() for name in first]
        self._text = self._text[len(text) + 1 :]

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
        if self._descending is not None:
            self._descending.close()

    def batches(self, columns: list[int]) -> Iterator[Batch]:
        """Lines below the header; cells are stripped of spaces."""
        slot_of = np.full(len(self.header), -1, np.int64)
        slot_of[columns] = np.arange(len(columns))
        one_byte = ord(self._delimiter) < 128
        if self._descending is not None and self._descending.cut:
            yield self._alone(self._descending.cut, columns)
        more = self._descending.pieces() if self._descending is not None else None
        while True:
            if more is not None:
                self._text = next(more, b"")
            text, at = self._text, 0
            numbers = text.translate(_COMMA) if self._comma else None
            while at < len(text):
                starts, ends, lines = (
                    np.empty((n, BATCH_LINES), np.int64) for n in (len(columns), len(columns), 2)
                )
                plain = np.empty(BATCH_LINES, np.uint8)
                n, at = split_cells(
                    text, at, len(text), ord(self._delimiter) if one_byte else 0, MAX_LINE,
                    slot_of, starts, ends, lines, plain,
                )  # fmt: skip
                if n == 0:
                    break
                if not plain[:n].all():  # such lines have no cells
                    starts[:, :n][:, plain[:n] == 0] = ends[:, :n][:, plain[:n] == 0] = 0
                cells = [
                    Cells(text, starts[slot, :n], ends[slot, :n], numbers)
                    for slot in range(len(columns))
                ]
                yield self._batch(text, columns, cells, lines, plain[:n] * one_byte)
            if more is not None:
                if not text:
                    break
                continue
            self._text = text[at:]
            if self._ended:
                break
            self._more()
        if self._text:
            yield self._alone(self._text, columns)
            self._text = b""

    def _alone(self, text: bytes, columns: list[int]) -> Batch:
        """Return the text after the last newline."""
        lines = self._numbers(1)
        last = self._row(text, int(lines[0]), False, columns)
        return Batch(lines, np.zeros(1, np.uint8), _none(columns), lambda _: last)

    def _numbers(self, n: int) -> Int64Array:
        """Numbers of the next lines."""
        before = self.lines - self.header_lines
        self.lines += n
        return self.first_line + self._step * np.arange(before, before + n)

    def _batch(
        self,
        text: bytes,
        columns: list[int],
        cells: list[Cells],
        places: Int64Array,
        plain: NDArray[np.uint8],
    ) -> Batch:
        lines = self._numbers(len(plain))

        def row(k: int) -> Row:
            return self._row(text[places[0, k] : places[1, k]], int(lines[k]), True, columns)

        return Batch(lines, plain, cells, row)

    def _row(self, text: bytes, line: int, whole: bool, columns: list[int]) -> Row:
        """One line, read with care."""
        width = len(self.header)
        cells = self._cells(text)
        excerpt = text[:160].decode("utf-8", "replace")
        if isinstance(cells, tuple):
            return Row(line, [], cells, excerpt)
        if not whole and len(cells) < width:
            detail = f"has {len(cells)} of {counted(width, 'cell[s]')} and no newline"
            return Row(line, [], ("half-line", detail), excerpt)
        if len(cells) != width:
            detail = f"has {counted(len(cells), 'cell[s]')}, expected {width}"
            return Row(line, [], ("wrong-shape", detail), excerpt)
        picked = [cells[k].strip() for k in columns]
        return Row(line, picked, None, excerpt, not whole and width - 1 in columns)

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

    def _more(self) -> None:
        """Read the next piece behind what is left of the one before."""
        text, self._ended = self._source.read()
        self._report_progress(self._source.raw_bytes)
        self._text += text
        if len(self._text) > MAX_SPAN + len(text) and b"\n" not in self._text:
            raise InputError(self.path, "has 64 MiB without a newline; expected lines of text")


def _none(columns: list[int]) -> list[Cells]:
    """Cells of a batch of one row that is not plain."""
    return [Cells(b"", np.zeros(1, np.int64), np.zeros(1, np.int64)) for _ in columns]
