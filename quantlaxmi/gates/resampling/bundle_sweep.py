"""What the diagnoses of bundles share: bounds of their tables, and a sweep of S and Q, counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.path.bounds import LIMIT, BoundError, check_squares
from quantlaxmi.gates.path.bundle_path import BundlePath
from quantlaxmi.gates.reasons import NOT_A_TEST, not_enough, too_large
from quantlaxmi.gates.resampling.draws import (
    check_identity,
    count_draws,
    count_text,
    exact_p,
    sum_details,
)
from quantlaxmi.gates.results import (
    GateResult,
    Inconclusive,
    Json,
    ResultSpec,
    Verdict,
    decimal_text,
)
from quantlaxmi.schema import I64, U64
from quantlaxmi.stats.arrangements import Arrangements
from quantlaxmi.stats.monte_carlo import wide_ints

__all__ = ["bundles_of", "check_bounds", "joined", "shown_sweep"]

#: ``sweep(key, first, out)`` fills ``out``, of shape (n_draws, 4).
Sweep = Callable[[np.uint64, int, U64], object]


def bundles_of(context: GateContext) -> BundlePath:
    """The bundles of a run with enough of them.

    Raises
    ------
    Inconclusive
        Below the policy's number.
    PathError
        The run has none that could stand elsewhere.
    """
    context.require_trips({"trips": context.n_trips})
    return context.observed.bundles


def check_bounds(bundles: BundlePath, tables: Iterable[I64], most: int, units: int) -> None:
    """Prove that a unit's sum and the sum of squares fit.

    Parameters
    ----------
    bundles : BundlePath
    tables : iterable of ndarray of int64
    most : int
        Parts that are added to one unit.
    units : int

    Raises
    ------
    Inconclusive
        They do not.
    """
    largest = max((int(np.abs(one).max(initial=0)) for one in tables), default=0)
    bound = largest * max(most, 1)
    details: dict[str, Json] = {"trips": len(bundles.path.trips)}
    if bound >= LIMIT:
        error = BoundError(f"The PnL of a unit can reach {bound}, the limit is 2^62.")
        raise Inconclusive(too_large(error), details)
    try:
        check_squares(bound, units)
    except BoundError as error:
        raise Inconclusive(too_large(error), details) from error


def shown_sweep(
    context: GateContext,
    spec: ResultSpec,
    plan: tuple[str, int],
    sweep: Sweep,
    details: dict[str, Json],
    arrangements: Arrangements | None,
    *,
    exact: bool = False,
) -> GateResult:
    """Count the draws at least as large as the strategy: a diagnosis.

    Parameters
    ----------
    context : GateContext
    spec : ResultSpec
    plan : tuple of str and int
        What is drawn, in words, and how often.
    sweep : callable
        Of number ``STILL`` it gives the strategy itself.
    details : dict
    arrangements : Arrangements or None
        None where their number has no meaning.
    exact : bool
        Whether each of them can be drawn, with the same probability.

    Raises
    ------
    Inconclusive
        There are too few arrangements.
    EngineError
        The identity draw is not the replay.
    """
    from quantlaxmi._jit.compiler import running
    from quantlaxmi._jit.rng import STILL

    null, draws = plan
    bundles = context.observed.bundles
    details = details | {"unit": bundles.unit}
    if arrangements is not None:
        details["arrangements"] = arrangements.text()
        if arrangements.fewer_than(context.policy.min_arrangements):
            least = context.policy.min_arrangements
            raise Inconclusive(
                not_enough("Distinct arrangements", arrangements.text(), least), details
            )
    own = np.zeros((1, 4), np.uint64)
    with running(context.threads):
        sweep(np.uint64(0), STILL, own)
    [s], [q] = wide_ints(own[:, 0], own[:, 1]), wide_ints(own[:, 2], own[:, 3])
    check_identity(context, spec.name, s * bundles.terms.unit)
    key = np.uint64(context.key(spec.name))

    def drawn(first: int, out: U64) -> None:
        with running(context.threads) as divided:
            divided(lambda at, part: sweep(key, first + at, part), out)

    (count,) = count_draws(context, spec.name, draws, 4, drawn, [(s, q)])
    details |= {
        **sum_details(s, q),
        "gross": decimal_text(bundles.path.gross, context.ledger_exponent - 1),
        **(exact_p(count, arrangements) if exact and arrangements is not None else {}),
    }
    reason = (
        f"At least as good as the strategy: {count_text(count, null)}, over {bundles.unit}, "
        f"p = {float(count.p_value):.6g}. {NOT_A_TEST}"
    )
    return spec.result(Verdict.SHOWN, reason, count, details)


def joined(tables: list[Any], dtype: Any) -> Any:
    """Arrays one after the other; one entry where there are none."""
    return np.concatenate(tables).astype(dtype) if tables else np.zeros(1, dtype)
