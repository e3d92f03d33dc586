from typing import Any

from numpy.typing import NDArray

def crc32c(
    data: bytes | bytearray | memoryview | NDArray[Any], value: int = 0, *, portable: bool = False
) -> int: ...
