"""Why an option has no value where one was asked for."""

from __future__ import annotations

import enum

import numpy as np
from numpy.typing import NDArray

__all__ = ["F64", "I8", "OptionStatus"]

F64 = NDArray[np.float64]
I8 = NDArray[np.int8]


class OptionStatus(enum.IntEnum):
    """Whether an option has a value, or why it has none.

    Attributes
    ----------
    OK
        It has one.
    BELOW_INTRINSIC
        The price is not above what exercise would pay: any small volatility, or none, gives it.
    ABOVE_BOUND
        The price of a call is not below the forward, that of a put not below the strike: no
        volatility gives it.
    NO_QUOTE
        There is no price.
    NO_FORWARD
        There is no forward.
    EXPIRED
        No time is left.
    """

    OK = 0
    BELOW_INTRINSIC = 1
    ABOVE_BOUND = 2
    NO_QUOTE = 3
    NO_FORWARD = 4
    EXPIRED = 5
