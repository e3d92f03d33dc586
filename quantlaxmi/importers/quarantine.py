"""Lines that an import sets aside: counted by reason and kept as JSON lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError

QUARANTINE_NAME: Final = "quarantine.jsonl"
#: More faulty lines than this end an import whatever share they are: they wait in memory.
MAX_FAULTS: Final = 1_000_000
#: What a line should have had, for errors that name the first faulty one.
EXPECTED: Final = {
    "line-too-long": "a shorter line",
    "not-utf-8": "UTF-8 text",
    "empty-line": "a line of data",
    "bad-stamp": "a time in the format's unit",
    "stamp-unit": "one unit in all lines, which the format has",
    "half-line": "a whole line with its newline",
    "not-json": "a stamp and JSON",
    "wrong-shape": "the format's fields with their types",
    "unknown-stream": "a stream of the format",
    "wrong-symbol": "the file's symbol",
    "other-market": "lines of the market it was given as",
    "bad-decimal": "a decimal number",
    "too-fine": "at most eight decimals",
    "overflow": "a number in range",
    "price-not-positive": "a price above 0",
    "bad-quantity": "a quantity of 0 or more, of a trade above 0",
    "crossed-book": "bid below ask",
    "time-reversal": "ascending times",
    "time-jump": "times without jumps of days",
    "duplicate-id": "ascending ids",
    "id-going-back": "ascending ids",
    "column-count": "as many columns as the file has",
    "comment-line": "data",
    "missing-value": "a value",
    "bad-number": "a whole number",
    "bad-word": "a side or boolean",
    "outside-day": "times of the day that the name tells",
    "time-apart": "receive and exchange time close together",
    "message-mismatch": "one time for lines of one id",
    "exchange-ahead": "at most 5 s",
    "not-base64": "base64",
    "wrong-length": "packets of 8, 28, 32, 44 or 184 bytes",
    "outside-session": "a time within the session of its day",
    "off-tick": "a multiple of the tick",
    "wrong-contract": "an option or a future that has not ended",
    "level-order": "the best level first, without holes",
}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One line set aside.

    Attributes
    ----------
    file : str
        Name of the capture, without folders.
    stream : str
        What the capture was read as.
    line : int
        From 1.
    reason : str
        One of ``quantlaxmi._ext.binance_rows.FAULTS``.
    detail : str
        What was found.
    excerpt : str or None
        Start of the line; None for a fault that only the order of the messages shows.
    """

    file: str
    stream: str
    line: int
    reason: str
    detail: str
    excerpt: str | None

    def __str__(self) -> str:
        words = f"{self.reason}: {self.detail}" if self.detail else self.reason
        expected = EXPECTED.get(self.reason)
        return words if "expected" in words or not expected else f"{words}; expected {expected}"


class QuarantineLog:
    """Faulty lines of one capture.

    Parameters
    ----------
    path : Path
        The capture, as the user named it.
    stream : str
        What it was read as.
    strict : bool
        Any faulty line ends the import.
    n_shown : int
        Faulty lines that an error about all of them names.
    rows : bool
        Lines are rows of a frame, which its user counts from 0; the first is line 2.
    """

    def __init__(
        self,
        path: Path,
        stream: str,
        strict: bool = False,
        n_shown: int = 1,
        rows: bool = False,
    ) -> None:
        self.path, self.stream, self.strict, self.n_shown = path, stream, strict, n_shown
        self.rows = rows
        self.name = shown_name(path)
        self.faults: list[Fault] = []

    def __len__(self) -> int:
        return len(self.faults)

    def add(self, line: int, reason: str, detail: str, excerpt: str | None = None) -> None:
        """Set one line aside.

        Raises
        ------
        InputError
            The import is strict, or `MAX_FAULTS` lines are set aside already.
        """
        fault = Fault(
            file=self.name,
            stream=self.stream,
            line=line,
            reason=reason,
            detail=detail,
            excerpt=excerpt,
        )
        if self.rows:
            said = (detail or str(fault)).replace("column ''", "the index")
            raise InputError(self.path, said, f"row {line - 2}")
        if self.strict:
            raise InputError(self.path, f"{fault}; a strict import takes no faulty line",
                             f"line {line}")  # fmt: skip
        if len(self.faults) == MAX_FAULTS:
            raise InputError(self.path, f"has more than {MAX_FAULTS} faulty lines; {self.first()}")
        self.faults.append(fault)

    def first(self) -> str:
        """The first faulty line, in words; empty where there is none."""
        if not self.faults:
            return ""
        fault = min(self.faults, key=lambda f: f.line)
        return f"first at line {fault.line}, {fault}"

    def summary(self) -> str:
        """The first faulty lines, in words.

        Where several are named, lines that were set aside only for another line of their message
        are counted instead.
        """
        most = self.n_shown
        if most == 1:
            return self.first()
        faults = sorted(self.faults, key=lambda f: f.line)
        own = [f for f in faults if f.reason != "incomplete-message"]
        shown = "; ".join(f"line {f.line}, {f}" for f in own[:most])
        if len(own) > most:
            shown += f"; and {len(own) - most} more"
        if taken := len(faults) - len(own):
            shown += f"; {counted(taken, 'line[s] [is|are]')} of the same messages"
        return shown

    def reasons(self) -> Counter[str]:
        """Lines by reason."""
        return Counter(fault.reason for fault in self.faults)


def shown_name(path: Path) -> str:
    """A file's name as valid text: bytes of it that are not UTF-8 are written out."""
    return path.name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def quarantine_bytes(logs: Sequence[QuarantineLog]) -> bytes:
    """Content of the quarantine file: one JSON object a line, by capture and line."""
    encode = msgspec.json.Encoder().encode
    return b"".join(
        encode(fault) + b"\n" for log in logs for fault in sorted(log.faults, key=lambda f: f.line)
    )
