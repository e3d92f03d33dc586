"""Dated tables of venues' terms, and the costs a run takes from them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlaxmi import venues as markets
from quantlaxmi.errors import ConfigError
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.importers.synthetic import PERP, SPOT
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.venues.tables import TABLE_NAMES, day_text, package_table

DATA = Path(__file__).parents[2] / "data"


def at(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 10**9


def fixed(text: str) -> FixedPoint:
    return FixedPoint.from_text(text)


# --- what the package says ---------------------------------------------------------------------

#: Kind, symbol, tick, lot and least notional on a day, as the venue stated them.
STATED = [
    ("spot", "BTCUSDT", (2024, 1, 15), "0.01", "0.00001", "0"),
    ("spot", "ETHUSDT", (2024, 1, 15), "0.01", "0.0001", "0"),
    ("perp", "BTCUSDT", (2024, 1, 15), "0.1", "0.001", "100"),
    ("perp", "ETHUSDT", (2024, 1, 15), "0.01", "0.001", "20"),
    ("perp", "BTCUSDT", (2023, 11, 2, 10), "0.1", "0.001", "100"),
    ("perp", "BTCUSDT", (2023, 11, 2, 9), "0.1", "0.001", "0"),
    ("perp", "BTCUSDT", (2026, 11, 22), "0.1", "0.001", "100"),
]


@pytest.mark.parametrize(("kind", "symbol", "day", "tick", "lot", "least"), STATED)
def test_steps_are_those_of_the_day(kind, symbol, day, tick, lot, least) -> None:
    venue = {"spot": "binance", "perp": "binance-usdm"}[kind]
    row = markets.lookup(venue, InstrumentKind(kind), symbol, at(*day))
    assert row is not None
    assert (row.tick, row.lot, row.min_notional) == (fixed(tick), fixed(lot), fixed(least))
    assert row.source


def test_what_is_not_known_is_not_made_up() -> None:
    spot = ("binance", InstrumentKind.SPOT)
    assert markets.lookup(*spot, "BTCUSDT", at(2021, 10, 21)) is None
    assert markets.lookup(*spot, "DOGEUSDT", at(2024, 1, 1)) is None
    assert markets.grid_steps(*spot, "DOGEUSDT", at(2024, 1, 1), -8, -8) == (0, 0)
    assert markets.grid_steps(*spot, "BTCUSDT", at(2024, 1, 1), -8, -8) == (10**6, 10**3)
    with pytest.raises(ConfigError, match="tick"):
        markets.grid_steps(*spot, "BTCUSDT", at(2024, 1, 1), -1, -8)


def test_synthetic_instruments_have_the_steps_of_their_day() -> None:
    for one in (SPOT, PERP):
        steps = markets.grid_steps(
            one.venue,
            one.kind,
            one.venue_symbol,
            at(2024, 1, 15),
            one.price_exponent,
            one.qty_exponent,
        )
        assert steps == (one.tick, one.lot)


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_every_row_names_its_source(name) -> None:
    table = package_table(name)
    for rows in (*table.rules.values(), *table.fees.values()):
        assert all(len(row.source) > 10 for row in rows)


@pytest.mark.parametrize(
    ("venue", "kind", "ts_ns", "words"),
    [
        ("binance", "spot", 0, ["venues/binance.toml (fees)", "spot at binance", "1970-01-01"]),
        ("binance-usdm", "perp", at(2019, 9, 9), ["on 2019-09-09", "begins 2019-09-10", "--costs"]),
        ("okx", "spot", at(2024, 1, 1), ["venues/binance.toml", "spot at okx", "--costs"]),
        ("binance", "perp", at(2024, 1, 1), ["perp at binance"]),
    ],
)
def test_a_commission_that_is_not_known_is_an_error(venue, kind, ts_ns, words) -> None:
    with pytest.raises(ConfigError) as caught:
        markets.fees(venue, InstrumentKind(kind), ts_ns)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


# --- tables of one's own -----------------------------------------------------------------------

HEAD = 'table = "test"\nformat = 1\n'
FEE = '[[fees]]\nvenue = "v"\nkind = "spot"\nsource = "s"\n'
RULE = '[[rules]]\nvenue = "v"\nkind = "spot"\nsymbol = "X"\nsource = "s"\n'


def table_of(tmp_path: Path, text: str) -> markets.MarketTable:
    path = tmp_path / "t.toml"
    path.write_text(text, encoding="utf-8")
    return markets.load_table(path, "t.toml")


def fee_rows(*rows: tuple[str, str, str]) -> str:
    return HEAD + "".join(
        f'{FEE}valid_from = "{day}"\nmaker_bps = "{maker}"\ntaker_bps = "{taker}"\n'
        for day, maker, taker in rows
    )


DATED = fee_rows(("2020-01-01", "1", "2"), ("2021-01-01", "-1", "3"), ("2022-01-01", "-1", "3.0"))
#: A kind's rates, and terms of one symbol from 2020-07-01 to 2021-07-01.
BOTH = DATED + "".join(
    row.replace('source = "s"', 'source = "s"\nsymbol = "X"').removeprefix(HEAD)
    for row in (
        fee_rows(("2020-07-01", "0", "1"), ("2021-02-01", "0", "0")),
        fee_rows(("2021-07-01", "-1", "3")),
    )
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("format = 1\n", ["table", "missing"]),
        ("table = 't'\nformat = 2\n", ["(format)", "was 2, expected 1"]),
        (HEAD + "more = 1\n", ["more", "unknown setting"]),
        (HEAD + "fees = 3\n", ["fees", "was 3, expected a list"]),
        (fee_rows(("2020-01-01", "1", "x")), ["fees[0].taker_bps", "'x'"]),
        (
            fee_rows(("2020-01-01", "1", "1001")),
            ["fees[0].taker_bps", "1001", "from -1000 to"],
        ),
        (fee_rows(("1.1.2020", "1", "1")), ["fees[0].valid_from", "1.1.2020", "2024-01-31"]),
        (fee_rows(("2020-01-01T08:00:00", "1", "1")), ["fees[0].valid_from"]),
        (fee_rows(("1969-12-31", "1", "1")), ["fees[0].valid_from", "1970"]),
        (
            fee_rows(("2020-01-01", "1", "1"), ("2020-01-01", "1", "1")),
            ["fees[1].valid_from", "2020-01-01", "v spot"],
        ),
        (HEAD + FEE.replace("spot", "bond") + "valid_from = 2020-01-01\n", ["kind", "'bond'"]),
        (
            HEAD + FEE + "valid_from = 2020-01-01\nmaker_bps = 1\n",
            ["fees[0].taker_bps", "missing"],
        ),
        (HEAD + FEE.replace('"s"', "7") + "valid_from = 2020-01-01\n", ["fees[0].source", "7"]),
        (HEAD + FEE + 'symbol = ""\nvalid_from = 2020-01-01\n', ["fees[0].symbol", "''"]),
        (
            BOTH + BOTH[BOTH.index('[[fees]]\nvenue = "v"\nkind = "spot"\nsource = "s"\nsymbol') :],
            ["fees[6].valid_from", "2021-07-01", "v spot X"],
        ),
        (HEAD + RULE + "valid_from = 2020-01-01\ntick = 0\n", ["rules[0].tick", "above 0"]),
        (HEAD + RULE + "valid_from = 2020-01-01\nlot = nan\n", ["rules[0].lot", "nan"]),
        (
            HEAD + RULE + "valid_from = 2020-01-01\nlots = 1\n",
            ["rules[0].lots", "mean lot?"],
        ),
        ("= 1", ["not TOML"]),
    ],
)
def test_a_faulty_table_is_refused_by_name_field_and_value(tmp_path, text, words) -> None:
    with pytest.raises(ConfigError) as caught:
        table_of(tmp_path, text)
    for word in ["t.toml", *words]:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tables_are_read_within_bounds(tmp_path) -> None:
    with pytest.raises(ConfigError, match="bytes"):
        table_of(tmp_path, HEAD + "#" * (1 << 20))
    with pytest.raises(ConfigError, match="No such file"):
        markets.load_table(tmp_path / "none.toml")


def test_a_change_of_commission_within_the_data_is_refused_with_its_day(tmp_path) -> None:
    tables = (table_of(tmp_path, DATED),)
    spot = ("v", InstrumentKind.SPOT)
    before = markets.fees(*spot, at(2020, 1, 1), at(2021, 1, 1) - 1, tables=tables)
    assert (before.maker_bps, before.taker_bps) == (fixed("1"), fixed("2"))
    with pytest.raises(ConfigError) as caught:
        markets.fees(*spot, at(2020, 12, 31), at(2021, 1, 1), tables=tables)
    for word in ("t.toml (fees)", "2021-01-01", "2020-12-31 to 2021-01-01", "--costs"):
        assert word in str(caught.value)
    # A new row with the same rates is no change.
    after = markets.fees(*spot, at(2021, 1, 1), at(2023, 1, 1), tables=tables)
    assert after.maker_bps == fixed("-1")


@pytest.mark.parametrize(
    ("day", "maker", "taker"),
    [
        ((2020, 1, 1), "1", "2"),  # the kind's, for the symbol has none yet
        ((2020, 6, 30), "1", "2"),
        ((2020, 7, 1), "0", "1"),
        ((2021, 1, 1), "0", "1"),  # what changes for the kind does not for the symbol
        ((2021, 2, 1), "0", "0"),
        ((2021, 7, 1), "-1", "3"),
    ],
)
def test_a_symbols_own_commission_goes_before_its_kinds(tmp_path, day, maker, taker) -> None:
    tables = (table_of(tmp_path, BOTH),)
    spot = ("v", InstrumentKind.SPOT)
    row = markets.fees(*spot, at(*day), symbol="X", tables=tables)
    assert (row.maker_bps, row.taker_bps) == (fixed(maker), fixed(taker))
    for symbol in ("", "Y"):
        row = markets.fees(*spot, at(*day), symbol=symbol, tables=tables)
        assert row.taker_bps == fixed("2" if day < (2021, 1, 1) else "3")


def test_a_symbols_commission_changes_within_the_data_by_its_own_rows(tmp_path) -> None:
    tables = (table_of(tmp_path, BOTH),)
    spot = ("v", InstrumentKind.SPOT)
    kept = markets.fees(*spot, at(2020, 12, 1), at(2021, 1, 31), symbol="X", tables=tables)
    assert kept.taker_bps == fixed("1")
    with pytest.raises(ConfigError, match="changes for spot at v on 2021-01-01"):
        markets.fees(*spot, at(2020, 12, 1), at(2021, 1, 31), symbol="Y", tables=tables)
    for span, day in (
        ((at(2020, 6, 1), at(2020, 8, 1)), "2020-07-01"),
        ((at(2020, 12, 1), at(2021, 2, 1)), "2021-02-01"),
        ((at(2021, 3, 1), at(2021, 8, 1)), "2021-07-01"),
    ):
        with pytest.raises(ConfigError, match=f"changes for X, spot at v on {day}, within the"):
            markets.fees(*spot, *span, symbol="X", tables=tables)
    # The kind's row of 2022 is none of the symbol's.
    last = markets.fees(*spot, at(2021, 7, 1), at(2023, 1, 1), symbol="X", tables=tables)
    assert last.maker_bps == fixed("-1")
    with pytest.raises(ConfigError, match="X, spot at v on 2019-12-31, the first begins 2020-01-0"):
        markets.fees(*spot, at(2019, 12, 31), symbol="X", tables=tables)


def test_a_symbols_commission_needs_none_of_its_kind(tmp_path) -> None:
    text = HEAD + BOTH[len(DATED) :]
    tables = (table_of(tmp_path, text), _parsed(fee_rows(("2020-01-01", "5", "6"))))
    spot = ("v", InstrumentKind.SPOT)
    assert markets.fees(*spot, at(2020, 8, 1), symbol="X", tables=tables).taker_bps == fixed("1")
    assert markets.fees(*spot, at(2020, 2, 1), symbol="X", tables=tables).taker_bps == fixed("6")
    with pytest.raises(ConfigError, match="no row for spot at v; give the rates"):
        markets.fees(*spot, at(2020, 8, 1), symbol="Y", tables=tables[:1])
    with pytest.raises(ConfigError, match="X, spot at v on 2020-02-01, the first begins 2020-07-0"):
        markets.fees(*spot, at(2020, 2, 1), symbol="X", tables=tables[:1])


@given(st.integers(at(2019, 12, 30), at(2022, 2, 1)))
def test_the_row_in_force_is_the_last_that_has_begun(ts_ns) -> None:
    days = {"2020-01-01": "1", "2021-01-01": "2", "2022-01-01": "3"}
    text = fee_rows(*((day, "0", bps) for day, bps in days.items()))
    table = msgspec.structs.replace(_BASE, fees=_parsed(text).fees)
    begun = [bps for day, bps in days.items() if at(*map(int, day.split("-"))) <= ts_ns]
    if not begun:
        with pytest.raises(ConfigError):
            markets.fees("v", InstrumentKind.SPOT, ts_ns, tables=(table,))
        return
    found = markets.fees("v", InstrumentKind.SPOT, ts_ns, tables=(table,))
    assert found.taker_bps == fixed(begun[-1])


_BASE = markets.MarketTable(name="base", rules={}, fees={})
_CACHE: dict[str, markets.MarketTable] = {}


def _parsed(text: str) -> markets.MarketTable:
    import tempfile

    if text not in _CACHE:
        with tempfile.TemporaryDirectory() as folder:
            _CACHE[text] = table_of(Path(folder), text)
    return _CACHE[text]


def test_days_are_written_as_people_do() -> None:
    assert day_text(at(2024, 1, 15)) == "2024-01-15"
    assert day_text(at(2023, 11, 2, 10)) == "2023-11-02 10:00 UTC"
