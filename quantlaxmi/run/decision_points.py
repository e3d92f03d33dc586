"""What a strategy could have traded, row by row, and what each trade would have cost.

Gates place a strategy's trips elsewhere on the same market. They price them with the engine's own
books, latency, ladder and fees, so that the strategy's own trips come out as in its run, to the
last unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi import schema
from quantlaxmi._ext.observer import Observer
from quantlaxmi._ext.replay_loop import FAILURES
from quantlaxmi.errors import EngineError, FixedPointOverflow, StrategyError
from quantlaxmi.fixed import div_round
from quantlaxmi.run.result import Run
from quantlaxmi.run.session import KERNEL_STRIDE, Session, feature_calls
from quantlaxmi.strategies.views import view

#: ``((instrument index, signed quantity), ...)``, in ascending order of instrument.
Bundle = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class BundleCost:
    """Cost of trading one signed bundle, decided at each row of a grid.

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
    """Rows at which a strategy was asked while all the books it trades were valid.

    Where mids have moved after the last of them, the end of the data is a row more, on which
    nothing can be traded: what is open then is marked at the mids at which the ledger marks it.

    Attributes
    ----------
    run : Run
    seq, ts_ns : ndarray of int64, shape (n_rows,)
    mid2 : ndarray of int64, shape (n_instruments, n_rows)
        Bid + ask: twice the mid, exact, at the price exponent; 0 where a book was not valid.
    can_trade : ndarray of bool, shape (n_rows,)
        The strategy's own filters held.
    settlements : ndarray of int64, shape (n_settlements, 4)
        Funding, in the order in which it happened: instrument, time, mark at the price exponent,
        rate at `schema.RATE_EXPONENT`. What orders that arrived before the time had made is held.
    """

    run: Run
    seq: NDArray[np.int64]
    ts_ns: NDArray[np.int64]
    mid2: NDArray[np.int64]
    can_trade: NDArray[np.bool_]
    settlements: NDArray[np.int64]
    _costs: dict[Bundle, BundleCost] = field(default_factory=dict, repr=False)

    @property
    def ledger_exponent(self) -> int:
        """Exponent of the run's money."""
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
        """By instrument: ledger units of one ``price * quantity`` mantissa product."""
        return self.run.exact.scales

    @property
    def costs_unknown(self) -> str:
        """Why no order's cost can be told at a row it was not sent at; empty where it can.

        `BundleCost.fillable` then says what was displayed at the largest latency.
        """
        if self.run.latency.entry.is_constant:
            return ""
        return (
            "The latency of order entry is drawn for each decision: what a decision elsewhere "
            "would have cost is not known."
        )

    @property
    def settled(self) -> NDArray[np.int64]:
        """For each row, the settlements that orders decided there come too late for."""
        arrivals = self.ts_ns + self.run.latency_ns
        found = np.searchsorted(self.settlements[:, 1], arrivals, side="right")
        return found.astype(np.int64)

    def funding(self, held: Bundle) -> list[int]:
        """What a position receives at each settlement, at ledger exponent - 1; exact.

        ``-half_even(quantity * mark * rate)`` in ledger units, by instrument, as the engine books
        it.
        """
        quantities, scales = dict(held), self.scales
        den = 10**-schema.RATE_EXPONENT
        return [
            -10 * div_round(quantities.get(i, 0) * mark * scales[i] * rate, den)
            for i, _, mark, rate in self.settlements.tolist()
        ]

    def prepare(self, bundles: Iterable[Bundle]) -> None:
        """Price several bundles in one pass over the market."""
        wanted = [b for b in dict.fromkeys(bundles) if b not in self._costs]
        if wanted:
            _, _, found = _observe(self.run, wanted)
            self._costs.update(zip(wanted, found, strict=True))

    def cost(self, bundle: Bundle) -> BundleCost:
        """Return what trading ``bundle`` would cost when decided at each row.

        Raises
        ------
        FixedPointOverflow
            A cost does not fit.
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
    (rows, mids), settlements, found = _observe(run, wanted)
    return DecisionPoints(
        run,
        np.ascontiguousarray(rows[:, 0]),
        np.ascontiguousarray(rows[:, 1]),
        np.ascontiguousarray(mids.T),
        rows[:, 2] == 1,
        settlements,
        dict(zip(wanted, found, strict=True)),
    )


def _observe(
    run: Run, bundles: list[Bundle]
) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64], list[BundleCost]]:
    segment, bound = run.segment, run.strategy
    session = Session(segment.instruments, bound, run.costs, run.latency_ns)
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
        np.array(bound.instruments, dtype=np.int64),
        bundles,
        address,
        call,
        args,
        [run.costs.impact_on(one).terms for one in run.instruments],
    )
    observer.refuse_before(segment.first_seq)
    observer.load({name: segment.columns(name) for name in schema.TABLES})
    done, status = False, 0
    while status == 0 and not done:
        status, done = observer.run(KERNEL_STRIDE)
    if status == 0:
        status = observer.finish()
    if status != 0:
        _raise(observer, status)
    try:
        rows, mids, costs, fillable, units = observer.grid()
    except OverflowError as error:
        raise FixedPointOverflow("bundle cost", (error,)) from None
    final = memory["books"]["mid2"]
    traded = list(bound.instruments)
    if len(rows) and (mids[-1, traded] != final[traded]).any():
        end = np.array([[observer.seq, segment.last_ts_ns, 0]], np.int64)
        rows, mids = np.concatenate([rows, end]), np.concatenate([mids, final[np.newaxis]])
        costs = np.pad(costs, ((0, 0), (0, 1)))
        fillable = np.pad(fillable, ((0, 1), (0, 0)))
    found = [
        BundleCost(costs[k], units[k], np.ascontiguousarray(fillable[:, k]))
        for k in range(len(bundles))
    ]
    return (rows, mids), observer.settlements(), found


def _raise(observer: Observer, status: int) -> None:
    if observer.error is not None:
        if not isinstance(observer.error, Exception):  # an interrupt
            raise observer.error
        raise StrategyError(f"can_trade failed: {observer.error}") from observer.error
    reason = FAILURES.get(status, f"status {status}")
    if "does not fit" in reason:
        raise FixedPointOverflow("bundle cost", ("cost of a bundle",), observer.seq)
    raise EngineError(f"{reason} at message seq {observer.seq}")
