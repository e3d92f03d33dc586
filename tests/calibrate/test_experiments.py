"""Which experiments a calibration makes, and their batches."""

import pytest

from quantlaxmi.calibrate.experiments import GROUPS, Experiment, batches_of, experiments_of
from quantlaxmi.calibrate.worlds.catalogue import NO_EDGE
from quantlaxmi.errors import InputError


def test_experiments_are_what_is_asked_for():
    made = experiments_of(8, ("loud", "planted-t4-40"), None)
    assert {one.key for one in made} == {
        "size/loud", "paid/loud", "search/loud", "chosen/loud", "power/planted-t4-40",
        "robust/loud/gross", "robust/loud/net", "lasting/planted-t4-40/alone",
        "lasting/planted-t4-40/gross",
    }  # fmt: skip
    assert {one.runs for one in made} == {1, 2, 8}
    assert [one.key for one in experiments_of(8, ("loud",), None, ("paid",))] == ["paid/loud"]
    everything = experiments_of(4000, None, None)
    assert {one.group for one in everything} == set(GROUPS)
    assert sum(one.group == "size" for one in everything) == len(NO_EDGE)
    for words, said in (
        ({"scenarios": ("lout",)}, "'lout', expected of coins"),
        ({"scenarios": None, "groups": ("all",)}, "'all', expected of size"),
    ):
        with pytest.raises(InputError, match=said):
            experiments_of(8, capture=None, **words)
    assert [t.first for t in batches_of([Experiment("size", "loud", "", 120)])] == [0, 50, 100]
