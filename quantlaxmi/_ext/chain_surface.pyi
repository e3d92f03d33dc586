import numpy as np
from numpy.typing import NDArray

class Chain:
    def __init__(
        self,
        start: NDArray[np.int64],
        years: NDArray[np.float64],
        strike: NDArray[np.int64],
        call_bid: NDArray[np.int64],
        call_ask: NDArray[np.int64],
        put_bid: NDArray[np.int64],
        put_ask: NDArray[np.int64],
        unit: float,
    ) -> None: ...
    def forwards(self, out: NDArray[np.float64], used: NDArray[np.int64]) -> None: ...
    def nearest(self, forward: NDArray[np.float64], out: NDArray[np.int64]) -> None: ...
    def volatilities(
        self,
        forward: NDArray[np.float64],
        out: NDArray[np.float64],
        status: NDArray[np.int8],
    ) -> None: ...
    def skews(
        self,
        forward: NDArray[np.float64],
        out: NDArray[np.float64],
        status: NDArray[np.int8],
    ) -> None: ...
    def at_money(
        self,
        forward: NDArray[np.float64],
        row: NDArray[np.int64],
        out: NDArray[np.float64],
        status: NDArray[np.int8],
    ) -> None: ...
