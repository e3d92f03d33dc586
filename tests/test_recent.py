"""What is kept of the same objects: by identity, few, and nothing of a failure."""

from __future__ import annotations

import gc
import weakref

import pytest

from quantlaxmi.recent import Recent


class Thing:
    """Equal to every other."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def test_an_equal_object_is_another_one():
    kept, one, two = Recent[str](most=4), Thing(), Thing()
    assert kept.get((one,), (), lambda: "one") == "one"
    assert kept.get((two,), (), lambda: "two") == "two"
    assert kept.get((one,), (), lambda: "again") == "one"


def test_values_beside_the_objects_must_be_equal():
    kept, one = Recent[int](most=4), Thing()
    assert [kept.get((one,), (value,), lambda value=value: value) for value in (1, 2, 1)] == [
        1,
        2,
        1,
    ]
    inside = {"a": 1}
    assert kept.get((inside,), (dict(inside),), lambda: 10) == 10
    inside["a"] = 2
    assert kept.get((inside,), (dict(inside),), lambda: 20) == 20


def test_the_oldest_goes_and_nothing_holds_it_any_more():
    kept, things = Recent[int](most=3), [Thing() for _ in range(5)]
    watched = weakref.ref(things[0])
    for number, thing in enumerate(things):
        kept.get((thing,), (), lambda number=number: number)
    assert len(kept) == 3
    assert kept.get((things[0],), (), lambda: -1) == -1
    for thing in things[1:4]:
        kept.get((thing,), (), lambda: -2)
    del things, thing
    gc.collect()
    assert watched() is None


def test_an_error_is_not_kept():
    kept, one = Recent[int](most=3), Thing()
    with pytest.raises(ZeroDivisionError):
        kept.get((one,), (), lambda: 1 // 0)
    assert kept.get((one,), (), lambda: 1) == 1
