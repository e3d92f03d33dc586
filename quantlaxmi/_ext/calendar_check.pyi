import numpy as np
from numpy.typing import NDArray

def check(
    columns: NDArray[np.int64],
    expiry_ns: NDArray[np.int64],
    lot: NDArray[np.int64],
    start: NDArray[np.int64],
    unit: float,
    now: tuple[int, int, int],
    whole: tuple[int, ...],
    real: tuple[float, ...],
) -> tuple[tuple[int, ...], tuple[float, ...]]: ...
