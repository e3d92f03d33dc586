import numpy as np
from numpy.typing import NDArray

def words(key: int, draw: int, n: int, first: int = 0) -> NDArray[np.uint64]: ...
