"""Features a strategy may declare: what their arguments mean, and what neutral means for each.

A feature is an incremental kernel (``_ext/feature_kernels``) that fills one slot after every market
message. ``feature_arguments`` turns the declared arguments, instrument indices, into the integers
the kernel is called with. ``NEUTRAL`` names for each feature the kernel that takes its place where
the feature is neutralised.
"""

from __future__ import annotations

from quantlaxmi._ext.feature_kernels import NAMES, NEUTRAL
from quantlaxmi.errors import StrategyError
from quantlaxmi.instruments import Instrument

__all__ = ["NAMES", "NEUTRAL", "feature_arguments"]


def feature_arguments(
    name: str, args: tuple[int, ...], instruments: tuple[Instrument, ...]
) -> tuple[int, ...]:
    """Translate the declared arguments of a feature to those of its kernel.

    Parameters
    ----------
    name : str
        ``"mid_basis"``: (perpetual mid - spot mid) / spot mid. ``num`` is
        ``(perp bid + ask) - (spot bid + ask)`` and ``den`` is ``spot bid + ask``, both in the same
        units of the base and at the finer of the two price exponents; both 0 while either book is
        not valid. ``value`` stays 0.
        Neutral: a basis of zero, ``num`` 0 and ``den`` 1 wherever the basis is valid.
    args : tuple of int
        For ``"mid_basis"``: index of the spot instrument, index of the perpetual.
    instruments : tuple of Instrument
        All instruments of the segment, in its order.

    Returns
    -------
    tuple of int
        For ``"mid_basis"``: both indices, then the powers of ten that bring the price of each to
        the common exponent.

    Raises
    ------
    StrategyError
        The feature is not known or its arguments do not fit.

    Examples
    --------
    >>> from quantlaxmi import open_segment
    >>> feature_arguments("mid_basis", (0, 1), open_segment("data/planted").instruments)
    (0, 1, 1, 1)
    """
    if name not in NAMES:
        raise StrategyError(f"feature {name!r} is not known, expected one of {', '.join(NAMES)}")
    if len(args) != 2 or not all(0 <= a < len(instruments) for a in args):
        raise StrategyError(f"feature {name!r} takes two instrument indices, was given {args}")
    spot, perp = (instruments[a].unit_price_exponent for a in args)
    fine = min(spot, perp)
    steps = (10 ** (spot - fine), 10 ** (perp - fine))
    if max(steps) >= 1 << 63:
        symbols = " and ".join(instruments[a].symbol for a in args)
        raise StrategyError(
            f"feature {name!r} of {symbols}: the prices' exponents are too far apart"
        )
    return (*args, *steps)
