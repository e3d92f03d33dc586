from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_INSTRUMENTS: int

class QuietRows:
    n_rows: int
    n_instruments: int
    n_quiet: int
    n_trades: int
    def __init__(
        self, tables: Mapping[str, Mapping[str, NDArray[Any]]], n_instruments: int
    ) -> None: ...
    @property
    def who(self) -> NDArray[np.int16]: ...
    @property
    def marks(self) -> NDArray[np.int16]: ...
    @property
    def nbytes(self) -> int: ...
