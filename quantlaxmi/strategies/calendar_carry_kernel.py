"""What calendar_carry's compiled kernel is given: limits, dated terms and the contracts' layout."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.counted import counted
from quantlaxmi.errors import ConfigError, StrategyError
from quantlaxmi.events import OptionsStrategyType
from quantlaxmi.options.moment import ChainLayout
from quantlaxmi.schema import I64, SLOT_DTYPE, BundlePolicy
from quantlaxmi.strategies.calendar_carry_settings import CalendarCarryConfig, day_of
from quantlaxmi.strategies.kernel import make_params
from quantlaxmi.venues import nse

__all__ = ["KERNEL", "MAX_PRICE", "MAX_UNITS", "check_units", "kernel_params", "kernel_state"]

KERNEL: Final = "quantlaxmi._ext.calendar_carry"
#: Largest price mantissa, and most units of a front leg: what is marked then fits 64 bits.
MAX_PRICE: Final = 4 * 10**8
MAX_UNITS: Final = 10**9
_S: Final = 10**9
#: Slots of the state, and its numbers; see the kernel.
_STATE, _CHECKED, _LEFT, _HELD = 14, 0, 1, 6
#: Long before any stamp.
NEVER: Final = -(1 << 62)


def kernel_params(
    config: CalendarCarryConfig,
    underlying: str,
    layout: ChainLayout,
    index: I64,
    rationales: Sequence[str],
) -> NDArray[Any]:
    """Return the kernel's parameters.

    Parameters
    ----------
    config : CalendarCarryConfig
    underlying : str
    layout : ChainLayout
        Of the contracts.
    index : ndarray of int64, shape (n_contracts,)
        Their instruments.
    rationales : sequence of str

    Returns
    -------
    ndarray of PARAM_DTYPE

    Raises
    ------
    StrategyError
        A setting has no default for the underlying, or no day has terms.
    """
    dated, real = _dated(config, underlying)
    values: list[int | float] = [
        len(layout.expiry_ns),
        layout.n_rows,
        len(dated) // 5,
        *(
            getattr(config, name) * _S
            for name in (
                "interval_s", "min_front_s", "min_gap_s", "max_quote_age_s", "max_ahead_s",
                "max_hold_s", "cooldown_s", "open_delay_s", "close_buffer_s", "expiry_exit_s",
            )
        ),
        config.front_lots,
        config.min_open_interest,
        int(config.gap_side == "credit"),
        rationales.index(OptionsStrategyType.CALENDAR.value),
        int(BundlePolicy.ALL_OR_NONE),
        int(BundlePolicy.LEGS),
        *real,
        *(float(one.to_fraction()) for one in (config.target, config.stop)),
        float(10**-layout.price_exponent),
        *dated,
    ]  # fmt: skip
    for end, lot, first in zip(layout.expiry_ns, layout.lot, layout.start, strict=False):
        values += [int(end), int(lot), int(first)]
    instrument = np.append(index, -1)  # index -1 is no contract
    rows = np.stack([layout.strike, instrument[layout.call], instrument[layout.put]], axis=1)
    return make_params([*values, *rows.reshape(-1).tolist()])


def kernel_state() -> NDArray[Any]:
    """Return the state before the first event."""
    state = np.zeros(_STATE, SLOT_DTYPE)
    state["i"][[_CHECKED, _LEFT]] = NEVER
    state["i"][_HELD] = -1
    return state


def check_units(config: CalendarCarryConfig, layout: ChainLayout) -> None:
    """Refuse legs of more units than can be marked in 64 bits.

    Raises
    ------
    StrategyError
    """
    largest = int(layout.lot.max()) if layout.lot.size else 0
    if config.front_lots * largest > MAX_UNITS:
        raise StrategyError(
            f"calendar_carry: front_lots was {config.front_lots} of "
            f"{counted(largest, 'unit[s]')}, expected at "
            f"most {MAX_UNITS} units"
        )


def _dated(config: CalendarCarryConfig, underlying: str) -> tuple[list[int | float], list[float]]:
    """Rows of what depends on the day, and the limits that do not."""
    table = nse.nse_table()
    hours = [row for row in table.sessions if row.market == "option"]
    days = {row.valid_from for row in hours}
    days |= {row.valid_to + timedelta(days=1) for row in hours if row.valid_to is not None}
    days |= {row.valid_from for row in table.fees if row.market == "option"}
    rows: list[int | float] = []
    real: list[float] = []
    for day in sorted(days):
        try:
            terms = config.terms(underlying, day)
        except ConfigError:
            continue  # the first days of a table whose other rows begin later
        opens_ns = terms.opens_ns - config.open_delay_s * _S
        midnight_ns = opens_ns - (opens_ns + 19_800 * _S) % (86_400 * _S)
        assert day_of(midnight_ns) == day
        closes_ns = terms.closes_ns + config.close_buffer_s * _S
        rows += [midnight_ns, opens_ns - midnight_ns, closes_ns - midnight_ns]
        rows += [terms.fee_flat, terms.fee_share]
        real = [
            terms.max_front_spread_bps,
            terms.max_back_spread_bps,
            terms.max_bid_ask_spread_pct,
            terms.min_iv,
            terms.max_iv,
            terms.term_structure_slope,
            terms.skew_threshold,
            terms.min_premium_gap,
            terms.gap_friction_multiple,
            terms.max_hedge_error,
        ]
    if not rows:
        raise StrategyError("calendar_carry: the dated tables cover no day")
    return rows, real
