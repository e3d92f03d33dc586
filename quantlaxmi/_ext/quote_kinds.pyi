from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

def add_quotes(
    quotes: Mapping[str, NDArray[Any]], counts: NDArray[np.int64], first: NDArray[np.int64]
) -> None: ...
