"""Settlement times that faulty mark price lines of a websocket capture name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final

from quantlaxmi.importers.delimited.streams import NO_SETTLEMENT

_NEXT: Final = re.compile(rb'"T"\s*:\s*"?([0-9]{13})(?![0-9])')
#: Most times taken of one line, which has one.
_TIMES: Final = 8
#: No line that is longer than this is a mark price.
_LONGEST: Final = 1 << 16


class MarkLines:
    """Looks up the lines set aside in the pieces of text that they came in.

    Attributes
    ----------
    times_ns : set of int
        Settlement times that faulty mark price lines name.
    """

    def __init__(self) -> None:
        self.times_ns: set[int] = set()
        self._rest = b""

    def feed(self, text: bytes, faults: Sequence[tuple[int, str]], n_lines: int) -> None:
        """Take a piece of the text with the faulty lines that ended in it.

        Parameters
        ----------
        text : bytes
        faults : sequence of (int, str)
            Line, from 1 through the whole text, and reason.
        n_lines : int
            Whole lines before the piece.
        """
        wanted = [line for line, reason in faults if reason not in NO_SETTLEMENT]
        if wanted:
            lines = (self._rest + text).split(b"\n")
            for line in wanted:
                at = line - n_lines - 1
                if 0 <= at < len(lines) and b"markPrice" in lines[at]:
                    times = islice(_NEXT.finditer(lines[at]), _TIMES)
                    self.times_ns.update(int(time[1]) * 10**6 for time in times)
        tail = text[text.rfind(b"\n") + 1 :]
        self._rest = (self._rest + tail if len(tail) == len(text) else tail)[-_LONGEST:]
