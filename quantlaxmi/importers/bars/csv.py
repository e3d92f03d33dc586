"""Rows of a CSV file of bars, many at once where they are plain, else one by one as texts."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.text_cells import split_cells
from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.spool import Int64Array
from quantlaxmi.importers.bars.table import BATCH_LINES, Batch, Cells, Row
from quantlaxmi.importers.delimited.text_source import TextSource

MAX_LINE: Final = 1 << 16
MAX_SPAN: Final = 64 << 20
_EXPECTED: Final = "bars below a header"


class CsvTable:
    """A CSV file, plain, gzip or zip, whose first line names the columns.

    Parameters
    ----------
    path : Path
    delimiter : str
    report_progress : callable
        Called with the bytes read so far.
    names : sequence of str, optional
        Names of the columns of a file that may have no header: the first line is one if it does
        not begin with a digit.

    Raises
    ------
    InputError
        The file cannot be read, is empty, or has no whole header.
    """

    def __init__(
        self,
        path: Path,
        delimiter: str,
        report_progress: Callable[[int], None],
        names: Sequence[str] | None = None,
    ) -> None:
        self.path, self._delimiter, self._report_progress = path, delimiter, report_progress
        self._source = TextSource(path, _EXPECTED, zipped=True)
        self._text, self._ended = b"", False
        try:
            while b"\n" not in self._text and not self._ended:
                self._more()
            text, newline, _ = self._text.partition(b"\n")
            self.header_lines = 1
            if names is not None and text[:1].isdigit():
                self.header, self.header_lines = list(names), 0
            else:
                first = self._cells(text)
                if isinstance(first, tuple) or not newline or not text.strip():
                    raise InputError(path, f"has no whole header; expected {_EXPECTED}", "line 1")
                self.header = [name.strip() for name in first]
                self._text = self._text[len(text) + 1 :]
        except BaseException:
            self._source.close()
            raise
        self.lines = self.header_lines

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

    def batches(self, columns: list[int]) -> Iterator[Batch]:
        """Lines below the header; cells are stripped of spaces."""
        slot_of = np.full(len(self.header), -1, np.int64)
        slot_of[columns] = np.arange(len(columns))
        one_byte = ord(self._delimiter) < 128
        while True:
            text, at = self._text, 0
            while at < len(text):
                starts, ends, lines = (
                    np.zeros((n, BATCH_LINES), np.int64) for n in (len(columns), len(columns), 2)
                )
                plain = np.zeros(BATCH_LINES, np.uint8)
                n, at = split_cells(
                    text, at, len(text), ord(self._delimiter) if one_byte else 0, MAX_LINE,
                    slot_of, starts, ends, lines, plain,
                )  # fmt: skip
                if n == 0:
                    break
                yield self._batch(text, columns, starts, ends, lines, plain[:n] * one_byte)
            self._text = text[at:]
            if self._ended:
                break
            self._more()
        if self._text:
            self.lines += 1
            last = self._row(self._text, self.lines, False, columns)
            yield Batch(self.lines, np.zeros(1, np.uint8), _none(columns), lambda _: last)
            self._text = b""

    def _batch(
        self,
        text: bytes,
        columns: list[int],
        starts: Int64Array,
        ends: Int64Array,
        lines: Int64Array,
        plain: NDArray[np.uint8],
    ) -> Batch:
        first, n = self.lines + 1, len(plain)
        self.lines += n

        def row(k: int) -> Row:
            return self._row(text[lines[0, k] : lines[1, k]], first + k, True, columns)

        cells = [Cells(text, starts[slot, :n], ends[slot, :n]) for slot in range(len(columns))]
        return Batch(first, plain, cells, row)

    def _row(self, text: bytes, line: int, whole: bool, columns: list[int]) -> Row:
        """One line, read with care."""
        width = len(self.header)
        cells = self._cells(text)
        excerpt = text[:160].decode("utf-8", "replace")
        if isinstance(cells, tuple):
            return Row(line, [], cells, excerpt)
        if not whole and len(cells) < width:
            detail = f"has {len(cells)} of {width} cells and no newline"
            return Row(line, [], ("half-line", detail), excerpt)
        if len(cells) != width:
            detail = f"has {len(cells)} cells, expected {width}"
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
