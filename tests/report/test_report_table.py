"""The table of a report has the terminal's rows; its texts are short and escaped."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantlaxmi import run_gates
from quantlaxmi.cli.gate_table import report_lines
from quantlaxmi.gates.policy import GatePolicy

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def report():
    policy = GatePolicy(early="guards")
    return run_gates(DATA / "edgeless", "basis_capture", policy=policy)


def test_rows_are_the_terminals(report):
    table, lines = report.table(), report_lines(report)[1:]
    assert table.columns == ("gate", "role", "verdict", "p", "n", "limit", "advice")
    assert len(table) == len(lines) > 5
    for k, line in enumerate(lines):
        cells = line.split()
        expected = [table[name][k] for name in ("gate", "role", "verdict")]
        assert line.startswith(expected[0]) and all(one in line for one in expected)
        p = table["p"][k]
        assert (p is None) == (table["n"][k] is None)
        if p is not None:
            assert f"{p:.4g}" in cells and f"{table['n'][k]:,}" in cells
    assert all(isinstance(text, str) for text in table["advice"])


def test_a_reports_texts_are_short_and_its_html_has_no_script(report):
    assert len(repr(report).splitlines()) < 20 and len(repr(report)) < 2_000
    assert report.verdict in repr(report)
    html = report._repr_html_()
    assert "<table>" in html and "<script" not in html
