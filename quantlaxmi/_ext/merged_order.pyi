from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Int64Array = NDArray[np.int64]

def merge_ascending(
    times: Int64Array,
    starts: Int64Array,
    group_of: Int64Array,
    n_groups: int,
) -> list[tuple[Int64Array, Int64Array, Int64Array]]: ...
def gather_rows(
    columns: Sequence[Int64Array | None], streams: Int64Array, rows: Int64Array
) -> Int64Array: ...
