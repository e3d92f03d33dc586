"""A run in progress: a bound strategy, an engine and the memory they share.

``Session`` is what both routes drive: `backtest` feeds it whole columns, `replay` the log's
batches. It is not public; `quantlaxmi.run.replay` is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi import schema
from quantlaxmi._ext.depth_index import DepthIndex
from quantlaxmi._ext.python_bridge import Bridge, EventBridge
from quantlaxmi._ext.replay_loop import FAILURES, Engine
from quantlaxmi._ext.scan_setup import set_scan
from quantlaxmi.errors import EngineError, FixedPointOverflow, InputError, StrategyError
from quantlaxmi.events import (
    ChainEvent,
    DepthEvent,
    FillEvent,
    FundingEvent,
    OrderNotice,
    QuoteEvent,
    SettlementEvent,
    TradeEvent,
)
from quantlaxmi.events.ids import CorrelationContext
from quantlaxmi.execution.run_terms import run_terms
from quantlaxmi.features import NEUTRAL, feature_arguments
from quantlaxmi.fixed import int128_to_int
from quantlaxmi.instruments import Instrument
from quantlaxmi.parallel.pace import Pace
from quantlaxmi.parallel.threads import raise_if_stopped
from quantlaxmi.recent import Recent
from quantlaxmi.run.bar_equity import equity_of
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.feed import TableColumns
from quantlaxmi.run.scan_terms import scan_terms
from quantlaxmi.strategies.bar_run import BarRun
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.sdk import Context, PythonStrategy, failed, start, write_decision
from quantlaxmi.strategies.views import view

#: Rows of an engine's first call, and of its largest (see `parallel.pace`).
FIRST_ROWS: Final = 1 << 14
MOST_ROWS: Final = 1 << 21


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


#: All settings of a strategy have the same features, as a rule.
_calls: Final = Recent[list[tuple[str, tuple[int, ...]]]](most=4)


def feature_calls(
    bound: BoundStrategy, instruments: tuple[Instrument, ...]
) -> list[tuple[str, tuple[int, ...]]]:
    """Name and arguments of the kernel that fills each feature slot."""

    def make() -> list[tuple[str, tuple[int, ...]]]:
        made = []
        for k, f in enumerate(bound.features):
            arguments = feature_arguments(f.name, f.args, instruments)
            made.append((NEUTRAL[f.name] if k in bound.neutral else f.name, arguments))
        return made

    return _calls.get((instruments,), (bound.features, bound.neutral), make)


class Session:
    """One run in progress.

    Parameters
    ----------
    instruments : tuple of Instrument
    bound : BoundStrategy
    config : RunConfig
        Complete: its costs have a rate for every instrument.
    session_id : str
        Digest of the recording, for the events a plain-Python strategy receives.
    """

    context: Context | None = None
    bar_run: BarRun | None = None

    def __init__(
        self,
        instruments: tuple[Instrument, ...],
        bound: BoundStrategy,
        config: RunConfig,
        session_id: str = "",
    ) -> None:
        self.instruments = instruments
        self.bound = bound
        self.config = config
        costs = config.costs
        money = run_terms(instruments, costs, config.limits)
        self.ledger_exponent, self.currencies = money.ledger_exponent, money.currencies
        self.terms, self.base_fees = money.accounts, money.base_fees
        self.rules = money.rules
        self.memory = make_memory(bound, len(instruments))
        self._session_id = session_id
        self._bridge = self._make_bridge()
        step, on_fill = (f if isinstance(f, int) else 0 for f in (bound.step, bound.on_fill))
        self.engine = Engine(
            self.memory,
            self.terms,
            len(self.currencies),
            feature_calls(bound, instruments),
            bound.event_mask,
            config.latency_ns,
            10**-schema.RATE_EXPONENT,
            step,
            on_fill,
            self._bridge,
            money.rules,
            money.limits,
            costs.queue == "pro_rata",
            delays=config.latency.delays(config.seed, bound.config_hash),
            impact=money.impact,
            trades_by_receipt=costs.trade_clock == "receive",
            borrow=money.borrow,
            base_fees=money.base_fees,
            refuse_short=config.limits.short_spot == "refuse",
            leg_latency_ns=config.leg_latency_ns,
            contracts=money.contracts,
            settles_at_mark=config.settle_at == "mark",
        )
        if config.limits.margin == "scan":
            scales = [term[1] for term in self.terms]
            stated = config.limits.daily_volatility
            set_scan(self.engine, *scan_terms(instruments, scales, stated))
        if self.bar_run is not None:
            self.engine.allow_in_bar()
        self._pace = Pace(FIRST_ROWS, MOST_ROWS)

    @functools.cached_property
    def _correlations(self) -> tuple[CorrelationContext, ...]:
        return tuple(
            CorrelationContext(
                session_id=self._session_id,
                symbol=i.symbol,
                venue=i.venue,
                strategy_id=self.bound.strategy_id,
            )
            for i in self.instruments
        )

    def _make_bridge(self) -> Bridge | None:
        bound, memory = self.bound, self.memory
        if bound.form == "kernel":
            return None
        if bound.form == "interpreted":
            ctx, event, notice = (view(memory[name])[0] for name in ("ctx", "event", "notice"))
            books, positions, features, state, params, legs_out = (
                view(memory[name])
                for name in ("books", "positions", "features", "state", "params", "legs_out")
            )
            return Bridge(
                bound.step if callable(bound.step) else None,
                bound.on_fill if callable(bound.on_fill) else None,
                (ctx, event, books, positions, features, state, params, legs_out),
                (ctx, notice, books, positions, state, params),
            )
        self.context = start(
            bound,
            memory["ctx"],
            memory["books"],
            memory["positions"],
            memory["features"],
            memory["event"],
        )
        self.bar_run = getattr(bound.instance, "bar_run", None)
        if self.bar_run is not None:
            return self._bar_bridge(self.bar_run)
        return EventBridge(
            bound.instance.on_market,
            self._deliver_fill if hasattr(bound.instance, "on_fill") else None,
            (view(memory["notice"])[0],),
            functools.partial(
                write_decision,
                legs_out=view(memory["legs_out"]),
                bound=bound,
                positions=view(memory["positions"]),
            ),
            self.context,
            tuple(i.symbol for i in self.instruments),
            self._correlations,
            (QuoteEvent, DepthEvent, TradeEvent, FundingEvent, ChainEvent, SettlementEvent),
        )

    def _bar_bridge(self, bar_run: BarRun) -> Bridge:
        """The bridge of a strategy over bars: no event is made, it reads its own series."""
        bar_run.legs_out = view(self.memory["legs_out"])
        bar_run.latency_ns = self.config.latency.entry.largest_ns
        bar_run.equity = self._equity
        kind = type(self.bound.instance)
        hears = any(
            getattr(kind, name) is not getattr(PythonStrategy, name)
            for name in ("on_fill", "on_order")
        )

        def heard(notice: Any) -> int:
            bar_run.heard(notice)
            return self._deliver_fill(notice) if hears else 0

        return Bridge(bar_run.step, heard, (), (view(self.memory["notice"])[0],))

    def _equity(self) -> Decimal:
        return equity_of(
            self.config.limits.capital,
            self.engine.cash(len(self.currencies)),
            [
                (booked[0], term[1])
                for booked, term in zip(self.engine.accounts(), self.terms, strict=True)
            ],
            self.last_mids().tolist(),
            self.ledger_exponent,
        )

    def refuse_before(self, seq: int) -> None:
        """Refuse orders decided before a message: the warm-up."""
        self.engine.refuse_before(seq)
        if self.bar_run is not None:
            self.bar_run.first_seq = seq

    def _deliver_fill(self, notice: Any) -> int:
        """Hand a plain-Python strategy its fill, or other news of its order, as an event."""
        if notice.qty == 0:
            if hasattr(self.bound.instance, "on_order"):
                self.bound.instance.on_order(
                    OrderNotice(
                        order=notice.order,
                        decision=notice.decision,
                        symbol=self.instruments[notice.instrument].symbol,
                        side=schema.Side(notice.side),
                        reason=schema.OrderReason(notice.reason),
                        qty=notice.order_left,
                        ts_ns=notice.ts_ns,
                        correlation=self._correlations[notice.instrument],
                    )
                )
            return 0
        fields = dict(zip(schema.FILL_DTYPE.names or (), self.engine.last_fill(), strict=True))
        instrument = self.instruments[fields["instrument"]]
        self.bound.instance.on_fill(
            FillEvent(
                fill=self.engine.told_fill,
                order=fields["order"],
                decision=fields["decision"],
                leg=fields["leg"],
                symbol=instrument.symbol,
                side=schema.Side(fields["side"]),
                price=fields["price"],
                qty=notice.qty,  # of the order; what was received may be less (FillFlag.BASE_FEE)
                ts_ns=fields["ts_ns"],
                seq=fields["seq"],
                flags=schema.FillFlag(fields["flags"]),
                fee=int128_to_int(fields["fee_hi"], fields["fee_lo"]),
                fee_asset=instrument.currency,
                position=fields["position"],
                realized=int128_to_int(fields["realized_hi"], fields["realized_lo"]),
                cash=int128_to_int(fields["cash_hi"], fields["cash_lo"]),
                correlation=self._correlations[fields["instrument"]],
            )
        )
        return 0

    def feed(
        self,
        tables: Mapping[str, TableColumns],
        progress: Callable[[int], None] | None = None,
        depth_index: DepthIndex | None = None,
    ) -> None:
        """Process a chunk of the segment's tables; chunks ascend in ``seq``.

        Parameters
        ----------
        tables : mapping of table name to columns
        progress : callable, optional
            Called now and then with the rows of this chunk done.
        depth_index : DepthIndex, optional
            Of the whole depth table, or of one that this one is the beginning of.

        Raises
        ------
        StrategyError, FixedPointOverflow, EngineError, MemoryError
            The run cannot go on; the session is then not to be used.
        """
        if self.bar_run is not None:
            self.bar_run.history.extend(tables.get("bars"))
        self.engine.load(tables, depth_index)
        done = False
        while not done:
            with self._pace:
                status, done = self.engine.run(self._pace.size)
            if status != 0:
                self._raise(status)
            raise_if_stopped()
            if progress is not None:
                progress(self.engine.chunk_rows)

    def finish(self) -> None:
        """End the run: execute what arrived, cancel the rest, flatten if asked."""
        status = self.engine.finish(self.config.flatten)
        if status != 0:
            self._raise(status)

    def last_mids(self) -> NDArray[np.int64]:
        """Last known mid of each instrument, at price exponent - 1; 0 where it never had one."""
        mids: NDArray[np.int64] = 5 * self.memory["books"]["mid2"]
        return mids

    def _unsettled(self) -> InputError:
        """A position has outlived its contract, and no price settles it."""
        k = self.engine.detail
        one, held = self.instruments[k], self.engine.accounts()[k][0]
        ended = f"{np.datetime64(one.expiry_ns or 0, 'ns').astype('datetime64[s]')} UTC"
        return InputError(
            "settlement",
            f"{one.symbol} expired at {ended} with a position of {held}, and the data have no "
            'settlement price for it (settle_at = "mark" takes its last mid)',
        )

    def _raise(self, status: int) -> None:
        place = f"message seq {self.engine.seq}"
        reason = FAILURES.get(status, f"status {status}")
        error = self._bridge.error if self._bridge is not None else None
        if isinstance(error, Exception):
            raise failed(self.bound, error, place) from error
        if error is not None:  # an interrupt
            raise error
        if "outlived" in reason:
            raise self._unsettled()
        if reason.startswith("memory"):
            raise MemoryError(f"{reason} at {place}")
        if "does not fit" in reason:
            raise FixedPointOverflow("replay", (self.bound.strategy_id,), self.engine.seq)
        if "strategy" in reason:
            detail = f"leg {self.engine.detail}" if "leg" in reason else self.engine.detail
            raise StrategyError(
                f"strategy {self.bound.strategy_id!r} at {place}: {reason} ({detail})"
            )
        raise EngineError(f"{reason} at {place}")
