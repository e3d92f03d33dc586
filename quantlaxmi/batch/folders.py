"""The segments of a sweep: folders, and patterns that match some."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quantlaxmi.errors import ConfigError, SegmentError, shown
from quantlaxmi.files import SEGMENT_MANIFEST
from quantlaxmi.given import many
from quantlaxmi.segment import Segment, open_segment

__all__ = ["AnySegments", "Found", "open_folder", "segment_folders"]

AnySegments = Path | str | Segment | Sequence[Path | str | Segment]


@dataclass(frozen=True, slots=True)
class Found:
    """A folder, and the segment in it or why there is none.

    Attributes
    ----------
    path : Path
    segment : Segment or None
    problem : str
    """

    path: Path
    segment: Segment | None
    problem: str = ""

    @property
    def rows(self) -> int:
        """Rows of the segment; 0 where there is none."""
        return 0 if self.segment is None else self.segment.n_rows


def open_folder(path: Path) -> Found:
    """Open a segment by its manifest alone; its bytes are verified by who reads them."""
    try:
        return Found(path, open_segment(path, verify="manifest"))
    except SegmentError as error:
        return Found(path, None, " ".join(str(error).split()))


def segment_folders(segments: AnySegments) -> list[Path]:
    """Return the folders of segments that names, patterns or segments stand for, each once.

    Raises
    ------
    ConfigError
        There is none, or something given is neither.
    """
    found: dict[str, Path] = {}
    given = many(segments)
    if not given:
        raise ConfigError("--segments", "names no segment, expected folders or patterns")
    for one in given:
        named = one.path if isinstance(one, Segment) else one
        if not isinstance(named, str | Path):
            problem = f"was {shown(named)}, expected a folder, a pattern or a segment of a folder"
            raise ConfigError("--segments", problem)
        pattern = os.fspath(named)
        if "\0" in pattern:
            raise ConfigError("--segments", f"was {pattern!r}, expected a folder or a pattern")
        names = sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]  # noqa: PTH207
        here = [Path(one) for one in names if os.path.lexists(Path(one, SEGMENT_MANIFEST))]
        if not here:
            raise ConfigError("--segments", f"was {pattern!r}, which matches no segment")
        found |= {os.path.realpath(one): one for one in here}
    return list(found.values())
