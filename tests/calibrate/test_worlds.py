"""Worlds without an edge have none: given the past, the mean of every move is exactly 0.

The generators take their numbers from `Draws`. Here the noise of some rows is mirrored, or a coin
is given each of its values, and the moves of all alternatives are added up with their chances.
Nothing before those rows may change.
"""

from __future__ import annotations

import numpy as np
import pytest

from quantlaxmi.calibrate.markets import COSTS, MOVE, START_PRICE
from quantlaxmi.calibrate.random_streams import BELL_SD, NOISE, Draws, run_key
from quantlaxmi.calibrate.rules.strategies import RULES, SEARCHED, RuleSearch, varied
from quantlaxmi.calibrate.study import grid_strategies, run_case
from quantlaxmi.calibrate.worlds import carry, crash, jumps, makers, noise
from quantlaxmi.calibrate.worlds.catalogue import EDGES, NO_EDGE
from quantlaxmi.calibrate.worlds.planted import planted_moves
from quantlaxmi.calibrate.worlds.world import SD, TESTS
from quantlaxmi.run.replay import backtest

WORLDS = {world.name: world for world in (*NO_EDGE, *EDGES)}
#: Moves whose mean is not 0 by themselves, each with a test of its own.
OWN = {
    "persistent-0.0",
    "persistent-0.3",
    "persistent-0.6",
    "long-on-drift",
    "stale",
    "asymmetric-spreads",
    "makers",
    "makers-in-flow",
    "carry-taken-back",
    "carry-mean-taken-back",
    "compensated-jumps",
    *(world.name for world in crash.WORLDS),
}
MARTINGALES = [world.name for world in NO_EDGE if world.name not in OWN]


class Changed(Draws):
    """The same run with the noise of some rows mirrored and some coins of a stream set.

    Parameters
    ----------
    key : int
    first, last : int
        Rows whose noise changes its sign; the end is not among them.
    coin : tuple of (int, int, int), optional
        Stream, place and value.
    """

    def __init__(self, key, first=0, last=0, coin=None):
        super().__init__(key)
        self.rows, self.coin = slice(first, last), coin

    def noise(self, n):
        made = super().noise(n).copy()
        made[self.rows] *= -1
        return made

    def below(self, stream, n, bound):
        made = super().below(stream, n, bound)
        if self.coin is not None and self.coin[0] == stream:
            made = made.copy()
            made[self.coin[1]] = self.coin[2]
        return made


def quotes_of(name, draws):
    return WORLDS[name].make(draws, False).segment.columns("quotes")


def mid2_of(name, draws):
    """Twice the mid at every row of its instrument, and how many instruments take turns."""
    quotes = quotes_of(name, draws)
    return quotes["bid"] + quotes["ask"], int(quotes["instrument"].max()) + 1


def moves_of(name, draws):
    """Move of each row's instrument since its last row."""
    mid2, turns = mid2_of(name, draws)
    return np.append(np.zeros(turns, np.int64), mid2[turns:] - mid2[:-turns])


@pytest.mark.parametrize("name", MARTINGALES)
def test_mirrored_noise_mirrors_the_move_and_nothing_before(name):
    key = run_key(1, name, 0)
    moves = moves_of(name, Draws(key))
    for row in (2, 3, 700, 701, len(moves) - 1):
        other = moves_of(name, Changed(key, row, row + 1))
        np.testing.assert_array_equal(moves[:row], other[:row])
        assert moves[row] + other[row] == 0
    assert np.count_nonzero(moves) > len(moves) // 3


@pytest.mark.parametrize("name", ["persistent-0.0", "persistent-0.3", "persistent-0.6"])
def test_positions_by_coins_win_as_much_on_the_mirrored_market(name):
    """Schedule and noise are independent, so the mean of the gross is 0 given the schedule."""
    key = run_key(1, name, 0)
    n = 10**6
    runs = [run_case(WORLDS[name].make(draws, False)) for draws in (Draws(key), Changed(key, 0, n))]
    assert runs[0].exact.gross_pnl == -runs[1].exact.gross_pnl != 0


def test_the_drift_is_all_that_is_earned_by_being_long():
    key, name = run_key(1, "long-on-drift", 0), "long-on-drift"
    both = moves_of(name, Draws(key)) + moves_of(name, Changed(key, 0, 10**6))
    assert set(both[1:].tolist()) == {2 * 2 * MOVE * round(3 * SD / 3000**0.5)}


@pytest.mark.parametrize("world", crash.WORLDS, ids=lambda world: world.name)
def test_a_crash_takes_back_what_the_others_give(world):
    key, one_in = run_key(1, world.name, 0), world.make.one_in
    coins = Draws(key).below(crash.CRASH, world.make.rows, one_in)
    base = moves_of(world.name, Draws(key))
    plain = base + moves_of(world.name, Changed(key, 0, world.make.rows))
    exposed = np.flatnonzero((plain != 0) & (coins != 0))
    assert len(exposed) > 7 * world.make.trips
    assert abs(world.unseen - (1 - 1 / one_in) ** (8 * world.make.trips)) < 1e-12
    for row in exposed[[0, 100, -1]].tolist():
        crashed = moves_of(world.name, Changed(key, 0, 0, (crash.CRASH, row, 0)))
        again = crashed + moves_of(world.name, Changed(key, 0, 10**6, (crash.CRASH, row, 0)))
        np.testing.assert_array_equal(crashed[:row], base[:row])
        assert (one_in - 1) * plain[row] + again[row] == 0
        assert plain[row] == 4 * MOVE * crash.GAIN


def test_the_drift_takes_back_the_jumps():
    name, key = "compensated-jumps", run_key(1, "x", 0)
    mirror = 10**6
    for row in (5, 1000):
        total = 0
        for value in range(jumps.ONE_IN):
            coin = (jumps.COINS, row, value)
            for last in (0, mirror):
                total += int(moves_of(name, Changed(key, 0, last, coin))[row])
        assert total == 0


def test_stale_quotes_move_by_what_nobody_has_seen():
    name, key = "stale", run_key(1, "x", 0)
    moves = moves_of(name, Draws(key))
    seen = np.flatnonzero(moves)
    assert 500 < len(seen) < 1000
    for before, row in zip(seen[[10, 300]].tolist(), seen[[11, 301]].tolist(), strict=True):
        other = moves_of(name, Changed(key, before + 1, row + 1))
        np.testing.assert_array_equal(moves[:row], other[:row])
        assert moves[row] + other[row] == 0


def test_no_order_can_use_that_mids_come_back():
    """Whatever comes, the mean of later bids is below the ask now, and of asks above the bid."""
    name, key = "asymmetric-spreads", run_key(1, "x", 0)
    quotes = quotes_of(name, Draws(key))
    for row in (10, 1500):
        other = quotes_of(name, Changed(key, row + 1, 10**6))
        bids, asks = (quotes[side] + other[side] for side in ("bid", "ask"))
        assert (bids[row + 1 :] < 2 * quotes["ask"][row]).all()
        assert (asks[row + 1 :] > 2 * quotes["bid"][row]).all()


@pytest.mark.parametrize("name", ["makers", "makers-in-flow"])
def test_the_price_of_a_trade_is_the_mean_of_what_comes(name):
    key = run_key(1, name, 0)
    flow = name == "makers-in-flow"
    stream, values = makers.BUYERS, range(4 if flow else 2)
    for row in (3, 1000, 2900):
        chances = {}
        for value in values:
            coin = (stream, row, value)
            mids = np.zeros(2, np.int64)
            for mirrored in (0, 1):
                draws = Changed(key, row * mirrored, (row + 1) * mirrored, coin)
                segment = WORLDS[name].make(draws, False).segment
                quotes, trades = segment.columns("quotes"), segment.columns("trades")
                side = int(trades["side"][row])
                mid = (quotes["bid"] + quotes["ask"]) // 2
                # In flow the value lies half of theta times the last side from the mid.
                half = (quotes["ask"][row] - quotes["bid"][row]) // 2
                last = int(trades["side"][row - 1])
                value_now = mid[row] + flow * last * half // 2
                mids += [mid[row + 1] + flow * side * half // 2, value_now]
            assert mids[0] == 2 * trades["price"][row]
            chances.setdefault(side, []).append(int(mids[0] - mids[1]))
        assert sum(sum(one) for one in chances.values()) == 0
        assert sorted(len(one) for one in chances.values()) == ([1, 3] if flow else [1, 1])


def test_no_noise_of_a_maker_s_market_crosses_an_order():
    for name in ("makers", "makers-in-flow", "makers-t4"):
        quotes = quotes_of(name, Draws(run_key(1, name, 0)))
        trades = WORLDS[name].make(Draws(run_key(1, name, 0)), False).segment.columns("trades")
        bought = trades["side"][:-1] > 0
        # A bid that was not hit stays below the next ask, an ask that was not lifted above the bid.
        assert (quotes["bid"][:-1][bought] < quotes["ask"][1:][bought]).all()
        assert (quotes["ask"][:-1][~bought] > quotes["bid"][1:][~bought]).all()


@pytest.mark.parametrize("name", ["carry-taken-back", "carry-mean-taken-back"])
def test_the_price_takes_back_what_is_paid(name):
    key = run_key(1, name, 0)
    segment = WORLDS[name].make(Draws(key), False).segment
    rate, mark = (segment.columns("funding")[column] for column in ("rate", "mark"))
    drift = moves_of(name, Draws(key)) + moves_of(name, Changed(key, 0, 10**6))
    taken = drift[1 : -(carry.EVERY - 1)].reshape(-1, carry.EVERY) // 4
    assert (mark == START_PRICE).all()
    assert (taken == taken[:, :1]).all()
    paid = rate * (START_PRICE // 10**8)
    np.testing.assert_array_equal(taken.sum(axis=1), paid[: len(taken)])
    # A position is changed where a settlement has been paid and the next is announced.
    run = run_case(WORLDS[name].make(Draws(key), False))
    row = (run.exact.decisions["seq"] - 1) // 4
    assert len(row) > 30
    assert not (row % carry.EVERY).any()


@pytest.mark.parametrize("name", ["coins", "basis", "lottery", "makers"])
def test_without_fees_no_more_than_the_spread_is_paid(name):
    run = run_case(WORLDS[name].make(Draws(run_key(1, name, 0)), False))
    costs = run.exact.attributions
    half = 1 if name != "makers" else makers.HALF
    paid = run.exact.net_pnl - run.exact.gross_pnl
    assert not any(costs.fee.tolist())
    assert abs(paid) <= 10 * half * int((run.exact.fills["qty"]).sum())


def test_funding_is_paid_between_the_rows():
    run = run_case(WORLDS["carry-t7"].make(Draws(run_key(1, "x", 0)), False))
    funding = run.exact.funding
    held = int((funding["position"] != 0).sum())
    assert 140 < held < 190
    rows = (funding["ts_ns"] - run.segment.first_ts_ns) / (5 * 10**9)
    assert set((rows % carry.EVERY).tolist()) == {carry.EVERY - 0.5}


def test_noise_is_what_it_says():
    x = Draws(1).noise(200_000)
    assert abs(x.mean()) < 4 * BELL_SD / np.sqrt(len(x))
    assert abs(x.std() / BELL_SD - 1) < 0.01
    assert abs(np.abs(x).mean() / noise._MEAN_SIZE - 1) < 0.01
    assert abs(x).max() < 3.5 * BELL_SD
    for rho in (0.0, 0.3, 0.6):
        y = noise.autoregressive(Draws(1), 200_000, rho).astype(float)
        assert abs(np.corrcoef(y[1:], y[:-1])[0, 1] - rho) < 0.01
        assert abs(y.std() * np.sqrt(1 - rho**2) / BELL_SD - 1) < 0.02
    for made in (noise.clustered(Draws(1), 50_000), noise.egarch(Draws(1), 50_000)):
        z = made.astype(float)
        assert abs(np.corrcoef(z[1:], z[:-1])[0, 1]) < 0.03
        assert np.corrcoef(abs(z[1:]), abs(z[:-1]))[0, 1] > 0.15
    # Falls raise the volatility.
    z = noise.egarch(Draws(1), 50_000).astype(float)
    assert np.corrcoef(abs(z[1:]), z[:-1])[0, 1] < -0.1
    level = noise.level_volatility(x[:50_000], 2 * SD)
    distance = np.abs(np.append(0, np.cumsum(level)[:-1]))
    near, far = level[distance < 2 * SD].std(), level[distance >= 14 * SD].std()
    assert abs(near / SD - 1) < 0.1
    assert abs(far / SD - 8) < 0.2


def test_a_planted_edge_has_its_t():
    """The sum of the gains over its standard deviation, as the noise has it."""
    for schedule, rows in (
        ("sides-100", 3000),
        ("sides-40", 3000),
        ("halves-40", 3000),
        ("turns-20", 9000),
    ):
        found = []
        for run in range(200):
            draws = Draws(run_key(1, "t", run))
            world = next(w for w in EDGES if getattr(w.make, "schedule", "") == schedule)
            moves = planted_moves(draws, schedule, rows, world.make.t)
            plain = draws.noise(rows)
            side = np.sign(moves - plain)
            gain, held = int((side * moves)[1:].sum()), np.count_nonzero(side)
            found.append(gain / (SD * np.sqrt(held)) / float(world.make.t))
        assert abs(np.mean(found) - 1) < 0.1, schedule


def test_every_rule_trades_in_both_forms_alike():
    """The compiled kernel and its interpreted twin send the same orders."""
    seen = set()
    for world in WORLDS.values():
        case = world.make(Draws(run_key(2, world.name, 0)), False)
        rule = getattr(case.strategy.config, "rule", "basis")
        if rule in seen or rule == "basis":
            continue
        seen.add(rule)
        runs = [
            backtest(case.segment, case.strategy, costs=COSTS["paid"], interpreted=interpreted)
            for interpreted in (False, True)
        ]
        assert len(runs[0].exact.fills) > 10, rule
        assert runs[0].exact.fills.tobytes() == runs[1].exact.fills.tobytes(), rule
        assert runs[0].exact.decisions.tobytes() == runs[1].exact.decisions.tobytes(), rule
    assert seen == set(RULES)


def test_a_search_has_fifty_rules_that_differ():
    for world in NO_EDGE:
        if not world.searched:
            continue
        strategies = grid_strategies(world.make(Draws(1), True).strategy)
        assert len(strategies) == SEARCHED, world.name
        if isinstance(strategies[0], RuleSearch):
            found = {varied(one.config).config_hash for one in strategies}
            assert len(found) == SEARCHED, world.name


def test_worlds_have_names_and_say_what_they_are():
    assert len(WORLDS) == len(NO_EDGE) + len(EDGES)
    for world in NO_EDGE:
        assert world.expected is None
        assert set(world.nulls) <= set(TESTS)
        assert {"timing", "premium", "either"} <= set(world.nulls)
        assert len(world.text) > 20
    for world in EDGES:
        assert not world.nulls
    assert NOISE == 10  # schedules have the streams below, of a key of their own
