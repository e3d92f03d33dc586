"""NSE's dated tables: check values of fees, lots against real files, and what no row covers."""

from __future__ import annotations

import csv
import os
from datetime import date, time, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.execution.fee_components import (
    FeeComponent,
    exercise_fees,
    fill_fees,
    note_rounding,
)
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import Side
from quantlaxmi.venues import nse, nse_table

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
BHAVCOPIES = REAL / "india" / "fo_bhavcopy_udiff"
BEFORE, AFTER = date(2025, 9, 1), date(2026, 4, 1)

#: Side, quantity, price, day, and rupees: exchange, IPFT, SEBI, stamp, STT, GST, total.
CHECKS = [
    (Side.BUY, 15, "200", BEFORE, "1.0509 0.015 0.003 0.09 0 3.792402 24.951302"),
    (Side.SELL, 15, "200", BEFORE, "1.0509 0.015 0.003 0 3 3.792402 27.861302"),
    (Side.SELL, 15, "200", AFTER, "1.0509 0.015 0.003 0 4.5 3.792402 29.361302"),
    (
        Side.BUY,
        65,
        "100.50",
        AFTER,
        "2.28833475 0.0326625 0.0065325 0.195975 0 4.018955355 26.542460105",
    ),
    (Side.SELL, 65, "200", AFTER, "4.5539 0.065 0.013 0 19.5 4.433742 48.565642"),
]
NAMES = ("exchange", "ipft", "sebi", "stamp", "stt", "gst")


@pytest.mark.parametrize(("side", "qty", "price", "day", "text"), CHECKS)
def test_fees_of_an_option(side: Side, qty: int, price: str, day: date, text: str) -> None:
    *parts, total = map(Fraction, text.split())
    found = fill_fees(nse.fee_components("option", day), side, qty * Fraction(price), first=True)
    assert [found[name] for name in NAMES] == parts
    assert found["brokerage"] == 20
    assert sum(found.values()) == total


def test_fees_without_ipft() -> None:
    components = [c for c in nse.fee_components("option", BEFORE) if c.name != "ipft"]
    found = fill_fees(components, Side.BUY, Fraction(3000), first=True)
    assert found["gst"] == Fraction("3.789702") and sum(found.values()) == Fraction("24.933602")


def test_fees_of_a_future() -> None:
    value = Fraction(75 * 24_600)
    for day, percent in ((BEFORE, "0.02"), (AFTER, "0.05")):
        found = fill_fees(nse.fee_components("future", day), Side.SELL, value, first=False)
        assert found["stt"] == value * Fraction(percent) / 100
        assert found["exchange"] == value * Fraction("0.00173") / 100
        assert found["brokerage"] == found["stamp"] == 0
    bought = fill_fees(nse.fee_components("future", AFTER), Side.BUY, value, first=False)
    assert bought["stt"] == 0 and bought["stamp"] == value * Fraction("0.002") / 100


def test_a_flat_fee_is_of_the_first_fill_alone() -> None:
    components = nse.fee_components("option", BEFORE)
    whole = fill_fees(components, Side.SELL, Fraction(6000), first=True)
    parts = [
        fill_fees(components, Side.SELL, Fraction(n), first=f)
        for n, f in ((1000, True), (2000, False), (3000, False))
    ]
    assert {name: sum(p[name] for p in parts) for name in whole} == whole


@pytest.mark.parametrize(("day", "percent"), [(BEFORE, "0.125"), (AFTER, "0.15")])
def test_exercise_pays_tax_on_what_it_pays(day: date, percent: str) -> None:
    found = exercise_fees(nse.fee_components("option", day), Fraction(7_537))
    assert found == {"stt": 7_537 * Fraction(percent) / 100}
    assert exercise_fees(nse.fee_components("future", day), Fraction(7_537)) == {}
    with pytest.raises(InputError, match="value of an exercise"):
        exercise_fees((), Fraction(-1))


@pytest.mark.parametrize(
    ("stt", "stamp", "rounding"),
    [
        (["19.50"], ["0.195975"], "0.304025"),  # 20 and 0
        (["0.49"], ["0.5"], "0.01"),  # 0 and 1: half goes up
        (["0.25", "0.25"], ["1"], "0.5"),  # the sum is rounded, not its parts
        (["1.5", "1.49"], [], "0.01"),
        ([], [], "0"),
    ],
)
def test_a_day_is_rounded_once(stt: list[str], stamp: list[str], rounding: str) -> None:
    paid = [{"stt": Fraction(x), "gst": Fraction("0.7")} for x in stt]
    paid += [{"stamp": Fraction(x)} for x in stamp]
    found = note_rounding(nse.fee_components("option", BEFORE), paid)
    assert found == Fraction(rounding)


def test_gross_less_fees_less_rounding_is_whole_where_only_taxes_were_paid() -> None:
    components = [c for c in nse.fee_components("option", AFTER) if c.rounding == "rupee"]
    paid = [fill_fees(components, Side.SELL, Fraction(n), first=True) for n in (13_000, 77, 999)]
    paid.append(exercise_fees(components, Fraction(412)))
    total = sum(sum(one.values()) for one in paid)
    assert (total + note_rounding(components, paid)).denominator == 1


@pytest.mark.parametrize(
    ("underlying", "expiry", "day", "lot"),
    [
        ("NIFTY", date(2025, 1, 30), date(2025, 1, 6), 25),
        ("NIFTY", date(2025, 1, 23), date(2025, 1, 6), 75),
        ("NIFTY", date(2025, 2, 27), date(2025, 1, 6), 75),
        ("NIFTY", date(2025, 9, 2), date(2025, 8, 29), 75),
        ("NIFTY", date(2026, 1, 6), date(2025, 12, 29), 65),
        ("NIFTY", date(2026, 6, 30), date(2025, 12, 30), 75),
        ("NIFTY", date(2026, 6, 30), date(2025, 12, 31), 65),
        ("BANKNIFTY", date(2025, 9, 25), date(2025, 4, 24), 30),
        ("BANKNIFTY", date(2025, 9, 25), date(2025, 4, 25), 35),
        ("BANKNIFTY", date(2026, 3, 30), date(2025, 12, 30), 35),
        ("FINNIFTY", date(2025, 3, 27), date(2025, 2, 3), 65),
        ("MIDCPNIFTY", date(2025, 8, 28), date(2025, 6, 2), 140),
        ("NIFTYNXT50", date(2026, 5, 26), date(2026, 5, 4), 25),
    ],
)
def test_lots(underlying: str, expiry: date, day: date, lot: int) -> None:
    assert nse.lot(underlying, expiry, day) == lot


def test_lots_are_those_of_every_bhavcopy() -> None:
    if not BHAVCOPIES.exists():
        pytest.skip(f"no files under {BHAVCOPIES}; set QUANTLAXMI_REAL_DATA")
    seen = set()
    for path in sorted(BHAVCOPIES.glob("*/*.csv")):
        if path.stem in ("NIFTY", "BANKNIFTY"):
            with path.open(newline="") as file:
                for row in csv.DictReader(file):
                    words = (row["TckrSymb"], row["XpryDt"], row["TradDt"], row["NewBrdLotQty"])
                    seen.add(words)
    assert len(seen) > 100
    for symbol, expiry, day, lot in seen:
        found = nse.lot(symbol, date.fromisoformat(expiry), date.fromisoformat(day))
        assert found == int(lot), (symbol, expiry, day)


def test_ticks_and_sessions() -> None:
    assert nse.tick("option", BEFORE) == FixedPoint(5, -2)
    row = nse.session_hours("option", BEFORE)
    assert (row.opens, row.closes, row.expires) == (time(9, 15), time(15, 30), time(15, 30))
    assert row.pre_opens is None and not row.unconfirmed
    late = nse.session_hours("option", date(2026, 8, 3))
    assert late.closes == time(15, 40) and late.expires == time(15, 30) and late.unconfirmed
    assert nse.session_hours("future", date(2025, 12, 8)).pre_closes == time(9, 8)
    assert nse.session_hours("future", date(2025, 12, 7)).pre_closes is None


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (
            lambda: nse.fee_components("option", date(2024, 9, 30)),
            r"venues/nse.toml \(fees\): has no row for brokerage of option on 2024-09-30, "
            r"the first begins 2024-10-01",
        ),
        (
            lambda: nse.lot("NIFTY", date(2024, 10, 31), date(2024, 10, 1)),
            r"venues/nse.toml \(lots\): has no row for NIFTY expiring 2024-10-31 on 2024-10-01, "
            r"the first begins 2024-11-20",
        ),
        (
            lambda: nse.lot("SENSEX", date(2025, 9, 2), BEFORE),
            r"has no row for SENSEX expiring 2025-09-02 on 2025-09-01$",
        ),
        (
            lambda: nse.lot("FINNIFTY", date(2026, 3, 30), date(2025, 12, 1)),
            r"has no row for FINNIFTY expiring 2026-03-30 on 2025-12-01",
        ),
        (lambda: nse.tick("future", date(2020, 1, 1)), r"\(ticks\): has no row for future on 2020"),
        (
            lambda: nse.session_hours("option", date(2020, 1, 1)),
            r"\(sessions\): has no row for option on 2020-01-01",
        ),
    ],
)
def test_a_day_that_no_row_covers_is_named(ask, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ask()


@pytest.mark.parametrize("market", ["option", "future"])
def test_special_days_have_hours_of_their_own(market: nse.Market) -> None:
    """Muhurat sessions; the days before and after have those of every day."""
    for day, opens, closes in (
        (date(2024, 11, 1), time(18), time(19)),
        (date(2025, 10, 21), time(13, 45), time(14, 45)),
    ):
        row = nse.session_hours(market, day)
        assert (row.opens, row.closes, row.expires) == (opens, closes, closes)
        for other in (day - timedelta(days=1), day + timedelta(days=1)):
            row = nse.session_hours(market, other)
            assert (row.opens, row.closes) == (time(9, 15), time(15, 30))
    assert nse.session_hours("future", date(2025, 12, 8)).pre_closes == time(9, 8)


def test_every_row_has_a_source_and_every_option_fee_a_name() -> None:
    table = nse.nse_table()
    for rows in (table.lots, table.ticks, table.sessions, table.fees):
        assert rows and all(len(row.source) > 8 for row in rows)
    names = [c.name for c in nse.fee_components("option", BEFORE)]
    expected = ["brokerage", "stt", "stt", "exchange", "ipft", "sebi", "stamp", "gst"]
    assert names == expected


FEE = """
[[fees]]
component = "stamp"
market = "option"
base = "value"
side = "buy"
percent = "0.003"
valid_from = 2020-07-01
source = "a law"
"""
LOT = """
[[lots]]
underlying = "NIFTY"
lot = 75
valid_from = 2025-01-01
source = "a file"
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (FEE + FEE, r"fees\[1\].valid_from\): was 2020-07-01, expected after 2020-07-01"),
        (LOT + LOT, r"lots\[1\]\): NIFTY from 2025-01-01 overlaps an earlier row"),
        (FEE.replace("0.003", "-1"), r"fees\[0\].percent.*was .?-1"),
        (FEE.replace("2020-07-01", '"July"'), r"valid_from.*was 'July', expected a day"),
        (FEE.replace('"value"', '"order"'), r"amount.*is missing"),
        (FEE.replace('"buy"', '"exercise"'), r"side.*was 'exercise', does not go with"),
        (FEE.replace('percent = "0.003"', ""), r"percent.*is missing"),
        (FEE.replace("source", "sauce"), r"sauce.*unknown setting; did you mean source"),
        (LOT.replace("75", "0"), r"lots\[0\].lot.*was 0"),
        (LOT.replace("2025-01-01", "2025-01-01T00:00:00"), r"valid_from.*expected a day"),
    ],
)
def test_bad_tables_are_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "t.toml"
    path.write_text('table = "nse"\nformat = 1\n' + text)
    with pytest.raises(ConfigError, match=says):
        nse_table.load_nse(path, "t.toml")


def test_hours_must_be_in_order(tmp_path: Path) -> None:
    row = nse.session_hours("future", date(2025, 12, 8))
    for changes in (
        {"closes": time(9, 0)},
        {"expires": time(16, 0)},
        {"pre_closes": None},
        {"pre_closes": time(9, 20)},
    ):
        with pytest.raises(ConfigError, match="expected"):
            row.replace(**changes)


def test_components_that_do_not_fit_together() -> None:
    good = {"name": "x", "base": "value", "side": "buy", "percent": FixedPoint(1, 0)}
    for changes, says in (
        ({"amount": FixedPoint(1, 0)}, "expected none"),
        ({"base": "taxed"}, "expected both"),
        ({"base": "taxed", "side": "both", "taxed": True}, "expected false"),
        ({"percent": FixedPoint(101, 0)}, "from 0 to 100"),
    ):
        with pytest.raises(ConfigError, match=says):
            FeeComponent(**{**good, **changes})
    with pytest.raises(InputError, match="value of a fill"):
        fill_fees([FeeComponent(**good)], Side.BUY, Fraction(-1), first=True)
