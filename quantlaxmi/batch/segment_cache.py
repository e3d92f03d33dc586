"""Segments that a worker fetched from a store, kept for the next item; the oldest go first.

The cache of a machine is one folder for all its workers. A segment in use is locked (shared), one
that is fetched or removed is locked for one process alone; locks end with their process. A fetch
has one name, so whatever a killed process left of it is removed by the next.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quantlaxmi.batch.store import Store, files_of
from quantlaxmi.counted import counted
from quantlaxmi.errors import SegmentCorrupt, SegmentError
from quantlaxmi.files import SEGMENT_MANIFEST, one_line_errors, sync_file, sync_folder
from quantlaxmi.segment import Segment, open_segment
from quantlaxmi.segment.manifest import MAX_MANIFEST_BYTES, Manifest, load_manifest
from quantlaxmi.system.flags import CREATE, NO_LINK, UPDATE
from quantlaxmi.system.folders import OPENS_FOLDERS
from quantlaxmi.system.locks import lock

__all__ = ["DEFAULT_BYTES", "Held", "SegmentCache", "cache_folder"]

#: Most bytes of a cache where nobody says how many.
DEFAULT_BYTES: Final = 10 << 30
#: Names the folder, where the user's own cache folder is not the place.
VARIABLE: Final = "QUANTLAXMI_SEGMENT_CACHE"
#: Seconds between two looks at a segment that is not as it was and in use, and the most of them.
_LOOK_S: Final = 0.02
_MOST_LOOKS: Final = 3000
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_PART: Final = ".part"
_LOCK: Final = ".lock"


def cache_folder() -> Path:
    """Folder of this machine's cache.

    Returns
    -------
    pathlib.Path
        That of ``QUANTLAXMI_SEGMENT_CACHE`` where it is set, else in the user's cache folder.

    Raises
    ------
    SegmentError
        The user has no home folder.
    """
    if given := os.environ.get(VARIABLE):
        return Path(given).absolute()
    cache = os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(cache) if cache else Path.home() / ".cache"
    except RuntimeError:
        raise SegmentError(VARIABLE, "is not set, and there is no home folder") from None
    return base.absolute() / "quantlaxmi" / "segments"


@dataclass(slots=True)
class Held:
    """A segment of a cache that is in use; it stays there until `release`.

    Attributes
    ----------
    segment : Segment
    """

    segment: Segment
    _lock: int

    def release(self) -> None:
        """Let others remove it; what is mapped stays readable."""
        os.close(self._lock)


class SegmentCache:
    """A folder of segments that came from stores.

    Parameters
    ----------
    folder : Path
        Made where there is none.
    size : int
        Most bytes; what is in use counts and is not removed.

    Examples
    --------
    >>> import os
    >>> from quantlaxmi.batch.store import put_segment, store_at
    >>> os.mkdir("store")
    >>> there, data = store_at("store"), open_segment("data/planted")
    >>> put_segment(there, data)
    True
    >>> held = SegmentCache(Path("cache"), 1 << 30).held(there, data.manifest.manifest_sha256)
    >>> held.segment.digest == data.digest
    True
    >>> held.release()
    """

    def __init__(self, folder: Path, size: int) -> None:
        self._folder, self._size = folder, size
        with one_line_errors(folder, "cannot be made"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def held(self, store: Store, digest: str) -> Held:
        """Open a segment, fetching it where it is not there.

        Parameters
        ----------
        store : Store
        digest : str
            SHA-256 of the manifest.

        Returns
        -------
        Held
            With every byte of its columns verified.

        Raises
        ------
        SegmentError
            The store has not that segment, or other bytes under its name, or it is larger than
            the cache; nothing of it is left.
        """
        if not _DIGEST.fullmatch(digest):  # names are made of it
            raise SegmentError("segment", f"was {digest[:80]!r}, expected 64 hexadecimal digits")
        looks, fetched = 0, False
        while True:
            # Shared first: a process that uses the segment may keep it for as long as it is idle.
            shared = self._locked(digest, shared=True)
            try:
                if (segment := self._kept(digest)) is not None:
                    return Held(segment, shared)
            except BaseException:
                os.close(shared)
                raise
            os.close(shared)
            try:
                alone = self._locked(digest, wait=False)
            except BlockingIOError:  # another one looks for it, or fetches it
                if looks >= _MOST_LOOKS:
                    words = "was changed while another process uses it, expected it as it was"
                    raise SegmentCorrupt(str(self._folder / digest), words) from None
                looks += 1
                time.sleep(_LOOK_S)
                continue
            try:
                if self._kept(digest) is None:
                    if fetched:  # as the store has it: it would come so again, for ever
                        self._refuse(store, digest)
                    _remove(self._folder / digest)
                    self._fetch(store, digest)
                    fetched = True
            finally:
                os.close(alone)

    def _kept(self, digest: str) -> Segment | None:
        """The segment as it is here, used now; None where there is none, or it was changed."""
        place = self._folder / digest
        with contextlib.suppress(SegmentError):
            if not place.is_symlink():
                segment = open_segment(place)
                if segment.manifest.manifest_sha256 == digest:
                    with one_line_errors(place, "cannot be touched"):
                        now = time.time_ns()  # the system's own stamps are milliseconds apart
                        os.utime(place, ns=(now, now))
                    return segment
        return None

    def _refuse(self, store: Store, digest: str) -> None:
        """Refuse a segment that came whole and cannot be opened; not one that was removed since.

        Raises
        ------
        SegmentCorrupt
        """
        place = self._folder / digest
        if not os.path.lexists(place):
            return
        try:
            open_segment(place)
        except SegmentError as error:
            _remove(place)
            raise SegmentCorrupt(f"{store.name}/{digest}", error.problem) from None

    def _fetch(self, store: Store, digest: str) -> None:
        part = self._folder / (digest + _PART)
        _remove(part)
        try:
            with one_line_errors(part, "cannot be written"):
                part.mkdir()
                manifest = self._manifest(store, digest, part)
                named = files_of(manifest)
                self._make_room(digest, sum(size for size, _ in named.values()))
                for file, (size, expected) in named.items():
                    path = part / file
                    path.parent.mkdir(exist_ok=True)
                    found = _copied(store.pieces(digest, file, size), path)
                    if found != expected:
                        raise SegmentCorrupt(
                            f"{store.name}/{digest}/{file}",
                            f"has the SHA-256 {found}, the manifest says {expected}",
                        )
                    sync_folder(path.parent)
                sync_folder(part)
                part.rename(self._folder / digest)
                sync_folder(self._folder)
        except BaseException:
            _remove(part)
            raise

    def _manifest(self, store: Store, digest: str, part: Path) -> Manifest:
        """Fetch a manifest into a folder; what its name does not say is refused."""
        pieces, read = [], 0
        for piece in store.pieces(digest, SEGMENT_MANIFEST, None):
            read += len(piece)
            if read > MAX_MANIFEST_BYTES:
                words = f"is longer than {MAX_MANIFEST_BYTES} bytes"
                raise SegmentCorrupt(f"{store.name}/{digest}/{SEGMENT_MANIFEST}", words)
            pieces.append(piece)
        _copied(iter(pieces), part / SEGMENT_MANIFEST)
        try:
            manifest = load_manifest(part)
        except SegmentError as error:
            source = f"{store.name}/{digest}/{SEGMENT_MANIFEST}"
            raise SegmentCorrupt(source, error.problem) from None
        if manifest.manifest_sha256 != digest:
            raise SegmentCorrupt(
                f"{store.name}/{digest}", f"is the segment {manifest.manifest_sha256}"
            )
        return manifest

    def _make_room(self, digest: str, needed: int) -> None:
        """Remove segments that nobody uses, the longest unused first, until another one fits.

        Raises
        ------
        SegmentError
            It is larger than the cache.
        """
        if needed > self._size:
            raise SegmentError(
                digest,
                f"has {counted(needed, 'byte[s]')}, expected at most {self._size} (--cache-size)",
            )
        there = []
        for entry in os.scandir(self._folder):
            key = entry.name.removesuffix(_PART)
            if _DIGEST.fullmatch(key) and key != digest:
                with contextlib.suppress(OSError):
                    used = (
                        -1 if entry.name != key else entry.stat(follow_symlinks=False).st_mtime_ns
                    )
                    there.append((used, key, Path(entry.path), _bytes_of(entry.path)))
        total = needed + sum(size for *_, size in there)
        for used, key, path, size in sorted(there):
            if used >= 0 and total <= self._size:
                return
            if self._removed(key, path):
                total -= size

    def _removed(self, key: str, path: Path) -> bool:
        """Remove what nobody uses, and its lock; False where it is in use."""
        try:
            held = self._locked(key, wait=False)
        except (BlockingIOError, SegmentError):
            return False
        try:
            _remove(path)
            if OPENS_FOLDERS:  # Windows removes no open file
                self._lock_of(key).unlink(missing_ok=True)
        except OSError:
            return False
        finally:
            os.close(held)
        return True

    def _lock_of(self, key: str) -> Path:
        return self._folder / (key + _LOCK)

    def _locked(self, key: str, *, shared: bool = False, wait: bool = True) -> int:
        """A lock's descriptor; of a file that was removed meanwhile it is none, so again."""
        flags = UPDATE | CREATE | NO_LINK
        while True:
            with one_line_errors(self._lock_of(key), "cannot be opened"):
                fd = os.open(self._lock_of(key), flags, 0o600)
            try:
                lock(fd, shared=shared, wait=wait)
                with contextlib.suppress(FileNotFoundError):
                    if os.stat(self._lock_of(key)).st_ino == os.fstat(fd).st_ino:  # noqa: PTH116
                        return fd
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)


def _copied(pieces: Iterator[bytes], path: Path) -> str:
    """Write pieces to a new file, durable; SHA-256 of them."""
    hashed = hashlib.sha256()
    with path.open("xb") as out:
        for piece in pieces:
            hashed.update(piece)
            out.write(piece)
    sync_file(path)
    return hashed.hexdigest()


def _bytes_of(folder: str) -> int:
    return sum(
        os.lstat(Path(place, name)).st_size for place, _, names in os.walk(folder) for name in names
    )


def _remove(path: Path) -> None:
    """Remove a folder, or whatever is in its place."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
