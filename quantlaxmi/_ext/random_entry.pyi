from typing import Any

import numpy as np
from numpy.typing import NDArray

def matched(
    key: int,
    first: int,
    bundles: Any,
    trips: Any,
    net: Any,
    interest: Any,
    out: NDArray[np.uint64],
) -> None: ...
def neutral(
    key: int,
    first: int,
    bundles: Any,
    trips: Any,
    net: Any,
    interest: Any,
    out: NDArray[np.uint64],
) -> None: ...
def identity(
    bundles: Any,
    trips: Any,
    net: Any,
    own_cost: NDArray[np.int64],
    own_settled: NDArray[np.int64],
    out: NDArray[np.uint64],
) -> None: ...
def place(
    key: int, draw: int, free_rows: int, occupied: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
