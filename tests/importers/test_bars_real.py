"""Real hourly and daily files, where they are at hand: imported, traded, and added up by hand."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest

from quantlaxmi.importers import import_bars
from quantlaxmi.report import run_gates
from quantlaxmi.run.config import DEFAULT_LATENCY_NS
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.segment import verify_segment
from quantlaxmi.strategies import StrategyRegistry
from quantlaxmi.trace.parity import Match, verify_replay_parity
from tests.bars_files import rows_of
from tests.depth import some
from tests.importers.test_bars import IN_QUOTE, compare
from tests.naive import bars as naive

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
HOURLY = REAL / "crypto/spot_perp_1h_funding/BTCUSDT_1h.csv"
DAILY = REAL / "crypto/spot_perp_1d_2021_2024"
SPOT_1D = DAILY / "spot_BTCUSDT_1d_20210101_20241231.csv"
PERP_1D = DAILY / "perp_BTCUSDT_1d_20210101_20241231.csv"
FUNDING_1D = DAILY / "funding_BTCUSDT_20210101_20241231.csv"
HOUR, DAY = 3600 * 10**9, 86_400 * 10**9

needs_hourly = pytest.mark.skipif(
    not HOURLY.exists(), reason=f"no real bars {HOURLY}; set QUANTLAXMI_REAL_DATA"
)
needs_daily = pytest.mark.skipif(
    not (SPOT_1D.exists() and PERP_1D.exists() and FUNDING_1D.exists()),
    reason=f"no real bars under {DAILY}; set QUANTLAXMI_REAL_DATA",
)

HOURLY_MAPPING = """
interval = "1h"
venue = "binance"
currency = "USDT"
base = "BTC"
half_spread_bps = "0.5"
size = "100"
max_jump_bps = "5"
time = { column = "Timestamp", zone = "UTC" }

[spot]
symbol = "BTCUSDT"
open = "spot_open"
high = "spot_high"
low = "spot_low"
close = "spot_close"

[perp]
venue = "binance-usdm"
symbol = "BTCUSDT"
open = "perp_open"
high = "perp_high"
low = "perp_low"
close = "perp_close"

[funding]
rate = "funding_rate"
mark = "funding_markPrice"
times = "8"
every = "8h"
"""
_LEG = """
symbol = "BTCUSDT"
open = "open"
high = "high"
low = "low"
close = "close"
volume = "volume"
close_time = "close_time"
"""
DAILY_MAPPING = f"""
interval = "1d"
venue = "binance"
currency = "USDT"
base = "BTC"
half_spread_bps = "1"
time = {{ column = "open_time" }}
[spot]
input = 1
{_LEG}
[perp]
venue = "binance-usdm"
input = 2
{_LEG}
[funding]
input = 3
rate = "funding_rate"
mark = "mark_price"
every = "8h"
time = {{ column = "funding_time" }}
"""
#: The perpetual's bars that end early: their last price is not where the next bar opens.
PARTIAL = (12381, 12382, 12383, 15479)


@pytest.fixture(scope="module")
def hourly(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hourly")
    rules = folder / "mapping.toml"
    rules.write_text(HOURLY_MAPPING)
    return import_bars([HOURLY], folder / "seg", mapping=rules)


def hourly_bars():
    """Lines of the file that were taken, as ``naive.basis_by_hand`` wants them."""
    found, before = [], None
    for row in naive.read_csv(HOURLY):
        if int(row["line"]) in PARTIAL:
            continue
        at = naive.utc_ns(row["Timestamp"])
        spot, perp = (
            (Fraction(row[f"{leg}_open"]), Fraction(row[f"{leg}_close"]))
            for leg in ("spot", "perp")
        )
        funding = None
        if at % (8 * HOUR) == 0:
            # The column holds the rate by the hour, carried on until the next settlement.
            follows = before is not None and before["open_ns"] + HOUR == at
            own = before["perp"][1] if follows else perp[0]
            mark = Fraction(row["funding_markPrice"] or own)
            funding = (mark, 8 * Fraction(row["funding_rate"]))
        before = {"open_ns": at, "spot": spot, "perp": perp, "funding": funding}
        found.append(before)
    return found


def strategy(*sets: str):
    return StrategyRegistry(installed=False).create("basis_capture", sets=sets)


@needs_hourly
def test_every_line_of_the_hourly_file_is_accounted_for(hourly) -> None:
    assert (hourly.lines, hourly.header_lines) == (15_723, 1)
    assert hourly.message_lines + hourly.quarantined == 15_722
    assert hourly.quarantine_reasons == {"partial-bar": 4}
    assert hourly.messages_by_kind["funding"] == 1_966
    verify_segment(hourly.segment.path)
    gaps = hourly.segment.manifest.gaps
    assert [g.reason for g in gaps] == ["3 bars are missing", "1 bar is missing"] * 2
    notes = " ".join(hourly.segment.manifest.notes)
    assert "1,966 funding settlements" in notes
    assert "8 times the rate of column 'funding_rate'" in notes
    assert "1,509 at the file's mark price, 457 at the perpetual's" in notes


@needs_hourly
def test_rows_of_the_hourly_file_match_naive(hourly) -> None:
    bars = hourly_bars()
    legs = [
        [{"open_ns": b["open_ns"], "open": b[k][0], "close": b[k][1], "size": 10**10} for b in bars]
        for k in ("spot", "perp")
    ]
    funding = [
        (b["open_ns"], naive.units(b["funding"][0]), naive.units(b["funding"][1]))
        for b in bars
        if b["funding"]
    ]
    expected = naive.quote_rows(legs, HOUR, Fraction(1, 20_000), funding)
    assert rows_of(hourly) == expected


@needs_hourly
@pytest.mark.parametrize(
    ("threshold", "exit_threshold", "latency_ns"),
    some([("5", "2.5", 10**6), ("2", "0", 0), ("5", "2.5", 0), ("1", "0.5", 10**6)], 2),
)
def test_hourly_pnl_by_hand(hourly, threshold, exit_threshold, latency_ns) -> None:
    made = f"threshold_bps={threshold}", f"exit_threshold_bps={exit_threshold}"
    run = backtest(hourly.segment, strategy(*made), costs=IN_QUOTE, latency_ns=latency_ns)
    bars, half_spread = hourly_bars(), Fraction(1, 20_000)
    hand = naive.basis_by_hand(
        bars,
        HOUR,
        half_spread=half_spread,
        threshold=Fraction(threshold),
        exit_threshold=Fraction(exit_threshold),
        qty=Fraction(1, 100),
        fees=(Fraction(10, 10_000), Fraction(5, 10_000)),
    )
    # No rate of these years is on record: 1,000 bps are assumed.
    loans = naive.interest_by_hand(
        bars, hand, HOUR, half_spread=half_spread, bps=Fraction(1000), latency_ns=latency_ns
    )
    compare(run, hand, loans)
    assert len(loans) > 10
    assert len(hand["payments"]) > 1_000
    assert len(hand["fills"]) > 200
    # Held through funding with both legs: never one without the other.
    assert sum(account.position for account in run.exact.accounts) == 0


@needs_hourly
def test_what_the_hourly_file_gives_at_5_and_2_5(hourly) -> None:
    run = backtest(hourly.segment, strategy("threshold_bps=5", "exit_threshold_bps=2.5"))
    assert (run.n_decisions, run.n_fills, len(run.exact.funding)) == (419, 838, 1_428)


@needs_hourly
def test_the_hourly_file_goes_the_whole_road(hourly) -> None:
    run = backtest(hourly.segment, strategy())
    again = replay(hourly.segment, strategy())
    assert isinstance(verify_replay_parity(run.trace, again.trace), Match)
    report = run_gates(hourly.segment, strategy(), gates=("g2",))
    assert report.verdict == "FAIL"  # fees of a round trip are 30 bps, the basis is 5


@needs_daily
def test_daily_files_of_three_inputs(tmp_path: Path) -> None:
    rules = tmp_path / "mapping.toml"
    rules.write_text(DAILY_MAPPING)
    result = import_bars([SPOT_1D, PERP_1D, FUNDING_1D], tmp_path / "seg", mapping=rules)
    assert (result.lines, result.header_lines, result.quarantined) == (1462 + 1462 + 4384, 3, 0)
    assert result.messages_by_kind["funding"] == 4_383
    assert result.segment.manifest.gaps == ()
    run = backtest(result.segment, strategy(), costs=IN_QUOTE)
    again = replay(result.segment, strategy(), costs=IN_QUOTE)
    assert isinstance(verify_replay_parity(run.trace, again.trace), Match)
    rows = [naive.read_csv(path) for path in (SPOT_1D, PERP_1D)]
    paid = {}
    opens = {naive.utc_ns(r["open_time"]): r for r in rows[1]}
    for row in naive.read_csv(FUNDING_1D):
        at = naive.utc_ns(row["funding_time"]) // (8 * HOUR) * 8 * HOUR
        day = at // DAY * DAY
        ended = opens.get(day - DAY) if at == day else None
        mark = row["mark_price"] or (ended["close"] if ended else opens[day]["open"])
        paid[at] = (Fraction(mark), Fraction(row["funding_rate"]))
    bars = []
    for spot, perp in zip(*rows, strict=True):
        at = naive.utc_ns(spot["open_time"])
        prices = {
            k: (Fraction(r["open"]), Fraction(r["close"]))
            for k, r in (("spot", spot), ("perp", perp))
        }
        bars.append({"open_ns": at, "inner": [], "funding": paid[at], **prices})
        bars[-1]["inner"] = [(at + k * 8 * HOUR, paid[at + k * 8 * HOUR]) for k in (1, 2)]
    hand = naive.basis_by_hand(
        bars,
        DAY,
        half_spread=Fraction(1, 10_000),
        threshold=Fraction(5),
        exit_threshold=Fraction(5, 2),
        qty=Fraction(1, 100),
        fees=(Fraction(10, 10_000), Fraction(5, 10_000)),
    )
    # The highest rate on record within the data, that of 2021-01-10, is paid throughout.
    loans = naive.interest_by_hand(
        bars,
        hand,
        DAY,
        half_spread=Fraction(1, 10_000),
        bps=Fraction(2555, 2),
        latency_ns=DEFAULT_LATENCY_NS,
    )
    compare(run, hand, loans)
    assert len(hand["payments"]) > 2_000


@needs_daily
def test_one_wrong_file_of_three_is_named(tmp_path: Path) -> None:
    from quantlaxmi.errors import InputError

    rules = tmp_path / "mapping.toml"
    rules.write_text(DAILY_MAPPING)
    with pytest.raises(InputError, match=r"lacks column 'open_time', which spot\.time names"):
        import_bars([FUNDING_1D, PERP_1D, SPOT_1D], tmp_path / "seg", mapping=rules)
