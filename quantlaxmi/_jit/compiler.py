"""How the sweep kernels are compiled, where the cache is, and on which threads they run.

Importing this module imports Numba, so only a running sweep does it.
"""

from __future__ import annotations

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
import numpy.typing as npt
from numba.core.registry import CPUDispatcher
from numba.core.runtime.nrt import rtsys

from quantlaxmi._jit.cache_files import VerifiedCacheFile
from quantlaxmi.errors import ConfigError
from quantlaxmi.parallel.divided import Sweep, Work, divide
from quantlaxmi.system.flags import CREATE, UPDATE
from quantlaxmi.system.locks import lock

__all__ = ["Sweep", "Work", "cache_folder", "inline", "kernel", "make_draws", "running"]

F = TypeVar("F", bound=Callable[..., Any])


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
_Dispatcher: Any = CPUDispatcher
_runtime: Any = rtsys
#: Versions of Numba whose machine code is known to ask for the memory of arrays alone, so that a
#: kernel in the cache needs nothing else (tests/jit/test_jit_cache.py). Others load as Numba does.
LIGHT = numba.version_info.short in {(0, 68)}


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
    fd = os.open(folder / ".lock", UPDATE | CREATE, 0o666)
    try:
        end = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                lock(fd, wait=False)
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

    def load_overload(signature: Any, context: Any) -> Any:
        # A cut or foreign file can raise anything while it is read.
        with suppress(Exception), _cache_lock(folder):
            if not LIGHT:
                return load(signature, context)
            # Numba would first load all that compiling may need: a third of a second.
            _runtime.initialize(context)
            return cache._load_overload(signature, context)
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


class _InKernels(_Dispatcher):  # type: ignore[misc]
    """A compiled function without a Python side: calling that would end the process."""

    def __call__(self, *_arguments: Any) -> Any:
        raise TypeError(f"{self.py_func.__name__} is called by kernels alone")


def inline(function: F) -> F:
    """Compile a small function that kernels alone call.

    It has no Python side, which would cost more to compile than itself. It counts no references
    to its arrays, which the kernel holds: that counting was two thirds of a sweep. So it cannot
    make arrays. It becomes a part of the kernel: every array is seven words of a call, and a trip
    of random entry had two hundred. Floats keep IEEE rules.
    """
    made: Any = _decorate(
        function,
        fastmath=False,
        nogil=True,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        _nrt=False,
        forceinline=True,
    )
    if not _CONFIG.DISABLE_JIT:
        made.__class__ = _InKernels
    inlined: F = made
    return inlined


def kernel(function: F) -> F:
    """Compile a function that Python calls, without the GIL. Floats keep IEEE rules.

    A sweep kernel is serial: `running` divides the draws. Numba's own parallel loops take four
    times as long to compile.
    """
    return _decorate(function, fastmath=False, nogil=True, no_cfunc_wrapper=True)


@contextmanager
def running(threads: int | None) -> Iterator[Sweep]:
    """Set the number of threads of a sweep, and NumPy's warnings for interpreted kernels.

    Parameters
    ----------
    threads : int or None
        Threads wanted; more than the machine offers gives all it offers. None: all.

    Yields
    ------
    callable
        ``sweep(work, out)`` calls ``work(at, part)`` for parts of the rows of `out` that follow
        one another, the first of them row ``at``, each on a thread of its own.

    Raises
    ------
    ConfigError
        When `threads` is below 1.
    """
    if threads is not None and threads < 1:
        raise ConfigError("--threads", f"was {threads}, expected at least 1")
    offered: int = _CONFIG.NUMBA_NUM_THREADS
    count = 1 if _CONFIG.DISABLE_JIT else min(threads or offered, offered)
    # Interpreted kernels work on NumPy scalars, which warn where unsigned arithmetic wraps.
    with np.errstate(over="ignore"):
        yield lambda work, out: divide(work, out, count)


def make_draws(
    threads: int | None,
    kernel: Callable[..., object],
    key: np.uint64,
    first: int,
    arguments: tuple[Any, ...],
    out: npt.NDArray[Any],
) -> None:
    """Fill the rows of `out` with the draws from number `first` on; see `running`."""
    with running(threads) as divided:
        divided(lambda at, part: kernel(key, first + at, *arguments, part), out)
