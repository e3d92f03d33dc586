"""Quiet rows are those of the definition, and walking over them changes no sum of a draw."""

from __future__ import annotations

from pathlib import Path
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest

from quantlaxmi import backtest, open_segment
from quantlaxmi._ext.lanes import Lanes
from quantlaxmi._ext.quiet_rows import MOST_INSTRUMENTS, QuietRows
from quantlaxmi.gates.resampling.market_passes import SettingPasses
from quantlaxmi.gates.resampling.market_replays import Replays
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.rerun import Rerun
from quantlaxmi.schema import BOOK_DTYPE, TABLES, QuoteFlag
from quantlaxmi.strategies.parameter_grid import grid_configs
from tests.market_builder import MemorySegment

DATA = Path(__file__).resolve().parents[2] / "data"
HOUR = 3_600 * 10**9


def random_quotes(seed, n_instruments, rows=400):
    random, now = Random(seed), HOUR
    table = {name: np.zeros(rows, dtype) for name, dtype in TABLES["quotes"].items()}
    for i in range(rows):
        now += random.choice((0, 1_000, 10**9, 10**12)) - (10 if random.random() < 0.01 else 0)
        bid = random.choice((0, 99, 100, 101, 2**63 // 10))
        table["seq"][i], table["ts_ns"][i] = i, now
        table["instrument"][i] = random.randrange(n_instruments)
        table["exch_ts_ns"][i] = random.choice((0, now - random.randrange(50), now + 30 * HOUR))
        table["bid"][i], table["ask"][i] = bid, bid + random.choice((0, 1, 1, 2, 2))
        table["bid_qty"][i], table["ask_qty"][i] = random.randrange(5), random.randrange(1, 5)
    return table


def tells(clock, ts, exch):
    """Whether a stamp tells anything new; the clock is a dictionary from hour to largest stamp."""
    if not (exch > 0 and abs(exch - ts) <= 24 * HOUR):
        return False
    largest = clock.get(ts // HOUR)
    if largest is not None and exch - ts <= largest:
        return False
    clock.clear()
    clock[ts // HOUR] = exch - ts
    return True


def naive_who(table, n_instruments):
    """By the definition."""
    clocks, met, found = [{} for _ in range(n_instruments)], set(), []
    columns = {name: column.tolist() for name, column in table.items()}
    for i, k in enumerate(columns["instrument"]):
        ts, exch = columns["ts_ns"][i], columns["exch_ts_ns"][i]
        bid, ask = columns["bid"][i], columns["ask"][i]
        told = tells(clocks[k], ts, exch)
        sized = columns["bid_qty"][i] > 0 and columns["ask_qty"][i] > 0
        plain = 0 < bid < ask <= (2**63 - 1) // 10 and sized
        in_order = i == 0 or ts >= columns["ts_ns"][i - 1]
        found.append(k if k in met and not told and plain and in_order else -1)
        met.add(k)
    return found


@pytest.mark.parametrize("n_instruments", [1, 2, 5, MOST_INSTRUMENTS])
@pytest.mark.parametrize("seed", range(5))
def test_quiet_rows_are_those_of_the_definition(seed, n_instruments):
    table = random_quotes(seed, n_instruments)
    table["ts_ns"].sort()  # a clock that is set back belongs to no segment
    rows, expected = QuietRows({"quotes": table}, n_instruments), naive_who(table, n_instruments)
    assert rows.who.tolist() == expected
    assert rows.n_quiet == sum(k >= 0 for k in expected)
    assert (rows.n_rows, rows.nbytes) == (400, 4_000)


def test_a_row_before_the_one_before_is_looked_at():
    table = random_quotes(0, 1)
    table["exch_ts_ns"][:] = 0
    found = QuietRows({"quotes": table}, 1).who
    back = np.flatnonzero(np.diff(table["ts_ns"]) < 0) + 1
    assert len(back) and (found[back] < 0).all()


def test_instruments_that_nobody_knows_are_looked_at():
    table = random_quotes(1, 3)
    table["instrument"][5::7] = 3
    table["instrument"][6::7] = -1
    found = QuietRows({"quotes": table}, 3).who
    assert (found[5::7] < 0).all() and (found[6::7] < 0).all()


def test_too_many_instruments():
    with pytest.raises(ValueError, match="at most 64 instruments"):
        QuietRows({"quotes": random_quotes(0, 1)}, MOST_INSTRUMENTS + 1)


def test_no_rows():
    table = {name: column[:0] for name, column in random_quotes(0, 1).items()}
    rows = QuietRows({"quotes": table}, 1)
    assert (rows.n_rows, rows.n_quiet, rows.who.tolist()) == (0, 0, [])


def naive_marks(tables, n_instruments):
    """By the definition: all rows in order; per row of quotes what lies before it, and who."""
    merged = sorted(
        (int(table["seq"][i]), name, i)
        for name, table in tables.items()
        for i in range(len(table["seq"]))
    )
    clocks, met, before, last = [{} for _ in range(n_instruments)], set(), 0, -(10**30)
    found = []
    for _, name, i in merged:
        row = {key: int(column[i]) for key, column in tables[name].items()}
        if name not in ("quotes", "trades"):
            before |= 2
            continue
        k, ts = row["instrument"], row["ts_ns"]
        told = tells(clocks[k], ts, row["exch_ts_ns"])
        quiet = k in met and not told and ts >= last
        last = ts
        if name == "trades":
            before |= 1 if quiet else 2
            continue
        met.add(k)
        plain = 0 < row["bid"] < row["ask"] <= (2**63 - 1) // 10
        quiet = quiet and plain and row["bid_qty"] > 0 and row["ask_qty"] > 0
        found.append((k, before) if quiet else (-1, 0))
        before = 0
    return found


@pytest.mark.parametrize("seed", range(6))
def test_marks_say_what_lies_between_two_rows(seed):
    random, quotes = Random(seed), random_quotes(seed, 2, 600)
    if seed % 2:
        quotes["ts_ns"].sort()
    tables = {"quotes": {name: column[:300] for name, column in quotes.items()}}
    tables["quotes"]["seq"] = np.sort(random.sample(range(2_000), 300))
    stamps = quotes["ts_ns"].tolist()
    free = sorted(set(range(2_000)) - set(tables["quotes"]["seq"].tolist()))
    for name, n in (("trades", 200), ("funding", 20), ("depth", 0)):
        seq = np.sort(random.sample(free, n)).astype(np.int64)
        free = sorted(set(free) - set(seq.tolist()))
        table = {key: np.zeros(n, dtype) for key, dtype in TABLES[name].items()}
        at = np.searchsorted(tables["quotes"]["seq"], seq)
        table["seq"][:] = seq
        table["ts_ns"][:] = [stamps[i] for i in at]
        table["exch_ts_ns"][:] = [s - random.randrange(60) for s in table["ts_ns"].tolist()]
        table["instrument"][:] = [random.randrange(2) for _ in range(n)]
        tables[name] = table
    rows = QuietRows(tables, 2)
    assert list(zip(rows.who.tolist(), rows.marks.tolist(), strict=True)) == naive_marks(tables, 2)
    assert set(rows.marks.tolist()) == {0, 1, 2, 3}
    assert (rows.n_trades, rows.nbytes) == (200, 300 * 10 + 200 * 8)


def memory_after(quiet, moved, replays, stretch):
    """What is left in the records of a market after a pass, so many rows at a time."""
    session = replays.new_session(None)
    lanes = Lanes([session.engine], len(session.currencies), [session.bound.asleep])
    lanes.load(replays.tables(moved), replays.depth_index, quiet)
    lanes.run(lambda: stretch, *replays.marks(moved))
    return {name: session.memory[name].tobytes() for name in ("books", "event", "features")}


@pytest.mark.parametrize("stretch", [37, 1_000, 10**9])
def test_a_walk_leaves_the_books_events_and_last_prices_of_the_general_way(stretch):
    run = backtest(noisy(3), "basis_capture")
    replays = replays_of(run, [None])
    moved = replays.move(5, replays.room())
    assert (replays.quiet_rows.marks & 1).any()  # trades are walked over
    walked = memory_after(replays.quiet_rows, moved, replays, stretch)
    looked = memory_after(None, moved, replays, stretch)
    assert walked == looked
    books = np.frombuffer(walked["books"], BOOK_DTYPE)
    assert books["last_price"].all() and books["last_qty"].all()


def noisy(seed, rows=4_000):
    """The beginning of the planted segment with books that are not valid, locked or quiet opens."""
    segment, random = open_segment(DATA / "planted"), np.random.default_rng(seed)
    last = segment.columns("quotes")["seq"][rows]
    tables = {}
    for name in TABLES:
        columns = segment.columns(name)
        n = int(np.searchsorted(columns["seq"], last))
        tables[name] = {k: np.array(column[:n]) for k, column in columns.items()}
    quotes = tables["quotes"]

    def some(share):
        return random.random(rows) < share

    quotes["bid_qty"][some(0.01)] = 0
    locked = some(0.01)
    quotes["ask"][locked] = quotes["bid"][locked]
    quotes["exch_ts_ns"][some(0.05)] += 1_000_000
    quotes["flags"][some(0.2)] |= QuoteFlag.QUIET
    return MemorySegment(tables, segment.instruments)


def replays_of(run, configs):
    context = SimpleNamespace(decision_points=decision_points(run), threads=1)
    made = Replays(context, Rerun(run), 7)
    made.keep_bound(configs)
    return made


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n_settings", [1, 15])
def test_a_walk_gives_the_sums_of_single_runs(seed, n_settings):
    run = backtest(noisy(seed), "basis_capture")
    configs = [None, *grid_configs(run.strategy.strategy, 100)][:n_settings]
    replays = replays_of(run, configs)
    assert 0 < replays.quiet_rows.n_quiet < 4_000
    passes = SettingPasses(replays, configs)
    moved = replays.room()
    found = [passes.sums(replays.move(draw, moved)) for draw in range(1, 5)]
    alone = [
        [replays.sums(replays.move(draw, moved), config) for config in configs]
        for draw in range(1, 5)
    ]
    assert found == alone
    replays.quiet_rows = None
    looked = SettingPasses(replays, configs)
    assert found == [looked.sums(replays.move(draw, moved)) for draw in range(1, 5)]
    assert len({sums[0].total for sums in found}) > 1


def test_shifts_out_of_range_fail_as_they_do_without():
    """Whoever makes shifts that no price can have is told, and no row is passed over."""
    run = backtest(noisy(0), "basis_capture")
    replays = replays_of(run, [None])
    moved = replays.room()
    moved.quotes[2_000:2_100] = 2**60
    found = []
    for quiet in (replays.quiet_rows, None):
        replays.quiet_rows = quiet
        found.append(SettingPasses(replays, [None]).sums(moved))
    assert found == [[None], [None]]


def test_quiet_rows_of_another_table_are_refused():
    run = backtest(noisy(0), "basis_capture")
    replays = replays_of(run, [None])
    session = replays.new_session(None)
    lanes = Lanes([session.engine], len(session.currencies), [0])
    tables = {name: run.segment.columns(name) for name in TABLES}
    for name in ("quotes", "trades"):
        copied = {key: np.array(column) for key, column in tables[name].items()}
        other = QuietRows({**tables, name: copied}, 2)
        with pytest.raises(ValueError, match="of another table"):
            lanes.load(replays.tables(replays.room()), None, other)
