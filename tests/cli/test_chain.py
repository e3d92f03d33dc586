"""The commands ``chain`` and ``explain`` of quantlaxmi-india."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from quantlaxmi import backtest
from quantlaxmi.cli import main_crypto, main_india
from quantlaxmi.options import surface
from quantlaxmi.options.calendar_tally import tally
from quantlaxmi.options.recorded import RecordedChain
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies.calendar_carry import CalendarCarry
from tests.options.chain_sessions import chain_table, instruments, morning, write_session


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    contracts = instruments()
    table = chain_table(contracts, morning(30))
    return write_session(tmp_path_factory.mktemp("chain") / "seg", contracts, table)


def said(line: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main_india(line)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_chain_has_the_figures_of_its_surface(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["chain", "--session-dir", str(folder), "--at", "09:30:00"]
    code, out, _ = said([*line, "--all", "--json"], capsys)
    assert code == 0
    shown = json.loads(out)
    recorded = RecordedChain(open_segment(folder))
    moment = recorded.moment(9)  # 09:29:45
    assert shown["known at"] == "2025-08-29T09:29:45+05:30"
    assert shown["contracts"] == len(instruments())
    found = surface(moment.chain)
    for e, one in enumerate(shown["expiries"]):
        assert one["forward"] == pytest.approx(found.forward.value[e], abs=1e-4)
        assert one["iv"] == pytest.approx((found.sigma_call[e] + found.sigma_put[e]) / 2, abs=1e-6)
    assert len(shown["strikes"]) == moment.chain.strike.size
    for k, row in enumerate(shown["strikes"]):
        assert round(float(row["strike"]) * 100) == moment.chain.strike[k]
        assert round(float(row["call"]["bid"]) * 100) == moment.call.bid[k]
        assert row["put"]["oi"] == moment.put.oi[k]
        if found.call.status[k] == 0:
            assert row["call"]["iv"] == pytest.approx(found.call.value[k], abs=1e-6)
            assert 0 < row["call"]["delta"] < 1
    few = json.loads(said([*line, "--expiry", "2025-09-09", "--json"], capsys)[1])["strikes"]
    assert len(few) == 21 and {row["expiry"] for row in few} == {"2025-09-09"}
    assert few == [row for row in shown["strikes"] if row in few]


def test_a_chain_is_a_table_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(["chain", "--session-dir", str(folder), "--at", "09:30:00"], capsys)
    assert (code, err) == (0, "")
    assert "NIFTY 2025-09-02, calls\n" in out and "NIFTY 2025-09-02, puts\n" in out
    assert "2025-09-09" in out and "delta" in out
    lines = out.splitlines()
    assert len(lines) < 64 and max(map(len, lines)) <= 120


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--at", "09:00:00"], "--at: was 09:00:00, expected 09:20:00 or later"),
        (["--at", "25:00:00"], "--at: was '25:00:00', expected a time such as 10:00:00"),
        (["--at", "ten"], "--at: was 'ten', expected a time"),
        (["--at", "2025-08-28T10:00:00"], "expected a day from 2025-08-29 to 2025-08-29"),
        (["--at", "10:00:00", "--expiry", "2025-09-03"], "expected one of 2025-09-02, 2025-09-09"),
        (["--at", "10:00:00", "--underlying", "X"], "was 'X', expected one of NIFTY"),
    ],
)
def test_a_chain_that_is_not_there_is_one_line(
    words: list[str], says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(["chain", "--session-dir", str(folder), *words], capsys)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_several_days_need_the_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contracts = instruments()
    times = morning(2) + morning(2, "2025-09-01T09:20:00")
    folder = str(write_session(tmp_path / "two", contracts, chain_table(contracts, times)))
    code, _, err = said(["chain", "--session-dir", folder, "--at", "10:00:00"], capsys)
    assert code == 2 and "the segment has 2 days, 2025-08-29 to 2025-09-01" in err
    line = ["chain", "--session-dir", folder, "--at", "2025-09-01T10:00:00", "--json"]
    assert json.loads(said(line, capsys)[1])["known at"].startswith("2025-09-01T09:21:05")


def test_explain_says_what_the_tally_says(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["explain", "--session-dir", str(folder), "--strategy", "calendar_carry"]
    code, out, _ = said([*line, "--set", "min_premium_gap=5", "--json"], capsys)
    assert code == 0
    shown = json.loads(out)
    strategy = CalendarCarry(CalendarCarry.Config.load(sets=["min_premium_gap=5"]))
    found = tally(strategy.recorded_checks(open_segment(folder)))
    assert (shown["checks"], shown["passing"]) == (found.checks, found.passing) == (30, found[1])
    assert shown["config_hash"] == strategy.config_hash.hex()
    for row, one in zip(shown["rules"], found.rules, strict=True):
        assert (row["blocked"], row["alone"]) == (one.blocked, one.alone)
        assert [m["value"] for m in row["nearest"]] == [m.value for m in one.nearest]
    names = "session age quoted front_spread back_spread leg_spread open_interest iv_range "
    names += "calendar_gap term_slope skew hedge_error size gap_floor gap_friction cooldown margin"
    assert [row["rule"] for row in shown["rules"]] == names.split()
    code, out, err = said(line, capsys)
    assert (code, err) == (0, "") and max(map(len, out.splitlines())) <= 120
    whole = tally(CalendarCarry().recorded_checks(open_segment(folder)))
    told = [row.split() for row in out.split("nearest misses of")[1].splitlines()[2:]]
    told = told[: told.index([])]
    near = [(one.rule.name.lower(), m) for one in whole.rules for m in one.nearest]
    assert [(row[0], row[-1]) for row in told] == [(n, clock(m.ts_ns)) for n, m in near]
    assert [row[2] for row in told if row[0] in ("session", "age")] == ["s"] * sum(
        name in ("session", "age") for name, _ in near
    )


def clock(ts_ns: int) -> str:
    return str(np.datetime64(ts_ns + 19_800 * 10**9, "ns").astype("datetime64[s]"))[11:]


def test_contracts_of_one_clock_share_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A calendar trades four contracts or more, and the exchange has one clock."""
    sets = "min_premium_gap=-50 gap_friction_multiple=0 max_hedge_error=0 front_lots=1"
    line = ["backtest", "--session-dir", str(folder), "--strategy", "calendar_carry", "--set", sets]
    code, out, _ = said(line, capsys)
    clocks = [text for text in out.splitlines() if "venue's clock" in text]
    assert code == 0 and len(clocks) == 1 and "instruments, such as NIFTY-" in clocks[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--strategy", "basis_capture"], "expected one whose rules can be explained"),
        (["--strategy", "calendar_cary"], "did you mean calendar_carry?"),
        (["--strategy", "calendar_carry", "--set", "max_hedge_error=2"], "max_hedge_error"),
        (["--strategy", "calendar_carry", "--set", "min_iv=0.7"], "expected at most max_iv"),
    ],
)
def test_explain_refuses_in_one_line(
    words: list[str], says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(["explain", "--session-dir", str(folder), *words], capsys)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_other_data_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    planted = str(Path(__file__).parents[2] / "data" / "planted")
    for line in (["chain", "--at", "10:00:00"], ["explain", "--strategy", "calendar_carry"]):
        code, out, err = said([line[0], "--session-dir", planted, *line[1:]], capsys)
        assert (code, out) == (2, "") and "the segment has none" in err
        assert main_crypto([line[0], "--segment-dir", planted]) == 2
        assert "is a command of quantlaxmi-india" in capsys.readouterr().err


def test_explain_as_a_run_had_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Checks with a position are left out, and the cooldown counts."""
    sets = "min_premium_gap=-50 gap_friction_multiple=0 max_hedge_error=0 front_lots=1"
    sets += " target=0.1 stop=0.1 cooldown_s=300"
    line = ["explain", "--session-dir", str(folder), "--strategy", "calendar_carry", "--set", sets]
    plain = json.loads(said([*line, "--json"], capsys)[1])
    shown = json.loads(said([*line, "--as-run", "--json"], capsys)[1])
    strategy = CalendarCarry(CalendarCarry.Config.load(sets=[sets]))
    table = backtest(open_segment(folder), strategy).table("checks")
    free = [row for row in table.to_pylist() if not row["held"]]
    assert shown["checks"] == len(free) < plain["checks"] == 30
    rests = [row for row in shown["rules"] if row["rule"] == "cooldown"]
    assert rests[0]["blocked"] == sum(row["blocked"] >> 15 & 1 for row in free) > 0


def test_explain_takes_the_options_of_a_backtest(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit that no order keeps to: nothing is held, and its margin is what forbade."""
    sets = "min_premium_gap=-50 gap_friction_multiple=0 max_hedge_error=0 front_lots=1 stop=0.1"
    line = ["explain", "--session-dir", str(folder), "--strategy", "calendar_carry", "--set", sets]
    risk = tmp_path / "risk.toml"
    risk.write_text('capital = "1000"\nmargin = "scan"\n')
    shown = json.loads(said([*line, "--as-run", "--risk", str(risk), "--json"], capsys)[1])
    blocked = {row["rule"]: row["blocked"] for row in shown["rules"]}
    assert shown["checks"] == 30 and blocked["margin"] > 0 == blocked["cooldown"]
    # An order that arrives after all of the data is on its way at every later check.
    after = ["--latency-ns", str(86_400 * 10**9)]
    late = json.loads(said([*line, "--as-run", *after, "--json"], capsys)[1])
    soon = json.loads(said([*line, "--as-run", "--json"], capsys)[1])
    assert late["passing"] == 1 < soon["passing"] and late["checks"] < 30
    code, out, err = said([*line, "--risk", str(risk)], capsys)
    assert (code, out) == (2, "") and err.count("\n") == 1
    code, _, err = said([*line, "--as-run", "--costs", str(tmp_path / "none.toml")], capsys)
    assert code == 2 and "none.toml" in err and err.count("\n") == 1


def test_a_folder_of_a_run_has_the_checks(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["backtest", "--session-dir", str(folder), "--strategy", "calendar_carry"]
    code, _, err = said([*line, "--run-dir", str(tmp_path / "run")], capsys)
    assert code == 0, err
    with pa.memory_map(str(tmp_path / "run" / "checks.arrow")) as source:
        table = pa.ipc.open_file(source).read_all()
    assert table.num_rows == 30
    assert {"seq", "ts_ns", "blocked", "held", "gap", "friction"} <= set(table.column_names)
