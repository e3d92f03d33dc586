"""Sweep kernel of random entry over option sessions: bundles at random rows of their days.

A day's bundles keep their order. With ``W(j, r)`` ways for bundle j and those after it, j at row r
or later, one word of the draw picks a number below ``W(j, at)``, and the row is the last one with
more ways than that: so every placement without overlap has the same probability, to within the 52
bits of the word. Money is read from tables whose sums the caller proves to fit int64; sums of
squares are 128-bit. Draw ``t`` writes slot ``t`` alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from quantlaxmi._jit.compiler import inline, kernel
from quantlaxmi._jit.rng import STILL, words
from quantlaxmi._jit.wide import add_signed, add_square
from quantlaxmi.schema import I64, U64

__all__ = ["Places", "placed"]

#: A word's upper 52 bits are a number below 1 times this.
_UNIT = 2.0**-52


class Places(NamedTuple):
    """Bundles of a run by the rows at which they can begin; `quantlaxmi.gates.path.bundle_places`.

    Attributes
    ----------
    day_trip : ndarray of int64, shape (n_days + 1,)
    first : ndarray of int64, shape (k + 1,)
    begin, occupied : ndarray of int64, shape (k,)
    ways : ndarray of float64, shape (n_entries + k,)
    gross, cost, mirror : ndarray of int64, shape (n_entries,)
    scale : int
        Units of net in one of gross.
    by_day : bool
        Whether squares are of days' sums; else they are of bundles.
    """

    day_trip: I64
    first: I64
    begin: I64
    occupied: I64
    ways: npt.NDArray[np.float64]
    gross: I64
    cost: I64
    mirror: I64
    scale: int
    by_day: bool


@inline
def _start(ways: npt.NDArray[np.float64], base: int, at: int, n: int, word: np.uint64) -> int:
    """Row at or after `at` that a word picks, of n rows whose ways begin at `base`."""
    u = np.float64(word >> np.uint64(12)) * _UNIT * ways[base + at]
    low, high = at, n
    while high - low > 1:  # ways at low are more than u, at high not
        middle = (low + high) >> 1
        if ways[base + middle] > u:
            low = middle
        else:
            high = middle
    return low


@kernel
def placed(
    key: np.uint64,
    first: int,  # number of the first draw, or STILL
    places: Places,
    members: int,  # 2: sides are drawn too, and the mirror of each draw follows it
    out: U64,  # OUT (n_draws, members, 10) gross S, Q, net S, Q and costs as (high, low)
) -> None:
    """Sums of the bundles at random rows, draw by draw."""
    k = places.begin.shape[0]
    random = np.empty(2 * k, np.uint64)
    starts = np.empty(k, np.int64)
    for t in range(out.shape[0]):
        starts[:] = places.begin
        if first != STILL:
            words(key, first + t, random)
            for d in range(places.day_trip.shape[0] - 1):
                at = 0
                for j in range(places.day_trip[d], places.day_trip[d + 1]):
                    n = places.first[j + 1] - places.first[j]
                    starts[j] = _start(places.ways, places.first[j] + j, at, n, random[j])
                    at = starts[j] + places.occupied[j]
        for member in range(members):
            s_hi = s_lo = q_hi = q_lo = c_hi = c_lo = np.uint64(0)
            ns_hi = ns_lo = nq_hi = nq_lo = np.uint64(0)
            for d in range(places.day_trip.shape[0] - 1):
                gross = 0
                net = 0
                last = places.day_trip[d + 1] - 1
                for j in range(places.day_trip[d], last + 1):
                    entry = places.first[j] + starts[j]
                    gain, cost = places.gross[entry], places.cost[entry]
                    if members == 2 and (random[k + j] >> np.uint64(63)) != np.uint64(member):
                        gain, cost = -gain, places.mirror[entry]
                    gross += gain
                    net += places.scale * gain - cost
                    c_hi, c_lo = add_signed(c_hi, c_lo, cost)
                    if j == last or not places.by_day:
                        s_hi, s_lo = add_signed(s_hi, s_lo, gross)
                        q_hi, q_lo = add_square(q_hi, q_lo, gross)
                        ns_hi, ns_lo = add_signed(ns_hi, ns_lo, net)
                        nq_hi, nq_lo = add_square(nq_hi, nq_lo, net)
                        gross = 0
                        net = 0
            row = out[t, member]
            row[0], row[1], row[2], row[3] = s_hi, s_lo, q_hi, q_lo
            row[4], row[5], row[6], row[7] = ns_hi, ns_lo, nq_hi, nq_lo
            row[8], row[9] = c_hi, c_lo
