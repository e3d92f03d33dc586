"""The table of gates: one line a gate, numbers in columns, never wider than 120 characters."""

from __future__ import annotations

import io
import sys

import pytest

from quantlaxmi.cli.gate_table import WIDTH, gate_lines
from quantlaxmi.cli.output import shortened
from quantlaxmi.cli.steps import Steps
from quantlaxmi.gates.results import GateResult, Json, MonteCarlo, Verdict, WalkForwardResult

RESULTS = [
    GateResult("net_positive", "guard", Verdict.FAIL, ("Net PnL is -3, the limit is above 0.",)),
    GateResult(
        "market_null",
        "test",
        Verdict.PASS,
        ("p = 0.004975 (0 of 200 markets did at least as well). " * 6,),
        MonteCarlo(0, 200),
    ),
    GateResult("delay", "guard", Verdict.NOT_APPLICABLE, ()),
    GateResult("equity", "test", Verdict.PASS, (), None, {"p_value": 0.0123, "buckets": 200}),
    GateResult("label_permutation", "diagnosis", Verdict.SHOWN, ("",), MonteCarlo(20, 1050, True)),
]


def test_one_line_a_gate_with_its_numbers() -> None:
    assert gate_lines(RESULTS, "0.05") == [
        "gate               role       verdict                p      n  limit",
        "net_positive       guard      FAIL",
        "market_null        test       PASS            0.004975    200   0.05",
        "delay              guard      NOT APPLICABLE",
        "equity             test       PASS              0.0123    200   0.05",
        "label_permutation  diagnosis  SHOWN            0.01905  1,050",
    ]
    assert gate_lines([], "0.05") == ["gate  role  verdict  p  n  limit"]


@pytest.mark.parametrize("indent", [0, 2, 30])
def test_sentences_stand_beneath_and_are_wrapped(indent: int) -> None:
    plain = gate_lines(RESULTS, "0.05", indent=indent)
    told = gate_lines(RESULTS, "0.05", verbose=True, indent=indent)
    assert [line for line in told if line in plain] == plain
    assert max(map(len, told)) <= WIDTH
    words = " ".join(line.strip() for line in told if line not in plain).split()
    assert words == " ".join(text for r in RESULTS for text in r.reasons).split()


@pytest.mark.parametrize("verbose", [False, True])
def test_no_name_and_no_sentence_makes_a_line_wider(verbose: bool) -> None:
    long = GateResult(
        "ablation." + "x" * 300,
        "diagnosis",
        Verdict.INCONCLUSIVE,
        ("y" * 500,),
        MonteCarlo(1, 10**9),
    )
    lines = gate_lines([long], "0.000001", verbose=verbose, indent=4)
    assert max(map(len, lines)) <= WIDTH
    assert lines[1].split()[0].startswith("ablation.xxx")


def test_a_long_text_loses_its_middle() -> None:
    assert shortened("abcdefgh", 8) == "abcdefgh"
    assert shortened("abcdefghi", 8) == "abc…fghi"
    assert shortened("abcdefghi", 7) == "abc…ghi"
    assert len(shortened("x" * 50, 9)) == 9


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def said(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, seconds: list[float]) -> str:
    """What steps at these seconds print; the gates' first has three calls."""
    times = iter([0.0, *seconds])
    now = [0.0]

    def clock() -> float:
        now[0] = next(times, now[0])
        return now[0]

    monkeypatch.setattr(sys, "stderr", stream)
    with Steps(clock) as steps:
        steps("planted: backtest")
        gates = steps.named("planted")
        for done in (1, 2, 3):
            gates("market_null", done, 4)
    return stream.getvalue()


def test_steps_are_lines_with_seconds_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The clock is asked by every line, and by every call that might have one.
    found = said(monkeypatch, io.StringIO(), [1.0, 2.0, 3.0, 4.0, 15.0, 15.0])
    assert found.splitlines() == [
        "[   1 s] planted: backtest",
        "[   2 s] planted: market_null",
        "[  15 s] planted: market_null  75 %",
    ]


def test_steps_are_one_line_of_a_terminal_that_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    found = said(monkeypatch, Terminal(), [1.0, 2.0, 3.0, 4.0, 5.0])
    assert "\n" not in found
    parts = [part.rstrip() for part in found.split("\r")[1:]]
    assert parts == [
        "[   1 s] planted: backtest",
        "[   2 s] planted: market_null",
        "[   3 s] planted: market_null  25 %",
        "[   4 s] planted: market_null  50 %",
        "[   5 s] planted: market_null  75 %",
        "",
        "",
    ]
    assert max(len(part) for part in found.split("\r")) <= 80


def test_folds_are_a_table_beneath_walk_forward() -> None:
    row = {
        "fold": 1, "test_begin_ns": 1_700_000_000 * 10**9, "purge_ns": 5 * 10**9,
        "purge_capped": True, "net": "12.5", "round_trips": 3, "values": {"threshold": "4"},
        "in_sample": {"statistic": 2.5, "round_trips": 7},
    }  # fmt: skip
    flat = {**row, "fold": 2, "purge_capped": False, "net": "0", "round_trips": 0}
    del flat["values"], flat["in_sample"]
    folds: Json = [row, flat]
    result = WalkForwardResult("walk_forward", "test", Verdict.PASS, (), None, {"folds": folds})
    lines = [line.split() for line in gate_lines([result], "0.05", verbose=True)[2:]]
    assert lines[0][:3] == ["fold", "test", "begins"]
    begins = "2023-11-14T22:13:20Z"
    assert lines[1:] == [
        ["1", begins, "5*", "threshold=4", "2.5", "7", "12.5", "3"],
        ["2", begins, "5", "flat", "0", "0"],
    ]
    assert len(gate_lines([result], "0.05")) == 2
