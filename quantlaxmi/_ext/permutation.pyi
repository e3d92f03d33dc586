from typing import Any

import numpy as np
from numpy.typing import NDArray

def shuffled(key: int, first: int, bundles: Any, spans: Any, out: NDArray[np.uint64]) -> None: ...
def identity(bundles: Any, spans: Any, out: NDArray[np.uint64]) -> None: ...
