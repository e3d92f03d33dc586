"""The one member of a zip archive, unpacked in pieces and never to disk."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError

PIECE_BYTES: Final = 1 << 20
#: An archive whose table of contents is longer than this is not one of a data vendor.
MAX_MEMBERS: Final = 1000
#: The table is read into memory at once, so its length is bounded before.
MAX_TABLE_BYTES: Final = 1 << 20
_ENCRYPTED: Final = 1
_TABLE_END: Final = b"PK\x05\x06"
_TABLE_END_BYTES: Final = (1 << 16) + 22  # with the longest comment
_IN_ZIP64: Final = 0xFFFFFFFF


def unzip(path: Path, file: IO[bytes], most: int = PIECE_BYTES) -> Iterator[bytes]:
    """Content of an archive's single member.

    Parameters
    ----------
    path : Path
        For errors.
    file : binary file
        The archive, seekable.
    most : int
        Bytes of a piece; no piece has more than `PIECE_BYTES`.

    Yields
    ------
    bytes

    Raises
    ------
    InputError
        The archive is corrupt or encrypted, or has no file, more than one, or one whose name
        leaves its folder.
    """
    try:
        _check_table(path, file)
        with zipfile.ZipFile(file) as archive:
            member = _single(path, archive)
            with archive.open(member) as content:
                left = member.file_size
                while piece := content.read(min(most, PIECE_BYTES)):
                    left -= len(piece)
                    yield piece
                if left:
                    problem = (
                        f"is truncated zip; {member.filename[:80]!r} lacks "
                        f"{counted(left, 'byte[s]')}"
                    )
                    raise InputError(path, problem)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise InputError(path, f"is corrupt zip: {' '.join(str(error).split())[:200]}") from None
    except (NotImplementedError, RuntimeError) as error:
        raise InputError(
            path, f"cannot be unpacked: {' '.join(str(error).split())[:200]}"
        ) from None


def _check_table(path: Path, file: IO[bytes]) -> None:
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - _TABLE_END_BYTES, 0))
    end = file.read(_TABLE_END_BYTES)
    at = end.rfind(_TABLE_END)
    if at < 0 or len(end) < at + 22:
        raise InputError(path, "is truncated zip; it has no table of contents")
    length = int.from_bytes(end[at + 12 : at + 16], "little")
    if length > MAX_TABLE_BYTES and length != _IN_ZIP64:
        raise InputError(
            path, f"has {counted(length, 'byte[s]')} of contents; expected a zip of one file"
        )


def _single(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise InputError(
            path, f"has {counted(len(members), 'member[s]')}; expected a zip of one file"
        )
    files = [member for member in members if not member.filename.endswith("/")]
    if len(files) != 1:
        shown = ", ".join(repr(m.filename[:60]) for m in files[:3]) or "none"
        raise InputError(
            path, f"has {counted(len(files), 'file[s]')} ({shown}); expected a zip of one file"
        )
    [member] = files
    if not member.filename:
        raise InputError(path, "has a member without a name; expected a zip of one file")
    # Nothing is written, but a name like these is never a vendor's.
    parts = member.filename.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or ":" in parts[0]:
        raise InputError(path, f"has a member that leaves its folder: {member.filename[:80]!r}")
    if member.flag_bits & _ENCRYPTED:
        raise InputError(path, "is encrypted zip; expected one without a password")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(path, f"is packed by zip method {member.compress_type}; expected deflate")
    return member
