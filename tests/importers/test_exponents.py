"""What an import writes is what it reads, at exponents of tick and lot; in Fractions."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quantlaxmi.venues
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.importers import ImportResult, import_binance_stream, tick_sizes
from quantlaxmi.importers.exponents import fitted
from quantlaxmi.importers.synthetic import SPOT
from quantlaxmi.schema import TABLES, InstrumentKind
from tests.captures import MS, T0, columns_of, mark, perp_lines, snapshot, spot_lines, ticker, trade
from tests.depth import examples

FITTED = True
DAY = 86_400 * 10**9
PRICES = ("bid", "ask", "price", "mark", "index")
QTYS = ("bid_qty", "ask_qty", "qty")
RULES = tomllib.loads(
    (Path(quantlaxmi.venues.__file__).parent / "binance.toml").read_text(encoding="utf-8")
)["rules"]


def texts(folder: Path, spot: list[bytes] | None, perp: list[bytes] | None) -> list[Path | None]:
    folder.mkdir()
    paths: list[Path | None] = []
    for name, lines in (("spot", spot), ("perp", perp)):
        paths.append(None if lines is None else folder / name)
        if lines is not None:
            (folder / name).write_bytes(b"\n".join(lines) + b"\n")
    return paths


def run(folder: Path, spot: list[bytes] | None, perp: list[bytes] | None = None) -> ImportResult:
    return import_binance_stream(*texts(folder, spot, perp), folder / "seg")


def read(folder: Path, spot: list[bytes] | None, perp: list[bytes] | None = None) -> ImportResult:
    """The same at 10**-8."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tick_sizes, "fitted", lambda one, ts_ns, kept: one)
        return run(folder, spot, perp)


def assert_same_values(found: ImportResult, expected: ImportResult) -> None:
    """Every price and quantity, as a Fraction; every other column as it is."""
    one, two = columns_of(found), columns_of(expected)
    instruments = (found.segment.instruments, expected.segment.instruments)
    for table in TABLES:
        for name in TABLES[table]:
            values = []
            for columns, own in zip((one, two), instruments, strict=True):
                exponents = [
                    i.price_exponent if name in PRICES else i.qty_exponent if name in QTYS else 0
                    for i in own
                ]
                rows = zip(columns[table][name], columns[table]["instrument"], strict=True)
                values.append([v * Fraction(10) ** exponents[k] for v, k in rows])
            assert values[0] == values[1], f"{table}.{name}"
    steps = [
        [
            (i.tick * Fraction(10) ** i.price_exponent, i.lot * Fraction(10) ** i.qty_exponent)
            for i in own
        ]
        for own in instruments
    ]
    assert steps[0] == steps[1]


def exponents(result: ImportResult) -> list[tuple[int, int]]:
    return [(i.price_exponent, i.qty_exponent) for i in result.segment.instruments]


def least(name: str, venue: str, ts_ns: int) -> int:
    """Digits after the point of the finest step in the table from a time on."""
    mine = [r for r in RULES if (r["venue"], r["symbol"]) == (venue, "BTCUSDT")]
    assert len(mine) >= 1 and all(name in r for r in mine)
    return max(len(r[name].partition(".")[2].rstrip("0")) for r in mine)


def test_exponents_are_those_of_tick_and_lot(tmp_path: Path) -> None:
    found = run(tmp_path / "fit", spot_lines(), perp_lines())
    # Marks of this perpetual are finer than half its tick: its prices stay.
    assert (
        exponents(found)
        == [
            (-least("tick", "binance", T0), -least("lot", "binance", T0)),
            (-8, -least("lot", "binance-usdm", T0)),
        ]
        == [(-2, -5), (-8, -3)]
    )
    assert_same_values(found, read(tmp_path / "read", spot_lines(), perp_lines()))
    assert found.segment.manifest.notes == ()
    assert [(i.tick, i.lot) for i in found.segment.instruments] == [(1, 1), (10**7, 1)]


@pytest.mark.parametrize(
    ("marks", "exponent"),
    [
        ([], -2),  # tick 0.1; a mid is a multiple of 0.05
        (["99.95", "100", "100.05000000"], -2),
        (["99.95", "100.055"], -8),  # index and mark count
    ],
)
def test_prices_of_a_derivative_follow_its_tick_where_its_marks_fit(tmp_path, marks, exponent):
    lines = [one for one in perp_lines() if b"markPrice" not in one]
    for k, text in enumerate(marks):
        lines.append(mark(T0 + (500 + k) * MS, p=text, i="99.9"))
    found = run(tmp_path / "fit", None, lines)
    assert exponents(found) == [(exponent, -3)]
    assert_same_values(found, read(tmp_path / "read", None, lines))
    assert not [note for note in found.segment.manifest.notes if "finer than" in note]


NUMBERS = st.decimals("0.01", "99", places=2).map(str)


@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from(["1", "0.5", "0.00001", "3.125"]))),
    st.sampled_from(["", "price", "qty", "both"]),
)
def test_values_are_those_that_were_read(tmp_path_factory, rows, fine) -> None:
    """Finer rows keep 10**-8 for what they are finer in, with a note."""
    folder = tmp_path_factory.mktemp("fit")
    lines = spot_lines(12)
    for k, (bid, above, size) in enumerate(rows):
        ask = str(Decimal(bid) + Decimal(above))
        lines.append(ticker(T0 + (400 + k) * MS, 5000 + k, bid, ask, B=size))
    at = T0 + (450 + len(rows)) * MS
    if fine in ("price", "both"):
        lines.append(trade(at, 9000, p="100.001"))
    if fine in ("qty", "both"):
        lines.append(snapshot(at + MS, 9001, [["100.00", "3.00000001"]], [["100.02", "4"]]))
    found = run(folder / "fit", lines)
    kept = [(what, e) for what, e in zip(("price", "qty"), exponents(found)[0], strict=True)]
    assert kept == [
        ("price", -8 if fine in ("price", "both") else -2),
        ("qty", -8 if fine in ("qty", "both") else -5),
    ]
    assert_same_values(found, read(folder / "read", lines))
    said = [note for note in found.segment.manifest.notes if "finer than" in note]
    assert len(said) == {"": 0, "both": 2}.get(fine, 1)


def test_what_no_table_knows_keeps_what_is_read(tmp_path: Path) -> None:
    early = T0 - 1500 * DAY
    assert exponents(run(tmp_path / "early", spot_lines(ts=early))) == [(-8, -8)]
    lines = [x.replace(b"BTCUSDT", b"PEPEUSDT").replace(b"btc", b"pepe") for x in spot_lines()]
    assert exponents(run(tmp_path / "other", lines)) == [(-8, -8)]


class Rule:
    def __init__(self, tick: str, lot: str) -> None:
        self.tick, self.lot = FixedPoint.from_text(tick), FixedPoint.from_text(lot)


@pytest.mark.parametrize(
    ("rules", "expected", "halves"),
    [
        ([("0.01", "0.001")], (-2, -3), -3),
        ([("0.10", "1000")], (-1, 0), -2),
        ([("0.2", "1")], (-1, 0), -1),
        ([("0.1", "1"), ("0.01", "10")], (-2, 0), -3),  # a later, finer one counts
        ([("0.000000001", "0")], (-8, -8), -8),  # finer than anything read; not known
        ([("0.25", "0.5"), ("0", "1")], (-8, -1), -8),
        ([], (-8, -8), -8),
    ],
)
def test_the_finest_step_of_the_time_or_later_counts(monkeypatch, rules, expected, halves) -> None:
    made = [Rule(*one) for one in rules]
    monkeypatch.setattr("quantlaxmi.importers.exponents.rules_from", lambda *_: made)
    plain = msgspec.structs.replace(SPOT, price_exponent=-8, qty_exponent=-8, tick=0, lot=0)
    got = fitted(plain, T0, ())
    assert (got.price_exponent, got.qty_exponent) == expected
    perp = msgspec.structs.replace(plain, kind=InstrumentKind.PERP)
    assert fitted(perp, T0, ()).price_exponent == halves
    assert fitted(perp, T0, {(perp.symbol, "mark")}).price_exponent == -8
    option = msgspec.structs.replace(perp, strike=10**12)
    assert fitted(option, T0, ()).price_exponent == -8
    told = fitted(msgspec.structs.replace(plain, tick=25 * 10**5, lot=10**11), T0, ())
    assert (told.price_exponent, told.tick, told.qty_exponent, told.lot) == (-3, 25, 0, 1000)
    given = msgspec.structs.replace(plain, qty_exponent=-6)
    assert fitted(given, T0, ()) == given
    assert fitted(plain, T0, {(plain.symbol, "qty")}).qty_exponent == -8
