"""What has to hold of a draw with random sides and its mirror: neither side is favoured."""

from __future__ import annotations

from quantlaxmi.errors import EngineError

__all__ = ["check_pair"]


def check_pair(pair: int, gross: int, net: int, cost: int) -> None:
    """Look at the sums over both members of a mirrored pair.

    Parameters
    ----------
    pair : int
        Its number.
    gross, net, cost : int

    Raises
    ------
    EngineError
        When the engine favours a side.
    """
    if gross != 0:
        raise EngineError(f"mirrored pair {pair} earned {gross} gross, expected 0")
    if net != -cost:
        raise EngineError(f"mirrored pair {pair} earned {net} net, expected {-cost}")
