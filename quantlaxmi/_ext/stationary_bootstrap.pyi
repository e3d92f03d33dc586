import numpy as np
from numpy.typing import NDArray

def resampled_sums(
    key: int,
    first: int,
    last_word: int,
    columns: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None: ...
