import numpy as np
from numpy.typing import NDArray

def price(
    forward: NDArray[np.float64],
    strike: NDArray[np.float64],
    years: NDArray[np.float64],
    sigma: NDArray[np.float64],
    call: NDArray[np.int8],
    out: NDArray[np.float64],
    status: NDArray[np.int8],
) -> int: ...
def greeks(
    forward: NDArray[np.float64],
    strike: NDArray[np.float64],
    years: NDArray[np.float64],
    sigma: NDArray[np.float64],
    call: NDArray[np.int8],
    out: NDArray[np.float64],
    status: NDArray[np.int8],
) -> int: ...
def implied(
    price: NDArray[np.float64],
    forward: NDArray[np.float64],
    strike: NDArray[np.float64],
    years: NDArray[np.float64],
    call: NDArray[np.int8],
    out: NDArray[np.float64],
    status: NDArray[np.int8],
) -> int: ...
