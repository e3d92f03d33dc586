"""Labels have room beside axes that stand in a grid."""

from __future__ import annotations

import pytest

from quantlaxmi.run.drawing import drawing_settings, new_figure
from quantlaxmi.run.margins import fit_margins


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 1), (4, 2), (7, 1)])
@pytest.mark.parametrize("scale", [1, 1e6])
def test_labels_are_within_the_figure_and_apart(rows, columns, scale):
    with drawing_settings():
        figure = new_figure(340 * columns, 200 * rows, None)
        for k in range(rows * columns):
            ax = figure.add_subplot(rows, columns, k + 1)
            ax.plot([0, 1], [0, (k + 1) * scale])
            ax.set_xlabel("below")
            ax.set_ylabel("beside")
        fit_margins(figure)
        boxes = [ax.get_tightbbox(figure.canvas.get_renderer()) for ax in figure.get_axes()]
    for k, box in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0
        assert box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height
        assert not any(box.overlaps(other) for other in boxes[:k])
        # Most of the figure is left to the axes.
        assert box.width * box.height > 0.7 * 340 * 200


def test_a_figure_without_room_or_axes_is_left():
    with drawing_settings():
        fit_margins(new_figure(100, 100, None))
        figure = new_figure(30, 20, None)
        figure.add_subplot().set_ylabel("a label longer than the figure")
        fit_margins(figure)
