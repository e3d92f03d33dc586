"""Which files of its folder a strategy file imports, read from the source: nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from quantlaxmi.strategies.user_files import is_beside

__all__ = ["imported_files", "with_neighbours"]


def with_neighbours(file: Path) -> dict[Path, bytes]:
    """Return a file and those of its folder that it imports, directly or by way of others.

    Imports inside functions count, whether they have been run or not: so the answer follows from
    the files alone, and not from what the process has loaded.

    Parameters
    ----------
    file : Path

    Returns
    -------
    dict of Path to bytes
        Content by file. A file that cannot be read, or is no Python, is left out or has no
        neighbours.
    """
    found: dict[Path, bytes] = {}
    waiting = [file]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        try:
            found[one] = data = one.read_bytes()
            others = imported_files(one, file.parent, ast.walk(ast.parse(data)))
            waiting += [other for other in others if other.is_relative_to(file.parent)]
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return found


def imported_files(file: Path, top: Path, nodes: Iterable[ast.AST]) -> Iterator[Path]:
    """Files of a strategy's folder that one of its files imports.

    Parameters
    ----------
    file : Path
    top : Path
        The folder.
    nodes : iterable of ast.AST
        Of the file's source.
    """
    for node in nodes:
        if isinstance(node, ast.Import):
            names, level = [alias.name for alias in node.names], 0
        elif isinstance(node, ast.ImportFrom):
            lead = f"{node.module}." if node.module else ""
            names, level = [lead + alias.name for alias in node.names], node.level
        else:
            continue
        folder = file.parent if level else top
        for _ in range(level - 1):
            folder = folder.parent
        for name in names:
            first = name.partition(".")[0]
            if level or (first != "quantlaxmi" and is_beside(top, first)):
                yield from _files_of(folder, name.split("."))


def _files_of(folder: Path, parts: list[str]) -> Iterator[Path]:
    """Files that importing a dotted name from a folder runs."""
    for k in range(1, len(parts) + 1):
        place = folder.joinpath(*parts[:k])
        for one in (place / "__init__.py", place.parent / f"{place.name}.py"):
            if one.is_file():
                yield one
                break
