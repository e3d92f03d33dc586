"""Draws against the engine: what a sweep says of a placement is what trading it there earns."""

from pathlib import Path

import numpy as np
import pytest

from quantlaxmi._jit import random_entry as kernels
from quantlaxmi._jit.compiler import running
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.gates import GatePolicy, random_entry
from quantlaxmi.gates import label_permutation as permutation
from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import TABLES, EventKind
from quantlaxmi.segment import open_segment
from quantlaxmi.stats.monte_carlo import wide_ints
from quantlaxmi.strategies.sdk import CryptoStrategy, StrategyConfig
from tests.gate_fakes import judged
from tests.market_builder import MemorySegment
from tests.naive import random_entry as naive
from tests.traded import component

DATA = Path(__file__).resolve().parents[2] / "data"
QUICK = GatePolicy(
    random_sides={"n_draws": 50},
    extend_factor=1,
    random_entry={"n_sims": 50, "n_neutral_pairs": 5},
    label_permutation={"n_perms": 50},
    market_null={"n_draws": 19, "n_draws_extended": 19},
)


#: Sided shares and an amount an order, taxed; sums of days are rounded.
PARTS = CostModel(
    rates={},
    components={
        "perp": (
            component("ticket", "order", "both", "0.07", taxed=True),
            component("entry", "order", "buy", "0.01"),
            component("tax", "value", "sell", "0.1", rounded=True),
            component("vat", "taxed", "both", "18"),
        )
    },
)


def _scripted(script):
    """A strategy that trades given bundles at given messages."""

    class Scripted(CryptoStrategy):
        strategy_id = "scripted"
        Config = StrategyConfig
        rationales = ("script",)
        event_kinds = tuple(EventKind)

        def on_market(self, event, ctx):
            bundle = script.get(event.seq)
            if bundle is None:
                return None
            legs = [ctx.net(ctx.instruments[i].symbol, q) for i, q in bundle]
            return ctx.decide(legs, rationale="script")

    return Scripted()


def funded_segment(segment):
    """The same market with a settlement a minute, at rates that change sides."""
    tables = {name: dict(segment.columns(name)) for name in TABLES}
    funding = tables["funding"]
    at = funding["ts_ns"]
    funding["next_funding_ns"] = at + 60 * 10**9 - at % (60 * 10**9)
    funding["rate"] = 12_345 * (np.arange(len(at)) % 7 - 3)
    return MemorySegment(tables, segment.instruments)


@pytest.fixture(
    scope="module", params=["planted", "edgeless", "planted, funded", "planted, components"]
)
def suite(request):
    segment = open_segment(DATA / request.param.split(",")[0])
    if request.param.endswith("funded"):
        segment = funded_segment(segment)
    costs = PARTS if request.param.endswith("components") else None
    run = backtest(segment, "basis_capture", costs=costs)
    return segment, run, G2AntiOverfitSuite.from_run(run, policy=QUICK)


def test_identity_holds_on_real_runs(suite):
    _, run, g2 = suite
    path = g2.context.path
    assert path.cost == sum((run.exact.attributions.slippage + run.exact.attributions.fee).tolist())
    assert sum(a.cost for t in path.trips for a in t.actions) + path.stray_cost == path.cost
    attributed = sum(run.exact.attributions.gross.tolist())
    open_now = {i: a.position for i, a in enumerate(run.exact.accounts) if a.position}
    assert bool(open_now) == path.trips[-1].open_at_end
    marked = sum(
        q * int(g2.context.decision_points.mid2[i][-1]) * 5 * g2.context.decision_points.scales[i]
        for i, q in open_now.items()
    )
    assert path.gross == attributed + marked
    lay = random_entry._build(g2.context)
    assert lay.costs.reason == ""
    random_entry._own_sums(g2.context, lay)  # raises where the identity does not hold
    assert judged(permutation, g2.context).monte_carlo is not None


@pytest.mark.parametrize("draw", [0, 1])
def test_a_draw_is_what_the_engine_earns_there(suite, draw):
    """Place the trips as a draw does, trade them through the engine, and compare to the unit."""
    segment, own, g2 = suite
    context = g2.context
    clean = [t for t in context.path.trips if all(a.clean for a in t.actions)]
    object.__setattr__(context.path, "trips", tuple(clean[:60]))
    lay = random_entry._build(context)
    t, key = lay.templates, 1234
    out = np.empty((draw + 1, 8), np.uint64)
    with running(1):
        kernels.matched(np.uint64(key), 0, *lay.kernel_arguments(), out)
    s, _, net, _ = wide_ints(out[draw, 0::2].copy(), out[draw, 1::2].copy())
    script = {}
    first = t.trip_first.tolist()
    for trip, start in naive.place(key, draw, t.free, t.occupied.tolist()):
        for k in range(first[trip], first[trip + 1]):
            row = lay.rows[start + int(t.offset[k])]
            script[int(context.decision_points.seq[row])] = t.actions[k].bundle
    assert len(script) == len(t.actions)
    run = backtest(segment, _scripted(script), costs=own.config.costs)
    assert run.n_decisions == len(script)
    assert all(a.position == 0 for a in run.exact.accounts)
    costs = run.exact.attributions
    gross = sum(costs.gross.tolist())
    assert s * lay.columns.scale == gross
    received = 10 * sum(account.funding for account in run.exact.accounts)
    assert received or not isinstance(segment, MemorySegment)
    paid = 10 * sum(account.borrow for account in run.exact.accounts)
    costly = sum((costs.slippage + costs.fee).tolist()) + paid
    assert paid > 0
    assert net * lay.costs.unit == gross + received - costly
