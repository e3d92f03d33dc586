import numpy as np
from numpy.typing import NDArray

def fill_shares(
    hi: NDArray[np.int64],
    lo: NDArray[np.int64],
    qty: NDArray[np.int64],
    fill: NDArray[np.int64],
    quantity: NDArray[np.int64],
) -> NDArray[np.int64]: ...
