"""Errors travel between processes as they are: text, attributes and kind."""

from __future__ import annotations

import copy
import inspect
import multiprocessing
import pickle

import pytest

from quantlaxmi import errors
from quantlaxmi.fixed import FixedPoint

KINDS = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, errors.QuantlaxmiError)
}


def made(kind: type[errors.QuantlaxmiError]) -> errors.QuantlaxmiError:
    """One error of a kind, with every argument its constructor takes."""
    if issubclass(kind, errors.FixedPointOverflow):
        return kind("mul", (FixedPoint(2**62, -8), 3), 7)
    if issubclass(kind, errors.DecimalTextError):
        return kind("1.2.3", "has two points")
    if issubclass(kind, errors.InputError):
        return kind("file.csv", "was 'x', expected a number", "line 3")
    return kind("was 1, expected 2")


@pytest.mark.parametrize("name", sorted(KINDS))
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_pickle(name: str, protocol: int) -> None:
    error = made(KINDS[name])
    for back in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error)):
        assert type(back) is type(error)
        assert str(back) == str(error)
        assert (back.args, back.__dict__) == (error.args, error.__dict__)


def _fails(number: int) -> int:
    raise errors.SegmentCorrupt(
        "columns/quotes.arrow", "was changed, expected its digest", "byte 9"
    )


def test_errors_reach_the_parent_of_a_process_pool() -> None:
    with (
        multiprocessing.get_context("spawn").Pool(1) as pool,
        pytest.raises(
            errors.SegmentCorrupt, match=r"^columns/quotes.arrow \(byte 9\): was changed"
        ),
    ):
        pool.map(_fails, [1])
