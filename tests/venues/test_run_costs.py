"""Costs of a run from the dated tables, and what a file of costs changes."""

from __future__ import annotations

import msgspec
import pytest

from quantlaxmi import venues as markets
from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.costs import CostModel, FeeRate
from quantlaxmi.importers.synthetic import PERP, SPOT
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.segment import open_segment
from tests.venues.test_venues import BOTH, DATA, DATED, HEAD, at, fee_rows, fixed, table_of

PAIR = (SPOT, PERP)


def test_a_run_without_costs_takes_those_of_its_day() -> None:
    run = backtest(open_segment(DATA / "planted"), "basis_capture")
    assert run.costs.rate(SPOT).taker_bps == fixed("10")
    assert run.costs.rate(PERP).taker_bps == fixed("5")
    assert run.costs.least_notional(PERP) == fixed("100")
    assert run.costs.least_notional(SPOT) == fixed("0")
    assert run.header.cost_hash == run.costs.cost_hash


def test_completing_costs_twice_changes_nothing() -> None:
    span = (at(2024, 1, 15), at(2024, 1, 16))
    once = markets.run_costs(None, PAIR, *span)
    again = markets.run_costs(once, PAIR, *span)
    assert once == again
    assert CostModel.from_description(once.describe()).cost_hash == once.cost_hash


def test_what_is_given_goes_before_the_table(tmp_path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        '[perp]\nmin_notional = "7"\n[perp.BTCUSDT-PERP]\nmaker_bps = "-0.5"\ntaker_bps = "4"\n'
        "[perp.ETHUSDT-PERP]\nmaker_bps = 9\ntaker_bps = 9\n[spot.BTCUSDT]\nmin_notional = 5\n"
    )
    model = markets.run_costs(CostModel.load(path), PAIR, at(2024, 1, 15), at(2024, 1, 15))
    assert model.rate(PERP) == FeeRate(maker_bps=fixed("-0.5"), taker_bps=fixed("4"))
    assert model.rate(SPOT).maker_bps == fixed("10")
    assert model.least_notional(PERP) == fixed("7")
    assert model.least_notional(SPOT) == fixed("5")
    assert "perp.ETHUSDT-PERP" not in model.symbols


def test_costs_of_symbols_that_are_not_here_are_a_slip(tmp_path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[perp.BTCUSDT-PREP]\nmaker_bps = 1\ntaker_bps = 4\n")
    with pytest.raises(ConfigError, match=r"BTCUSDT-PREP.*not traded here.*BTCUSDT-PERP"):
        backtest(open_segment(DATA / "planted"), "basis_capture", costs=CostModel.load(path))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[bond]\n", ["bond", "spot"]),
        ("spot = 3\n", ["spot"]),
        ("[spot]\n", ["spot.maker_bps", "missing"]),
        ("[spot]\nmaker_bps = 1\n", ["spot.taker_bps", "missing"]),
        ("[spot.X]\nmaker_bps = 1\n", ["spot.X.taker_bps", "missing"]),
        ("[spot.X.Y]\nmaker_bps = 1\n", ["spot.X.Y", "unknown setting"]),
        ("[perp.X]\nmin_notional = -1\n", ["perp.X.min_notional", "-1"]),
        ("[perp.X]\nmin_notional = true\n", ["perp.X.min_notional", "true"]),
        (
            "[perp]\nmaker_bps = 1\ntaker_bps = -2000\n",
            ["perp.taker_bps", "from -1000 to 1000"],
        ),
        ("fee_exponent = 3\n", ["fee_exponent", "3"]),
        ("[perp]\nmaker_bps = 1\ntaker_bps = 99999999999999999999\n", ["perp.taker_bps"]),
    ],
)
def test_a_faulty_cost_file_is_refused_by_field(tmp_path, text, words) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        CostModel.load(path)
    for word in ["c.toml", *words]:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_venues_of_one_kind_that_differ_are_kept_apart(tmp_path) -> None:
    text = DATED + fee_rows(("2020-01-01", "8", "9")).removeprefix(HEAD).replace('"v"', '"w"')
    tables = (table_of(tmp_path, text),)
    pair = tuple(msgspec.structs.replace(SPOT, venue=venue, symbol=venue.upper()) for venue in "vw")
    model = markets.run_costs(None, pair, at(2020, 6, 1), at(2020, 6, 2), tables=tables)
    assert [model.rate(one).taker_bps for one in pair] == [fixed("2"), fixed("9")]


def test_symbols_of_one_kind_that_differ_are_kept_apart(tmp_path) -> None:
    tables = (table_of(tmp_path, BOTH),)
    pair = tuple(
        msgspec.structs.replace(SPOT, venue="v", symbol=name, venue_symbol=name) for name in "XY"
    )
    span = (at(2020, 8, 1), at(2020, 8, 2))
    model = markets.run_costs(None, pair, *span, tables=tables)
    assert [model.rate(one).taker_bps for one in pair] == [fixed("1"), fixed("2")]
    assert set(model.symbols) == {"spot.X", "spot.Y"} and not model.rates
    assert markets.run_costs(model, pair, *span, tables=tables) == model
    alone = markets.run_costs(None, pair[:1], *span, tables=tables)
    assert alone.rates[InstrumentKind.SPOT].taker_bps == fixed("1")


def test_costs_from_the_packages_table_keep_their_hash() -> None:
    model = markets.run_costs(None, PAIR, at(2024, 1, 15), at(2024, 1, 16))
    assert (
        model.cost_hash.hex() == "092c5390ee5582172f46dd8ca141068ea681487c73f51ba619e53bbb6f5d205e"
    )


def buy_fee_rows(*rows: tuple[str, str]) -> str:
    return "".join(
        f'[[buy_fees]]\nvenue = "v"\nkind = "spot"\nvalid_from = "{day}"\nbuy_fee = "{paid}"\n'
        'source = "s"\n'
        for day, paid in rows
    )


@pytest.mark.parametrize(
    ("first", "last", "paid"),
    [
        ((2023, 12, 30), (2023, 12, 31), None),
        ((2023, 12, 30), (2024, 1, 1), "base"),
        ((2024, 1, 1), (2024, 1, 2), "base"),
        ((2024, 1, 1), (2024, 2, 1), "base"),
        ((2024, 2, 1), (2024, 2, 2), "quote"),
        ((2024, 3, 1), (2025, 3, 1), "base"),
    ],
)
def test_what_buys_pay_in_is_that_of_the_days_of_the_data(tmp_path, first, last, paid) -> None:
    """Where it changes within the data it is the base; before the first row nothing is known."""
    rows = buy_fee_rows(("2024-01-01", "base"), ("2024-02-01", "quote"), ("2024-03-01", "base"))
    table = table_of(tmp_path, HEAD + rows)
    one = msgspec.structs.replace(SPOT, venue="v")
    span = (at(*first), at(*last))
    given = CostModel(rates=CostModel.binance().rates)
    for model, expected in ((given, paid), (CostModel(rates={}, buy_fee={"spot": "quote"}), None)):
        assert markets.buy_fee_on(model, one, *span, tables=[table]) == expected
    perp = msgspec.structs.replace(PERP, venue="v")
    assert markets.buy_fee_on(given, perp, *span, tables=[table]) is None
    made = markets.run_costs(given, (one,), *span, tables=[table])
    assert made.buy_fee == ({} if paid is None else {"spot.BTCUSDT": paid})
    assert CostModel.from_description(made.describe()) == made


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (buy_fee_rows(("2024-01-01", "bnb")), r"t\.toml \(buy_fees\[0\]\.buy_fee\): was 'bnb'"),
        (
            buy_fee_rows(("2024-01-02", "base"), ("2024-01-01", "quote")),
            r"t\.toml \(buy_fees\[1\]\.valid_from\): was 2024-01-01, expected after 2024-01-02",
        ),
    ],
)
def test_a_faulty_row_of_buys_is_named(tmp_path, rows, words) -> None:
    with pytest.raises(ConfigError, match=words):
        table_of(tmp_path, HEAD + rows)


def test_binance_spot_takes_the_fee_of_a_buy_in_base_unless_costs_say_otherwise() -> None:
    segment = open_segment(DATA / "planted")
    run = backtest(segment, "basis_capture")
    assert run.costs.buy_fee == {"spot.BTCUSDT": "base"}
    [line] = [one for one in run.summary() if one.section == "fees"]
    assert "paid their fee in BTC: worth" in str(line) and line.count == line.of > 0
    in_quote = CostModel(rates={}, buy_fee={"spot": "quote"})
    other = backtest(segment, "basis_capture", costs=in_quote)
    assert other.costs.buy_fee == {"spot": "quote"}
    assert other.header.cost_hash != run.header.cost_hash
    assert not [one for one in other.summary() if one.section == "fees"]
    unknown = tuple(msgspec.structs.replace(one, venue="bars") for one in PAIR)
    given = CostModel(rates=CostModel.binance().rates)
    assert markets.run_costs(given, unknown, at(2024, 1, 1), at(2024, 1, 2)).buy_fee == {}


def test_the_highest_least_notional_of_the_data_holds() -> None:
    span = (at(2023, 6, 1), at(2023, 12, 1))
    assert markets.run_costs(None, PAIR, *span).least_notional(PERP) == fixed("100")
    span = (at(2023, 6, 1), at(2023, 11, 2))
    assert markets.run_costs(None, PAIR, *span).least_notional(PERP) == fixed("0")


def test_rates_scale_exactly_with_symbols_and_least_notionals() -> None:
    from fractions import Fraction

    model = CostModel(
        rates={InstrumentKind.SPOT: FeeRate(maker_bps=fixed("1"), taker_bps=fixed("3"))},
        symbols={"perp.P": FeeRate(maker_bps=fixed("-1"), taker_bps=fixed("5"))},
        min_notional={"perp": fixed("5")},
    )
    twice = model.scaled(Fraction(3, 2))
    assert twice.symbols["perp.P"].maker_bps == fixed("-1.5")
    assert twice.min_notional == model.min_notional
    with pytest.raises(ConfigError, match="decimals"):
        model.scaled(Fraction(1, 3))
