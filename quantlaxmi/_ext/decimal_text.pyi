from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

def parse_decimal(text: str | bytes, exponent: int, rounding: int | None = None) -> int: ...
def parse_decimals(
    texts: Sequence[str | bytes] | npt.NDArray[np.object_ | np.str_ | np.bytes_],
    exponent: int,
    rounding: int | None = None,
) -> npt.NDArray[np.int64]: ...
def natural_exponent(text: str | bytes) -> int: ...
