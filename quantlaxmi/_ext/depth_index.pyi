from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_BYTES: int
PROBLEMS: dict[int, str]

class DepthIndex:
    n_instruments: int
    n_rows: int
    n_messages: int
    n_changes: int
    n_prices: int
    def __init__(
        self, depth: Mapping[str, NDArray[Any]], n_instruments: int, most_bytes: int = ...
    ) -> None: ...
    @property
    def nbytes(self) -> int: ...
    def levels(self, instrument: int, side: int, message: int) -> NDArray[np.int64]: ...
    def size(self, instrument: int, side: int, message: int, price: int) -> int: ...
    def stands(self, instrument: int, message: int) -> tuple[bool, int]: ...
