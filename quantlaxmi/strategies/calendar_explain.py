"""What calendar_carry's rules say at every check: of recorded data, and of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.options.calendar_rules import CalendarCheck, calendar_check
from quantlaxmi.options.calendar_terms import CalendarRule, CalendarTerms
from quantlaxmi.options.moment import ChainMoment
from quantlaxmi.options.recorded import RecordedChain
from quantlaxmi.schema import DecisionType, OrderStatus
from quantlaxmi.strategies.calendar_carry_settings import CalendarCarryConfig, day_of
from quantlaxmi.strategies.margin_asks import MarginAsks

__all__ = ["check_columns", "open_snapshots", "recorded_checks", "run_checks"]

_S: Final = 10**9
#: Both limits of the gap, which are the signal, and rules that need a history.
_NO_FILTER: Final = (
    CalendarRule.GAP_FLOOR | CalendarRule.GAP_FRICTION | CalendarRule.COOLDOWN | CalendarRule.MARGIN
)
#: Figures of a check that are kept.
_FIGURES: Final = (
    "front_forward", "back_forward", "front_straddle", "back_straddle", "front_spread",
    "back_spread", "front_iv", "back_iv", "hedge", "gap", "calendar_gap", "slope", "skew",
    "friction", "hedge_error", "leg_spread_pct", "size",
)  # fmt: skip


def recorded_checks(
    recorded: RecordedChain, config: CalendarCarryConfig
) -> Iterator[tuple[int, CalendarCheck, CalendarTerms]]:
    """Evaluate the rules at every snapshot that is a check, without position, cooldown and margin.

    Parameters
    ----------
    recorded : RecordedChain
    config : CalendarCarryConfig

    Yields
    ------
    tuple of int, CalendarCheck and CalendarTerms
        Time, check and the limits of its day.

    Raises
    ------
    ConfigError
        A dated table has no row for a day.
    StrategyError
        A setting has no default for the underlying.
    InputError
        A snapshot is no chain.
    """
    for one in _checks(recorded, config, None):
        yield one.ts_ns, one.check, one.terms


def run_checks(
    recorded: RecordedChain,
    config: CalendarCarryConfig,
    records: Mapping[str, NDArray[Any]],
    asks: MarginAsks,
) -> Iterator[tuple[int, int, CalendarCheck, CalendarTerms, bool]]:
    """Evaluate the rules at every check as a run had them: with its cooldown and its margin.

    `CalendarRule.MARGIN` is set where the run would have refused the calendar of that moment, on
    top of what it held and had on its way; whether or not it asked for it.

    Parameters
    ----------
    recorded : RecordedChain
        What the run was over.
    config : CalendarCarryConfig
    records : mapping of str to ndarray
        Of the run: ``decisions``, ``orders`` and ``fills``.
    asks : callable
        See `quantlaxmi.strategies.margin_asks.MarginAsks`.

    Yields
    ------
    tuple of int, int, CalendarCheck, CalendarTerms and bool
        Message, time, check, limits, and whether a position was held or orders were on their way.
    """
    rows = list(_checks(recorded, config, records))
    lacking = asks({one.seq: one.wanted for one in rows if one.wanted})
    for seq, ts_ns, check, terms, held, _ in rows:
        if seq in lacking:
            check = check._replace(blocked=check.blocked | CalendarRule.MARGIN)
        yield seq, ts_ns, check, terms, held


def open_snapshots(recorded: RecordedChain, config: CalendarCarryConfig) -> NDArray[np.bool_]:
    """Return at which snapshots nothing but the gap, position or history forbids to enter.

    Parameters
    ----------
    recorded : RecordedChain
    config : CalendarCarryConfig

    Returns
    -------
    ndarray of bool, shape (n_snapshots,)
    """
    found = np.zeros(len(recorded), np.bool_)
    for k, moment in enumerate(recorded.moments()):
        terms = config.terms(recorded.underlying, day_of(moment.ts_ns))
        found[k] = not calendar_check(moment, terms, CalendarRule(0)).blocked & ~_NO_FILTER
    return found


def check_columns(
    recorded: RecordedChain,
    config: CalendarCarryConfig,
    records: Mapping[str, NDArray[Any]],
    asks: MarginAsks,
) -> dict[str, NDArray[Any]]:
    """Return the table ``checks`` of a run, a row a check.

    Parameters
    ----------
    recorded, config, records, asks
        As of `run_checks`.

    Returns
    -------
    dict of str to ndarray
        ``seq``, ``ts_ns``, ``blocked`` (bits of `CalendarRule`), ``held``, ``front_expiry_ns``,
        ``back_expiry_ns`` (0: none), ``back_lots``, ``open_interest`` and the figures of
        `CalendarCheck`.
    """
    rows = list(run_checks(recorded, config, records, asks))
    whole = ("seq", "ts_ns", "blocked", "front_expiry_ns", "back_expiry_ns", "back_lots",
             "open_interest")  # fmt: skip
    found: dict[str, NDArray[Any]] = {name: np.zeros(len(rows), np.int64) for name in whole}
    found["held"] = np.zeros(len(rows), bool)
    found |= {name: np.zeros(len(rows)) for name in _FIGURES}
    for k, (seq, ts_ns, check, _, held) in enumerate(rows):
        values = {
            "seq": seq,
            "ts_ns": ts_ns,
            "blocked": int(check.blocked),
            "front_expiry_ns": check.front_expiry_ns,
            "back_expiry_ns": check.back_expiry_ns,
            "back_lots": check.back_lots,
            "open_interest": check.open_interest,
            "held": held,
        }
        for name, value in values.items():
            found[name][k] = value
        for name in _FIGURES:
            found[name][k] = getattr(check, name)
    return found


class _Check(NamedTuple):
    seq: int
    ts_ns: int
    check: CalendarCheck
    terms: CalendarTerms
    held: bool
    wanted: tuple[tuple[int, int], ...]  # instruments and signed quantities of its calendar


def _checks(
    recorded: RecordedChain,
    config: CalendarCarryConfig,
    records: Mapping[str, NDArray[Any]] | None,
) -> Iterator[_Check]:
    interval_ns, last = config.interval_s * _S, None
    for k, moment in enumerate(recorded.moments()):
        if last is not None and moment.ts_ns - last < interval_ns:
            continue
        last = moment.ts_ns
        seq = int(recorded.seq[k])
        terms = config.terms(recorded.underlying, day_of(moment.ts_ns))
        held_back, held = CalendarRule(0), False
        if records is not None:
            rests = _rests(records["decisions"], seq, moment.ts_ns, config.cooldown_s * _S)
            held_back = CalendarRule.COOLDOWN if rests else CalendarRule(0)
            fills, orders = (records[n][records[n]["seq"] < seq] for n in ("fills", "orders"))
            held = _is_held(fills) or _on_their_way(orders)
        check = calendar_check(moment, terms, held_back)
        wanted = _wanted(check, moment, recorded, config.front_lots)
        yield _Check(seq, moment.ts_ns, check, terms, held, wanted)


def _wanted(
    check: CalendarCheck, moment: ChainMoment, recorded: RecordedChain, front_lots: int
) -> tuple[tuple[int, int], ...]:
    """The calendar of a check, in the order it would be sent in; empty where there is none."""
    if check.back_row < 0:
        return ()
    front = front_lots * int(moment.lot[check.front])
    back = check.back_lots * int(moment.lot[check.back])
    return tuple(
        (int(recorded.instrument[side.contract[row]]), qty)
        for row, qty in ((check.back_row, back), (check.front_row, -front))
        for side in (moment.call, moment.put)
    )


def _rests(decisions: NDArray[Any], seq: int, ts_ns: int, cooldown_ns: int) -> bool:
    """Whether a run had closed a position a short while before a check."""
    left = decisions[(decisions["decision_type"] == DecisionType.EXIT) & (decisions["seq"] < seq)]
    return bool(left.size) and ts_ns - int(left["ts_ns"][-1]) < cooldown_ns


def _is_held(fills: NDArray[Any]) -> bool:
    """Whether any instrument has a position after some fills."""
    last = dict(zip(fills["instrument"].tolist(), fills["position"].tolist(), strict=True))
    return any(last.values())


def _on_their_way(orders: NDArray[Any]) -> bool:
    """Whether an order that was sent has not ended yet."""
    ended = orders["order"][orders["status"] != OrderStatus.PENDING]
    return not np.isin(orders["order"], ended).all()
