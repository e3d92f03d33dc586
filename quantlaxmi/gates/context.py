"""What a gate is given: the market, the strategy's path, the policy and the random key's parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from quantlaxmi.gates.checkpoint import Checkpoint
from quantlaxmi.gates.keys import stream_key
from quantlaxmi.gates.path.bucket_costs import BucketCosts
from quantlaxmi.gates.path.clock_buckets import BUCKETS, Increments
from quantlaxmi.gates.path.market_steps import MarketSteps
from quantlaxmi.gates.path.round_trips import TradePath
from quantlaxmi.gates.path.session_days import SessionDays
from quantlaxmi.gates.reasons import NO_CLOCK, not_enough
from quantlaxmi.gates.results import Inconclusive, Json
from quantlaxmi.gates.thresholds import Thresholds
from quantlaxmi.instruments import Bundle
from quantlaxmi.settings import Settings
from quantlaxmi.strategies.grid_file import Grid
from quantlaxmi.trials.used import TrialsUsed

if TYPE_CHECKING:
    from quantlaxmi.gates.path.bundle_path import BundlePath
    from quantlaxmi.run.rerun import Rerun

__all__ = ["Amounts", "Costs", "DecisionPoints", "GateContext", "Memo", "Observation"]

S = TypeVar("S", bound=Settings)

#: Fewest premium events (maker fills, settlements held) that a premium is judged by.
MIN_EVENTS = 30


class Costs(Protocol):
    """Slippage and fees of one bundle at every row: `quantlaxmi.run.decision_points.BundleCost`."""

    @property
    def values(self) -> npt.NDArray[np.int64]: ...
    @property
    def unit(self) -> int: ...
    @property
    def fillable(self) -> npt.NDArray[np.bool_]: ...


class DecisionPoints(Protocol):
    """What gates see of the market: `quantlaxmi.run.decision_points.DecisionPoints`."""

    @property
    def seq(self) -> npt.NDArray[np.int64]: ...
    @property
    def ts_ns(self) -> npt.NDArray[np.int64]: ...
    @property
    def instruments(self) -> tuple[int, ...]: ...
    @property
    def mid2(self) -> Mapping[int, npt.NDArray[np.int64]]: ...
    @property
    def last_mid2(self) -> npt.NDArray[np.int64]: ...
    @property
    def can_trade(self) -> npt.NDArray[np.bool_]: ...
    @property
    def scales(self) -> tuple[int, ...]: ...
    @property
    def ledger_exponent(self) -> int: ...
    @property
    def costs_unknown(self) -> str: ...
    @property
    def settlements(self) -> npt.NDArray[np.int64]: ...
    @property
    def settled(self) -> npt.NDArray[np.int64]: ...
    @property
    def arrivals_ns(self) -> npt.NDArray[np.int64]: ...
    @property
    def arrival_mid2(self) -> Mapping[int, npt.NDArray[np.int64]]: ...
    @property
    def interest(self) -> Mapping[int, tuple[int, int, int]]: ...
    def funding(self, held: Bundle) -> list[int]: ...
    def prepare(self, bundles: Iterable[Bundle]) -> None: ...
    def cost(self, bundle: Bundle) -> Costs: ...


@dataclass(frozen=True, slots=True)
class Amounts:
    """Totals of a run, attribution scale.

    Attributes
    ----------
    gross : int
        Mid to mid, an open position marked at the last mid.
    slippage, fees : int
        Costs are positive.
    funding : int
        Received is positive.
    borrow : int
        Interest paid on spot that was sold and not held.
    notional : int
        Of all fills, at their prices; not of positions that were settled.
    fills : int
    rounding : int
        What rounding of contract notes adds to the fees.
    notes : tuple of (int, int)
        Each sum of fees that is rounded, and the unit it is rounded to, half up.
    """

    gross: int
    slippage: int
    fees: int
    funding: int
    borrow: int
    notional: int
    fills: int
    rounding: int = 0
    notes: tuple[tuple[int, int], ...] = ()

    @property
    def net(self) -> int:
        """What the ledger shows."""
        paid = self.slippage + self.fees + self.borrow + self.rounding
        return self.gross - paid + self.funding

    def rounding_at(self, fee_multiplier: Fraction) -> Fraction:
        """What rounding adds where fees are multiplied: sums are multiplied, then rounded."""
        return sum(
            (
                (2 * total * fee_multiplier + unit) // (2 * unit) * unit - total * fee_multiplier
                for total, unit in self.notes
            ),
            Fraction(0),
        )

    def stressed(self, fee_multiplier: Fraction, extra_slippage_bps: Fraction) -> Fraction:
        """Net with fees multiplied and a share of every fill's notional taken off."""
        return (
            self.gross
            - self.slippage
            - self.fees * fee_multiplier
            + self.funding
            - self.borrow
            - self.rounding_at(fee_multiplier)
            - self.notional * extra_slippage_bps / 10_000
        )


class Memo:
    """What several gates need and is dear, made once for the same inputs."""

    def __init__(self) -> None:
        self._made: list[tuple[tuple[object, ...], tuple[object, ...], Any]] = []

    def get(
        self, same: tuple[object, ...], equal: tuple[object, ...], make: Callable[[], Any]
    ) -> Any:
        """The result for inputs, of which some must be the same objects and some equal ones."""
        for objects, values, result in self._made:
            if values == equal and all(a is b for a, b in zip(objects, same, strict=True)):
                return result
        result = make()
        self._made.append((same, equal, result))
        return result


class Observation(Protocol):
    """What is known of the run that is judged: `quantlaxmi.gates.observation.RunObservation`."""

    @property
    def decision_points(self) -> DecisionPoints: ...
    @property
    def path(self) -> TradePath: ...
    @property
    def amounts(self) -> Amounts: ...
    @property
    def n_trips(self) -> int: ...
    @property
    def ledger_exponent(self) -> int: ...
    @property
    def distinct_stamps(self) -> int: ...
    @property
    def increments(self) -> Increments: ...
    @property
    def premium_events(self) -> int: ...
    @property
    def bucket_costs(self) -> BucketCosts: ...
    @property
    def sessions(self) -> SessionDays | None: ...
    @property
    def net_by_day(self) -> tuple[int, ...]: ...
    @property
    def bundles(self) -> BundlePath: ...
    @property
    def day_increments(self) -> Increments: ...
    def market_steps(self, most: int) -> MarketSteps | None: ...


@dataclass(frozen=True, slots=True)
class GateContext:
    """Everything a gate's ``evaluate`` reads.

    Attributes
    ----------
    observed : Observation
        The run that is judged. Its path and decision points are made when a gate first asks.
    policy : Thresholds
    seed : int
    segment_digest, config_hash : bytes
    threads : int or None
        Threads of the sweeps; results do not depend on it.
    progress : callable or None
        Called with (gate, draws done, draws in all).
    rerun : Rerun or None
        Makes the run again; None for a path without one.
    checkpoint : Checkpoint or None
        Where the counts of draws are kept.
    currencies : tuple of str
        Of the money that is judged; amounts of several are never added, so no gate can judge it.
    grid : Grid or None
        The settings that were given to be searched, the run's among them; in place of the grid that
        the strategy declares.
    trials : TrialsUsed or None
        What a trial ledger knows of these data; None without one.
    memo : Memo
        What was made for one gate and is used by others.
    describes : bool
        Whether gates make figures that decide nothing and cost draws or bootstraps; a simulation
        study, which counts verdicts, does without.
    """

    observed: Observation
    policy: Thresholds
    seed: int
    segment_digest: bytes
    config_hash: bytes
    threads: int | None = None
    progress: Callable[[str, int, int], None] | None = None
    rerun: Rerun | None = None
    checkpoint: Checkpoint | None = None
    currencies: tuple[str, ...] = ()
    grid: Grid | None = None
    trials: TrialsUsed | None = None
    memo: Memo = field(default_factory=Memo, compare=False, repr=False)
    describes: bool = True

    @property
    def path(self) -> TradePath:
        """The strategy's actions at decision points, with what the replay attributed to them.

        Raises
        ------
        PathError
            When the run has no path over its decision points; the gate is then INCONCLUSIVE.
        """
        return self.observed.path

    @property
    def decision_points(self) -> DecisionPoints:
        """The rows at which the strategy could have decided."""
        return self.observed.decision_points

    @property
    def amounts(self) -> Amounts:
        """Totals of the run's ledger; they need no path."""
        return self.observed.amounts

    @property
    def n_trips(self) -> int:
        """Round trips of the run, an open one among them; counting them needs no path."""
        return self.observed.n_trips

    @property
    def ledger_exponent(self) -> int:
        """Exponent of the run's money."""
        return self.observed.ledger_exponent

    @property
    def is_recording(self) -> bool:
        """The run follows positions that were recorded elsewhere; their rule is not known."""
        return self.rerun is not None and getattr(self.rerun.strategy, "is_recording", False)

    def mixed_currencies(self) -> str:
        """Why money in several currencies cannot be judged, or nothing."""
        if len(self.currencies) < 2:
            return ""
        return (
            f"The strategy trades instruments quoted in {' and '.join(self.currencies)}, whose "
            "amounts are never added: give rates with --convert FILE, or trade those of one."
        )

    @property
    def sessions(self) -> SessionDays | None:
        """Session days of a market of option chains; None of any other market."""
        return self.observed.sessions

    def increments(self, details: dict[str, Json] | None = None) -> Increments:
        """The run's money in 200 clock buckets.

        Raises
        ------
        Inconclusive
            Where the market has fewer distinct times than there are buckets, or option chains.
        """
        if self.sessions is not None:
            raise Inconclusive(NO_CLOCK, details)
        stamps = self.observed.distinct_stamps
        if stamps < BUCKETS:
            reason = not_enough("Distinct times of messages", stamps, BUCKETS)
            raise Inconclusive(reason, (details or {}) | {"distinct_times": stamps})
        return self.observed.increments

    def settings(self, kind: type[S]) -> S:
        """The policy's settings of this class: those of the gate that declares it."""
        return self.policy.settings(kind)

    def key(self, stream: str) -> int:
        """Key of a stream of random numbers."""
        return stream_key(self.seed, self.segment_digest, self.config_hash, stream)

    def require_trips(self, details: dict[str, Json] | None = None) -> None:
        """Ask for `min_trades` round trips.

        Raises
        ------
        Inconclusive
            When there are fewer.
        """
        if few := self.too_few_trips():
            raise Inconclusive(few, details)

    def require_trades(self, details: dict[str, Json] | None = None) -> None:
        """Ask for `min_trades` round trips, or as many premium events as a premium needs.

        A guard asks for no more: a position that is held throughout is one round trip, and earns
        its funding all the same.

        Raises
        ------
        Inconclusive
            When there are fewer of both.
        """
        few = self.too_few_trips()
        if few and self.observed.premium_events < MIN_EVENTS:
            raise Inconclusive(few, details)

    def too_few_trips(self) -> str:
        """Why there are too few round trips to judge, or nothing."""
        trips, least = self.n_trips, self.policy.min_trades
        return not_enough("Round trips", trips, least) if trips < least else ""

    def report_progress(self, gate: str, done: int, total: int) -> None:
        """Report progress where somebody listens."""
        if self.progress is not None:
            self.progress(gate, done, total)
