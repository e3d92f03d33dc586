"""Sweep kernels are made ready on a thread of their own while other gates are asked.

Compiling takes seconds the first time, loading from the cache a fraction of one. The draws of the
market null run meanwhile: they need no kernel of Numba, and hold no lock while they follow rows.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Final

from quantlaxmi.gates.gate import Gate
from quantlaxmi.parallel.cores import cores
from quantlaxmi.parallel.threads import Threads, raise_if_stopped

__all__ = ["kernels_ahead"]

#: Seconds after which the compiler, which is Python, lets a draw go on that waits for its turn.
_TURN: Final = 0.0005


@contextmanager
def kernels_ahead(gates: Sequence[Gate], threads: int | None) -> Iterator[None]:
    """Make the kernels of some gates ready during the body of the ``with`` statement.

    A gate that needs a kernel before it is ready waits for it. With one thread each gate makes
    its own.

    Parameters
    ----------
    gates : sequence of Gate
        In the order in which they will be asked.
    threads : int or None
        Threads that are allowed.
    """
    names = [gate.kernels for gate in gates if gate.kernels]
    if not names or cores(threads) < 2:
        yield
        return
    with Threads(1) as pool:
        pool.submit(_prepare, names)  # an error is raised again where the kernel is needed
        yield


def _prepare(names: Sequence[str]) -> None:
    with _short_turns:
        for name in names:
            raise_if_stopped()
            import_module(f"quantlaxmi._jit.{name}").prepare()


class _ShortTurns:
    """Threads take turns sooner in its block; the usual time is set again by the last to leave."""

    def __init__(self) -> None:
        self._lock, self._inside, self._usual = threading.Lock(), 0, 0.0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._usual = sys.getswitchinterval()
                sys.setswitchinterval(min(_TURN, self._usual))
            self._inside += 1

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                sys.setswitchinterval(self._usual)


_short_turns = _ShortTurns()
