from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from quantlaxmi._ext.message_rows import MessageRows

class StreamMerge:
    seq: int
    more: bool
    faults: list[tuple[int, int, int, int, int, int]]
    gaps: list[tuple[int, int, int, int, int, int, int, int]]
    def __init__(self, sources: Sequence[MessageRows]) -> None: ...
    def release(
        self, finished: Sequence[bool]
    ) -> dict[str, dict[str, npt.NDArray[np.integer]]]: ...
    def take_counts(self) -> list[dict[str, int]]: ...
    def take_faults(self) -> list[tuple[int, int, int, int, int, int]]: ...
    def take_gaps(self) -> list[tuple[int, int, int, int, int, int, int, int]]: ...
