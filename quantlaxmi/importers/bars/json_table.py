"""Bars that a JSON file lists, each a list of cells: as exchanges answer, and ccxt keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from quantlaxmi._ext.text_cells import split_cells
from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.spool import Int64Array
from quantlaxmi.importers.bars.table import BATCH_LINES, Batch, Cells, Row
from quantlaxmi.importers.delimited.text_source import TextSource

#: Most bytes of text: all of a JSON file is held in memory.
MAX_TEXT: Final = 64 << 20
_MAX_LINE: Final = 1 << 16
_ROWS: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_ANSWER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_TEXT: Final = msgspec.json.Decoder(str).decode
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
#: Stands for a row that cannot be split at its commas, and is read with care.
_CAREFUL: Final = b'"'


class JsonTable:
    """A JSON list of lists, or an answer that has one under ``data``; row ``n`` counts as line n.

    Numbers are taken as they are written, never through a float. A null is an empty cell.

    Parameters
    ----------
    path : Path
        Plain or gzip.
    names : sequence of str
        What the cells of a row are, in their order.
    report_progress : callable
        Called with the bytes read so far.
    descending : bool
        The last row is the earliest, and read first.

    Raises
    ------
    InputError
        The file cannot be read, is longer than `MAX_TEXT`, or is no such JSON.
    """

    header_lines = 0

    def __init__(
        self,
        path: Path,
        names: Sequence[str],
        report_progress: Callable[[int], None],
        descending: bool = False,
    ) -> None:
        self.path, self.header, self.lines = path, list(names), 0
        text = self._whole_text(report_progress)
        try:
            if text.lstrip()[:1] == b"{":
                text = bytes(_ANSWER(text).get("data", b"null"))
            self._rows = _ROWS(text)
        except _UNREADABLE as error:
            words = " ".join(str(error).split())[:200]
            problem = f"is no JSON list of {', '.join(names)}: {words}"
            raise InputError(path, problem) from None
        if not self._rows:
            raise InputError(path, f"has no row; expected lists of {', '.join(names)}")
        self._descending = descending
        self.first_line = len(self._rows) if descending else 1

    def _whole_text(self, report_progress: Callable[[int], None]) -> bytes:
        pieces, size, ended = [], 0, False
        with TextSource(self.path, "bars, each a JSON list") as source:
            while not ended:
                piece, ended = source.read()
                pieces.append(piece)
                size += len(piece)
                report_progress(source.raw_bytes)
                if size > MAX_TEXT:
                    problem = f"has more than {MAX_TEXT >> 20} MiB of JSON; expected shorter files"
                    raise InputError(self.path, f"{problem}, or the same bars as Feather or CSV")
            self.raw_bytes, self.text_bytes = source.raw_bytes, source.text_bytes
            self.sha256 = source.sha256
        return b"".join(pieces)

    def read_descending(self) -> None:
        """Read the last row first."""
        self._descending, self.first_line = True, len(self._rows)

    def close(self) -> None:
        """Forget the rows."""
        self._rows = []

    def end_row(self, last: bool) -> bytes:
        """JSON of the first or the last row."""
        return bytes(self._rows[-1 if last else 0])

    def batches(self, columns: list[int]) -> Iterator[Batch]:
        """Rows, with the cells of some columns."""
        slot_of = np.full(len(self.header), -1, np.int64)
        slot_of[columns] = np.arange(len(columns))
        rows = self._rows[::-1] if self._descending else self._rows
        for start in range(0, len(rows), BATCH_LINES):
            part = [bytes(row) for row in rows[start : start + BATCH_LINES]]
            text = b"".join(map(_line, part))
            n = len(part)
            starts, ends, places = (np.zeros((k, n), np.int64) for k in (len(columns),) * 2 + (2,))
            plain = np.zeros(n, np.uint8)
            split_cells(
                text, 0, len(text), ord(","), _MAX_LINE, slot_of, starts, ends, places, plain
            )
            cells = [Cells(text, starts[slot], ends[slot]) for slot in range(len(columns))]
            yield self._batch(part, columns, cells, plain)

    def _batch(
        self, part: list[bytes], columns: list[int], cells: list[Cells], plain: Any
    ) -> Batch:
        before, step = self.lines, -1 if self._descending else 1
        lines: Int64Array = self.first_line + step * np.arange(before, before + len(part))
        self.lines += len(part)

        def row(k: int) -> Row:
            return self._row(part[k], int(lines[k]), columns)

        return Batch(lines, plain, cells, row)

    def _row(self, raw: bytes, line: int, columns: list[int]) -> Row:
        """One row, read with care."""
        excerpt = raw[:160].decode("utf-8", "replace")
        try:
            cells = [_cell(bytes(cell)) for cell in _ROWS(raw)]
        except _UNREADABLE as error:
            fault = "wrong-shape", " ".join(str(error).split())[:200]
            return Row(line, [], fault, excerpt)
        if len(raw) > _MAX_LINE:
            return Row(line, [], ("line-too-long", f"over {_MAX_LINE} bytes"), excerpt)
        if len(cells) != len(self.header):
            detail = f"has {counted(len(cells), 'cell[s]')}, expected {len(self.header)}"
            return Row(line, [], ("wrong-shape", detail), excerpt)
        return Row(line, [cells[k].strip() for k in columns], None, excerpt)


def _line(row: bytes) -> bytes:
    """A row as a line of comma-separated values, where all of it is plain."""
    inner = row[1:-1].replace(b"\n", b" ")
    if row[:1] != b"[" or b"[" in inner or b"{" in inner or not inner:
        inner = _CAREFUL
    return inner + b"\n"


def _cell(raw: bytes) -> str:
    raw = raw.strip()
    if raw[:1] == b'"':
        return _TEXT(raw)
    return "" if raw == b"null" else raw.decode()
