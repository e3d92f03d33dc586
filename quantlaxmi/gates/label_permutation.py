"""Label permutation: does it matter *when* the strategy held which position?"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt

from quantlaxmi.counted import counted
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.path.columns import BoundError, BundleColumns, build_columns, check_squares
from quantlaxmi.gates.path.regimes import trend_regimes
from quantlaxmi.gates.reasons import NOT_A_TEST, not_enough, too_large
from quantlaxmi.gates.resampling.bundle_labels import permuted_labels
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
    PermutationResult,
    ResultSpec,
    Verdict,
    decimal_text,
)
from quantlaxmi.instruments import Bundle
from quantlaxmi.schema import I64
from quantlaxmi.settings import Bounds, Settings
from quantlaxmi.stats.arrangements import Arrangements, orders
from quantlaxmi.stats.monte_carlo import wide_ints

__all__ = ["GATE", "cut_spans", "evaluate", "grown_blocks"]

NAME = "label_permutation"
RESULT = ResultSpec(NAME, "diagnosis", PermutationResult, {"kind": "labels"})
#: Blocks grow until they have so many whole runs of constant position on average.
MIN_RUNS = 8
_DAY_NS = 86_400 * 10**9
_MAX_STEPS = 10_000_000


class LabelPermutationSettings(Settings, frozen=True, kw_only=True):
    """What ``[label_permutation]`` holds.

    Attributes
    ----------
    n_perms : int
        Draws.
    within : str
        Where spans are shuffled at first: ``"day"``, ``"block"`` of `block_seconds`, ``"regime"``
        (time of one bull, bear or chop regime), or ``"auto"``: days, and blocks for a segment under
        two days. Blocks double until they have enough whole runs.
    block_seconds : int
        A block, and a step of a regime.
    regime_steps : int
        Steps of `block_seconds` that a regime looks back on.
    """

    n_perms: Annotated[int, Bounds(ge=19, le=10**8)] = 10_000
    within: Literal["auto", "day", "block", "regime"] = "auto"
    block_seconds: Annotated[int, Bounds(ge=1, le=86_400)] = 3600
    regime_steps: Annotated[int, Bounds(ge=1, le=10_000)] = 24


@dataclass(frozen=True, slots=True)
class Spans:
    """Times of constant position, flat ones too, block by block.

    Attributes
    ----------
    positions : tuple of Bundle
        Distinct positions, flat excluded.
    position : ndarray of int64, shape (n_spans,)
        Index into `positions`, -1 for flat.
    length : ndarray of int64, shape (n_spans,)
        Rows; a span of length L ends where the next begins.
    block_first : ndarray of int64, shape (n_blocks + 1,)
    block_row : ndarray of int64, shape (n_blocks,)
        First row of each block.
    """

    positions: tuple[Bundle, ...]
    position: I64
    length: I64
    block_first: I64
    block_row: I64

    def arrangements(self) -> Arrangements:
        """Orders of the spans inside their blocks, equal spans interchangeable."""
        keys = list(zip(self.position.tolist(), self.length.tolist(), strict=True))
        edges = self.block_first.tolist()
        return orders([keys[a:b] for a, b in itertools.pairwise(edges)])


def cut_spans(changes: tuple[tuple[int, Bundle], ...], block: I64) -> Spans:
    """Cut a position path at every change and at every border of a block.

    Parameters
    ----------
    changes : tuple of (int, Bundle)
        Rows at which the position changes, ascending, and the position from there; flat before.
    block : ndarray of int64, shape (n_rows,)
        Number of the block each row lies in, ascending. The last row only ends a span.
    """
    last = len(block) - 1
    borders = np.flatnonzero(np.diff(block[:last])) + 1 if last > 0 else np.zeros(0, np.int64)
    rows = np.array([r for r, _ in changes], np.int64)
    starts = np.unique(np.concatenate([np.zeros(1, np.int64), borders, rows]))
    starts = starts[starts < last] if last > 0 else starts[:0]
    index: dict[Bundle, int] = {}
    for _, bundle in changes:
        if bundle:
            index.setdefault(bundle, len(index))
    codes = np.array([-1, *(index[b] if b else -1 for _, b in changes)], np.int64)
    position = codes[np.searchsorted(rows, starts, "right")]
    block_row = np.concatenate([np.zeros(1, np.int64), borders])[: len(starts)]
    return Spans(
        positions=tuple(index),
        position=position,
        length=np.diff(np.append(starts, last)).astype(np.int64),
        block_first=np.append(np.searchsorted(starts, block_row), len(starts)).astype(np.int64),
        block_row=block_row.astype(np.int64),
    )


def _blocks(context: GateContext) -> tuple[I64, str]:
    ts = context.decision_points.ts_ns
    settings = context.settings(LabelPermutationSettings)
    seconds, way = settings.block_seconds, settings.within
    if way == "regime":
        # That of the first instrument traded: the spot of a pair.
        steps = (int(ts[-1]) - int(ts[0])) // (seconds * 10**9)
        if steps > _MAX_STEPS:
            raise BoundError(f"Regime steps of {seconds} s: {steps}, limit {_MAX_STEPS}.")
        instrument = min(i for _, bundle in context.path.changes for i, _ in bundle)
        regime = trend_regimes(
            ts, context.decision_points.mid2[instrument], seconds * 10**9, settings.regime_steps
        )
        number = np.concatenate([[0], np.cumsum(np.diff(regime) != 0)]).astype(np.int64)
        return (
            number,
            f"times of one regime, {counted(settings.regime_steps, 'step[s]')} of {seconds} s back",
        )
    if way == "day" or (way == "auto" and int(ts[-1]) - int(ts[0]) >= 2 * _DAY_NS):
        return ts // _DAY_NS, "UTC day"
    return ts // (seconds * 10**9), f"{seconds} s"


def grown_blocks(changes: tuple[tuple[int, Bundle], ...], block: I64) -> tuple[I64, int] | None:
    """Join neighbouring blocks in pairs until they have 8 whole runs on average.

    Parameters
    ----------
    changes : tuple of (int, Bundle)
        As `cut_spans` takes them.
    block : ndarray of int64, shape (n_rows,)
        Number of the block each row lies in, ascending.

    Returns
    -------
    (ndarray of int64, int) or None
        The blocks, and how many of the given ones make one; None where the whole segment has
        fewer runs.
    """
    last = len(block) - 1
    if last < 1:
        return None
    rows = np.array([r for r, _ in changes], np.int64)
    starts = np.unique(np.concatenate([np.zeros(1, np.int64), rows]))
    starts = starts[starts < last]
    ends = np.append(starts[1:], last)  # a run has the steps starts..ends-1
    number = np.concatenate([[0], np.cumsum(np.diff(block) != 0)]).astype(np.int64)
    joined = 1
    while True:
        whole = int((number[starts] == number[ends - 1]).sum())
        blocks = int(number[last - 1]) + 1
        if whole >= MIN_RUNS * blocks:
            return number, joined
        if blocks == 1:
            return None
        number, joined = number // 2, 2 * joined


def _sweep(
    context: GateContext,
    spans: Spans,
    columns: BundleColumns,
    size: str,
    arrangements: Arrangements,
) -> GateResult:
    from quantlaxmi._jit import permutation as kernels
    from quantlaxmi._jit.compiler import running

    arrays = (
        kernels.Bundles(*columns.arrays),
        kernels.Spans(spans.block_first, spans.block_row, spans.length, spans.position),
    )
    own = np.zeros(4, np.uint64)
    with running(context.threads):
        kernels.identity(*arrays, own)
    s, q = wide_ints(own[0::2], own[1::2])
    check_identity(context, NAME, s * columns.scale)
    key = np.uint64(context.key(NAME))

    def sweep(first: int, out: npt.NDArray[np.uint64]) -> None:
        with running(context.threads) as divided:
            divided(lambda at, part: kernels.shuffled(key, first + at, *arrays, part), out)

    n_perms = context.settings(LabelPermutationSettings).n_perms
    (count,) = count_draws(context, NAME, n_perms, 4, sweep, [(s, q)])
    details: dict[str, Json] = {
        **_details(context, spans, size, arrangements),
        **sum_details(s, q),
        "gross": decimal_text(context.path.gross, context.decision_points.ledger_exponent - 1),
        **exact_p(count, arrangements),
    }
    reason = (
        f"At least as good as the strategy: {count_text(count, 'permutations')} within {size}, "
        f"p = {float(count.p_value):.6g}. {NOT_A_TEST}"
    )
    return RESULT.result(Verdict.SHOWN, reason, count, details)


def _details(
    context: GateContext, spans: Spans, size: str, arrangements: Arrangements
) -> dict[str, Json]:
    return {
        "trips": len(context.path.trips),
        "rows": len(context.decision_points.seq),
        "spans": len(spans.length),
        "spans_not_flat": int((spans.position >= 0).sum()),
        "blocks": len(spans.block_row),
        "block": size,
        "arrangements": arrangements.text(),
    }


def evaluate(context: GateContext) -> list[GateResult]:
    """Label permutation (diagnosis).

    The position after each decision, row by row, is cut into spans: times of constant position,
    flat ones too, cut again at the borders of blocks. A draw puts the spans of each block in a
    random order. Blocks are UTC days, or `block_seconds` for a segment under two days, or, by
    `within`, times of one regime (`regimes.trend_regimes`); neighbours are joined in pairs until
    they have 8 whole runs on average, so that slow positions are shuffled too. Over option sessions
    blocks are session days, and a span is struck anew where it falls (`resampling.bundle_labels`).

    Question: inside a block, does the order of the spans say anything about the moves of the
    market under them? Statistic: studentised gross, with the squares of the spans that are not
    flat; ties count against the strategy.

    Cannot see: rules that react to prices, which pass it 17 to 57 % of the time without an edge;
    an edge between blocks (the right side for a whole one), costs and funding, and what a drift
    earns while the time in position stays the same. It decides nothing. Lengths are counted in
    rows.

    Source: restricted randomisation, Edgington and Onghena (2007), Randomization tests, ch. 8;
    p-value Phipson and Smyth (2010).

    Parameters
    ----------
    context : GateContext

    Returns
    -------
    list of GateResult
        NOT APPLICABLE where the whole segment has fewer than 8 runs.

    Raises
    ------
    Inconclusive
        Below the policy's numbers of round trips and arrangements.
    EngineError
        When the identity draw is not the replay.
    """
    if context.sessions is not None:
        n_perms = context.settings(LabelPermutationSettings).n_perms
        return [permuted_labels(context, RESULT, n_perms)]
    details: dict[str, Json] = {
        "trips": len(context.path.trips),
        "rows": len(context.decision_points.seq),
    }
    context.require_trips(details)
    try:
        block, size = _blocks(context)
    except BoundError as error:
        raise Inconclusive(too_large(error), details) from error
    grown = grown_blocks(context.path.changes, block)
    if grown is None:
        reason = f"Runs of constant position: fewer than {MIN_RUNS}, the least that are shuffled."
        return [RESULT.result(Verdict.NOT_APPLICABLE, reason, None, details)]
    block, joined = grown
    size = size if joined == 1 else f"{joined} times {size}"
    spans = cut_spans(context.path.changes, block)
    arrangements = spans.arrangements()
    details = _details(context, spans, size, arrangements)
    if arrangements.fewer_than(context.policy.min_arrangements):
        raise Inconclusive(
            not_enough(
                "Distinct arrangements", arrangements.text(), context.policy.min_arrangements
            ),
            details,
        )
    try:
        columns = build_columns(context.decision_points, spans.positions)
        # A span's PnL is the difference of two bundle values.
        if 2 * max(columns.largest) >= 2**62:
            raise BoundError(
                f"A span's PnL can reach {2 * max(columns.largest)}, the limit is 2^62."
            )
        check_squares(2 * max(columns.largest), len(spans.length))
    except BoundError as error:
        raise Inconclusive(too_large(error), details) from error
    return [_sweep(context, spans, columns, size, arrangements)]


GATE = Gate(
    NAME, "g2", (RESULT,), LabelPermutationSettings, evaluate, dear=True, kernels="permutation"
)
