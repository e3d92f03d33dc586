"""Many inputs at once: a segment each, in several processes, and one log of what was refused."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from quantlaxmi.errors import InputError
from quantlaxmi.files import (
    SEGMENT_MANIFEST,
    FileKind,
    check_apart,
    check_file,
    check_outside,
    one_line_errors,
)
from quantlaxmi.importers import FORMATS, import_capture
from quantlaxmi.parallel.cores import cores
from quantlaxmi.parallel.work_queue import Ended, Limits, WorkQueue
from quantlaxmi.system.flags import APPEND, CREATE, NO_LINK, WRITE

__all__ = ["LOG", "Imported", "folder_names", "import_many"]

#: Name of the log, in the folder of the segments.
LOG: Final = "refused.jsonl"
_LOG_KIND: Final = FileKind("a log of refused inputs", b'{"input": "', first=True)
#: Endings that are no part of a segment's name.
_ENDINGS: Final = frozenset(
    {".gz", ".zip", ".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet", ".feather", ".arrow"}
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an input.

    Attributes
    ----------
    input : str
    segment : str
        Folder of the segment, whether it was made or not.
    status : {"made", "there", "refused"}
        ``"there"``: the folder of the segment was there before, and was not looked into.
    error : str
        Why it was refused, in one line; else empty.
    digest : str
        Of a segment that was made.
    lines, quarantined : int
        Lines that were read, and those of them that were refused.
    messages, reasons : dict of str to int
        Messages by table; refused lines by reason.
    """

    input: str
    segment: str
    status: Literal["made", "there", "refused"]
    error: str = ""
    digest: str = ""
    lines: int = 0
    quarantined: int = 0
    messages: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def refusal(self) -> dict[str, Any] | None:
        """Its line of the log; None where nothing of it was refused."""
        if self.status == "refused":
            return {"input": self.input, "refused": "all", "error": self.error}
        if self.quarantined:
            reasons = dict(self.reasons)
            found = {"input": self.input, "segment": self.segment, "refused": self.quarantined}
            return {**found, "of": self.lines, "reasons": reasons}
        return None


def folder_names(inputs: Sequence[Path | str]) -> list[str]:
    """Names of segments for some inputs: theirs without the endings of formats.

    Parameters
    ----------
    inputs : sequence of Path or str

    Raises
    ------
    InputError
        Two inputs would have one name, or one has none.

    Examples
    --------
    >>> folder_names(["in/BTCUSDT-2024-08-08.csv.gz", "in/v1.2.zip"])
    ['BTCUSDT-2024-08-08', 'v1.2']
    """
    found: dict[str, str] = {}
    for one in (os.fspath(path) for path in inputs):
        name = Path(one).name
        while Path(name).suffix.lower() in _ENDINGS:
            name = Path(name).stem
        if not name or name == ".." or "\0" in one:
            raise InputError("--jobs", f"was given {one!r}, which names no segment")
        if name in found:
            raise InputError(
                "--jobs", f"was given {found[name]} and {one}, which both would be segment {name}"
            )
        found[name] = one
    return list(found)


def import_many(
    format: str,
    inputs: Sequence[Path | str],
    out: Path | str,
    *,
    jobs: int | None = None,
    told: Callable[[Imported], None] | None = None,
    **options: Any,
) -> list[Imported]:
    """Import every input to a segment of its own.

    Parameters
    ----------
    format : str
        A key of `FORMATS`.
    inputs : sequence of Path or str
        Files, or folders where the format takes them.
    out : Path or str
        Folder of the segments, made where there is none: ``out/NAME`` for each input, and the log
        `LOG`, which has a line for each input of which something was refused. An input whose
        segment is there is passed over, so that the same call goes on after an interruption.
    jobs : int, optional
        Processes; as many as there are processors by default.
    told : callable, optional
        Called with every `Imported` as soon as it is known.
    **options
        As for `import_capture`.

    Returns
    -------
    list of Imported
        In the order of the inputs.

    Raises
    ------
    InputError
        There is no input or format, two inputs would be one segment, or the folder or log cannot
        be written.

    Examples
    --------
    >>> text = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\\n"
    >>> text += "binance,BTCUSDT,1700000000000000,1700000000001000,7,buy,100.01,0.25\\n"
    >>> for name in ("one.csv", "two.csv"):
    ...     _ = Path(name).write_text(text)
    >>> [found.status for found in import_many("tardis", ["one.csv", "two.csv"], "out", jobs=1)]
    ['made', 'made']
    """
    if format not in FORMATS:
        raise InputError("--format", f"was {format!r}; expected one of {', '.join(FORMATS)}")
    if not inputs:
        raise InputError("--jobs", "was given no input; expected at least one")
    names, where = folder_names(inputs), Path(out)
    _prepare(where, inputs)
    found: dict[int, Imported] = {}

    def settle(index: int, one: Imported) -> None:
        found[index] = one
        if one.refusal is not None:
            _log(where / LOG, one.refusal)
        if told is not None:
            told(one)

    waiting = []
    for index, (path, name) in enumerate(zip(inputs, names, strict=True)):
        if os.path.lexists(where / name / SEGMENT_MANIFEST):
            settle(index, Imported(os.fspath(path), str(where / name), "there"))
        else:
            waiting.append(index)
    packed = {
        k: pickle.dumps((format, os.fspath(inputs[k]), str(where / names[k]), options))
        for k in waiting
    }

    def answered(index: int, answer: Imported | Ended) -> None:
        if isinstance(answer, Ended):
            place = str(where / names[index])
            answer = Imported(os.fspath(inputs[index]), place, "refused", answer.reason)
        settle(index, answer)

    order = iter(waiting)
    WorkQueue(
        work=_import_packed,
        workers=min(cores(jobs), max(len(waiting), 1)),
        limits=Limits(),
        take=lambda _last: next(order, None),
        packed=packed.__getitem__,
        answered=answered,
    ).run()
    return [found[index] for index in range(len(inputs))]


def _prepare(where: Path, inputs: Sequence[Path | str]) -> None:
    """Refuse a folder or log that must not be written, before any work."""
    check_apart(where / LOG, InputError)
    check_outside(where, [os.fspath(one) for one in inputs])
    with one_line_errors(where, "cannot be made", InputError):
        where.mkdir(exist_ok=True)
    check_file(where / LOG, _LOG_KIND)  # it is appended to


def _log(path: Path, line: Mapping[str, Any]) -> None:
    """Append a line, durable when this returns."""
    flags = WRITE | APPEND | CREATE | NO_LINK
    text = (json.dumps(line, ensure_ascii=True) + "\n").encode()
    with one_line_errors(path, "cannot be written", InputError):
        fd = os.open(path, flags, 0o666)
        try:
            left = memoryview(text)
            while left:  # where the disk gets full the next one says so
                left = left[os.write(fd, left) :]
            os.fsync(fd)
        finally:
            os.close(fd)


def _import_packed(packed: bytes) -> Imported | None:
    """In a process: one import; whatever ends it is its refusal."""
    if not packed:
        return None
    format, path, out, options = pickle.loads(packed)
    try:
        made = import_capture(format, inputs=[path], out=out, **options)
    except Exception as error:
        return Imported(path, out, "refused", " ".join(str(error).split()) or repr(error))
    return Imported(
        path,
        out,
        "made",
        digest=made.segment.digest,
        lines=made.lines,
        quarantined=made.quarantined,
        messages=made.messages_by_kind,
        reasons=made.quarantine_reasons,
    )
