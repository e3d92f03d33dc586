"""The cells of the calibration: a market and a rule on it, both drawn from the key of a run."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from quantlaxmi.calibrate import null_markets as markets
from quantlaxmi.calibrate import null_strategies as rules
from quantlaxmi.calibrate.random_streams import BELL_SD, bell, below, sub_key
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["NO_EDGE", "POWER", "T_VALUES", "Case", "Cell", "Maker", "searched"]

I64 = npt.NDArray[np.int64]
ROWS = 1500
PAIR_ROWS = 1500
#: Twice the mid moves by about 0.6e9 price units a row in the quiet stretches, 9.7e9 in the loud.
LOUD_LIMIT = 3 * 10**9
T_VALUES = ("2.5", "3", "3.5", "4", "5")


@dataclass(frozen=True, slots=True)
class Case:
    """One run to be judged.

    Attributes
    ----------
    segment : MemorySegment
    strategy : Strategy
    """

    segment: MemorySegment
    strategy: Strategy


Maker = Callable[[int, bool], Case]


@dataclass(frozen=True, slots=True)
class Cell:
    """A kind of run.

    Attributes
    ----------
    name : str
    text : str
        What is traded on which market, for the page.
    make : callable
        ``make(key, search)``: market and rule of a run; with `search`, the rule has a grid of
        fifty, the run's own settings among them or not.
    """

    name: str
    text: str
    make: Maker


def searched(strategy: Strategy) -> list[Strategy]:
    """The strategies of a grid, in its order."""
    names = list(strategy.grid)
    made = []
    for values in itertools.product(*strategy.grid.values()):
        texts = [f"{name}={value}" for name, value in zip(names, values, strict=True)]
        parsed = type(strategy.config).load(sets=texts)
        config = strategy.config.replace(**{name: getattr(parsed, name) for name in names})
        made.append(type(strategy)(config))
    return made


def _coin(search: bool, **settings: object) -> Strategy:
    config = rules.RuleConfig(**settings)  # type: ignore[arg-type]
    return (rules.CoinSearch if search else rules.CoinRule)(config)


def _coins(key: int, search: bool) -> Case:
    """Two independent random walks."""
    moves = bell(key, 10, PAIR_ROWS)
    segment = markets.make_quotes(moves, instruments=(markets.PERP, markets.SPOT))
    rule = _coin(search, rule="trips", key=sub_key(key, 1), rows=PAIR_ROWS, pair=True)
    return Case(segment, rule)


def _persistent(rho: float, key: int, search: bool) -> Case:
    segment = markets.make_quotes(markets.autoregressive(key, 10, ROWS, rho))
    return Case(segment, _coin(search, rule="persistent", key=sub_key(key, 1), rows=ROWS))


def _gated(rule: str, key: int, search: bool) -> Case:
    segment = markets.make_quotes(markets.two_volatilities(key, 10, ROWS))
    coin = _coin(search, rule=rule, key=sub_key(key, 1), rows=ROWS, threshold=LOUD_LIMIT)
    return Case(segment, coin)


def _narrow(key: int, search: bool) -> Case:
    """Spreads of four times the width in every other stretch of 3 to 40 rows."""
    lengths = below(key, 14, ROWS // 3 + 2, 38) + 3
    wide = np.repeat(np.arange(len(lengths)) % 2, lengths)[:ROWS]
    # Wide enough that what a narrow one saves can be told from the noise of a segment.
    narrow = 4 * markets.HALF_SPREAD
    half = narrow * (1 + 3 * wide)
    segment = markets.make_quotes(bell(key, 10, ROWS), half_spread=half)
    rule = _coin(search, rule="narrow", key=sub_key(key, 1), rows=ROWS, threshold=2 * narrow)
    return Case(segment, rule)


def _momentum(key: int, search: bool) -> Case:
    segment = markets.make_quotes(markets.clustered(key, 10, ROWS))
    config = rules.MomentumConfig(rows=ROWS)
    return Case(segment, (rules.MomentumSearch if search else rules.MomentumRule)(config))


@dataclass(frozen=True, slots=True)
class _Basis:
    """`basis_capture` on a basis that walks."""

    threshold_bps: str
    exit_threshold_bps: str
    cooldown_ms: int
    rows: int
    search: type[Strategy]

    def __call__(self, key: int, search: bool) -> Case:
        segment = markets.make_quotes(
            markets.clustered(key, 10, self.rows), instruments=(markets.PERP, markets.SPOT)
        )
        kind = self.search if search else rules.BasisRule
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
_timed = _Basis("2", "1000000", 50_000, PAIR_ROWS, rules.BasisSearch)
_exits = _Basis("2", "1", 0, 2 * PAIR_ROWS, rules.BasisExitSearch)
_defaults = _Basis("5", "2.5", 1000, 4 * PAIR_ROWS, rules.BasisExitSearch)


def _planted(t: Decimal, key: int, search: bool) -> Case:
    """Coin trips, and a drift under each of them.

    A trip of L rows of standard deviation s has the mean m sqrt(L) s with one m for all trips, so
    that the mean trip over its standard error is `t` in expectation.
    """
    coin = _coin(search, rule="trips", key=sub_key(key, 1), rows=ROWS)
    held = rules.schedule_of("trips", coin.config.key, 0, ROWS)
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
    return Case(markets.make_quotes(moves), coin)


NO_EDGE: tuple[Cell, ...] = (
    Cell("coins", "coin sides of a pair, both legs random walks", _coins),
    *(
        Cell(
            f"persistent-{rho}",
            f"persistent positions, independent of AR(1) increments with ρ = {rho}",
            functools.partial(_persistent, rho),
        )
        for rho in (0.0, 0.3, 0.6)
    ),
    Cell(
        "loud",
        "coin sides, entered in high volatility only (16 times the low)",
        functools.partial(_gated, "loud"),
    ),
    Cell(
        "quiet",
        "coin sides, entered in low volatility only",
        functools.partial(_gated, "quiet"),
    ),
    Cell("narrow", "coin sides, entered on narrow spreads only", _narrow),
    Cell("momentum", "side of the last move; independent signs, clustered volatility", _momentum),
    Cell(
        "basis",
        "`basis_capture`, leaving after a time whatever it earned; the basis a random walk of "
        "clustered volatility",
        _timed,
    ),
    Cell(
        "basis-exits",
        "`basis_capture` as it ships, leaving when the basis has come back: in beyond 2 bps, out "
        "inside 1; the same basis for twice as long",
        _exits,
    ),
    Cell(
        "basis-defaults",
        "the same with the default limits, in beyond 5 bps, out inside 2.5, a second's pause; four "
        "times as long",
        _defaults,
    ),
)
POWER: tuple[Cell, ...] = tuple(
    Cell(
        f"edge-{t}", f"coin trips with a planted t of {t}", functools.partial(_planted, Decimal(t))
    )
    for t in T_VALUES
)
