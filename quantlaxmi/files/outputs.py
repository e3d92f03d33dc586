"""No output is an input: where files and folders that a user names may be written.

The rule is written here alone. An output is never a link, a pipe or a device, is never inside a
segment or a folder that is read, and replaces only a file of its own kind.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quantlaxmi.errors import InputError
from quantlaxmi.files.common import irregular, one_line_errors
from quantlaxmi.files.named import open_regular

#: A folder that has a file of this name is a segment.
SEGMENT_MANIFEST: Final = "segment.json"
#: A folder that has a file of this name is a catalog of sweeps.
CATALOG_HEAD: Final = "catalog.json"
#: Its folders in which every file is its own; another file there would make it unreadable.
_OF_CATALOG: Final = frozenset({"journal", "leases", "reports", "timings", "gates", "trials"})
_HEAD_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class FileKind:
    """Kind of an output, so that it replaces only a file of the same kind.

    Attributes
    ----------
    words : str
        Such as ``"a gate report"``.
    mark : bytes
        Stands within the first MiB of every such file and of no other.
    first : bool
        Whether it stands at the very beginning.
    """

    words: str
    mark: bytes
    first: bool = False

    def marks(self, head: bytes) -> bool:
        """Whether a file of this beginning is of this kind."""
        return head.startswith(self.mark) if self.first else self.mark in head


def check_apart(path: Path, error: type[InputError] = InputError) -> None:
    """Refuse a place inside a segment or among the files of a catalog: they hold nothing else.

    Raises
    ------
    InputError
        As ``error``.
    """
    with one_line_errors(path, "cannot be written", error):
        # Not Path.resolve, which fails on a link that names itself.
        for folder in (Path(os.path.realpath(path.parent)) / path.name).parents:
            if (folder / SEGMENT_MANIFEST).exists():
                raise error(path, f"is inside the segment {folder}; name another place")
            if folder.name in _OF_CATALOG and (folder.parent / CATALOG_HEAD).exists():
                problem = f"is among the files of the catalog {folder.parent}; name another place"
                raise error(path, problem)


def check_outside(
    path: Path, inputs: Iterable[Path | str | None], error: type[InputError] = InputError
) -> None:
    """Refuse a place inside a folder that is read.

    Parameters
    ----------
    path : Path
    inputs : iterable of Path, str or None
        Files and folders that are read.
    error : type of InputError

    Raises
    ------
    InputError
        As ``error``.
    """
    with one_line_errors(path, "cannot be made", error):
        around = (Path(os.path.realpath(path.parent)) / path.name).parents
        for name in inputs:
            # A name that no file can have is refused by whoever reads it.
            if name and "\0" not in str(name) and Path(os.path.realpath(name)) in around:
                raise error(path, f"is inside the input {name}; name another place")


def check_file(path: Path, kind: FileKind | None, error: type[InputError] = InputError) -> None:
    """Refuse a name under which a file must not be written; nothing is written.

    Parameters
    ----------
    path : Path
    kind : FileKind or None
        A file that is there is of this kind or empty; None where the caller looks itself.
    error : type of InputError

    Raises
    ------
    InputError
        As ``error``: there is no such folder, the name stands for a link, a folder, a pipe or a
        device, is inside a segment or among a catalog's files, or is a file of another kind.
    """
    with one_line_errors(path, "cannot be written", error):
        if not path.parent.is_dir():
            raise error(path, f"cannot be written: there is no folder {path.parent}")
        if os.path.islink(path):  # noqa: PTH114
            raise error(path, "is a symbolic link; name the file itself")
        try:
            status = path.lstat()
        except FileNotFoundError:
            status = None
    check_apart(path, error)
    if status is None:
        return
    if problem := irregular(status.st_mode):
        problem = "is a folder" if stat.S_ISDIR(status.st_mode) else problem
        raise error(path, f"{problem}; expected {'a file' if kind is None else kind.words}")
    if kind is None or not status.st_size:
        return
    with open_regular(path, error, kind.words) as file:
        if not kind.marks(file.read(_HEAD_BYTES) or b""):
            raise error(path, f"is there and is not {kind.words}; name another file")


def check_folder(path: Path, error: type[InputError] = InputError) -> None:
    """Refuse a folder that exists, or that must not be made where it is.

    Raises
    ------
    InputError
        As ``error``.
    """
    with one_line_errors(path, "cannot be made", error):
        if os.path.lexists(path):
            problem = "exists already; choose another output folder or remove it first"
            raise error(path, problem)
        if not path.parent.is_dir():
            raise error(path, f"cannot be made: there is no folder {path.parent}")
    check_apart(path, error)
