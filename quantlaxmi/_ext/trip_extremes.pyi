import numpy as np
from numpy.typing import NDArray

def trip_extremes(
    books: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    fill_seq: NDArray[np.int64],
    fill_instrument: NDArray[np.int64],
    quantity: NDArray[np.int64],
    gross: NDArray[np.int64],
    first_part: NDArray[np.int64],
    is_open: bool,
    units: NDArray[np.int64],
) -> tuple[NDArray[np.int64], int]: ...
