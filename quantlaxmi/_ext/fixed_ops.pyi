import numpy as np
import numpy.typing as npt

OK: int
OVERFLOW: int
INEXACT: int
ZERO_DIVISOR: int

_I64 = npt.NDArray[np.int64]
_I8 = npt.NDArray[np.int8]

def add(a: _I64, ea: _I8, b: _I64, eb: _I8, et: _I8, out: _I64) -> tuple[int, int]: ...
def sub(a: _I64, ea: _I8, b: _I64, eb: _I8, et: _I8, out: _I64) -> tuple[int, int]: ...
def mul(
    a: _I64, ea: _I8, b: _I64, eb: _I8, et: _I8, rounding: int, out: _I64
) -> tuple[int, int]: ...
def div(
    a: _I64, ea: _I8, b: _I64, eb: _I8, et: _I8, rounding: int, out: _I64
) -> tuple[int, int]: ...
def compare(a: _I64, ea: _I8, b: _I64, eb: _I8, out: _I8) -> None: ...
def sum128(a: _I64, ea: _I8, exponent: int) -> tuple[int, int, int, int]: ...
