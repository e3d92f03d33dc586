"""A folder for the files of a case, removed when the process ends."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def folder() -> Path:
    """The folder of this process."""
    path = Path(tempfile.mkdtemp(prefix="quantlaxmi-fuzz-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def file(name: str, content: bytes) -> Path:
    """A file of the folder with this content."""
    path = folder() / name
    path.write_bytes(content)
    return path


@contextlib.contextmanager
def inside(path: Path) -> Iterator[None]:
    """Work in a folder, and come back."""
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)
