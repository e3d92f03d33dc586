"""A market over which many settings run: what they share is made once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import FixedPointOverflow, StrategyError
from quantlaxmi.fixed import int_to_int128
from quantlaxmi.run.accrued import loans_of
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.ledger_lines import marks_at_times, paid_at
from quantlaxmi.run.replay import bind
from quantlaxmi.run.session import Session
from quantlaxmi.schema import I64, TABLES
from quantlaxmi.segment import MarketData
from quantlaxmi.segment.depth_index import depth_index_of
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["GridMarket", "bind_setting", "in_order"]


class GridMarket:
    """Costs, tables and mids at the ends of clock buckets, for the runs of many settings.

    Parameters
    ----------
    segment : MarketData
    config : RunConfig
        What it does not say of costs is taken from the dated tables.
    ends : ndarray of int64, shape (n_ends,)
        Last stamp of each bucket, ns, ascending.
    weights : sequence of int or None
        By instrument, what its money is multiplied by; 1 by default.

    Attributes
    ----------
    segment : MarketData
    config : RunConfig
        Complete.
    ends : ndarray of int64, shape (n_ends,)
    mid2 : ndarray of int64, shape (n_instruments, n_ends)
        Bid plus ask of the last valid book at each end; 0 before the first.
    weights : tuple of int
    packed_weights : ndarray of int64, shape (n_instruments,)

    Raises
    ------
    FixedPointOverflow
        A weight does not fit 64 bits.
    """

    def __init__(
        self,
        segment: MarketData,
        config: RunConfig,
        ends: I64,
        weights: Sequence[int] | None,
    ) -> None:
        self.segment, self.config, self.ends = segment, config.complete_for(segment), ends
        n = len(segment.instruments)
        self._tables = {name: segment.columns(name) for name in TABLES}
        self._depth_index = depth_index_of(segment)
        self.mid2 = marks_at_times(segment, ends, range(n))
        self.weights = (1,) * n if weights is None else tuple(weights)
        if max(self.weights, default=1) >= 2**63:
            raise FixedPointOverflow("grid_runs", self.weights)
        self._packed_loans: I64 | None = None
        self._settled: _Settled | None = None
        self.packed_weights = np.array(self.weights, np.int64)

    def run(self, bound: BoundStrategy) -> Session:
        """The finished session of one setting."""
        session = Session(self.segment.instruments, bound, self.config, self.segment.origin)
        session.engine.refuse_before(self.segment.first_seq)
        session.feed(self._tables, depth_index=self._depth_index)
        session.finish()
        return session

    def loans(self, session: Session) -> I64:
        """At what each instrument is borrowed, as the kernel takes it: one for all settings."""
        if self._packed_loans is None:  # fractions are slow
            costs, exponent = self.config.costs, session.ledger_exponent
            loans = loans_of(session.instruments, costs, exponent)
            packed = [(num, *int_to_int128(den)) for num, den in loans]
            self._packed_loans = np.array(packed, np.int64).reshape(-1, 3)
        return self._packed_loans

    def settled(self, funding: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], I64]:
        """Settlements in the order of their receive times, and these."""
        if not len(funding):
            return funding, np.zeros(0, np.int64)
        if self._settled is None:
            self._settled = _Settled(self.segment)
        return in_order(funding, self._settled.times(funding))


class _Settled:
    """When settlements were received: those that a setting met are not looked for again.

    Settings meet the settlements of what they hold, so most of them are others' too.
    """

    def __init__(self, segment: MarketData) -> None:
        self._segment = segment
        none = np.zeros(0, np.int64)
        #: Due times, ascending and each once, the messages before them, and when they came.
        self._known: tuple[I64, I64, I64] = (none, none, none)

    def times(self, funding: npt.NDArray[Any]) -> I64:
        """Receive time of each of these settlements."""
        due, seq = np.ascontiguousarray(funding["ts_ns"]), funding["seq"]
        known_due, known_seq, known_times = self._known
        if len(known_due):
            at = np.minimum(np.searchsorted(known_due, due), len(known_due) - 1)
            if (known_due[at] == due).all() and (known_seq[at] == seq).all():
                found: I64 = known_times[at]
                return found
        times = paid_at(self._segment, funding)
        every, first = np.unique(np.concatenate([known_due, due]), return_index=True)
        # Replaced whole: threads that add at one time lose an entry, and find it again.
        self._known = (
            every,
            np.concatenate([known_seq, seq])[first],
            np.concatenate([known_times, times])[first],
        )
        return times


def in_order(rows: npt.NDArray[Any], times: I64) -> tuple[npt.NDArray[Any], I64]:
    """Rows by their times; those of one time stay as they are."""
    if len(rows) and (np.diff(times) < 0).any():
        order = np.argsort(times, kind="stable")
        return rows[order], np.ascontiguousarray(times[order])
    return rows, np.ascontiguousarray(times)


def bind_setting(
    strategy: Strategy | type[Strategy] | BoundStrategy,
    config: StrategyConfig | None,
    segment: MarketData,
) -> BoundStrategy:
    """The strategy with one setting, for one run.

    Raises
    ------
    StrategyError
        It cannot be made from settings alone, or was given bound and keeps state of its own.
    """
    made: Strategy | type[Strategy] | BoundStrategy = strategy
    if config is not None:
        if isinstance(strategy, BoundStrategy):
            raise StrategyError(
                f"strategy {strategy.strategy_id!r} was given bound, so it has no other settings: "
                "give the strategy itself"
            )
        made = (strategy if isinstance(strategy, type) else type(strategy)).made_with(config)
        if made.config is not config:  # equal by chance, as defaults are
            raise StrategyError(
                f"strategy {made.strategy_id!r} does not keep the settings it is given"
            )
    elif isinstance(strategy, BoundStrategy) and strategy.form == "python":
        raise StrategyError(
            f"strategy {strategy.strategy_id!r} was given bound, so it cannot be run again "
            "afresh: give the strategy itself"
        )
    return bind(made, segment.instruments)
