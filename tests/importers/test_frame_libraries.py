"""Frames of pandas and Polars, which are for tests only."""

from __future__ import annotations

from pathlib import Path

import pytest

import quantlaxmi as ql
from quantlaxmi.importers import import_capture
from quantlaxmi.importers.bars.terms import BarsTerms
from tests.importers.test_frame import frame_of, on_disk

TERMS = BarsTerms(symbols=("BTCUSDT",))


def test_frame_of_pandas_with_every_kind_of_index(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed; the extra dev has it")
    plain = frame_of()
    disk = on_disk(plain, tmp_path)
    index = pd.to_datetime(plain["time"], unit="s")
    bars = pd.DataFrame({k: v for k, v in plain.items() if k != "time"}, index=index)
    for own in (index, index.tz_localize("UTC").tz_convert("Asia/Tokyo"), index.as_unit("ms")):
        assert ql.from_frame(bars.set_axis(own), "BTCUSDT").digest == disk.digest
    assert ql.from_frame(pd.DataFrame(plain), "BTCUSDT").digest == disk.digest
    assert ql.from_frame(bars.rename_axis("Date").reset_index(), "BTCUSDT").digest == disk.digest
    periods = bars.set_axis(index.to_period("h"))
    assert ql.from_frame(periods, "BTCUSDT").digest == disk.digest
    levels = bars.copy()
    levels.columns = pd.MultiIndex.from_product([bars.columns, ["BTCUSDT"]])
    assert ql.from_frame(levels, "BTCUSDT").digest == disk.digest
    bars.to_csv(tmp_path / "plain.csv")  # the index has no name
    done = import_capture("bars", inputs=[tmp_path / "plain.csv"], out=tmp_path / "o", bars=TERMS)
    assert done.segment.digest == disk.digest


def test_frame_of_pandas_with_types_that_csv_writes_otherwise(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed; the extra dev has it")
    bars = pd.DataFrame(frame_of())
    bars = bars.astype({"volume": "float32", "open": "object", "close": "Float64"})
    bars.to_csv(tmp_path / "bars.csv", index=False)
    done = import_capture("bars", inputs=[tmp_path / "bars.csv"], out=tmp_path / "o", bars=TERMS)
    assert ql.from_frame(bars, "BTCUSDT").digest == done.segment.digest


def test_frame_of_pandas_refusals() -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed; the extra dev has it")
    plain = frame_of()
    bars = pd.DataFrame(plain)
    with pytest.raises(ql.InputError, match="has an index of 2 levels; expected one, of time"):
        ql.from_frame(bars.set_index(["time", "volume"]), "BTCUSDT")
    with pytest.raises(ql.InputError, match=r"was of type pandas.*Series; expected a data frame"):
        ql.from_frame(bars["close"], "BTCUSDT")
    with pytest.raises(ql.InputError, match="has column 'close' twice"):
        ql.from_frame(pd.concat([bars, bars["close"]], axis=1), "BTCUSDT")
    named = bars.set_index(pd.to_datetime(bars.pop("time"), unit="s").rename(None))
    named.loc[named.index[4], "close"] = float("nan")
    with pytest.raises(ql.InputError, match=r"frame \(row 4\): column 'close' was 'nan'"):
        ql.from_frame(named, "BTCUSDT")
    twice = pd.concat([named.iloc[:3], named.iloc[2:4]])
    with pytest.raises(ql.InputError, match=r"frame \(row 3\): the index: the bar of row 2"):
        ql.from_frame(twice, "BTCUSDT")
    two = pd.concat({"A": named, "B": named}, axis=1)
    with pytest.raises(ql.InputError, match="columns of several instruments in levels"):
        ql.from_frame(two, "BTCUSDT")


def test_frame_of_polars(tmp_path: Path) -> None:
    pl = pytest.importorskip("polars", reason="Polars is not installed; the extra dev has it")
    plain = frame_of()
    disk = on_disk(plain, tmp_path)
    bars = pl.DataFrame(plain)
    assert ql.from_frame(bars, "BTCUSDT").digest == disk.digest
    for unit in ("ms", "us", "ns"):
        timed = bars.with_columns(pl.from_epoch("time", time_unit="s").cast(pl.Datetime(unit)))
        assert ql.from_frame(timed, "BTCUSDT").digest == disk.digest
    zoned = timed.with_columns(pl.col("time").dt.replace_time_zone("UTC"))
    zoned = zoned.with_columns(pl.col("time").dt.convert_time_zone("America/New_York"))
    assert ql.from_frame(zoned.lazy(), "BTCUSDT").digest == disk.digest


def test_trading_days_of_a_zone_with_summer_time_say_what_to_do() -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed; the extra dev has it")
    index = pd.date_range("2024-03-01", periods=20, freq="B", tz="America/New_York")
    prices = dict.fromkeys(("open", "high", "low", "close"), 10.0)
    days = pd.DataFrame({**prices, "volume": 5}, index=index)
    with pytest.raises(ql.InputError, match=r"multiple of 86400 s; summer time .* tz_localize"):
        ql.from_frame(days, "AAPL", currency="USD")
    dates = days.set_axis(index.tz_localize(None))
    assert ql.from_frame(dates, "AAPL", currency="USD").n_messages == 20 * 3 + 4  # four weekends
    # Another step off the days' grid is no matter of summer time.
    gap = dates.set_axis([*dates.index[:-1], dates.index[-1] + pd.Timedelta("2h")])
    with pytest.raises(ql.InputError, match=r"multiple of 86400 s$"):
        ql.from_frame(gap, "AAPL", currency="USD")


def test_lengths_are_taken_as_pandas_writes_them() -> None:
    plain = frame_of()
    assert (
        ql.from_frame(plain, "BTCUSDT", interval="60min").digest
        == ql.from_frame(plain, "BTCUSDT", interval="1h").digest
    )
