"""A store of segments, which workers of other machines fetch by digest.

A store is a folder or a URL of fsspec. A segment is a folder of it, named by the SHA-256 of its
manifest, which names the length and SHA-256 of every other file: whoever reads believes nothing
but that name. The manifest is written last, so what has one is whole.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

from quantlaxmi.errors import ConfigError, InputError, SegmentCorrupt, SegmentError
from quantlaxmi.files import (
    SEGMENT_MANIFEST,
    FileKind,
    one_line_errors,
    open_inside,
    open_sized,
    staged_directory,
    write_output,
)
from quantlaxmi.segment import Segment
from quantlaxmi.segment.manifest import Manifest, encode_manifest

__all__ = [
    "FolderStore",
    "Store",
    "UrlStore",
    "files_of",
    "is_url",
    "put_segment",
    "store_at",
    "write_url",
]

_PIECE: Final = 1 << 20
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class Store(Protocol):
    """Where segments lie, each under the SHA-256 of its manifest."""

    #: As the user named it; and as another process finds it.
    name: str
    place: str

    def has(self, digest: str) -> bool:
        """Whether a whole segment is there."""

    def pieces(self, digest: str, file: str, size: int | None) -> Iterator[bytes]:
        """Bytes of a file of a segment, of exactly `size` where it is known.

        Raises
        ------
        SegmentError
            It cannot be read, or has another length.
        """

    def put(self, digest: str, files: list[str], read: Callable[[str], Iterator[bytes]]) -> None:
        """Write the files of a segment, the manifest last.

        Raises
        ------
        SegmentError
            It cannot be written.
        """


def files_of(manifest: Manifest) -> dict[str, tuple[int, str]]:
    """Length and SHA-256 of every file that a manifest names.

    Parameters
    ----------
    manifest : Manifest
        Checked, as `load_manifest` gives it: no name leaves the folder.
    """
    found = {}
    for entry in manifest.tables:
        found[entry.file] = (entry.bytes, entry.sha256)
        found |= {log.file: (log.bytes, log.sha256) for log in entry.log}
    return found | {aux.file: (aux.bytes, aux.sha256) for aux in manifest.files}


def store_at(name: str) -> Store:
    """The store of a name.

    Parameters
    ----------
    name : str
        A folder, or a URL such as ``s3://bucket/segments``.

    Raises
    ------
    ConfigError
        There is no such folder, or nothing here knows URLs of the kind.
    """
    if not is_url(name):
        if "\0" in name or not Path(name).is_dir():
            raise ConfigError("--store", f"was {name!r}, which is no folder")
        return FolderStore(name, Path(name).absolute())
    system, root = at_url("--store", name)
    if system is None:  # links are refused in a folder
        return store_at(root)
    return UrlStore(name, system, root.rstrip("/"))


def is_url(name: str) -> bool:
    """Whether a name is a URL, and no path of this machine."""
    return _SCHEME.match(name) is not None


def at_url(option: str, name: str) -> tuple[Any, str]:
    """What reads and writes a URL.

    Parameters
    ----------
    option : str
        That the user gave it for.
    name : str

    Returns
    -------
    system : fsspec.AbstractFileSystem or None
        None where it is a path of this machine.
    path : str

    Raises
    ------
    ConfigError
        Nothing here knows URLs of the kind.
    """
    if "::" in name:  # a chain could name files of this machine
        raise ConfigError(option, f"was {name!r}, expected one URL")
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise ConfigError(
            option, "of a URL needs the extra cluster: pip install 'quantlaxmi[cluster]'"
        ) from None
    try:
        system, path = url_to_fs(name)
    except Exception as error:  # fsspec's, and those of the package that knows the kind
        raise ConfigError(option, f"was {name!r}: {_said(error)}") from None
    kinds = (system.protocol,) if isinstance(system.protocol, str) else system.protocol
    return (None if "file" in kinds else system), str(path)


def write_url(option: str, name: str, data: bytes, kind: FileKind) -> None:
    """Write an object, or replace one of the same kind; a store of objects writes it whole.

    Parameters
    ----------
    option : str
        That the user gave the URL for.
    name : str
    data : bytes
    kind : FileKind

    Raises
    ------
    InputError
        Nothing here knows URLs of the kind, something else is there, or it cannot be written.
    """
    system, path = at_url(option, name)
    if system is None:
        write_output(Path(path), (data,), kind, InputError)
        return
    try:
        head = b""
        if system.exists(path):
            with system.open(path, "rb") as opened:
                head = opened.read(_PIECE)
        if not head or kind.marks(head):
            with system.open(path, "wb") as out:
                out.write(data)
            return
    except Exception as error:
        raise InputError(name, f"cannot be written: {_said(error)}") from None
    raise InputError(name, f"is there and is not {kind.words}; name another file")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def _pieces_inside(folder: Path, name: str, size: int | None) -> Iterator[bytes]:
    fd = open_inside(folder, name) if size is None else open_sized(folder, name, size)
    with os.fdopen(fd, "rb") as opened, one_line_errors(folder / name, "cannot be read"):
        while piece := opened.read(_PIECE):
            yield piece


class FolderStore:
    """A store in a folder that workers see under the same name.

    Parameters
    ----------
    name : str
    folder : Path
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.place, self._folder = name, str(folder), folder

    def has(self, digest: str) -> bool:
        """See `Store`."""
        return os.path.lexists(self._folder / digest / SEGMENT_MANIFEST)

    def pieces(self, digest: str, file: str, size: int | None) -> Iterator[bytes]:
        """See `Store`; no link below the folder is followed."""
        return _pieces_inside(self._folder, f"{digest}/{file}", size)

    def put(self, digest: str, files: list[str], read: Callable[[str], Iterator[bytes]]) -> None:
        """See `Store`; the folder is renamed when it is whole."""
        with staged_directory(self._folder / digest) as staged:
            for file in files:
                path = staged / file
                path.parent.mkdir(exist_ok=True)
                with one_line_errors(path, "cannot be written"), path.open("xb") as out:
                    for piece in read(file):
                        out.write(piece)


class UrlStore:
    """A store that fsspec reads and writes.

    Parameters
    ----------
    name : str
    system : fsspec.AbstractFileSystem
    root : str
    """

    def __init__(self, name: str, system: Any, root: str) -> None:
        self.name = self.place = name
        self._system, self._root = system, root

    def has(self, digest: str) -> bool:
        """See `Store`."""
        try:
            return bool(self._system.exists(f"{self._root}/{digest}/{SEGMENT_MANIFEST}"))
        except Exception as error:
            raise SegmentError(self.name, f"cannot be read: {_said(error)}") from None

    def pieces(self, digest: str, file: str, size: int | None) -> Iterator[bytes]:
        """See `Store`."""
        path = f"{self._root}/{digest}/{file}"
        read = 0
        try:
            with self._system.open(path, "rb") as opened:
                while piece := opened.read(_PIECE):
                    read += len(piece)
                    if size is not None and read > size:
                        break
                    yield piece
        except FileNotFoundError:
            raise SegmentCorrupt(f"{self.name}/{digest}/{file}", "is missing") from None
        except SegmentError:
            raise
        except Exception as error:
            raise SegmentError(self.name, f"cannot be read: {_said(error)}") from None
        if size is not None and read != size:
            words = f"more than {size}" if read > size else str(read)
            raise SegmentCorrupt(
                f"{self.name}/{digest}/{file}", f"is {words} bytes long, the manifest says {size}"
            )

    def put(self, digest: str, files: list[str], read: Callable[[str], Iterator[bytes]]) -> None:
        """See `Store`."""
        try:
            for file in files:
                path = f"{self._root}/{digest}/{file}"
                self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
                with self._system.open(path, "wb") as out:
                    for piece in read(file):
                        out.write(piece)
        except SegmentError:
            raise
        except Exception as error:
            raise SegmentError(self.name, f"cannot be written: {_said(error)}") from None


def put_segment(store: Store, segment: Segment) -> bool:
    """Put a segment into a store that lacks it.

    Parameters
    ----------
    store : Store
    segment : Segment
        Its manifest is what was verified; every file is hashed as it is read.

    Returns
    -------
    bool
        Whether it was missing.

    Raises
    ------
    InputError
        A file is not the one that the manifest names, or the store cannot be written.
    """
    manifest = segment.manifest
    digest, named = manifest.manifest_sha256, files_of(manifest)
    if store.has(digest):
        return False

    def read(file: str) -> Iterator[bytes]:
        if file == SEGMENT_MANIFEST:
            yield encode_manifest(manifest)
            return
        size, expected = named[file]
        hashed = hashlib.sha256()
        for piece in _pieces_inside(segment.path, file, size):
            hashed.update(piece)
            yield piece
        if hashed.hexdigest() != expected:
            raise SegmentCorrupt(segment.path / file, "is not the file that the manifest names")

    try:
        store.put(digest, [*named, SEGMENT_MANIFEST], read)
    except InputError:
        if store.has(digest):  # another sweep was faster
            return False
        raise
    return True
