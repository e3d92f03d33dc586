import numpy as np
from numpy.typing import NDArray

def leg_prices(
    leg: NDArray[np.int64],
    price: NDArray[np.int64],
    quantity: NDArray[np.int64],
    before: NDArray[np.int64],
    instrument: NDArray[np.int64],
    steps: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int8], int]: ...
