"""CSV files of venues and instruments that need a mapping; numbers finer than an exponent."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.csv_texts import clean_rows
from tests.importers.test_delimited_files import put, refuse, run, text_of

MAPPING = """
[instruments."bybit/BTCUSDT"]
kind = "perp"
currency = "USDT"
base = "BTC"
symbol = "BTCUSDT-BYBIT"
price_exponent = -1
qty_exponent = -3
"""


def test_an_instrument_that_is_not_known_needs_a_mapping(tmp_path: Path) -> None:
    rows = [row.replace("binance-futures", "bybit") for row in clean_rows("book_snapshot_2")]
    path = put(tmp_path / "file.csv", text_of("book_snapshot_2", rows))
    refuse(tmp_path, r"has bybit/BTCUSDT, .*--mapping FILE with \[instruments", "tardis", path)
    mapping = put(tmp_path / "map.toml", MAPPING.encode())
    result = run(tmp_path, "tardis", path, mapping=mapping)
    [instrument] = result.segment.instruments
    assert (instrument.symbol, instrument.venue) == ("BTCUSDT-BYBIT", "bybit")
    assert result.segment.columns("depth")["price"][:2].tolist() == [1000, 990]


def test_numbers_finer_than_the_exponent_end_the_import(tmp_path: Path) -> None:
    path = put(tmp_path / "file.csv", text_of("quotes").replace(b"100.05", b"100.0500000001"))
    refuse(tmp_path, r"\(line \d\): holds '100.0500000001', finer than 10\*\*-8", "tardis", path)


def test_sizes_of_trades_that_are_printed_as_doubles_are_rounded_and_noted(tmp_path: Path) -> None:
    """As OKX's archive has them; half to even. What rounds to nothing is no trade."""
    texts = ("0.00044782999999999997", "1e-05", "0.000000015", "0.000000025", "0.5", "1e-9")
    lines = [
        f"BTC-USDT,{7 + k},buy,104933.5,{text},{1737331200000 + k}" for k, text in enumerate(texts)
    ]
    head = "instrument_name,trade_id,side,price,size,created_time"
    path = put(tmp_path / "BTC-USDT-trades-2025-01-20.csv", "\n".join([head, *lines, ""]).encode())
    result = run(tmp_path, "okx", path, max_quarantine=Fraction(1))
    assert result.segment.columns("trades")["qty"].tolist() == [44783, 1000, 2, 2, 50_000_000]
    assert result.quarantine_reasons == {"bad-quantity": 1}
    noted = (
        f"{path.name}: sizes of 3 trades of BTC-USDT have digits beyond the exponent and were "
        "rounded, half to even."
    )
    assert noted in result.segment.manifest.notes


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("x", "is not TOML"),
        ("", ".*instruments.*is missing"),
        (
            MAPPING.replace("perp", "option"),
            ".*BTCUSDT\".kind.*was 'option', expected spot or perp",
        ),
        (MAPPING + "colour = 1", 'BTCUSDT".colour.*unknown setting'),
        (
            MAPPING.replace("-3", "-300"),
            ".*qty_exponent.*was -300, expected a whole number",
        ),
        ("\n" * ((1 << 20) + 1), "is longer than"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(tmp_path: Path, text: str, match: str) -> None:
    path = put(tmp_path / "file.csv", text_of("quotes"))
    mapping = put(tmp_path / "map.toml", text.encode())
    refuse(tmp_path, f"map.toml.*{match}", "tardis", path, mapping=mapping)
    refuse(tmp_path, "cannot be read", "tardis", path, mapping=tmp_path / "no.toml")
