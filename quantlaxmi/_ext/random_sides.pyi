import numpy as np
from numpy.typing import NDArray

def random_sides(
    key: int, first: int, gains: NDArray[np.int64], out: NDArray[np.uint64]
) -> None: ...
