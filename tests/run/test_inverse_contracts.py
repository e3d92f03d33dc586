"""A contract that pays its profit in the coin it is of may enter nowhere."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from quantlaxmi.errors import InputError, SegmentCorrupt, SegmentError
from quantlaxmi.importers import import_capture
from quantlaxmi.instruments import Instrument, inverse_problem
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.segment import SegmentWriter, open_segment
from quantlaxmi.segment.manifest import Manifest, check_manifest
from tests.bars_files import MAPPING, bar_line, run_import
from tests.captures import T0, line
from tests.csv_texts import clean_rows, header

LINEAR = Instrument(
    symbol="BTCUSDT-PERP",
    venue="binance-usdm",
    venue_symbol="BTCUSDT",
    kind=InstrumentKind.PERP,
    price_exponent=-8,
    qty_exponent=-8,
    currency="USDT",
    base="BTC",
)


def changed(**fields: object) -> Instrument:
    return msgspec.structs.replace(LINEAR, **fields)


INVERSE = [
    changed(symbol="X", venue="bitmex", venue_symbol="XBTUSD", currency="USD"),
    changed(symbol="X", venue="deribit", venue_symbol="btc-perpetual", currency="USD"),
    changed(symbol="X", venue="binance-coinm", venue_symbol="BTCUSD_PERP", currency="USD"),
    changed(symbol="X", venue="anywhere", currency="BTC"),
    changed(symbol="X", venue="anywhere", currency="BTC", kind=InstrumentKind.FUTURE),
]


def test_linear_contracts_and_spot_pass() -> None:
    assert inverse_problem(LINEAR) == ""
    assert inverse_problem(changed(kind=InstrumentKind.SPOT, currency="BTC")) == ""


@pytest.mark.parametrize("one", INVERSE, ids=lambda one: one.venue)
def test_the_manifest_takes_none(one: Instrument, tmp_path: Path) -> None:
    expected = r"'X' of \S+ is an inverse \(coin-margined\) contract, expected a linear one"
    with pytest.raises(SegmentError, match=expected) as caught:
        SegmentWriter(tmp_path / "seg", venue="x", instruments=(LINEAR, one))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "seg" / "segment.json").exists()


def test_a_segment_that_claims_one_is_refused(tmp_path: Path, monkeypatch) -> None:
    """As a writer without the rule would have made it."""
    writer = "quantlaxmi.segment.manifest.inverse_problem"
    with monkeypatch.context() as patch:
        patch.setattr(writer, lambda one: "")
        with SegmentWriter(tmp_path / "seg", venue="x", instruments=(INVERSE[0],)) as made:
            manifest: Manifest = made.seal().manifest
    assert check_manifest(manifest)
    with pytest.raises(SegmentCorrupt, match=r"segment\.json.*inverse \(coin-margined\)"):
        open_segment(tmp_path / "seg")


def refused(text: str, format: str, folder: Path, **options: object) -> None:
    with pytest.raises(InputError, match=text) as caught:
        import_capture(format, out=folder / "seg", **options)
    assert "\n" not in str(caught.value)
    assert not (folder / "seg").exists()


def test_captures_of_coin_margined_streams_are_refused(tmp_path: Path) -> None:
    data = {"u": 1, "s": "BTCUSD_PERP", "b": "1", "B": "1", "a": "2", "A": "1"}
    text = line(T0, {"stream": "btcusd_perp@bookTicker", "data": data})
    (tmp_path / "perp").write_bytes(text + b"\n")
    refused(
        r"perp: has BTCUSD_PERP, a coin-margined \(inverse\) perpetual",
        "binance-stream",
        tmp_path,
        spot=None,
        perp=tmp_path / "perp",
    )


@pytest.mark.parametrize(
    "name", ["BTCUSD_PERP-bookTicker-2023-11.csv", "BTCUSD_PERP-fundingRate-2023-11.csv"]
)
def test_archived_coin_margined_files_are_refused(tmp_path: Path, name: str) -> None:
    kind = name.split("-")[1]
    (tmp_path / name).write_text("\n".join([header(kind), *clean_rows(kind)]) + "\n")
    text = r"csv: has BTCUSD_PERP, a coin-margined \(inverse\) perpetual"
    refused(text, "binance-vision", tmp_path, inputs=[tmp_path / name])


@pytest.mark.parametrize(
    "entry",
    [
        ("bitmex/XBTUSD", 'kind = "perp"\ncurrency = "USD"\nbase = "BTC"', "'XBTUSD' of bitmex"),
        (
            "bitmex/XBTUSD",
            'kind = "perp"\ncurrency = "USD"\nbase = "BTC"\nvenue = "mine"\nsymbol = "MINE"',
            "'MINE' of bitmex",
        ),
        ("okx/BTC-USD-SWAP", 'kind = "perp"\ncurrency = "BTC"\nbase = "BTC"', "BTC-USD-SWAP"),
        (
            "okx/BTC-USD-SWAP",
            'kind = "perp"\ncurrency = "USD"\nbase = "BTC"\ninverse = true',
            r"\.inverse\): was true, but inverse \(coin-margined\) contracts are not computed",
        ),
    ],
)
def test_no_mapping_lets_one_in(tmp_path: Path, entry: tuple[str, str, str]) -> None:
    key, body, text = entry
    rows = [
        r.replace("binance-futures,BTCUSDT", key.replace("/", ",")) for r in clean_rows("trades")
    ]
    (tmp_path / "trades.csv").write_text("\n".join([header("trades"), *rows]) + "\n")
    (tmp_path / "m.toml").write_text(f'[instruments."{key}"]\n{body}\n')
    options = {"inputs": [tmp_path / "trades.csv"], "mapping": tmp_path / "m.toml"}
    refused(text, "tardis", tmp_path, **options)


def test_bars_of_one_are_refused(tmp_path: Path) -> None:
    mapping = MAPPING.replace('venue = "binance-usdm"', 'venue = "x"\ncurrency = "BTC"')
    with pytest.raises(InputError, match=r"perp\.symbol.*inverse \(coin-margined\)"):
        run_import(tmp_path, [bar_line(0, ("1", "2"), ("1", "2"))], mapping=mapping)
