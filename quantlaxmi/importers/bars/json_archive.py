"""An archive of klines: a tar of JSON files, or one of them, plain or gzip."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

import msgspec

from quantlaxmi.errors import InputError, QuantlaxmiError
from quantlaxmi.files import open_regular
from quantlaxmi.importers.traded_pair import QUOTE_CURRENCIES

#: Most bytes of one JSON file, of all of an archive, and most files in it.
MAX_MEMBER: Final = 64 << 20
MAX_UNPACKED: Final = 2 << 30
MAX_MEMBERS: Final = 100_000
_UNREADABLE: Final = (
    tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError
)  # fmt: skip
_RAW: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_BOM: Final = b"\xef\xbb\xbf"


class KlinesArchive:
    """The JSON files of one input, in their order."""

    def __init__(self, path: Path, symbol: str) -> None:
        self.path, self.symbol = path, symbol
        self.raw_bytes = self.text_bytes = 0
        self.sha256 = ""

    def read(
        self, report_progress: Callable[[int], None]
    ) -> Iterator[tuple[str, list[msgspec.Raw]]]:
        """Every JSON file: its name in the archive (empty for a single file) and its klines."""
        self._check_name(self.path.name)
        try:
            with (
                open_regular(self.path, InputError, "an archive of klines") as file,
                io.BufferedReader(file) as raw,
            ):
                yield from self._months(raw)
                raw.seek(0)
                digest = hashlib.sha256()
                while data := raw.read(1 << 20):
                    digest.update(data)
                    self.raw_bytes += len(data)
                    report_progress(self.raw_bytes)
        except _UNREADABLE as error:
            if isinstance(error, (InputError, QuantlaxmiError)):
                raise
            words = " ".join(str(getattr(error, "strerror", None) or error).split())[:200]
            problem = f"cannot be read: {words}; expected a tar or a JSON file of klines"
            raise InputError(self.path, problem) from None
        self.sha256 = digest.hexdigest()

    def _months(self, raw: IO[bytes]) -> Iterator[tuple[str, list[msgspec.Raw]]]:
        start = raw.read(512)
        raw.seek(0)
        packed = start.startswith(b"\x1f\x8b")
        stream: IO[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
        head = stream.read(1024)
        if not head:
            raise InputError(self.path, "is empty; expected klines")
        stream.seek(0)
        if head.removeprefix(_BOM).lstrip()[:1] == b"[":
            text = stream.read(MAX_MEMBER + 1)
            if len(text) > MAX_MEMBER:
                raise InputError(self.path, f"has more than {MAX_MEMBER} bytes of JSON; expected "
                                 "an archive of shorter files")  # fmt: skip
            yield self._month("", text)
            return
        folders = set()
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for n, member in enumerate(archive):
                if n == MAX_MEMBERS:
                    raise InputError(self.path, f"has more than {MAX_MEMBERS} files")
                if not member.isfile():
                    if member.isdir():
                        continue
                    raise InputError(self.path, "has a link or device; expected files of klines",
                                     member.name[:80])  # fmt: skip
                if member.size > MAX_MEMBER or self.text_bytes + member.size > MAX_UNPACKED:
                    raise InputError(self.path, f"has {member.size} bytes in one file, more than "
                                     "an archive of klines may", member.name[:80])  # fmt: skip
                self._check_name(member.name)
                folders.add(member.name.rpartition("/")[0])
                if len(folders) > 1:
                    shown = " and ".join(sorted(folder[:60] for folder in folders))
                    raise InputError(self.path, f"has folders {shown}; expected one symbol")
                file = archive.extractfile(member)
                assert file is not None
                yield self._month(member.name.rpartition("/")[2][:60], file.read())

    def _month(self, name: str, text: bytes) -> tuple[str, list[msgspec.Raw]]:
        self.text_bytes += len(text)
        try:
            return name, _RAW(text.removeprefix(_BOM))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            problem = f"is no JSON array of klines: {' '.join(str(error).split())[:200]}"
            raise InputError(self.path, problem, name) from None

    def _check_name(self, name: str) -> None:
        """Refuse a path that names another symbol."""
        for word in re.findall(r"[A-Z0-9]{5,20}", name):
            is_symbol = any(word.endswith(c) and word != c for c in QUOTE_CURRENCIES)
            if is_symbol and word != self.symbol:
                raise InputError(self.path, f"has {word}; expected {self.symbol}, as the mapping "
                                 "says", name[:80])  # fmt: skip
