"""How the sweep kernels are compiled: where the cache lies, which threads run, one at a time.

Importing this module imports Numba, so only a running sweep does it.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np

from quantlaxmi.errors import ConfigError

__all__ = ["cache_folder", "inline", "kernel", "running"]

F = TypeVar("F", bound=Callable[..., Any])

#: Kernels run one at a time: one of Numba's threading layers aborts the process when two
#: Python threads enter parallel code together.
_ENTER = threading.Lock()


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


_FOLDER = cache_folder()
_CONFIG: Any = numba.config


def _decorate(function: F, **options: Any) -> F:
    if _FOLDER is None:
        decorated: F = numba.njit(cache=False, **options)(function)
        return decorated
    # The folder is chosen while decorating; other users of Numba keep their own.
    before = _CONFIG.CACHE_DIR
    _CONFIG.CACHE_DIR = str(_FOLDER)
    try:
        decorated = numba.njit(cache=True, **options)(function)
    finally:
        _CONFIG.CACHE_DIR = before
    return decorated


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
    """
    if threads is not None and threads < 1:
        raise ConfigError("--threads", f"was {threads}, expected at least 1")
    # Interpreted kernels work on NumPy scalars, which warn where unsigned arithmetic wraps.
    with _ENTER, np.errstate(over="ignore"):
        if _CONFIG.DISABLE_JIT:
            yield
            return
        before = numba.get_num_threads()
        if threads is not None:
            numba.set_num_threads(min(threads, _CONFIG.NUMBA_NUM_THREADS))
        try:
            yield
        finally:
            with suppress(ValueError):
                numba.set_num_threads(before)
