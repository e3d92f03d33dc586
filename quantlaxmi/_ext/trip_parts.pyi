from typing import Any

import numpy as np
from numpy.typing import NDArray

def trip_parts(fills: NDArray[Any], n_instruments: int) -> tuple[NDArray[np.int64], int, bool]: ...
def counted_order(keys: NDArray[np.int64], n: int) -> NDArray[np.int64]: ...
