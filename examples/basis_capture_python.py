"""basis_capture in plain Python: the same rule as the bundled kernel, for reading and trying.

    quantlaxmi-crypto backtest --segment-dir seg --strategy examples/basis_capture_python.py:Basis

Settings and strategy id are the bundled ones, so its trace is the bundled one's too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from quantlaxmi.events import DecisionEvent, FillEvent, ReplayEvent
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import DecisionType
from quantlaxmi.strategies.basis_capture import (
    BasisCapture,
    BasisCaptureConfig,
    find_pair,
    least_qty,
    leg_qty,
)
from quantlaxmi.strategies.context import Context
from quantlaxmi.strategies.kernel import FeatureSpec
from quantlaxmi.strategies.sdk import CryptoStrategy

MS = 1_000_000
HOUR_NS = 3_600_000_000_000


class Basis(CryptoStrategy):
    """Short the perpetual and buy spot when the basis is high, the reverse when it is low."""

    strategy_id = "basis_capture"
    Config = BasisCaptureConfig
    rationales = BasisCapture.rationales

    config: BasisCaptureConfig

    def trades(self, instruments: Sequence[Instrument]) -> tuple[int, ...]:
        """The pair, or its perpetual alone."""
        spot, perp = find_pair(instruments, self.config)
        return (perp, spot) if self.config.hedged else (perp,)

    def features(self, instruments: Sequence[Instrument]) -> tuple[FeatureSpec, ...]:
        """The basis as an exact fraction, kept by the engine."""
        spot, perp = find_pair(instruments, self.config)
        return (FeatureSpec("mid_basis", (spot, perp)),)

    def on_start(self, ctx: Context) -> None:
        """Take the live views once, and settings as integers."""
        config = self.config
        spot, perp = (ctx.instruments[i] for i in find_pair(ctx.instruments, config))
        self.pair = (perp, spot)
        self.basis = ctx.feature(0)
        self.books = [ctx.book(one.symbol) for one in self.pair]
        self.held = dict.fromkeys((perp.symbol, spot.symbol), 0)
        self.sizes = [
            leg_qty(config.position_size, one, "position_size")
            for one in self.pair[: 1 + config.hedged]
        ]
        # basis > limit  <=>  num * below > den * above, in small integers
        self.enter = (config.threshold_bps.to_fraction() / 10_000).as_integer_ratio()
        self.leave = (config.exit_threshold_bps.to_fraction() / 10_000).as_integer_ratio()
        self.widest = (config.max_spread_bps.to_fraction() / 10_000).as_integer_ratio()
        self.least = [
            (least_qty(config.min_bid_qty, one), least_qty(config.min_ask_qty, one))
            for one in self.pair
        ]
        self.symbols = {perp.symbol, spot.symbol}
        self.cooldown_ns = config.cooldown_ms * MS
        self.max_age_ns = config.max_quote_age_ms * MS
        self.last_ns = -(1 << 62)
        self.entries: deque[int] = deque(maxlen=config.max_trades_per_hour or 1)
        self.side = 0  # of the perpetual, as held

    def on_fill(self, fill: FillEvent) -> None:
        """Note what is held; a spot leg left alone belongs to the perp side opposite to it."""
        self.held[fill.symbol] = fill.position
        perp_held, spot_held = (self.held[one.symbol] for one in self.pair)
        self.side = _sign(perp_held or -spot_held)

    def on_market(self, event: ReplayEvent, ctx: Context) -> DecisionEvent | None:
        """Compare the basis with its limit; nothing else is done on most events."""
        basis, side = self.basis, self.side
        if side == 0:
            above, below = self.enter
            scaled, limit = basis.num * below, basis.den * above
            if -limit <= scaled <= limit:
                return None
            return self.decide(event, ctx, DecisionType.ENTER, -1 if scaled > limit else 1)
        above, below = self.leave
        if side * basis.num * below <= -basis.den * above:
            return None
        return self.decide(event, ctx, DecisionType.EXIT, -side)

    def decide(
        self, event: ReplayEvent, ctx: Context, kind: DecisionType, direction: int
    ) -> DecisionEvent | None:
        """Trade the perpetual to ``direction`` if every filter lets it."""
        now = event.ts_ns
        if now - self.last_ns < self.cooldown_ns or ctx.in_flight or not self.can_trade(ctx):
            return None
        if kind is DecisionType.ENTER:
            most = self.config.max_trades_per_hour
            if most:
                if len(self.entries) == most and now - self.entries[0] < HOUR_NS:
                    return None
                self.entries.append(now)
            signed = [direction * self.sizes[0], *(-direction * q for q in self.sizes[1:])]
            why = self.rationales[0 if direction < 0 else 1]
        else:
            signed = [-held for held in self.held.values()]
            why = self.rationales[2 if direction > 0 else 3]
        self.last_ns = now
        legs = [
            ctx.net(one.symbol, qty) for one, qty in zip(self.pair, signed, strict=False) if qty
        ]
        return ctx.decide(legs, rationale=why, decision_type=kind, direction=direction)

    def can_trade(self, ctx: Context) -> bool:
        """Both quotes valid, fresh, deep and tight enough."""
        if ctx.symbol not in self.symbols or self.basis.den == 0:
            return False
        most, per = self.widest  # spread / mid > most / per
        for book, (min_bid, min_ask) in zip(self.books, self.least, strict=True):
            if not book.valid or book.bid_qty < min_bid or book.ask_qty < min_ask:
                return False
            if self.max_age_ns and ctx.now_ns - book.ts_ns > self.max_age_ns:
                return False
            if most and 2 * (book.ask - book.bid) * per > (book.bid + book.ask) * most:
                return False
        return True


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
