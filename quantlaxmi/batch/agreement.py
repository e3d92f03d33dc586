"""Whether what a catalog says of an item in three places is one thing.

The journal plans it, its file has the inputs that make its key, and the gate report was made of a
segment and a strategy. Each has hashes of its own that fit, whoever made them.
"""

from __future__ import annotations

from pathlib import Path

from quantlaxmi.batch.figures import figures_of
from quantlaxmi.batch.plan import ENGINE_VERSION
from quantlaxmi.batch.records import Finished, Planned
from quantlaxmi.batch.report_files import ItemReport
from quantlaxmi.errors import CatalogError

__all__ = ["check_agreement"]


def check_agreement(folder: Path, planned: Planned, finished: Finished, item: ItemReport) -> None:
    """Refuse an item whose line, inputs and report do not agree.

    Parameters
    ----------
    folder : Path
        The catalog's.
    planned, finished
        What the journal says.
    item : ItemReport
        What its file says.

    Raises
    ------
    CatalogError
    """
    key = planned.key
    if item.figures != finished.figures:
        raise CatalogError(folder, "has a row with other figures than its report", key)
    for name, told, expected in _told_twice(planned, item):
        if told != expected:
            problem = (
                f"has {name} {str(told)[:80]!r} in one place, {str(expected)[:80]!r} in another"
            )
            raise CatalogError(folder, problem, key)
    # Another version may have made its figures by other rules.
    if planned.engine_version == ENGINE_VERSION and figures_of(item.report) != item.figures:
        raise CatalogError(folder, "has figures that do not follow from their report", key)


def _told_twice(planned: Planned, item: ItemReport) -> list[tuple[str, object, object]]:
    """Name, value and other value of what is told in two places."""
    inputs, report = item.inputs, item.report
    header = report.header
    found: list[tuple[str, object, object]] = [
        ("segment digest", planned.segment_digest, inputs.get("segment")),
        ("strategy", planned.strategy_id, inputs.get("strategy")),
        ("code digest", planned.code_digest, inputs.get("code")),
        ("run hash", planned.run_hash, inputs.get("run")),
        ("policy hash", planned.policy_hash, inputs.get("policy")),
        ("gates", planned.gates.split(","), inputs.get("gates")),
        (
            "engine version",
            planned.engine_version,
            f"{inputs.get('version')}/{inputs.get('semantics')}",
        ),
        ("segment id", planned.segment_id, report.segment_id[:256]),
        ("segment digest", planned.segment_digest, header["segment_digest"]),
        ("strategy", planned.strategy_id, report.strategy_id),
        ("policy hash", planned.policy_hash, report.policy_hash),
        ("gates", sorted(planned.gates.split(",")), sorted(report.suites)),
    ]
    if planned.grid_hash:
        found.append(("grid hash", planned.grid_hash, report.grid_hash))
    configs = inputs.get("configs")
    if not isinstance(configs, list) or header["config_hash"] not in configs:
        found.append(("setting", header["config_hash"], configs))
    return found
