import numpy as np
from numpy.typing import NDArray

Int64Array = NDArray[np.int64]

def merge_ascending(
    times: Int64Array,
    starts: Int64Array,
    group_of: Int64Array,
    n_groups: int,
    first_number: int = 0,
) -> tuple[Int64Array, list[Int64Array], list[Int64Array]]: ...
def place_rows(column: Int64Array, places: Int64Array, out: Int64Array) -> None: ...
def place_value(value: int, places: Int64Array, out: NDArray[np.int16]) -> None: ...
