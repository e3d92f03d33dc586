from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

class MarginAsk:
    def __init__(
        self,
        contracts: Sequence[tuple[int, int, int, float, float]],
        expiries: Sequence[tuple[int, int, int, int]],
        rules: Sequence[tuple[int, int, float, float, float, float, float, float, bool]],
    ) -> None: ...
    def allows(
        self,
        books: NDArray[np.void],
        held: NDArray[np.int64],
        pending: NDArray[np.int64],
        instruments: NDArray[np.int64],
        orders: NDArray[np.int64],
        money: float,
        ts_ns: int,
    ) -> bool: ...
