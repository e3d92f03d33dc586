"""What Python sees of the compiled kernel; its functions are reached through `functions`."""

from collections.abc import Callable

RECORD_SIZES: dict[str, int]
ABI_VERSION: int

def functions() -> tuple[int, int, int, int] | tuple[Callable[..., int], ...]: ...
