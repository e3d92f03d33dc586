"""Statistics of a run against their closed forms, and an independent library's values."""

from __future__ import annotations

import itertools
import json
import math
import statistics as plain
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from quantlaxmi import backtest
from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.run.equity_points import clock_step, step_text
from quantlaxmi.run.money import exact_decimal
from quantlaxmi.run.result_table import ResultTable
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.segment.window import Window

DATA = Path(__file__).parents[2] / "data"
MINUTE_YEAR = 365 * 24 * 60


@pytest.fixture(scope="module", params=["planted", "edgeless"])
def run(request):
    return backtest(DATA / request.param, "basis_capture")


def returns_of(run, capital):
    equity = [Fraction(v) for v in run.equity("1min", capital)["equity"]]
    return [float(b / a - 1) for a, b in itertools.pairwise(equity)]


@pytest.mark.parametrize("freq", ["1s", "1min", "7min", "1h", "1D", 777_777_777])
def test_equity_is_the_ledgers_at_the_same_times(run, freq):
    table = run.equity(freq, capital="1000.5")
    curve = run.equity_curve(clock_step(freq))
    unit = Decimal(10) ** curve.exponent
    at = {int(t): int(e) * unit for t, e in zip(curve.ts_ns, curve.equity, strict=True)}
    found = [int(t.astype(np.int64)) for t in table["ts"]]
    assert found[0] == run.segment.first_ts_ns and found[-1] == run.segment.last_ts_ns
    assert table["net"][0] == 0
    for t, net, equity in list(zip(found, table["net"], table["equity"], strict=True))[1:]:
        assert net == at[t] and equity == net + Decimal("1000.5")
    peaks = np.maximum.accumulate(np.array(table["equity"], dtype=object))
    assert table["drawdown"] == [e - p for e, p in zip(table["equity"], peaks, strict=True)]


def test_figures_of_returns_are_their_closed_forms(run):
    stats, r = run.stats(10_000, "1min"), returns_of(run, 10_000)
    n, mean, deviation = len(r), plain.fmean(r), plain.stdev(r)
    second = plain.pvariance(r)
    skew = plain.fmean([(x - mean) ** 3 for x in r]) / second**1.5
    kurtosis = plain.fmean([(x - mean) ** 4 for x in r]) / second**2
    sharpe, root = mean / deviation, math.sqrt(MINUTE_YEAR)
    error = math.sqrt((1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2) / (n - 1))
    losses = math.sqrt(sum(min(x, 0) ** 2 for x in r) / n)
    expected = {
        "steps": n,
        "volatility": deviation * root,
        "sharpe": sharpe * root,
        "sharpe_error": error * root,
        "psr": plain.NormalDist().cdf(sharpe / error),
        "sortino": mean / losses * root,
        "skew": skew,
        "kurtosis": kurtosis,
        "total_return": float(run.net) / 10_000,
    }
    for name, value in expected.items():
        assert getattr(stats, name) == pytest.approx(value, rel=1e-9), name


def test_drawdown_is_that_of_all_pairs_of_points(run):
    stats, equity = run.stats(10_000, "1min"), run.equity("1min", 10_000)["equity"]
    falls = [(a - b, a, k) for k, b in enumerate(equity) for a in equity[: k + 1]]
    assert stats.max_drawdown_money == max(fall for fall, _, _ in falls)
    assert stats.max_drawdown == pytest.approx(float(max(f / a for f, a, _ in falls)), rel=1e-12)


def test_figures_of_trips_are_those_of_the_table(run):
    stats, table = run.stats(), run.trades()
    net = table["net"]
    won, lost = sum(v for v in net if v > 0), -sum(v for v in net if v < 0)
    assert stats.round_trips == len(net)
    assert stats.win_rate == sum(v > 0 for v in net) / len(net)
    assert stats.profit_factor == pytest.approx(float(won / lost), rel=1e-12)
    assert stats.mean_trip_bps == pytest.approx(plain.fmean(table["net_bps"]), rel=1e-12)
    held = sum(int(h.astype(np.int64)) for h in table["held"])
    span = run.segment.last_ts_ns - run.segment.first_ts_ns
    assert stats.exposure == pytest.approx(held / span, rel=1e-12)
    fills = run.fills()
    turnover = sum(p * q for p, q in zip(fills["price"], fills["qty"], strict=True))
    assert stats.turnover == turnover
    assert stats.break_even_bps == pytest.approx(float(run.net / turnover) * 1e4, rel=1e-12)
    assert stats.break_even_fees == pytest.approx(float(1 + run.net / run.fees), rel=1e-12)
    costs = run.slippage + run.fees + run.interest
    share = float(costs / run.gross) if run.gross > 0 else None
    assert stats.cost_share == (None if share is None else pytest.approx(share, rel=1e-12))


def test_without_a_capital_what_needs_one_is_none_and_says_so(run):
    stats = run.stats()
    for name in ("total_return", "cagr", "volatility", "sharpe", "psr", "max_drawdown", "calmar"):
        assert getattr(stats, name) is None, name
    assert "no capital is stated" in stats.notes[0]
    assert "return" not in run.equity("1min").columns
    limits = RiskLimits(capital=FixedPoint(100_000, 0))
    stated = backtest(run.segment, "basis_capture", limits=limits)
    assert stated.stats().capital == 100_000 and stated.stats(5_000).capital == 5_000


def test_a_ruined_capital_has_no_returns():
    run = backtest(DATA / "edgeless", "basis_capture")
    assert run.net < 0
    stats = run.stats(capital=str(-run.net / 2))
    assert stats.sharpe is None and "not above 0" in stats.notes[0]
    with pytest.raises(InputError, match="capital: was too small"):
        run.equity("1min", capital=str(-run.net / 2))


@pytest.mark.parametrize("capital", [0, -1, "x", "nan", "1e400", True, [], "1e18"])
def test_a_capital_that_is_none_is_refused(run, capital):
    with pytest.raises(InputError, match="expected a number above 0"):
        run.stats(capital=capital)


@pytest.mark.parametrize("freq", ["", "0D", "-1h", "1.5h", "1y", 0, -5, True, None, 1 << 62])
def test_a_frequency_that_is_none_is_refused(run, freq):
    with pytest.raises(InputError, match="freq"):
        run.equity(freq)


def test_steps_are_read_and_written():
    assert [step_text(clock_step(f)) for f in ("D", "2h", "15min", "90s", "1W", 1)] == [
        *("1D", "2h", "15min", "90s", "7D", "1ns")
    ]


def test_texts_fit_a_screen_and_json_is_plain(run):
    for stats in (run.stats(), run.stats(10_000)):
        lines = str(stats).splitlines()
        assert len(lines) < 20 and max(map(len, lines)) <= 80
        assert json.loads(json.dumps(stats.to_dict()))["net"] == format(run.net, "f")
        assert "<script" not in stats._repr_html_()
    assert len(repr(run).splitlines()) < 20 and len(repr(run)) < 2_000
    assert run._repr_html_().startswith("<table>")
    held = MemorySegment(run.segment.instruments, {})
    start = run.segment.first_ts_ns + 10**9
    window = Window.between(run.segment, start, start + 10**10)
    for market in (run.segment, window, held):
        page = market._repr_html_()
        assert type(market).__name__ in page and market.digest in page and len(page) < 2_000
        assert ("time" in page) == (market is not held)
    page = run.trace._repr_html_()
    assert f"<td>fills</td><td>{run.n_fills:,}</td>" in page and len(page) < 2_000
    assert len(repr(run.trace)) < 500 and len(repr(run.segment)) < 500
    assert len(run.trades()._repr_html_()) < 100_000


def test_pandas_has_doubles_or_exact_decimals(run):
    pytest.importorskip("pandas", reason="pandas is not installed")
    table = run.trades()
    doubles, exact = table.to_pandas(), table.to_pandas(exact=True)
    assert doubles["net"].dtype == np.float64
    assert sum(exact["net"], Decimal(0)) == run.net
    assert doubles["net"].tolist() == [float(v) for v in exact["net"]]
    r = run.returns("1min", 10_000)
    assert r.tolist() == pytest.approx(returns_of(run, 10_000), rel=1e-9, abs=1e-18)
    assert str(r.index.tz) == "UTC"
    with pytest.raises(InputError, match="expected capital=AMOUNT"):
        run.returns("1min")


def test_a_table_is_printed_as_rows_that_fit_a_terminal(run):
    """It was one line of column names."""
    for table in (run.trades(), run.fills(), run.orders(), run.bundles(), run.equity("1min")):
        lines = repr(table).splitlines()
        assert 2 <= len(lines) < 20 and max(map(len, lines)) <= 100
        # Every column has a place, in order.
        said = " ".join(lines).replace(",", " ").split()
        places = [said.index(name) for name in table.columns]
        assert places == sorted(places)
    lines, trades = repr(run.trades()).splitlines(), run.trades()
    assert lines[0] == f"<ResultTable of {len(trades)} rows>"
    assert lines[2].split()[:3] == ["0", *str(trades["entry_ts"][0])[:19].split("T")]
    assert any(f"{trades['net'][-1].normalize():f}" in line.split() for line in lines)


def test_a_printed_value_is_what_it_is():
    table = ResultTable(
        pa.table(
            {
                "money": pa.array(
                    [Decimal("0.000"), Decimal("120.500"), None], pa.decimal128(9, 3)
                ),
                "text": ["one\ntwo", "x" * 99, ""],
                "share": [1 / 3, 2e-9, None],
            }
        )
    )
    assert repr(table).splitlines() == [
        "<ResultTable of 3 rows>",
        f"money  text{' ' * 62}share",
        f"0      one two{' ' * 59}0.333333",
        f"120.5  {'x' * 63}…  2e-09",
        f"-{' ' * 72}-",
    ]


def test_a_short_table_is_shown_whole_with_its_first_column_in_every_part():
    """The table of a report's gates showed four of thirteen, and the advice without their names."""
    names = [f"gate_{k}" for k in range(13)]
    rows = {"gate": names, "verdict": ["PASS"] * 13, "advice": [f"{'do ' * 30}{k}" for k in names]}
    lines = repr(ResultTable(pa.table(rows | {"more": ["m" * 50] * 13}))).splitlines()
    assert len(lines) == 1 + 2 * 14 and max(map(len, lines)) <= 100
    assert [line.split()[0] for line in lines[1:]] == ["gate", *names] * 2
    assert "…" not in [line.strip() for line in lines]
    assert len(repr(ResultTable(pa.table({"k": range(70)}))).splitlines()) == 7


def test_an_order_at_the_market_has_no_limit_price(run):
    """It was 0, which a mean of limit prices takes for one."""
    orders = run.orders()
    assert set(orders["order_type"]) == {"MARKET"}
    assert set(orders["limit_price"]) == {None}
    assert run.table("legs")["limit_price"].null_count == len(run.exact.legs)


def test_a_notebook_shows_values_as_a_terminal_does(run):
    """Money had seventeen decimals, and what is missing was None."""
    page = run.trades()._repr_html_()
    net = run.trades()["net"][0].normalize()
    assert f"<td>{net:f}</td>" in page and "00000</td>" not in page and "None" not in page
    long = "advice " * 40
    table = ResultTable(pa.table({"text": [long, None]}))
    assert f"<td>{long}</td>" in table._repr_html_() and "<td></td>" in table._repr_html_()


def test_records_are_named_in_a_line(run):
    assert repr(run.exact) == (
        f"<RunRecords of {run.header.strategy_id}: {counted(run.n_decisions, 'decision[s]')}, "
        f"{counted(run.n_fills, 'fill[s]')}>"
    )


@pytest.mark.filterwarnings("ignore")
def test_pyfolio_takes_the_returns_and_gives_the_same_figures(run):
    pyfolio = pytest.importorskip("pyfolio", reason="pyfolio is not installed (extra tearsheets)")
    r, stats = run.returns("1min", 10_000), run.stats(10_000, "1min")
    found = pyfolio.timeseries.perf_stats(r)
    assert found["Cumulative returns"] == pytest.approx(stats.total_return, rel=1e-9)
    assert found["Max drawdown"] == pytest.approx(-stats.max_drawdown, rel=1e-9)
    # It takes every step for a trading day, of which its year has 252.
    year = math.sqrt(252 / MINUTE_YEAR)
    assert found["Sharpe ratio"] == pytest.approx(stats.sharpe * year, rel=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_quantstats_takes_the_returns_and_gives_the_same_figures(run):
    qs = pytest.importorskip(
        "quantstats", reason="quantstats is not installed (extra tearsheets)"
    ).stats
    r, stats = run.returns("1min", 10_000), run.stats(10_000, "1min")
    assert qs.sharpe(r, periods=MINUTE_YEAR) == pytest.approx(stats.sharpe, rel=1e-9)
    assert qs.sortino(r, periods=MINUTE_YEAR) == pytest.approx(stats.sortino, rel=1e-9)
    assert qs.volatility(r, periods=MINUTE_YEAR) == pytest.approx(stats.volatility, rel=1e-9)
    assert qs.max_drawdown(r) == pytest.approx(-stats.max_drawdown, rel=1e-9)
    assert qs.comp(r) == pytest.approx(stats.total_return, rel=1e-9)
    # pandas' skew is corrected for the number of returns, and its kurtosis too and less 3.
    n = len(r)
    corrected = stats.skew * math.sqrt(n * (n - 1)) / (n - 2)
    assert qs.skew(r) == pytest.approx(corrected, rel=1e-9)


@pytest.mark.parametrize(
    ("mantissa", "exponent", "text"),
    [(34_574_826_322_000, -11, "345.74826322"), (-5000, -3, "-5"), (0, -9, "0"), (7, 2, "7E+2")],
)
def test_money_has_no_zeros_at_its_end(mantissa, exponent, text):
    assert str(exact_decimal(mantissa, exponent)) == text


def test_money_of_a_run_has_no_zeros_at_its_end(run):
    assert not str(run.net).endswith("0")
    assert "n_stop_first" not in run.stats().to_dict()
