from typing import Any

import numpy as np
from numpy.typing import NDArray

def trip_times(
    fills: NDArray[Any],
    decided_ns: NDArray[np.int64],
    n_instruments: int,
) -> tuple[NDArray[np.int64], bool]: ...
