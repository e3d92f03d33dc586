"""Prices, greeks and implied volatilities of arrays of options, by Black's formula of 1976."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlaxmi._ext import black76 as kernel
from quantlaxmi.errors import InputError, shown
from quantlaxmi.options.status import F64, I8

__all__ = ["Greeks", "Valued", "black76", "greeks", "implied_vol"]

_Columns = tuple[F64, F64, F64, F64]


class Valued(NamedTuple):
    """Values of options, and why some have none.

    Attributes
    ----------
    value : ndarray of float64
        Prices in the unit of the forward, or volatilities a year (0.1 is 10 %); 0 where the status
        is not ``OK``.
    status : ndarray of int8
        `OptionStatus` of each.
    """

    value: F64
    status: I8


class Greeks(NamedTuple):
    """Derivatives of undiscounted prices; 0 where the status is not ``OK``.

    Attributes
    ----------
    delta : ndarray of float64
        By the forward.
    gamma : ndarray of float64
        By the forward, twice.
    vega : ndarray of float64
        By the volatility: a rise from 0.10 to 0.11 adds about ``0.01 * vega``.
    theta : ndarray of float64
        By time as it passes, a year of it, the forward unchanged.
    status : ndarray of int8
        `OptionStatus` of each.
    """

    delta: F64
    gamma: F64
    vega: F64
    theta: F64
    status: I8


def black76(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, sigma: ArrayLike, call: ArrayLike
) -> Valued:
    """Return undiscounted prices of European options on a forward.

    Parameters
    ----------
    forward, strike : array_like of float
        In one currency unit; the strike from 1e-100 to 1e100. A forward outside of these bounds,
        or not a number, is none: ``NO_FORWARD``.
    years : array_like of float
        Time left; ``EXPIRED`` where it is not above 0.
    sigma : array_like of float
        Volatility a year, from 0 to 1000.
    call : array_like of bool
        False for a put.

    Returns
    -------
    Valued
        Of the shape that all five broadcast to.

    Raises
    ------
    InputError
        A strike, a time or a volatility is out of bounds, or the shapes do not fit each other.

    Notes
    -----
    Relative error below 1e-13 for prices above 1e-10 of the forward, and 1e-12 down to 1e-99.

    References
    ----------
    Black, F. (1976), The pricing of commodity contracts, J. Financial Economics 3, 167-179.
    Jaeckel, P. (2015), Let's be rational, Wilmott 75, 40-53.

    Examples
    --------
    >>> found = black76(24575, [24550, 24600], 1 / 365, 0.10, True)
    >>> [round(float(price), 6) for price in found.value], found.status.tolist()
    ([64.757, 39.808227], [0, 0])
    """
    names = ("forward", "strike", "years", "sigma")
    shape, columns, calls = _columns(names, (forward, strike, years, sigma), call)
    value, status = np.empty(calls.size), np.empty(calls.size, np.int8)
    _check(kernel.price(*columns, calls, value, status), names, columns)
    return Valued(value.reshape(shape), status.reshape(shape))


def greeks(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, sigma: ArrayLike, call: ArrayLike
) -> Greeks:
    """Return delta, gamma, vega and theta of European options on a forward, undiscounted.

    Parameters
    ----------
    forward, strike, years, sigma, call : array_like
        As of `black76`.

    Returns
    -------
    Greeks

    Raises
    ------
    InputError
        As `black76` does.

    Notes
    -----
    At a volatility of 0 the delta is a step, one half at the strike, where gamma has no value: it
    is 0 there as elsewhere.

    Examples
    --------
    >>> found = greeks(24575, 24600, 1 / 365, 0.10, [True, False])
    >>> found.delta.round(4).tolist(), found.vega.round(2).tolist()
    ([0.424, -0.576], [503.83, 503.83])
    """
    names = ("forward", "strike", "years", "sigma")
    shape, columns, calls = _columns(names, (forward, strike, years, sigma), call)
    values, status = np.empty((4, calls.size)), np.empty(calls.size, np.int8)
    _check(kernel.greeks(*columns, calls, values, status), names, columns)
    delta, gamma, vega, theta = (one.reshape(shape) for one in values)
    return Greeks(delta, gamma, vega, theta, status.reshape(shape))


def implied_vol(
    price: ArrayLike, forward: ArrayLike, strike: ArrayLike, years: ArrayLike, call: ArrayLike
) -> Valued:
    """Return the volatilities at which options are worth their prices.

    Parameters
    ----------
    price : array_like of float
        Undiscounted. ``NO_QUOTE`` where it is not above 0 or not a number.
    forward, strike, years, call : array_like
        As of `black76`.

    Returns
    -------
    Valued
        Volatilities a year.

    Raises
    ------
    InputError
        As `black76` does.

    Notes
    -----
    Solved on the side that is out of the money: of a price in the money the intrinsic value is
    taken first, and what rounding made of the rest decides how exact its volatility can be.

    References
    ----------
    Jaeckel, P. (2015), Let's be rational, Wilmott 75, 40-53.

    Examples
    --------
    >>> from quantlaxmi.options import OptionStatus
    >>> found = implied_vol([39.808227, 0, 24.0], 24575, [24600, 24600, 24550], 1 / 365, True)
    >>> found.value.round(6).tolist(), [OptionStatus(code).name for code in found.status]
    ([0.1, 0.0, 0.0], ['OK', 'NO_QUOTE', 'BELOW_INTRINSIC'])
    """
    names = ("price", "forward", "strike", "years")
    shape, columns, calls = _columns(names, (price, forward, strike, years), call)
    value, status = np.empty(calls.size), np.empty(calls.size, np.int8)
    _check(kernel.implied(*columns, calls, value, status), names, columns)
    return Valued(value.reshape(shape), status.reshape(shape))


def _columns(
    names: tuple[str, ...], given: tuple[ArrayLike, ...], call: ArrayLike
) -> tuple[tuple[int, ...], _Columns, I8]:
    """Arguments as contiguous columns of one length, and the shape that they had together."""
    arrays: list[NDArray[Any]] = []
    for name, value in zip((*names, "call"), (*given, call), strict=True):
        wanted = "true or false" if name == "call" else "numbers"
        try:
            array = np.asarray(value)
            right = array.dtype.kind in ("b" if name == "call" else "iuf")
        except ValueError:
            right = False
        if not right:
            raise InputError("options", f"was {shown(value)}, expected {wanted}", name)
        arrays.append(array.astype(np.int8 if name == "call" else np.float64, copy=False))
    try:
        fitted = np.broadcast_arrays(*arrays)
    except ValueError:
        shapes = ", ".join(str(one.shape) for one in arrays)
        raise InputError("options", f"shapes were {shapes}, expected ones that fit") from None
    shape = fitted[0].shape
    a, b, c, d, calls = (np.ascontiguousarray(one).reshape(-1) for one in fitted)
    return shape, (a, b, c, d), calls


def _check(bad: int, names: tuple[str, ...], columns: _Columns) -> None:
    """Name the value that a kernel could not take."""
    if bad < 0:
        return
    bounds = {"strike": (1e-100, 1e100), "years": (-1e3, 1e3), "sigma": (0.0, 1e3)}
    for name, column in zip(names, columns, strict=True):
        if name in bounds and not bounds[name][0] <= column[bad] <= bounds[name][1]:
            low, high = bounds[name]
            problem = f"was {float(column[bad])!r}, expected from {low:g} to {high:g}"
            raise InputError("options", problem, f"{name}, row {bad}")
