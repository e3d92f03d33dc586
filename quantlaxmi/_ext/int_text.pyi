import numpy as np
import numpy.typing as npt
from typing_extensions import Buffer

def format_ints(
    values: npt.NDArray[np.int64],  # int64_t[:]
) -> bytes: ...
def parse_ints(
    text: Buffer,  # uint8_t[::1]
) -> npt.NDArray[np.int64]: ...
