"""The files given to an import, and the beginning of each."""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.delimited.layout import DAY_NS, FileHead
from quantlaxmi.importers.delimited.text_source import TextSource

ENDINGS: Final = (".csv", ".csv.gz", ".csv.zip", ".zip")
#: Text of a file's start that is looked at before it is read.
HEAD_BYTES: Final = 1 << 17
MAX_FILES: Final = 10_000
_MAX_ROWS: Final = 200
_EPOCH: Final = datetime.date(1970, 1, 1)


def input_files(inputs: Iterable[Path | str]) -> list[Path]:
    """Files that were named, and those of folders that were.

    Parameters
    ----------
    inputs : iterable of Path or str
        Of a folder, files that end in one of `ENDINGS` are taken; folders in it are not.

    Returns
    -------
    list of Path
        In the order given, a folder's by name.

    Raises
    ------
    InputError
        Nothing was named, a folder has nothing to import, or a file is named twice.
    """
    paths: list[Path] = []
    for given in inputs:
        path = Path(given)
        try:
            members = sorted(path.iterdir()) if path.is_dir() else None
        except (OSError, ValueError) as error:
            raise InputError(path, f"cannot be read: {error}") from None
        if members is None:
            paths.append(path)
            continue
        found = [p for p in members if p.name.lower().endswith(ENDINGS) and p.is_file()]
        if not found:
            raise InputError(path, f"has no file that ends in one of {', '.join(ENDINGS)}")
        paths.extend(found)
    if not paths:
        raise InputError("import", "has no file; expected --input FILE")
    if len(paths) > MAX_FILES:
        raise InputError(
            "import", f"has {counted(len(paths), 'file[s]')}; expected at most {MAX_FILES}"
        )
    seen: dict[Path, Path] = {}
    for path in paths:
        try:
            real = path.resolve()
        except (OSError, ValueError, RuntimeError) as error:  # a NUL in the name, a loop of links
            raise InputError(path, f"cannot be read: {error}") from None
        if real in seen:
            raise InputError(path, f"is given twice, also as {seen[real]}")
        seen[real] = path
    return paths


def read_head(path: Path, header: bool | None) -> FileHead:
    """The start of a CSV file.

    Parameters
    ----------
    path : Path
    header : bool or None
        Whether files of this format have one; None where the first line tells.

    Raises
    ------
    InputError
        The file cannot be read, or has no line.
    """
    with TextSource(path, "comma-separated values", zipped=True) as source:
        text, end = b"", False
        while len(text) < HEAD_BYTES and not end:
            piece, end = source.read()
            text += piece
        size = source.size
    whole = end and len(text) <= HEAD_BYTES
    lines = text[:HEAD_BYTES].split(b"\n")
    if not whole or not lines[-1]:
        lines.pop()
    comments: list[str] = []
    shown = [line.decode("utf-8", "replace").removesuffix("\r") for line in lines]
    while shown and shown[0].startswith("#"):
        comments.append(shown.pop(0))
    if not shown:
        raise InputError(path, "has no line; expected comma-separated values")
    if header is None:
        start = shown[0].removeprefix('"')[:1]
        header = not start.isdigit() and start != "-"
    names = tuple(shown[0].split(",")) if header else None
    rows = tuple(tuple(line.split(",")) for line in shown[bool(header) :][:_MAX_ROWS])
    if rows and rows[0][0].startswith('"') and rows[0][0].endswith('"'):
        place = f"line {len(comments) + bool(header) + 1}"
        problem = f"has quoted fields ({rows[0][0][:40]}); expected plain comma-separated values"
        raise InputError(path, problem, place)
    if names is not None and len(names) > 250:
        raise InputError(path, f"has {counted(len(names), 'column[s]')}; expected at most 250")
    n_header = len(comments) + bool(header)
    return FileHead(path, tuple(comments), names, rows, n_header, size)


def day_range(year: int, month: int, day: int | None, slack_ns: int = 0) -> tuple[int, int]:
    """Nanoseconds of a UTC day, or of a month where ``day`` is None; 0, 0 where there is none."""
    try:
        first = datetime.date(year, month, day or 1)
    except ValueError:
        return 0, 0
    n_days = 1 if day else calendar.monthrange(year, month)[1]
    start = (first - _EPOCH).days * DAY_NS
    return start - slack_ns, start + n_days * DAY_NS + slack_ns
