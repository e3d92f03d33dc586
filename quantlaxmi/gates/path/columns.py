"""The market as the sweeps read it: small integer columns, bundles as sums of them, proven bounds.

Numba's integers wrap, so that everything a sweep multiplies or adds in 64 bits is bounded here
first, in Python integers. To make the integers small, mids are taken relative to the first row
(the quantities of a trip sum to zero, so this changes nothing) and divided by their greatest common
divisor; so are quantities. Both legs of a pair with matched quantities are one *shape*. Where there
are fewer shapes than instruments, the columns are the values of the shapes: one read for each row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quantlaxmi.gates.context import DecisionPoints
from quantlaxmi.gates.path.bounds import LIMIT, BoundError, check_squares
from quantlaxmi.instruments import Bundle
from quantlaxmi.schema import I64

__all__ = [
    "LIMIT",
    "BoundError",
    "BundleColumns",
    "attribution_units",
    "build_columns",
    "check_squares",
]


def attribution_units(points: DecisionPoints) -> tuple[int, ...]:
    """Attribution units in one (quantity mantissa times mid2), for each instrument.

    The mid is half of mid2, and the attribution scale is one finer than the ledger's: a mid2 of 1
    is 5 units of it, times the ledger units of one price times quantity.
    """
    return tuple(5 * scale for scale in points.scales)


@dataclass(frozen=True, slots=True)
class BundleColumns:
    """Values of bundles as sums over columns, relative to the first row.

    Attributes
    ----------
    values : ndarray of int64, shape (n_rows, n_columns)
    term_first : ndarray of int64, shape (n_bundles + 1,)
    term_column, term_coefficient : ndarray of int64, shape (n_terms,)
    scale : int
        Attribution units in one unit of a bundle's value.
    largest : tuple of int
        For each bundle, no value of it exceeds this in magnitude.
    """

    values: I64
    term_first: I64
    term_column: I64
    term_coefficient: I64
    scale: int
    largest: tuple[int, ...]

    @property
    def arrays(self) -> tuple[I64, I64, I64, I64]:
        """Columns and terms, in the order of the kernels' ``Bundles``."""
        return self.values, self.term_first, self.term_column, self.term_coefficient

    def at(self, bundles: I64, rows: I64) -> I64:
        """Value of each of some bundles at a row of its own.

        Parameters
        ----------
        bundles, rows : ndarray of int64, shape (n,)
        """
        first = self.term_first[bundles]
        counts = self.term_first[bundles + 1] - first
        ends = np.cumsum(counts)
        terms = np.repeat(first - (ends - counts), counts) + np.arange(counts.sum())
        prices = self.values[np.repeat(rows, counts), self.term_column[terms]]
        sums = np.append(0, np.cumsum(self.term_coefficient[terms] * prices))
        # Running sums may wrap; differences of them are exact, since every value fits.
        values: I64 = sums[ends] - sums[ends - counts]
        return values


def _peak(column: I64) -> int:
    return max(abs(int(column.max())), abs(int(column.min()))) if column.size else 0


def _common(column: I64) -> int:
    """Greatest common divisor of a column; 1 for a constant one."""
    return int(np.gcd.reduce(column)) or 1


def _shape(bundle: Bundle) -> tuple[Bundle, int]:
    """A bundle as a primitive shape with a positive first quantity, times a multiplier."""
    divisor = math.gcd(*(q for _, q in bundle))
    if bundle[0][1] < 0:
        divisor = -divisor
    return tuple((i, q // divisor) for i, q in bundle), divisor


def _shape_column(shape: Bundle, moves: dict[int, I64], weights: dict[int, int]) -> I64 | None:
    """Values of a shape, or None where a sum could leave 64 bits."""
    bound = sum(abs(q) * weights[i] * _peak(moves[i]) for i, q in shape)
    if bound >= LIMIT or any(abs(q) * weights[i] >= LIMIT for i, q in shape):
        return None
    total = np.zeros(len(next(iter(moves.values()))), np.int64)
    for i, q in shape:
        total += moves[i] * np.int64(q * weights[i])
    return total


def _shape_columns(
    wanted: set[Bundle], moves: dict[int, I64], weights: dict[int, int]
) -> dict[Bundle, I64] | None:
    """A column for each shape, or None where the instruments' own columns do better."""
    if len(wanted) > len(moves):
        return None
    shapes: dict[Bundle, I64] = {}
    for shape in wanted:
        column = _shape_column(shape, moves, weights)
        if column is None:
            return None
        shapes[shape] = column
    return shapes


def build_columns(points: DecisionPoints, bundles: Sequence[Bundle]) -> BundleColumns:
    """Columns in which every bundle of `bundles` is a short sum.

    Parameters
    ----------
    points : DecisionPoints
        With at least one row.
    bundles : sequence of tuple of (int, int)
        (instrument, signed quantity); none empty.

    Returns
    -------
    BundleColumns

    Raises
    ------
    BoundError
        When prices or quantities are so wide that 64 bits cannot hold a bundle's value.
    """
    used = sorted({i for bundle in bundles for i, _ in bundle})
    units = attribution_units(points)
    moves: dict[int, I64] = {}
    steps: dict[int, int] = {}
    for i in used:
        # mid2 of positive int64 prices lies within 0..2**63 - 1, so the difference fits.
        move = points.mid2[i] - points.mid2[i][0]
        divisor = _common(move)
        moves[i], steps[i] = move // divisor, divisor * units[i]
    common = math.gcd(*steps.values()) or 1
    weights = {i: step // common for i, step in steps.items()}
    columns: list[I64] = []
    places: list[list[tuple[int, int]]] = []
    shapes = _shape_columns({_shape(b)[0] for b in bundles}, moves, weights)
    if shapes is not None:
        index = {shape: k for k, shape in enumerate(sorted(shapes))}
        divisors = {}
        for shape in index:
            divisors[shape] = _common(shapes[shape])
            columns.append(shapes[shape] // divisors[shape])
        for bundle in bundles:
            shape, multiplier = _shape(bundle)
            places.append([(index[shape], multiplier * divisors[shape])])
    else:
        column_of = {i: k for k, i in enumerate(used)}
        columns = [moves[i] for i in used]
        places = [[(column_of[i], q * weights[i]) for i, q in bundle] for bundle in bundles]
    return _assemble(columns, places, common)


def _assemble(
    columns: list[I64], places: list[list[tuple[int, int]]], common: int
) -> BundleColumns:
    quantities = math.gcd(*(c for terms in places for _, c in terms)) or 1
    peaks = [_peak(c) for c in columns]
    first, column_of, coefficients, largest = [0], [], [], []
    for terms in places:
        bound = 0
        for column, coefficient in terms:
            column_of.append(column)
            coefficients.append(coefficient // quantities)
            bound += abs(coefficient // quantities) * max(peaks[column], 1)
        if bound >= LIMIT:
            raise BoundError(f"A bundle's value can reach {bound}, the limit is 2^62.")
        first.append(len(column_of))
        largest.append(bound)
    return BundleColumns(
        values=np.ascontiguousarray(np.column_stack(columns)),
        term_first=np.array(first, np.int64),
        term_column=np.array(column_of, np.int64),
        term_coefficient=np.array(coefficients, np.int64),
        scale=common * quantities,
        largest=tuple(largest),
    )
