"""Binding of strategies, done once where it always gives the same.

A compiled kernel keeps nothing of a run: the engine works on copies of its state and parameters. So
a kernel is bound once for each tuple of instruments, and serves all runs over them, where its
strategy says that ``bind`` reads nothing else (`Strategy.binds_alike`) and has no attribute but its
frozen settings. All others are bound for every run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from quantlaxmi.instruments import Instrument
from quantlaxmi.recent import Recent
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.strategies.sdk import Strategy

__all__ = ["MAX_KEPT_SLOTS", "bind_once"]

#: A binding with a larger state is not kept: 64 KiB.
MAX_KEPT_SLOTS: Final = 1 << 12
#: A grid search binds each of its settings itself; these are for runs that repeat.
_kept: Final = Recent[BoundStrategy](most=8)


class _NotKept(Exception):
    """A binding that no other run may have."""

    def __init__(self, bound: BoundStrategy) -> None:
        super().__init__()
        self.bound = bound


def bind_once(
    strategy: Strategy, instruments: tuple[Instrument, ...], *, interpreted: bool = False
) -> BoundStrategy:
    """Bind a strategy for a run, or return the binding that serves all runs.

    Parameters
    ----------
    strategy : Strategy
    instruments : tuple of Instrument
    interpreted : bool
        Bind a kernel's interpreted twin.

    Raises
    ------
    StrategyError
        As ``strategy.bind``.
    """
    attributes = getattr(strategy, "__dict__", {})
    alike = strategy.binds_alike and attributes.keys() == {"config"}
    if not alike or _has_slots(type(strategy)):
        return strategy.bind(instruments, interpreted=interpreted)

    def make() -> BoundStrategy:
        bound = strategy.bind(instruments, interpreted=interpreted)
        if bound.form != "kernel" or len(bound.state) > MAX_KEPT_SLOTS:
            raise _NotKept(bound)
        params, state = bound.params.copy(), bound.state.copy()
        params.flags.writeable = state.flags.writeable = False
        return replace(bound, params=params, state=state)

    same = (strategy, attributes["config"], instruments, type(strategy).bind)
    try:
        return _kept.get(same, (interpreted,), make)
    except _NotKept as found:
        return found.bound


def _has_slots(kind: type) -> bool:
    """Whether objects of a class may keep something outside of ``__dict__``."""
    return any(getattr(one, "__slots__", ()) for one in kind.__mro__)
