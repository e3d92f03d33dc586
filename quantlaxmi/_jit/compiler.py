"""How the sweep kernels are compiled: where the cache is, which threads run, one at a time.

Importing this module imports Numba, so only a running sweep does it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np

from quantlaxmi._jit.cache_files import VerifiedCacheFile
from quantlaxmi.errors import ConfigError, WorkerError

__all__ = ["cache_folder", "inline", "kernel", "running"]

F = TypeVar("F", bound=Callable[..., Any])

#: Kernels run one at a time: one of Numba's threading layers aborts the process when two
#: Python threads enter parallel code together.
_ENTER = threading.Lock()
#: The process whose threads kernels run on, once there are any.
_started_in: int | None = None


def cache_folder() -> Path | None:
    """Folder of compiled kernels, or None where no folder can be written.

    Numba's own cache notices a changed file but not a changed file it imports, so the folder is
    named by the digest of every source in this package.

    Returns
    -------
    pathlib.Path or None
        Under ``NUMBA_CACHE_DIR`` where that is set, else the user's cache folder.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    given = os.environ.get("NUMBA_CACHE_DIR")
    try:
        if given:
            base = Path(given)
        else:
            cache = os.environ.get("XDG_CACHE_HOME")
            base = (Path(cache) if cache else Path.home() / ".cache") / "quantlaxmi"
        folder = base / f"kernels-{digest.hexdigest()[:16]}"
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}-{threading.get_ident()}"
        probe.write_bytes(b"")
        probe.unlink()
    except (OSError, RuntimeError):  # RuntimeError: no home folder
        return None
    return folder


#: A compilation is cached in milliseconds; a process that holds the lock longer is stopped.
_LOCK_SECONDS = 10.0
_FOLDER = cache_folder()
_CONFIG: Any = numba.config


@contextmanager
def _cache_lock(folder: Path) -> Iterator[None]:
    """Hold the cache for one process.

    Numba writes index and data as two files. Of two processes that compile different signatures
    of one kernel at once, one could later be handed the other's code.

    Raises
    ------
    OSError
        The folder cannot be locked, or was not free for `_LOCK_SECONDS`.
    """
    fd = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        end = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)
        yield
    finally:
        os.close(fd)


def _guard(cache: Any, folder: Path) -> None:
    """Make a kernel's cache a convenience: whatever is wrong with it, the kernel is compiled."""
    load, save = cache.load_overload, cache.save_overload
    cache._cache_file.__class__ = VerifiedCacheFile

    def load_overload(*args: Any) -> Any:
        # A cut or foreign file can raise anything while it is read.
        with suppress(Exception), _cache_lock(folder):
            return load(*args)
        return None

    def save_overload(*args: Any) -> None:
        # The disk is full, or the folder was removed or made read-only in the meantime.
        with suppress(Exception), _cache_lock(folder):
            try:
                save(*args)
            except OSError:
                raise
            except Exception:  # a cut index: begin a new one
                cache.flush()
                save(*args)

    cache.load_overload, cache.save_overload = load_overload, save_overload


def _decorate(function: F, **options: Any) -> F:
    decorated: Any = None
    if _FOLDER is not None:
        # The folder is chosen while decorating; other users of Numba keep their own.
        before = _CONFIG.CACHE_DIR
        _CONFIG.CACHE_DIR = str(_FOLDER)
        try:
            # RuntimeError: the folder cannot be written any more.
            with suppress(RuntimeError, OSError):
                decorated = numba.njit(cache=True, **options)(function)
        finally:
            _CONFIG.CACHE_DIR = before
    if decorated is None:
        decorated = numba.njit(cache=False, **options)(function)
    elif _FOLDER is not None and not _CONFIG.DISABLE_JIT:
        _guard(decorated._cache, _FOLDER)
    made: F = decorated
    return made


def inline(function: F) -> F:
    """Compile a small serial function called from kernels. Floats keep IEEE rules."""
    return _decorate(function, fastmath=False, nogil=True)


def kernel(function: F) -> F:
    """Compile a kernel whose outer ``prange`` runs over draws. Floats keep IEEE rules."""
    return _decorate(function, fastmath=False, nogil=True, parallel=True)


@contextmanager
def running(threads: int | None) -> Iterator[None]:
    """Hold the kernels for one caller and set the number of threads for the time.

    Parameters
    ----------
    threads : int or None
        Threads wanted; more than the machine offers gives all it offers. None: all.

    Raises
    ------
    ConfigError
        When `threads` is below 1.
    WorkerError
        In a process that was forked off one in which kernels had run: their threads did not come
        along, and OpenMP ends a process that asks for them.
    """
    global _started_in
    if threads is not None and threads < 1:
        raise ConfigError("--threads", f"was {threads}, expected at least 1")
    if _started_in not in (None, os.getpid()):  # before the lock, which may never be free
        raise WorkerError(
            "this process was forked after gates had run in its parent, whose threads it lacks; "
            "start processes by multiprocessing.get_context('spawn')"
        )
    # Interpreted kernels work on NumPy scalars, which warn where unsigned arithmetic wraps.
    with _ENTER, np.errstate(over="ignore"):
        if _CONFIG.DISABLE_JIT:
            yield
            return
        _started_in = os.getpid()
        before = numba.get_num_threads()
        if threads is not None:
            numba.set_num_threads(min(threads, _CONFIG.NUMBA_NUM_THREADS))
        try:
            yield
        finally:
            with suppress(ValueError):
                numba.set_num_threads(before)
