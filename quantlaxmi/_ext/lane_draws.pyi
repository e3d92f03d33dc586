from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.lanes import Lanes
from quantlaxmi._ext.market_null import SignFlips
from quantlaxmi.schema import I64

class LaneDraws:
    def __init__(
        self,
        lanes: Lanes,
        flips: SignFlips,
        room: tuple[NDArray[np.uint64], I64, I64],
        mid2: I64,
        followed: Sequence[tuple[I64, I64]],
        weights: I64,
        end_ns: int,
        ends: I64,
    ) -> None: ...
    def made(
        self,
        pace: Callable[[], int],
        key: int,
        first: int,
        count: int,
        drift: bool,
        tries: int,
    ) -> list[tuple[int, list[tuple[bool, int, int, int, int] | None] | None]]: ...
