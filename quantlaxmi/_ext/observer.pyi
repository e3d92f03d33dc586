from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.replay_loop import Engine

class Observer(Engine):
    error: BaseException | None
    def __init__(
        self,
        memory: Mapping[str, NDArray[np.void]],
        accounts: Sequence[tuple[int, ...]],
        n_currencies: int,
        features: Sequence[tuple[str, tuple[int, ...]]],
        event_mask: int,
        latency_ns: int,
        rate_den: int,
        required: Sequence[int],
        bundles: Sequence[tuple[tuple[int, int], ...]],
        keep_mids: bool = ...,
        can_trade_address: int = ...,
        can_trade_call: Callable[..., int] | None = ...,
        can_trade_args: tuple[Any, ...] = ...,
        impact: Sequence[tuple[int, int]] = ...,
        lent: Sequence[int] = ...,
        base_fees: Sequence[tuple[bool, int, int, int, int]] = ...,
        rules: Sequence[tuple[int, int, int, bool, int, int | None, bool]] = ...,
    ) -> None: ...
    def rows(
        self,
    ) -> tuple[
        NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], list[NDArray[np.int64]]
    ]: ...
    def arrival_mids(self) -> list[NDArray[np.int64]]: ...
    def last_mids(self) -> NDArray[np.int64]: ...
    def costs(self) -> tuple[NDArray[np.int64], NDArray[np.bool_], list[int]]: ...
    def settlements(self) -> NDArray[np.int64]: ...
