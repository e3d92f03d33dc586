"""Random entry over option sessions: bundles struck anew at random snapshots of their days."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import EngineError
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.path.bounds import BoundError
from quantlaxmi.gates.path.bundle_path import BundlePath
from quantlaxmi.gates.path.bundle_places import BundlePlaces, bundle_places
from quantlaxmi.gates.reasons import not_enough, too_large
from quantlaxmi.gates.resampling.draws import (
    check_identity,
    count_draws,
    count_text,
    exact_p,
    sum_details,
)
from quantlaxmi.gates.resampling.mirrored_pairs import check_pair
from quantlaxmi.gates.results import (
    GateResult,
    Inconclusive,
    Json,
    ResultSpec,
    Verdict,
    decimal_text,
    rounded,
)
from quantlaxmi.schema import U64
from quantlaxmi.stats.arrangements import counted
from quantlaxmi.stats.monte_carlo import wide_ints

if TYPE_CHECKING:
    from quantlaxmi._jit import bundle_places as kernels

__all__ = ["PlacedBundles", "matched_bundles", "neutral_bundles", "place_bundles"]


@dataclass(frozen=True, slots=True, eq=False)
class PlacedBundles:
    """A run's bundles, where they could have stood, and what is shown of that.

    Attributes
    ----------
    bundles : BundlePath
    places : BundlePlaces
    details : dict
    """

    bundles: BundlePath
    places: BundlePlaces
    details: dict[str, Json]

    @property
    def knows_net(self) -> bool:
        """Whether costs on other snapshots are known."""
        return not self.places.unknown

    def arguments(self) -> kernels.Places:
        """What the kernel takes."""
        from quantlaxmi._jit import bundle_places as kernels

        p = self.places
        tables = p.day_trip, p.first, p.begin, p.occupied, p.ways, p.gross, p.cost, p.mirror
        return kernels.Places(*tables, p.scale, self.bundles.by_day)


def place_bundles(context: GateContext) -> PlacedBundles:
    """Look where the bundles of a run could have stood.

    Raises
    ------
    PathError
        The run has none that could stand elsewhere.
    Inconclusive
        There are too few ways to place them, or money does not fit.
    EngineError
        The run's own bundles cost something else at their own rows.
    """
    bundles = context.observed.bundles
    try:
        places = bundle_places(bundles)
    except BoundError as error:
        raise Inconclusive(too_large(error), {"trips": len(bundles.path.trips)}) from error
    arrangements, path = counted(places.arrangements), bundles.path
    details: dict[str, Json] = {
        "trips": len(path.trips),
        "open_at_end": bool(path.trips[-1].open_at_end),
        "rows": len(bundles.grid.seq),
        "unit": bundles.unit,
        "session_days_traded": len(places.day_trip) - 1,
        "snapshots_that_filters_allow": int(bundles.grid.can_enter.sum()),
        "rows_a_bundle": rounded(sum(int(a.sum()) for a in places.allowed) / len(places.allowed)),
        "bundles_without_another_place": sum(int(a.sum()) < 2 for a in places.allowed),
        "arrangements": arrangements.text(),
        "actions": sum(len(trip.actions) for trip in path.trips),
        "actions_filled_short": path.short_actions,
        "actions_after_own_takes": path.after_own_actions,
        "reversals": path.reversals,
    }
    if arrangements.fewer_than(context.policy.min_arrangements):
        least = context.policy.min_arrangements
        raise Inconclusive(not_enough("Distinct arrangements", arrangements.text(), least), details)
    return PlacedBundles(bundles, places, details)


def _own_sums(context: GateContext, placed: PlacedBundles) -> list[int]:
    """S, Q, net S, net Q of the strategy, proven equal to the replay's."""
    from quantlaxmi._jit import bundle_places as kernels
    from quantlaxmi._jit.compiler import running
    from quantlaxmi._jit.rng import STILL

    out = np.zeros((1, 1, 10), np.uint64)
    with running(context.threads):
        kernels.placed(np.uint64(0), STILL, placed.arguments(), 1, out)
    sums = wide_ints(out[0, 0, 0::2], out[0, 0, 1::2])
    check_identity(context, "random_entry", sums[0] * placed.places.gross_unit)
    net, path = sums[2] * placed.places.net_unit, placed.bundles.path
    replayed = path.net + path.stray_cost
    if net != replayed:
        raise EngineError(
            f"the identity draw of random_entry gave net {net}, the replay {replayed}"
        )
    return sums


def _draw(context: GateContext, placed: PlacedBundles, stream: str, first: int, out: U64) -> None:
    """Fill ``out``, of shape (n_draws, members, 10)."""
    from quantlaxmi._jit import bundle_places as kernels
    from quantlaxmi._jit.compiler import running

    key, arguments = np.uint64(context.key(stream)), placed.arguments()
    with running(context.threads) as divided:
        divided(
            lambda at, part: kernels.placed(key, first + at, arguments, part.shape[1], part), out
        )


def matched_bundles(
    context: GateContext, placed: PlacedBundles, spec: ResultSpec, n_sims: int
) -> GateResult:
    """Compare the run with random entries of its own bundles (guard of timing).

    Null hypothesis: given the bundles of each session day, in roles, their order and how many
    snapshots they were held, the snapshots on which they begin are a uniform draw from all
    placements without overlap where they could have been traded. Statistic: studentised gross, of
    bundles below ten session days and of days from ten on; ties against the strategy.

    Raises
    ------
    EngineError
        The identity draw is not the replay.
    """
    sums = _own_sums(context, placed)

    def sweep(first: int, out: npt.NDArray[np.uint64]) -> None:
        drawn = np.empty((len(out), 1, 10), np.uint64)
        _draw(context, placed, spec.name, first, drawn)
        out[:] = drawn[:, 0, :8]

    own = [(sums[0], sums[1])] + ([(sums[2], sums[3])] if placed.knows_net else [])
    counts = count_draws(context, spec.name, n_sims, 8, sweep, own)
    passed = counts[0].p_value <= context.policy.level
    exponent, path = context.ledger_exponent - 1, placed.bundles.path
    details = placed.details | sum_details(sums[0], sums[1])
    for name in ("gross", "funding", "borrow"):
        details[name] = decimal_text(getattr(path, name), exponent)
    details |= {
        "net_pnl": decimal_text(path.net, exponent),
        "net": counts[1].to_json() if placed.knows_net else None,
        "net_unavailable": placed.places.unknown or None,
        **exact_p(counts[0], counted(placed.places.arrangements)),
    }
    reason = (
        f"At least as good as the strategy: {count_text(counts[0], 'random entries')} of the same "
        f"bundles on their days, over {placed.bundles.unit}, p = {float(counts[0].p_value):.6g}, "
        f"limit {context.policy.alpha}."
    )
    if not passed:
        reason += " Entries and exits are no better than random ones: change when it trades."
    verdict = Verdict.PASS if passed else Verdict.FAIL
    return spec.result(verdict, reason, counts[0], details)


def neutral_bundles(
    context: GateContext,
    placed: PlacedBundles,
    spec: ResultSpec,
    pairs: int,
) -> GateResult:
    """Give every bundle a random side, and to each draw its mirror: the engine favours none.

    The opposite of a bundle is priced at the other touch, whether its size is shown there or not.

    Raises
    ------
    EngineError
        When it does.
    """
    total = squares = costs = done = 0
    while done < pairs:
        out = np.empty((min(100_000, pairs - done), 2, 10), np.uint64)
        _draw(context, placed, spec.name, done, out)
        (gross, net, cost), (gross_m, net_m, cost_m) = (
            [wide_ints(out[:, m, k], out[:, m, k + 1]) for k in (0, 4, 8)] for m in (0, 1)
        )
        for t, (g, e, c, gm, em, cm) in enumerate(
            zip(gross, net, cost, gross_m, net_m, cost_m, strict=True), done
        ):
            check_pair(t, g + gm, e + em, c + cm)
        total += sum(gross)
        squares += sum(g * g for g in gross)
        costs += sum(cost) + sum(cost_m)
        done += len(out)
        context.report_progress(spec.name, done, pairs)
    unit = placed.places.gross_unit * 10.0 ** (context.ledger_exponent - 1)
    spread = math.sqrt(max(squares / pairs - (total / pairs) ** 2, 0.0))
    details = placed.details | {
        "pairs": pairs,
        "sum_of_gross": str(total),
        "sum_of_squared_gross": str(squares),
        "mean_gross": rounded(total / pairs * unit),
        "standard_error": rounded(spread / math.sqrt(pairs) * unit),
    }
    reason = f"Mirrored random pairs whose gross is not exactly 0: 0 of {pairs}, limit 0."
    if placed.knows_net:
        reason += f" The same of net plus costs: 0 of {pairs}."
    else:
        reason += f" Net: {placed.places.unknown}"
    return spec.result(Verdict.PASS, reason, None, details)
