import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.replay_loop import Engine

NO_MID_SEEN: int
HELD_TO_EXPIRY: int

def trip_sums(
    engine: Engine,
    weights: NDArray[np.int64],
    last_mid2: NDArray[np.int64],
    end_ns: int,
) -> tuple[int, int, int, int, int]: ...
