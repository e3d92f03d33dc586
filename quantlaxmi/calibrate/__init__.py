"""Calibration: a simulation study of the gates' tests, with null strategies and planted edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from quantlaxmi.calibrate.capture import Capture, open_capture, real_scenario
from quantlaxmi.calibrate.experiments import experiments_of
from quantlaxmi.calibrate.result import Calibration
from quantlaxmi.calibrate.scenarios import NO_EDGE, POWER
from quantlaxmi.calibrate.study import Settings
from quantlaxmi.calibrate.work import run_experiments

__all__ = ["Calibration", "Capture", "calibrate", "open_capture"]


def calibrate(
    *,
    runs: int = 4000,
    draws: int = 99,
    seed: int = 1,
    scenarios: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    capture: Capture | None = None,
    threads: int | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Calibration:
    """Simulate null strategies and planted edges, run the gates' tests on them, count the verdicts.

    Parameters
    ----------
    runs : int
        Simulated runs of each scenario whose false-pass rate is compared with the level. Rates that
        are only shown take a quarter of them.
    draws : int
        Draws of each Monte Carlo test.
    seed : int
        Seed of all random streams.
    scenarios : sequence of str, optional
        Names of scenarios; all by default.
    groups : sequence of str, optional
        Kinds of experiments, of ``experiments.GROUPS``; all by default.
    capture : Capture, optional
        A real capture, on which a strategy with random sides is run.
    threads : int, optional
        Number of processes; the counts do not depend on it.
    checkpoint : Path, optional
        Folder that keeps finished batches, so that the next call goes on there.
    progress : callable, optional
        Called with the runs done and all runs.

    Raises
    ------
    InputError
        When no scenario has one of the names.
    ConfigError
        When the checkpoint belongs to another calibration.
    """
    settings = Settings(seed, draws)
    experiments = experiments_of(runs, scenarios, capture)
    experiments = [one for one in experiments if groups is None or one.group in groups]
    outcomes = run_experiments(
        experiments,
        settings,
        capture=capture,
        threads=threads,
        checkpoint=checkpoint,
        progress=progress,
    )
    texts = {one.name: one.text for one in (*NO_EDGE, *real_scenario(capture), *POWER)}
    digest = capture.digest if capture else None
    return Calibration(settings, runs, tuple(experiments), outcomes, texts, digest)
