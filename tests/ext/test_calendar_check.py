"""The compiled rules of the calendar give the bits of the ones in Python."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from quantlaxmi._ext.calendar_check import check
from quantlaxmi.importers.nse import read_snapshot
from quantlaxmi.options.calendar_rules import CalendarCheck, calendar_check
from quantlaxmi.options.calendar_terms import CalendarRule, CalendarTerms
from quantlaxmi.options.moment import ChainMoment
from quantlaxmi.strategies.calendar_carry_settings import CalendarCarryConfig
from tests.depth import some
from tests.options.recorded import DAY, moment_of, real_paths
from tests.options.test_calendar_rules import limits, made, moment_of_rows, terms_of

WHOLE = ("opens_ns", "closes_ns", "min_front_ns", "min_gap_ns", "max_age_ns", "max_ahead_ns",
         "min_open_interest", "credit", "front_lots")  # fmt: skip
REAL = ("max_front_spread_bps", "max_back_spread_bps", "max_bid_ask_spread_pct", "min_iv", "max_iv",
        "term_structure_slope", "skew_threshold", "min_premium_gap", "gap_friction_multiple",
        "max_hedge_error", "fee_flat", "fee_share")  # fmt: skip
FOUND = (
    ("blocked", "front", "back", "front_row", "back_row", "back_lots", "open_interest", "age_ns"),
    ("front_forward", "back_forward", "front_straddle", "back_straddle", "front_spread",
     "back_spread", "front_iv", "back_iv", "hedge", "gap", "calendar_gap", "slope", "skew",
     "friction", "hedge_error", "leg_spread_pct", "size"),
)  # fmt: skip


def compiled(moment: ChainMoment, terms: CalendarTerms, held_back: CalendarRule) -> CalendarCheck:
    sides = [
        getattr(side, name)
        for side in (moment.call, moment.put)
        for name in ("bid", "ask", "bid_qty", "ask_qty", "oi")
    ]
    whole, real = check(
        np.stack([moment.chain.strike, *sides]),
        moment.expiry_ns,
        moment.lot,
        moment.chain.start,
        100.0,
        (moment.ts_ns, moment.exch_ts_ns, int(held_back)),
        tuple(int(getattr(terms, name)) for name in WHOLE),
        tuple(getattr(terms, name) for name in REAL),
    )
    fields = dict(zip(FOUND[0], whole, strict=True)) | dict(zip(FOUND[1], real, strict=True))
    ends = {
        f"{name}_expiry_ns": int(moment.expiry_ns[fields[name]]) if fields[name] >= 0 else 0
        for name in ("front", "back")
    }
    return CalendarCheck(**fields, **ends)._replace(blocked=CalendarRule(fields["blocked"]))


@pytest.mark.parametrize("seed", some(range(400), 120))
def test_generated_chains_have_the_same_bits(seed: int) -> None:
    terms = terms_of(limits(seed))
    if seed % 7 == 0:
        terms = replace(terms, closes_ns=0)
    chain = made(seed, quoted=(1.0, 0.95, 0.6, 0.1)[seed % 4])
    moment = moment_of_rows(chain, age=(60, 121, -6, -5, 120)[seed % 5])
    held_back = CalendarRule.COOLDOWN if seed % 3 == 0 else CalendarRule(0)
    assert compiled(moment, terms, held_back) == calendar_check(moment, terms, held_back)


@pytest.mark.parametrize("underlying", ["NIFTY", "BANKNIFTY"])
def test_recorded_chains_have_the_same_bits(underlying: str) -> None:
    terms = CalendarCarryConfig().terms(underlying, DAY)
    for path in real_paths(underlying)[::4]:
        moment = moment_of(read_snapshot(path, underlying))
        found = compiled(moment, terms, CalendarRule(0))
        assert found == calendar_check(moment, terms)


def test_half_lots_go_to_the_even_one() -> None:
    """Lots of which the hedge ratio makes halves: equal straddles of equal vega, ratio 1."""
    chain = made(2)
    first, second = [s for s, rows in chain.items() if len(rows) > 1]
    chain[second] = chain[first]
    for lots in range(1, 12):
        terms = replace(terms_of(limits(2)), front_lots=lots)
        moment = moment_of_rows(chain, lots=(25, 50))
        one, other = compiled(moment, terms, CalendarRule(0)), calendar_check(moment, terms)
        assert one == other


def test_shapes_that_do_not_fit_are_refused() -> None:
    column = np.zeros((11, 2), np.int64)
    end, lot = np.array([5], np.int64), np.array([1], np.int64)
    arguments = (1.0, (0, 0, 0), (0,) * 9, (0.0,) * 12)
    for start in ([0, 3], [1, 2], [0, 2, 2]):
        with pytest.raises(ValueError, match="rows"):
            check(column, end, lot, np.array(start, np.int64), *arguments)
    with pytest.raises(ValueError, match="eleven columns"):
        check(column[:10], end, lot, np.array([0, 2], np.int64), *arguments)
