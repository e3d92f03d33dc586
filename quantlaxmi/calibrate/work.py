"""Runs the batches of a calibration in several processes and keeps what is done in a file."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from quantlaxmi.calibrate.capture import Capture
from quantlaxmi.calibrate.checkpoint import Checkpoint, Spans, opened, summed
from quantlaxmi.calibrate.experiments import (
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
from quantlaxmi.errors import ConfigError
from quantlaxmi.parallel.processes import run_in_processes

__all__ = ["kept_experiments", "run_experiments"]

_DOMAIN = b"quantlaxmi.calibration.v3\0"


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
            kept = stack.enter_context(opened(checkpoint, identity(settings, capture), prints))
        return _run(experiments, settings, capture, threads, kept, progress)


def _run(
    experiments: Sequence[Experiment],
    settings: Settings,
    capture: Capture | None,
    threads: int | None,
    kept: Checkpoint | None,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Outcome]:
    found: dict[str, Spans] = {
        one.key: {} if kept is None else kept.found(one) for one in experiments
    }
    done = {key: [outcome for _, outcome in spans.values()] for key, spans in found.items()}
    waiting = [batch for one in experiments for batch in batches_of([one], found[one.key])]
    # All experiments grow at one pace, so that the time left can be told and a part is of use.
    waiting.sort(key=lambda batch: batch.first / batch.experiment.runs)
    total = sum(one.runs for one in experiments)
    finished = total - sum(batch.count for batch in waiting)

    def keep(index: int, outcome: Outcome) -> None:
        nonlocal finished
        batch = waiting[index]
        done[batch.experiment.key].append(outcome)
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
    return {key: _whole(outcomes) for key, outcomes in done.items()}


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
    spans = {one.key: found for one in experiments if (found := kept.found(one))}
    if not spans:
        raise ConfigError(checkpoint, "has none of these runs, expected some that are finished")
    made = [
        replace(one, runs=sum(count for count, _ in spans[one.key].values()))
        for one in experiments
        if one.key in spans
    ]
    return made, {
        key: _whole(outcome for _, outcome in found.values()) for key, found in spans.items()
    }


def _whole(outcomes: Iterable[Outcome]) -> Outcome:
    """The counts of all outcomes, with each letter of each test."""
    return {test: {"P": 0, "F": 0, "I": 0} | counts for test, counts in summed(outcomes).items()}
