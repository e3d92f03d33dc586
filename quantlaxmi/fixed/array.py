"""Arrays of fixed-point numbers: shapes and checks here, arithmetic in ``_ext/fixed_ops``."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from quantlaxmi._ext import decimal_text, fixed_ops
from quantlaxmi.errors import FixedPointError, FixedPointOverflow
from quantlaxmi.fixed.int128 import int128_to_int
from quantlaxmi.fixed.point import I64_MAX, I64_MIN, FixedPoint, Rounding, integer, refuse

_I64: TypeAlias = npt.NDArray[np.int64]
_I8: TypeAlias = npt.NDArray[np.int8]
#: Code of the kernels for "no rounding asked: a rest is an error".
_EXACT: Final = -1
#: Doubles hold integers up to here and powers of ten up to this exponent without rounding.
_F64_INTEGER: Final = 1 << 53
_F64_POWER: Final = 22


class FixedArray:
    """A frozen column of exact decimals, ``mantissa[i] * 10**exponent[i]``.

    Parameters
    ----------
    mantissa : array_like of int, shape (n_rows,)
        An aligned native int64 array is kept as a read-only view, strided or not; anything else
        is converted. Floats are refused.
    exponent : int or array_like of int8, shape (n_rows,)
        One exponent for all rows, or one for each.

    Attributes
    ----------
    mantissa : ndarray of int64, shape (n_rows,)
        Read-only.
    exponent : ndarray of int8, shape (1,) or (n_rows,)
        Read-only; one entry where it is the same for all rows.

    Raises
    ------
    FixedPointOverflow
        A mantissa does not fit int64.
    FixedPointError
        An exponent does not fit int8, a shape or dtype is wrong.

    Notes
    -----
    The other operand of an operation is a FixedArray of as many rows, or a FixedPoint that stands
    for every row. Comparison operators give arrays of bool.

    Examples
    --------
    >>> prices = FixedArray([10050, 10075], -2)
    >>> prices.add(FixedPoint(1, 0)).to_text()
    ['101.50', '101.75']
    """

    __slots__ = ("exponent", "mantissa")
    __hash__ = None  # type: ignore[assignment]  # == is elementwise
    __array_ufunc__ = None  # leave mixed operators with ndarrays to this class

    mantissa: _I64
    exponent: _I8

    def __init__(self, mantissa: npt.ArrayLike, exponent: int | npt.ArrayLike) -> None:
        rows = _column("mantissa", mantissa, np.int64)
        uniform = np.ndim(exponent) == 0
        if uniform:
            exponent = [integer("exponent", exponent)]
        powers = _column("exponent", exponent, np.int8)
        if not uniform and len(powers) != len(rows):
            raise FixedPointError(f"{len(rows)} mantissas and {len(powers)} exponents")
        object.__setattr__(self, "mantissa", rows)
        object.__setattr__(self, "exponent", powers)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"FixedArray is frozen; {name!r} was assigned")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"FixedArray is frozen; {name!r} was deleted")

    def __reduce__(self) -> tuple[Any, ...]:
        return FixedArray, (self.mantissa, _kept(self.exponent))

    @classmethod
    def from_text(
        cls,
        texts: Sequence[str | bytes],
        exponent: int,
        rounding: Rounding | None = None,
    ) -> FixedArray:
        """Read decimal texts exactly; as `FixedPoint.from_text`, errors name the row."""
        return cls(decimal_text.parse_decimals(texts, exponent, rounding), exponent)

    def to_text(self) -> list[str]:
        """Positional decimal text of each row."""
        return [value.to_text() for value in self]

    def to_f64(self) -> npt.NDArray[np.float64]:
        """Nearest doubles, shape (n_rows,), for display only."""
        power = np.abs(self.exponent.astype(np.int64))
        scale = np.array([float(10**k) for k in range(_F64_POWER + 1)])[
            np.minimum(power, _F64_POWER)
        ]
        wide = self.mantissa.astype(np.float64)
        out: npt.NDArray[np.float64] = np.where(self.exponent < 0, wide / scale, wide * scale)
        # One operation on exact operands rounds once; the other rows are done in integers.
        size = np.where(self.mantissa == I64_MIN, I64_MAX, np.abs(self.mantissa))
        for row in np.flatnonzero((size > _F64_INTEGER) | (power > _F64_POWER)).tolist():
            out[row] = self[row].to_f64()
        return out

    def add(self, other: FixedArray | FixedPoint) -> FixedArray:
        """Exact sum, each row at the finer exponent; FixedPointOverflow where it does not fit."""
        return self._aligned("add", fixed_ops.add, other)

    def sub(self, other: FixedArray | FixedPoint) -> FixedArray:
        """Exact difference, each row at the finer exponent; errors as `add`."""
        return self._aligned("sub", fixed_ops.sub, other)

    def mul(
        self,
        other: FixedArray | FixedPoint,
        exponent: int | None = None,
        rounding: Rounding | None = Rounding.HALF_EVEN,
    ) -> FixedArray:
        """Product, exact at the sum of the exponents unless ``exponent`` is given.

        Parameters
        ----------
        other : FixedArray, shape (n_rows,), or FixedPoint
        exponent : int, optional
            Exponent to round the exact 128-bit products to.
        rounding : Rounding or None
            None refuses a product that is not exact at ``exponent``.

        Raises
        ------
        FixedPointOverflow
            A mantissa does not fit int64; names operands and row.
        FixedPointError
            An exponent does not fit int8, or a product is not exact and no rounding was asked.
        """
        if exponent is not None:
            return self._rounded("mul", fixed_ops.mul, other, exponent, rounding)
        b = _operand("mul", self, other)
        powers = self.exponent.astype(np.int64) + b.exponent
        if powers.size and not -128 <= powers.min() <= powers.max() <= 127:
            row = int(np.argmax((powers < -128) | (powers > 127)))
            where = "" if len(powers) == 1 else f" at row {row}"
            raise FixedPointError(f"mul: exponent {powers[row]}{where} is outside -128..127")
        return self._run("mul", fixed_ops.mul, b, other, powers.astype(np.int8), _EXACT)

    def div(
        self,
        other: FixedArray | FixedPoint,
        exponent: int,
        rounding: Rounding | None = Rounding.HALF_EVEN,
    ) -> FixedArray:
        """Quotient rounded to ``exponent``; parameters and errors as `mul`, and zero divisors."""
        return self._rounded("div", fixed_ops.div, other, exponent, rounding)

    def rescale(self, exponent: int, rounding: Rounding | None = None) -> FixedArray:
        """The same values at another exponent; parameters and errors as `mul`."""
        return self._rounded("rescale", fixed_ops.mul, FixedPoint(1, 0), exponent, rounding)

    def compare(self, other: object) -> npt.NDArray[np.int8]:
        """Sign of ``self - other`` by value in each row, shape (n_rows,): -1, 0 or 1."""
        b, n = _operand("compare", self, other), len(self)
        out = np.empty(n, np.int8)
        fixed_ops.compare(
            self.mantissa, _rows(self.exponent, n), _rows(b.mantissa, n), _rows(b.exponent, n), out
        )
        return out

    def sum(self) -> FixedPoint:
        """Exact sum at the finest exponent; 0 of an empty array.

        Raises
        ------
        FixedPointOverflow
            The sum does not fit int64, or a partial one 128 bits (which names the row).
        """
        finest = int(self.exponent.min()) if self.exponent.size else 0
        status, row, hi, lo = fixed_ops.sum128(
            self.mantissa, _rows(self.exponent, len(self)), finest
        )
        if status != fixed_ops.OK:
            raise FixedPointOverflow("sum", (self,), row)
        total = int128_to_int(hi, lo)
        if not I64_MIN <= total <= I64_MAX:
            raise FixedPointOverflow("sum", (self,))
        return FixedPoint(total, finest)

    def _aligned(
        self, operation: str, kernel: Callable[..., tuple[int, int]], other: object
    ) -> FixedArray:
        b = _operand(operation, self, other)
        powers = np.minimum(self.exponent, b.exponent)
        return self._run(operation, kernel, b, other, powers)

    def _rounded(
        self,
        operation: str,
        kernel: Callable[..., tuple[int, int]],
        other: object,
        exponent: int,
        rounding: Rounding | None,
    ) -> FixedArray:
        b = _operand(operation, self, other)
        powers = _column("exponent", [integer("exponent", exponent)], np.int8)
        code = _EXACT if rounding is None else int(Rounding(rounding))
        return self._run(operation, kernel, b, other, powers, code)

    def _run(
        self,
        operation: str,
        kernel: Callable[..., tuple[int, int]],
        b: FixedArray,
        other: object,
        powers: _I8,
        *rounding: int,
    ) -> FixedArray:
        n = len(self)
        out = np.empty(n, np.int64)
        status, row = kernel(
            self.mantissa,
            _rows(self.exponent, n),
            _rows(b.mantissa, n),
            _rows(b.exponent, n),
            _rows(powers, n),
            *rounding,
            out,
        )
        if status != fixed_ops.OK:
            operands: tuple[object, ...] = (self[row],)
            if operation != "rescale":
                operands += (other if isinstance(other, FixedPoint) else b[row],)
            refuse(operation, operands, status, row)
        return FixedArray(out, _kept(powers))

    def __len__(self) -> int:
        return len(self.mantissa)

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> FixedPoint: ...
    @overload
    def __getitem__(self, key: slice | npt.NDArray[Any] | Sequence[int]) -> FixedArray: ...
    def __getitem__(self, key: Any) -> FixedPoint | FixedArray:
        if isinstance(key, slice | np.ndarray | list):
            exponent = _kept(self.exponent)
            return FixedArray(
                self.mantissa[key], exponent if isinstance(exponent, int) else exponent[key]
            )
        row = operator.index(key)
        return FixedPoint(int(self.mantissa[row]), int(_rows(self.exponent, len(self))[row]))

    def __iter__(self) -> Iterator[FixedPoint]:
        powers = _rows(self.exponent, len(self)).tolist()
        return map(FixedPoint, self.mantissa.tolist(), powers)

    def __repr__(self) -> str:
        exponent = _kept(self.exponent)
        return f"FixedArray({np.array2string(self.mantissa, threshold=6)}, exponent={exponent})"

    def __add__(self, other: FixedArray | FixedPoint) -> FixedArray:
        return self.add(other)

    def __sub__(self, other: FixedArray | FixedPoint) -> FixedArray:
        return self.sub(other)

    def __mul__(self, other: FixedArray | FixedPoint) -> FixedArray:
        return self.mul(other)

    def __radd__(self, other: FixedPoint) -> FixedArray:
        return self.add(other)

    def __rsub__(self, other: FixedPoint) -> FixedArray:
        return FixedArray(np.full(len(self), other.mantissa), other.exponent).sub(self)

    def __rmul__(self, other: FixedPoint) -> FixedArray:
        return self.mul(other)

    def __neg__(self) -> FixedArray:
        return FixedArray(np.zeros(len(self), np.int64), _kept(self.exponent)).sub(self)

    def __eq__(self, other: object) -> npt.NDArray[np.bool_]:  # type: ignore[override]
        return np.equal(self.compare(other), 0)

    def __ne__(self, other: object) -> npt.NDArray[np.bool_]:  # type: ignore[override]
        return np.not_equal(self.compare(other), 0)

    def __lt__(self, other: FixedArray | FixedPoint) -> npt.NDArray[np.bool_]:
        return np.less(self.compare(other), 0)

    def __le__(self, other: FixedArray | FixedPoint) -> npt.NDArray[np.bool_]:
        return np.less_equal(self.compare(other), 0)

    def __gt__(self, other: FixedArray | FixedPoint) -> npt.NDArray[np.bool_]:
        return np.greater(self.compare(other), 0)

    def __ge__(self, other: FixedArray | FixedPoint) -> npt.NDArray[np.bool_]:
        return np.greater_equal(self.compare(other), 0)


def _column(name: str, values: npt.ArrayLike, dtype: type[np.signedinteger[Any]]) -> Any:
    """A read-only one-dimensional column of ``dtype``; every value checked, none cast away."""
    rows = np.asarray(values)
    if rows.dtype.kind not in "iu" and not isinstance(values, np.ndarray):
        rows = np.asarray(values, dtype=object)  # NumPy makes floats of mixed large integers
    if rows.ndim != 1:
        raise FixedPointError(f"{name} has shape {rows.shape}; one dimension was expected")
    if rows.dtype.kind == "O":
        rows = np.array([integer(name, value) for value in rows.tolist()] or [0], dtype=object)[
            : len(rows)
        ]
    elif rows.dtype.kind not in "iu":
        raise FixedPointError(f"{name} has dtype {rows.dtype}; integers were expected")
    limits = np.iinfo(dtype)
    if not np.can_cast(rows.dtype, dtype):
        bad = np.flatnonzero((rows < limits.min) | (rows > limits.max))
        if bad.size:
            row = int(bad[0])
            if name == "mantissa":
                raise FixedPointOverflow("FixedArray", (rows[row],), row)
            raise FixedPointError(
                f"{name} {rows[row]} at row {row} is outside {limits.min}..{limits.max}"
            )
    # Kernels want native byte order and alignment; the view keeps the caller's array writeable.
    column = np.require(rows.astype(dtype, copy=False), requirements="A").view()
    column.flags.writeable = False
    return column


def _rows(column: Any, n_rows: int) -> Any:
    """``column`` for every row: a stride of 0 repeats a single entry."""
    return column if len(column) == n_rows else np.broadcast_to(column, (n_rows,))


def _kept(powers: _I8) -> int | _I8:
    return int(powers[0]) if len(powers) == 1 else powers


def _operand(operation: str, a: FixedArray, b: object) -> FixedArray:
    """The other operand with len(a) rows, or with one that stands for all of them."""
    if isinstance(b, FixedPoint):
        return FixedArray([b.mantissa], b.exponent)
    if not isinstance(b, FixedArray):
        raise FixedPointError(
            f"{operation}: FixedArray or FixedPoint was expected, was {type(b).__name__}"
        )
    if len(a) != len(b):
        raise FixedPointError(f"{operation}: arrays of {len(a)} and {len(b)} rows")
    return b
