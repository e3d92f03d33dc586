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
        model.cost_hash.hex() == "06761ae76f69bb5203307bf44e0a236767c16db3b5f3d42520c0f74281b2323c"
    )


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
