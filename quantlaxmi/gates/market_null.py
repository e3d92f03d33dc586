"""Market null: would the strategy have earned as much had the market's moves had random signs?"""

from __future__ import annotations

import itertools
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import ConfigError, EngineError, StrategyError
from quantlaxmi.gates.coin_sides import hold_against_coins, trip_gains
from quantlaxmi.gates.draws import count_draws, sum_details
from quantlaxmi.gates.inputs import GateInput
from quantlaxmi.gates.market import BoundError, attribution_units
from quantlaxmi.gates.market_replays import Moved, Replays, Sums
from quantlaxmi.gates.results import (
    GateResult,
    Json,
    MonteCarlo,
    PermutationResult,
    decimal_text,
    inconclusive,
    shown,
)
from quantlaxmi.gates.stats.monte_carlo import studentised_at_least
from quantlaxmi.rerun import Rerun
from quantlaxmi.strategies.config import StrategyConfig

__all__ = ["evaluate"]

GATE = "market_permutation"
KIND = "market"
#: Draws whose time in position and basis are shown, and whose tries give the share accepted.
SHOWN_DRAWS = 20
#: A smaller share of markets with positive prices among those tried is INCONCLUSIVE.
LEAST_ACCEPTED = 0.1
#: A draw is handed on as +1 or -1 against 0: it was compared here, in integers of any width.
_AT_LEAST = np.array([0, 1, 0, 1], np.uint64)
_BELOW = np.array([2**64 - 1, 2**64 - 1, 0, 1], np.uint64)
_MAX_GRID = 10_000


@dataclass(frozen=True, slots=True)
class _Search:
    """The settings a draw tries, and why these. None stands for the run's own."""

    configs: tuple[StrategyConfig | None, ...]
    reason: str


def _grid_configs(rerun: Rerun) -> tuple[StrategyConfig, ...]:
    """Settings of the strategy's declared grid around the run's own; invalid ones left out."""
    strategy = rerun.strategy
    if strategy is None or not strategy.grid:
        return ()
    own = strategy.config
    names, found = list(strategy.grid), {}
    for values in itertools.islice(itertools.product(*strategy.grid.values()), _MAX_GRID + 1):
        changed = {**own.as_texts(), **dict(zip(names, values, strict=True))}
        try:
            config = type(own).load(None, [shlex.quote(f"{k}={v}") for k, v in changed.items()])
        except ConfigError:
            continue
        found[config.config_hash] = config
    return tuple(found.values())


def _search(inp: GateInput, rerun: Rerun, replays: Replays, own: Sums) -> _Search:
    """Whether the grid is searched in every draw: only where the run's settings are its best."""
    alone = (None,)
    if inp.policy.market_grid_search == "off":
        return _Search(alone, "The policy turns the search of the grid off.")
    configs = _grid_configs(rerun)
    if not configs:
        return _Search(alone, "The strategy declares no grid.")
    if len(configs) > _MAX_GRID:
        return _Search(alone, f"The grid has over {_MAX_GRID} settings, so it is not searched.")
    own_hash = rerun.run.header.config_hash
    if own_hash not in {c.config_hash for c in configs}:
        return _Search(alone, f"The settings are none of the grid's {len(configs)}: kept.")
    market, better = replays.room(), 0
    others = [c for c in configs if c.config_hash != own_hash]
    replays.keep_bound(others)
    for config in others:
        sums = replays.sums(market, config)
        better += not sums.followed or not studentised_at_least(
            own.total, own.squares, sums.total, sums.squares
        )
    if better:
        return _Search(
            alone,
            f"{better} of the grid's {len(configs)} settings did better on the data, so these "
            "were not chosen from it: kept.",
        )
    return _Search(
        (None, *others),
        f"The settings are the best of the grid's {len(configs)}: every draw searches it.",
    )


def _identity(inp: GateInput, rerun: Rerun, replays: Replays) -> Sums:
    """The run over unmoved shifts, which has to be the run to the last record.

    Raises
    ------
    EngineError
        When it is not.
    """
    market, run = replays.room(), rerun.run
    if not replays.flips.apply(market.signs, market.quotes, market.depth):
        raise EngineError(f"the identity draw of {GATE} has prices that are not positive")
    if market.quotes.any() or market.depth.any():
        raise EngineError(f"the identity draw of {GATE} moved a price")
    for name, table in replays.session(market).engine.tables().items():
        if table.tobytes() != getattr(run, name).tobytes():
            raise EngineError(f"the identity draw of {GATE} gave other {name} than the replay")
    own = replays.sums(market)
    units, mid2 = attribution_units(inp.grid), inp.grid.mid2
    gains = [
        sum(-q * int(mid2[i, a.row]) * units[i] for a in trip.actions for i, q in a.bundle)
        for trip in inp.path.trips
    ]
    found = (own.total * replays.scale, own.squares * replays.scale**2, own.trips, own.held_ns)
    expected = (inp.path.gross, sum(g * g for g in gains), len(gains), _held_ns(inp))
    if not own.followed or found != expected:
        raise EngineError(
            f"the identity draw of {GATE} gave gross, squares, trips and time {found}, the "
            f"replay {expected}"
        )
    return own


def _held_ns(inp: GateInput) -> int:
    """Time in position of the run itself."""
    ts, held, since = inp.grid.ts_ns, 0, None
    for row, bundle in inp.path.changes:
        if since is not None:
            held += int(ts[row]) - since
        since = int(ts[row]) if bundle else None
    return held if since is None else held + int(ts[-1]) - since


@dataclass(frozen=True, slots=True)
class _Sample:
    """One of the draws that are shown."""

    tries: int
    accepted: bool
    sums: Sums
    basis_sd: float | None


def _basis_sd(inp: GateInput, rerun: Rerun, replays: Replays, moved: Moved) -> float | None:
    """Standard deviation of a pair's basis over the grid's rows, in bps; None for no pair."""
    pair = sorted(rerun.run.strategy.instruments)
    if len(pair) != 2:
        return None
    first, second = (
        (inp.grid.mid2[i] + 2 * replays.shifts(moved, i, inp.grid.seq)).astype(np.float64)
        for i in pair
    )
    exponents = [rerun.run.instruments[i].price_exponent for i in pair]
    ratio = second / first * 10.0 ** (exponents[1] - exponents[0])
    return float(np.std((ratio - 1.0) * 1e4))


def _samples(inp: GateInput, rerun: Rerun, replays: Replays) -> list[_Sample]:
    """Run the first draws with everything that is shown of them."""

    def one(_draw: int, moved: Moved, check: Callable[[int], None]) -> _Sample:
        if not moved.accepted:
            return _Sample(moved.tries, False, Sums(False, 0, 0, 0, 0), None)
        sums = replays.sums(moved, None, check)
        return _Sample(moved.tries, True, sums, _basis_sd(inp, rerun, replays, moved))

    return replays.each(range(SHOWN_DRAWS), one)


def _shown(
    inp: GateInput, rerun: Rerun, replays: Replays, own: Sums, samples: list[_Sample]
) -> dict[str, Json]:
    """The null beside the data: time in position, trips, and of a pair its basis."""
    ts = inp.grid.ts_ns
    span = max(int(ts[-1]) - int(ts[0]), 1)
    used = [s for s in samples if s.accepted and s.sums.followed]
    details: dict[str, Json] = {
        "shown_draws": len(samples),
        "accepted_share": shown(sum(s.accepted for s in samples) / sum(s.tries for s in samples)),
        "time_in_position": shown(own.held_ns / span),
    }
    if used:
        held = sum(s.sums.held_ns for s in used) / len(used)
        details["null_time_in_position"] = shown(held / span)
        details["null_trips"] = shown(sum(s.sums.trips for s in used) / len(used))
    basis = _basis_sd(inp, rerun, replays, replays.room())
    if basis is not None:
        moved = [s.basis_sd for s in used if s.basis_sd is not None]
        details["basis_sd_bps"] = shown(basis)
        if moved:
            details["null_basis_sd_bps"] = shown(sum(moved) / len(moved))
    return details


def _count(
    inp: GateInput, replays: Replays, search: _Search, own: Sums, seconds: float
) -> MonteCarlo:
    def exceeds(_draw: int, moved: Moved, check: Callable[[int], None]) -> bool:
        # A market that could not be made positive, or a run that cannot be followed, counts
        # against the strategy.
        if not moved.accepted:
            return True
        for config in search.configs:
            sums = replays.sums(moved, config, check)
            if not sums.followed or studentised_at_least(
                sums.total, sums.squares, own.total, own.squares
            ):
                return True
        return False

    def sweep(first: int, out: npt.NDArray[np.uint64]) -> None:
        found = replays.each(range(first, first + len(out)), exceeds)
        for row, at_least in zip(out, found, strict=True):
            row[:] = _AT_LEAST if at_least else _BELOW

    # Half a second a batch, so that progress and interrupts are seen, and no more draws than may
    # be needed to stop; the counts do not depend on it.
    most = inp.policy.stop_exceedances or 256
    wanted = int(0.5 * replays.threads / (seconds * len(search.configs) + 1e-6))
    (count,) = count_draws(
        inp,
        GATE,
        inp.policy.n_market_draws,
        4,
        sweep,
        [(0, 1)],
        stop_after=inp.policy.stop_exceedances,
        batch=max(replays.threads, min(wanted, most, 256)),
    )
    return count


def evaluate(inp: GateInput) -> PermutationResult:
    """Market null: shared random signs of the mid increments, the strategy run again (test).

    A *state* is a valid book of an instrument, an *increment* the difference of twice the mid from
    one state to the next, an *instant* a receive time at which increments happen. A draw has one
    fair sign an instant, shared by all instruments. Where it is minus, the deviation of the
    increment from the instrument's mean increment over the segment is turned over. Bids, asks,
    levels, trades and marks follow the mid; spreads, sizes, stamps and validity stay. After a set F
    of turned increments the prices of an instrument with n increments of sum T have moved by
    ``-sum(F) + half-even(|F| * T / n)``, an integer. The strategy is run on that market with the
    run's own latency, fees, funding and limits. Markets on which a valid book is not positive are
    drawn again, `MAX_TRIES` times at most: given that the prices are positive, all members of the
    orbit are equally likely.

    Where the strategy declares a grid and the run's settings are the best of it on the data (and
    ``market_grid_search`` is not ``"off"``), the statistic of every draw is the largest over the
    grid, as that of the data is.

    Null hypothesis: given their magnitudes and instants, the signs of the increments' deviations
    are independent and fair; for a pair, the basis is a random walk. Statistic: studentised gross,
    S/sqrt(Q) over the trips from flat to flat; ties count against the strategy.

    The mean is that of the data, so every market drawn has the data's drift and a drift of its own
    besides, while the data has its own alone: a rule against the level of a pair loses more on the
    drawn ones and would pass 6 % of the time. As in the tests of moved positions, coin sides stand
    beside the draws and the larger p decides (`coin_sides`).

    Cannot see: an edge in the drift (it is kept), in the size of moves, or in costs and funding;
    a rule that earns from moves shared within one instant only.

    Source: sign-flipping under the null of symmetric increments, Fisher (1935), The design of
    experiments, sec. 21; Good (2005), Permutation, parametric and bootstrap tests, ch. 3;
    stopping: Besag and Clifford (1991).

    Parameters
    ----------
    inp : GateInput
        With ``rerun``.

    Returns
    -------
    PermutationResult
        INCONCLUSIVE below the policy's numbers of trips and arrangements, where the strategy
        cannot be run again, and where fewer than a tenth of the markets stay positive.

    Raises
    ------
    EngineError
        When the identity draw is not the replay.
    """
    details: dict[str, Json] = {"trips": len(inp.path.trips), "rows": len(inp.grid.seq)}

    def unclear(reason: str) -> PermutationResult:
        return PermutationResult(KIND, inconclusive(GATE, "test", reason, details))

    if few := inp.too_few_trips():
        return unclear(few)
    if inp.rerun is None:
        return unclear("There is no run to make again.")
    try:
        gains = trip_gains(inp)
        replays = Replays(inp, inp.rerun, inp.key(GATE))
        replays.keep_bound([None])
    except (BoundError, StrategyError) as error:
        return unclear(str(error))
    details |= {
        "instants": replays.flips.n_instants,
        "free_signs": replays.flips.n_free,
        "increments": replays.flips.n_increments,
    }
    if replays.flips.n_free < 64 and 2**replays.flips.n_free < inp.policy.min_arrangements:
        return unclear(
            f"{2**replays.flips.n_free} distinct arrangements, at least "
            f"{inp.policy.min_arrangements} are needed."
        )
    own = _identity(inp, inp.rerun, replays)
    begun = time.perf_counter()
    samples = _samples(inp, inp.rerun, replays)
    seconds = (time.perf_counter() - begun) * min(replays.threads, SHOWN_DRAWS) / SHOWN_DRAWS
    details |= _shown(inp, inp.rerun, replays, own, samples)
    accepted, tries = sum(s.accepted for s in samples), sum(s.tries for s in samples)
    if accepted < LEAST_ACCEPTED * tries:
        return unclear(
            f"{accepted} of {tries} markets with random signs kept their prices positive, at "
            f"least {LEAST_ACCEPTED:.0%} are needed."
        )
    search = _search(inp, inp.rerun, replays, own)
    details |= {
        "settings_searched": len(search.configs),
        "grid_search": search.reason,
        **sum_details(own.total, own.squares),
        "gross": decimal_text(inp.path.gross, inp.grid.ledger_exponent - 1),
    }
    count = _count(inp, replays, search, own, seconds)
    null = "markets with random signs"
    held = hold_against_coins(inp, GATE, count, null, gains, inp.policy.n_perms)
    details |= held.details
    return PermutationResult(
        KIND, GateResult(GATE, "test", held.verdict, (held.reason,), held.deciding, details)
    )
