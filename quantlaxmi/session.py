"""A run in progress: a bound strategy, an engine and the memory they share.

``Session`` is what both routes drive: `backtest` feeds it whole columns, `replay` the log's
batches. It is not public; `quantlaxmi.replay` is.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi import schema
from quantlaxmi._ext.python_bridge import Bridge, EventBridge
from quantlaxmi._ext.replay_loop import FAILURES, Engine
from quantlaxmi.costs import CostModel, account_terms, ledger_exponent
from quantlaxmi.errors import EngineError, FixedPointOverflow, StrategyError
from quantlaxmi.events import DepthEvent, FundingEvent, QuoteEvent, TradeEvent
from quantlaxmi.features import feature_arguments
from quantlaxmi.ids import CorrelationContext
from quantlaxmi.instruments import Instrument
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.sdk import Context, write_decision
from quantlaxmi.strategies.views import view

Columns = Mapping[str, NDArray[Any]]

#: Rows between two looks at pending signals: tens of milliseconds either way.
KERNEL_STRIDE: Final = 1 << 21
PYTHON_STRIDE: Final = 1 << 15


def make_memory(bound: BoundStrategy, n_instruments: int) -> dict[str, NDArray[Any]]:
    """Allocate the records an engine and its strategy share."""
    return {
        "ctx": np.zeros(1, schema.CTX_DTYPE),
        "event": np.zeros(1, schema.EVENT_DTYPE),
        "books": np.zeros(n_instruments, schema.BOOK_DTYPE),
        "positions": np.zeros(n_instruments, schema.POSITION_DTYPE),
        "features": np.zeros(len(bound.features), schema.FEATURE_DTYPE),
        "state": bound.state.copy(),
        "params": bound.params.copy(),
        "legs_out": np.zeros(schema.MAX_LEGS, schema.LEG_OUT_DTYPE),
        "notice": np.zeros(1, schema.FILL_NOTICE_DTYPE),
    }


class Session:
    """One run in progress.

    Parameters
    ----------
    instruments : tuple of Instrument
    bound : BoundStrategy
    costs : CostModel
    latency_ns : int
        From decision to arrival of its orders; >= 0.
    has_quotes : sequence of bool
        Per instrument: the segment holds quotes of it; otherwise its depth gives the top of book.
    session_id : str
        Segment digest, for the events a plain-Python strategy receives.
    """

    def __init__(
        self,
        instruments: tuple[Instrument, ...],
        bound: BoundStrategy,
        costs: CostModel,
        latency_ns: int,
        has_quotes: Sequence[bool],
        session_id: str,
    ) -> None:
        self.instruments = instruments
        self.bound = bound
        self.ledger_exponent = ledger_exponent(instruments, costs)
        self.currencies = tuple(dict.fromkeys(i.currency for i in instruments))
        self.terms = [
            account_terms(i, costs, self.ledger_exponent, self.currencies.index(i.currency))
            for i in instruments
        ]
        self.memory = make_memory(bound, len(instruments))
        self._bridge = self._make_bridge(session_id)
        kernel = bound.form == "kernel"
        self.engine = Engine(
            self.memory,
            self.terms,
            len(self.currencies),
            [not q for q in has_quotes],
            [(f.name, feature_arguments(f.name, f.args, instruments)) for f in bound.features],
            bound.event_mask,
            latency_ns,
            10**-schema.RATE_EXPONENT,
            bound.step if kernel else 0,
            (bound.on_fill or 0) if kernel else 0,
            self._bridge,
        )
        self._stride = KERNEL_STRIDE if kernel else PYTHON_STRIDE

    def _make_bridge(self, session_id: str) -> Bridge | None:
        bound, memory = self.bound, self.memory
        if bound.form == "kernel":
            return None
        views = {name: view(records) for name, records in memory.items()}
        if bound.form == "interpreted":
            ctx, event, notice = views["ctx"][0], views["event"][0], views["notice"][0]
            books, positions = views["books"], views["positions"]
            state, params = views["state"], views["params"]
            return Bridge(
                bound.step,
                bound.on_fill,
                (ctx, event, books, positions, views["features"], state, params, views["legs_out"]),
                (ctx, notice, books, positions, state, params),
            )
        correlations = tuple(
            CorrelationContext(
                session_id=session_id,
                symbol=i.symbol,
                venue=i.venue,
                strategy_id=bound.strategy_id,
            )
            for i in self.instruments
        )
        context = Context(bound, views)
        return EventBridge(
            bound.instance.on_market,
            context.deliver_fill,
            (),
            functools.partial(write_decision, legs_out=views["legs_out"], bound=bound),
            context,
            tuple(i.symbol for i in self.instruments),
            correlations,
            (QuoteEvent, DepthEvent, TradeEvent, FundingEvent),
        )

    def feed(self, tables: Mapping[str, Columns]) -> None:
        """Process a chunk of the segment's tables; chunks ascend in ``seq``.

        Raises
        ------
        StrategyError, FixedPointOverflow, EngineError, MemoryError
            The run cannot go on; the session is then not to be used.
        """
        self.engine.load(tables)
        done = False
        while not done:
            status, done = self.engine.run(self._stride)
            if status != 0:
                self._raise(status)

    def finish(self, flatten: bool) -> None:
        """End the run: execute what arrived, cancel the rest, flatten if asked."""
        status = self.engine.finish(flatten)
        if status != 0:
            self._raise(status)

    def last_mids(self) -> NDArray[np.int64]:
        """Mid of each instrument now, at price exponent - 1; 0 where it has no valid book."""
        books = self.memory["books"]
        mids: NDArray[np.int64] = np.where(books["valid"] == 1, books["bid"] + books["ask"], 0)
        return mids * 5

    def _raise(self, status: int) -> None:
        place = f"message seq {self.engine.seq}"
        reason = FAILURES.get(status, f"status {status}")
        error = self._bridge.error if self._bridge is not None else None
        if isinstance(error, StrategyError) or (
            error is not None and not isinstance(error, Exception)
        ):
            raise error
        if error is not None:
            raise StrategyError(
                f"strategy {self.bound.strategy_id!r} failed at {place}: "
                f"{type(error).__name__}: {error}"
            ) from error
        detail = self.engine.detail
        if reason.startswith("memory"):
            raise MemoryError(f"{reason} at {place}")
        if "does not fit" in reason:
            raise FixedPointOverflow("replay", (self.bound.strategy_id,), self.engine.seq)
        if reason.startswith("the strategy"):
            raise StrategyError(
                f"strategy {self.bound.strategy_id!r} at {place}: {reason} ({detail})"
            )
        raise EngineError(f"{reason} at {place}")
