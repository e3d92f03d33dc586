import numpy as np
from numpy.typing import NDArray

class DepthBook:
    def apply(
        self,
        first_id: NDArray[np.int64],
        last_id: NDArray[np.int64],
        prev_id: NDArray[np.int64],
        side: NDArray[np.int8],
        price: NDArray[np.int64],
        qty: NDArray[np.int64],
        flags: NDArray[np.int8],
    ) -> None: ...
    @property
    def valid(self) -> bool: ...
    @property
    def gaps(self) -> int: ...
    @property
    def last_id(self) -> int: ...
    def levels(self, side: int) -> NDArray[np.int64]: ...
