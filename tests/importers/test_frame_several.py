"""Frames of several instruments are one segment: in memory, from files, and from a mapping."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import quantlaxmi as ql
from quantlaxmi.cli import main_crypto
from quantlaxmi.importers import import_capture
from quantlaxmi.importers.bars.terms import BarsTerms
from tests.importers.test_frame import frame_of

Told = dict[str, Any]


def several(*names: str) -> dict[str, dict[str, list[Any]]]:
    return {name: frame_of(seed=k) for k, name in enumerate(names, 1)}


def written(frames: dict[str, dict[str, list[Any]]], folder: Path) -> list[Path]:
    paths = []
    for name, frame in frames.items():
        paths.append(folder / f"{name}.csv")
        with paths[-1].open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(frame)
            writer.writerows(zip(*frame.values(), strict=True))
    return paths


def test_several_are_the_segment_of_their_files_and_of_the_mapping_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A segment of bars held one pair at most, and a third frame was refused."""
    frames = several("BTCUSDT", "ETHUSDT", "SOLUSDT")
    held = ql.from_frame(frames, kind="perp")
    assert [one.symbol for one in held.instruments] == [f"{name}-PERP" for name in frames]
    paths = written(frames, tmp_path)
    terms = BarsTerms(symbols=tuple(frames), kinds=("perp",))
    disk = import_capture("bars", inputs=paths, out=tmp_path / "a", bars=terms).segment
    assert (held.digest, held.instruments) == (disk.digest, tuple(disk.instruments))
    assert held.notes == tuple(disk.manifest.notes)
    given = [word for path in paths for word in ("--input", str(path))]
    command = ["import", "--format", "bars", *given]
    told = ["--symbol", ",".join(frames), "--kind", "perp", "--explain-mapping"]
    assert main_crypto([*command, *told, "--out", str(tmp_path / "b")]) == 0
    mapping = capsys.readouterr().out
    assert mapping.count("[[more]]") == 2
    (tmp_path / "m.toml").write_text(mapping)
    words = ["--mapping", str(tmp_path / "m.toml"), "--out", str(tmp_path / "c")]
    assert main_crypto([*command, *words]) == 0
    assert ql.open_segment(tmp_path / "b").digest == held.digest
    assert ql.open_segment(tmp_path / "c").digest == held.digest


class Follows(ql.BarStrategy):
    strategy_id = "follows"

    def next(self) -> None:
        for symbol in ("BTCUSDT", "ETHUSDT", "ETH-PERP"):
            bar = self.data[symbol]
            self.target(symbol, 1 if bar.close[-1] > bar.open[-1] else 0)


def test_a_strategy_trades_instruments_of_two_bases_by_both_routes(tmp_path: Path) -> None:
    spots, perp = several("BTCUSDT", "ETHUSDT"), frame_of(seed=9)
    held = ql.from_frame(
        {"BTCUSDT": spots["BTCUSDT"], "ETH": perp, "ETHUSDT": spots["ETHUSDT"]},
        kind={"BTCUSDT": "spot", "ETH": "perp", "ETHUSDT": "spot"},
        base={"ETH": "ETH"},
        currency={"ETH": "USDT"},
    )
    # The first spot market, the first perpetual, then the others.
    assert [(one.symbol, one.kind.value, one.base) for one in held.instruments] == [
        ("BTCUSDT", "spot", "BTC"),
        ("ETH-PERP", "perp", "ETH"),
        ("ETHUSDT", "spot", "ETH"),
    ]
    costs = ql.CostModel.binance()
    run = ql.backtest(held, Follows, costs=costs)
    assert set(run.fills()["symbol"]) == {"BTCUSDT", "ETH-PERP", "ETHUSDT"}
    assert sum(run.trades(by_instrument=True)["net"]) == run.net
    again = ql.replay(held.save(tmp_path / "s"), Follows, costs=costs)
    assert again.trace.trace_hash == run.trace.trace_hash


@pytest.mark.parametrize(
    ("names", "told", "kinds"),
    [
        (("BTCUSDT", "BTC-PERP"), {"base": "BTC", "currency": "USDT"}, ["spot", "perp"]),
        (("BTCUSDT", "ETHUSDT"), {}, ["spot", "spot"]),
        (("AAPL", "MSFT"), {"currency": "USD"}, ["spot", "spot"]),
        (("BTCUSDT", "BTCUSDC"), {"kind": "perp"}, ["perp", "perp"]),
        (("BTCUSDT", "BTCEUR"), {}, ["spot", "spot"]),
        (("BTCUSDT", "BTCUSDT-PERP"), {}, ["spot", "perp"]),
        (("BTCUSDT-PERP", "BTCUSDT"), {}, ["spot", "perp"]),
    ],
)
def test_two_frames_are_a_pair_where_they_are_of_one_base(
    names: tuple[str, str], told: Told, kinds: list[str]
) -> None:
    """The second of two coins became a perpetual, and nothing said so."""
    held = ql.from_frame(several(*names), **told)
    assert [one.kind.value for one in held.instruments] == kinds


def test_a_perpetual_keeps_a_name_that_says_so() -> None:
    """It was BTCUSDT-PERP-PERP, which no strategy asks for; two currencies were one pair."""
    held = ql.from_frame(several("BTCUSDT-PERP", "BTCUSDT"))
    assert [one.symbol for one in held.instruments] == ["BTCUSDT", "BTCUSDT-PERP"]
    alone = ql.from_frame(several("x")["x"], symbol="BTCUSDT-PERP", kind="perp")
    assert [(one.symbol, one.base) for one in alone.instruments] == [("BTCUSDT-PERP", "BTC")]
    other = ql.from_frame(several("BTCUSDT", "BTCEUR"))
    assert [one.currency for one in other.instruments] == ["USDT", "EUR"]


@pytest.mark.parametrize("names", [("BTCUSDT-PERP",), ("BTCUSDT-PERP", "ETHUSDT-PERP")])
def test_a_perpetual_s_name_is_no_spot_market(names: tuple[str, ...]) -> None:
    """They became spot markets of that name, since spot is the default."""
    with pytest.raises(ql.ConfigError) as error:
        ql.from_frame(several(*names))
    assert "was 'BTCUSDT-PERP', expected kind perp for the name of a perpetual" in str(error.value)
    held = ql.from_frame(several(*names), kind="perp")
    assert [one.symbol for one in held.instruments] == list(names)


def test_venues_by_key_find_the_fees_of_each() -> None:
    pair = several("spot", "perp")
    venues = {"spot": "binance", "perp": "binance-usdm"}
    held = ql.from_frame(pair, symbol="BTCUSDT", venue=venues)
    assert [one.venue for one in held.instruments] == list(venues.values())
    assert ql.backtest(held, "basis_capture").n_messages == held.counts["quotes"].rows
    with pytest.raises(ql.ConfigError) as error:
        ql.backtest(ql.from_frame(pair, symbol="BTCUSDT"), "basis_capture")
    assert "has no row for spot at bars; give the rates (costs=, --costs), or import with" in str(
        error.value
    )


@pytest.mark.parametrize(
    ("frames", "told", "sentence"),
    [
        (
            several("spot", "perp", "more"),
            {"symbol": "BTCUSDT"},
            "from_frame: was given 3 frames of one symbol; expected a dict by symbol",
        ),
        (several("A", "B"), {"kind": {"A": "spot"}}, "has no kind of 'B'; expected spot or perp"),
        (several("A", "B"), {"base": {"A": 5}}, "has base 5 of 'A'; expected a text"),
        (
            several(*(f"A{k}USDT" for k in range(65))),
            {},
            "from_frame: was given 65 frames; expected at most 64",
        ),
    ],
)
def test_several_refusals_are_one_sentence(frames: Any, told: Told, sentence: str) -> None:
    with pytest.raises(ql.InputError, match=re.escape(sentence)):
        ql.from_frame(frames, **told)


def test_a_mapping_of_several_says_what_is_wrong(tmp_path: Path) -> None:
    leg = 'open = "open"\nclose = "close"\nvolume = "volume"\n'
    more = f'[[more]]\nkind = "spot"\nsymbol = "ETHUSDT"\ninput = 2\n{leg}'
    head = 'interval = "1h"\nhalf_spread_bps = 1\n[time]\ncolumn = "time"\nunit = "s"\n'
    first = f'[spot]\nsymbol = "BTCUSDT"\n{leg}'
    paths = written(several("BTCUSDT", "ETHUSDT"), tmp_path)
    for text, said in (
        (head + more, "names no bars; expected a table [spot], [perp] or both"),
        (head + first + more.replace("ETH", "BTC"), "(symbol): was 'BTCUSDT' for two"),
        (head + first + more.replace('"spot"', '"swap"'), "(more[0].kind): was 'swap'"),
        (
            head + first + more.replace('"close"', '"clse"'),
            "lacks column 'clse', which more[0].close names",
        ),
        (
            head + first.replace("spot", "perp") + more + '[funding]\nrate = "r"\n',
            "(funding): was given with [[more]]; expected one pair, or no funding",
        ),
    ):
        (tmp_path / "m.toml").write_text(text)
        with pytest.raises(ql.QuantlaxmiError) as error:
            import_capture(
                "bars", inputs=paths, out=tmp_path / "x", mapping=str(tmp_path / "m.toml")
            )
        assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["__index_level_0__", "None"])
def test_an_index_that_arrow_or_polars_named_is_a_time(name: str) -> None:
    """What pyarrow.Table.from_pandas and polars.from_pandas call an index without a name."""
    frame = frame_of()
    known = ql.from_frame(frame, "BTCUSDT")
    renamed = {(name if column == "time" else column): v for column, v in frame.items()}
    assert ql.from_frame(pa.table(renamed), "BTCUSDT").digest == known.digest


def test_a_first_row_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A time that is none had no row, and a line that was cut was told to have an empty time."""
    frame = several("x")["x"]
    name = next(iter(frame))
    wrong = frame | {name: ["soon", *map(str, frame[name][1:])]}
    with pytest.raises(ql.InputError) as error:
        ql.from_frame(wrong, symbol="BTCUSDT")
    assert f"frame (row 0): column '{name}' was 'soon'; expected a time" in str(error.value)
    head = "time,open,high,low,close,volume\n"
    for text, said in (
        (head + "soon,1,2,0.5,1,9\n", "(line 2): column 'time' was 'soon'; expected a time"),
        (head + "2024-01-01,1,2,0.5", "(line 2): has 4 of 6 cells and no newline"),
    ):
        (tmp_path / "bars.csv").write_text(text)
        with pytest.raises(ql.InputError) as error:
            terms = BarsTerms(symbols=("BTCUSDT",), kinds=("spot",))
            import_capture("bars", inputs=[tmp_path / "bars.csv"], out=tmp_path / "s", bars=terms)
        assert said in str(error.value)
    assert not (tmp_path / "s").exists()
