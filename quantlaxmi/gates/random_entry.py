"""Random entry: does the strategy enter and leave better than chance?

Two results. The *matched* baseline draws the strategy's own round trips at random places; the
*neutral* guard draws their sides at random and checks that the engine favours none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import EngineError
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.borrow import build_position_interest
from quantlaxmi.gates.path.columns import (
    BoundError,
    BundleColumns,
    build_columns,
    check_squares,
)
from quantlaxmi.gates.path.funding import build_position_funding
from quantlaxmi.gates.path.net_terms import net_terms
from quantlaxmi.gates.path.placement import (
    Carry,
    CostColumns,
    PlacementError,
    Templates,
    build_cost_columns,
    make_templates,
    tradeable_rows,
)
from quantlaxmi.gates.path.round_trips import PathError, opposite
from quantlaxmi.gates.path.trip_gross import mean_notional
from quantlaxmi.gates.reasons import not_enough, too_large
from quantlaxmi.gates.resampling.bundle_entry import (
    matched_bundles,
    neutral_bundles,
    place_bundles,
)
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
    RandomEntryResult,
    ResultSpec,
    Verdict,
    decimal_text,
    rounded,
)
from quantlaxmi.schema import I64
from quantlaxmi.settings import Bounds, Settings
from quantlaxmi.stats.arrangements import Arrangements, placements
from quantlaxmi.stats.monte_carlo import wide_ints
from quantlaxmi.stats.tost import tost_p

if TYPE_CHECKING:
    from quantlaxmi._jit import random_entry as kernels

__all__ = ["GATE", "evaluate"]

MATCHED = ResultSpec("random_entry.matched", "timing guard", RandomEntryResult, {"kind": "matched"})
NEUTRAL = ResultSpec("random_entry.neutral", "guard", RandomEntryResult, {"kind": "neutral"})
#: The generator's numbers are uniform up to this many places.
_MAX_PLACES = 2**32


class RandomEntrySettings(Settings, frozen=True, kw_only=True):
    """What ``[random_entry]`` holds.

    Attributes
    ----------
    n_sims : int
        Draws of the matched random entry.
    n_neutral_pairs : int
        Mirrored pairs of the neutral guard.
    tost_margin_bps : Decimal
        Equivalence margin of the neutral guard, bps of a trip's notional.
    max_net_bundles : int
        Distinct bundles whose costs are computed for the net figure.
    """

    n_sims: Annotated[int, Bounds(ge=19, le=10**8)] = 10_000
    n_neutral_pairs: Annotated[int, Bounds(ge=2, le=10**8)] = 5_000
    tost_margin_bps: Annotated[Decimal, Bounds(ge="0.000001", le=10_000)] = Decimal("0.5")
    max_net_bundles: Annotated[int, Bounds(ge=0, le=256)] = 16


@dataclass(frozen=True, slots=True)
class _Placed:
    templates: Templates
    rows: I64
    columns: BundleColumns  # on tradeable rows
    own: BundleColumns  # on the actions' own rows
    action_bundle: I64
    costs: CostColumns
    carry: Carry
    arrangements: Arrangements

    def kernel_arguments(
        self, *, net: bool = True
    ) -> tuple[kernels.Bundles, kernels.Trips, kernels.NetTerms, kernels.Interest]:
        """What the kernels take; the net figures are left out where they are not known."""
        from quantlaxmi._jit import random_entry as kernels

        t = self.templates
        return (
            kernels.Bundles(*self.columns.arrays),
            kernels.Trips(t.trip_first, self.action_bundle, t.offset, t.occupied, t.free),
            *net_terms(self.costs, self.carry, known=net and not self.costs.reason),
        )


def _build(context: GateContext) -> _Placed:
    limit = context.settings(RandomEntrySettings).max_net_bundles
    rows = tradeable_rows(context.decision_points, context.path.trips, limit)
    templates = make_templates(context.path.trips, rows)
    arrangements = placements(templates.kinds(), templates.free)
    if templates.free + len(context.path.trips) > _MAX_PLACES:
        raise PlacementError(f"{len(rows)} rows are more than the {_MAX_PLACES} that can be drawn.")
    actions = templates.actions
    # Buying costs the mid, so a bundle enters the PnL with its opposite quantities.
    bundles = sorted({opposite(a.bundle) for a in actions})
    columns = build_columns(context.decision_points, bundles)
    index = {b: k for k, b in enumerate(bundles)}
    action_bundle = np.array([index[opposite(a.bundle)] for a in actions], np.int64)
    bound = 0
    for low, high in zip(templates.trip_first[:-1], templates.trip_first[1:], strict=True):
        bound = max(bound, sum(columns.largest[b] for b in action_bundle[low:high].tolist()))
    if bound >= 2**62:
        raise BoundError(f"A trip's PnL can reach {bound}, the limit is 2^62.")
    check_squares(bound, len(context.path.trips))
    carry = Carry(
        build_position_funding(context.path.trips, rows, context.decision_points),
        build_position_interest(context.path, rows, context.decision_points),
    )
    costs = build_cost_columns(
        templates, rows, columns, action_bundle, context.decision_points, limit, carry
    )
    return _Placed(
        templates=templates,
        rows=rows,
        columns=_rows_of(columns, rows),
        own=_rows_of(columns, np.array([a.row for a in actions], np.int64)),
        action_bundle=action_bundle,
        costs=costs,
        carry=carry,
        arrangements=arrangements,
    )


def _rows_of(columns: BundleColumns, rows: I64) -> BundleColumns:
    return replace(columns, values=np.ascontiguousarray(columns.values[rows]))


def _own_sums(context: GateContext, placed: _Placed) -> list[int]:
    """S, Q, net S, net Q of the strategy, proven equal to the replay's."""
    from quantlaxmi._jit import random_entry as kernels
    from quantlaxmi._jit.compiler import running

    out = np.zeros(8, np.uint64)
    _, trips, terms, _ = placed.kernel_arguments()
    bundles = kernels.Bundles(*placed.own.arrays)
    with running(context.threads):
        kernels.identity(
            bundles, trips, terms, placed.costs.own, placed.carry.funding.own_settled, out
        )
    sums = wide_ints(out[0::2], out[1::2])
    gross = sums[0] * placed.columns.scale
    check_identity(context, "random_entry", gross)
    if not placed.costs.reason:
        net = sums[2] * placed.costs.unit
        replayed = context.path.net + context.path.stray_cost
        if net != replayed:
            raise EngineError(
                f"the identity draw of random_entry gave net {net}, the replay {replayed}"
            )
    return sums


def _common_details(context: GateContext, placed: _Placed) -> dict[str, Json]:
    path = context.path
    return {
        "trips": len(path.trips),
        "open_at_end": bool(path.trips[-1].open_at_end),
        "tradeable_rows": len(placed.rows),
        "rows": len(context.decision_points.seq),
        "free_rows": placed.templates.free,
        "arrangements": placed.arrangements.text(),
        "actions": len(placed.templates.actions),
        "actions_filled_short": path.short_actions,
        "actions_after_own_takes": path.after_own_actions,
        "actions_off_tradeable_rows": placed.templates.off_rows,
        "reversals": path.reversals,
    }


def _matched(context: GateContext, placed: _Placed) -> GateResult:
    """Matched random entry (guard of timing).

    Null hypothesis: given how many round trips there were, their sides and how long they were
    held, the rows on which they stand are a uniform draw from all placements without overlap on
    the rows where the strategy could have traded. Statistic: studentised gross (sum of the trips'
    mid-to-mid PnL over the root of the sum of its squares), ties against the strategy.

    It is no test: rules without an edge that react to prices pass it 29 to 75 % of the time. A run
    that does not beat it shows no timing. Where it does not apply or has too little data, it does
    not stand in the way.

    Over option sessions a trip is a bundle of roles that stays on its day, in the order of the run
    (`resampling.bundle_entry`).

    Cannot see: an edge that lies in *how long* or *on which side* to hold, since both are kept;
    costs, interest and funding (the net p, which has all, is shown); a market that drifts, where
    holding the right side all the time needs no entries. Distances are counted in tradeable rows.

    Source: random entries as a baseline after Aronson (2006), Evidence-based technical analysis,
    ch. 6; p-value Phipson and Smyth (2010).
    """
    from quantlaxmi._jit import random_entry as kernels
    from quantlaxmi._jit.compiler import make_draws

    sums = _own_sums(context, placed)
    with_net = not placed.costs.reason
    key, arguments = np.uint64(context.key(MATCHED.name)), placed.kernel_arguments()

    def sweep(first: int, out: npt.NDArray[np.uint64]) -> None:
        make_draws(context.threads, kernels.matched, key, first, arguments, out)

    own = [(sums[0], sums[1])] + ([(sums[2], sums[3])] if with_net else [])
    n_sims = context.settings(RandomEntrySettings).n_sims
    counts = count_draws(context, MATCHED.name, n_sims, 8, sweep, own)
    passed = counts[0].p_value <= context.policy.level
    exponent = context.decision_points.ledger_exponent - 1
    details = _common_details(context, placed)
    details |= sum_details(sums[0], sums[1])
    for name in ("gross", "funding", "borrow"):
        details[name] = decimal_text(getattr(context.path, name), exponent)
    details["net_pnl"] = decimal_text(context.path.net, exponent)
    details["net"] = counts[1].to_json() if with_net else None
    details["net_unavailable"] = placed.costs.reason or None
    details |= exact_p(counts[0], placed.arrangements)
    reason = (
        f"At least as good as the strategy: {count_text(counts[0], 'random entries')}, "
        f"p = {float(counts[0].p_value):.6g}, limit {context.policy.alpha}."
    )
    if not passed:
        reason += " Entries and exits are no better than random ones: change when it trades."
    verdict = Verdict.PASS if passed else Verdict.FAIL
    return MATCHED.result(verdict, reason, counts[0], details)


def _neutral(context: GateContext, placed: _Placed) -> GateResult:
    """Mirrored neutral entry (guard).

    Condition: a trader without opinion earns nothing before costs. Trips stand where the matched
    null would put them, a fair coin chooses the side of each, and every draw is followed by its
    mirror, all sides turned. The gross of a pair must be integer 0 and its net minus its costs
    (what one pays in funding the other receives), else the engine favours a side, and that is an
    error, not a verdict. Mean, standard error and the equivalence test over the first members are
    shown, in bps of the mean notional of the largest leg of a trip's first action.

    Cannot see: anything about the strategy. Not rejecting zero would prove nothing, and net of
    costs a random trader loses; therefore this is a guard on the engine.

    Source: antithetic pairs, Hammersley and Morton (1956); equivalence, Schuirmann (1987).
    """
    from quantlaxmi._jit import random_entry as kernels
    from quantlaxmi._jit.compiler import make_draws

    with_net = not placed.costs.reason
    n = context.settings(RandomEntrySettings).n_neutral_pairs
    total = squares = costs = done = 0
    key, arguments = np.uint64(context.key(NEUTRAL.name)), placed.kernel_arguments()
    while done < n:
        out = np.empty((min(100_000, n - done), 12), np.uint64)
        make_draws(context.threads, kernels.neutral, key, done, arguments, out)
        gross, cost, net, gross_m, cost_m, net_m = (
            wide_ints(out[:, k], out[:, k + 1]) for k in range(0, 12, 2)
        )
        for t, (g, c, e, gm, cm, em) in enumerate(
            zip(gross, cost, net, gross_m, cost_m, net_m, strict=True), done
        ):
            check_pair(t, g + gm, e + em, c + cm)
        total += sum(gross)
        squares += sum(g * g for g in gross)
        costs += sum(cost) + sum(cost_m)
        done += len(out)
        context.report_progress(NEUTRAL.name, done, n)
    details = _common_details(context, placed)
    details |= {"pairs": n, "sum_of_gross": str(total), "sum_of_squared_gross": str(squares)}
    details |= _bps(context, placed, n, total, squares, costs if with_net else None)
    reason = f"Mirrored random pairs whose gross is not exactly 0: 0 of {n}, limit 0." + (
        f" The same of net plus costs: 0 of {n}." if with_net else f" Net: {placed.costs.reason}"
    )
    return NEUTRAL.result(Verdict.PASS, reason, None, details)


def _bps(
    context: GateContext, placed: _Placed, n: int, total: int, squares: int, costs: int | None
) -> dict[str, Json]:
    per_draw = len(context.path.trips) * mean_notional(context.path.trips, context.decision_points)
    unit = float(Fraction(placed.columns.scale * 10_000) / per_draw)
    mean = total / n * unit
    spread = math.sqrt(Fraction(n * squares - total * total, n * (n - 1))) * unit
    margin = context.settings(RandomEntrySettings).tost_margin_bps
    return {
        "mean_bps_a_trip": rounded(mean),
        "standard_error_bps": rounded(spread / math.sqrt(n)),
        "tost_margin_bps": str(margin),
        "tost_p": rounded(tost_p(n, mean, spread, float(margin))),
        "mean_cost_bps_a_trip": None
        if costs is None
        else rounded(float(Fraction(costs * placed.costs.unit * 10_000, 2 * n) / per_draw)),
    }


def evaluate(context: GateContext) -> list[GateResult]:
    """Run both halves; see `_matched` and `_neutral` for their hypotheses.

    Returns
    -------
    list of GateResult
        Matched: INCONCLUSIVE without a path, with too few round trips or places, too large amounts;
        the neutral half then has nothing to draw: NOT APPLICABLE.

    Raises
    ------
    EngineError
        When the identity draw is not the replay, or a mirrored pair does not cancel.
    """
    details: dict[str, Json] = {}
    try:
        details["trips"] = len(context.path.trips)
    except PathError as error:
        return _without_draws(Verdict.INCONCLUSIVE, str(error), details)
    if context.path.has_resting_orders:
        reason = "Random entries at the market: they do not match a strategy that rests orders."
        return _without_draws(Verdict.NOT_APPLICABLE, reason, details)
    if few := context.too_few_trips():
        return _without_draws(Verdict.INCONCLUSIVE, few, details)
    if context.sessions is not None:
        return _of_bundles(context)
    details["rows"] = len(context.decision_points.seq)
    try:
        placed = _build(context)
    except PlacementError as error:
        reason = f"{error} Run on more data."
        return _without_draws(Verdict.INCONCLUSIVE, reason, details)
    except BoundError as error:
        return _without_draws(Verdict.INCONCLUSIVE, too_large(error), details)
    if placed.arrangements.fewer_than(context.policy.min_arrangements):
        arrangements, least = placed.arrangements.text(), context.policy.min_arrangements
        reason = not_enough("Distinct arrangements", arrangements, least)
        return _without_draws(Verdict.INCONCLUSIVE, reason, _common_details(context, placed))
    return [_matched(context, placed), _neutral(context, placed)]


def _of_bundles(context: GateContext) -> list[GateResult]:
    """Both halves over option sessions, where bundles are struck anew."""
    settings = context.settings(RandomEntrySettings)
    try:
        placed = place_bundles(context)
    except Inconclusive as error:
        return _without_draws(Verdict.INCONCLUSIVE, error.reason, error.details)
    return [
        matched_bundles(context, placed, MATCHED, settings.n_sims),
        neutral_bundles(context, placed, NEUTRAL, settings.n_neutral_pairs),
    ]


def _without_draws(matched: Verdict, reason: str, details: dict[str, Json]) -> list[GateResult]:
    """The results where trips have no other places: nothing is drawn that could be neutral."""
    neutral = NEUTRAL.result(Verdict.NOT_APPLICABLE, reason, None, details)
    return [MATCHED.result(matched, reason, None, details), neutral]


_NAME = "random_entry"
GATE = Gate(
    _NAME, "g2", (MATCHED, NEUTRAL), RandomEntrySettings, evaluate, dear=True, kernels=_NAME
)
