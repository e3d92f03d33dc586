from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

class SignFlips:
    n_instruments: int
    n_instants: int
    n_free: int
    n_moving: int
    uses_depth: bool
    quote_instants: NDArray[np.int64]
    def __init__(
        self,
        quotes: Mapping[str, NDArray[Any]],
        depth: Mapping[str, NDArray[Any]],
        n_instruments: int,
    ) -> None: ...
    @property
    def n_increments(self) -> int: ...
    def room(self) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]: ...
    def draw(
        self,
        key: int,
        draw: int,
        attempt: int,
        signs: NDArray[np.uint64],
        quotes: NDArray[np.int64],
        depth: NDArray[np.int64],
        drift: bool = True,
    ) -> bool: ...
    def apply(
        self,
        signs: NDArray[np.uint64],
        quotes: NDArray[np.int64],
        depth: NDArray[np.int64],
        drift: bool = True,
    ) -> bool: ...
