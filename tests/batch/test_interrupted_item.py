"""A long item that was ended goes on inside: what was counted of its draws is not drawn again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from quantlaxmi.batch import Catalog, plan
from quantlaxmi.batch.tasks import task_of
from quantlaxmi.batch.worker import do_task
from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates.checkpoint import Checkpoint
from tests.batch.catalogs import DATA

POLICY = GatePolicy(
    suites={"g2": ["net_positive", "random_sides", "time_shift", "market_null"]},
    min_trades=2,
    random_sides={"n_draws": 400},
    market_null={"n_draws": 60, "n_draws_extended": 60, "grid_search": "off"},
)


class Ended(BaseException):
    """As a signal ends a process: no worker takes it for the failure of an item."""


@pytest.fixture
def counted(monkeypatch) -> Callable[[int], list[tuple[str, int]]]:
    """Notes what is saved, and ends the item at the n-th time."""
    real = Checkpoint.save

    def noting(end: int) -> list[tuple[str, int]]:
        saved: list[tuple[str, int]] = []

        def save(self, gate, counts):
            real(self, gate, counts)
            saved.append((gate, counts.done))
            if len(saved) == end:
                raise Ended

        monkeypatch.setattr(Checkpoint, "save", save)
        return saved

    return noting


def test_what_was_counted_is_not_drawn_again_and_the_report_is_the_same(tmp_path, counted):
    made = plan([DATA / "planted"], ["basis_capture"], policy=POLICY)
    whole, halved = (Catalog.create(tmp_path / name).folder for name in ("whole", "halved"))
    all_saved = counted(0)
    expected = do_task(task_of(made.items[0], made, whole))
    assert expected.status == "done" and len(all_saved) > 2
    first = counted(len(all_saved) - 1)
    with pytest.raises(Ended):
        do_task(task_of(made.items[0], made, halved))
    kept = halved / "checkpoints" / f"{made.items[0].key}.json"
    assert kept.is_file() and first == all_saved[:-1]
    rest = counted(0)
    again = do_task(task_of(made.items[0], made, halved))
    assert rest == all_saved[-1:]
    assert (again.status, again.report) == ("done", expected.report)
    assert not kept.exists()


def test_a_checkpoint_that_is_none_is_begun_anew(tmp_path, counted):
    made = plan([DATA / "planted"], ["basis_capture"], policy=POLICY)
    folder = Catalog.create(tmp_path / "c").folder
    kept = folder / "checkpoints" / f"{made.items[0].key}.json"
    kept.write_text("{}")
    saved = counted(0)
    assert do_task(task_of(made.items[0], made, folder)).status == "done"
    assert saved and not kept.exists()
