import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.replay_loop import Engine

def bucket_sums(
    engine: Engine,
    weights: NDArray[np.int64],
    ends: NDArray[np.int64],
    mid2: NDArray[np.int64],
) -> tuple[bool, int, int]: ...
