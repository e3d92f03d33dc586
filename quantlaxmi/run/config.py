"""All that decides a run besides market and strategy: costs, limits, latency, seed and flattening.

Public functions take these as keywords and build one `RunConfig`; everything below them carries it
whole.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from quantlaxmi.canonical import canonical_digest
from quantlaxmi.errors import ConfigError, InputError, shown
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.latency import DEFAULT_LATENCY_NS, MAX_LATENCY_NS, LatencyModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.given import whole
from quantlaxmi.instruments import Instrument
from quantlaxmi.recent import Recent
from quantlaxmi.run.scan_terms import check_scan_day
from quantlaxmi.segment import MarketData
from quantlaxmi.segment.snapshots import median_interval
from quantlaxmi.venues import borrow_on, buy_fee_on, run_costs

#: What settles a position whose contract has ended.
SettleAt = Literal["price", "mark"]
#: Says nothing: everything comes from the dated tables.
_NO_COSTS: Final = CostModel(rates={})
_NO_LIMITS: Final = RiskLimits()
_DEFAULT_LATENCY: Final = LatencyModel.constant(DEFAULT_LATENCY_NS)


class Completed(NamedTuple):
    """Record of how the costs of a config were completed.

    Attributes
    ----------
    digest : str
        Of the market.
    asked, full : CostModel
        As they were given; with what the dated tables say.
    """

    digest: str
    asked: CostModel
    full: CostModel


@dataclass(frozen=True, eq=False)
class RunConfig:
    """Costs, limits, latency, seed and flattening of a run.

    Two of them are equal, and have one hash, where their digests are: a key for sweeps.

    Attributes
    ----------
    costs : CostModel
        What it does not say is taken from the dated tables of `quantlaxmi.venues` when the config
        is completed for a market (`complete_for`). A finished run has the complete ones.
    limits : RiskLimits
        All off by default.
    latency : LatencyModel
        A millisecond of order entry by default; of a chain session, when the config is completed
        for it, one median interval between its snapshots, because quotes are as old when known.
    seed : int
        Of everything drawn, 0 to 2**64 - 1.
    flatten : bool
        Close what is open at the last message.
    leg_latency_ns : int
        A leg of a bundle arrives so much after the one before it; 0, the default: together. At most
        a day.
    settle_at : {"price", "mark"}
        A position that outlived its contract takes the settlement price of its underlying, and is
        an error where the data have none; ``"mark"`` takes the contract's last mid then.
    latency_asked : bool
        The latency holds though it is that of the default: no session puts its own in its place.
    completed : Completed or None
        Where ``costs`` are not as they were given. It changes no run and enters no hash.

    Raises
    ------
    InputError
        A value is of another type, or the seed out of range.

    Examples
    --------
    >>> config = RunConfig.of(latency_ns=2_000_000, seed=7)
    >>> config.latency_ns, config.flatten
    (2000000, False)
    >>> config == RunConfig.of(latency_ns=2_000_000, seed=7)
    True
    """

    costs: CostModel = _NO_COSTS
    limits: RiskLimits = _NO_LIMITS
    latency: LatencyModel = _DEFAULT_LATENCY
    seed: int = 0
    flatten: bool = False
    settle_at: SettleAt = "price"
    latency_asked: bool = False
    completed: Completed | None = field(default=None, repr=False)
    leg_latency_ns: int = 0

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise InputError(name, f"was {shown(value)}, expected {kind.__name__}")
        if self.settle_at not in ("price", "mark"):
            raise InputError(
                "settle_at", f"was {shown(self.settle_at)}, expected 'price' or 'mark'"
            )
        seed, step = whole(self.seed), whole(self.leg_latency_ns)
        if seed is None or not 0 <= seed < 1 << 64:
            raise InputError(
                "seed", f"was {shown(self.seed)}, expected a whole number, 0 to 2**64 - 1"
            )
        if step is None or not 0 <= step <= MAX_LEG_LATENCY_NS:
            raise InputError(
                "leg_latency_ns",
                f"was {shown(self.leg_latency_ns)}, expected whole nanoseconds, 0 to "
                f"{MAX_LEG_LATENCY_NS}",
            )
        object.__setattr__(self, "seed", seed)  # of Python, whatever was given
        object.__setattr__(self, "leg_latency_ns", step)

    @classmethod
    def of(
        cls,
        *,
        costs: CostModel | None = None,
        limits: RiskLimits | None = None,
        latency_ns: int | None = None,
        latency: LatencyModel | None = None,
        seed: int = 0,
        flatten: bool = False,
        leg_latency_ns: int = 0,
        settle_at: SettleAt = "price",
    ) -> RunConfig:
        """Build a config from the keywords of `backtest`; None is the default of each.

        Parameters
        ----------
        costs, limits, latency, seed, flatten, leg_latency_ns, settle_at
            As the attributes.
        latency_ns : int, optional
            A constant entry latency; ``latency`` takes its place. None of both: the default.

        Raises
        ------
        InputError
            As the class, or ``latency_ns`` is out of range.
        """
        asked = latency is not None or latency_ns is not None
        if latency is None:
            latency = _DEFAULT_LATENCY if latency_ns is None else constant_latency(latency_ns)
        return cls(
            costs=_NO_COSTS if costs is None else costs,
            limits=_NO_LIMITS if limits is None else limits,
            latency=latency,
            seed=seed,
            flatten=bool(flatten),
            leg_latency_ns=leg_latency_ns,
            settle_at=settle_at,
            latency_asked=asked and latency == _DEFAULT_LATENCY,
        )

    @property
    def latency_ns(self) -> int:
        """From a decision to its orders' arrival; of a table the largest value."""
        return self.latency.entry.largest_ns

    def complete_for(self, market: MarketData) -> RunConfig:
        """Return the config with the costs that the market's venues had on its first date.

        Where no latency was asked for, a chain session's own takes the default's place. Every run
        completes its config once, before anything else. For the same market a complete one is
        returned as it is: a sweep over one segment looks no table up again. For another market the
        costs are completed from what was given: a window of another date has the rates of its own
        date.

        Parameters
        ----------
        market : MarketData
            The market of the run.

        Returns
        -------
        RunConfig

        Raises
        ------
        ConfigError
            Commissions are not known for the date, or change within the data, and none were given.
        """
        costs, instruments, before = self.costs, market.instruments, self.completed
        if before is not None and before.full == costs:  # else others were given since
            if before.digest == market.digest:
                return self
            costs = before.asked
        latency = self._latency_on(market)
        first, last = market.first_ts_ns, market.last_ts_ns
        if self.limits.margin == "scan" and first >= 0:
            check_scan_day(instruments, self.limits, first)
        if first < 0:  # no message, and nothing to pay for: the latest terms
            first = last = int(np.iinfo(np.int64).max)
        full = _full_costs.get(
            (costs, instruments),
            (costs.entries, first, last),
            lambda: _complete(costs, instruments, first, last),
        )
        if full == self.costs and latency is self.latency:
            return self
        completed = Completed(market.digest, costs, full)
        return replace(self, costs=full, latency=latency, completed=completed)

    def _latency_on(self, market: MarketData) -> LatencyModel:
        if self.latency_asked or self.latency != _DEFAULT_LATENCY:
            return self.latency
        interval = median_interval(market)
        return self.latency if interval is None else constant_latency(interval)

    def describe(self) -> dict[str, Any]:
        """Return the config as plain values, decimals as text; what ``digest`` covers."""
        stated = self.latency_asked and self.latency == _DEFAULT_LATENCY
        return {
            "costs": self.costs.describe(),
            "limits": self.limits.describe(),
            "latency": self.latency.describe(),
            "seed": self.seed,
            "flatten": self.flatten,
            **({"leg_latency_ns": self.leg_latency_ns} if self.leg_latency_ns else {}),
            **({"settle_at": self.settle_at} if self.settle_at != "price" else {}),
            **({"latency_asked": True} if stated else {}),
        }

    @property
    def described_latency(self) -> dict[str, Any] | None:
        """Latencies and ends of contracts as plain values, for a report.

        None where `latency_ns` says all.
        """
        more: dict[str, Any] = {}
        if self.leg_latency_ns:
            more["leg_latency_ns"] = self.leg_latency_ns
        if self.settle_at != "price":
            more["settle_at"] = self.settle_at
        return {**self.latency.describe(), **more} if more or not self.latency.is_plain else None

    @property
    def latency_hash(self) -> bytes:
        """Latencies and the end of the run, as in a trace's header: 32 bytes."""
        plain = self.latency.latency_hash(self.flatten, self.settle_at)
        if self.leg_latency_ns == 0:
            return plain
        told = {"latency": plain.hex(), "leg_latency_ns": self.leg_latency_ns}
        return canonical_digest("quantlaxmi.leg-latency.1", told)

    @classmethod
    def from_description(cls, described: dict[str, Any]) -> RunConfig:
        """Return the config that `describe` described.

        Raises
        ------
        ConfigError
            It is no description of this version.
        """
        try:
            found = cls(
                costs=CostModel.from_description(described["costs"]),
                limits=RiskLimits.from_description(described["limits"]),
                latency=LatencyModel.from_description(described["latency"]),
                seed=described["seed"],
                flatten=described["flatten"],
                leg_latency_ns=described.get("leg_latency_ns", 0),
                settle_at=described.get("settle_at", "price"),
                latency_asked=described.get("latency_asked", False),
            )
        except (KeyError, TypeError) as error:
            raise ConfigError("run config", f"is no description of one: {error}") from None
        if found.describe() != described:
            raise ConfigError("run config", "is no description of this version")
        return found

    @functools.cached_property
    def digest(self) -> bytes:
        """SHA-256 of the canonical description: equal terms give equal digests."""
        return canonical_digest("quantlaxmi.run-config.1", self.describe())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunConfig) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


#: Of the segments at hand, and of their windows in time.
_full_costs: Final = Recent[CostModel](most=8)


def _complete(
    costs: CostModel, instruments: tuple[Instrument, ...], first: int, last: int
) -> CostModel:
    """Costs with what the dated tables say of the times from ``first`` to ``last``."""
    if all(
        costs.covers(one)
        and costs.least_notional(one) is not None
        and borrow_on(costs, one, first, last) is None
        and buy_fee_on(costs, one, first, last) is None
        for one in instruments
    ):
        return costs.restricted(instruments).with_exact_fees(instruments)
    return run_costs(costs, instruments, first, last)


#: A leg arrives at most a day after the one before it.
MAX_LEG_LATENCY_NS: Final = 86_400 * 10**9
_KINDS: Final[dict[str, type]] = {
    "costs": CostModel,
    "limits": RiskLimits,
    "latency": LatencyModel,
    "flatten": bool,
}


def constant_latency(latency_ns: int) -> LatencyModel:
    """Return the model of a constant entry latency, where it is one that can be.

    Raises
    ------
    InputError
    """
    try:
        whole = int(latency_ns)
    except (TypeError, ValueError, OverflowError):
        whole = -1
    if not 0 <= whole <= MAX_LATENCY_NS or whole != latency_ns:
        raise InputError("latency_ns", f"was {shown(latency_ns)}, expected 0 to {MAX_LATENCY_NS}")
    if whole == DEFAULT_LATENCY_NS:
        return _DEFAULT_LATENCY  # the same object, whose hash is kept
    return LatencyModel.constant(whole)
