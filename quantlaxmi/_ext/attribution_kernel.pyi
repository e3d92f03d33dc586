import numpy as np
from numpy.typing import NDArray

def attribute(
    fills: NDArray[np.void],
    decisions: NDArray[np.void],
    legs: NDArray[np.void],
    funding: NDArray[np.void],
    borrow: NDArray[np.void],
    scale: NDArray[np.int64],
    own_mid: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int]: ...
