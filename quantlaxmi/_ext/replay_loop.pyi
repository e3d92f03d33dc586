from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.depth_index import DepthIndex
from quantlaxmi._ext.python_bridge import Bridge

FAILURES: dict[int, str]
RESULTS: dict[str, np.dtype[np.void]]

class Engine:
    def __init__(
        self,
        memory: Mapping[str, NDArray[np.void]],
        accounts: Sequence[tuple[int, ...]],
        n_currencies: int,
        features: Sequence[tuple[str, tuple[int, ...]]],
        event_mask: int,
        latency_ns: int,
        rate_den: int,
        step_address: int = ...,
        on_fill_address: int = ...,
        bridge: Bridge | None = ...,
        rules: Sequence[tuple[int, int, int, bool, int, int | None, bool]] = ...,
        limits: tuple[int, int, int, int | None, int, bool, tuple[int, int, int] | None] = ...,
        pro_rata: bool = ...,
        delays: tuple[tuple[int, Sequence[int], int], tuple[int, Sequence[int], int]] | None = ...,
        impact: Sequence[tuple[int, int]] = ...,
        trades_by_receipt: bool = ...,
        borrow: Sequence[tuple[int, int]] = ...,
        refuse_short: bool = ...,
        base_fees: Sequence[tuple[bool, int, int, int, int]] = ...,
        leg_latency_ns: int = ...,
        contracts: Sequence[tuple[int, int, int | None]] = ...,
        settles_at_mark: bool = ...,
    ) -> None: ...
    def refuse_before(self, seq: int) -> None: ...
    def allow_in_bar(self) -> None: ...
    def load(
        self,
        tables: Mapping[str, Mapping[str, NDArray[Any]]],
        depth_index: DepthIndex | None = ...,
    ) -> None: ...
    def run(self, limit: int = ...) -> tuple[int, bool]: ...
    def finish(self, flatten: bool = ...) -> int: ...
    @property
    def chunk_rows(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def ts_ns(self) -> int: ...
    @property
    def detail(self) -> int: ...
    @property
    def n_messages(self) -> int: ...
    def tables(self, last: bool = ...) -> dict[str, NDArray[np.void]]: ...
    def accounts(self) -> list[tuple[int, int, int, int, int]]: ...
    def cash(self, n_currencies: int) -> list[int]: ...
    def margin(self) -> tuple[int, int, int] | None: ...
    def last_fill(self) -> tuple[int, ...]: ...
    def close_references(self) -> dict[int, int]: ...
    @property
    def told_fill(self) -> int: ...
    def venue_clocks(self) -> list[tuple[int | None, int, int]]: ...
    def depth_gaps(self) -> list[int]: ...
