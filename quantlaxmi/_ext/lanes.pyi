from collections.abc import Callable, Sequence
from typing import Any

from quantlaxmi._ext.depth_index import DepthIndex
from quantlaxmi._ext.quiet_rows import QuietRows
from quantlaxmi._ext.replay_loop import Engine
from quantlaxmi.schema import I64

MAX_LANES: int

class Lanes:
    some_sleep: bool
    def __init__(
        self, engines: Sequence[Engine], n_currencies: int, asleep: Sequence[int]
    ) -> None: ...
    def load(
        self,
        tables: Any,
        depth_index: DepthIndex | None = None,
        quiet_rows: QuietRows | None = None,
    ) -> None: ...
    def run(
        self,
        pace: Callable[[], int],
        weights: I64,
        last_mid2: I64,
        end_ns: int,
        ends: I64,
        mid2: I64,
        sleeping: bool = True,
    ) -> list[tuple[bool, int, int, int, int] | None]: ...
    def forget(self) -> None: ...
