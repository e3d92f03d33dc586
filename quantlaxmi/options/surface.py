"""What a chain says of each expiry: forward, strike at the money, volatilities and skew."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.options.chain import OptionChain
from quantlaxmi.options.prices import Valued
from quantlaxmi.options.status import F64, I8, OptionStatus
from quantlaxmi.schema import I64

__all__ = ["Forward", "Skew", "Surface", "atm", "forward", "skew", "surface"]


class Forward(NamedTuple):
    """Forwards of a chain's expiries.

    Attributes
    ----------
    value : ndarray of float64, shape (n_expiries,)
        In the currency; 0 where there is none.
    used : ndarray of int64, shape (n_expiries,)
        Strikes that it was made of, at most five.
    status : ndarray of int8, shape (n_expiries,)
        ``OK`` or ``NO_FORWARD``.
    """

    value: F64
    used: I64
    status: I8


class Skew(NamedTuple):
    """Skews of a chain's expiries.

    Attributes
    ----------
    value : ndarray of float64, shape (n_expiries,)
        Volatility a year over moneyness; below 0 where lower strikes are dearer.
    status : ndarray of int8, shape (n_expiries,)
        `OptionStatus`; ``NO_QUOTE`` where no quoted strike lies on one side of 0.97 or of 1.03 of
        the forward.
    """

    value: F64
    status: I8


class Surface(NamedTuple):
    """What a chain says of each of its expiries, and the volatility of each quote.

    Attributes
    ----------
    forward : Forward
    atm : ndarray of int64, shape (n_expiries,)
        Row of the strike at the money, see `atm`.
    sigma_call, sigma_put : ndarray of float64, shape (n_expiries,)
        Implied volatility there.
    vega : ndarray of float64, shape (n_expiries,)
        Of the straddle, at the mean of the two volatilities.
    straddle, spread : ndarray of float64, shape (n_expiries,)
        Mid and bid-ask spread of call and put together, in the currency.
    status : ndarray of int8, shape (n_expiries,)
        Of the four above.
    skew : Skew
    call, put : Valued
        Implied volatility at the mid of every row, each of shape (n_rows,).
    """

    forward: Forward
    atm: I64
    sigma_call: F64
    sigma_put: F64
    vega: F64
    straddle: F64
    spread: F64
    status: I8
    skew: Skew
    call: Valued
    put: Valued


def forward(chain: OptionChain) -> Forward:
    """Return the forward of each expiry of a chain, by put-call parity.

    Parameters
    ----------
    chain : OptionChain

    Returns
    -------
    Forward

    Notes
    -----
    Of the strikes with all four quotes, the five whose call and put mids are closest are taken
    (or as many as there are); the lower of two that are equally close. The forward is the mean of
    ``strike + call - put``, weighted by one over the sum of both spreads; a sum of 0 counts as one
    unit of price. Far strikes with their wide quotes would move it by points.

    Examples
    --------
    >>> forward(_sample()).value.round(2).tolist()
    [24575.0]
    """
    value, used = np.empty(chain.n_expiries), np.empty(chain.n_expiries, np.int64)
    chain._kernel.forwards(value, used)
    missing = np.where(used > 0, OptionStatus.OK, OptionStatus.NO_FORWARD)
    return Forward(value, used, missing.astype(np.int8))


def atm(chain: OptionChain, forward: ArrayLike) -> I64:
    """Return the row of the listed strike nearest to the forward, the lower one of two.

    Parameters
    ----------
    chain : OptionChain
    forward : array_like of float, shape (n_expiries,)
        0 where there is none.

    Returns
    -------
    ndarray of int64, shape (n_expiries,)
        Rows of the chain; -1 without a forward.

    Raises
    ------
    InputError
        There is not one forward for each expiry.

    Examples
    --------
    >>> chain = _sample()
    >>> chain.strike[atm(chain, [24580.0])].tolist()
    [2460000]
    """
    found = np.empty(chain.n_expiries, np.int64)
    chain._kernel.nearest(_forwards(chain, forward), found)
    return found


def skew(chain: OptionChain, forward: ArrayLike) -> Skew:
    """Return ``(volatility at 1.03 F - volatility at 0.97 F) / 0.06`` of each expiry.

    Parameters
    ----------
    chain : OptionChain
    forward : array_like of float, shape (n_expiries,)
        ``F``; 0 where there is none.

    Returns
    -------
    Skew

    Raises
    ------
    InputError
        There is not one forward for each expiry.

    Notes
    -----
    Volatilities are of mids, of calls above and of puts below, linear in the strike between the
    nearest strikes on either side that have a bid and an ask.

    Examples
    --------
    >>> OptionStatus(skew(_sample(), [24575.0]).status[0]).name
    'NO_QUOTE'
    """
    value, status = np.empty(chain.n_expiries), np.empty(chain.n_expiries, np.int8)
    chain._kernel.skews(_forwards(chain, forward), value, status)
    return Skew(value, status)


def surface(chain: OptionChain) -> Surface:
    """Return forward, strike at the money, volatilities, vega and skew of every expiry.

    Parameters
    ----------
    chain : OptionChain

    Returns
    -------
    Surface

    Examples
    --------
    >>> found = surface(_sample())
    >>> round(float(found.sigma_call[0]), 3), round(float(found.straddle[0]), 2)
    (0.1, 104.5)
    """
    parity = forward(chain)
    rows = atm(chain, parity.value)
    figures, status = np.empty((5, chain.n_expiries)), np.empty(chain.n_expiries, np.int8)
    chain._kernel.at_money(parity.value, rows, figures, status)
    sigma = np.empty((2, chain.strike.size))
    found = np.empty((2, chain.strike.size), np.int8)
    chain._kernel.volatilities(parity.value, sigma, found)
    return Surface(
        parity,
        rows,
        figures[0],
        figures[1],
        figures[2],
        figures[3],
        figures[4],
        status,
        skew(chain, parity.value),
        Valued(sigma[0], found[0]),
        Valued(sigma[1], found[1]),
    )


def _forwards(chain: OptionChain, given: ArrayLike) -> F64:
    found = np.ascontiguousarray(given, np.float64)
    if found.shape != (chain.n_expiries,):
        expected = f"one for each of {counted(chain.n_expiries, 'expir[y|ies]')}"
        problem = f"shape was {found.shape}, expected {expected}"
        raise InputError("chain", problem, "forward")
    return found


def _sample() -> OptionChain:
    """A small chain for the examples: one day to expiry, forward 24575, volatility about 10 %."""
    return OptionChain(
        [86400] * 2, [24550_00, 24600_00], [63_75, 39_00], [65_75, 41_00], [38_75, 64_00],
        [40_75, 66_00],
    )  # fmt: skip
