"""What a bundle of options comes to at expiry, by the price of its underlying then."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import InputError
from quantlaxmi.options import YEAR_SECONDS, black76, implied_vol
from quantlaxmi.run.drawing import BLUE, INK, axes_of, is_narrow, on_data
from quantlaxmi.run.picture import DrawnRun
from quantlaxmi.run.records import RunRecords
from quantlaxmi.schema import InstrumentKind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Kept", "Payoff", "kept_by", "payoff", "plot_payoff"]

F64 = NDArray[np.float64]
_POINTS = 401
_OPTIONS = (InstrumentKind.CALL, InstrumentKind.PUT)


class Payoff(NamedTuple):
    """Result of a bundle at the first expiry of its legs, for people: doubles.

    Attributes
    ----------
    underlying : ndarray of float64, shape (n_points,)
        Prices of the underlying then, ascending, the strikes among them.
    value : ndarray of float64, shape (n_points,)
        Result in the currency: what the legs are worth, less what was paid for them and fees.
    expiry_ns : int
        The first expiry, ns since the epoch.
    currency : str
    """

    underlying: F64
    value: F64
    expiry_ns: int
    currency: str

    @property
    def break_evens(self) -> tuple[float, ...]:
        """Prices of the underlying between points at which the result is 0, ascending."""
        x, y = self.underlying, self.value
        turns = np.flatnonzero(np.sign(y[:-1]) * np.sign(y[1:]) < 0)
        at = x[turns] - y[turns] * (x[turns + 1] - x[turns]) / (y[turns + 1] - y[turns])
        return tuple(sorted([*at.tolist(), *x[y == 0].tolist()]))


class _Leg(NamedTuple):
    """A contract that the bundle keeps, in currency and units of the underlying."""

    call: bool
    strike: float
    expiry_ns: int
    money: float  # of a price of 1: signed


def payoff(records: RunRecords, decision: int | None = None) -> Payoff:
    """Return what a bundle comes to at the first expiry of its legs.

    All fills of its decision count, also those that took something back. Legs that expire then are
    worth their intrinsic value. Later ones are valued by Black-76 with the volatility that the mids
    of the decision imply, and a forward that keeps its distance to the underlying; for that the
    decision must have a call and a put of one strike at each expiry.

    Parameters
    ----------
    records : RunRecords
    decision : int, optional
        Number of the decision; by default the first that kept something.

    Returns
    -------
    Payoff

    Raises
    ------
    InputError
        There is no such decision, it kept nothing, its legs are not options of one underlying and
        one currency, or nothing says what a later leg is worth.
    """
    held = kept_by(records, decision)
    legs = _legs(records, held)
    first = min(leg.expiry_ns for leg in legs)
    fills = records.fills[records.fills["decision"] == held.decision]
    unit = 10.0**records.ledger_exponent
    paid = 0
    for row in fills[["instrument", "side", "qty", "price", "fee_hi", "fee_lo"]].tolist():
        i, side, qty, price, hi, lo = row
        paid += side * qty * price * records.scales[i] + ((hi << 64) | (lo & ((1 << 64) - 1)))
    x = _grid(legs)
    value = np.full(len(x), -float(paid) * unit)
    later = _later_values(records, held.decision, legs, first)
    for leg in legs:
        worth = later(leg, x) if leg.expiry_ns > first else _intrinsic(leg, x)
        value += leg.money * worth
    one = records.instruments[held.instruments[0]]
    return Payoff(x, value, first, one.currency)


class Kept(NamedTuple):
    """What a decision kept.

    Attributes
    ----------
    decision : int
    instruments : tuple of int
        Indices of what its fills left it with.
    quantities : tuple of int
        Of each, signed.
    """

    decision: int
    instruments: tuple[int, ...]
    quantities: tuple[int, ...]


def kept_by(records: RunRecords, decision: int | None = None) -> Kept:
    """Return what a decision kept of each instrument.

    Parameters
    ----------
    records : RunRecords
    decision : int, optional
        Number of the decision; by default the first that kept something.

    Returns
    -------
    Kept

    Raises
    ------
    InputError
        There is no such decision, or it kept nothing.
    """
    if decision is not None and not 0 <= decision < len(records.decisions):
        last = len(records.decisions) - 1
        raise InputError("decision", f"was {decision}, expected a decision of the run, 0 to {last}")
    fills = records.fills
    asked = np.unique(fills["decision"]).tolist() if decision is None else [decision]
    for d in asked:
        own = fills[fills["decision"] == d]
        signed = np.where(own["side"] < 0, -own["qty"], own["qty"])
        kept = {
            i: int(signed[own["instrument"] == i].sum())
            for i in np.unique(own["instrument"]).tolist()
        }
        kept = {i: q for i, q in kept.items() if q}
        if d >= 0 and kept:
            return Kept(d, tuple(kept), tuple(kept.values()))
    what = "not given" if decision is None else str(decision)
    raise InputError("decision", f"was {what}, expected one that kept a position")


def _legs(records: RunRecords, held: Kept) -> list[_Leg]:
    instruments = [records.instruments[i] for i in held.instruments]
    for one in instruments:
        if one.kind not in _OPTIONS or one.strike is None or one.expiry_ns is None:
            raise InputError("decision", f"was {held.decision}, and {one.symbol} is no option")
    for name in ("base", "currency"):
        named = sorted({getattr(one, name) for one in instruments})
        if len(named) > 1:
            raise InputError("decision", f"was {held.decision}, of several: {', '.join(named)}")
    unit = 10.0**records.ledger_exponent
    return [
        _Leg(
            one.kind == InstrumentKind.CALL,
            float(one.strike or 0) * 10.0**one.price_exponent,
            int(one.expiry_ns or 0),
            qty * records.scales[i] * unit / 10.0**one.price_exponent,
        )
        for i, qty, one in zip(held.instruments, held.quantities, instruments, strict=True)
    ]


def _grid(legs: list[_Leg]) -> F64:
    """Prices around the strikes, the strikes among them."""
    strikes = np.array(sorted({leg.strike for leg in legs}))
    reach = max(float(strikes[-1] - strikes[0]), 0.06 * float(strikes.mean()))
    low = max(float(strikes[0]) - reach, 0.0)
    found: F64 = np.unique([*np.linspace(low, float(strikes[-1]) + reach, _POINTS), *strikes])
    return found


def _intrinsic(leg: _Leg, underlying: F64) -> F64:
    side = 1.0 if leg.call else -1.0
    worth: F64 = np.maximum(side * (underlying - leg.strike), 0.0)
    return worth


def _later_values(records: RunRecords, decision: int, legs: list[_Leg], first: int) -> Any:
    """Return the value of a leg that has time left at the first expiry, as a function."""
    if all(leg.expiry_ns == first for leg in legs):
        return None
    head = records.decisions[decision]
    seen: dict[tuple[int, float, bool], float] = {}
    at = int(head["first_leg"])
    for row in records.legs[at : at + int(head["n_legs"])]:
        one = records.instruments[int(row["instrument"])]
        key = (int(one.expiry_ns or 0), float(one.strike or 0) * 10.0**one.price_exponent)
        mid = float(row["reference_price"]) * 10.0 ** (one.price_exponent - 1)
        seen[(*key, one.kind == InstrumentKind.CALL)] = mid
    forwards = _forwards(seen)
    missing = {leg.expiry_ns for leg in legs} - forwards.keys()
    if missing:
        raise InputError(
            "decision",
            f"was {decision}: it has no call and put of one strike at each expiry, so that no "
            "forward values what expires later",
        )

    def value(leg: _Leg, underlying: F64) -> F64:
        forward = forwards[leg.expiry_ns]
        years = (leg.expiry_ns - int(head["ts_ns"])) / 1e9 / YEAR_SECONDS
        mid = seen[leg.expiry_ns, leg.strike, leg.call]
        sigma = implied_vol(mid, forward, leg.strike, years, leg.call)
        left = (leg.expiry_ns - first) / 1e9 / YEAR_SECONDS
        then = np.maximum(underlying + forward - forwards[first], 1e-9)
        return black76(then, leg.strike, left, sigma.value, leg.call).value

    return value


def _forwards(seen: dict[tuple[int, float, bool], float]) -> dict[int, float]:
    """Forward of each expiry by put-call parity at the strikes that have both."""
    found: dict[int, list[float]] = {}
    for expiry, group in itertools.groupby(sorted(seen), key=lambda key: key[0]):
        for _, strike, call in group:
            if call and (expiry, strike, False) in seen:
                parity = strike + seen[expiry, strike, True] - seen[expiry, strike, False]
                found.setdefault(expiry, []).append(parity)
    return {expiry: sum(each) / len(each) for expiry, each in found.items()}


def plot_payoff(
    run: DrawnRun | RunRecords, decision: int | None = None, ax: Axes | None = None
) -> Axes:
    """Draw what a bundle comes to at the first expiry of its legs; see `payoff`.

    Parameters
    ----------
    run : Run or RunRecords
    decision : int, optional
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        As `payoff`.
    """
    found = payoff(run if isinstance(run, RunRecords) else run.exact, decision)
    with axes_of(ax) as ax:
        ax.plot(found.underlying, found.value, color=BLUE, label="at the first expiry")
        ax.axhline(0, color=INK, linewidth=1)
        for at in found.break_evens:
            ax.axvline(at, color=INK, linewidth=0.6, linestyle=":")
        if found.break_evens:
            ax.plot([], [], color=INK, linewidth=0.6, linestyle=":", label="break-even")
        if is_narrow(ax):
            ax.locator_params(axis="x", nbins=4)
        ax.set_xlabel("underlying")
        ax.set_ylabel(f"result, {found.currency}")
        return on_data(ax)
