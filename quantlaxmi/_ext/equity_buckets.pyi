from typing import Any

import numpy as np
from numpy.typing import NDArray

def equity_buckets(
    fills: NDArray[Any],
    funding: NDArray[Any],
    paid_ns: NDArray[np.int64],
    borrow: NDArray[Any],
    scales: NDArray[np.int64],
    weights: NDArray[np.int64],
    loans: NDArray[np.int64],
    ends: NDArray[np.int64],
    mid2: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None: ...
