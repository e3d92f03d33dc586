"""The contract every strategy keeps, as checks that anyone can hold a strategy to.

The engine is given by the caller (``quantlaxmi.backtest``), because strategies are above it and
never import it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from quantlaxmi import schema
from quantlaxmi.errors import ConfigError, StrategyError
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.segment.window import Window
from quantlaxmi.strategies.config import StrategyConfig, field_bounds
from quantlaxmi.strategies.registry import check_class
from quantlaxmi.strategies.sdk import Strategy

#: Runs a strategy over a segment: ``backtest(segment, strategy, interpreted=False) -> Run``.
Backtest = Callable[..., Any]
#: Shares of a segment's messages at which its trace must be a prefix of the whole one's.
PREFIXES: Final = (0.1, 0.37, 0.5, 0.81)


@dataclass(frozen=True)
class Subject:
    """A strategy under examination.

    Parameters
    ----------
    strategy : Strategy
    segment : Segment
        Sealed; the more decisions the strategy takes on it, the more the checks tell.
    backtest : callable
    """

    strategy: Strategy
    segment: Any
    backtest: Backtest


def check_settings_move_hash(subject: Subject) -> None:
    """Every setting moves the config hash, and equal settings have equal hashes."""
    config = subject.strategy.config
    kind = type(config)
    again = kind.from_mapping({n: getattr(config, n) for n in kind.__struct_fields__})
    _hold(again.config_hash == config.config_hash, "equal settings have other hashes")
    _hold(len(config.config_hash) == 32, "config_hash is not 32 bytes")
    for name in kind.__struct_fields__:
        moved = _changed(config, name)
        if moved is not None:
            _hold(moved.config_hash != config.config_hash, f"{name} does not move config_hash")


def check_settings_refused(subject: Subject) -> None:
    """Settings that are unknown, of a wrong type or out of bounds are refused by name."""
    kind = type(subject.strategy.config)
    _refused(kind, "no_such_setting", 1)
    for name in kind.__struct_fields__:
        _refused(kind, name, [])
        _refused(kind, name, 0.5)
        low, high = field_bounds(kind, name)
        if low is not None:
            _refused(kind, name, math.floor(low) - 1)
        if high is not None:
            _refused(kind, name, math.ceil(high) + 1)


def check_binding(subject: Subject) -> None:
    """Binding names the strategy and its settings, twice the same, and refuses an empty segment."""
    strategy, universe = subject.strategy, subject.segment.instruments
    one, two = strategy.bind(universe), strategy.bind(universe)
    _hold(one.strategy_id == strategy.strategy_id, "a binding has another strategy_id")
    _hold(one.config_hash == strategy.config_hash, "a binding has another config_hash")
    _hold(one.rationales == two.rationales, "two bindings declare other rationales")
    _hold(one.instruments == two.instruments, "two bindings trade other instruments")
    _hold(one.params.tobytes() == two.params.tobytes(), "two bindings have other params")
    _hold(one.state.tobytes() == two.state.tobytes(), "two bindings have another first state")
    try:
        strategy.bind(())
    except StrategyError:
        return
    raise StrategyError("binding to no instruments is not refused by a StrategyError")


def check_runs_equal(subject: Subject) -> None:
    """Two runs, of one object and of one binding, give the same trace and outcome."""
    strategy, segment = subject.strategy, subject.segment
    bound = strategy.bind(segment.instruments)
    first = _hashes(subject.backtest(segment, strategy))
    for again in (strategy, bound, bound, type(strategy).made_with(strategy.config)):
        _hold(_hashes(subject.backtest(segment, again)) == first, "a second run differs")


def check_input_unchanged(subject: Subject) -> None:
    """A run changes neither the segment nor the binding it was given."""
    segment = subject.segment
    bound = subject.strategy.bind(segment.instruments)
    before = (_digest(segment), bound.params.tobytes(), bound.state.tobytes())
    subject.backtest(segment, bound)
    after = (_digest(segment), bound.params.tobytes(), bound.state.tobytes())
    _hold(before == after, "a run changed its input")


def check_twin_equal(subject: Subject) -> None:
    """A kernel and its interpreted twin give the same trace and outcome."""
    strategy, segment = subject.strategy, subject.segment
    if strategy.bind(segment.instruments).form != "kernel":
        return
    compiled = _hashes(subject.backtest(segment, strategy))
    interpreted = _hashes(subject.backtest(segment, strategy, interpreted=True))
    _hold(compiled == interpreted, "the interpreted twin's trace differs")


def check_no_look_ahead(subject: Subject) -> None:
    """The trace on the first part of a segment begins the trace on the whole one."""
    segment = subject.segment
    whole = subject.backtest(segment, subject.strategy)
    records = whole.trace.records_bytes()
    seqs = np.sort(np.concatenate([segment.columns(t)["seq"] for t in schema.TABLES]))
    if not len(seqs):
        return
    for share in PREFIXES:
        last_seq = int(seqs[int(share * (len(seqs) - 1))])
        run = subject.backtest(Window(segment, last=last_seq), subject.strategy)
        part = run.trace.records_bytes()
        _hold(records.startswith(part), f"at {share:.0%} of the segment decisions differ")
        expected = int(np.sum(whole.exact.decisions["seq"] <= last_seq))
        _hold(run.n_decisions == expected, f"at {share:.0%} of it decisions are missing")


def check_decisions(subject: Subject) -> None:
    """Decisions name declared rationales, instruments and positive quantities."""
    run = subject.backtest(subject.segment, subject.strategy)
    bound = subject.strategy.bind(subject.segment.instruments)
    rationale = run.exact.decisions["rationale"]
    _hold(
        bool(np.all((rationale >= 0) & (rationale < len(bound.rationales)))),
        "a decision names a rationale that is not declared",
    )
    asks = run.exact.legs["action"] != schema.OrderAction.CANCEL
    _hold(
        bool(np.all(run.exact.legs["qty"][asks] > 0)), "a leg has a quantity that is not positive"
    )
    traded = set(run.exact.legs["instrument"].tolist())
    _hold(traded <= set(bound.instruments), "a leg trades an instrument that is not declared")


def check_filters(subject: Subject) -> None:
    """Filters are marked with a value that switches them off, which the settings allow."""
    config = subject.strategy.config
    for name in config.filters():
        off = config.without(name)
        _hold(name not in off.filters(), f"{name} is still on at the value that switches it off")
        _hold(off.config_hash != config.config_hash, f"{name} off does not move config_hash")


def check_neutral(subject: Subject) -> None:
    """With its signals neutral a strategy runs, twice the same, in its twin too."""
    strategy, segment = subject.strategy, subject.segment
    bound = strategy.bind(segment.instruments)
    if not bound.signals:
        return
    wanted = _hashes(subject.backtest(segment, bound.neutralised(bound.signals)))
    interpreted = bound.form == "kernel"
    again = strategy.bind(segment.instruments, interpreted=interpreted)
    found = _hashes(subject.backtest(segment, again.neutralised(again.signals)))
    _hold(found == wanted, "two runs with neutral signals differ")


#: Every check, in order; names are what a failure is told by.
CHECKS: Final[tuple[Callable[[Subject], None], ...]] = (
    check_settings_move_hash,
    check_settings_refused,
    check_filters,
    check_binding,
    check_decisions,
    check_runs_equal,
    check_input_unchanged,
    check_twin_equal,
    check_neutral,
    check_no_look_ahead,
)


def check_strategy(
    strategy: Strategy | type[Strategy], segment: Any, backtest: Backtest
) -> Iterator[str]:
    """Check a strategy against the contract, rule by rule.

    Parameters
    ----------
    strategy : Strategy or type of Strategy
        A class is checked with its default settings.
    segment : Segment
    backtest : callable
        ``quantlaxmi.backtest``, or a function of the same parameters.

    Yields
    ------
    str
        What each check that passed has shown.

    Raises
    ------
    StrategyError
        Naming the first check that failed, and why.

    Examples
    --------
    >>> import quantlaxmi
    >>> segment = quantlaxmi.open_segment("data/planted")  # doctest: +SKIP
    >>> for line in check_strategy(MyStrategy, segment, quantlaxmi.backtest):  # doctest: +SKIP
    ...     print(line)
    """
    made = strategy.made_with() if isinstance(strategy, type) else strategy
    check_class(type(made))
    subject = Subject(made, segment, backtest)
    for check in CHECKS:
        try:
            check(subject)
        except StrategyError as error:
            raise StrategyError(f"{made.strategy_id}: {check.__name__}: {error}") from error
        yield (check.__doc__ or check.__name__).strip()


def _hold(condition: bool, problem: str) -> None:
    if not condition:
        raise StrategyError(problem)


def _hashes(run: Any) -> tuple[bytes, bytes]:
    return run.trace.trace_hash, run.trace.outcome_hash


def _digest(segment: Any) -> str:
    digest = hashlib.sha256()
    for table in schema.TABLES:
        for column in segment.columns(table).values():
            digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()


def _changed(config: StrategyConfig, name: str) -> StrategyConfig | None:
    """The settings with another value of one field, or None where no other is allowed."""
    value = getattr(config, name)
    tried: tuple[Any, ...]
    if isinstance(value, bool):
        tried = (not value,)
    elif isinstance(value, int):
        tried = (value + 1, value - 1)
    elif isinstance(value, FixedPoint):
        steps = [FixedPoint(1, e) for e in (0, -1, -2, -8)]
        tried = (*(value.add(s) for s in steps), *(value.sub(s) for s in steps))
    else:
        tried = ("x", 1, FixedPoint(1, 0), True)
    for other in tried:
        try:
            return config.replace(**{name: other})
        except ConfigError:
            continue
    return None


def _refused(kind: type[StrategyConfig], name: str, value: Any) -> None:
    try:
        kind.from_mapping({name: value})
    except ConfigError as error:
        _hold(name in str(error), f"the error for {name}={value!r} does not name it: {error}")
        return
    raise StrategyError(f"{name}={value!r} is not refused")
