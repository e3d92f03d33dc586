import numpy as np
from numpy.typing import NDArray

def first_break(
    few_seq: NDArray[np.int64],
    few_ts: NDArray[np.int64],
    many_seq: NDArray[np.int64],
    many_ts: NDArray[np.int64],
) -> tuple[int, int]: ...
