"""Why sweeps have their own queue of watched processes: pebble's pool beside it.

    pip install pebble==5.2.3
    python benchmarks/trial_pebble.py

Both do the same items, one at a time, in a process that is begun anew after 200 items or a death.
`PebbleQueue` is what a sweep would need around `pebble.ProcessPool`: pebble has processes, pipes
and deadlines; exit code 0 and memory are looked at from outside. `docs/SCALING.md` has the figures.
This is no subject of `make bench`: pebble is no dependency.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import TimeoutError, wait
from contextlib import closing
from multiprocessing import get_context
from typing import Any

from pebble import ProcessExpired, ProcessPool

from quantlaxmi.parallel.work_queue import Ended, Limits, WorkQueue
from quantlaxmi.system.memory import resident_bytes

#: Items, and the limits of their queue.
CASES: dict[str, tuple[list[str], Limits]] = {
    "10,000 items that do nothing": (["nothing"] * 10_000, Limits()),
    "an item of 10 s": (["sleep"], Limits()),
    "`os._exit(0)`": (["0", "nothing"], Limits()),
    "`os._exit(3)`": (["3", "nothing"], Limits()),
    "SIGKILL": (["kill", "nothing"], Limits()),
    "hangs in C, limit 3 s": (["hang", "nothing"], Limits(seconds=3.0)),
    "takes memory, limit 128 MB": (["eat", "nothing"], Limits(memory=128 << 20)),
}
#: Where it is set, a new process ends with 0 when it imports this script.
EARLY = "QUANTLAXMI_TRIAL_EARLY"
if __name__ != "__main__" and EARLY in os.environ:
    sys.exit(0)


def work(item: bytes) -> int:
    """Do an item, or end as it says."""
    eaten = []
    match item.decode():
        case "0" | "3" as code:
            os._exit(int(code))
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            re.match(r"(a+)+$", "a" * 60 + "b")
        case "eat":
            while True:
                eaten.append(b"x" * (16 << 20))
                time.sleep(0.02)
        case "sleep":
            time.sleep(10)
    return os.getpid()


def ours(items: Sequence[str], limits: Limits) -> list[Any]:
    """Answers of the package's queue."""
    waiting, answers = iter(items), list[Any]()
    WorkQueue(
        work=work,
        workers=1,
        limits=limits,
        take=lambda _last: next(waiting, None),
        packed=str.encode,
        answered=lambda _item, answer: answers.append(answer),
    ).run()
    return answers


class PebbleQueue:
    """A pool of one process, and the watch that it lacks."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.pool = limits, self.begun()

    def begun(self) -> Any:
        """A process; pebble tells nobody its id, so it is asked for it."""
        pool = ProcessPool(1, context=get_context("spawn"))
        self.pid, self.done = pool.schedule(work, (b"",)).result(), 0
        self.base = resident_bytes(self.pid)
        return pool

    def close(self) -> None:
        """End the process."""
        self.pool.stop()
        self.pool.join()

    def answer(self, item: str) -> Any:
        """Do one item."""
        found: Any
        try:
            found = self.watched(item.encode())
        except (ProcessExpired, TimeoutError) as error:
            found = Ended("crashed", repr(error))
        self.done += 1
        if isinstance(found, Ended) or self.done >= self.limits.items:
            self.close()
            self.pool = self.begun()
        return found

    def watched(self, item: bytes) -> Any:
        """The answer; a process that is gone for a second without one ended with 0."""
        future, gone = self.pool.schedule(work, (item,), timeout=self.limits.seconds), 0
        while not wait([future], 0.25).done:
            size = resident_bytes(self.pid)
            gone = 0 if size else gone + 1
            if gone > 4:
                return Ended("crashed", "exit code 0")
            if self.limits.memory is not None and size - self.base > self.limits.memory:
                return Ended("memory", "too much")
        return future.result()


def pebbles(items: Sequence[str], limits: Limits) -> list[Any]:
    """Answers of pebble's pool."""
    with closing(PebbleQueue(limits)) as queue:
        return [queue.answer(item) for item in items]


QUEUES = {"ours": ours, "pebble": pebbles}


def main() -> None:
    """Print a table."""
    print(
        "| queue | what | wall s | main process, ms CPU | without an answer |\n" + "|---" * 5 + "|"
    )
    for name, do in QUEUES.items():
        do(["nothing"], Limits())
        for what, (items, limits) in CASES.items():
            begun, cpu = time.monotonic(), time.process_time()
            ended = sum(isinstance(one, Ended) for one in do(items, limits))
            wall, used = time.monotonic() - begun, 1000 * (time.process_time() - cpu)
            print(f"| {name} | {what} | {wall:.1f} | {used:.0f} | {ended} |", flush=True)
        script, env = [sys.executable, __file__, name], {**os.environ, EARLY: "1"}
        try:
            said = subprocess.run(script, env=env, timeout=15, capture_output=True).stdout.decode()
        except subprocess.TimeoutExpired:
            said = "not heard of in 15 s"
        print(f"| {name} | ends with 0 before its item | | | {said.strip()} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        print(len(QUEUES[sys.argv[1]](["nothing"], Limits())))
    else:
        main()
