from typing import Any

import numpy as np
from numpy.typing import NDArray

def circular(offsets: NDArray[np.int64], path: Any, out: NDArray[np.uint64]) -> None: ...
def gains(path: Any, out: NDArray[np.int64]) -> None: ...
