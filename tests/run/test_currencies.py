"""A run in two currencies: one amount a currency, and gates that ask for rates."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from quantlaxmi.calibrate.markets import PERP, fees, make_quotes
from quantlaxmi.calibrate.random_streams import bell
from quantlaxmi.cli import main_crypto
from quantlaxmi.cli.run_options import lines_by_currency, run_facts
from quantlaxmi.errors import CurrencyError, EngineError, InputError, ReportError
from quantlaxmi.events import LegIntent
from quantlaxmi.execution.conversion import Conversion, RateFile
from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates.observation import amounts_of, context_of
from quantlaxmi.instruments import Instrument
from quantlaxmi.report import load_report, run_gates, verify_report
from quantlaxmi.run.attribution import attribute_fills
from quantlaxmi.run.exact_run import gross_in_all, net_in_all
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import EventKind, Side
from quantlaxmi.segment import MemorySegment, SegmentWriter
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.sdk import CryptoStrategy
from tests import twins

ROWS = 3_000
BTC = msgspec.structs.replace(PERP, symbol="ETHBTC-PERP", currency="BTC", base="ETH")
RATE = Fraction("2.125")
QUICK = GatePolicy(
    random_sides={"n_draws": 99},
    random_entry={"n_sims": 99, "n_neutral_pairs": 20},
    label_permutation={"n_perms": 99},
    market_null={"n_draws": 19, "n_draws_extended": 19},
    min_trades=20,
)
FREE = msgspec.structs.replace(fees("2"), fee_exponent=-18)


class Turns(CryptoStrategy):
    """Every twenty quotes it turns: long both, flat, short the second, flat, and so on."""

    strategy_id = "turns"
    Config = StrategyConfig
    rationales = ("turn",)
    event_kinds = (EventKind.QUOTE,)

    def on_start(self, ctx: Any) -> None:
        self.n, self.held = 0, {}

    def on_market(self, event: Any, ctx: Any) -> Any:
        self.n += 1
        if self.n % 20 or not all(ctx.book(one.symbol).valid for one in ctx.instruments):
            return None
        symbols = [one.symbol for one in ctx.instruments]
        plans = [{0: 1, 1: 2}, {}, {1: -1}, {}, {0: -3}, {}]
        wanted = plans[self.n // 20 % len(plans)]
        legs = []
        for i, symbol in enumerate(symbols):
            change = wanted.get(i, 0) - self.held.get(i, 0)
            if change:
                side = Side.BUY if change > 0 else Side.SELL
                legs.append(LegIntent(symbol, side, abs(change) * 10**6))
        self.held = wanted
        return ctx.decide(legs, rationale="turn") if legs else None


class Two(Turns):
    """The same of the second instrument alone."""

    def trades(self, instruments: Any) -> tuple[int, ...]:
        return (1,)

    def on_market(self, event: Any, ctx: Any) -> Any:
        self.n += 1
        if self.n % 20 or not ctx.book(ctx.instruments[1].symbol).valid:
            return None
        side = Side.BUY if self.n % 40 else Side.SELL
        leg = LegIntent(ctx.instruments[1].symbol, side, 10**6)
        return ctx.decide([leg], rationale="turn")


def market(second: Instrument = BTC) -> MemorySegment:
    half_spread = np.full(ROWS, 10**7)
    return make_quotes(bell(11, 0, ROWS), instruments=(PERP, second), half_spread=half_spread)


def rate_file(tmp_path: Path, *, late: str = "99") -> str:
    segment = market()
    lines = [
        f"{segment.first_ts_ns - 10},3.5",
        f"{segment.last_ts_ns - 5},{float(RATE)}",
        f"{segment.last_ts_ns + 1},{late}",
    ]
    path = tmp_path / "btc.csv"
    path.write_text("\n".join(["ts,rate", *lines]) + "\n")
    return str(path)


def converted(run: Any, path: str) -> Any:
    currencies = list(run.exact.cash)
    segment = run.segment
    made = Conversion.of([RateFile.load(path)], currencies, segment.first_ts_ns, segment.last_ts_ns)
    return replace(run, conversion=made)


@pytest.fixture(scope="module")
def run() -> Any:
    return backtest(market(), Turns(), costs=FREE)


def test_money_of_two_currencies_is_never_added(run: Any) -> None:
    assert run.exact.traded_currencies == ("USDT", "BTC")
    for in_all in (net_in_all, gross_in_all):
        with pytest.raises(CurrencyError, match="USDT and BTC, which are never added"):
            in_all(run)
    accounts = run.exact.accounts
    assert run.exact.net_by_currency == {
        one.currency: 10 * (a.realized - a.fees + a.funding) + a.unrealized
        for one, a in zip(run.instruments, accounts, strict=True)
    }
    facts = run_facts(run)
    assert list(facts["net_pnl"]) == list(facts["fees"]) == ["USDT", "BTC"]
    assert facts["currency"] == "USDT, BTC"
    unit = Fraction(10) ** (run.ledger_exponent - 1)
    for currency, amount in run.exact.net_by_currency.items():
        assert Fraction(facts["net_pnl"][currency]) == amount * unit
    printed = lines_by_currency(facts)
    assert printed["net_pnl BTC"] == facts["net_pnl"]["BTC"] and "net_pnl" not in printed
    assert json.loads(json.dumps(facts)) == facts


def test_the_attributions_of_each_currency_sum_to_its_cash(run: Any) -> None:
    tables = {name: getattr(run.exact, name) for name in twins.TABLES}
    arguments = (run.exact.scales, run.exact.last_mids, run.ledger_exponent)
    cash = list(run.exact.cash.values())
    found = attribute_fills(tables, *arguments, cash, None, [0, 1])
    own = run.exact.fills["instrument"]
    assert [int(sum(found.cash_effect[own == k])) for k in (0, 1)] == [10 * c for c in cash]
    assert (found.parts == run.exact.attributions.parts).all()
    # A unit of one currency is none of another, though the sum of the numbers is the same.
    wrong = [cash[0] + 1, cash[1] - 1]
    with pytest.raises(EngineError, match="of currency 0"):
        attribute_fills(tables, *arguments, wrong, None, [0, 1])


@pytest.mark.parametrize("table", ["fills", "attributions", "ledger", "funding"])
def test_tables_name_the_currency_of_their_money(run: Any, table: str) -> None:
    rows = run.table(table).to_pylist()
    currency = {one.symbol: one.currency for one in run.instruments}
    assert table == "funding" or {row["currency"] for row in rows} == {"USDT", "BTC"}
    assert all(row["symbol"] is None or row["currency"] == currency[row["symbol"]] for row in rows)


def test_a_run_that_traded_one_of_two_has_one_result() -> None:
    run = backtest(market(), Two(), costs=FREE)
    assert run.exact.traded_currencies == ("BTC",) and list(run.exact.cash) == ["USDT", "BTC"]
    assert (
        run.exact.net_pnl == run.exact.net_by_currency["BTC"]
        and run.exact.net_by_currency["USDT"] == 0
    )
    assert run_facts(run)["currency"] == "BTC"
    assert context_of(run, QUICK).mixed_currencies() == ""


def test_gates_are_inconclusive_without_rates(run: Any) -> None:
    report = run_gates(market(), Turns(), policy=QUICK, costs=FREE)
    assert report.verdict == "INCONCLUSIVE" and report.conversion is None
    assert "conversion" not in report.to_json()
    for suite in report.results:
        for result in suite.results:
            assert result.verdict.value in ("INCONCLUSIVE", "SHOWN")
            assert "USDT and BTC" in result.reasons[0] and "--convert FILE" in result.reasons[0]


def test_amounts_are_worth_the_last_rate_of_the_data(run: Any, tmp_path: Path) -> None:
    one = converted(run, rate_file(tmp_path))
    unit = Fraction(10) ** (one.ledger_exponent - 1)
    own = Fraction(10) ** (run.ledger_exponent - 1)
    expected = {"USDT": Fraction(1), "BTC": RATE}
    net = sum(amount * own * expected[c] for c, amount in run.exact.net_by_currency.items())
    gross = sum(amount * own * expected[c] for c, amount in run.exact.gross_by_currency.items())
    assert net_in_all(one) * unit == net and gross_in_all(one) * unit == gross
    found = amounts_of(one)
    assert found.net * unit == net and found.gross * unit == gross
    notional = sum(
        Fraction(int(f["price"]) * int(f["qty"]), 10**16)
        * expected[run.instruments[f["instrument"]].currency]
        for f in run.exact.fills
    )
    assert found.notional * unit == notional


def of_one_currency() -> MemorySegment:
    """The same market, whose second instrument makes the money of the rate in USDT."""
    mantissa, places = 2125, -3
    second = msgspec.structs.replace(
        BTC, currency="USDT", contract_size=mantissa, contract_exponent=places
    )
    return market(second)


def test_every_gate_judges_converted_money_as_that_of_one_currency(tmp_path: Path) -> None:
    path = rate_file(tmp_path)
    report = run_gates(market(), Turns(), policy=QUICK, costs=FREE, convert=[path], seed=5)
    alone = run_gates(of_one_currency(), Turns(), policy=QUICK, costs=FREE, seed=5)
    assert report.conversion["rates"][0]["rate"] == "2.125"
    (found,), (expected,) = report.results, alone.results
    amounts = ("gross", "slippage", "fees", "funding", "net", "net_pnl", "net_without", "lost")
    assert len(found.results) == len(expected.results) > 8
    for a, b in zip(found.results, expected.results, strict=True):
        assert (a.gate, a.role) == (b.gate, b.role)
        for name in amounts:
            if isinstance(b.details.get(name), str):
                assert Fraction(a.details[name]) == Fraction(b.details[name])
        assert (a.verdict, a.reasons) == (b.verdict, b.reasons)
        assert a.monte_carlo == b.monte_carlo


def test_a_report_is_verified_with_the_same_rates_alone(tmp_path: Path) -> None:
    path = rate_file(tmp_path)
    report = run_gates(market(), Turns(), policy=QUICK, costs=FREE, convert=[f"BTC={path}"])
    target = tmp_path / "report.json"
    report.save(target)
    assert load_report(target).conversion == report.conversion
    again = verify_report(target, market(), strategy=Turns(), convert=[path])
    assert again.matches and not again.differences
    with pytest.raises(ReportError, match=r"\(conversion\): was made with rates for 'BTC' from a"):
        verify_report(target, market(), strategy=Turns())
    other = rate_file(tmp_path, late="100")  # after the data, but another file
    with pytest.raises(ReportError, match="conversion"):
        verify_report(target, market(), strategy=Turns(), convert=[other])
    plain = run_gates(market(), Two(), policy=QUICK, costs=FREE)
    plain.save(tmp_path / "plain.json")
    with pytest.raises(ReportError, match="was made with no rates, expected no --convert"):
        verify_report(tmp_path / "plain.json", market(), strategy=Two(), convert=[other])


def test_rates_that_do_not_fit_are_refused_before_the_gates(tmp_path: Path) -> None:
    path = rate_file(tmp_path)
    with pytest.raises(InputError, match="was ETH="):
        run_gates(market(), Turns(), policy=QUICK, costs=FREE, convert=[f"ETH={path}"])
    with pytest.raises(InputError, match=r"expected CURRENCY=FILE: the segment is in USDT$"):
        run_gates(of_one_currency(), Turns(), policy=QUICK, costs=FREE, convert=[path])


def test_decision_points_of_a_converted_run_cost_what_its_trades_cost(
    run: Any, tmp_path: Path
) -> None:
    context = context_of(converted(run, rate_file(tmp_path)), QUICK)
    path = context.path  # compares its net with the ledger's
    assert path.net == context.amounts.net and len(path.trips) > 20
    for trip in path.trips:
        for action in trip.actions:
            if action.clean:
                cost = context.decision_points.cost(action.bundle)
                assert int(cost.values[action.row]) * cost.unit == action.cost
    assert np.issubdtype(context.decision_points.cost(((0, 1), (1, 2))).values.dtype, np.int64)


# --- from the command line ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    """The market as a sealed segment, its costs, and the strategy's file."""
    made = tmp_path_factory.mktemp("currencies")
    segment = market()
    with SegmentWriter(made / "seg", venue="generated", instruments=segment.instruments) as writer:
        writer.append("quotes", segment.columns("quotes"))
        writer.seal()
    rates = '[{0}]\nmaker_bps = "2"\ntaker_bps = "2"\nmin_notional = "0"\n'
    (made / "costs.toml").write_text(rates.format("perp"))
    (made / "policy.toml").write_text('min_trades = 20\n[suites]\ng2 = ["net_positive"]\n')
    (made / "turns.py").write_text(f"from {__name__} import Turns\n")
    return made


def command(folder: Path, capsys: Any, *words: str) -> tuple[int, str, str]:
    code = main_crypto([str(folder / w[1:]) if w.startswith("@") else w for w in words])
    found = capsys.readouterr()
    return code, found.out, found.err


RUN = ("--segment-dir", "@seg", "--strategy", "@turns.py:Turns", "--costs", "@costs.toml")


def test_the_commands_say_each_currency_and_take_rates(
    folder: Path, tmp_path: Path, capsys: Any
) -> None:
    code, out, _ = command(folder, capsys, "backtest", *RUN)
    lines = [line.split() for line in out.splitlines()]
    assert code == 0 and {tuple(line[:2]) for line in lines} >= {
        (name, currency)
        for name in ("gross_pnl", "slippage", "fees", "funding", "net_pnl")
        for currency in ("USDT", "BTC")
    }
    code, out, _ = command(folder, capsys, "backtest", *RUN, "--json")
    assert code == 0 and set(json.loads(out)["net_pnl"]) == {"USDT", "BTC"}
    gates = ("run-gates", *RUN, "--gates", "g2", "--policy", "@policy.toml")
    code, out, _ = command(folder, capsys, *gates)
    assert code == 3 and "INCONCLUSIVE" in out
    path, report = rate_file(tmp_path), str(tmp_path / "report.json")
    code, out, _ = command(folder, capsys, *gates, "--convert", path, "--output-report", report)
    assert "1 BTC = 2.125 USDT" in " ".join(out.split()) and code in (1, 3)
    verify = ("verify-report", "--report", report, *RUN[:4])
    code, out, _ = command(folder, capsys, *verify, "--convert", f"BTC={path}")
    assert code == 0 and "REPORT_MATCH" in out
    code, _, err = command(folder, capsys, *verify)
    assert code == 2 and "(conversion)" in err and len(err.splitlines()) == 1
    for given, said in (
        (str(tmp_path / "none.csv"), "cannot be read"),
        (str(tmp_path), "is a folder"),
        (f"EUR={path}", "was EUR="),
    ):
        code, _, err = command(folder, capsys, *gates, "--convert", given)
        assert code == 2 and said in err and len(err.splitlines()) == 1
