from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

def depth_tops(
    depth: Mapping[str, NDArray[Any]],
    quotes: Mapping[str, NDArray[Any]],
    n_instruments: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None: ...

class DepthKinds:
    def __init__(self, n_instruments: int) -> None: ...
    @property
    def counts(self) -> NDArray[np.int64]: ...
    def add(self, depth: Mapping[str, NDArray[Any]], first_quote: NDArray[np.int64]) -> None: ...
