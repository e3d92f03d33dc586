"""The scenarios: a market and a strategy on it, both made from the key of a simulated run."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from quantlaxmi.calibrate import null_markets, null_strategies
from quantlaxmi.calibrate.random_streams import BELL_SD, bell, below, sub_key
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.strategies.parameter_grid import grid_configs
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["NO_EDGE", "POWER", "T_VALUES", "Case", "Maker", "Scenario", "grid_strategies"]

ROWS = 1500
PAIR_ROWS = 1500
#: Twice the mid moves by about 0.6e9 price units a row in quiet blocks, by 9.7e9 in loud ones.
LOUD_LIMIT = 3 * 10**9
T_VALUES = ("2.5", "3", "3.5", "4", "5")


@dataclass(frozen=True, slots=True)
class Case:
    """The inputs of one simulated run.

    Attributes
    ----------
    segment : MemorySegment
    strategy : Strategy
    """

    segment: MemorySegment
    strategy: Strategy


Maker = Callable[[int, bool], Case]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of simulated run: a null strategy or a planted edge, on a kind of market.

    Attributes
    ----------
    name : str
    text : str
        The strategy and the market, for the page.
    make : callable
        ``make(key, search)`` makes the market and the strategy of a run. With `search` the
        strategy declares a parameter grid of fifty settings.
    """

    name: str
    text: str
    make: Maker


def grid_strategies(strategy: Strategy) -> list[Strategy]:
    """The strategy with every setting of its parameter grid, in the grid's order."""
    return [type(strategy)(config) for config in grid_configs(strategy)]


def _coin(search: bool, **settings: object) -> Strategy:
    config = null_strategies.CoinConfig(**settings)  # type: ignore[arg-type]
    return (null_strategies.CoinSearch if search else null_strategies.CoinStrategy)(config)


def _coins(key: int, search: bool) -> Case:
    """Random sides of a pair; its legs are independent random walks."""
    moves = bell(key, 10, PAIR_ROWS)
    segment = null_markets.make_quotes(moves, instruments=(null_markets.PERP, null_markets.SPOT))
    rule = _coin(search, rule="trips", key=sub_key(key, 1), rows=PAIR_ROWS, pair=True)
    return Case(segment, rule)


def _persistent(rho: float, key: int, search: bool) -> Case:
    segment = null_markets.make_quotes(null_markets.autoregressive(key, 10, ROWS, rho))
    return Case(segment, _coin(search, rule="persistent", key=sub_key(key, 1), rows=ROWS))


def _gated(rule: str, key: int, search: bool) -> Case:
    segment = null_markets.make_quotes(null_markets.two_volatilities(key, 10, ROWS))
    coin = _coin(search, rule=rule, key=sub_key(key, 1), rows=ROWS, threshold=LOUD_LIMIT)
    return Case(segment, coin)


def _narrow(key: int, search: bool) -> Case:
    """Spreads four times as wide in every second block of 3 to 40 rows."""
    lengths = below(key, 14, ROWS // 3 + 2, 38) + 3
    wide = np.repeat(np.arange(len(lengths)) % 2, lengths)[:ROWS]
    # Wide enough that what a narrow one saves can be told from the noise of a segment.
    narrow = 4 * null_markets.HALF_SPREAD
    half = narrow * (1 + 3 * wide)
    segment = null_markets.make_quotes(bell(key, 10, ROWS), half_spread=half)
    rule = _coin(search, rule="narrow", key=sub_key(key, 1), rows=ROWS, threshold=2 * narrow)
    return Case(segment, rule)


def _momentum(key: int, search: bool) -> Case:
    segment = null_markets.make_quotes(null_markets.clustered(key, 10, ROWS))
    config = null_strategies.MomentumConfig(rows=ROWS)
    return Case(
        segment,
        (null_strategies.MomentumSearch if search else null_strategies.MomentumStrategy)(config),
    )


@dataclass(frozen=True, slots=True)
class _Basis:
    """`basis_capture` on a basis that is a random walk."""

    threshold_bps: str
    exit_threshold_bps: str
    cooldown_ms: int
    rows: int
    search: type[Strategy]

    def __call__(self, key: int, search: bool) -> Case:
        segment = null_markets.make_quotes(
            null_markets.clustered(key, 10, self.rows),
            instruments=(null_markets.PERP, null_markets.SPOT),
        )
        kind = self.search if search else null_strategies.BasisStrategy
        config = kind.Config.from_mapping(
            {
                "threshold_bps": self.threshold_bps,
                "exit_threshold_bps": self.exit_threshold_bps,
                "cooldown_ms": self.cooldown_ms,
                "max_quote_age_ms": 60_000,
            }
        )
        return Case(segment, kind(config))


#: The exit limit is never in the way: a position is left when the cooldown is over.
_timed = _Basis("2", "1000000", 50_000, PAIR_ROWS, null_strategies.BasisSearch)
_exits = _Basis("2", "1", 0, 2 * PAIR_ROWS, null_strategies.BasisExitSearch)
_defaults = _Basis("5", "2.5", 1000, 4 * PAIR_ROWS, null_strategies.BasisExitSearch)


def _planted(t: Decimal, key: int, search: bool) -> Case:
    """Random round trips with a drift under each of them: a planted edge.

    The PnL of a trip over L rows of standard deviation s has mean m sqrt(L) s, with one m for all
    trips, so that the mean of the trips over its standard error is `t` in expectation.
    """
    coin = _coin(search, rule="trips", key=sub_key(key, 1), rows=ROWS)
    held = null_strategies.schedule_of("trips", coin.config.key, 0, ROWS)
    moves = bell(key, 10, ROWS)
    edges = np.flatnonzero(np.diff(held, prepend=0, append=0))
    starts, ends = edges[::2], np.minimum(edges[1::2], ROWS - 1)
    lengths = ends - starts
    roots = np.sqrt(lengths)
    share = float(t) * np.sqrt(float(lengths.sum())) / float(roots.sum())
    for start, end, root in zip(starts.tolist(), ends.tolist(), roots.tolist(), strict=True):
        if end > start:
            drift = round(share * BELL_SD / root)
            moves[start + 1 : end + 1] += int(held[start]) * drift
    return Case(null_markets.make_quotes(moves), coin)


NO_EDGE: tuple[Scenario, ...] = (
    Scenario("coins", "random sides of a pair, both legs random walks", _coins),
    *(
        Scenario(
            f"persistent-{rho}",
            f"persistent positions, independent of AR(1) increments with ρ = {rho}",
            functools.partial(_persistent, rho),
        )
        for rho in (0.0, 0.3, 0.6)
    ),
    Scenario(
        "loud",
        "random sides, entered in high volatility only (16 times the low)",
        functools.partial(_gated, "loud"),
    ),
    Scenario(
        "quiet",
        "random sides, entered in low volatility only",
        functools.partial(_gated, "quiet"),
    ),
    Scenario("narrow", "random sides, entered on narrow spreads only", _narrow),
    Scenario(
        "momentum",
        "side of the last move, on independent signs with clustered volatility",
        _momentum,
    ),
    Scenario(
        "basis",
        "`basis_capture` that leaves after a fixed time; the basis is a random walk of clustered "
        "volatility",
        _timed,
    ),
    Scenario(
        "basis-exits",
        "`basis_capture` that leaves when the basis has come back (enters beyond 2 bps, leaves "
        "within 1); the same basis for twice as long",
        _exits,
    ),
    Scenario(
        "basis-defaults",
        "`basis_capture` with its default settings (enters beyond 5 bps, leaves within 2.5, pauses "
        "for a second); the same basis for four times as long",
        _defaults,
    ),
)
POWER: tuple[Scenario, ...] = tuple(
    Scenario(
        f"edge-{t}",
        f"random round trips with a planted t of {t}",
        functools.partial(_planted, Decimal(t)),
    )
    for t in T_VALUES
)
