"""Runs the batches of a calibration in several processes and keeps what is done in a file."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from quantlaxmi.calibrate.capture import Capture
from quantlaxmi.calibrate.experiments import Batch, Experiment, Outcome, batches_of, run_batch
from quantlaxmi.calibrate.study import Settings
from quantlaxmi.canonical import canonical_json
from quantlaxmi.errors import ConfigError
from quantlaxmi.files import check_file, check_no_segment, check_writable, read_regular, write_whole
from quantlaxmi.parallel.processes import run_in_processes

__all__ = ["CHECKPOINT", "run_experiments"]

#: Name of the file in the checkpoint's folder.
CHECKPOINT = "calibration.jsonl"
_MAX_BYTES = 1 << 26
_DOMAIN = b"quantlaxmi.calibration.v2\0"
#: Seconds between two writings of the checkpoint.
_KEEP_EVERY = 2.0

#: Sources of this package that no count depends on.
_SHOWING = frozenset({"markdown.py", "result.py", "work.py", "__init__.py"})

Done = dict[str, Outcome]


def _name(batch: Batch) -> str:
    return f"{batch.experiment.key}:{batch.first}+{batch.count}"


def identity(settings: Settings, capture: Capture | None) -> str:
    """Hash of what batches depend on: settings, policy, capture, and the sources of this package,
    of the gates, the statistics and the kernels."""
    digest = hashlib.sha256(_DOMAIN)
    package = Path(__file__).parent.parent
    sources = [*package.glob("calibrate/**/*.py"), *package.glob("gates/**/*.py")]
    sources += [*package.glob("stats/*.py"), *package.glob("_jit/*.py")]
    sources += package.glob("_ext/*.p[yx][xd]")
    for source in sorted(source for source in sources if source.name not in _SHOWING):
        name = source.relative_to(package).as_posix()
        digest.update(name.encode() + b"\0" + source.read_bytes() + b"\0")
    parts = [
        settings.seed,
        settings.draws,
        settings.extended,
        settings.market_every,
        settings.policy().policy_hash,
        capture.digest if capture else None,
    ]
    digest.update(canonical_json(parts))
    return digest.hexdigest()


class Checkpoint:
    """Finished batches in a file of JSON lines: first the identity, then one line for each batch.

    Raises
    ------
    ConfigError
        When the file is there and is not of this identity.
    """

    def __init__(self, folder: Path, of: str) -> None:
        self.path = folder / CHECKPOINT
        check_file(self.path, None, ConfigError)
        check_writable(self.path, ConfigError)
        self._of = of
        self.done: Done = {}
        self._written = time.monotonic()
        if os.path.lexists(self.path):
            self.done = self._read()

    def _read(self) -> Done:
        raw = read_regular(self.path, _MAX_BYTES, ConfigError, "a calibration's checkpoint")
        try:
            head, *lines = [json.loads(line) for line in raw.splitlines()]
            of = head["calibration"]
            done = {line["batch"]: _outcome(line["counts"]) for line in lines}
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ConfigError(
                self.path, "is not a calibration's checkpoint; name another folder"
            ) from None
        if of != self._of:
            raise ConfigError(
                self.path,
                "belongs to another seed, number of draws, capture or version; name another folder",
            )
        return done

    def add(self, name: str, outcome: Outcome) -> None:
        """Keep a batch."""
        self.done[name] = outcome
        if time.monotonic() - self._written > _KEEP_EVERY:
            self.write()

    def write(self) -> None:
        """Write all batches, whole or not at all."""
        lines: list[Any] = [{"calibration": self._of}]
        lines += [{"batch": name, "counts": counts} for name, counts in self.done.items()]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        write_whole(self.path, text.encode())
        self._written = time.monotonic()


def _outcome(value: Any) -> Outcome:
    """Counts as they were written.

    Raises
    ------
    ValueError
        They are none.
    """
    sound = isinstance(value, dict) and all(
        isinstance(counts, dict)
        and set(counts) <= {"P", "F", "I"}
        and all(type(n) is int and n >= 0 for n in counts.values())
        for counts in value.values()
    )
    if not sound:
        raise ValueError
    found: Outcome = value
    return found


def run_experiments(
    experiments: Sequence[Experiment],
    settings: Settings,
    *,
    capture: Capture | None = None,
    threads: int | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Outcome]:
    """Make all runs of the experiments and count the verdicts of the tests.

    Parameters
    ----------
    experiments : sequence of Experiment
    settings : Settings
    capture : Capture, optional
    threads : int, optional
        Number of processes; all cores by default. The counts do not depend on it.
    checkpoint : Path, optional
        A folder that keeps finished batches; those found there are not made again.
    progress : callable, optional
        Called with runs done and runs in all.

    Returns
    -------
    dict of str to Outcome
        By the experiment's key.

    Raises
    ------
    ConfigError
        When the checkpoint belongs to another calibration.

    Notes
    -----
    Whatever ends it, an interrupt too, ends the processes at once and keeps the finished batches.
    """
    kept = None if checkpoint is None else _open(checkpoint, identity(settings, capture))
    done: Done = kept.done if kept is not None else {}
    batches = batches_of(experiments)
    total = sum(batch.count for batch in batches)
    waiting = [batch for batch in batches if _name(batch) not in done]
    # All experiments grow at one pace, so that the time left can be told and a part is of use.
    waiting.sort(key=lambda batch: batch.first / batch.experiment.runs)
    finished = total - sum(batch.count for batch in waiting)

    def keep(index: int, outcome: Outcome) -> None:
        nonlocal finished
        batch = waiting[index]
        if kept is not None:
            kept.add(_name(batch), outcome)
        else:
            done[_name(batch)] = outcome
        finished += batch.count
        if progress is not None:
            progress(finished, total)

    try:
        # Processes, not threads: most of a small run is Python.
        run_in_processes(
            partial(run_batch, settings=settings, capture=capture),
            waiting,
            processes=threads,
            finished=keep,
        )
    finally:
        if kept is not None:
            kept.write()
    return _summed(experiments, batches, done)


def _open(folder: Path, of: str) -> Checkpoint:
    """The checkpoint in a folder, which is made where it is not there."""
    check_no_segment(folder, ConfigError)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"cannot be made: {error.strerror}; expected a folder for the checkpoint"
        raise ConfigError(folder, problem) from None
    return Checkpoint(folder, of)


def _summed(
    experiments: Sequence[Experiment], batches: Sequence[Batch], done: Done
) -> dict[str, Outcome]:
    """The counts of every experiment, over its batches."""
    summed: dict[str, Outcome] = {experiment.key: {} for experiment in experiments}
    for batch in batches:
        for test, counts in done[_name(batch)].items():
            into = summed[batch.experiment.key].setdefault(test, {"P": 0, "F": 0, "I": 0})
            for letter, n in counts.items():
                into[letter] += n
    return summed
