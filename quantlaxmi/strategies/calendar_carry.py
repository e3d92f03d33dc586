"""calendar_carry: a near straddle is sold against a later one, hedged in vega."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import InputError, StrategyError
from quantlaxmi.events import (
    IndiaMarketEvent,
    LegIntent,
    MultiLegOrderIntent,
    OptionsStrategyType,
)
from quantlaxmi.instruments import Instrument
from quantlaxmi.options.calendar_rules import CalendarCheck, calendar_check
from quantlaxmi.options.calendar_terms import CalendarRule, CalendarTerms
from quantlaxmi.options.moment import MOMENT_COLUMNS, ChainLayout, ChainMoment
from quantlaxmi.options.recorded import RecordedChain, option_underlying, options_of
from quantlaxmi.schema import I64, EventKind, Side
from quantlaxmi.segment.market_data import MarketData
from quantlaxmi.strategies.calendar_carry_kernel import (
    KERNEL,
    MAX_PRICE,
    NEVER,
    check_units,
    kernel_params,
    kernel_state,
)
from quantlaxmi.strategies.calendar_carry_settings import CalendarCarryConfig, day_of
from quantlaxmi.strategies.calendar_explain import (
    check_columns,
    open_snapshots,
    recorded_checks,
    run_checks,
)
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.context import Context
from quantlaxmi.strategies.kernel import BoundStrategy, load_compiled, mask_of
from quantlaxmi.strategies.margin_asks import MarginAsks
from quantlaxmi.strategies.sdk import IndiaOptionsStrategy

__all__ = ["CalendarCarry"]

_S: Final = 10**9


class _Held(NamedTuple):
    """An entry: its contracts, and the market it was decided on."""

    contracts: tuple[int, ...]  # front call and put, back call and put
    mids2: tuple[int, ...]  # bid + ask of each
    front_units: int
    friction: float
    front_expiry_ns: int
    since_ns: int


class CalendarCarry(IndiaOptionsStrategy):
    """Sell the front straddle and buy the back one where the premium gap clears its costs.

    At each check all seventeen rules of `options.calendar_rules` are evaluated; it enters where
    none forbids. The gap is ``h * back - front`` at the hedge ratio h: **a debit**, because the
    back is the dearer one. With h from vegas it is the term slope in points, so that a high gap
    says that the front is cheap, not that it is dear; what is earned if nothing moves is the
    front's decay less h times the back's, and it is paid for by short gamma. **No edge of this rule
    was shown**: over 64 days of closes of NIFTY in early 2026 the gap and the result of the next
    day had a rank correlation of -0.16 (p 0.20), and whether the sign of the rule is wrong is open.
    ``gap_side = "credit"``, which enters where the back is the cheaper one, stands in the grid.

    It leaves at a profit of ``target`` or a loss of ``stop`` frictions, marked at mids from the
    mids at the decision to enter; after ``max_hold_s``; ``close_buffer_s`` before the close, and
    ``expiry_exit_s`` before it on the day the front ends, and where the front has settled.

    Parameters
    ----------
    config : CalendarCarryConfig, optional
        The defaults if left out.

    Examples
    --------
    >>> CalendarCarry().config.max_hold_s
    7200
    """

    strategy_id: ClassVar[str] = "calendar_carry"
    Config: ClassVar[type[StrategyConfig]] = CalendarCarryConfig
    event_kinds: ClassVar[tuple[EventKind, ...]] = (EventKind.CHAIN,)
    binds_alike: ClassVar[bool] = True
    own_tables: ClassVar[tuple[str, ...]] = ("checks",)
    grid: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "gap_side": ("debit", "credit"),
        "min_premium_gap": ("0", "12"),
        "max_hold_s": ("3600", "7200", "14400"),
    }

    def bind(
        self, instruments: Sequence[Instrument], *, interpreted: bool = False
    ) -> BoundStrategy:
        """Bind the compiled kernel, or this class as its twin; see `Strategy.bind`."""
        twin = super().bind(instruments)
        if interpreted:
            return twin
        underlying, index, layout = self._contracts(instruments)
        functions = load_compiled(KERNEL)
        return BoundStrategy(
            strategy_id=self.strategy_id,
            config=self.config,
            config_hash=self.config_hash,
            rationales=self.rationales,
            instruments=twin.instruments,
            universe=twin.universe,
            event_mask=mask_of(self.event_kinds),
            params=kernel_params(self.config, underlying, layout, index, self.rationales),
            state=kernel_state(),
            form=functions.form,
            step=functions.step,
            owner=functions.owner,
            strategy=self,
        )

    def trades(self, instruments: Sequence[Instrument]) -> tuple[int, ...]:
        """Options of the underlying; see `PythonStrategy.trades`."""
        return tuple(self._contracts(instruments)[1].tolist())

    def _contracts(self, instruments: Sequence[Instrument]) -> tuple[str, I64, ChainLayout]:
        """The underlying, its options, and how they lie in a chain."""
        try:
            underlying = option_underlying(instruments, self.config.underlying)
            index, layout = options_of(instruments, underlying)
        except InputError as error:
            raise StrategyError(f"calendar_carry: {error}") from None
        check_units(self.config, layout)
        return underlying, index, layout

    def on_start(self, ctx: Context) -> None:
        """Lay out the contracts; see `PythonStrategy.on_start`."""
        self._underlying, self._index, self._layout = self._contracts(ctx.instruments)
        self._symbols = [ctx.instruments[k].symbol for k in self._index.tolist()]
        self._checked_ns = self._left_ns = NEVER
        self._held: _Held | None = None
        #: Of each check: time, rules that forbade, and whether a position was held or on its way.
        self.checks: list[tuple[int, CalendarRule, bool]] = []

    def on_market(self, event: IndiaMarketEvent, ctx: Context) -> MultiLegOrderIntent | None:
        """Check the chain, and enter or leave; see `IndiaOptionsStrategy.on_market`."""
        config: CalendarCarryConfig = self.config
        now = event.ts_ns
        moment = self._moment(event, ctx)
        if moment is None or now - self._checked_ns < config.interval_s * _S:
            return None
        self._checked_ns = now
        terms = config.terms(self._underlying, day_of(now))
        held = self._positions(ctx)
        rests = now - self._left_ns < config.cooldown_s * _S
        check = calendar_check(moment, terms, CalendarRule.COOLDOWN if rests else CalendarRule(0))
        self.checks.append((now, check.blocked, any(held) or bool(ctx.in_flight)))
        if ctx.in_flight:
            return None
        if any(held):
            return self._leave(moment, terms, held)
        if check.blocked:
            return None
        return self._enter(moment, check)

    def recorded_checks(
        self, market: MarketData
    ) -> Iterator[tuple[int, CalendarCheck, CalendarTerms]]:
        """Evaluate the rules over recorded data without a run; see `calendar_explain`."""
        return recorded_checks(RecordedChain(market, self.config.underlying), self.config)

    def can_enter(self, market: MarketData) -> NDArray[np.bool_]:
        """Return at which snapshots the filters hold, whatever the gap, position and cooldown.

        Parameters
        ----------
        market : MarketData

        Returns
        -------
        ndarray of bool, shape (n_snapshots,)
            Every rule but the gap's two limits, which are the signal (`CalendarRule.GAP_FLOOR`,
            `CalendarRule.GAP_FRICTION`), and those that need a history (`CalendarRule.COOLDOWN`,
            `CalendarRule.MARGIN`).
        """
        return open_snapshots(RecordedChain(market, self.config.underlying), self.config)

    def run_checks(
        self, market: MarketData, records: Mapping[str, NDArray[Any]], asks: MarginAsks
    ) -> Iterator[tuple[int, CalendarCheck, CalendarTerms]]:
        """Evaluate the rules at every check of a run that held nothing and had sent nothing."""
        recorded = RecordedChain(market, self.config.underlying)
        for _, ts_ns, check, terms, held in run_checks(recorded, self.config, records, asks):
            if not held:
                yield ts_ns, check, terms

    def own_table(
        self,
        name: str,
        market: MarketData,
        records: Mapping[str, NDArray[Any]],
        asks: MarginAsks,
    ) -> dict[str, NDArray[Any]]:
        """Return the table ``checks`` of a run; see `Strategy.own_table`."""
        recorded = RecordedChain(market, self.config.underlying)
        return check_columns(recorded, self.config, records, asks)

    def _moment(self, event: IndiaMarketEvent, ctx: Context) -> ChainMoment | None:
        """The chain of a snapshot; None where it has no option of the underlying."""
        books = ctx.books[self._index]
        present = books["seq"] == event.seq
        if not present.any():
            return None
        if books["ask"][present].max() > MAX_PRICE:
            raise StrategyError(f"an ask is above {MAX_PRICE} price units, the most it trades at")
        columns = {name: books[name] for name in MOMENT_COLUMNS}
        return self._layout.moment(event.ts_ns, event.exch_ts_ns, columns, present)

    def _positions(self, ctx: Context) -> list[int]:
        """Signed units of the contracts of the last entry."""
        if self._held is None:
            return []
        return [int(ctx.position(self._symbols[k]).qty) for k in self._held.contracts]

    def _enter(self, moment: ChainMoment, check: CalendarCheck) -> MultiLegOrderIntent:
        legs, contracts, mids = [], [], []
        front_units = self.config.front_lots * int(moment.lot[check.front])
        back_units = check.back_lots * int(moment.lot[check.back])
        for row in (check.front_row, check.back_row):
            for side in (moment.call, moment.put):
                contracts.append(int(side.contract[row]))
                mids.append(int(side.bid[row]) + int(side.ask[row]))
        for k, contract in enumerate(contracts):
            qty, side_of = (front_units, Side.SELL) if k < 2 else (back_units, Side.BUY)
            legs.append(LegIntent(self._symbols[contract], side_of, qty))
        self._held = _Held(
            tuple(contracts),
            tuple(mids),
            front_units,
            check.friction,
            int(moment.expiry_ns[check.front]),
            moment.ts_ns,
        )
        # What is bought comes first: it takes margin off what is sold.
        return MultiLegOrderIntent((*legs[2:], *legs[:2]), OptionsStrategyType.CALENDAR)

    def _leave(
        self, moment: ChainMoment, terms: CalendarTerms, units: list[int]
    ) -> MultiLegOrderIntent | None:
        assert self._held is not None
        if not self._forced(moment.ts_ns, terms):
            profit = self._profit(moment, units)
            if profit is None or not self._reached(profit):
                return None
        self._left_ns = moment.ts_ns
        legs = [
            LegIntent(self._symbols[contract], Side.SELL if held > 0 else Side.BUY, abs(held))
            for contract, held in zip(self._held.contracts, units, strict=True)
            if held
        ]
        # What can be closed is closed, and the rest at the next check.
        return MultiLegOrderIntent(tuple(legs), OptionsStrategyType.CALENDAR, policy="legs")

    def _forced(self, now: int, terms: CalendarTerms) -> bool:
        """Whether the time has come to leave, whatever the profit."""
        held, config = self._held, self.config
        assert held is not None
        if self._left_ns >= held.since_ns:
            return True  # an exit was decided, and closed a part
        if now - held.since_ns >= config.max_hold_s * _S or now > terms.closes_ns:
            return True
        if now >= held.front_expiry_ns:
            return True  # what is left of it is no calendar
        closes_ns = terms.closes_ns + config.close_buffer_s * _S
        ends_today = day_of(held.front_expiry_ns) <= day_of(now)
        return ends_today and now > closes_ns - config.expiry_exit_s * _S

    def _profit(self, moment: ChainMoment, units: list[int]) -> float | None:
        """A unit of the front, at mids; None where one of the contracts is not quoted."""
        held = self._held
        assert held is not None
        total = 0
        for contract, mid2, qty in zip(held.contracts, held.mids2, units, strict=True):
            now2 = _mid2(moment, contract)
            if now2 == 0:
                return None
            total += qty * (now2 - mid2)
        scale = 2 * held.front_units * 10**-moment.chain.price_exponent
        return float(total) / float(scale)

    def _reached(self, profit: float) -> bool:
        held, target, stop = self._held, self.config.target, self.config.stop
        assert held is not None
        if target.mantissa and profit >= held.friction * float(target.to_fraction()):
            return True
        return bool(stop.mantissa and profit <= -(held.friction * float(stop.to_fraction())))


def _mid2(moment: ChainMoment, contract: int) -> int:
    """Bid and ask of a contract together; 0 where it has not both."""
    for side in (moment.call, moment.put):
        rows = np.flatnonzero(side.contract == contract)
        if rows.size:
            bid, ask = int(side.bid[rows[0]]), int(side.ask[rows[0]])
            return bid + ask if bid > 0 and ask > 0 else 0
    return 0
