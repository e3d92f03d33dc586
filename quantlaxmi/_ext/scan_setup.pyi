from collections.abc import Sequence

from quantlaxmi._ext.replay_loop import Engine

def set_scan(
    engine: Engine,
    contracts: Sequence[tuple[int, int, int, float, float]],
    expiries: Sequence[tuple[int, int, int, int]],
    rules: Sequence[tuple[int, int, float, float, float, float, float, float, bool]],
) -> None: ...
