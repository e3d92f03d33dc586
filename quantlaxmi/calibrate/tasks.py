"""What a calibration consists of: lines of the tables, cut into batches of runs.

A batch is a function of its task and the settings alone, so batches are made in any order, by any
number of processes, now or after an interruption.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from quantlaxmi.calibrate import study as trial
from quantlaxmi.calibrate.capture import Capture, real_cell
from quantlaxmi.calibrate.naive_tests import NAIVE
from quantlaxmi.calibrate.random_streams import run_key, sub_key
from quantlaxmi.calibrate.scenarios import NO_EDGE, POWER, Cell
from quantlaxmi.calibrate.study import MARKET, TESTS, Settings
from quantlaxmi.errors import InputError

__all__ = ["GROUPS", "Line", "Outcome", "Task", "cell_names", "lines_of", "run_task"]

#: Kinds of lines, in the order of the work.
GROUPS = ("size", "power", "chosen", "naive", "search")
#: Of the runs asked for, one in so many where a rate far from the level is only shown.
SHOWN_SHARE = 4
#: Draws of the market null where each is fifty runs: what decides at 5 % with two exceedances.
SEARCH_DRAWS = 39
#: Cells on which it is searched: a run costs some hundred replays.
SEARCHED_CELLS = ("coins", "loud", "momentum", "basis", "basis-exits")
#: Of these also where net PnL chose.
NET_CELLS = ("momentum", "basis-exits")
_BATCH = {"size": 100, "power": 100, "search": 20, "chosen": 20, "naive": 50}

#: Test -> P, F or I -> runs.
Outcome = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table.

    Attributes
    ----------
    group : str
        Of `GROUPS`.
    cell : str
    variant : str
        The naive test; ``net`` where net PnL chose; else empty.
    runs : int
    """

    group: str
    cell: str
    variant: str
    runs: int

    @property
    def label(self) -> str:
        """The cell, and what chose in it where that is not the usual."""
        chosen_by_net = self.group == "search" and self.variant == "net"
        return f"{self.cell}, by net PnL" if chosen_by_net else self.cell

    @property
    def key(self) -> str:
        return "/".join(filter(None, (self.group, self.cell, self.variant)))


@dataclass(frozen=True, slots=True)
class Task:
    """Some runs of a line."""

    line: Line
    first: int
    count: int


def cell_names(capture: Capture | None) -> tuple[str, ...]:
    """Names that ``--cells`` knows."""
    return tuple(c.name for c in (*NO_EDGE, *real_cell(capture), *POWER))


def lines_of(runs: int, cells: Sequence[str] | None, capture: Capture | None) -> list[Line]:
    """The lines of the tables.

    Parameters
    ----------
    runs : int
        Of each line that holds a size; a fourth where a rate is only shown.
    cells : sequence of str or None
        Names of the cells wanted; None for all.
    capture : Capture or None

    Raises
    ------
    InputError
        For a name that is none.
    """
    known = cell_names(capture)
    for name in cells or ():
        if name not in known:
            raise InputError("--cells", f"was {name!r}, expected of {', '.join(known)}")
    wanted = known if cells is None else tuple(cells)
    fewer = max(1, runs // SHOWN_SHARE)
    no_edge = [c.name for c in (*NO_EDGE, *real_cell(capture)) if c.name in wanted]
    made = [Line("size", name, "", runs) for name in no_edge]
    made += [Line("power", c.name, "", fewer) for c in POWER if c.name in wanted]
    made += [Line("chosen", name, "", fewer) for name in no_edge]
    made += [
        Line("naive", name, variant, fewer)
        for variant, entry in NAIVE.items()
        for name in entry[2]
        if name in no_edge
    ]
    made += [Line("search", name, "", runs) for name in no_edge if name in SEARCHED_CELLS]
    return made + [Line("search", name, "net", runs) for name in no_edge if name in NET_CELLS]


def tasks_of(lines: Sequence[Line]) -> list[Task]:
    """Batches of all lines, in order."""
    return [
        Task(line, first, min(_BATCH[line.group], line.runs - first))
        for line in lines
        for first in range(0, line.runs, _BATCH[line.group])
    ]


def _cell(name: str, capture: Capture | None) -> Cell:
    return next(c for c in (*NO_EDGE, *real_cell(capture), *POWER) if c.name == name)


def _judged(line: Line, cell: Cell, key: int, settings: Settings) -> dict[str, str]:
    if line.group in ("size", "power"):
        return trial.judge(trial.run_case(cell.make(key, False)), settings)
    if line.group == "naive":
        test, _, _, beside = NAIVE[line.variant]
        run = trial.run_case(cell.make(key, False))
        # The market null stands beside the tests of moved positions.
        gates = tuple(g for g in TESTS if beside.startswith(g) or g == MARKET)
        shipped = trial.judge(run, settings, gates)
        return {
            line.variant: test(run, settings, sub_key(key, 2)),
            beside: shipped[beside],
        }
    case = cell.make(key, True)
    run = trial.run_case(case, trial.choose(case, net=line.variant == "net"))
    if line.group == "search":
        few = Settings(settings.seed, min(settings.draws, SEARCH_DRAWS))
        return trial.judge(run, few, (MARKET,), search=True)
    return trial.judge(run, settings)


def run_task(task: Task, settings: Settings, capture: Capture | None) -> Outcome:
    """Make the runs of a batch and count what the tests said."""
    cell = _cell(task.line.cell, capture)
    counts: dict[str, Counter[str]] = {}
    for run in range(task.first, task.first + task.count):
        # All lines of a cell see the same markets; a search draws other coins on them.
        key = run_key(settings.seed, cell.name, run)
        for test, letter in _judged(task.line, cell, key, settings).items():
            counts.setdefault(test, Counter())[letter] += 1
    return {test: dict(sorted(c.items())) for test, c in counts.items()}
