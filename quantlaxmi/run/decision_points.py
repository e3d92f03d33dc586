"""Trades that a strategy could have made, row by row, and the cost of each.

Gates place a strategy's round trips elsewhere on the same market. They price them with the engine's
own books, latency, ladder and fees, so that the strategy's own round trips cost what they cost in
its run, to the last unit.

Rows need, and keep, the books of the instruments that the run's decisions trade, however many the
segment has or the strategy declares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi import schema
from quantlaxmi._ext.observer import Observer
from quantlaxmi._ext.replay_loop import FAILURES
from quantlaxmi.errors import EngineError, FixedPointOverflow, InputError, StrategyError
from quantlaxmi.execution.account_terms import borrow_terms
from quantlaxmi.fixed import div_round
from quantlaxmi.instruments import Bundle
from quantlaxmi.parallel.pace import Pace
from quantlaxmi.run.result import Run
from quantlaxmi.run.session import FIRST_ROWS, MOST_ROWS, Session, feature_calls
from quantlaxmi.segment.depth_index import depth_index_of
from quantlaxmi.strategies.views import view


@dataclass(frozen=True, eq=False)
class BundleCost:
    """Cost of trading one signed bundle, decided at each row.

    Attributes
    ----------
    values : ndarray of int64, shape (n_rows,)
        Slippage from the row's mids plus fees; ``values * unit`` is money at ledger exponent - 1.
        0 where not fillable.
    unit : int
        Greatest common divisor of the costs, at least 1; it may exceed 64 bits.
    fillable : ndarray of bool, shape (n_rows,)
        On arrival, within the data, the full size of every leg was displayed.
    """

    values: NDArray[np.int64]
    unit: int
    fillable: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DecisionPoints:
    """Rows at which a strategy was asked while the books of all it traded were valid.

    Where a traded mid has moved after the last of them, the end of the data is a row more, on which
    nothing can be traded: the ledger marks an open position at these mids. A run that traded
    nothing needs the books of all that its strategy declares, and keeps no mids.

    Attributes
    ----------
    run : Run
    instruments : tuple of int
        Indices of the instruments that the run's decisions, and the bundles given, trade;
        ascending.
    seq, ts_ns : ndarray of int64, shape (n_rows,)
    mid2 : mapping of int to ndarray of int64, shape (n_rows,)
        A column for each of `instruments`, by its index. Bid + ask: twice the mid, exact, at the
        price exponent.
    last_mid2 : ndarray of int64, shape (n_instruments of the run,)
        Bid + ask of every instrument's last valid book at the end of the data; 0 where it had none.
    can_trade : ndarray of bool, shape (n_rows,)
        Whether the strategy's own filters let it trade.
    arrival_mid2 : mapping of int to ndarray of int64, shape (n_rows,)
        By instrument that is borrowed to be sold: bid + ask of its last valid book as orders
        decided at the row arrive; 0 where that is past the end.
    settlements : ndarray of int64, shape (n_settlements, 4)
        Funding, in the order in which it happened: instrument, time, mark at the price exponent,
        rate at `schema.RATE_EXPONENT`. A settlement pays the position that orders made which
        arrived before its time.
    """

    run: Run
    instruments: tuple[int, ...]
    seq: NDArray[np.int64]
    ts_ns: NDArray[np.int64]
    mid2: Mapping[int, NDArray[np.int64]]
    last_mid2: NDArray[np.int64]
    can_trade: NDArray[np.bool_]
    arrival_mid2: Mapping[int, NDArray[np.int64]]
    settlements: NDArray[np.int64]
    _costs: dict[Bundle, BundleCost] = field(default_factory=dict, repr=False)

    @property
    def ledger_exponent(self) -> int:
        """Exponent of the run's money; with a conversion, of its results."""
        return self.run.ledger_exponent

    @property
    def price_exponents(self) -> tuple[int, ...]:
        """By instrument."""
        return tuple(i.price_exponent for i in self.run.instruments)

    @property
    def qty_exponents(self) -> tuple[int, ...]:
        """By instrument."""
        return tuple(i.qty_exponent for i in self.run.instruments)

    @property
    def scales(self) -> tuple[int, ...]:
        """By instrument: units of results in one ``price * quantity`` mantissa product."""
        own, weights = self.run.exact.scales, self.run.weights
        return tuple(scale * weight for scale, weight in zip(own, weights, strict=True))

    @property
    def costs_unknown(self) -> str:
        """Why the cost of an order at another row is unknown; empty where it is known.

        `BundleCost.fillable` is then the displayed size at the largest latency.
        """
        if self.run.latency.entry.is_constant:
            if self.run.config.leg_latency_ns == 0:
                return ""
            return (
                "The legs of a bundle arrive one after another, so the cost of a bundle at another "
                "row is not known."
            )
        return (
            "The latency of order entry is drawn for each decision, so the cost of a decision at "
            "another row is not known."
        )

    @property
    def arrivals_ns(self) -> NDArray[np.int64]:
        """For each row, when an order decided there arrives."""
        arrivals: NDArray[np.int64] = self.ts_ns + self.run.latency_ns
        return arrivals

    @property
    def interest(self) -> Mapping[int, tuple[int, int, int]]:
        """By instrument that is borrowed to be sold, the fraction of `borrow_terms`, and a weight.

        The weight is what a ledger unit of the instrument's currency is in results.
        """
        run = self.run
        exponent, weights = run.exact.ledger_exponent, run.weights
        return {
            i: (*borrow_terms(run.instruments[i], run.costs, exponent), weights[i])
            for i in self.arrival_mid2
        }

    @property
    def settled(self) -> NDArray[np.int64]:
        """For each row, how many settlements are made before an order decided there arrives."""
        found = np.searchsorted(self.settlements[:, 1], self.arrivals_ns, side="right")
        return found.astype(np.int64)

    def funding(self, held: Bundle) -> list[int]:
        """Return the funding of a position at each settlement, at ledger exponent - 1; exact.

        ``-half_even(quantity * mark * rate)`` in ledger units, by instrument, as the engine books
        it, then converted.
        """
        quantities, scales, weights = dict(held), self.run.exact.scales, self.run.weights
        den = 10**-schema.RATE_EXPONENT
        return [
            -10 * weights[i] * div_round(quantities.get(i, 0) * mark * scales[i] * rate, den)
            for i, _, mark, rate in self.settlements.tolist()
        ]

    def prepare(self, bundles: Iterable[Bundle]) -> None:
        """Price several bundles in one pass over the market.

        Raises
        ------
        InputError
            A bundle trades an instrument that is not one of `instruments`.
        FixedPointOverflow
            A cost does not fit.
        """
        wanted = [b for b in dict.fromkeys(bundles) if b not in self._costs]
        for bundle in wanted:
            if not {i for i, _ in bundle} <= set(self.instruments):
                raise InputError(
                    "bundle", f"was {bundle}, expected of the instruments {self.instruments}"
                )
        if wanted:
            parts = _parts(self.run, wanted)
            observer, _ = _observe(self.run, self.instruments, parts)
            self._costs.update(_costs_of(self.run, observer, wanted, len(self.seq)))

    def cost(self, bundle: Bundle) -> BundleCost:
        """Return what trading ``bundle`` would cost when decided at each row.

        Raises
        ------
        InputError, FixedPointOverflow
            As `prepare`.
        """
        self.prepare([bundle])
        return self._costs[bundle]


def decision_points(run: Run, bundles: Iterable[Bundle] = ()) -> DecisionPoints:
    """Observe the market of a run with its strategy's filters, latency and costs.

    Parameters
    ----------
    run : Run
    bundles : iterable of Bundle
        Priced in the same pass.

    Returns
    -------
    DecisionPoints
    """
    wanted = list(dict.fromkeys(bundles))
    decided = run.exact.legs["instrument"].tolist()
    traded = tuple(sorted({*decided, *(i for bundle in wanted for i, _ in bundle)}))
    lent = _lent(run, traded)
    observer, last = _observe(run, traded, _parts(run, wanted), lent)
    seq, ts_ns, can_trade, mids = observer.rows()
    required = list(traded or run.strategy.instruments)
    arrivals = observer.arrival_mids()
    if len(seq) and (observer.last_mids() != last[required]).any():
        seq, ts_ns = np.append(seq, observer.seq), np.append(ts_ns, run.segment.last_ts_ns)
        can_trade = np.append(can_trade, False)
        mids = [np.append(mid2, last[i]) for i, mid2 in zip(traded, mids, strict=True)]
        arrivals = [np.append(mid2, 0) for mid2 in arrivals]
    return DecisionPoints(
        run,
        traded,
        seq,
        ts_ns,
        dict(zip(traded, mids, strict=True)),
        last,
        can_trade,
        dict(zip(lent, arrivals, strict=True)),
        observer.settlements(),
        _costs_of(run, observer, wanted, len(seq)),
    )


def trade_filter(run: Run) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Ask a run's strategy at every message whether its own filters let it trade.

    Parameters
    ----------
    run : Run

    Returns
    -------
    seq : ndarray of int64, shape (n_asked,)
        Messages at which the strategy is asked, whatever the books.
    can_trade : ndarray of bool, shape (n_asked,)
    """
    observer, _ = _observe(run, None, [])
    seq, _, can_trade, _ = observer.rows()
    return seq, can_trade


def _lent(run: Run, traded: tuple[int, ...]) -> list[int]:
    """Return the traded instruments that are borrowed when sold."""
    borrowed = [run.costs.borrow_bps(one) is not None for one in run.instruments]
    return [i for i, one in enumerate(borrowed) if one and i in traded]


def _by_currency(run: Run, bundle: Bundle) -> dict[int, Bundle]:
    """The legs of a bundle by the weight of their currency; all together where there is one."""
    if run.conversion is None or not bundle:
        return {1: bundle}
    weights = dict(enumerate(run.weights))  # the observer refuses what is out of range
    return {
        w: tuple(leg for leg in bundle if weights.get(leg[0], 0) == w)
        for w in dict.fromkeys(weights.get(i, 0) for i, _ in bundle)
    }


def _parts(run: Run, bundles: Iterable[Bundle]) -> list[Bundle]:
    """Legs that an observer prices: those of one currency in each bundle, because it adds them."""
    return list(dict.fromkeys(part for one in bundles for part in _by_currency(run, one).values()))


def _costs_of(
    run: Run, observer: Observer, bundles: list[Bundle], n_rows: int
) -> dict[Bundle, BundleCost]:
    """Costs of bundles in the currency of results, put together of their legs' currencies."""
    parts = _parts_of(observer, _parts(run, bundles), n_rows)
    found = {}
    for bundle in bundles:
        own = [(w, parts[part]) for w, part in _by_currency(run, bundle).items()]
        if len(own) == 1:
            [(weight, one)] = own
            found[bundle] = BundleCost(one.values, one.unit * weight, one.fillable)
        else:
            found[bundle] = _added(own)
    return found


def _added(parts: list[tuple[int, BundleCost]]) -> BundleCost:
    """Costs of the parts of one bundle, each multiplied by its weight."""
    fillable = np.logical_and.reduce([one.fillable for _, one in parts])
    unit = math.gcd(*(weight * one.unit for weight, one in parts))
    total = (
        sum(one.values.astype(object) * (weight * one.unit // unit) for weight, one in parts)
        * fillable
    )
    if len(total) and max(abs(v) for v in total.tolist()) >= 1 << 63:
        raise FixedPointOverflow("bundle cost", ("a cost in several currencies",))
    return BundleCost(total.astype(np.int64), unit, fillable)


def _parts_of(observer: Observer, bundles: list[Bundle], n_rows: int) -> dict[Bundle, BundleCost]:
    """Costs that an observer found; where the end of the data is an additional row, it has none."""
    try:
        values, fillable, units = observer.costs()
    except OverflowError as error:
        raise FixedPointOverflow("bundle cost", (error,)) from None
    if values.shape[1] < n_rows:
        values = np.pad(values, ((0, 0), (0, 1)))
        fillable = np.pad(fillable, ((0, 0), (0, 1)))
    return {
        bundle: BundleCost(values[k], units[k], fillable[k]) for k, bundle in enumerate(bundles)
    }


def _observe(
    run: Run, traded: tuple[int, ...] | None, bundles: list[Bundle], lent: Sequence[int] = ()
) -> tuple[Observer, NDArray[np.int64]]:
    """Watch the whole market, rows need the books of ``traded``; and every last valid mid2.

    Where nothing is traded they need those that the strategy declares; for None they need none.
    """
    segment, bound = run.segment, run.strategy
    session = Session(segment.instruments, bound, run.config)
    memory = session.memory
    address = bound.can_trade if isinstance(bound.can_trade, int) else 0
    call: Callable[..., int] | None = None
    args: tuple[Any, ...] = ()
    if callable(bound.can_trade):
        call = bound.can_trade
        args = (
            view(memory["ctx"])[0],
            view(memory["event"])[0],
            *(view(memory[name]) for name in ("books", "features", "params")),
        )
    elif bound.form == "python" and hasattr(bound.instance, "can_trade"):
        call, args = bound.instance.can_trade, (session.context,)
    observer = Observer(
        memory,
        session.terms,
        len(session.currencies),
        feature_calls(bound, run.instruments),
        bound.event_mask,
        run.latency_ns,
        10**-schema.RATE_EXPONENT,
        () if traded is None else traded or bound.instruments,
        bundles,
        bool(traded),
        address,
        call,
        args,
        [run.costs.impact_on(one).terms for one in run.instruments],
        lent,
        session.base_fees,
        session.rules,
    )
    observer.refuse_before(segment.first_seq)
    tables = {name: segment.columns(name) for name in schema.TABLES}
    observer.load(tables, depth_index_of(segment))
    done, status, pace = False, 0, Pace(FIRST_ROWS, MOST_ROWS)
    while status == 0 and not done:
        with pace:
            status, done = observer.run(pace.size)
    if status == 0:
        status = observer.finish()
    if status != 0:
        _raise(observer, status)
    return observer, memory["books"]["mid2"].copy()


def _raise(observer: Observer, status: int) -> None:
    if observer.error is not None:
        if not isinstance(observer.error, Exception):  # an interrupt
            raise observer.error
        raise StrategyError(f"can_trade failed: {observer.error}") from observer.error
    reason = FAILURES.get(status, f"status {status}")
    if "does not fit" in reason:
        raise FixedPointOverflow("bundle cost", ("cost of a bundle",), observer.seq)
    raise EngineError(f"{reason} at message seq {observer.seq}")
