"""Components in a cost model: files, descriptions, hashes, exact exponents, dearer ones, days."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.account_terms import account_terms
from quantlaxmi.execution.cost_components import exact_exponent, folded, scaled_components
from quantlaxmi.execution.costs import CostModel, FeeRate
from quantlaxmi.execution.fee_components import fill_fees
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import InstrumentKind, Side
from quantlaxmi.venues import run_costs
from quantlaxmi.venues.nse import fee_components
from quantlaxmi.venues.nse_costs import session_day
from tests import traded
from tests.traded import COMPONENTS, component

DAY_NS = 86_400 * 10**9
#: 09:15 IST of 2025-08-29.
AUGUST = 1_756_439_100_000_000_000
OPTION = {"currency": "INR", "base": "NIFTY", "venue": "nse"}
CALL = traded.instrument("NIFTY-20261229-24600-CE", InstrumentKind.CALL, -2, 0, **OPTION)
FUTURE = traded.instrument("NIFTY-20261229", InstrumentKind.FUTURE, -2, 0, **OPTION)
FILE = """
[call]
maker_bps = "0"
taker_bps = "1"
[[call.components]]
name = "brokerage"
base = "order"
side = "both"
amount = "20"
taxed = true
[[call.components]]
name = "gst"
base = "taxed"
side = "both"
percent = "18"
[call."NIFTY-20261229-24600-CE"]
components = []
"""


def loaded(tmp_path, text: str) -> CostModel:
    path = tmp_path / "costs.toml"
    path.write_text(text)
    return CostModel.load(path)


def test_a_file_gives_components_by_kind_and_by_symbol(tmp_path):
    model = loaded(tmp_path, FILE)
    assert [one.name for one in model.components["call"]] == ["brokerage", "gst"]
    assert model.components_on(CALL) == ()
    other = msgspec.structs.replace(CALL, symbol="NIFTY-20261229-24650-CE")
    assert folded(model.components_on(other)).flat_buy == Fraction(236, 10)
    assert CostModel.from_description(model.describe()) == model
    assert CostModel.from_description(model.describe()).cost_hash == model.cost_hash


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[spot]\ncomponents = [{name="a", base="order", side="both", amount="1"}]',
         r"\(spot\.components\): was 1 of them, expected none in a table of spot"),
        ('[call]\ncomponents = [{name="a", base="order", side="both"}]',
         r"amount\): is missing, .*: the base is order"),
        ('[call]\ncomponents = [{name="a", base="value", side="both", percent="101"}]',
         r"components\[0\]\.percent\): was '101', expected .* 0 to 100"),
        ('[call]\ncomponents = [{name="a", bas="value", side="both", percent="1"}]',
         r"components\[0\]\.bas\): unknown setting; did you mean base"),
        ('[call]\ncomponents = 4', r"call\.components\): was 4, expected a list"),
        ("[call]\ncomponents = [" + '{name="a", base="order", side="both", amount="1"},' * 65 + "]",
         r"components\): .*64"),
    ],
)  # fmt: skip
def test_a_wrong_component_is_one_line(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words) as caught:
        loaded(tmp_path, text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("components", "words"),
    [
        (None, r"\(components\): was None, expected a dict"),
        ({"call": None}, r"call\.components\): was None, expected a tuple"),
        ({"call": (4,)}, r"was 4, expected a FeeComponent"),
        ({"spot.S": COMPONENTS[0]}, r"\(components\): was 'spot\.S'"),
    ],
)
def test_a_model_made_in_python_has_the_same_bounds(components, words):
    with pytest.raises(ConfigError, match=words):
        CostModel(rates={}, components=components)


def test_a_model_without_components_has_the_description_it_had():
    plain = traded.COSTS[0]
    assert "components" not in plain.describe()
    assert traded.with_components(plain, 0, ("perp",)).cost_hash != plain.cost_hash


@given(st.sampled_from(COMPONENTS), st.sampled_from(Side), st.booleans(), st.integers(1, 10**9))
def test_folded_shares_are_the_components(components, side, first, paise):
    value, fees = Fraction(paise, 100), folded(components)
    share, flat = (fees.buy, fees.flat_buy) if side == Side.BUY else (fees.sell, fees.flat_sell)
    whole = sum(fill_fees(components, side, value, first=first).values(), Fraction(0))
    names = [c.name for c in components]
    if len(set(names)) == len(names):  # of equal names `fill_fees` keeps one
        assert whole == value * share + flat * first
    unit = Fraction(10) ** exact_exponent(components, -2)
    assert (value * share / unit).denominator == (flat / unit).denominator == 1


def test_the_table_s_fees_are_exact_at_ten_to_the_minus_eleven():
    for market in ("option", "future"):
        assert exact_exponent(fee_components(market, session_day(AUGUST)), -2) >= -11


def test_what_cannot_be_exact_is_refused():
    fine = (component("a", "value", "both", "0.00000001", taxed=True),)
    tax = (component("b", "taxed", "both", "0.00000001"),)
    with pytest.raises(ConfigError, match=r"\(components\): need 10\*\*-22 to be exact"):
        exact_exponent(fine + tax, -2)


def test_terms_of_both_sides():
    costs = CostModel(
        rates={}, components={"call": fee_components("option", session_day(AUGUST))}
    ).with_exact_fees((CALL,))
    terms = account_terms(CALL, costs, costs.fee_exponent, 0)
    assert terms[2:4] == terms[4:6]  # makers pay what takers pay
    unit = Fraction(10) ** costs.fee_exponent
    buy, sell = Fraction(*terms[2:4]), Fraction(*terms[7:9])
    assert 1500_00 * buy * unit == Fraction(1500) * folded(costs.components["call"]).buy
    assert sell - buy == Fraction(1, 100) * (Fraction(1, 1000) - Fraction(3, 10**5)) / unit
    assert terms[11] * unit == terms[12] * unit == Fraction(236, 10)
    assert Fraction(*terms[13:15]) * unit * 100 == Fraction(125, 10**5)


def test_dearer_components_keep_their_tax():
    parts = fee_components("option", session_day(AUGUST))
    twice = folded(scaled_components(parts, Fraction(2)))
    assert twice.buy == 2 * folded(parts).buy and twice.flat_sell == 2 * folded(parts).flat_sell
    model = CostModel(rates={}, components={"call": parts})
    more = model.scaled(Fraction(3, 2), Fraction(1, 2))
    half = FixedPoint.from_text("0.5")
    assert more.rate(CALL) == FeeRate(maker_bps=half, taker_bps=half)
    assert folded(more.components_on(CALL)).buy == Fraction(3, 2) * folded(parts).buy
    assert model.scaled(Fraction(2)).rates == {}
    with pytest.raises(ConfigError, match="more than 8 decimals"):
        model.scaled(Fraction(1, 3))


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ((-400, -400),
         r"venues/nse\.toml \(fees\): has no row for brokerage of option on 2024-07-25"),
        ((210, 220),
         "changes for stt of option on 2026-04-01, within .* 2026-03-27 to 2026-04-06; split the "
         "segment by day there"),
    ],
)  # fmt: skip
def test_a_day_no_row_covers_and_a_change_within_the_data_are_told(days, words):
    first, last = (AUGUST + day * DAY_NS for day in days)
    with pytest.raises(ConfigError, match=words):
        run_costs(None, (CALL,), first, last)


def test_options_and_futures_have_their_own_and_completing_twice_changes_nothing():
    once = run_costs(None, (CALL, FUTURE), AUGUST, AUGUST + DAY_NS)
    assert once.components.keys() == {"call", "future"}
    assert folded(once.components_on(CALL)).buy != folded(once.components_on(FUTURE)).buy
    assert run_costs(once, (CALL, FUTURE), AUGUST, AUGUST) == once
    # Rates that are given stand alone.
    rate = FeeRate(maker_bps=FixedPoint(1, 0), taker_bps=FixedPoint(1, 0))
    given_rates = run_costs(CostModel(rates={InstrumentKind.CALL: rate}), (CALL,), AUGUST, AUGUST)
    assert given_rates.components == {} and given_rates.fee_exponent == -8


def test_an_index_needs_no_costs():
    index = traded.instrument("NIFTY", InstrumentKind.INDEX, -2, 0, **OPTION)
    costs = run_costs(None, (CALL, index), AUGUST, AUGUST)
    assert costs.components.keys() == costs.min_notional.keys() == {"call"}
    assert costs.covers(index) and costs.rate(index).taker_bps.mantissa == 0
