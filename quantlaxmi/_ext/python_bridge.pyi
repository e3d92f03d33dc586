from collections.abc import Callable
from typing import Any

class Bridge:
    error: BaseException | None
    def __init__(
        self,
        step_call: Callable[..., int] | None,
        fill_call: Callable[..., int] | None,
        step_args: tuple[Any, ...],
        fill_args: tuple[Any, ...],
    ) -> None: ...

class EventBridge(Bridge):
    def __init__(
        self,
        on_market: Callable[[Any, Any], Any],
        fill_call: Callable[..., int] | None,
        fill_args: tuple[Any, ...],
        write: Callable[[Any], int],
        context: Any,
        symbols: tuple[str, ...],
        correlations: tuple[Any, ...],
        types: tuple[type, ...],
    ) -> None: ...
