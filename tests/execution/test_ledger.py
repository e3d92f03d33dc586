"""PnLAccumulator against its naive twin, the replay loop's account, and doubles."""

import doctest
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quantlaxmi._ext._accounts_check import KernelAccount
from quantlaxmi.errors import FixedPointError, FixedPointOverflow
from quantlaxmi.execution import ledger
from quantlaxmi.execution.ledger import PnLAccumulator, ledger_scale
from quantlaxmi.fixed import int128_to_int
from quantlaxmi.schema import Side
from tests import traded
from tests.depth import examples
from tests.naive import ledger as naive

I64_MAX = 2**63 - 1
SIDES = st.sampled_from([1, -1])
SMALL = st.tuples(SIDES, st.integers(1, 12), st.integers(-3, 40))
REAL = st.tuples(SIDES, st.integers(1, 10**10), st.integers(1, 10**13))
FILLS = st.one_of(st.lists(SMALL, max_size=25), st.lists(REAL, max_size=25))
FEW = settings(max_examples=examples(600), deadline=None)


def made(fills, exponent=None, fee=0):
    pnl = PnLAccumulator(price_exponent=-8, qty_exponent=-8, exponent=exponent, currency="USDT")
    for side, qty, price in fills:
        pnl.apply_fill(side, qty, price, fee)
    return pnl


@FEW
@given(FILLS, st.integers(-18, -16), st.integers(-5, 10**12))
@example([(1, 3, 10), (-1, 1, 10), (-1, 1, 10), (-1, 1, 10)], -16, 0)
@example([(-1, 2, 5), (-1, 2, 4), (1, 1, 7), (1, 9, 7)], -16, 1)
def test_accounts_match_naive_and_kernel(fills, exponent, fee):
    scale = 10 ** (-16 - exponent)
    pnl, kernel = made(fills, exponent, fee), KernelAccount(scale)
    expected = naive.account(fills, scale)
    assert {name: getattr(pnl, name) for name in expected} == expected
    assert pnl.cash == naive.cash(fills, scale) - fee * len(fills)
    assert pnl.fees == fee * len(fills)
    assert pnl.n_fills == len(fills)
    for side, qty, price in fills:
        assert kernel.fill(side, qty, price, fee) == 0
    position, *halves = kernel.state()
    assert position == pnl.position
    assert [int128_to_int(*h) for h in halves] == [pnl.cost, pnl.realized, pnl.fees, pnl.cash]


@FEW
@given(FILLS, st.lists(st.integers(-(10**20), 10**20), max_size=4), st.integers(1, 10**13))
def test_nothing_is_lost(fills, payments, price):
    pnl = made(fills, fee=7)
    for amount in payments:
        pnl.apply_funding(amount)
    assert pnl.funding == sum(payments)
    pnl.mark(price)
    assert pnl.net == pnl.cash + pnl.position * price
    if pnl.position:
        pnl.apply_fill(-1 if pnl.position > 0 else 1, abs(pnl.position), price)
    assert pnl.position == pnl.cost == pnl.unrealized == 0
    assert pnl.cash == pnl.realized - pnl.fees + pnl.funding


@FEW
@given(FILLS)
def test_returned_gains_add_up(fills):
    pnl = PnLAccumulator(price_exponent=-8, qty_exponent=-8)
    assert sum(pnl.apply_fill(*fill) for fill in fills) == pnl.realized


@FEW
@given(FILLS)
def test_short_mirrors_long(fills):
    a, b = made(fills), made([(-side, qty, price) for side, qty, price in fills])
    assert (a.position, a.cost, a.realized) == (-b.position, b.cost, -b.realized)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.tuples(SIDES, st.integers(10**5, 10**8)), min_size=2, max_size=60), st.data())
def test_doubles_agree_within_a_basis_point(orders, data):
    price, pnl = 60_000 * 10**8, made([])
    position, cash, traded, fees = 0.0, 0.0, 0.0, 0.0
    for side, qty in orders:
        price += data.draw(st.integers(-(10**10), 10**10))
        fee = qty * price // 2000
        pnl.apply_fill(side, qty, price, fee)
        amount = qty / 1e8 * (price / 1e8)
        position, traded = position + side * qty / 1e8, traded + amount
        cash, fees = cash - side * amount, fees + amount / 2000
    pnl.mark(price)
    in_doubles = cash + position * (price / 1e8) - fees
    assert abs(pnl.net / 1e16 - in_doubles) <= 1e-4 * traded
    assert abs(pnl.net / 1e16 - in_doubles) <= 1e-6


def test_partial_close_takes_half_even_of_the_cost():
    pnl = made([(1, 2, 5), (1, 2, 4)])  # cost 18 of 4
    assert pnl.apply_fill(-1, 1, 5) == 5 - 4  # 4.5 to even
    assert pnl.cost == 14
    assert pnl.apply_fill(-1, 1, 5) == 5 - 5  # 14/3
    assert pnl.apply_fill(Side.SELL, 2, 5) == 10 - 9
    assert pnl.cost == pnl.position == 0


def test_fill_through_zero_closes_then_opens():
    pnl = made([(1, 3, 10)])
    assert pnl.apply_fill(-1, 5, 12) == 6
    assert (pnl.position, pnl.cost, pnl.realized) == (-2, 24, 6)


def test_marks():
    pnl = made([(1, 3, 10)])
    assert pnl.unrealized == 0
    assert pnl.mark(12) == 6
    pnl.apply_fill(-1, 1, 12)
    assert pnl.unrealized == 4
    assert pnl.mark(115, -9) == 3
    assert pnl.mark(1, -7) == 0
    pnl.apply_fill(1, 1, 10)
    assert pnl.mark(105, -9) == 2  # 31.5 to even less 30
    assert pnl.unrealized_at(-17) == 15
    assert pnl.unrealized_at(-18) == 150
    with pytest.raises(FixedPointError, match="-15 is coarser"):
        pnl.unrealized_at(-15)
    short = made([(-1, 3, 10)])
    assert short.mark(105, -9) == -2


def test_contract_size_multiplies_notional():
    pnl = PnLAccumulator(price_exponent=-2, qty_exponent=0, contract_size=75)
    pnl.apply_fill(1, 2, 10_000)
    assert pnl.cost == 2 * 75 * 10_000
    assert pnl.mark(10_100) == 2 * 75 * 100


def test_contract_size_is_an_exact_decimal():
    pnl = PnLAccumulator(price_exponent=-1, qty_exponent=0, contract_size=125, contract_exponent=-4)
    assert pnl.exponent == -5
    pnl.apply_fill(1, 100, 600_001)  # 100 contracts of 0.0125: 1.25 of 60000.1
    assert Fraction(pnl.cost) * Fraction(10) ** -5 == Fraction(125, 100) * Fraction(600_001, 10)
    with pytest.raises(FixedPointError, match="-4 is coarser than the product's, -5"):
        PnLAccumulator(
            price_exponent=-1, qty_exponent=0, exponent=-4, contract_size=125, contract_exponent=-4
        )


@pytest.mark.parametrize(
    ("size", "places", "units", "multiplier"),
    [(1, 0, 1, (1, 0)), (75, 0, 1, (75, 0)), (1, -2, 1, (1, -2)), (1000, 0, 1000, (1, 0)),
     (5, 0, 1000, (5, -3)), (10**6, 0, 1000, (1000, 0)), (25, -1, 100, (25, -3))],
)  # fmt: skip
def test_money_of_an_instrument_is_price_times_quantity_times_multiplier(
    size, places, units, multiplier
):
    one = traded.instrument(
        "P", "perp", -2, -1, contract_size=size, contract_exponent=places, price_units=units
    )
    assert one.multiplier == multiplier and one.product_exponent == -3 + multiplier[1]
    assert ledger_scale(one, -12) == multiplier[0] * 10 ** (multiplier[1] + 9)
    assert one.base_unit == Fraction(size) * Fraction(10) ** (places - 1)


def test_fees_name_their_asset():
    pnl = made([])
    pnl.apply_fill(1, 1, 100, 5)
    pnl.apply_fill(-1, 1, 100, 9, "BNB")
    assert dict(pnl.fees_by_asset) == {"USDT": 5, "BNB": 9}
    assert (pnl.fees, pnl.cash, pnl.net) == (5, -5, -5)
    with pytest.raises(TypeError):
        pnl.fees_by_asset["BNB"] = 0


def test_texts_keep_every_digit():
    pnl = made([(1, 10**8, 61837_63000001)], fee=10**8)
    texts = pnl.as_text()
    assert texts["position"] == "1.00000000"
    assert texts["cost"] == "61837.6300000100000000"
    assert texts["fees"] == "0.0000000100000000"
    assert texts["cash"] == "-61837.6300000200000000"
    assert "net=-0.0000000100000000" in repr(pnl)


@pytest.mark.parametrize(
    ("fill", "error", "words"),
    [
        ((0, 1, 1), FixedPointError, "side 0"),
        ((2, 1, 1), FixedPointError, "side 2"),
        ((1, 0, 1), FixedPointError, "quantity 0"),
        ((1, -1, 1), FixedPointError, "quantity -1"),
        ((1, 2**63, 1), FixedPointOverflow, str(2**63)),
        ((1, 1, 2**63), FixedPointOverflow, str(2**63)),
        ((1, I64_MAX, 1), FixedPointOverflow, "apply_fill"),
        ((1, 1.0, 1), TypeError, "float"),
    ],
)
def test_bad_fills_leave_the_account_alone(fill, error, words):
    pnl = made([(1, 1, 1)], fee=3)
    before = pnl.as_text()
    with pytest.raises(error, match=words):
        pnl.apply_fill(*fill)
    assert pnl.as_text() == before
    assert pnl.n_fills == 1


def test_position_limit_is_the_kernel_s():
    for side in (1, -1):
        pnl, kernel = made([(side, I64_MAX, 1)]), KernelAccount(1)
        assert kernel.fill(side, I64_MAX, 1, 0) == 0
        assert kernel.fill(side, 1, 1, 0) == 1
        with pytest.raises(FixedPointOverflow):
            pnl.apply_fill(side, 1, 1)


def test_beyond_int64_money():
    pnl = made([(1, 1000 * 10**8, 60_000 * 10**8), (-1, 1000 * 10**8, 60_001 * 10**8)])
    assert pnl.realized == 1000 * 10**16 > I64_MAX


def test_numpy_integers_do_not_wrap():
    big = np.int64(10**13)
    pnl = PnLAccumulator(price_exponent=np.int64(-8), qty_exponent=np.int8(-8), exponent=-40)
    pnl.apply_fill(np.int64(1), big, big, np.int64(3))
    pnl.apply_fill(np.int64(-1), big, big + np.int64(1))
    pnl.apply_funding(np.int64(I64_MAX))
    assert pnl.realized == 10 ** (13 + 24)
    assert type(pnl.position) is type(pnl.funding) is int
    pnl.apply_fill(np.int64(1), big, big)
    assert pnl.mark(big, np.int64(7)) == (10**26 * 10**15 - 10**26) * 10**24


def test_bad_scales_are_refused():
    with pytest.raises(FixedPointError, match="-15 is coarser"):
        PnLAccumulator(price_exponent=-8, qty_exponent=-8, exponent=-15)
    with pytest.raises(FixedPointError, match="contract size 0"):
        PnLAccumulator(price_exponent=-8, qty_exponent=-8, contract_size=0)


def test_examples_of_the_docstring():
    assert doctest.testmod(ledger) == (0, 5)
