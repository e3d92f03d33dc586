from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def scanned(
    contracts: Sequence[tuple[int, int, int, float, float]],
    expiries: Sequence[tuple[int, int, int, int]],
    rules: Sequence[tuple[int, int, float, float, float, float, float, float, bool]],
    books: NDArray[np.void],
    qty: NDArray[np.int64],
    ts_ns: int,
) -> tuple[bool, float, float, float, float, float, float]: ...
