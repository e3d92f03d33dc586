"""Rates as files and as hashes, and the integers kernels book fees with."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.account_terms import account_terms, ledger_exponent
from quantlaxmi.execution.costs import CostModel, FeeRate
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import InstrumentKind
from tests import traded
from tests.depth import examples

BPS = st.decimals(-1000, 1000, places=8, allow_nan=False)


def model_of(bps, fee_exponent=-8):
    rate = FeeRate(maker_bps=FixedPoint(1, 0), taker_bps=FixedPoint.from_text(str(bps)))
    return CostModel(rates={InstrumentKind.SPOT: rate}, fee_exponent=fee_exponent)


def test_default_rates_are_binance_s():
    rates = CostModel.binance().rates
    shown = {k: (r.maker_bps.to_f64(), r.taker_bps.to_f64()) for k, r in rates.items()}
    assert shown == {InstrumentKind.SPOT: (10, 10), InstrumentKind.PERP: (2, 5)}
    assert CostModel.binance().fee_exponent == -8


@settings(max_examples=examples(300), deadline=None)
@given(
    BPS,
    st.integers(-12, 0),
    st.integers(-10, 2),
    st.integers(-10, 2),
    st.integers(1, 75),
    st.integers(1, 10**12),
    st.integers(1, 10**12),
)
def test_terms_give_the_fee_and_notional(bps, fee_exponent, pe, qe, size, price, qty):
    one = traded.instrument("S", InstrumentKind.SPOT, pe, qe, contract_size=size)
    model = model_of(format(bps, "f"), fee_exponent)
    ledger = ledger_exponent((one,), model)
    assert ledger == min(pe + qe, fee_exponent)
    currency, scale, _, _, num, den, fee_scale = account_terms(one, model, ledger, 3)
    assert currency == 3
    money = Fraction(price * qty * size) * Fraction(10) ** (pe + qe)
    assert price * qty * scale * Fraction(10) ** ledger == money
    expected = round(money * Fraction(bps) / 10_000 / Fraction(10) ** fee_exponent)
    assert round(Fraction(price * qty * num, den)) == expected
    assert fee_scale * Fraction(10) ** ledger == Fraction(10) ** fee_exponent


def test_a_kind_without_rate_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"future.*has no rate for F") as caught:
        account_terms(traded.UNIVERSES["mixed"][2], CostModel.binance(), -16, 0)
    assert "\n" not in str(caught.value)


def test_exponents_too_far_apart_are_refused():
    wide = traded.instrument("W", InstrumentKind.SPOT, 0, 0, contract_size=1000)
    assert account_terms(wide, CostModel.binance(), -15, 0)[1] == 10**18
    with pytest.raises(ConfigError, match=r"W at 10\*\*0 does not fit"):
        account_terms(wide, CostModel.binance(), -16, 0)
    fine = traded.instrument("T", InstrumentKind.SPOT, -25, -25)
    with pytest.raises(ConfigError, match="T at"):
        account_terms(fine, CostModel.binance(), -50, 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rates": None}, r"\(rates\): was None, expected a dict"),
        ({"rates": {InstrumentKind.PERP: 4}}, r"\(perp\): was 4, expected a FeeRate"),
        ({"rates": {"perp": model_of(1).rates[InstrumentKind.SPOT]}}, r"an InstrumentKind"),
        ({"fee_exponent": 1}, r"\(fee_exponent\): was 1, expected a whole number from -18 to 0"),
        ({"queue": "x"}, r"\(queue\): was 'x'"),
        ({"min_notional": {"perp": FixedPoint(-1, 0)}}, r"\(perp\.min_notional\): was -1"),
        ({"min_notional": {"perp": 5}}, r"\(perp\.min_notional\): was 5, expected a FixedPoint"),
        ({"symbols": model_of("1.5").rates | {"perp.X": 3}}, r"expected a FeeRate"),
        ({"impact": {"perp": 3}}, r"expected an Impact"),
    ],
)
def test_a_model_made_in_python_has_the_bounds_of_a_file(change, said):
    with pytest.raises(ConfigError, match=said):
        CostModel(**{"rates": {}, **change})


@pytest.mark.parametrize("bps", ["1000.1", "-1001", "0.000000001"])
def test_a_rate_out_of_bounds_is_refused_from_python_too(bps):
    with pytest.raises(ConfigError, match=r"^costs \(spot\.taker_bps\): was .* from -1000 to 1000"):
        model_of(bps)


def test_hash_is_of_values_not_of_their_writing():
    a, b = model_of("10"), model_of("10.000")
    assert a.cost_hash == b.cost_hash
    assert len(a.cost_hash) == 32
    others = [model_of("10.00000001"), model_of("-10"), model_of("10", -7), CostModel.binance()]
    assert len({m.cost_hash for m in [a, *others]}) == 5
    assert model_of("0").cost_hash == model_of("0.00").cost_hash


def test_scaled():
    twice = CostModel.binance().scaled(Fraction(3, 2))
    assert twice.rates[InstrumentKind.SPOT].taker_bps == FixedPoint(15, 0)
    assert twice.rates[InstrumentKind.PERP].taker_bps == FixedPoint(75, -1)
    assert twice.scaled(Fraction(2, 3)).cost_hash == CostModel.binance().cost_hash
    with pytest.raises(ConfigError, match="8 decimals"):
        CostModel.binance().scaled(Fraction(1, 3))


def write(tmp_path, text):
    path = tmp_path / "costs.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_file(tmp_path):
    text = 'fee_exponent = -6\n[spot]\nmaker_bps = "-0.5"\ntaker_bps = 7\n'
    model = CostModel.load(write(tmp_path, text))
    assert model.fee_exponent == -6
    assert model.rates[InstrumentKind.SPOT].maker_bps == FixedPoint(-5, -1)
    assert model.rates[InstrumentKind.SPOT].taker_bps == FixedPoint(7, 0)
    assert InstrumentKind.PERP not in model.rates
    exact = CostModel.load(write(tmp_path, "[perp]\nmaker_bps = 0.1\ntaker_bps = 0.3\n"))
    assert exact.rates[InstrumentKind.PERP].maker_bps == FixedPoint(1, -1)
    assert CostModel.load(write(tmp_path, "")) == CostModel(rates={})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[spot]\nmaker_bps = 1\n", "spot.taker_bps.*missing"),
        ("[spot]\nmaker_bps = 1\ntaker_bps = 1\nother = 2\n", "spot.other"),
        ("[bond]\nmaker_bps = 1\ntaker_bps = 1\n", "bond"),
        ("spot = 3\n", "spot"),
        ("fee_exponent = 1\n", "fee_exponent"),
        ('fee_exponent = "x"\n', "fee_exponent"),
        ("fee_exponent = true\n", "fee_exponent"),
        ("queue = 3\n", "queue"),
        ("queue = [1]\n", "queue"),
        ("[spot]\nmaker_bps = true\ntaker_bps = 1\n", "maker_bps"),
        ("[spot]\nmaker_bps = nan\ntaker_bps = 1\n", "maker_bps"),
        ("[spot]\nmaker_bps = inf\ntaker_bps = 1\n", "maker_bps"),
        ('[spot]\nmaker_bps = "1e999"\ntaker_bps = 1\n', "maker_bps"),
        ('[spot]\nmaker_bps = "0.000000001"\ntaker_bps = 1\n', "maker_bps"),
        ("[spot]\nmaker_bps = 1001\ntaker_bps = 1\n", "from -1000 to 1000"),
        ("[spot]\nmaker_bps = 1\ntaker_bps = -1000.5\n", "from -1000 to 1000"),
        ("[spot]\nmaker_bps = 99999999999999999999\ntaker_bps = 1\n", "maker_bps"),
        ("[spot\n", "TOML"),
        (b"\xff\xfe", "TOML"),
        ("x = " + "9" * 5000, "TOML"),
        ("x = " + "[" * 9000, "TOML"),
        (b"#" * (1 << 20) + b"#", "bytes"),
    ],
)
def test_bad_files_give_one_line(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=words) as caught:
        CostModel.load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        CostModel.load(tmp_path / "none.toml")


def test_the_queue_is_a_setting_that_the_hash_covers(tmp_path):
    path = tmp_path / "costs.toml"
    path.write_text('queue = "pro_rata"\n[spot]\nmaker_bps = "1"\ntaker_bps = "2"\n')
    model = CostModel.load(path)
    assert model.queue == "pro_rata"
    plain = msgspec.structs.replace(model, queue="trades")
    assert plain.cost_hash != model.cost_hash
    assert "queue" not in plain.describe()
    for one in (model, plain):
        assert CostModel.from_description(one.describe()) == one
        assert one.scaled(Fraction(2)).queue == one.queue
    with pytest.raises(ConfigError):
        CostModel.from_description({**plain.describe(), "queue": "trades"})
    path.write_text('queue = "fifo"\n')
    with pytest.raises(ConfigError, match=r"queue.*was 'fifo', expected trades or pro_rata"):
        CostModel.load(path)


def test_a_description_with_a_number_beyond_64_bits_is_refused_in_plain_words():
    described = CostModel.binance().describe() | {"min_notional": {"spot": "1e400"}}
    with pytest.raises(ConfigError) as caught:
        CostModel.from_description(described)
    assert str(caught.value) == "costs: was '1e400', expected a decimal of at most 18 digits"
