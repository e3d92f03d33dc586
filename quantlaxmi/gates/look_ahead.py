"""Look-ahead: does the strategy decide the same when the future is not there?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.errors import QuantlaxmiError, StrategyError
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.keys import stream_key
from quantlaxmi.gates.reasons import NO_RERUN
from quantlaxmi.gates.results import GateResult, Inconclusive, Json, ResultSpec, Verdict
from quantlaxmi.settings import Bounds, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from quantlaxmi.execution.costs import CostModel
    from quantlaxmi.execution.latency import LatencyModel
    from quantlaxmi.execution.risk import RiskLimits
    from quantlaxmi.run.rerun import Rerun
    from quantlaxmi.run.result import Run
    from quantlaxmi.segment import MarketData

__all__ = ["GATE", "LookAhead", "PrefixCut", "evaluate", "verify_no_lookahead"]

NAME = "look_ahead"
RESULT = ResultSpec(NAME, "guard")
#: Name of the random stream that chooses the beginnings.
STREAM = "prefix"
_MAX_CUTS = 1000


class LookAheadSettings(Settings, frozen=True, kw_only=True):
    """What ``[look_ahead]`` holds.

    Attributes
    ----------
    n_beginnings : int
        Beginnings of the segment on which decisions must be those on the whole.
    """

    n_beginnings: Annotated[int, Bounds(ge=1, le=1000)] = 12


@dataclass(frozen=True, slots=True)
class PrefixCut:
    """One beginning of the segment, on which the strategy was run alone.

    Attributes
    ----------
    last_seq : int
        Number of its last message.
    decisions : int
        Decisions of the run on the whole segment up to that message.
    difference : str
        How the decisions differ from them; empty where they do not.
    """

    last_seq: int
    decisions: int
    difference: str

    def to_json(self) -> Json:
        return {
            "last_seq": self.last_seq,
            "decisions": self.decisions,
            "difference": self.difference or None,
        }


@dataclass(frozen=True, slots=True)
class LookAhead:
    """Result of `verify_no_lookahead`.

    Attributes
    ----------
    cuts : tuple of PrefixCut
        Ascending by message.
    """

    cuts: tuple[PrefixCut, ...]

    @property
    def found(self) -> bool:
        """Whether decisions depend on what came after them."""
        return any(cut.difference for cut in self.cuts)

    @property
    def difference(self) -> str:
        """The first difference; empty where there is none."""
        return next((cut.difference for cut in self.cuts if cut.difference), "")


def _cuts(run: Run, n_cuts: int, key: int) -> list[int]:
    """Last messages of the beginnings: most at decisions, some anywhere, one the last of all."""
    from quantlaxmi._ext.philox import below, words

    first, last = run.segment.first_seq, run.segment.last_seq
    chosen = {last}
    decided = run.exact.decisions["seq"]
    for k, word in enumerate(words(key, 0, n_cuts).tolist()):
        if k % 4 != 3 and len(decided):
            chosen.add(int(decided[below(word, len(decided))]))
        else:
            chosen.add(first + below(word, min(last - first + 1, 2**32)))
    return sorted(chosen)


def _difference(whole: Run, last_seq: int, begun: Run) -> str:
    """How the decisions on the beginning differ from those on the whole segment."""
    from quantlaxmi.trace import DecisionTrace
    from quantlaxmi.trace.parity import Divergence, LengthMismatch, verify_replay_parity

    n = int(np.searchsorted(whole.exact.decisions["seq"], last_seq, "right"))
    legs = int(np.searchsorted(whole.exact.legs["decision"], n))
    expected = DecisionTrace.from_arrays(
        whole.header, whole.exact.decisions[:n], whole.exact.legs[:legs]
    )
    found = DecisionTrace.from_arrays(whole.header, begun.exact.decisions, begun.exact.legs)
    parity = verify_replay_parity(expected, found)
    if isinstance(parity, Divergence):
        a, b = parity.values
        at = int(whole.exact.decisions["seq"][parity.index])
        return (
            f"Decision {parity.index}, at message {at}, "
            f"has {parity.field} {a}, but {b} where the segment ends with message {last_seq}: "
            "it depends on what came later."
        )
    if isinstance(parity, LengthMismatch):
        k = min(parity.original_len, parity.replay_len)
        fewer = parity.replay_len < parity.original_len
        seq = (whole if fewer else begun).exact.decisions["seq"][k]
        what = "is not made" if fewer else "is made only"
        return (
            f"Decision {k}, at message {int(seq)}, {what} where the segment ends with message "
            f"{last_seq}: it depends on what came later."
        )
    return ""


def _cut(rerun: Rerun, last_seq: int) -> PrefixCut:
    whole = rerun.run
    decisions = int(np.searchsorted(whole.exact.decisions["seq"], last_seq, "right"))
    try:
        difference = _difference(whole, last_seq, rerun.beginning(last_seq))
    except StrategyError as error:
        difference = f"Where the segment ends with message {last_seq} the strategy fails: {error}."
    return PrefixCut(last_seq, decisions, difference)


def _check(
    rerun: Rerun, n_cuts: int, key: int, report_progress: Callable[[int, int], None] | None = None
) -> LookAhead:
    if not rerun.run.n_messages:
        return LookAhead(())
    rerun.bind()  # where it cannot be made again, that is no finding
    cuts, chosen = [], _cuts(rerun.run, n_cuts, key)
    for last_seq in chosen:
        cuts.append(_cut(rerun, last_seq))
        if report_progress is not None:
            report_progress(len(cuts), len(chosen))
        if cuts[-1].difference:
            break
    return LookAhead(tuple(cuts))


def verify_no_lookahead(
    segment: MarketData | Path | str,
    strategy: Any,
    *,
    n_cuts: int = 12,
    costs: CostModel | None = None,
    limits: RiskLimits | None = None,
    latency_ns: int | None = None,
    latency: LatencyModel | None = None,
    seed: int = 0,
) -> LookAhead:
    """Check that no decision depends on what came after it.

    The strategy is run on the whole segment and on beginnings of it, in memory. On each beginning
    its decision records must be, byte for byte, those that the whole run made up to there: no
    other, none missing, none more. Three of four beginnings end with a message on which a decision
    was made, the others anywhere, one is the whole segment once more; the check ends at the first
    difference.

    Parameters
    ----------
    segment : MarketData, Path or str
        A path is a segment's folder.
    strategy : Strategy, BoundStrategy, str or callable
        As `backtest` takes it, or a function that makes a strategy from a segment. Only the latter
        shows a look-ahead through data that a strategy takes along from the segment when it is
        made: it is given each beginning in turn.
    n_cuts : int
        Beginnings tried, 1 to 1000.
    costs, limits, latency_ns, latency
        As for `backtest`.
    seed : int
        Chooses the beginnings, with the segment and the settings.

    Returns
    -------
    LookAhead

    Raises
    ------
    QuantlaxmiError
        The strategy fails on the whole segment, or cannot be run again.

    Examples
    --------
    >>> found = verify_no_lookahead(segment, "basis_capture")  # doctest: +SKIP
    >>> found.found, found.difference  # doctest: +SKIP
    (False, '')
    """
    from quantlaxmi.errors import InputError
    from quantlaxmi.run.config import RunConfig
    from quantlaxmi.run.replay import run_columns
    from quantlaxmi.run.rerun import Rerun, make_strategy, maker_of
    from quantlaxmi.segment import as_market

    segment = as_market(segment)
    if not 1 <= n_cuts <= _MAX_CUTS:
        raise InputError("n_cuts", f"was {n_cuts}, expected 1 to {_MAX_CUTS}")
    maker = maker_of(strategy)
    config = RunConfig.of(
        costs=costs, limits=limits, latency_ns=latency_ns, latency=latency, seed=seed
    )
    strategy = strategy if maker is None else make_strategy(maker, segment)
    run = run_columns(segment, strategy, config)
    key = stream_key(seed, run.header.segment_digest, run.header.config_hash, STREAM)
    return _check(Rerun(run, maker), n_cuts, key)


def evaluate(context: GateContext) -> list[GateResult]:
    """Look-ahead (guard).

    Condition: on beginnings of the segment the strategy's decision records are, byte for
    byte, the first of those on the whole segment. A decision that changes, is missing or is new
    when the future is not there was made with knowledge of it. One of the runs is on the whole
    segment: a strategy that does not decide the same twice fails as well.

    Cannot see: data of the segment that a strategy has in its own memory or files when it is
    given to the gate (give a function that makes it from the segment instead); a look-ahead that
    changed no decision near the chosen messages; settings chosen with knowledge of the segment,
    which is what walk-forward is about.

    Source: causality as a property of prefixes; the idea of this check is that of the prefix test
    in numbagg's property tests.

    Parameters
    ----------
    context : GateContext

    Raises
    ------
    Inconclusive
        Where there is no decision, or the strategy cannot be run again.
    """
    if context.rerun is None:
        raise Inconclusive(NO_RERUN)
    decisions = context.rerun.run.n_decisions
    try:
        found = _check(
            context.rerun,
            context.settings(LookAheadSettings).n_beginnings,
            context.key(STREAM),
            lambda done, total: context.report_progress(NAME, done, total),
        )
    except QuantlaxmiError as error:
        raise Inconclusive(f"Second run of the strategy: {error}. Mend that first.") from error
    details: dict[str, Json] = {
        "decisions": decisions,
        "beginnings": [cut.to_json() for cut in found.cuts],
    }
    if found.found:
        reason = f"{found.difference} Remove what reads ahead of the decision."
        return [RESULT.result(Verdict.FAIL, reason, None, details)]
    if not decisions:
        raise Inconclusive("Decisions to check: none. Run on more data.", details)
    reason = (
        f"Decisions that change where the segment ends earlier: 0 of {decisions}, on "
        f"{counted(len(found.cuts), 'beginning[s]')}, limit 0."
    )
    return [RESULT.result(Verdict.PASS, reason, None, details)]


GATE = Gate(NAME, "g2", (RESULT,), LookAheadSettings, evaluate, needs_code=True)
