"""What a strategy's own tables may ask a run about margin."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["MarginAsks", "Orders"]

#: Orders that are asked about, by message: instruments and signed quantities.
Orders = Mapping[int, tuple[tuple[int, int], ...]]
#: Tells at which of their messages a run would have refused orders for want of margin; at none
#: where it asks for no margin.
MarginAsks = Callable[[Orders], frozenset[int]]
