"""A zoo with known answers: does this installation catch what it has to catch, and pass an edge?

Each specimen is a strategy on a generated market with what should happen. The whole zoo takes under
a minute.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from quantlaxmi.calibrate.cheats import LAST_ROW, NEXT_ROW, hindsight, peeker
from quantlaxmi.calibrate.markets import COSTS
from quantlaxmi.calibrate.random_streams import Draws, run_key
from quantlaxmi.calibrate.worlds.catalogue import EDGES, NO_EDGE
from quantlaxmi.calibrate.worlds.world import Case
from quantlaxmi.events import LegIntent
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.results import Verdict
from quantlaxmi.report import run_gates
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import Side
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.sdk import CryptoStrategy
from quantlaxmi.trials.ledger import without_ledger

__all__ = ["SPECIMENS", "Finding", "Specimen", "check_zoo"]

SEED = 2
#: Messages up to the quote that vanishes.
_LAST_QUOTE = 50
#: Fewer draws of what does not decide; the tests have theirs.
_QUICK: dict[str, Any] = {
    "extend_factor": 1,
    "random_entry": {"n_sims": 999, "n_neutral_pairs": 2, "max_net_bundles": 0},
    "label_permutation": {"n_perms": 99},
    "random_sides": {"n_draws": 99},
    "ablation": {"n_bootstrap": 99},
    "market_null": {"grid_search": "off"},
}


@dataclass(frozen=True, slots=True)
class Specimen:
    """One strategy whose answer is known.

    Attributes
    ----------
    name : str
    what : str
        What it does, in a few words.
    expected : str
        What should happen: ``"PASS (timing)"``, ``"PASS (premium)"``, ``"FAIL by look_ahead"``,
        ``"no PASS"``, ``"0 fills"``.
    run : callable
        Runs it and says what happened, in the same words.
    """

    name: str
    what: str
    expected: str
    run: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a specimen should have given and gave."""

    specimen: Specimen
    happened: str

    @property
    def as_expected(self) -> bool:
        """Whether both agree."""
        if self.specimen.expected == "no PASS":
            return not self.happened.startswith("PASS")
        return self.happened == self.specimen.expected


def _made(world: str) -> Case:
    """The first run of a world of the calibration."""
    found = next(one for one in (*NO_EDGE, *EDGES) if one.name == world)
    return found.make(Draws(run_key(SEED, world, 0)), False)


def _judged(
    segment: MemorySegment,
    strategy: Any,
    *,
    limits: RiskLimits | None = None,
    suites: dict[str, tuple[str, ...]] | None = None,
) -> str:
    """The verdict of the suite, and the look-ahead guard where it failed."""
    more = {} if suites is None else {"suites": suites}
    policy = GatePolicy(**_QUICK, **more)
    with without_ledger():
        report = run_gates(
            segment, strategy, policy=policy, costs=COSTS["free"], limits=limits, threads=1
        )
    caught = report.results[0].look_ahead
    if caught is not None and caught.verdict is Verdict.FAIL:
        return "FAIL by look_ahead"
    return report.verdict if report.edge is None else f"{report.verdict} ({report.edge})"


def _world(name: str) -> str:
    case = _made(name)
    return _judged(case.segment, case.strategy)


def _peek(rows: int, max_loss: str = "") -> str:
    limits = None
    if max_loss:
        limits = RiskLimits(max_loss=FixedPoint.from_text(max_loss), on_max_loss="close")
    return _judged(_made("coins-30").segment, peeker(rows), limits=limits)


def _hindsight() -> str:
    return _judged(_made("coins-30").segment, hindsight)


def _gutted() -> str:
    case = _made("coins")
    return _judged(case.segment, case.strategy, suites={"g2": ("net_positive",)})


class _AtTheVanishedQuote(CryptoStrategy):
    """Buys once, on the last message before the book is gone."""

    strategy_id = "at_the_vanished_quote"
    Config = StrategyConfig
    rationales = ("in",)

    def on_start(self, ctx: Any) -> None:
        """Begin to count messages."""
        self._calls = 0

    def on_market(self, event: Any, ctx: Any) -> Any:
        """Decide on one call alone."""
        self._calls += 1
        if self._calls != _LAST_QUOTE:
            return None
        return ctx.decide([LegIntent(ctx.instruments[0].symbol, Side.BUY, 10**8)], rationale="in")


def _vanished() -> str:
    """A quote loses its ask half a millisecond after the decision; the order comes at one."""
    segment = _made("coins-30").segment
    quotes = {name: column[:100].copy() for name, column in segment.columns("quotes").items()}
    at = _LAST_QUOTE
    quotes["ts_ns"][at] = quotes["exch_ts_ns"][at] = quotes["ts_ns"][at - 1] + 500_000
    quotes["ask"][at] = quotes["ask_qty"][at] = 0
    market = MemorySegment(segment.instruments[:1], {"quotes": quotes})
    with without_ledger():
        run = backtest(market, _AtTheVanishedQuote(StrategyConfig()), costs=COSTS["free"])
    assert run.n_decisions == 1
    return f"{run.n_fills} fills"


def _of_world(world: str, what: str, expected: str) -> Specimen:
    return Specimen(world, what, expected, functools.partial(_world, world))


_CAUGHT, _NO_PASS = "FAIL by look_ahead", "no PASS"
SPECIMENS: tuple[Specimen, ...] = (
    Specimen("peek-row", "knows the next row", _CAUGHT, functools.partial(_peek, NEXT_ROW)),
    Specimen("peek-file", "knows the last price", _CAUGHT, functools.partial(_peek, LAST_ROW)),
    Specimen(
        "peek-and-stop",
        "knows the last price, closed by a loss limit",
        _CAUGHT,
        functools.partial(_peek, LAST_ROW, "1"),
    ),
    Specimen("hindsight", "a schedule made from the whole file", _CAUGHT, _hindsight),
    Specimen("vanished", "buys from a quote that is gone", "0 fills", _vanished),
    _of_world("coins", "random sides", _NO_PASS),
    _of_world("crash-3%-of-150", "wins often, loses rarely", _NO_PASS),
    _of_world("martingale-sizing", "doubles after losses", _NO_PASS),
    _of_world("averaging-down", "adds to losers", _NO_PASS),
    _of_world("long-on-drift", "long while the market drifts", _NO_PASS),
    Specimen("gutted", "random sides before a policy of one guard", _NO_PASS, _gutted),
    _of_world("planted-t5-100", "a planted timing edge", "PASS (timing)"),
    _of_world("trend-1d", "a planted trend of a day", "PASS (timing)"),
    _of_world("carry-t7", "funding, held", "PASS (premium)"),
)


def check_zoo() -> Iterator[Finding]:
    """Run every specimen in order.

    Yields
    ------
    Finding

    Examples
    --------
    >>> next(check_zoo()).happened
    'FAIL by look_ahead'
    """
    for specimen in SPECIMENS:
        yield Finding(specimen, specimen.run())
