"""Snapshots measured by hand and by row; what is shown of many instruments."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from quantlaxmi import (
    IndiaOptionsStrategy,
    LegIntent,
    MultiLegOrderIntent,
    OptionsStrategyType,
    backtest,
)
from quantlaxmi.cli import main_india
from quantlaxmi.data_quality import segment_quality
from quantlaxmi.errors import ConfigError, InputError, StrategyError
from quantlaxmi.execution.risk import RiskLimits, SizeLimits
from quantlaxmi.importers.nse.contracts import contract
from quantlaxmi.instruments import nearest_symbols, symbols_text
from quantlaxmi.schema import TABLES, Side
from quantlaxmi.segment import MemorySegment, SegmentWriter
from quantlaxmi.segment.expiries import by_expiry
from quantlaxmi.strategies.positions import close_name, from_positions
from tests.gates.bundle_sessions import session
from tests.naive import data_quality as naive
from tests.segments import START_NS, make_tables

DAYS = ("2025-09-02", "2025-09-09")


def universe(n_strikes: int) -> list[Any]:
    return [
        contract("NIFTY", np.datetime64(day).item(), 2450000 + 5000 * k, side, lot=75)
        for day in DAYS
        for k in range(n_strikes)
        for side in ("CE", "PE")
    ]


def market(n_strikes: int, n_snapshots: int = 9) -> dict[str, dict[str, Any]]:
    """Snapshots in which most of the quotes are sound, and some instruments are left out."""
    rng, n = np.random.default_rng(5), 4 * n_strikes
    rows = [
        (seq, START_NS + 65 * 10**9 * seq + seq % 3 * 10**9, k, (seq - seq % 2) * 10**9, seq == 4)
        for seq in range(n_snapshots)
        for k in range(n)
        if (seq + k) % 7 or k == n - 1
    ]
    seq, ts_ns, instrument, stamp, unchanged = np.array(rows, np.int64).T
    bid = rng.integers(0, 20, len(seq)) * 5 * (rng.random(len(seq)) > 0.2)
    ask = np.where(rng.random(len(seq)) > 0.2, bid + 5 * rng.integers(-1, 6, len(seq)), 0)
    columns = dict.fromkeys(TABLES["chain"], np.full(len(seq), 75))
    columns |= {"seq": seq, "ts_ns": ts_ns, "instrument": instrument}
    columns |= {"exch_ts_ns": START_NS + stamp, "bid": bid, "ask": np.maximum(ask, 0)}
    columns |= {"iv": rng.integers(0, 2, len(seq)) * 100_000}
    columns |= {"flags": np.append(seq[1:] != seq[:-1], True) + 2 * unchanged}
    typed = {name: columns[name].astype(dtype) for name, dtype in TABLES["chain"].items()}
    return make_tables(0) | {"chain": typed}


def test_figures_of_snapshots_are_those_of_a_count_by_row() -> None:
    instruments, tables = universe(5), market(5)
    quality = segment_quality(MemorySegment(instruments, tables), stale_ns=65 * 10**9)
    columns = tables["chain"]
    rows = [
        dict(zip(columns, row, strict=True))
        for row in zip(*(c.tolist() for c in columns.values()), strict=True)
    ]
    firsts = list({row["seq"]: row for row in reversed(rows)}.values())[::-1]
    told = quality.snapshots
    assert told is not None and (told.messages, told.rows) == (9, len(rows))
    plain = msgspec.structs.asdict(told.kind)
    found = told.kind.clock_offset_ns
    plain["clock_offset_ns"] = None if found is None else (found.n, found.values)
    assert plain == naive.kind(firsts, 65 * 10**9)
    steps = [b["ts_ns"] - a["ts_ns"] for a, b in pairwise(firsts)]
    assert told.step_ns is not None
    assert (told.step_ns.n, told.step_ns.values) == naive.quantiles(steps)
    assert told.unchanged == 1
    same = [b for a, b in pairwise(firsts) if a["exch_ts_ns"] == b["exch_ts_ns"]]
    assert told.same_stamp == sum(not row["flags"] & 2 for row in same) == 4
    assert quality.equal_stamps == 0 and quality.messages == 9
    for half, one in enumerate(quality.expiries):
        mine = [row for row in rows if row["instrument"] // 10 == half]
        sound = [row for row in mine if 0 < row["bid"] < row["ask"]]
        both = [row for row in mine if row["bid"] and row["ask"]]
        assert (one.instruments, one.rows) == (10, len(mine))
        assert one.unquoted == sum(not row["bid"] and not row["ask"] for row in mine)
        assert one.one_sided == len(mine) - len(both) - one.unquoted
        assert one.crossed == sum(row["bid"] > row["ask"] for row in both) > 0
        assert one.locked == sum(row["bid"] == row["ask"] for row in both) > 0
        assert one.untradable == 10 - len({row["instrument"] for row in sound})
        assert one.no_iv == sum(not row["iv"] for row in sound) > 0
        spreads = [row["ask"] - row["bid"] for row in sound]
        shares = [
            naive.bps(Fraction(2 * (row["ask"] - row["bid"]), row["ask"] + row["bid"]))
            for row in sound
        ]
        assert one.spread is not None and one.spread_bps is not None
        assert (one.spread.n, one.spread.values) == naive.quantiles(spreads)
        assert (one.spread_bps.n, one.spread_bps.values) == naive.quantiles(shares)
    for k, single in enumerate(quality.instruments):
        own = [row for row in rows if row["instrument"] == k]
        assert single.messages == len(own) == single.kinds["chain"].messages
        assert single.quotes_one_sided == sum(not (row["bid"] and row["ask"]) for row in own)


def test_groups_by_expiry() -> None:
    instruments = universe(3)
    first, second = by_expiry(instruments[::-1])
    assert (first.calls, first.puts, first.others, first.strikes) == (3, 3, 0, 3)
    assert (first.lowest, first.highest, first.lots) == (2450000, 2460000, (75,))
    assert first.expiry_ns is not None and second.expiry_ns is not None
    assert second.expiry_ns - first.expiry_ns == 7 * 86_400 * 10**9
    assert first.instruments == tuple(range(6, 12)) and second.instruments == tuple(range(6))
    assert by_expiry(()) == ()


@pytest.fixture
def folder(tmp_path: Any) -> Any:
    with SegmentWriter(tmp_path / "s", venue="nse", instruments=universe(20)) as writer:
        writer.append("chain", market(20)["chain"])
        writer.seal(sources=[
            {"name": f"{k}", "sha256": f"{k:064x}", "bytes": 7, "lines": 1} for k in range(41)
        ])  # fmt: skip
    return tmp_path / "s"


def test_many_instruments_are_shown_by_expiry(folder: Any, capsys: Any) -> None:
    def shown(*words: str) -> str:
        assert main_india(["segment", words[0], "--session-dir", str(folder), *words[1:]]) == 0
        return str(capsys.readouterr().out)

    assert len(shown("info").splitlines()) < 45 and "2025-09-02T10:00:00Z" in shown("info")
    assert "NIFTY-20250902-24500-CE" not in shown("info")
    assert "NIFTY-20250902-24500-CE" in shown("info", "--all")
    found = json.loads(shown("info", "--json"))
    assert found["instruments"] == 80 and [one["calls"] for one in found["expiries"]] == [20, 20]
    assert found["expiries"][0]["highest"] == "25450" and found["expiries"][0]["lots"] == [75]
    assert found["sources"] == {"files": 41, "lines": 41, "bytes": 287}
    every = json.loads(shown("info", "--json", "--all"))
    assert len(every["instruments"]) == 80 and len(every["sources"]) == 41
    assert "expiries" not in every
    text = shown("quality")
    assert "Rows of snapshots by expiry" in text and "NIFTY-2025" not in text
    assert "NIFTY-20250902-24500-CE" in shown("quality", "--all")
    found = json.loads(shown("quality", "--json"))
    assert found["instruments"] == 80 and len(found["expiries"]) == 2
    assert len(json.loads(shown("quality", "--json", "--all"))["instruments"]) == 80


def test_all_belongs_to_info_and_quality(folder: Any, capsys: Any) -> None:
    assert main_india(["segment", "verify", "--session-dir", str(folder), "--all"]) == 2
    assert "--all" in capsys.readouterr().err


def test_errors_name_three_of_many_symbols() -> None:
    data = MemorySegment(universe(400), make_tables(0) | market(400, 1))
    near = "NIFTY-20250902-24600-CE"
    limits = RiskLimits(symbols={"NIFTY-20250902-24601-CE": SizeLimits()})
    with pytest.raises(ConfigError, match=f"1,600 instruments, the nearest .*{near}") as refused:
        limits.check_symbols(data.instruments)
    assert len(str(refused.value)) < 200
    frame = {"time": ["2024-08-08T00:00:00"], "zzz": [1]}
    with pytest.raises(InputError, match="column 'zzz' is no instrument; expected 1,600") as wrong:
        from_positions(data, pa.table(frame))
    assert len(str(wrong.value)) < 200
    many = [one.symbol for one in data.instruments]
    assert symbols_text(many) == f"1,600 instruments, the first {', '.join(many[:3])}"
    assert symbols_text(["A", "B"], "Z") == "A, B" and symbols_text([]) == ""
    assert symbols_text(many, "x" * 10**6).count("NIFTY") == 3


def test_near_symbols_are_those_of_near_strikes_and_expiries() -> None:
    many = [one.symbol for one in universe(400)]
    asked = {"NIFTY-20250902-24610-CE": (24600, 24650, 24550), "nifty-20250901-24660-ce": (
        24650, 24700, 24600)}  # fmt: skip
    for text, strikes in asked.items():
        assert nearest_symbols(many, text) == [f"NIFTY-20250902-{k}-CE" for k in strikes]
    assert nearest_symbols(many, "NIFTY-20250902-24600")[0].startswith("NIFTY-20250902-24600-")
    assert close_name("NIFTY-20250902-24610-CE", many) == (
        "did you mean 'NIFTY-20250902-24600-CE', 'NIFTY-20250902-24650-CE' or "
        "'NIFTY-20250902-24550-CE'?"
    )
    assert close_name("BTCUSD", ["BTCUSDT", "ETHUSDT"]) == "did you mean 'BTCUSDT'?"


def test_a_leg_of_an_unknown_contract_ends_the_run_with_the_nearest_three() -> None:
    class Slip(IndiaOptionsStrategy):
        strategy_id = "slip"

        def on_market(self, event: Any, ctx: Any) -> MultiLegOrderIntent:
            legs = (LegIntent("NIFTY-20250902-24610-CE", Side.BUY, 75),)
            return MultiLegOrderIntent(legs, OptionsStrategyType.CUSTOM)

    near = "NIFTY-20250902-24600-CE, NIFTY-20250902-24650-CE, NIFTY-20250902-24550-CE"
    with pytest.raises(StrategyError, match=f"it has 28 instruments, the nearest {near}"):
        backtest(session(days=1), Slip())
