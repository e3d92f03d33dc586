import numpy as np
from numpy.typing import NDArray

class FairVariance:
    def __init__(
        self,
        day: NDArray[np.int64],
        forward: NDArray[np.float64],
        vol: NDArray[np.float64],
        node_start: NDArray[np.int64],
        node_strike: NDArray[np.float64],
        node_ratio: NDArray[np.float64],
        span: NDArray[np.int64],
        strike: NDArray[np.float64],
    ) -> None: ...
    def draw(self, key: int, draw: int, signs: NDArray[np.uint64]) -> None: ...
    def chain(
        self,
        signs: NDArray[np.uint64],
        compensate: bool,
        forward: NDArray[np.float64],
        vol: NDArray[np.float64],
        call: NDArray[np.float64],
    ) -> None: ...
    def quotes(
        self,
        recorded: NDArray[np.int64],
        tick: int,
        forward: NDArray[np.float64],
        call: NDArray[np.float64],
        out: NDArray[np.int64],
    ) -> int: ...
