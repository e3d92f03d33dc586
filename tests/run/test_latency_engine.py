"""Drawn latencies and late news: the engine against its naive twin, and what must hold of both."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._ext import philox
from quantlaxmi.execution.latency import Latency, LatencyModel
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.run.result import Run
from quantlaxmi.run.session import Session
from quantlaxmi.schema import EventKind
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import StrategyRegistry
from tests import random_markets, traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.jit import with_python_side as jit
from tests.market_builder import MemorySegment
from tests.naive import rng as naive_rng
from tests.naive.late_engine import LateEngine, drawn
from tests.run.test_engine_properties import row_chunks, same_runs
from tests.run.test_order_flows import order_cases
from tests.run.test_replay_loop import random_cases
from tests.segment.test_parts import DATA

U64 = st.integers(0, 2**64 - 1)
TABLES = st.lists(st.integers(0, 40), min_size=1, max_size=6)
LATENCIES = st.one_of(
    st.integers(0, 30).map(Latency), TABLES.map(lambda t: Latency(table_ns=tuple(t)))
)
MODELS = st.builds(LatencyModel, entry=LATENCIES, response=LATENCIES)


@settings(max_examples=examples(200), deadline=None)
@given(U64, st.integers(1, 2**32))
def test_a_number_below_n_is_the_twins(word: int, n: int) -> None:
    found = philox.below(word, n)
    assert found == naive_rng.below(word, n) == int(jit.below(np.uint64(word), n))


def test_below_takes_no_n_beyond_its_range() -> None:
    for n in (0, 2**32 + 1):
        with pytest.raises(ValueError, match="expected 1 to"):
            philox.below(1, n)


class Listening(twins.Script):
    """Notes what it sees at fills, too."""

    def on_fill(self, fill) -> None:
        super().on_fill(fill)
        position = self.ctx.position(fill.symbol)
        self.log[-1] += (fill.fill, position.pending_qty, self.ctx.in_flight, self.ctx.now_ns)


def listening(schedule) -> Listening:
    made = {"schedule": schedule, "event_kinds": twins.ALL_KINDS, "log": []}
    return type("Listening", (Listening,), made)()


def run_late(case: Case, model: LatencyModel, seed: int = 0, route=backtest, cuts=()):
    segment = MemorySegment(case.tables, case.instruments, cuts)
    strategy = listening(case.schedule)
    run: Run = route(
        segment,
        strategy,
        costs=case.costs,
        limits=case.limits,
        latency=model,
        flatten=case.flatten,
        leg_latency_ns=case.leg_latency_ns,
        seed=seed,
    )
    return run, type(strategy).log


def naive_late(case: Case, model: LatencyModel, run: Run, seed: int = 0):
    """The same by the twin; keys as the model gives them."""
    instruments = case.instruments
    rules, limits = traded.rules_of(instruments, case.costs, case.limits)
    log: list[Any] = []
    mine: list[tuple[int, int]] = []
    calls = iter(range(10**9))
    made = model.delays(seed, run.strategy.config_hash)

    def latency(one: Latency, key: int):
        return drawn(list(one.table_ns), key) if one.table_ns else lambda _: one.constant_ns

    keys = (made[0][2], made[1][2]) if made else (0, 0)

    def decide(engine, table, row):
        books = tuple(
            (b.valid, b.bid, b.bid_qty, b.ask, b.ask_qty, b.ts_ns) for b in engine.market.books
        )
        held = tuple((h.position, h.pending) for h in engine.heard)
        flight = engine.heard_in_flight
        log.append((row["seq"], row["ts_ns"], flight, engine.n_orders, books, held))
        tops = [(b.bid, b.ask, b.valid) for b in engine.market.books]
        return random_markets.resolved(case.schedule.get(next(calls)), mine, engine.n_orders, tops)

    def on_fill(fill) -> None:
        i = fill["instrument"]
        if not fill["qty"]:
            news = (fill["order"], fill["decision"], instruments[i].symbol, fill["side"])
            news += (fill["reason"], fill["order_left"], fill["ts_ns"])
            log.append(("order", *news, engine.heard_in_flight, engine.heard[i].pending))
        else:
            number = engine.fills.index({k: v for k, v in fill.items() if k in engine.fills[0]})
            names = ("side", "qty", "price", "ts_ns", "flags", "fee", "position", "cash")
            log.append(
                (
                    "fill",
                    fill["order"],
                    fill["decision"],
                    instruments[i].symbol,
                    *(fill[n] for n in names),
                    engine.heard[i].position,
                    number,
                    engine.heard[i].pending,
                    engine.heard_in_flight,
                    fill["ts_ns"] + engine.response(fill["order"]),
                )
            )

    plain_response = model.response == Latency(0)
    engine = LateEngine(
        traded.terms_of(instruments, case.costs),
        decide,
        entry=latency(model.entry, keys[0]),
        response=latency(model.response, keys[1]),
        fee_exponent=case.costs.fee_exponent,
        wanted=frozenset(EventKind),
        on_fill=on_fill,
        rules=rules,
        limits=limits,
        pro_rata=case.costs.queue == "pro_rata",
        by_receipt=case.costs.trade_clock == "receive",
        leg_latency_ns=case.leg_latency_ns,
    )
    if plain_response:
        engine.later = lambda order, ts_ns, what: what()  # heard at once, within the event
    engine.run(case.tables, case.flatten)
    return engine, log


@settings(max_examples=examples(250), deadline=None)
@given(random_cases(60), MODELS, st.integers(0, 3))
def test_the_engine_is_its_twin(case: Case, model: LatencyModel, seed: int) -> None:
    run, seen = run_late(case, model, seed)
    engine, expected = naive_late(case, model, run, seed)
    twins.assert_same(run, engine)
    assert seen == expected


@settings(max_examples=examples(250), deadline=None)
@given(order_cases(80), MODELS, st.integers(0, 3))
def test_resting_orders_and_changes_are_as_the_twin_has_them(case: Case, model, seed: int) -> None:
    run, seen = run_late(case, model, seed)
    engine, expected = naive_late(case, model, run, seed)
    twins.assert_same(run, engine)
    assert seen == expected


@settings(max_examples=examples(60), deadline=None)
@given(random_cases(60))
def test_a_plain_model_is_a_constant_latency(case: Case) -> None:
    run, seen = run_late(case, LatencyModel.constant(case.latency_ns))
    other, seen_there = twins.run_case(case)
    same_runs(run, other)
    assert run.header == other.header
    assert [x[: len(y)] for x, y in zip(seen, seen_there, strict=True)] == seen_there


@settings(max_examples=examples(60), deadline=None)
@given(random_cases(60), st.integers(0, 20), st.integers(1, 4))
def test_a_table_of_one_value_is_that_constant(case: Case, entry: int, seed: int) -> None:
    """A draw that has no choice; only the hash of the model differs."""
    table = LatencyModel(entry=Latency(table_ns=(entry,)))
    run, seen = run_late(case, table, seed)
    other, seen_there = run_late(case, LatencyModel.constant(entry), seed)
    for name in twins.TABLES:
        assert getattr(run.exact, name).tobytes() == getattr(other.exact, name).tobytes()
    assert seen == seen_there
    assert run.header.latency_hash != other.header.latency_hash


@settings(max_examples=examples(80), deadline=None)
@given(random_cases(60), MODELS, st.lists(st.integers(0, 120), max_size=12))
def test_replay_in_batches_equals_backtest(case: Case, model: LatencyModel, cuts) -> None:
    whole, seen = run_late(case, model, 7)
    pieces, seen_again = run_late(case, model, 7, replay, cuts)
    same_runs(whole, pieces)
    assert seen == seen_again


@settings(max_examples=examples(40), deadline=None)
@given(random_cases(40), MODELS, st.integers(1, 7))
def test_result_does_not_depend_on_stride(case: Case, model: LatencyModel, stride: int) -> None:
    whole, seen = run_late(case, model)
    bound = (strategy := listening(case.schedule)).bind(case.instruments)
    config = RunConfig.of(costs=case.costs, latency=model, flatten=case.flatten)
    session = Session(case.instruments, bound, config)
    session._stride = stride
    for chunk in row_chunks(case.tables, stride + 1):
        session.feed(chunk)
    session.finish()
    for name, rows in session.engine.tables().items():
        assert rows.tobytes() == getattr(whole.exact, name).tobytes(), name
    assert type(strategy).log == seen


@settings(max_examples=examples(80), deadline=None)
@given(random_cases(60), MODELS, st.integers(0, 60))
def test_records_of_a_truncated_market_are_a_prefix(case: Case, model, length: int) -> None:
    whole, _ = run_late(case, model)
    short = dataclasses.replace(
        case, tables=random_markets.truncated(case.tables, length), flatten=False
    )
    part, _ = run_late(short, model)
    assert whole.trace.records_bytes().startswith(part.trace.records_bytes())


@settings(max_examples=examples(100), deadline=None)
@given(random_cases(60), MODELS, st.integers(0, 9))
def test_orders_of_a_decision_arrive_together_at_the_draw(case: Case, model, seed: int) -> None:
    run, _ = run_late(case, model, seed)
    key = _key(run, model, seed, 0)
    values = model.entry.table_ns
    for decision in twins.rows_of(run.exact.decisions):
        number = decision["sequence"]
        wanted = (
            values[naive_rng.below(naive_rng.word(key, number, 0), len(values))]
            if values
            else model.entry.constant_ns
        )
        ended = run.exact.orders[
            (run.exact.orders["decision"] == number)
            & (run.exact.orders["kind"] == 4)
            & (run.exact.orders["leg"] >= 0)
        ]
        for order in ended:
            if order["reason"] not in (6, 7):  # the end of the data, refused
                assert order["ts_ns"] == decision["ts_ns"] + wanted
        trims = run.exact.orders[
            (run.exact.orders["decision"] == number) & (run.exact.orders["leg"] < 0)
        ]
        sent = {o["order"]: o["ts_ns"] for o in trims if o["kind"] == 1}
        for order in trims:  # they take the latency of their decision, drawn once
            if order["kind"] == 4 and order["reason"] != 6:
                assert order["ts_ns"] == sent[order["order"]] + wanted


def _key(run: Run, model: LatencyModel, seed: int, which: int) -> int:
    made = model.delays(seed, run.strategy.config_hash)
    return made[which][2] if made else 0


MODEL = LatencyModel(
    entry=Latency(table_ns=(300_000, 900_000, 5_000_000, 40_000_000)),
    response=Latency(table_ns=(200_000, 2_000_000, 700_000_000)),
)


@pytest.fixture(scope="module")
def planted():
    return open_segment(DATA / "planted")


def basis(**options: Any) -> Any:
    sets = ["cooldown_ms=0"]
    return StrategyRegistry(installed=False).create("basis_capture", sets=sets), options


def test_kernel_and_interpreted_and_both_routes_agree(planted) -> None:
    strategy, _ = basis()
    runs = [
        backtest(planted, strategy, latency=MODEL, seed=3),
        backtest(planted, strategy, latency=MODEL, seed=3, interpreted=True),
        replay(planted, strategy, latency=MODEL, seed=3),
    ]
    for run in runs[1:]:
        same_runs(run, runs[0])
    assert runs[0].n_fills > 100
    plain = backtest(planted, strategy, seed=3)
    other = backtest(planted, strategy, latency=MODEL, seed=4)
    traces = {r.trace.outcome_hash for r in (runs[0], plain, other)}
    assert len(traces) == 3  # draws and seeds do something


def test_the_draw_of_one_decision_moves_no_other(planted) -> None:
    """The same decisions at another place in a longer list keep their draws."""
    strategy, _ = basis()
    run = backtest(planted, strategy, latency=MODEL, seed=3)
    key = _key(run, MODEL, 3, 0)
    table = list(MODEL.entry.table_ns)
    arrivals = {}
    for order in run.exact.orders[run.exact.orders["kind"] == 4]:
        arrivals.setdefault(int(order["decision"]), int(order["ts_ns"]))
    for number, at in list(arrivals.items())[:200]:
        assert at - int(run.exact.decisions["ts_ns"][number]) == drawn(table, key)(number)
    assert run.latency_ns == 40_000_000
