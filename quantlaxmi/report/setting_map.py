"""The statistic of every setting of a grid, as a map over two of its values or as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from quantlaxmi.errors import ReportError
from quantlaxmi.report.found import Judged, drawn_from, number, result_of, rows
from quantlaxmi.report.maps import cells, frame, headed
from quantlaxmi.run.drawing import BLUE, RED, axes_of, is_narrow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["map_rows", "setting_map"]

#: Settings that a report lists at most.
_LISTED: Final = 2_500
#: A side of the map, and bars: of more values those nearest to the chosen one.
_MOST: Final = 24
#: Columns that leave room for numbers, and values that are written at a side.
_NUMBERS, _LABELS = {False: 12, True: 5}, {False: 8, True: 4}
#: Opacity of the cells of the largest amounts, and how many steps lead to it.
_DARKEST, _STEPS = 0.6, 6

Cell = tuple[dict[str, str], float]


def setting_map(report: Judged, ax: Axes | None = None) -> Axes:
    """Draw the statistic of every setting that walk-forward searched.

    Parameters
    ----------
    report : GateReport
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Over two parameters a map, the setting chosen most framed; over more those two that have
        most values, the others as chosen. Over one, a bar a setting. Of more than 24 values a side
        has those nearest to the chosen one. A grid of more than 2,500 settings has the chosen
        setting and those next to it alone.

    Raises
    ------
    ReportError
        Walk-forward did not run, or chose nothing.
    """
    own, found = _found(report)
    names = _sides(own, found)
    if len(names) < 2:
        return _bars(_nearest_bars(own, found), own, ax)
    found = _slice(names, own, found)
    x, y = (_side(name, own, found) for name in names)
    table: list[list[float | None]] = [[None] * len(x) for _ in y]
    for values, statistic in found:
        if values[names[0]] in x and values[names[1]] in y:
            table[y.index(values[names[1]])][x.index(values[names[0]])] = statistic
    with axes_of(ax, 720, 90 + 40 * len(y)) as ax:
        narrow = is_narrow(ax)
        said = "statistic"
        if len(x) <= _NUMBERS[narrow]:
            cells(ax, table)
        else:
            low, high = _mosaic(ax, table)
            said = f"{'' if narrow else 'statistic '}{low:.3g} to {high:.3g}".replace("-", "−")
        frame(ax, (x.index(own[names[0]]), y.index(own[names[1]])), "solid")
        for k, (axis, side) in enumerate(zip((ax.set_xticks, ax.set_yticks), (x, y), strict=True)):
            step = 1 if k else -(-len(side) // _LABELS[narrow])
            places = range(0, len(side), step)
            axis(places, [side[at][:10] for at in places])
            (ax.set_xlabel, ax.set_ylabel)[k](names[k][:30])
        others = "" if len(own) == 2 or narrow else "; others as chosen"
        return headed(ax, f"{said}; framed: chosen most{others}")


def map_rows(report: Judged) -> int:
    """Rows of cells, or bars, that the picture has."""
    own, found = _found(report)
    names = _sides(own, found)
    if len(names) < 2:
        return len(_nearest_bars(own, found))
    return len(_side(names[1], own, _slice(names, own, found)))


def _found(report: Judged) -> tuple[dict[str, str], list[Cell]]:
    """The setting chosen most, and every setting with its statistic."""
    result = result_of(report, "walk_forward")
    if not result.details.get("neighbours"):
        raise ReportError("report", "has no neighbours of a setting", "walk_forward")
    with drawn_from("walk_forward"):
        told: Any = result.details["neighbours"]
        own = {str(k): str(v) for k, v in told["setting"].items()}
        listed = told.get("settings")
        if listed is None:
            chosen = {"values": own, "statistic": told["statistic"]}
            listed = [chosen, *rows(told["neighbours"])]
        found = []
        for one in rows(listed, _LISTED):
            values = {str(k): str(v) for k, v in one["values"].items()}
            if set(values) != set(own):
                raise ValueError("the settings have other parameters")
            found.append((values, number(one["statistic"])))
        if own not in [values for values, _ in found]:
            raise ValueError("the chosen setting is none of them")
    return own, found


def _sides(own: dict[str, str], found: Sequence[Cell]) -> list[str]:
    """The two parameters with most values, in alphabetical order; fewer where there are fewer."""
    counts = {name: len({values[name] for values, _ in found}) for name in own}
    return sorted(sorted(own, key=lambda name: (-counts[name], name))[:2])


def _slice(names: list[str], own: dict[str, str], found: Sequence[Cell]) -> list[Cell]:
    """Settings in which all but two parameters are as chosen."""
    held = [name for name in own if name not in names]
    return [one for one in found if all(one[0][name] == own[name] for name in held)]


def _side(name: str, own: dict[str, str], found: Sequence[Cell]) -> list[str]:
    """Values of a parameter in their order, those nearest to the chosen one."""
    return _near(sorted({values[name] for values, _ in found}, key=_order), own[name])


def _near(ordered: list[str], chosen: str) -> list[str]:
    first = max(0, min(ordered.index(chosen) - _MOST // 2, len(ordered) - _MOST))
    return ordered[first : first + _MOST]


def _nearest_bars(own: dict[str, str], found: Sequence[Cell]) -> list[Cell]:
    if not own:
        return list(found[:1])
    [name] = own
    near = _near(sorted((values[name] for values, _ in found), key=_order), own[name])
    return sorted((c for c in found if c[0][name] in near), key=lambda c: _order(c[0][name]))


def _mosaic(ax: Axes, table: Sequence[Sequence[float | None]]) -> tuple[float, float]:
    """Cells without numbers, those of one colour as one shape; the least and the largest value."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    known = [value for row in table for value in row if value is not None]
    largest = max(map(abs, known), default=0.0) or 1.0
    shades: dict[tuple[bool, int], list[Path]] = {}
    for k, row in enumerate(table):
        for j, value in enumerate(row):
            if value is not None:
                step = min(_STEPS, 1 + int(abs(value) / largest * _STEPS))
                box = Path.unit_rectangle().transformed(_moved(j - 0.5, k - 0.5))
                shades.setdefault((value < 0, step), []).append(box)
    for (loss, step), boxes in sorted(shades.items()):
        shape = Path.make_compound_path(*boxes)
        colour, depth = (RED if loss else BLUE), _DARKEST * step / _STEPS
        ax.add_patch(PathPatch(shape, facecolor=colour, alpha=depth, linewidth=0))
        if loss:
            lines = PathPatch(
                shape, fill=False, linewidth=0, alpha=0.35, edgecolor=colour, hatch="/"
            )
            ax.add_patch(lines)
    ax.set_xlim(-0.5, max(map(len, table)) - 0.5)
    ax.set_ylim(-0.5, len(table) - 0.5)
    return min(known, default=0.0), max(known, default=0.0)


def _moved(x: float, y: float) -> Any:
    from matplotlib.transforms import Affine2D

    return Affine2D().translate(x, y)


def _bars(found: Sequence[Cell], own: dict[str, str], ax: Axes | None) -> Axes:
    with axes_of(ax, 720, 80 + 28 * len(found)) as ax:
        for k, (values, statistic) in enumerate(found):
            chosen = values == own
            ax.barh(k, statistic, 0.62, color=BLUE if chosen else "none", edgecolor=BLUE)
        texts = [" ".join(f"{n}={v}" for n, v in values.items()) or "chosen" for values, _ in found]
        most = 18 if is_narrow(ax) else 40
        ax.set_yticks(
            range(len(found)), [t if len(t) <= most else t[: most - 1] + "…" for t in texts]
        )
        ax.set_ylim(len(found) - 0.4, -0.6)
        ax.set_xlabel("statistic; filled: chosen most")
        return ax


def _order(text: str) -> tuple[int, float, str]:
    try:
        return 0, number(text), text
    except ValueError:
        return 1, 0.0, text
