"""Work that the tests of processes send; spawned processes find it by its module."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

from quantlaxmi.errors import ConfigError, FixedPointOverflow
from quantlaxmi.parallel import cores


def square(n: int) -> int:
    return n * n


def fail(n: int) -> int:
    """Items 3 and later fail; the later, the sooner."""
    if n >= 3:
        time.sleep(0.02 * max(0, 6 - n))
        raise ConfigError("policy", f"was {n}, expected less than 3")
    return n


def overflow(n: int) -> int:
    raise FixedPointOverflow("mul", (n, 7), 5)


class Stubborn(Exception):
    """Cannot be made again from its own arguments."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


def stubborn(n: int) -> int:
    raise Stubborn(n, 2)


def unsendable(n: int) -> object:
    return lambda: n


def die(signal_number: int) -> int:
    """Die of a signal, or go with exit code 7 for 0."""
    if signal_number == 0:
        os._exit(7)
    os.kill(os.getpid(), signal_number)
    time.sleep(60)
    return 0


#: Whether an interrupt was held back while this module was imported, before `_serve` ran.
INTERRUPTS_WAITED = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def interrupts_waited(_: int) -> bool:
    return INTERRUPTS_WAITED


def threads_here(_: int) -> tuple[int, int, str]:
    import numba

    return cores(), numba.config.NUMBA_NUM_THREADS, os.environ["OMP_NUM_THREADS"]


def pid_and_wait(path: str) -> int:
    """Write this process's id to a file, then take very long.

    On demand SIGTERM is ignored, or Python's lock is held all the while.
    """
    if path.endswith("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    part = Path(path + ".part")
    part.write_text(str(os.getpid()))
    part.rename(path)
    if path.endswith("hung"):
        re.match(r"(a+)+$", "a" * 60 + "b")
    time.sleep(600)
    return 0
