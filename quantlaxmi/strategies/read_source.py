"""Reads the source of a strategy for what makes its decisions differ between machines or runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quantlaxmi.errors import InputError
from quantlaxmi.files import read_regular
from quantlaxmi.strategies.neighbours import imported_files
from quantlaxmi.strategies.source_rules import RULES
from quantlaxmi.strategies.source_tree import SourceTree

__all__ = ["Finding", "read_source"]

_MOST_BYTES: Final = 2**20
_KIND: Final = "a strategy's Python file"


@dataclass(frozen=True, order=True)
class Finding:
    """Something in a source that makes decisions differ between machines or runs.

    Parameters
    ----------
    file : str
        As the caller named it; of another file of its folder, that one's path.
    line : int
        From 1.
    found : str
        What stands there.
    rule : str
        Name of the rule: ``libm``, ``power``, ``blas``, ``set-order``, ``hash``, ``clock``,
        ``random``, ``outside`` or ``fast-math``.
    why, instead : str
        Why decisions can differ, and what to write in its place.
    """

    file: str
    line: int
    found: str
    rule: str
    why: str
    instead: str

    def __str__(self) -> str:
        """The finding as one line."""
        return f"{self.file}:{self.line}: {self.found}; {self.why}; {self.instead}"


def read_source(path: str | Path) -> tuple[Finding, ...]:
    """Find what makes decisions of a strategy differ between machines or runs.

    The file and the files of its folder that it imports are parsed and never run. What stands
    under ``if __name__ == "__main__"`` is passed over.

    Not seen: values whose kind no assignment in the file shows (``x ** y`` of two parameters
    passes), what other packages do inside, names made at run time (``getattr``, ``eval``), and
    sets that come out of a call. Arrays of whole numbers and sets of whole numbers are harmless and
    may be found all the same.

    Parameters
    ----------
    path : str or Path
        A Python file of at most 1 MiB.

    Returns
    -------
    tuple of Finding
        By file and line; the file that was given comes first.

    Raises
    ------
    InputError
        A file cannot be read, or is no Python.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "mine.py"
    ...     _ = file.write_text("import time\\nnow = time.time()\\n")
    ...     for finding in read_source(file):
    ...         print(finding.line, finding.rule, finding.found)
    2 clock time.time
    """
    found: list[Finding] = []
    waiting, seen = [Path(path)], {Path(path).resolve()}
    while waiting:
        file = waiting.pop(0)
        source = _parse(file)
        try:
            found += sorted(set(_findings(file, source)))
        except RecursionError:
            raise InputError(file, "is nested too deeply to be read") from None
        for other in imported_files(file, Path(path).parent, source.nodes):
            if other.resolve() not in seen:
                seen.add(other.resolve())
                waiting.append(other)
    return tuple(found)


def _parse(file: Path) -> SourceTree:
    data = read_regular(file, _MOST_BYTES, InputError, _KIND)
    try:
        return SourceTree(data)
    except SyntaxError as error:
        place = f" (line {error.lineno})" if error.lineno else ""
        raise InputError(f"{file}{place}", f"is no Python: {error.msg}") from None
    except ValueError as error:  # a NUL
        raise InputError(file, f"is no Python: {error}") from None
    except (RecursionError, MemoryError):
        raise InputError(file, "is nested too deeply to be read") from None


def _findings(file: Path, source: SourceTree) -> Iterator[Finding]:
    for rule in RULES:
        for node, what in rule.find(source):
            line = getattr(node, "lineno", 1)
            yield Finding(str(file), line, what, rule.name, rule.why, rule.instead)
