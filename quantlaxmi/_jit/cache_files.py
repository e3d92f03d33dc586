"""Files of Numba's cache with a SHA-256 next to each, checked before anything is loaded.

Numba unpickles and runs what its files hold. One flipped bit in the machine code ends the process,
and no exception can be caught. So a file that is not the one that was saved is removed, and the
kernel is compiled again. The hashes guard against damage, not against somebody who can write the
folder.
"""

from __future__ import annotations

import hashlib
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba.core.caching import IndexDataCacheFile

__all__ = ["VerifiedCacheFile"]

_SUFFIX = ".sha256"
_Files: Any = IndexDataCacheFile


class VerifiedCacheFile(_Files):  # type: ignore[misc]
    """Index and data files of one kernel; what is damaged counts as absent."""

    def _load_index(self) -> Any:
        try:
            _check(Path(self._index_path))
        except OSError:
            return {}
        return super()._load_index()

    def _load_data(self, name: str) -> Any:
        _check(Path(self._data_path(name)))  # an OSError is a file that is not there
        return super()._load_data(name)

    def _save_index(self, overloads: Any) -> None:
        super()._save_index(overloads)
        _seal(Path(self._index_path))

    def _save_data(self, name: str, data: Any) -> None:
        super()._save_data(name, data)
        _seal(Path(self._data_path(name)))


def _seal(path: Path) -> None:
    """Write the hash of a file next to it, whole."""
    part = path.with_name(f"{path.name}.tmp.{uuid.uuid4().hex[:16]}")
    try:
        part.write_bytes(hashlib.sha256(path.read_bytes()).digest())
        part.replace(f"{path}{_SUFFIX}")
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _check(path: Path) -> None:
    """Check a file against its hash, or remove both.

    Raises
    ------
    FileNotFoundError
        The file or its hash is not there, or the two disagree.
    """
    hash_file = Path(f"{path}{_SUFFIX}")
    with suppress(FileNotFoundError):
        if hashlib.sha256(path.read_bytes()).digest() == hash_file.read_bytes():
            return
    for one in (path, hash_file):
        one.unlink(missing_ok=True)
    raise FileNotFoundError(str(path))
