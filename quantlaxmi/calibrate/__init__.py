"""Calibration: a simulation study of the verdict, in worlds without an edge and with one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from quantlaxmi.calibrate.capture import Capture, open_capture
from quantlaxmi.calibrate.experiments import edges, experiments_of, no_edge
from quantlaxmi.calibrate.result import Calibration
from quantlaxmi.calibrate.study import Settings
from quantlaxmi.calibrate.work import kept_experiments, run_experiments
from quantlaxmi.errors import ConfigError

__all__ = ["Calibration", "Capture", "calibrate", "open_capture"]


def calibrate(
    *,
    runs: int = 4000,
    draws: int = 199,
    extended: int = 1999,
    market_every: int = 1,
    seed: int = 1,
    scenarios: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    capture: Capture | None = None,
    threads: int | None = None,
    checkpoint: Path | None = None,
    kept: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Calibration:
    """Simulate worlds without an edge and with one, judge runs in them, count the verdicts.

    Parameters
    ----------
    runs : int
        Simulated runs of each world without an edge. Power and simpler tests take a quarter of
        them, the best of fifty a quarter to a sixteenth (``experiments.SHARES``).
    draws, extended : int
        Draws of each kind of the market null: first, and where they leave the level open.
    market_every : int
        Without an edge the market null is asked in every so many runs alone, and where the verdict
        depends on it.
    seed : int
        Seed of all random streams.
    scenarios : sequence of str, optional
        Names of worlds; all by default.
    groups : sequence of str, optional
        Kinds of experiments, of ``experiments.GROUPS``; all by default.
    capture : Capture, optional
        A real capture, on which a rule with random sides is run.
    threads : int, optional
        Number of processes; the counts do not depend on it.
    checkpoint : Path, optional
        Folder that keeps finished batches, so that the next call goes on there.
    kept : bool
        Make no run: count those that the checkpoint has.
    progress : callable, optional
        Called with the runs done and all runs.

    Raises
    ------
    InputError
        When no world, or no group, has one of the names.
    ConfigError
        When the checkpoint belongs to another calibration or another process writes it, and for
        ``kept`` without one.
    """
    settings = Settings(seed, draws, extended, market_every)
    experiments = experiments_of(runs, scenarios, capture, groups)
    if kept:
        if checkpoint is None:
            raise ConfigError("--kept", "was given alone, expected --checkpoint DIR too")
        experiments, outcomes = kept_experiments(experiments, settings, checkpoint, capture)
    else:
        outcomes = run_experiments(
            experiments,
            settings,
            capture=capture,
            threads=threads,
            checkpoint=checkpoint,
            progress=progress,
        )
    worlds = {one.name: one for one in (*no_edge(capture), *edges())}
    digest = capture.digest if capture else None
    return Calibration(settings, runs, tuple(experiments), outcomes, worlds, digest)
