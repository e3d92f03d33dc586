"""Lanes of one market against runs by themselves: every table, account and count is equal."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi import open_segment
from quantlaxmi._ext.lanes import MAX_LANES, Lanes
from quantlaxmi._ext.replay_loop import Engine
from quantlaxmi.execution.latency import Latency, LatencyModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.session import Session
from quantlaxmi.schema import NAP_DTYPE, POSITION_DTYPE, TABLES
from quantlaxmi.strategies.registry import StrategyRegistry
from quantlaxmi.strategies.views import view
from tests import traded
from tests.depth import examples
from tests.market_builder import MemorySegment
from tests.random_markets import random_market, stretched

BASIS = StrategyRegistry(installed=False).get("basis_capture")
ROOMS = 200  # rows of a stretch: a pass is cut in the middle


def bound(instruments, **values):
    return BASIS(BASIS.Config(**{k: convert(v) for k, v in values.items()})).bind(instruments)


def convert(value):
    return FixedPoint.from_text(value) if isinstance(value, str) else value


def session(segment, one, config):
    made = Session(segment.instruments, one, config.complete_for(segment), segment.origin)
    made.engine.refuse_before(segment.first_seq)
    return made


def state_of(made: Session):
    """All that a finished run leaves, from its engine."""
    engine = made.engine
    tables = {name: table.tobytes() for name, table in engine.tables().items()}
    return (
        tables, engine.accounts(), engine.cash(len(made.currencies)), engine.n_messages,
        engine.seq, engine.venue_clocks(), engine.depth_gaps(), engine.close_references(),
        made.memory["state"].tobytes(), made.memory["positions"].tobytes(),
    )  # fmt: skip


def alone(segment, one, config):
    made = session(segment, one, config)
    made.feed({name: segment.columns(name) for name in TABLES})
    made.finish()
    return state_of(made)


def marks(segment):
    """Weights and mids for the sums, which these tests do not look at."""
    n = len(segment.instruments)
    ones = np.ones(n, np.int64)
    ends = np.array([segment.last_ts_ns], np.int64)
    return ones, ones, segment.last_ts_ns, ends, np.ones((n, 1), np.int64)


def lanes_of(sessions):
    asleep = [s.bound.asleep or 0 for s in sessions]
    return Lanes([s.engine for s in sessions], len(sessions[0].currencies), asleep)


def check_lanes(segment, bounds, config, passes=((True, 10**9), (False, 10**9), (True, ROOMS))):
    """Each lane, in passes over the same market, is the run of its setting by itself."""
    expected = [alone(segment, one, config) for one in bounds]
    sessions = [session(segment, one, config) for one in bounds]
    lanes = lanes_of(sessions)
    lanes.load({name: segment.columns(name) for name in TABLES})
    for sleeping, rows in passes:
        found = lanes.run(lambda rows=rows: rows, *marks(segment), sleeping)
        assert len(found) == len(bounds)
        for place, (made, one) in enumerate(zip(sessions, expected, strict=True)):
            got = state_of(made)
            for name in one[0]:
                assert got[0][name] == one[0][name], (place, sleeping, rows, name)
            assert got == one, (place, sleeping, rows)


def random_pair(seed, messages=250, factor=1_000_000):
    """A market of small prices: a basis of some hundred bps, sizes that fill in part."""
    tables = stretched(random_market(seed, messages, 2, True), factor)
    return MemorySegment(tables, traded.UNIVERSES["coarse"])


setting = st.fixed_dictionaries(
    {
        "threshold_bps": st.sampled_from(["0", "20", "60", "95.5", "110", "250"]),
        "position_size": st.sampled_from(["1", "3", "7"]),
        "cooldown_ms": st.sampled_from([0, 3, 40]),
        "max_quote_age_ms": st.sampled_from([0, 25]),
        "max_trades_per_hour": st.sampled_from([0, 2]),
        "hedged": st.booleans(),
    }
)


@given(
    seed=st.integers(0, 10**6),
    made=st.lists(setting, min_size=1, max_size=9),
    latency=st.sampled_from([0, 1, 2_000_000, 30_000_000]),
    kind=st.sampled_from(["none", "position", "loss", "rate", "short"]),
    queue=st.sampled_from(["trades", "pro_rata"]),
    step=st.sampled_from([0, 0, 7, 1_000_000]),
)
@settings(max_examples=examples(60), deadline=None)
def test_lanes_are_the_runs(seed, made, latency, kind, queue, step):
    limits = {
        "none": RiskLimits(),
        "position": RiskLimits(max_position=FixedPoint.from_text("5")),
        "loss": RiskLimits(max_loss=FixedPoint.from_text("40")),
        "rate": RiskLimits(max_orders_per_second=3),
        "short": RiskLimits(short_spot="refuse"),
    }[kind]
    segment = random_pair(seed)
    config = RunConfig.of(
        costs=traded.costs(queue=queue), limits=limits, latency_ns=latency, leg_latency_ns=step
    )
    bounds = [bound(segment.instruments, exit_threshold_bps="0", **m) for m in made]
    check_lanes(segment, bounds, config)


@pytest.mark.parametrize("count", [1, 4, 15, 48])
def test_lanes_of_the_planted_market(count):
    segment = open_segment("data/planted")
    thresholds = [str(2 + k / 8) for k in range(count)]
    bounds = [
        bound(segment.instruments, threshold_bps=t, exit_threshold_bps=str(float(t) / 2))
        for t in thresholds
    ]
    check_lanes(segment, bounds, RunConfig())


def refused(segment, bounds, config=None, match="a lane"):
    sessions = [session(segment, one, config or RunConfig(costs=traded.costs())) for one in bounds]
    with pytest.raises(ValueError, match=match):
        lanes_of(sessions)


def test_what_is_no_lane_is_refused():
    segment = random_pair(1)
    one = bound(segment.instruments, position_size="1")
    costs = traded.costs()
    refused(segment, [one] * (MAX_LANES + 1), match="1 to 48")
    late = RunConfig.of(costs=costs, latency=LatencyModel(entry=Latency(1), response=Latency(5)))
    refused(segment, [one], late, "one latency")
    closing = RiskLimits(max_loss=FixedPoint.from_text("4"), on_max_loss="close")
    refused(segment, [one], RunConfig.of(costs=costs, limits=closing), "watches nothing")
    refused(segment, [one, one.neutralised((0,))], match="same features")
    interpreted = BASIS(one.config).bind(segment.instruments, interpreted=True)
    made = session(segment, interpreted, RunConfig(costs=costs))
    with pytest.raises(ValueError, match="a kernel's"):
        Lanes([made.engine], 1, [0])
    with pytest.raises(ValueError, match="1 to 48"):
        Lanes([], 1, [])


def test_an_engine_that_is_a_lane_does_not_go_on_by_itself():
    segment = random_pair(2)
    one = bound(segment.instruments, position_size="1")
    made = session(segment, one, RunConfig(costs=traded.costs()))
    lanes = lanes_of([made])
    assert isinstance(made.engine, Engine)
    with pytest.raises(RuntimeError, match="ended"):
        made.engine.run()
    with pytest.raises(ValueError, match="is new"):
        lanes_of([made])
    del lanes
    assert len(made.engine.tables()["fills"]) == 0


def test_a_pass_ends_with_what_its_pace_raises():
    segment = open_segment("data/planted")
    made = session(segment, bound(segment.instruments), RunConfig())
    lanes = lanes_of([made])
    lanes.load({name: segment.columns(name) for name in TABLES})
    calls = []

    def pace():
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return 500

    with pytest.raises(KeyboardInterrupt):
        lanes.run(pace, *marks(segment))
    assert len(calls) == 3
    # It begins anew afterwards.
    lanes.run(lambda: 10**9, *marks(segment))
    assert state_of(made) == alone(segment, made.bound, RunConfig())


# --- what a kernel says of its sleep -------------------------------------------------------------


def sleeping_kernel(**values):
    """The interpreted kernel of basis_capture, and memory of its own."""
    segment = random_pair(3)
    made = bound(segment.instruments, **{"position_size": "1", **values})
    twin = BASIS(made.config).bind(segment.instruments, interpreted=True)
    memory = {
        "positions": np.zeros(2, POSITION_DTYPE),
        "state": twin.state.copy(),
        "nap": np.zeros(1, NAP_DTYPE),
    }
    return twin, memory


def nap_of(twin, memory, in_flight=0):
    views = {name: view(records) for name, records in memory.items()}
    assert twin.asleep(
        in_flight, views["positions"], views["state"], view(twin.params), views["nap"]
    ) == 1  # fmt: skip
    return memory["nap"][0].item()


@pytest.mark.parametrize(
    ("held", "low", "high"),
    [
        ((0, 0), -5e-4, 5e-4),
        ((3, -3), 2.5e-4, 1e300),  # short perpetual, spot bought: leaves below the limit
        ((-3, 3), -1e300, -2.5e-4),
        ((3, 0), 2.5e-4, 1e300),  # a spot leg left alone
        ((-3, 0), -1e300, -2.5e-4),
    ],
)
def test_bounds_of_basis_capture(held, low, high):
    twin, memory = sleeping_kernel(threshold_bps="5", exit_threshold_bps="2.5", cooldown_ms=2)
    memory["positions"]["qty"] = held
    memory["state"]["i"][0] = 10_000_000
    found = nap_of(twin, memory)
    assert found == (pytest.approx(low, rel=1e-15), pytest.approx(high, rel=1e-15), 12_000_000)
    low, high, until = nap_of(twin, memory, in_flight=1)
    assert low > high and until == 2**63 - 1


def test_the_ring_of_entries_keeps_a_flat_kernel_asleep():
    twin, memory = sleeping_kernel(max_trades_per_hour=1, cooldown_ms=2)
    hour = 3_600_000_000_000
    assert nap_of(twin, memory)[2] < -(2**61)
    memory["state"]["i"][:] = (7, 0, 5)
    assert nap_of(twin, memory)[2] == hour + 5
    memory["positions"]["qty"] = (1, -1)
    assert nap_of(twin, memory)[2] == 2_000_007


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="its kernels are interpreted then")
def test_the_numba_example_sleeps_as_the_bundled_kernel():
    segment = random_pair(5)
    example = StrategyRegistry(installed=False).get("examples/basis_capture_numba.py:Basis")
    values = {"position_size": "3", "cooldown_ms": 3, "max_trades_per_hour": 2}
    config = RunConfig(costs=traded.costs())
    settings = [
        BASIS.Config(**{k: convert(v) for k, v in {**values, "threshold_bps": t}.items()})
        for t in ("20", "95.5", "110")
    ]
    made = [example(one).bind(segment.instruments) for one in settings]
    assert all(one.asleep for one in made)
    check_lanes(segment, made, config)
    for one, bundled in zip(made, map(BASIS, settings), strict=True):
        assert alone(segment, one, config) == alone(
            segment, bundled.bind(segment.instruments), config
        )
