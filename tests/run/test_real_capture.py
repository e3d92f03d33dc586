"""The whole road on the BTC pair captured on 2024-08-08, where it is at hand.

The rule is counted three ways: on mid prices alone (`count`), by the naive engine, by the engine.
"""

from __future__ import annotations

import os
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi._ext.depth_book import DepthBook
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.importers import import_capture
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.replay import backtest, replay, run_columns
from quantlaxmi.schema import DecisionType, EventKind, FillFlag, OrderReason
from quantlaxmi.segment import open_segment
from quantlaxmi.segment.depth_index import depth_index_of
from quantlaxmi.strategies import StrategyRegistry
from quantlaxmi.strategies.basis_capture import BasisCapture, BasisCaptureConfig
from tests import market_builder, random_markets, traded, twins
from tests.as_read import rows_as_read
from tests.depth import DEEP
from tests.gates.test_market_null_draws import replays_of
from tests.naive.basis_rule import BasisRule
from tests.naive.engine import Decision, Engine, Leg

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
PAIR = REAL / "crypto/binance_capture_2024_08"
SPOT, PERP = PAIR / "spot/btcusdt_20240808.gz", PAIR / "usdm/btcusdt_20240808.gz"
MAKER = f"{Path(__file__).parents[2] / 'examples' / 'passive_maker_numba.py'}:Maker"
#: What was counted by hand pays all fees in quote.
QUOTE = CostModel(rates={}, buy_fee={"spot": "quote"})
QTY = 10**6  # 0.01 BTC, the default size
MS = 10**6

pytestmark = pytest.mark.skipif(
    not (SPOT.exists() and PERP.exists()),
    reason=f"no real captures under {REAL}; set QUANTLAXMI_REAL_DATA",
)


@pytest.fixture(scope="session")
def segment(tmp_path_factory):
    """At 10**-8, as the rules counted by hand take it."""
    out = tmp_path_factory.mktemp("real") / "seg"
    with rows_as_read():
        import_capture("binance-stream", spot=SPOT, perp=PERP, out=out)
    return open_segment(out, verify="all")


def test_exponents_of_tick_and_lot_change_no_decision_and_no_money(segment, run, tmp_path):
    """But for interest, which is rounded to the ledger's unit: that is computed for each."""
    import_capture("binance-stream", spot=SPOT, perp=PERP, out=tmp_path / "seg")
    other = open_segment(tmp_path / "seg")
    fitted = backtest(other, strategy())
    exponents = [(i.price_exponent, i.qty_exponent) for i in fitted.instruments]
    # Three rows of the spot's depth are finer than its lot; the perpetual's tick is 0.1.
    assert exponents == [(-2, -8), (-2, -3)]

    def told(one):
        """Decisions by their messages, fills and money as values."""
        instruments = one.instruments
        fills = [
            (
                f["seq"],
                f["instrument"],
                f["side"],
                f["qty"] * Fraction(10) ** instruments[f["instrument"]].qty_exponent,
                f["price"] * Fraction(10) ** instruments[f["instrument"]].price_exponent,
                f["fee"] * Fraction(10) ** one.ledger_exponent,
                f["cash"] * Fraction(10) ** one.ledger_exponent,
            )
            for f in twins.rows_of(one.exact.fills)
        ]
        net = one.exact.net_pnl * Fraction(10) ** (one.ledger_exponent - 1)
        return one.exact.decisions["seq"].tolist(), fills, net

    free = CostModel(rates={}, borrow={"spot": FixedPoint(0, 0)})
    assert told(backtest(other, strategy(), costs=free)) == told(
        backtest(segment, strategy(), costs=free)
    )
    assert fitted.exact.decisions["seq"].tolist() == run.exact.decisions["seq"].tolist()
    assert (fitted.ledger_exponent, run.ledger_exponent) == (-10, -16)
    for one in (fitted, run):
        paid = [row["amount"] for row in twins.rows_of(one.exact.borrow)]
        assert paid == [round(x / Fraction(10) ** one.ledger_exponent) for x in interest(run)]
        assert [a.borrow for a in one.exact.accounts] == [sum(paid), 0]


def interest(run) -> list[Fraction]:
    """Before it is rounded: of the spot that was sold and not held, from change to change.

    The mid is the last quote's. No rate of 2024 is on record: 1,000 bps a year are assumed.
    """
    quotes, found, held, since = run.segment.columns("quotes"), [], 0, 0
    spot = quotes["instrument"] == 0
    stamps, mid2 = quotes["ts_ns"][spot], (quotes["bid"] + quotes["ask"])[spot]
    changes = [
        (f["ts_ns"], f["side"] * f["qty"])
        for f in twins.rows_of(run.exact.fills)
        if f["instrument"] == 0
    ]
    for at, change in [*changes, (run.segment.last_ts_ns, 0)]:
        if held < 0 and at > since:
            mid = Fraction(int(mid2[np.searchsorted(stamps, at, side="right") - 1]), 2 * 10**8)
            quantity, years = Fraction(-held, 10**8), Fraction(at - since, 365 * 86_400 * 10**9)
            found.append(mid * quantity * Fraction(1000, 10**4) * years)
        held, since = held + change, at
    assert len(found) > 20
    return found


def strategy():
    return BasisCapture(
        BasisCaptureConfig(
            threshold_bps=FixedPoint(4, 0), exit_threshold_bps=FixedPoint(35, -1), cooldown_ms=100
        )
    )


@pytest.fixture(scope="session")
def run(segment):
    return backtest(segment, strategy())


@pytest.fixture(scope="session")
def in_quote(segment):
    return backtest(segment, strategy(), costs=QUOTE)


def rule():
    return BasisRule(Fraction(4), Fraction(7, 2), 100 * MS)


def count(segment) -> list[tuple[int, int, int]]:
    """Decisions as (seq, decision type, side of the perp): mids, cooldown, instant whole fills."""
    quotes, found = segment.columns("quotes"), []
    mids, held, asked = [0, 0], 0, rule()
    names = ("seq", "ts_ns", "instrument", "bid", "ask")
    for seq, ts_ns, i, bid, ask in zip(*(quotes[k].tolist() for k in names), strict=True):
        mids[i] = bid + ask
        side = asked.side(ts_ns, *mids, held) if all(mids) else 0
        if side:
            found.append((seq, 2 if held else 1, side))
            held += side
    return found


@pytest.mark.parametrize("latency_ns", [0, MS])
def test_decisions_are_those_of_an_independent_count(segment, latency_ns):
    """105 decisions, 53 entries and 52 exits; the engine's are the same, at the same messages.

    It could differ in three ways, and on these rows does not. (1) It fills against displayed size:
    every one of the 210 orders for 0.01 BTC fills whole, some of them beyond the touch in the
    recorded depth, so that no leg is trimmed or left. (2) It decides nothing while orders are in
    flight: the latency is shorter than the cooldown. (3) Its quote age limit of 5 s, which the
    count does not know: no leg's quote was that old at a decision. The 53rd position stays open.
    """
    run = backtest(segment, strategy(), latency_ns=latency_ns, costs=QUOTE)
    decisions = [
        (d["seq"], d["decision_type"], d["direction"]) for d in twins.rows_of(run.exact.decisions)
    ]
    assert decisions == count(segment)
    kinds = Counter(kind for _, kind, _ in decisions)
    assert kinds == {DecisionType.ENTER: 53, DecisionType.EXIT: 52}
    orders = run.exact.orders[run.exact.orders["kind"] == 4]
    assert orders["reason"].tolist() == [OrderReason.FILLED] * 210
    assert orders["qty"].tolist() == [QTY] * 210
    kinds = {FillFlag.NONE, FillFlag.DEPTH, FillFlag.AFTER_OWN}
    assert set(run.exact.fills["flags"].tolist()) <= kinds | {FillFlag.DEPTH | FillFlag.AFTER_OWN}
    assert run.n_fills == {0: 242, MS: 237}[latency_ns]
    assert [abs(a.position) for a in run.exact.accounts] == [QTY, QTY]
    assert sum(a.position for a in run.exact.accounts) == 0


def test_the_naive_engine_agrees_on_every_row(segment):
    """135,203 messages: books, orders, fills, fees and accounts, to the last unit.

    At less than full depth these are the first fourth.
    """
    tables = {table: segment.columns(table) for table in segment.counts}
    looked_at = market_builder.MemorySegment(
        random_markets.truncated(tables, segment.n_messages // (1 if DEEP else 4)),
        segment.instruments,
    )
    asked = rule()

    def decide(engine, table, row):
        spot, perp = engine.market.books
        if engine.in_flight or not (spot.valid and perp.valid):
            return None
        held = engine.accounts[1].position
        held = (held > 0) - (held < 0)
        side = asked.side(row["ts_ns"], spot.bid + spot.ask, perp.bid + perp.ask, held)
        if not side:
            return None
        kind = 2 if held else 1
        return Decision(
            (Leg(1, side, QTY), Leg(0, -side, QTY)),
            decision_type=kind,
            direction=side,
            rationale={(1, -1): 0, (1, 1): 1, (2, 1): 2, (2, -1): 3}[kind, side],
        )

    engine = Engine(
        traded.terms_of(segment.instruments, CostModel.binance()),
        decide,
        latency_ns=MS,
        fee_exponent=-8,
        wanted=frozenset([EventKind.QUOTE]),
    )
    engine.run({table: looked_at.columns(table) for table in segment.counts})
    run = backtest(looked_at, strategy(), costs=QUOTE)
    assert len(run.exact.decisions) >= 10
    twins.assert_same(run, engine)


def test_routes_and_forms_give_one_hash(segment, run):
    others = (
        replay(segment, strategy()),
        backtest(segment, strategy()),
        backtest(segment, strategy(), interpreted=True),
        replay(segment, strategy(), interpreted=True),
    )
    for other in others:
        assert other.trace.trace_hash == run.trace.trace_hash
        assert other.trace.outcome_hash == run.trace.outcome_hash


@pytest.mark.parametrize("maker", [False, True])
def test_the_depth_index_gives_the_trace_of_the_live_book(segment, maker):
    made = StrategyRegistry().create(MAKER) if maker else strategy()
    live, other = (
        run_columns(segment, made, RunConfig.of(), depth=depth) for depth in ("live", "index")
    )
    assert live.n_fills > 20
    assert other.trace.trace_hash == live.trace.trace_hash
    assert other.trace.outcome_hash == live.trace.outcome_hash
    if maker:
        return
    live, other = (replays_of(one) for one in (live, other))
    live._depth_index = None
    for draw in range(3):
        market = live.move(draw, live.room())
        assert live.sums(market) == other.sums(market)


def test_the_depth_index_is_the_live_book_at_every_message(segment):
    """All levels at every tenth message, where each book stands and its gaps at every one."""
    depth, start = segment.columns("depth"), 0
    names = ("first_id", "last_id", "prev_id", "side", "price", "qty", "flags")
    index, books = depth_index_of(segment), (DepthBook(), DepthBook())
    for m, end in enumerate((np.flatnonzero(depth["flags"] & 1) + 1).tolist()):
        i = int(depth["instrument"][start])
        books[i].apply(*(depth[name][start:end] for name in names))
        start = end
        assert index.stands(i, m) == (books[i].valid, books[i].gaps)
        if m % 10 == 0 and books[i].valid:
            for side in (1, -1):
                levels = books[i].levels(side)
                assert np.array_equal(index.levels(i, side, m), levels)
                price, size = levels[m % len(levels)].tolist()
                assert index.size(i, side, m, price) == size
    assert m == segment.counts["depth"].messages - 1


def test_half_the_capture_gives_half_the_trace(segment, run):
    tables = {table: segment.columns(table) for table in segment.counts}
    half = market_builder.MemorySegment(
        random_markets.truncated(tables, segment.n_messages // 2), segment.instruments
    )
    records = backtest(half, strategy()).trace.records_bytes()
    assert len(records) > 1000
    assert run.trace.records_bytes().startswith(records)


def test_rebuilt_depth_is_the_venue_s_own_book(segment, capsys):
    """Best bid and ask with their sizes, against the last bookTicker up to the book's update id.

    Agreement was 100 % on these rows (3,449 spot and 6,546 perp books, of which 564 and 629 end
    at the very id of a bookTicker): quotes and depth are two views of one book.
    """
    depth, quotes = segment.columns("depth"), segment.columns("quotes")
    names = ("first_id", "last_id", "prev_id", "side", "price", "qty", "flags")
    for i, symbol in enumerate(("spot", "perp")):
        rows = depth["instrument"] == i
        columns = [np.ascontiguousarray(depth[name][rows]) for name in names]
        mine = quotes["instrument"] == i
        ids = quotes["update_id"][mine]
        tops = np.stack([quotes[k][mine] for k in ("bid", "bid_qty", "ask", "ask_qty")], axis=1)
        book, start, compared, same, exact = DepthBook(), 0, 0, 0, 0
        for end in (np.flatnonzero(columns[6] & 1) + 1).tolist():
            book.apply(*(column[start:end] for column in columns))
            start = end
            at = int(np.searchsorted(ids, book.last_id, side="right")) - 1
            if not book.valid or at < 0:
                continue
            compared += 1
            exact += int(ids[at]) == book.last_id
            same += tops[at].tolist() == [*book.levels(1)[0], *book.levels(-1)[0]]
        with capsys.disabled():
            print(f"\n{symbol}: depth and bookTicker agree at {same} of {compared} ({exact} exact)")
        assert compared > 3000
        assert exact > 500
        assert same >= 0.999 * compared
        assert book.gaps == 0


def test_the_grid_prices_the_strategy_s_own_decisions(in_quote):
    run = in_quote
    points = decision_points(run)
    place = {seq: k for k, seq in enumerate(points.seq.tolist())}
    for decision in twins.rows_of(run.exact.decisions):
        legs = run.exact.legs[run.exact.legs["decision"] == decision["sequence"]]
        bundle = tuple(sorted((int(x["instrument"]), int(x["side"] * x["qty"])) for x in legs))
        row = place[decision["seq"]]
        mine = np.flatnonzero(run.exact.fills["decision"] == decision["sequence"])
        cost = points.cost(bundle)
        assert points.can_trade[row]
        assert cost.fillable[row]
        assert int(cost.values[row]) * cost.unit == sum(
            run.exact.attributions.slippage[k] + run.exact.attributions.fee[k] for k in mine
        )


def test_profit_in_doubles_is_within_a_basis_point(in_quote):
    run = in_quote
    fills, unit = run.exact.fills, 1e-8
    notional = fills["price"] * unit * (fills["qty"] * unit)
    bps = np.where(fills["instrument"] == 0, 10e-4, 5e-4)
    cash = -(fills["side"] * notional).sum() - (notional * bps).sum()
    for i in (0, 1):
        mine = fills["instrument"] == i
        held = (fills["side"] * fills["qty"])[mine].sum() * unit
        cash += held * run.exact.last_mids[i] * 1e-9
    cash -= float(sum(interest(run)))
    exact = run.exact.net_pnl * 1e-17
    assert exact < 0  # at real fees this capture earns nothing
    assert abs(cash - exact) <= 1e-4 * abs(exact)
    assert abs(cash - exact) <= 1e-6


def test_taking_the_signal_away_hurts_nobody_at_real_fees(run):
    from quantlaxmi.gates.g2_suite import G2AntiOverfitSuite
    from quantlaxmi.gates.results import Verdict

    guard, *filters = G2AntiOverfitSuite.from_run(run).run_ablation()
    assert guard.verdict is Verdict.WARN
    assert guard.details["decisions_without"] == 0
    assert guard.details["bucket_seconds"] == "0.5"
    assert Fraction(guard.details["lost"]) == Fraction(run.exact.net_pnl) * Fraction(10) ** (
        run.ledger_exponent - 1
    )
    assert [f.removed for f in filters] == [("max_quote_age_ms",), ("cooldown_ms",)]
