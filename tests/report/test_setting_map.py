"""The map of a grid: a cell a setting, over the parameters that have most values."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure

from quantlaxmi.errors import ReportError
from quantlaxmi.report import plots
from quantlaxmi.report.setting_map import map_rows


def judged(setting, settings, *, listed=True):
    """What the picture needs of a report."""
    cells = [{"values": values, "statistic": found} for values, found in settings]
    near = {"setting": setting, "statistic": 1.0, "neighbours": cells[:2], "settings": cells}
    if not listed:
        near["settings"] = None
    details = {"neighbours": near}
    result = SimpleNamespace(gate="walk_forward", details=details)
    return SimpleNamespace(
        results=(SimpleNamespace(results=(result,)),), policy={}, header={}, conversion=None
    )


def grid(*sides):
    found = [({}, 0.0)]
    for name, values in sides:
        found = [
            (has | {name: str(v)}, s * 3 + k - 1) for has, s in found for k, v in enumerate(values)
        ]
    return found


def numbers(ax):
    return [text.get_text() for text in ax.texts[:-1]]


def test_every_setting_is_a_cell_with_its_number():
    settings = grid(("a", [1, 2, 10]), ("b", [5, 6]))
    ax = plots.setting_map(judged({"a": "2", "b": "6"}, settings))
    assert numbers(ax) == ["−4", "−1", "2", "−3", "0", "3"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "2", "10"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["5", "6"]
    assert ax.texts[-1].get_text() == "statistic; framed: chosen most"


def test_of_three_parameters_the_two_with_most_values_are_shown():
    settings = grid(("a", [1, 2]), ("b", [5, 6, 7]), ("c", [1, 2, 3, 4]))
    report = judged({"a": "2", "b": "6", "c": "1"}, settings)
    ax = plots.setting_map(report)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("b", "c")
    assert len(numbers(ax)) == 12
    told = {(v["b"], v["c"]): s for v, s in settings if v["a"] == "2"}
    assert numbers(ax)[0] == f"{told['5', '1']:.3g}".replace("-", "−")
    assert ax.texts[-1].get_text().endswith("others as chosen")
    assert map_rows(report) == 4


def test_a_wide_grid_has_cells_without_numbers_and_those_near_the_chosen_one():
    settings = grid(("a", range(40)), ("b", range(30)))
    report = judged({"a": "39", "b": "12"}, settings)
    ax = plots.setting_map(report)
    assert numbers(ax) == []
    assert ax.get_xlim() == ax.get_ylim() == (-0.5, 23.5)
    assert ax.get_xticklabels()[0].get_text() == "16"
    assert map_rows(report) == 24
    shapes = [one for one in ax.patches if len(one.get_path().vertices) > 5 and one.get_fill()]
    assert sum(len(one.get_path().vertices) for one in shapes) == 5 * 24 * 24
    assert ax.texts[-1].get_text().startswith("statistic 44 to 136; framed")


def test_a_narrow_picture_writes_fewer_numbers():
    settings = grid(("a", range(6)), ("b", range(3)))
    ax = Figure(figsize=(3.5, 3)).add_subplot()
    plots.setting_map(judged({"a": "3", "b": "1"}, settings), ax=ax)
    assert numbers(ax) == []
    assert len(ax.get_xticklabels()) <= 4


def test_one_parameter_has_bars_of_every_value():
    settings = grid(("a", [9, 10, 1]))
    ax = plots.setting_map(judged({"a": "10"}, settings))
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a=1", "a=9", "a=10"]
    assert [bar.get_width() for bar in ax.patches] == [1.0, -1.0, 0.0]
    assert len(plots.setting_map(judged({"a": "3"}, grid(("a", range(99))))).patches) == 24


def test_one_setting_alone_is_one_bar():
    ax = plots.setting_map(judged({}, [({}, 2.0)]))
    assert [t.get_text() for t in ax.get_yticklabels()] == ["chosen"]


def test_a_grid_that_is_not_listed_shows_the_neighbours():
    settings = grid(("a", [1, 2]))
    ax = plots.setting_map(judged({"a": "3"}, settings, listed=False))
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a=1", "a=2", "a=3"]


@pytest.mark.parametrize(
    "settings", [[({"b": "1"}, 1.0)], [({"a": "2"}, 1.0)], [({"a": "1"}, "x")], []]
)
def test_a_map_that_does_not_fit_is_refused(settings):
    with pytest.raises(ReportError, match="walk_forward"):
        plots.setting_map(judged({"a": "1"}, settings))
