"""Text whose last line is the earliest, read line by line from its end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from quantlaxmi.errors import InputError
from quantlaxmi.files import one_line_errors
from quantlaxmi.importers.delimited.text_source import TextSource

_PIECE: Final = 1 << 21
_MAX_SPAN: Final = 64 << 20


class DescendingText:
    """The rest of a text, its last line first.

    The unpacked text waits in a file without a name, which vanishes with the process.

    Parameters
    ----------
    source : TextSource
        Read to its end.
    start : bytes
        What was read of it already, and belongs to the lines.
    folder : Path
        Folder of the file.

    Attributes
    ----------
    n_lines : int
        Whole lines.
    cut : bytes
        What stands behind the last newline.

    Raises
    ------
    InputError
        The source cannot be read, or the disk is full.
    """

    def __init__(self, source: TextSource, start: bytes, folder: Path) -> None:
        self._path, self._folder = source.path, folder
        self._size = self.n_lines = 0
        self.cut = b""
        with one_line_errors(folder, "cannot be written"):
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        try:
            piece, ended = start, False
            while True:
                with one_line_errors(folder, "cannot be written"):
                    self._keep(piece)
                if ended:
                    break
                piece, ended = source.read()
            with one_line_errors(folder, "cannot be read"):
                self._file.flush()
        except BaseException:
            self._file.close()
            raise

    def _keep(self, piece: bytes) -> None:
        last = piece.rfind(b"\n") + 1
        if not last:
            self.cut += piece
            if len(self.cut) > _MAX_SPAN:
                raise InputError(self._path, "has 64 MiB without a newline; expected lines of text")
            return
        self._file.write(self.cut)
        self._file.write(piece[:last])
        self._size += len(self.cut) + last
        self.n_lines += piece.count(b"\n")
        self.cut = piece[last:]

    def pieces(self) -> Iterator[bytes]:
        """Whole lines, the last one first, in pieces of some."""
        end, carry = self._size, b""
        while end > 0:
            start = max(0, end - _PIECE)
            with one_line_errors(self._folder, "cannot be read"):
                self._file.seek(start)
                block = self._file.read(end - start) + carry
            end = start
            # The first line of a block may have begun in the one before it.
            first = block.find(b"\n", 0, len(block) - 1) + 1 if start else 0
            if start and not first:
                carry = block
                continue
            carry, block = block[:first], block[first:]
            yield b"\n".join(reversed(block[:-1].split(b"\n"))) + b"\n"

    def close(self) -> None:
        """Free the space on disk."""
        self._file.close()
