"""Calibration: how often the gates' tests pass what has no edge, and what has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from quantlaxmi.calibrate.capture import Capture, open_capture, real_cell
from quantlaxmi.calibrate.result import Calibration
from quantlaxmi.calibrate.scenarios import NO_EDGE, POWER
from quantlaxmi.calibrate.study import Settings
from quantlaxmi.calibrate.tasks import lines_of
from quantlaxmi.calibrate.work import calibrate_lines

__all__ = ["Calibration", "Capture", "calibrate", "open_capture"]


def calibrate(
    *,
    runs: int = 4000,
    draws: int = 99,
    seed: int = 1,
    cells: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    capture: Capture | None = None,
    threads: int | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Calibration:
    """Run strategies without an edge, and with one, through the tests of the gates.

    Parameters
    ----------
    runs : int
        Of each cell whose false-pass rate is held to the level; rates that are only shown take a
        fourth.
    draws : int
        Of each Monte Carlo test.
    seed : int
    cells : sequence of str, optional
        Names of cells; all by default.
    groups : sequence of str, optional
        Kinds of tables, of ``tasks.GROUPS``; all by default.
    capture : Capture, optional
        A real capture to toss coins on.
    threads : int, optional
        Processes side by side; the counts do not depend on it.
    checkpoint : Path, optional
        Folder that keeps finished batches, so that the next call goes on there.
    progress : callable, optional
        Called with runs done and runs in all.

    Raises
    ------
    InputError
        For a cell that is none.
    ConfigError
        For a checkpoint of another calibration.
    """
    settings = Settings(seed, draws)
    lines = lines_of(runs, cells, capture)
    lines = [line for line in lines if groups is None or line.group in groups]
    outcomes = calibrate_lines(
        lines,
        settings,
        capture=capture,
        threads=threads,
        checkpoint=checkpoint,
        progress=progress,
    )
    texts = {cell.name: cell.text for cell in (*NO_EDGE, *real_cell(capture), *POWER)}
    digest = capture.digest if capture else None
    return Calibration(settings, runs, tuple(lines), outcomes, texts, digest)
