"""Test windows run afresh, and what they earned: in equal clock buckets, by day, by instrument."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from quantlaxmi.errors import InputError
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.forward.folds import Fold
from quantlaxmi.gates.path.clock_buckets import bucket_ends
from quantlaxmi.parallel.threads import iterate_in_order
from quantlaxmi.run.grid_runs import SettingRun, grid_runs
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.schema import I64
from quantlaxmi.segment import MarketData, Window
from quantlaxmi.strategies.config import StrategyConfig

__all__ = ["OutOfSample", "out_of_sample"]

_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class OutOfSample:
    """What the chosen settings earned in the test windows.

    Attributes
    ----------
    runs : tuple of SettingRun or None
        A fresh run a fold; None where no setting was chosen, or the window has no message.
    nets : tuple of int
        Net of each fold.
    buckets : tuple of int
        Net in equal clock buckets of the test windows together.
    days : dict of int to int
        Net by UTC day, numbered from the epoch.
    instruments : tuple of int
        Net by instrument.
    """

    runs: tuple[SettingRun | None, ...]
    nets: tuple[int, ...]
    buckets: tuple[int, ...]
    days: dict[int, int]
    instruments: tuple[int, ...]

    @property
    def trips(self) -> int:
        """Round trips of all folds, those that were open at an end among them."""
        return sum(run.trips.shape[1] + run.is_open for run in self.runs if run is not None)

    @property
    def traded(self) -> tuple[bool, ...]:
        """Whether each fold has a fill."""
        return tuple(run is not None and run.n_fills > 0 for run in self.runs)


def out_of_sample(
    context: GateContext,
    rerun: Rerun,
    folds: Sequence[Fold],
    chosen: Sequence[tuple[StrategyConfig | None] | None],
    n_buckets: int,
) -> OutOfSample:
    """Run every fold's setting on its test window.

    A run is fresh: features and state have followed all earlier messages, orders are refused before
    the window, and what is open at its end is closed there.

    Parameters
    ----------
    context : GateContext
    rerun : Rerun
    folds : sequence of Fold
    chosen : sequence of tuple or None
        A setting in a tuple for each fold; None for a fold that stays flat.
    n_buckets : int
    """
    run = rerun.run
    whole = Window.between(run.segment, folds[0].test_begin_ns, folds[-1].test_stop_ns)
    ends = bucket_ends(whole.first_ts_ns, whole.last_ts_ns, n_buckets)
    days = np.arange(whole.first_ts_ns // _DAY_NS, whole.last_ts_ns // _DAY_NS + 1)
    last_of_day = np.minimum((days + 1) * _DAY_NS - 1, whole.last_ts_ns)
    looks = np.unique(np.concatenate([ends, last_of_day]))

    def one(k: int) -> SettingRun | None:
        window, setting = _window(run.segment, folds[k]), chosen[k]
        if window is None or setting is None:
            return None
        return _fresh(rerun, window, setting[0], looks)

    runs: list[SettingRun | None] = []
    threads = context.threads if run.strategy.form == "kernel" else 1
    with closing(iterate_in_order(one, range(len(folds)), threads=threads)) as results:
        runs.extend(results)
    total = np.zeros(len(looks), dtype=object)
    for made in runs:
        if made is not None:
            total = total + np.array(made.equity, dtype=object)
    by_day = _increments(total[np.searchsorted(looks, last_of_day)].tolist())
    made_runs = [made for made in runs if made is not None]
    return OutOfSample(
        tuple(runs),
        tuple(0 if made is None else made.equity[-1] for made in runs),
        tuple(_increments(total[np.searchsorted(looks, ends)].tolist())),
        dict(zip(days.tolist(), by_day, strict=True)),
        tuple(
            sum(made.net_by_instrument[i] for made in made_runs)
            for i in range(len(run.instruments))
        ),
    )


def _window(segment: MarketData, fold: Fold) -> Window | None:
    """The messages of a fold's test, after all earlier ones; None where it has none."""
    try:
        return Window.between(segment, fold.test_begin_ns, fold.test_stop_ns)
    except InputError:
        return None


def _fresh(rerun: Rerun, window: Window, setting: StrategyConfig | None, looks: I64) -> SettingRun:
    """One test window's run, with its equity at all times that are looked at."""
    run = rerun.run
    found = grid_runs(
        window,
        run.strategy if rerun.strategy is None else rerun.strategy,
        [setting],
        np.minimum(looks, window.last_ts_ns),
        config=replace(run.config, flatten=True),
        weights=run.weights,
        threads=1,
    )
    return found.runs[0]


def _increments(equity: Sequence[int]) -> list[int]:
    return [b - a for a, b in itertools.pairwise([0, *equity])]
