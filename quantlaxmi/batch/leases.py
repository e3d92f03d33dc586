"""Leases: which items other sweeps on the same catalog have under way.

They only save double work. A lease that cannot be made, read or kept alive is passed over: the item
is then done twice, with the same bytes.
"""

from __future__ import annotations

import os
import platform
import re
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quantlaxmi.system.flags import NEW, NO_LINK, NO_WAIT, READ, WRITE
from quantlaxmi.system.processes import has_ended

__all__ = ["EMPTY_S", "FOLDER", "HEARTBEAT_S", "STALE_S", "Leases"]

#: Their folder in that of the catalog.
FOLDER: Final = "leases"
#: Seconds after which a lease that is held is touched again.
HEARTBEAT_S: Final = 10.0
#: A lease that nobody touched for so long, as its reader saw it, is nobody's any more.
STALE_S: Final = 60.0
#: And one in which nothing stands: its maker was killed before it wrote, which takes no time.
EMPTY_S: Final = 3.0
#: Whether to touch what a link names: only where a link itself cannot be touched.
_FOLLOWED: Final = os.utime not in os.supports_follow_symlinks
_MOST_BYTES: Final = 2048
_HOLDER: Final = re.compile(rb"([^\n]{0,1024})\n([0-9]{1,10})\n[0-9a-f-]{36}\n")


@dataclass(slots=True)
class _Seen:
    """A lease of somebody else, as it was first seen: no clock of another machine is asked."""

    touched: int
    since: float


class Leases:
    """Leases of one sweep.

    Parameters
    ----------
    folder : Path
        The catalog's.
    clock : callable, optional
        Seconds that only ascend.

    Examples
    --------
    >>> from quantlaxmi.batch import Catalog
    >>> folder = Catalog.create("sweeps").folder
    >>> mine = Leases(folder)
    >>> mine.take("a" * 64), mine.take("a" * 64)
    (True, True)
    >>> mine.drop(["a" * 64])
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._place, self._clock = folder / FOLDER, clock
        self._host = platform.node()[:256].replace("\n", " ").encode()
        self._text = self._host + f"\n{os.getpid()}\n{uuid.uuid4()}\n".encode()
        self._held: set[str] = set()
        self._others: dict[str, _Seen] = {}
        self._touched = clock()
        # A link would have other files made and removed.
        self._usable = not self._place.is_symlink()
        self._made = False

    def take(self, key: str) -> bool:
        """Take the lease of an item.

        Parameters
        ----------
        key : str
            64 hexadecimal digits.

        Returns
        -------
        bool
            False where another sweep has it under way.
        """
        if not self._usable or key in self._held:
            return True
        if not self._made:  # not before: a dry run leaves nothing behind
            self._made = True
            with suppress(OSError):
                self._place.mkdir(exist_ok=True)
        try:
            self._make(key)
        except FileExistsError:
            if not self._is_stale(key):
                return False
            with suppress(OSError):
                (self._place / key).unlink()
                self._make(key)
        except OSError:  # a full disk, a folder that cannot be written: no lease, no harm
            pass
        self._others.pop(key, None)
        return True

    def _make(self, key: str) -> None:
        flags = WRITE | NEW | NO_LINK
        fd = os.open(self._place / key, flags, 0o666)
        try:
            os.write(fd, self._text)
            self._held.add(key)
        except OSError:  # an empty one would keep everybody out for a minute
            (self._place / key).unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)

    def _is_stale(self, key: str) -> bool:
        """Whether whoever made a lease is no more, or has not touched it for long."""
        try:
            touched = os.lstat(self._place / key).st_mtime_ns
        except OSError:  # it was given back just now
            return True
        seen = self._others.get(key)
        if seen is None or seen.touched != touched:
            seen = self._others[key] = _Seen(touched, self._clock())
        unseen, text = self._clock() - seen.since, self._read(key)
        return unseen > (STALE_S if text else EMPTY_S) or self._has_died(text)

    def _has_died(self, text: bytes) -> bool:
        """Whether the holder was a process of this machine that is no more."""
        found = _HOLDER.fullmatch(text)
        if found is None or found[1] != self._host or int(found[2]) == os.getpid():
            return False
        return has_ended(int(found[2]))

    def _read(self, key: str) -> bytes:
        """What stands in a lease; nothing where it cannot be read."""
        flags = READ | NO_LINK | NO_WAIT
        with suppress(OSError):
            fd = os.open(self._place / key, flags)
            try:
                return os.read(fd, _MOST_BYTES)
            finally:
                os.close(fd)
        return b""

    def beat(self) -> None:
        """Touch what is held, where that is due."""
        if self._clock() - self._touched < HEARTBEAT_S:
            return
        self._touched = self._clock()
        for key in self._held:
            with suppress(OSError):
                os.utime(self._place / key, follow_symlinks=_FOLLOWED)

    def drop(self, keys: Iterable[str]) -> None:
        """Give leases back; one that somebody took over stays."""
        for key in keys:
            if key in self._held:
                self._held.discard(key)
                if self._read(key) == self._text:
                    with suppress(OSError):
                        (self._place / key).unlink()

    def close(self) -> None:
        """Give all back."""
        self.drop(list(self._held))
