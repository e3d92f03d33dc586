import numpy as np
import numpy.typing as npt
from typing_extensions import Buffer

def split_cells(
    text: Buffer,  # uint8_t[::1]
    first: int,
    stop: int,
    delimiter: int,
    longest: int,
    slot_of: npt.NDArray[np.int64],  # int64_t[::1]
    starts: npt.NDArray[np.int64],  # out: int64_t[:, ::1]
    ends: npt.NDArray[np.int64],  # out: int64_t[:, ::1]
    lines: npt.NDArray[np.int64],  # out: int64_t[:, ::1]
    plain: npt.NDArray[np.uint8],  # out: uint8_t[::1]
) -> tuple[int, int]: ...
def decimal_cells(
    text: Buffer,  # uint8_t[::1]
    starts: npt.NDArray[np.int64],  # int64_t[::1]
    ends: npt.NDArray[np.int64],  # int64_t[::1]
    exponent: int,
    rounding: int,
    out: npt.NDArray[np.int64],  # out: int64_t[::1]
    good: npt.NDArray[np.uint8],  # in and out: uint8_t[::1]
    rounded: npt.NDArray[np.uint8],  # in and out: uint8_t[::1]
) -> None: ...
def equal_cells(
    text: Buffer,  # uint8_t[::1]
    starts: npt.NDArray[np.int64],  # int64_t[::1]
    ends: npt.NDArray[np.int64],  # int64_t[::1]
    wanted: Buffer,  # uint8_t[::1]
    good: npt.NDArray[np.uint8],  # in and out: uint8_t[::1]
) -> None: ...
def stamp_cells(
    text: Buffer,  # uint8_t[::1]
    starts: npt.NDArray[np.int64],  # int64_t[::1]
    ends: npt.NDArray[np.int64],  # int64_t[::1]
    out: npt.NDArray[np.int64],  # out: int64_t[::1]
    zoned: npt.NDArray[np.uint8],  # out: uint8_t[::1]
    good: npt.NDArray[np.uint8],  # in and out: uint8_t[::1]
) -> None: ...
