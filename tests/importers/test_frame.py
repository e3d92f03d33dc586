"""A frame is the segment that the same data make on disk, with the same digest."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv

import quantlaxmi as ql
from quantlaxmi._ext.decimal_text import parse_decimal
from quantlaxmi.importers import import_capture
from quantlaxmi.importers.bars.terms import BarsTerms
from quantlaxmi.importers.bars.value_cells import ValueCells
from quantlaxmi.segment import Segment, verify_segment

START = 1_704_067_200  # 2024-01-01
HOUR = 3600
REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
Frame = dict[str, list[Any]]


def frame_of(n: int = 60, seed: int = 1) -> Frame:
    """Hourly bars of a walk, floats of at most five decimals."""
    rng = np.random.default_rng(seed)
    close = np.round(100 + np.cumsum(rng.normal(0, 0.1, n)), 3)
    opened = np.round(np.r_[100.0, close[:-1]] + rng.normal(0, 0.01, n), 5)
    return {
        "time": [START + HOUR * k for k in range(n)],
        "open": opened.tolist(),
        "high": np.round(np.maximum(opened, close) + 0.5, 5).tolist(),
        "low": np.round(np.minimum(opened, close) - 0.5, 5).tolist(),
        "close": close.tolist(),
        "volume": np.round(rng.uniform(0, 100, n), 4).tolist(),
    }


def on_disk(frame: Frame, folder: Path, **terms: Any) -> Segment:
    """The segment of the same columns as CSV text."""
    path = folder / "bars.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(frame)
        writer.writerows(zip(*frame.values(), strict=True))
    terms = {"symbols": ("BTCUSDT",)} | terms
    done = import_capture("bars", inputs=[path], out=folder / "out", bars=BarsTerms(**terms))
    return done.segment


def same(frame: Any, disk: Segment, **told: Any) -> ql.Segment:
    """Compare a frame's segment with one on disk; return it, saved."""
    held = ql.from_frame(frame, **({"symbol": "BTCUSDT"} | told))
    assert held.digest == disk.digest
    assert held.segment_id == disk.segment_id
    assert held.instruments == tuple(disk.instruments)
    assert held.gaps == tuple(disk.gaps)
    assert held.notes == tuple(disk.manifest.notes)
    assert held.cadence == disk.cadence == "bars"
    return held


def test_frame_is_the_segment_on_disk_and_saves_it(tmp_path: Path) -> None:
    frame = frame_of()
    held = same(frame, on_disk(frame, tmp_path))
    saved = held.save(tmp_path / "saved")
    assert saved.digest == held.digest
    assert saved.manifest.notes == held.notes
    verify_segment(tmp_path / "saved")
    with pytest.raises(ql.InputError, match="exists"):
        held.save(tmp_path / "saved")
    assert held.counts["quotes"].rows == saved.counts["quotes"].rows == 120


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("Date", "Open", "HIGH", "low", "Close", "Volume"), (4, 5, 0, 2, 1, 3)),
        (("open_time", "o", "h", "l", "c", "v"), (0, 1, 2, 3, 4, 5)),
        (("", "Open", "High", "Low", "Close", "Vol."), (0, 1, 2, 3, 4, 5)),
        (("Unnamed: 0", "open_price", "High", "Low", "Close", "base volume"), (1, 0, 3, 2, 5, 4)),
    ],
)
def test_frame_names_and_order_of_columns(
    names: tuple[str, ...], order: tuple[int, ...], tmp_path: Path
) -> None:
    plain, columns = on_disk(frame_of(), tmp_path), list(frame_of().values())
    frame = {names[k]: columns[k] for k in order}
    assert ql.from_frame(frame, "BTCUSDT").digest == plain.digest
    (tmp_path / "b").mkdir()
    same(frame, on_disk(frame, tmp_path / "b"))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_frame_times_in_any_unit_and_zone(unit: str, zone: str | None, tmp_path: Path) -> None:
    frame = frame_of()
    disk = on_disk(frame, tmp_path)
    scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    whole = [value * scale for value in frame["time"]]
    assert ql.from_frame(frame | {"time": whole}, "BTCUSDT").digest == disk.digest
    times = pa.array(whole, pa.int64()).cast(pa.timestamp(unit, zone))
    assert ql.from_frame(frame | {"time": times}, "BTCUSDT").digest == disk.digest
    table = pa.table(frame | {"time": times})
    assert ql.from_frame(table, "BTCUSDT").digest == disk.digest
    batch = pa.RecordBatch.from_pydict(frame | {"time": times})
    assert ql.from_frame(batch, "BTCUSDT").digest == disk.digest


def test_frame_reversed_is_read_from_its_end(tmp_path: Path) -> None:
    frame = {name: values[::-1] for name, values in frame_of().items()}
    held = same(frame, on_disk(frame, tmp_path))
    assert held.first_ts_ns == START * 10**9


def test_frame_many_rows_pass_batches(tmp_path: Path) -> None:
    frame = frame_of(20_000)
    del frame["time"][5000], frame["time"][17_000]
    for name in ("open", "high", "low", "close", "volume"):
        del frame[name][5000], frame[name][17_000]
    assert len(same(frame, on_disk(frame, tmp_path)).gaps) == 2


def test_frame_pair_by_kinds_and_by_symbols(tmp_path: Path) -> None:
    frames = {"spot": frame_of(seed=1), "perp": frame_of(seed=2)}
    paths = []
    for kind, frame in frames.items():
        (tmp_path / kind).mkdir()
        on_disk(frame, tmp_path / kind)
        paths.append(tmp_path / kind / "bars.csv")
    terms = BarsTerms(symbols=("BTCUSDT",), kinds=("spot", "perp"))
    disk = import_capture("bars", inputs=paths, out=tmp_path / "out", bars=terms).segment
    same(frames, disk)
    named = {"BTC-PERP": frames["perp"], "BTCUSDT": frames["spot"]}
    kinds = {"BTC-PERP": "perp", "BTCUSDT": "spot"}
    held = ql.from_frame(named, kind=kinds, currency="USDT", base="BTC", costs={"share": 0.1})
    assert held.digest == disk.digest
    assert [one.kind.value for one in held.instruments] == ["spot", "perp"]


def test_frame_text_nulls_and_types_are_those_of_csv(tmp_path: Path) -> None:
    frame = frame_of()
    disk = on_disk(frame, tmp_path)
    texts = {name: [repr(value) for value in values] for name, values in frame.items()}
    assert ql.from_frame(texts, "BTCUSDT").digest == disk.digest
    exact = frame | {"close": [Decimal(repr(value)) for value in frame["close"]]}
    assert ql.from_frame(exact, "BTCUSDT").digest == disk.digest
    arrays = {name: np.array(values) for name, values in frame.items()}
    assert ql.from_frame(arrays, "BTCUSDT").digest == disk.digest
    coded = frame | {"open": pa.array(frame["open"]).dictionary_encode()}
    assert ql.from_frame(coded, "BTCUSDT").digest == disk.digest


def test_frame_floats_are_their_shortest_text() -> None:
    rng = np.random.default_rng(3)
    values = np.r_[
        rng.uniform(0, 1e6, 3000).round(8), rng.uniform(0, 1, 3000), rng.uniform(0, 1e9, 3000),
        rng.integers(1, 10**9, 1000) / 1e8, [0.1 + 0.2, 1e-8, 5e-9, 1e15, 92233720368.0, 1e22, 0.0],
    ]  # fmt: skip
    for rounding in (-1, 0):
        good, rounded = np.ones(len(values), np.uint8), np.zeros(len(values), np.uint8)
        found = ValueCells(pa.array(values)).decimals(-8, rounding, good, rounded)
        for value, mantissa, kept in zip(values.tolist(), found.tolist(), good, strict=True):
            try:
                expected = parse_decimal(repr(value), -8, rounding) if rounding >= 0 else (
                    parse_decimal(repr(value), -8)
                )  # fmt: skip
            except ql.FixedPointError:
                assert not kept, value
            else:
                assert (mantissa if kept else expected) == expected, value


@pytest.mark.parametrize("name", ["open", "close"])
def test_frame_of_noisy_floats_rounds_when_asked(name: str, tmp_path: Path) -> None:
    frame = frame_of()
    frame[name][7] += 1e-11
    with pytest.raises(ql.InputError, match=rf"frame \(row 7\): column '{name}' was .*set round"):
        ql.from_frame(frame, "BTCUSDT")
    same(frame, on_disk(frame, tmp_path, round=True), round=True)


def test_frame_on_a_strategy_gives_the_run_of_its_file(tmp_path: Path) -> None:
    frames = {"spot": frame_of(200, 1), "perp": frame_of(200, 2)}
    held = ql.from_frame(frames, "BTCUSDT", costs={"half_spread_bps": "0.5"})
    saved = held.save(tmp_path / "saved")
    costs = ql.CostModel.binance()
    runs = [ql.backtest(data, "basis_capture", costs=costs) for data in (held, saved)]
    assert runs[0].trace.trace_hash == runs[1].trace.trace_hash
    assert len(runs[0].trace.decisions) > 0


def test_frame_needs_no_frame_library() -> None:
    """Arrow loads pandas where it is installed; here neither library can be."""
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('pandas', 'polars'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import quantlaxmi as q\n"
        f"print(q.from_frame({frame_of(5)!r}, 'BTCUSDT').n_messages)\n"
        "print([m for m in ('numba', 'matplotlib', 'scipy.stats') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split("\n") == ["15", "[]", ""], done.stderr


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("crypto/spot_perp_1d_2021_2024/spot_BTCUSDT_1d_20210101_20241231.csv", "spot"),
        ("crypto/spot_perp_1d_2021_2024/perp_BTCUSDT_1d_20210101_20241231.csv", "perp"),
        ("crypto/nautilus/btc-perp-20211231-20220201_1m.csv", "spot"),
        ("reference/backtesting_py/EURUSD.csv", "spot"),
        ("reference/backtesting_py/GOOG.csv", "spot"),
    ],
)
def test_frame_of_real_files(path: str, kind: str, tmp_path: Path) -> None:
    file = REAL / path
    if not file.exists():
        pytest.skip(f"no real bars {file}; set QUANTLAXMI_REAL_DATA")
    symbol = "BTCUSDT" if "crypto" in path else file.stem
    terms = {"currency": "USD", "base": "GOOG"} if symbol == "GOOG" else {}
    options = BarsTerms(symbols=(symbol,), kinds=(kind,), **terms)
    done = import_capture("bars", inputs=[file], out=tmp_path / "out", bars=options)
    same(arrow_csv.read_csv(file), done.segment, symbol=symbol, kind=kind, **terms)
