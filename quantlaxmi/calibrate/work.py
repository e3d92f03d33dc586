"""Runs the batches of a calibration in several processes and keeps what is done in a file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from quantlaxmi.calibrate.capture import Capture
from quantlaxmi.calibrate.experiments import (
    Batch,
    Experiment,
    Outcome,
    batches_of,
    edges,
    no_edge,
    run_batch,
)
from quantlaxmi.calibrate.fingerprint import fingerprint
from quantlaxmi.calibrate.study import Settings
from quantlaxmi.canonical import canonical_json
from quantlaxmi.errors import ConfigError, SegmentError
from quantlaxmi.files import (
    check_apart,
    check_file,
    check_writable,
    locked_folder,
    read_regular,
    write_whole,
)
from quantlaxmi.parallel.processes import run_in_processes

__all__ = ["CHECKPOINT", "kept_experiments", "run_experiments"]

#: Name of the file in the checkpoint's folder.
CHECKPOINT = "calibration.jsonl"
_MAX_BYTES = 1 << 26
_DOMAIN = b"quantlaxmi.calibration.v3\0"
_SEAL = b"quantlaxmi.calibration-checkpoint.v1\0"
#: Seconds between two writings of the checkpoint.
_KEEP_EVERY = 2.0

#: Batch -> its counts.
Done = dict[str, Outcome]


def _name(batch: Batch) -> str:
    return f"{batch.experiment.key}:{batch.first}+{batch.count}"


def identity(settings: Settings, capture: Capture | None) -> str:
    """Hash of what all batches depend on: settings, policy, capture."""
    digest = hashlib.sha256(_DOMAIN)
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


class _Prints(dict[str, str]):
    """The fingerprints of worlds by name, each made when it is first asked for.

    All of them take many seconds, and a checkpoint that cannot be used is refused before.
    """

    def __init__(self, capture: Capture | None) -> None:
        super().__init__()
        self._worlds = {world.name: world for world in (*no_edge(capture), *edges())}

    def __missing__(self, name: str) -> str:
        self[name] = made = fingerprint(self._worlds[name])
        return made


class Checkpoint:
    """Finished batches in a file of JSON lines: first the identity, then one line for each batch.

    The first line carries a hash of the others, so that a changed or cut file is never believed.
    A batch is one of the fingerprint of its world: where a world's runs have changed since it was
    kept, it is not found and is made again.

    Parameters
    ----------
    folder : Path
    of : str
        The identity.
    prints : dict of str to str
        Fingerprints by world.

    Raises
    ------
    ConfigError
        When the file is there and is not of this identity, or was changed.
    """

    def __init__(self, folder: Path, of: str, prints: dict[str, str]) -> None:
        self.path = folder / CHECKPOINT
        check_file(self.path, None, ConfigError)
        check_writable(self.path, ConfigError)
        self._of, self._prints = of, prints
        self.done: Done = {}
        self._written = time.monotonic()
        if os.path.lexists(self.path):
            self.done = self._read()

    def _read(self) -> Done:
        raw = read_regular(self.path, _MAX_BYTES, ConfigError, "a calibration's checkpoint")
        try:
            head, *lines = [json.loads(line) for line in raw.splitlines()]
            of, seal = head["calibration"], head.get("hash")
            done = {line["batch"]: _outcome(line["counts"]) for line in lines}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ConfigError(
                self.path, "is not a calibration's checkpoint; name another folder"
            ) from None
        if of != self._of:
            raise ConfigError(
                self.path,
                "belongs to another seed, number of draws, policy or capture; name another folder",
            )
        if seal != self._seal(raw.partition(b"\n")[2]):
            raise ConfigError(self.path, "was changed or cut; name another folder", "hash")
        return done

    def _seal(self, batches: bytes) -> str:
        """Hash of the identity and of the lines of all batches."""
        return hashlib.sha256(_SEAL + self._of.encode() + b"\n" + batches).hexdigest()

    def name_of(self, batch: Batch) -> str:
        """Names a batch and what its world's runs were made of."""
        return f"{_name(batch)}@{self._prints[batch.experiment.scenario]}"

    def add(self, batch: Batch, outcome: Outcome) -> None:
        """Keep a batch."""
        self.done[self.name_of(batch)] = outcome
        if time.monotonic() - self._written > _KEEP_EVERY:
            self.write()

    def write(self) -> None:
        """Write all batches, whole or not at all."""
        batches = "".join(
            json.dumps({"batch": name, "counts": counts}) + "\n"
            for name, counts in self.done.items()
        ).encode()
        head = json.dumps({"calibration": self._of, "hash": self._seal(batches)}) + "\n"
        write_whole(self.path, head.encode() + batches)
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
        When the checkpoint belongs to another calibration, or another process writes it.

    Notes
    -----
    Whatever ends it, an interrupt too, ends the processes at once and keeps the finished batches.
    """
    with contextlib.ExitStack() as stack:
        kept = None
        if checkpoint is not None:
            prints = _Prints(capture)
            kept = stack.enter_context(_open(checkpoint, identity(settings, capture), prints))
        return _run(experiments, settings, capture, threads, kept, progress)


def _run(
    experiments: Sequence[Experiment],
    settings: Settings,
    capture: Capture | None,
    threads: int | None,
    kept: Checkpoint | None,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Outcome]:
    batches = batches_of(experiments)
    done = {} if kept is None else _found(kept, batches)
    total = sum(batch.count for batch in batches)
    waiting = [batch for batch in batches if _name(batch) not in done]
    # All experiments grow at one pace, so that the time left can be told and a part is of use.
    waiting.sort(key=lambda batch: batch.first / batch.experiment.runs)
    finished = total - sum(batch.count for batch in waiting)

    def keep(index: int, outcome: Outcome) -> None:
        nonlocal finished
        batch = waiting[index]
        done[_name(batch)] = outcome
        if kept is not None:
            kept.add(batch, outcome)
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


def kept_experiments(
    experiments: Sequence[Experiment],
    settings: Settings,
    checkpoint: Path,
    capture: Capture | None = None,
) -> tuple[list[Experiment], dict[str, Outcome]]:
    """What a checkpoint has of some experiments, each with the number of its runs there.

    Parameters
    ----------
    experiments : sequence of Experiment
    settings : Settings
    checkpoint : Path
    capture : Capture, optional

    Returns
    -------
    experiments : list of Experiment
        Those of which a batch is kept.
    outcomes : dict of str to Outcome
        By the experiment's key.

    Raises
    ------
    ConfigError
        When the checkpoint belongs to another calibration, or has none of the runs.

    Notes
    -----
    Nothing is locked: the file is written whole, so that a calibration may go on meanwhile.
    """
    kept = Checkpoint(checkpoint, identity(settings, capture), _Prints(capture))
    batches = batches_of(experiments)
    done = _found(kept, batches)
    batches = [batch for batch in batches if _name(batch) in done]
    if not batches:
        raise ConfigError(checkpoint, "has none of these runs, expected some that are finished")
    runs: dict[str, int] = {}
    for batch in batches:
        key = batch.experiment.key
        runs[key] = runs.get(key, 0) + batch.count
    found = [replace(one, runs=runs[one.key]) for one in experiments if one.key in runs]
    return found, _summed(found, batches, done)


def _found(kept: Checkpoint, batches: Sequence[Batch]) -> Done:
    """The batches that a checkpoint has, by name."""
    names = {_name(batch): kept.name_of(batch) for batch in batches}
    return {name: kept.done[own] for name, own in names.items() if own in kept.done}


@contextlib.contextmanager
def _open(folder: Path, of: str, prints: dict[str, str]) -> Iterator[Checkpoint]:
    """The checkpoint in a folder, made where it is not there; for one process at a time."""
    check_apart(folder, ConfigError)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"cannot be made: {error.strerror}; expected a folder for the checkpoint"
        raise ConfigError(folder, problem) from None
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked_folder(folder))
        except SegmentError:
            problem = "is in use by another calibration; wait for it, or name another folder"
            raise ConfigError(folder, problem) from None
        yield Checkpoint(folder, of, prints)


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
