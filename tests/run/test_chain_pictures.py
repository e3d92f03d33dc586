"""Pictures of option sessions show the figures that the chain, the rules and the bundle have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantlaxmi import backtest, open_segment
from quantlaxmi.errors import InputError
from quantlaxmi.importers.synthetic_session import generate_chain_segment
from quantlaxmi.options import surface
from quantlaxmi.options.calendar_tally import tally
from quantlaxmi.options.calendar_terms import CalendarRule
from quantlaxmi.options.recorded import RecordedChain
from quantlaxmi.report import plots
from quantlaxmi.run.chain_pictures import option_pictures
from quantlaxmi.run.drawing import new_figure
from quantlaxmi.run.own_tables import margin_asks
from quantlaxmi.strategies import StrategyRegistry

PLANTED = Path(__file__).resolve().parents[2] / "data" / "planted"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session") / "s"
    generate_chain_segment("planted", folder, days=1, snapshots=40)
    return backtest(open_segment(folder), "calendar_carry")


@pytest.fixture(scope="module")
def entry(run):
    """The chain at the first decision."""
    recorded = RecordedChain(run.segment)
    seq = run.exact.decisions["seq"][0]
    [k] = np.flatnonzero(recorded.seq == seq)
    return recorded.moment(int(k)).chain


def test_the_smile_is_of_puts_below_the_forward_and_calls_above(run, entry):
    found = surface(entry)
    ax = plots.iv_smile(run)
    lines = ax.get_lines()
    for expiry, line in enumerate(lines[: entry.n_expiries]):
        ahead = found.forward.value[expiry]
        drawn = dict(zip(*(np.asarray(one).tolist() for one in line.get_data()), strict=True))
        rows = entry.rows(expiry)
        assert drawn
        for row in range(rows.start, rows.stop):
            strike = entry.strike[row] / 100
            side = found.put if strike < ahead else found.call
            if side.status[row] == 0 and abs(strike - ahead) <= 0.08 * ahead:
                assert drawn.pop(strike) == pytest.approx(100 * side.value[row], rel=1e-12)
        assert not drawn
    assert lines[-1].get_xdata()[0] == pytest.approx(found.forward.value[0])


def test_the_term_structure_is_of_volatilities_at_the_money(run, entry):
    found = surface(entry)
    [line, marked] = plots.iv_term_structure(run).get_lines()
    assert line.get_xdata().tolist() == (entry.seconds / 86_400).tolist()
    expected = 50 * (found.sigma_call + found.sigma_put)
    np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-12)
    assert len(marked.get_xdata()) == 2  # front and back of the calendar


def test_the_bars_count_as_explain_does(run):
    exact = run.exact
    records = {n: getattr(exact, n) for n in ("decisions", "orders", "fills", "risk")}
    asks = margin_asks(exact, run.segment, run.config)
    found = tally(run.strategy.strategy.run_checks(run.segment, records, asks))
    ax = plots.rule_bars(run)
    every, alone = ax.containers
    assert [int(bar.get_width()) for bar in every] == [one.blocked for one in found.rules]
    assert [int(bar.get_width()) for bar in alone] == [one.alone for one in found.rules]
    assert [one.get_text() for one in ax.get_yticklabels()] == [
        str(one.name).lower() for one in CalendarRule
    ]
    assert f"{found.checks:,} checks" in ax.get_xlabel()
    assert sum(one.blocked for one in found.rules) > 0


def test_the_page_has_four_more_pictures_and_functions_draw_on_given_axes(run):
    assert [one.name for one in option_pictures(run)] == [
        "payoff", "smile", "term-structure", "rules",
    ]  # fmt: skip
    for draw in (plots.iv_smile, plots.iv_term_structure, plots.rule_bars, plots.plot_payoff):
        ax = new_figure(700, 300).add_subplot()
        assert draw(run, ax=ax) is ax


def test_a_run_that_traded_nothing_still_shows_what_forbade(run):
    strategy = StrategyRegistry().create("calendar_carry", sets=("min_premium_gap=5000",))
    idle = backtest(run.segment, strategy)
    assert idle.n_fills == 0
    assert [one.name for one in option_pictures(idle)] == ["rules"]
    with pytest.raises(InputError, match="expected one that kept a position"):
        plots.iv_smile(idle)
    with pytest.raises(InputError, match="was 7, expected a decision of the run"):
        plots.iv_term_structure(idle, 7)


def test_runs_without_options_have_none():
    run = backtest(PLANTED, "basis_capture")
    assert option_pictures(run) == []
    with pytest.raises(InputError, match="is no table of basis_capture"):
        plots.rule_bars(run)
