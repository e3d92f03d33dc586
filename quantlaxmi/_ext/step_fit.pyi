from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def divided(
    column: NDArray[np.int64], instrument: NDArray[np.int16], by: NDArray[np.int64]
) -> tuple[NDArray[np.int64] | None, int]: ...
def count_off(
    columns: Sequence[NDArray[np.int64]],
    instrument: NDArray[np.int16],
    steps: Sequence[NDArray[np.int64]],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
