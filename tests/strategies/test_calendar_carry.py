"""calendar_carry: the kernel, its twin, and a naive state machine decide alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from quantlaxmi import backtest, replay
from quantlaxmi.errors import ConfigError, StrategyError
from quantlaxmi.importers import import_capture
from quantlaxmi.importers.nse.contracts import IST, ns_of
from quantlaxmi.options.recorded import RecordedChain
from quantlaxmi.schema import DecisionType
from quantlaxmi.segment import MemorySegment, open_segment
from quantlaxmi.strategies.calendar_carry import CalendarCarry
from quantlaxmi.strategies.calendar_carry_kernel import _dated
from quantlaxmi.strategies.contract import CHECKS, check_strategy
from tests.depth import some
from tests.naive import calendar_carry as naive
from tests.options.chain_sessions import at, chain_table, instruments, morning, option, session
from tests.options.recorded import SNAPSHOTS, real_paths

#: Settings under which the made sessions trade often.
OPEN = "min_premium_gap=-50 gap_friction_multiple=0 max_hedge_error=0 skew_threshold=0 front_lots=1"
SETS = {
    "open": f"{OPEN} cooldown_s=0",
    "targets": f"{OPEN} target=0.3 stop=0.2 cooldown_s=200",
    "no stops": f"{OPEN} target=0 stop=0 max_hold_s=900 cooldown_s=100 interval_s=120",
    "credit": f"{OPEN} gap_side=credit min_premium_gap=-60",
    "late": f"{OPEN} target=0 stop=0 open_delay_s=0 close_buffer_s=19200",
    "expiry": f"{OPEN} min_front_s=0 target=0 stop=0 expiry_exit_s=20000",
}


def made(text: str) -> CalendarCarry:
    return CalendarCarry(CalendarCarry.Config.load(sets=[text] if text else ()))


def market(kind: str, seed: int = 0) -> MemorySegment:
    if kind == "expiry":
        return session(seed, times=morning(60, "2025-09-02T09:40:00"), size=200)
    return session(seed, n=90, size=200)


def hashes(run: Any) -> tuple[bytes, bytes]:
    return run.trace.trace_hash, run.trace.outcome_hash


@pytest.mark.parametrize("kind", SETS)
@pytest.mark.parametrize("latency_ns", [1_000, 70 * 10**9])
def test_kernel_and_twin_give_one_trace(kind: str, latency_ns: int) -> None:
    segment, strategy = market(kind), made(SETS[kind])
    compiled = backtest(segment, strategy, latency_ns=latency_ns)
    twin = backtest(segment, strategy, interpreted=True, latency_ns=latency_ns)
    assert hashes(compiled) == hashes(twin)
    assert compiled.n_decisions > 1
    assert hashes(replay(segment, strategy, latency_ns=latency_ns)) == hashes(compiled)


def naive_run(segment: MemorySegment, strategy: CalendarCarry) -> list[Any]:
    config = strategy.config
    recorded = RecordedChain(segment)
    moments = list(recorded.moments())
    rows = {ts: (c, t) for ts, c, t in made_checks(strategy, segment)}

    def books(k: int) -> Mapping[int, tuple[int, int]]:
        return {
            int(c): (int(b), int(a))
            for side in (moments[k].call, moments[k].put)
            for c, b, a in zip(side.contract, side.bid, side.ask, strict=True)
        }

    def checks(k: int, rests: bool) -> Any:
        check, _ = rows[moments[k].ts_ns]
        if check.blocked or rests:
            return None
        moment = moments[k]
        front = -config.front_lots * int(moment.lot[check.front])
        back = check.back_lots * int(moment.lot[check.back])
        legs = [
            (int(side.contract[row]), qty)
            for row, qty in ((check.back_row, back), (check.front_row, front))
            for side in (moment.call, moment.put)
        ]
        return legs, Fraction(check.friction)

    names = {"interval": "interval_s", "cooldown": "cooldown_s", "hold": "max_hold_s",
             "buffer": "close_buffer_s", "expiry_exit": "expiry_exit_s"}  # fmt: skip
    settings = {name: Fraction(getattr(config, field)) for name, field in names.items()}
    settings |= {name: getattr(config, name).to_fraction() for name in ("target", "stop")}
    ends = {k: int(one.expiry_ns or 0) for k, one in enumerate(segment.instruments)}
    return naive.decisions(recorded.ts_ns.tolist(), books, checks, settings, ends)


def made_checks(strategy: CalendarCarry, segment: MemorySegment) -> Any:
    return strategy.recorded_checks(segment)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", SETS)
def test_decisions_are_the_naive_ones(kind: str, seed: int) -> None:
    segment, strategy = market(kind, seed), made(SETS[kind])
    run = backtest(segment, strategy, latency_ns=1_000)
    legs = run.exact.legs
    found = []
    for one in run.exact.decisions:
        own = legs[int(one["first_leg"]) : int(one["first_leg"] + one["n_legs"])]
        kind_of = "enter" if one["decision_type"] == DecisionType.ENTER else "exit"
        signed = [(int(leg["instrument"]), int(leg["side"] * leg["qty"])) for leg in own]
        found.append((int(one["ts_ns"]), kind_of, signed))
    wanted = naive_run(segment, strategy)
    assert [(ts, kind_, sorted(own)) for ts, kind_, own in found] == [
        (ts, kind_, sorted(own)) for ts, kind_, own in wanted
    ]
    entries = [own for _, kind_, own in found if kind_ == "enter"]
    assert entries and all(qty > 0 for own in entries for _, qty in own[:2])  # bought first
    if kind != "late":
        assert len(found) > 2


@pytest.mark.parametrize("late", [1_000, 90 * 10**9])
@pytest.mark.parametrize("kind", ["targets", "open"])
def test_checks_are_those_of_the_run(kind: str, late: int) -> None:
    """The table is made of the market and the run's records, and is what the twin noted."""
    segment, strategy = market(kind), made(SETS[kind])
    bound = strategy.bind(segment.instruments, interpreted=True)
    backtest(segment, bound, latency_ns=late)
    run = backtest(segment, strategy, latency_ns=late)
    table = run.table("checks").to_pydict()
    noted = [(ts, int(blocked), held) for ts, blocked, held in bound.instance.checks]
    kept = zip(table["ts_ns"], table["blocked"], table["held"], strict=True)
    assert list(kept) == noted
    assert len(noted) == 90 and any(held for *_, held in noted)
    assert table["seq"] == list(range(90))
    passed = {s for s, b, held in zip(table["seq"], table["blocked"], table["held"], strict=True)
              if not b and not held}  # fmt: skip
    entries = run.exact.decisions["decision_type"] == DecisionType.ENTER
    assert passed == set(run.exact.decisions["seq"][entries].tolist())
    assert all(b > f for f, b in zip(table["front_expiry_ns"], table["back_expiry_ns"],
                                     strict=True))  # fmt: skip


def test_the_gap_is_no_filter_of_random_entries() -> None:
    """The gap is the signal: a null that draws only where it is wide enough has the edge too."""
    segment = market("open")
    text = f"{OPEN} min_open_interest=0"
    free = made(text).can_enter(segment)
    assert free.any() and not free.all()
    for limit in ("min_premium_gap=10000", "gap_friction_multiple=1000"):
        strategy = CalendarCarry(CalendarCarry.Config.load(sets=[*text.split(), limit]))
        assert np.array_equal(strategy.can_enter(segment), free), limit
        assert not any(c.blocked == 0 for _, c, _ in strategy.recorded_checks(segment))
    narrow = CalendarCarry(CalendarCarry.Config.load(sets=[*text.split(), "min_iv=0.59"]))
    assert not narrow.can_enter(segment).any()


def test_positions_are_worth_their_last_valid_mids() -> None:
    """Equity between fills, of a run that ends with a position."""
    segment, strategy = market("late"), made(f"{OPEN} target=0 stop=0 max_hold_s=100000")
    run = backtest(segment, strategy, latency_ns=1_000)
    points = run.equity("5min")
    chain, fills = segment.columns("chain"), run.exact.fills
    assert points["net"][-1] == run.net and any(run.exact.fills["position"])
    for ts, net in zip(points["ts"][1:], points["net"][1:], strict=True):
        ts_ns = int(ts.astype("datetime64[ns]").astype(np.int64))
        done = fills[fills["ts_ns"] <= ts_ns]
        worth = Fraction(0)
        for i in set(done["instrument"].tolist()):
            own = done[done["instrument"] == i]
            worth -= sum(Fraction(int(f["side"] * f["price"] * f["qty"]), 100) for f in own)
            rows = (chain["instrument"] == i) & (chain["ts_ns"] <= ts_ns)
            rows &= (chain["bid"] > 0) & (chain["ask"] > chain["bid"])
            mid2 = int(chain["bid"][rows][-1] + chain["ask"][rows][-1])
            worth += Fraction(int(own["position"][-1]) * mid2, 200)
        paid = [Fraction(int(f["fee_hi"]) * 2**64 + int(f["fee_lo"])) for f in done]
        left = worth - sum(paid, Fraction(0)) * Fraction(10) ** run.exact.ledger_exponent
        assert abs(Fraction(net) - left) < 3  # what rounding to the rupee a day adds
    assert len(run.trades(by_instrument=True)) == 4


def test_the_kernel_knows_the_hours_of_special_days() -> None:
    """A Muhurat session, and the days around it, on which the rows before and after hold."""
    config = made("").config
    rows = np.reshape(_dated(config, "NIFTY")[0], (-1, 5)).tolist()
    for day in (date(2024, 11, 1), date(2025, 10, 20), date(2025, 10, 21), date(2025, 10, 22)):
        terms = config.terms("NIFTY", day)
        midnight_ns = ns_of(datetime.combine(day, time(0), IST))
        row = [one for one in rows if one[0] <= midnight_ns][-1]
        buffer_ns = (config.open_delay_s * 10**9, config.close_buffer_s * 10**9)
        found = (row[1] + buffer_ns[0], row[2] - buffer_ns[1])
        assert found == (terms.opens_ns - midnight_ns, terms.closes_ns - midnight_ns)


def test_contract() -> None:
    found = list(check_strategy(made(SETS["targets"]), market("targets"), backtest))
    assert len(found) == len(CHECKS)


def test_a_position_without_quotes_waits_for_time() -> None:
    """Target and stop need quotes of the held contracts, the longest hold does not."""
    contracts = instruments()
    times = morning(40, "2025-08-29T09:40:00")
    table = chain_table(contracts, times, size=200)
    strategy = made(f"{OPEN} target=0.01 stop=0.01 max_hold_s=1200 cooldown_s=0")
    first = backtest(MemorySegment(contracts, {"chain": table}), strategy, latency_ns=1_000)
    held = first.exact.legs["instrument"][:4]
    gone = np.isin(table["instrument"], held) & (table["seq"] > 0)
    for name in ("bid", "bid_qty"):
        table[name][gone] = 0
    run = backtest(MemorySegment(contracts, {"chain": table}), strategy, latency_ns=1_000)
    kinds = run.exact.decisions["decision_type"].tolist()
    assert kinds[:2] == [DecisionType.ENTER, DecisionType.EXIT]
    apart = np.diff(run.exact.decisions["ts_ns"])[0] // 10**9
    assert 1200 <= apart < 1200 + 65
    twin = backtest(
        MemorySegment(contracts, {"chain": table}), strategy, latency_ns=1_000, interpreted=True
    )
    assert hashes(twin) == hashes(run)


@pytest.mark.parametrize(
    ("contracts", "sets", "says"),
    [
        ([option("2025-09-02", 24_600, True, "FINNIFTY", 65)], "", "no default for FINNIFTY"),
        ([*instruments(), option("2025-09-30", 54_000, True, "BANKNIFTY", 35)], "", "name one"),
        (instruments(), "underlying=BANKNIFTY", "expected one of NIFTY"),
        ([option("2025-09-02", 24_600, True, lot=10**8)], "front_lots=11", "at most 1000000000"),
    ],
)
def test_what_it_cannot_trade_is_named(contracts: list, sets: str, says: str) -> None:
    with pytest.raises(StrategyError, match=says):
        made(sets).bind(contracts)


def test_days_without_terms_and_prices_without_end_are_named() -> None:
    contracts = [option(e, k, c) for e in ("2024-09-12", "2024-09-26") for k in (24_500, 24_600)
                 for c in (True, False)]  # fmt: skip
    early = MemorySegment(contracts, {"chain": chain_table(contracts, [at("2024-09-02T10:00:00")])})
    table = chain_table(instruments(), morning(2))
    table["ask"][5] = 5 * 10**8
    mad = MemorySegment(instruments(), {"chain": table})
    for interpreted in (True, False):
        with pytest.raises(ConfigError, match="2024-09-02"):
            backtest(early, CalendarCarry(), interpreted=interpreted)
        said = "an ask is above 400000000 price units" if interpreted else r"a failure \(-3\)"
        with pytest.raises(StrategyError, match=f"seq 0.*{said}|{said}.*seq 0"):
            backtest(mad, CalendarCarry(), interpreted=interpreted)


def test_the_recorded_morning(tmp_path) -> None:
    real_paths("NIFTY")
    import_capture("nse-chain", inputs=[SNAPSHOTS], out=tmp_path / "sess", underlying="NIFTY")
    segment = open_segment(tmp_path / "sess")
    run = backtest(segment, "calendar_carry", latency_ns=1_000_000)
    entered = [at(f"2025-08-29T{t}") for t in ("09:42:01", "09:57:50", "10:42:18")]
    kinds, times = run.exact.decisions["decision_type"], run.exact.decisions["ts_ns"]
    assert times[kinds == DecisionType.ENTER].tolist() == entered
    left = [at(f"2025-08-29T{t}") for t in ("09:45:18", "10:35:10")]
    assert times[kinds == DecisionType.EXIT].tolist() == left
    twin = replay(segment, "calendar_carry", interpreted=True, latency_ns=1_000_000)
    assert hashes(twin) == hashes(run)


def torn(seed: int) -> MemorySegment:
    """Two underlyings, in turns or at one time; rows and sides of quotes are missing."""
    rng = np.random.default_rng(seed)
    own = instruments()
    other = [option(e, k, call, "BANKNIFTY", 35) for e in ("2025-09-30", "2025-10-28")
             for k in range(24_000, 25_200, 100) for call in (True, False)]  # fmt: skip
    contracts = own + other
    times = np.sort(rng.choice(np.array(morning(60, every_s=33)), 50, replace=bool(seed % 2)))
    lag_s, iv = int(rng.integers(50, 119)), (0.100, 0.110, 0.115, 0.115)
    table = chain_table(contracts, times.tolist(), seed, size=200, lag_s=lag_s, iv=iv)
    kept = rng.random(len(table["seq"])) < (0.99 if seed % 3 else 0.8)
    # But for its last row a message is of one underlying.
    mine = table["instrument"] < len(own)
    kept &= mine == (table["seq"] % 3 > 0)
    kept |= table["flags"] == 1
    table = {name: column[kept] for name, column in table.items()}
    for side in ("bid", "ask"):
        bare = rng.random(len(table["seq"])) < 0.02
        for name in (side, f"{side}_qty"):
            table[name][bare] = 0
    return MemorySegment(contracts, {"chain": table}, cadence="snapshots")


@pytest.mark.parametrize("seed", some(range(60), 10))
def test_torn_chains_give_one_trace(seed: int) -> None:
    rng = np.random.default_rng([seed, 5])
    sets = f"{OPEN} underlying=NIFTY min_premium_gap=-500 interval_s={rng.choice([0, 1, 60])} "
    sets += f"target={rng.choice([0, 0.1, 1])} stop={rng.choice([0, 0.1, 1])} "
    sets += f"max_hold_s={rng.choice([60, 600, 7200])} cooldown_s={rng.choice([0, 90])} "
    sets += f"gap_side={rng.choice(['debit', 'credit'])} front_lots={rng.integers(1, 8)}"
    segment, strategy = torn(seed), made(sets)
    latency = int(rng.choice([0, 1_000, 40 * 10**9]))
    compiled = backtest(segment, strategy, latency_ns=latency)
    twin = backtest(segment, strategy, latency_ns=latency, interpreted=True)
    assert hashes(compiled) == hashes(twin)
    assert compiled.n_decisions


def test_a_front_that_settles_leaves_the_back() -> None:
    """A position held through the front's end: the front is paid, the back is sold at a check."""
    contracts = instruments(("2025-09-02", "2025-09-09", "2025-09-16"))
    times = [*morning(20, "2025-09-02T15:08:00"), *morning(20, "2025-09-03T09:40:00")]
    table = chain_table(contracts, times, size=200)
    first = [k for k, one in enumerate(contracts) if one.expiry_ns == at("2025-09-02T15:30:00")]
    gone = np.isin(table["instrument"], first) & (table["ts_ns"] > at("2025-09-02T15:30:00"))
    table = {name: column[~gone] for name, column in table.items()}
    table["seq"] = table["seq"] + len(first) * (table["seq"] >= 20)
    settled = {
        "seq": 20 + np.arange(len(first)),
        "ts_ns": np.full(len(first), at("2025-09-02T15:35:00")),
        "instrument": np.array(first),
        "exch_ts_ns": np.full(len(first), at("2025-09-02T15:30:00")),
        "price": np.full(len(first), 24_610_00),
    }
    segment = MemorySegment(contracts, {"chain": table, "settlement": settled})
    strategy = made(
        f"{OPEN} min_front_s=0 target=0 stop=0 expiry_exit_s=0 close_buffer_s=0 max_hold_s=72000"
    )
    run = backtest(segment, strategy, latency_ns=1_000)
    assert hashes(run) == hashes(backtest(segment, strategy, latency_ns=1_000, interpreted=True))
    assert run.table("settled").num_rows == 2
    legs = run.exact.legs
    exit_ = run.exact.decisions[1]
    own = legs[int(exit_["first_leg"]) : int(exit_["first_leg"] + exit_["n_legs"])]
    assert exit_["decision_type"] == DecisionType.EXIT and exit_["ts_ns"] > settled["ts_ns"][0]
    ends = {contracts[i].expiry_ns for i in own["instrument"].tolist()}
    assert ends == {at("2025-09-09T15:30:00")} and (own["side"] == -1).all()


def test_what_a_touch_could_not_close_is_closed_later() -> None:
    """An exit keeps what its legs filled, and the rest goes at the next check."""
    contracts = instruments()
    table = chain_table(contracts, morning(40, "2025-08-29T09:40:00"), size=200)
    strategy = made(f"{OPEN} front_lots=2 target=0 stop=0 max_hold_s=600 cooldown_s=90000")
    whole = backtest(MemorySegment(contracts, {"chain": table}), strategy, latency_ns=1_000)
    left = int(whole.exact.decisions["seq"][1])
    short = int(whole.exact.legs["instrument"][2])  # of the front, bought back at the exit
    thin = (table["instrument"] == short) & (table["seq"] >= left) & (table["seq"] < left + 2)
    table["ask_qty"][thin] = 75
    segment = MemorySegment(contracts, {"chain": table})
    run = backtest(segment, strategy, latency_ns=1_000)
    assert run.exact.decisions["seq"].tolist()[1:] == [left, left + 1]
    assert run.exact.decisions["n_legs"].tolist() == [4, 4, 1]
    assert {int(a.position) for a in run.exact.accounts} == {0}
    assert hashes(run) == hashes(backtest(segment, strategy, latency_ns=1_000, interpreted=True))
