"""Shapes, strides, dtypes and failing rows of FixedArray; its arithmetic is in test_fixed.py."""

import copy

import numpy as np
import pytest

from quantlaxmi._ext import fixed_ops
from quantlaxmi.errors import DecimalTextError, FixedPointError, FixedPointOverflow
from quantlaxmi.fixed import FixedArray, FixedPoint, Rounding

I64_MIN, I64_MAX = -(2**63), 2**63 - 1
VALUES = np.array([3, -7, I64_MAX, 0, I64_MIN, 12], dtype=np.int64)


def unaligned(values):
    buffer = np.zeros(values.nbytes + 1, np.uint8)
    out = buffer[1:].view(values.dtype)
    out[:] = values
    assert not out.flags.aligned
    return out


def read_only(values):
    out = values.copy()
    out.flags.writeable = False
    return out


FORMS = {
    "plain": lambda v: v.copy(),
    "list": lambda v: v.tolist(),
    "object": lambda v: v.astype(object),
    "read_only": read_only,
    "strided": lambda v: np.repeat(v, 3)[::3],
    "reversed": lambda v: v[::-1].copy()[::-1],
    "big_endian": lambda v: v.astype(">i8"),
    "unaligned": unaligned,
    "record_field": lambda v: np.rec.fromarrays([v, v], dtype="i1,<i8")["f1"],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_of_input_gives_the_same(form):
    given = form(VALUES)
    before = copy.deepcopy(given)
    column = FixedArray(given, -8)
    assert column.mantissa.dtype == np.int64
    assert column.mantissa.tolist() == VALUES.tolist()
    halved = column.div(FixedPoint(2, 0), -8)
    expected = [FixedPoint(int(m), -8).div(FixedPoint(2, 0), -8).mantissa for m in VALUES]
    assert halved.mantissa.tolist() == expected
    exponents = form(np.arange(6, dtype=np.int64))
    mixed = FixedArray(given, exponents)
    assert mixed.exponent.dtype == np.int8
    assert (mixed.sub(mixed) == FixedPoint(0, 0)).all()
    assert np.array_equal(given, before)


def test_input_is_viewed_and_left_writeable():
    values = VALUES.copy()
    column = FixedArray(values, 0)
    assert np.shares_memory(values, column.mantissa)
    assert values.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        column.mantissa[0] = 1
    with pytest.raises(AttributeError):
        column.mantissa = values
    with pytest.raises(AttributeError):
        del column.exponent


def test_failing_row_and_operands_are_named():
    a = FixedArray([1, 2, I64_MAX, I64_MAX], 0)
    with pytest.raises(FixedPointOverflow) as caught:
        a.add(FixedPoint(1, 0))
    assert caught.value.row == 2
    assert str(caught.value) == f"add({I64_MAX}, 1) at row 2 does not fit a 64-bit mantissa"
    with pytest.raises(FixedPointOverflow, match=r"mul\(.*, 2\) at row 2"):
        a.mul(FixedArray([2, 2, 2, 2], 0))
    with pytest.raises(FixedPointError, match=r"div\(2, 0\.0\) at row 1 divides by zero"):
        a.div(FixedArray([5, 0, 0, 1], -1), 0)
    with pytest.raises(FixedPointError, match=r"div\(1, 3\) at row 0 is not exact"):
        a.div(FixedPoint(3, 0), -2, None)
    with pytest.raises(FixedPointError, match=r"rescale\(1\) at row 0 is not exact"):
        a.rescale(1)
    with pytest.raises(FixedPointOverflow, match=r"rescale\(.*\) at row 2"):
        a.rescale(-1)
    with pytest.raises(FixedPointError, match="exponent 200 at row 1"):
        FixedArray([1, 1], [0, 100]).mul(FixedArray([1, 1], [0, 100]))
    with pytest.raises(FixedPointOverflow, match="sum"):
        a.sum()


@pytest.mark.parametrize("exponent", [-8, []])
def test_zero_rows(exponent):
    empty = FixedArray([], exponent)
    other = FixedArray(np.empty(0, np.int64), 3)
    assert len(empty) == 0
    assert not empty
    for result in (
        empty.add(other),
        empty.sub(FixedPoint(1, 0)),
        empty.mul(other),
        empty.mul(other, -2),
        empty.div(other, 0),
        empty.rescale(4),
        empty[:],
        -empty,
    ):
        assert len(result) == 0
    assert empty.compare(other).shape == (0,)
    assert empty.sum() == FixedPoint(0, 0)
    assert empty.to_f64().shape == (0,)
    assert list(empty) == empty.to_text() == []


def test_one_row_of_each_kind():
    for exponent in (-2, [-2]):
        one = FixedArray([150], exponent)
        assert one[0] == one[-1] == FixedPoint(150, -2)
        assert one.mul(one).to_text() == ["2.2500"]
        assert len(one[1:]) == 0


def test_items_slices_and_iteration():
    column = FixedArray(VALUES, np.arange(-3, 3, dtype=np.int8))
    points = [FixedPoint(int(m), e) for m, e in zip(VALUES, range(-3, 3), strict=True)]
    assert list(column) == points
    assert [column[i] for i in range(len(column))] == points
    assert list(column[::-2]) == points[::-2]
    assert list(column[[4, 1]]) == [points[4], points[1]]
    assert list(column[VALUES > 0]) == [p for p in points if p.mantissa > 0]
    assert list(FixedArray(VALUES, 1)[2:4]) == [FixedPoint(I64_MAX, 1), FixedPoint(0, 1)]
    with pytest.raises(IndexError):
        column[6]


def test_operators_with_points_on_either_side():
    column, point = FixedArray([1, 2], -1), FixedPoint(5, 0)
    assert (column + point).to_text() == (point + column).to_text() == ["5.1", "5.2"]
    assert (column * point).to_text() == (point * column).to_text() == ["0.5", "1.0"]
    assert (point - column).to_text() == ["4.9", "4.8"]
    assert (point > column).tolist() == [True, True]
    assert (point == FixedArray([50, 51], -1)).tolist() == [True, False]
    assert (FixedPoint(-1, 0) - FixedArray([I64_MIN], 0))[0].mantissa == I64_MAX


@pytest.mark.parametrize(
    "call",
    [
        lambda a: a.add(FixedArray([1, 2], 0)),
        lambda a: a.compare(FixedArray([1], 0)),
        lambda a: a.add(1),
        lambda a: a < 1.5,
        lambda a: np.arange(3) + a,
        lambda a: FixedArray(a.mantissa, [0, 0]),
        lambda a: FixedArray([[1, 2]], 0),
        lambda a: FixedArray(5, 0),
        lambda a: FixedArray(np.ones(3), 0),
        lambda a: FixedArray(np.ones(3, bool), 0),
        lambda a: FixedArray(np.array(["1"]), 0),
        lambda a: FixedArray(np.array([1], "M8[ns]"), 0),
        lambda a: FixedArray([1], [[0]]),
    ],
)
def test_wrong_shapes_and_types_are_refused(call):
    with pytest.raises((FixedPointError, TypeError)):
        call(FixedArray([1, 2, 3], 0))


def test_unknown_rounding_is_refused():
    with pytest.raises(ValueError, match="9"):
        FixedArray([1], 0).rescale(1, 9)
    with pytest.raises(ValueError, match="9"):
        FixedPoint(1, 0).rescale(1, 9)


def test_unsigned_input_is_checked():
    assert FixedArray(np.array([2**63 - 1], np.uint64), 0)[0].mantissa == I64_MAX
    with pytest.raises(FixedPointOverflow, match="row 0"):
        FixedArray(np.array([2**63], np.uint64), 0)


def test_from_text_names_the_row():
    column = FixedArray.from_text(["61837.63000000", b"0.00001"], -8)
    assert column.mantissa.tolist() == [6183763000000, 1000]
    assert FixedArray.from_text(["0.125"], -2, Rounding.HALF_EVEN)[0].mantissa == 12
    with pytest.raises(DecimalTextError, match="row 1"):
        FixedArray.from_text(["1", "1.5"], 0)


def test_copies_are_equal_and_repr_is_short():
    column = FixedArray(np.arange(1000), -2)
    for other in (copy.copy(column), copy.deepcopy(column)):
        assert (column == other).all()
    assert len(repr(column)) < 200
    with pytest.raises(TypeError):
        hash(column)


def test_kernels_refuse_arrays_of_other_lengths():
    a, e, out = np.ones(3, np.int64), np.zeros(3, np.int8), np.empty(3, np.int64)
    for kernel in (fixed_ops.add, fixed_ops.sub):
        with pytest.raises(ValueError, match="rows"):
            kernel(a, e, a[:2], e, e, out)
    for kernel in (fixed_ops.mul, fixed_ops.div):
        with pytest.raises(ValueError, match="rows"):
            kernel(a, e, a, e, e[:1], 0, out)
    with pytest.raises(ValueError, match="rows"):
        fixed_ops.compare(a, e[:1], a, e, e.copy())
    with pytest.raises(ValueError, match="rows"):
        fixed_ops.sum128(a, e[:1], 0)


def test_many_rows_match_points():
    rng = np.random.default_rng(7)
    a = FixedArray(rng.integers(-(2**62), 2**62, 500), rng.integers(-9, 3, 500, dtype=np.int8))
    b = FixedArray(rng.integers(1, 2**62, 500), rng.integers(-9, 3, 500, dtype=np.int8))
    for rounding in Rounding:
        assert [
            (x.mantissa, x.exponent) for x in a.div(b, -6, rounding)
        ] == [
            (p.mantissa, p.exponent)
            for p in (x.div(y, -6, rounding) for x, y in zip(a, b, strict=True))
        ]  # fmt: skip
