from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.python_bridge import Bridge

FAILURES: dict[int, str]

class Engine:
    def __init__(
        self,
        memory: Mapping[str, NDArray[np.void]],
        accounts: Sequence[tuple[int, int, int, int, int, int, int]],
        n_currencies: int,
        features: Sequence[tuple[str, tuple[int, ...]]],
        event_mask: int,
        latency_ns: int,
        rate_den: int,
        step_address: int = ...,
        on_fill_address: int = ...,
        bridge: Bridge | None = ...,
        rules: Sequence[tuple[int, int, int, bool, int, int | None]] = ...,
        limits: tuple[int, int, int, int | None, int] = ...,
    ) -> None: ...
    def load(self, tables: Mapping[str, Mapping[str, NDArray[Any]]]) -> None: ...
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
    def tables(self) -> dict[str, NDArray[np.void]]: ...
    def accounts(self) -> list[tuple[int, int, int, int, int]]: ...
    def cash(self, n_currencies: int) -> list[int]: ...
    def last_fill(self) -> tuple[int, ...]: ...
    def depth_gaps(self) -> list[int]: ...

class Observer(Engine):
    error: BaseException | None
    def __init__(
        self,
        memory: Mapping[str, NDArray[np.void]],
        accounts: Sequence[tuple[int, int, int, int, int, int, int]],
        n_currencies: int,
        features: Sequence[tuple[str, tuple[int, ...]]],
        event_mask: int,
        latency_ns: int,
        rate_den: int,
        traded: NDArray[np.int64],
        bundles: Sequence[tuple[tuple[int, int], ...]],
        can_trade_address: int = ...,
        can_trade_call: Callable[..., int] | None = ...,
        can_trade_args: tuple[Any, ...] = ...,
    ) -> None: ...
    def grid(
        self,
    ) -> tuple[
        NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], list[int]
    ]: ...
