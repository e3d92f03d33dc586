import numpy as np
import numpy.typing as npt

STATUS_FIELDS: tuple[str, ...]
MAX_RECORD_BYTES: int

def pack_records(
    decisions: npt.NDArray[np.void],  # DECISION_DTYPE[::1]
    legs: npt.NDArray[np.void],  # LEG_DTYPE[::1]
    rationales: npt.NDArray[np.uint8],  # uint8_t[:, ::1], 8 wide
    n_instruments: int,
    start: int,
    stop: int,
    out: npt.NDArray[np.uint8],  # uint8_t[::1], written
) -> tuple[int, int, int, int]: ...
