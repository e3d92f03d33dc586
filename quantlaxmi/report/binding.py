"""Reports bound to their segments in a chain, and what a chain proves of a report and a segment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.bindings import Binding, append_binding, read_bindings
from quantlaxmi.errors import InputError, shown
from quantlaxmi.files import SEGMENT_MANIFEST, check_apart, one_line_errors
from quantlaxmi.report.gate_report import GateReport
from quantlaxmi.segment import MemorySegment, SegmentParts, Window
from quantlaxmi.segment.manifest import BINDINGS_NAME

if TYPE_CHECKING:
    from quantlaxmi.segment import MarketData

__all__ = ["KIND", "bind_report", "binding_faults", "chain_in", "manifest_hashes"]

#: What a line of the chain is, of a report.
KIND = "gate-report"


def chain_in(folder: str | Path) -> Path:
    """The chain of a folder, where it is or would begin.

    Raises
    ------
    InputError
        The folder is none, or lies inside a segment or among a catalog's files: a segment's own
        folder may hold a chain, the folders within it hold nothing but its files.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    pathlib.Path

    Examples
    --------
    >>> chain_in(".").name
    'bindings.jsonl'
    """
    folder = Path(folder)
    with one_line_errors(folder, "cannot be read", InputError):
        if not folder.is_dir():
            raise InputError(folder, "is no folder; expected one that exists")
    place = folder / BINDINGS_NAME
    check_apart(folder if (folder / SEGMENT_MANIFEST).exists() else place)
    return place


def manifest_hashes(segment: MarketData) -> list[str]:
    """Hash of the manifest of every folder that the data come from; empty for rows in memory."""
    source: Any = segment
    while isinstance(source, Window):
        source = source.source
    if isinstance(source, MemorySegment):
        return []
    parts = source.parts if isinstance(source, SegmentParts) else [source]
    return [part.manifest.manifest_sha256 for part in parts]


def _record(report: GateReport, segment: MarketData) -> dict[str, Any]:
    """What is bound; the same report and segment give the same."""
    return {
        "kind": KIND,
        "run_id": report.run_id,
        "segment_digest": segment.digest,
        "manifest_sha256": manifest_hashes(segment),
        "strategy_id": report.strategy_id,
        "verdict": report.verdict,
        "g2_passed": report.g2_passed,
        "g3_passed": report.g3_passed,
        "policy": report.policy_text,
        "policy_hash": report.policy_hash,
        "report_hash": report.report_hash,
        "file_hash": report.file_hash,
        "timestamp": report.timestamp,
    }


def bind_report(report: GateReport, segment: MarketData, folder: str | Path) -> Path:
    """Bind a report to its segment in an append-only, hash-chained ``bindings.jsonl``.

    Parameters
    ----------
    report : GateReport
    segment : MarketData
        The data it was made from.
    folder : str or Path
        Where the chain is or begins; the segment's own folder may be named.

    Returns
    -------
    pathlib.Path
        The chain the binding went to.

    Raises
    ------
    InputError
        When the report was made from other data, the chain was broken before, or it cannot be
        written.

    Examples
    --------
    >>> import quantlaxmi as ql
    >>> from pathlib import Path
    >>> from quantlaxmi.report import bind_report, binding_faults
    >>> Path("chain").mkdir()
    >>> policy = ql.GatePolicy(suites={"g2": ("net_positive",)})
    >>> report = ql.run_gates("data/edgeless", "basis_capture", policy=policy)
    >>> chain = bind_report(report, ql.open_segment("data/edgeless"), "chain")
    >>> lines, faults = binding_faults(chain, report=report)
    >>> len(lines), faults
    (1, [])
    """
    made_from = report.header.get("segment_digest")
    if made_from != segment.digest:
        raise InputError(
            "report", f"was made from data of digest {made_from}, the segment has {segment.digest}"
        )
    chain = chain_in(folder)
    append_binding(chain, _record(report, segment))
    return chain


def binding_faults(
    chain: Path,
    *,
    report: GateReport | None = None,
    segment: MarketData | None = None,
    last: str | None = None,
) -> tuple[Sequence[Binding], list[str]]:
    """Check a chain, and what it says of a report and of a segment.

    Parameters
    ----------
    chain : Path
    report : GateReport, optional
        A line must bind it, with its verdict, policy and hashes.
    segment : MarketData, optional
        A line must name its digest, and every line that does must name its manifest.
    last : str, optional
        A hash that was kept: a line must have it, else lines were removed from the end.

    Returns
    -------
    tuple of Binding
    list of str
        What does not hold, a sentence each; empty where all does.

    Raises
    ------
    InputError
        There is no chain, or it is broken.

    Examples
    --------
    >>> from pathlib import Path
    >>> binding_faults(Path("missing.jsonl"))
    Traceback (most recent call last):
    ...
    quantlaxmi.errors.InputError: ...
    """
    if not os.path.lexists(chain):
        raise InputError(chain, "is not there; run-gates --bind makes it")
    lines = read_bindings(chain)
    faults = [] if lines else ["the chain has no line"]
    if last is not None and last not in {line.hash for line in lines}:
        faults.append(f"no line has the hash {last}: lines were removed, or it is another chain")
    found = [line for line in lines if line.record.get("kind") == KIND]
    if report is not None:
        found = [line for line in found if line.record.get("report_hash") == report.report_hash]
        if not found:
            faults.append(f"no line binds the report {report.report_hash}")
        for line in found:
            faults += _report_faults(line, report)
    if segment is not None and (found or report is None):
        named = [line for line in found if line.record.get("segment_digest") == segment.digest]
        if not named:
            faults.append(f"no line names the segment digest {segment.digest}")
        manifests = manifest_hashes(segment)
        faults += [
            f"line {line.index + 1}: manifest_sha256 was "
            f"{shown(line.record.get('manifest_sha256'))}, the segment has {shown(manifests)}"
            for line in named
            if line.record.get("manifest_sha256") != manifests
        ]
    return lines, faults


def _report_faults(line: Binding, report: GateReport) -> list[str]:
    expected = {
        "segment_digest": report.header.get("segment_digest"),
        "run_id": report.run_id,
        "strategy_id": report.strategy_id,
        "verdict": report.verdict,
        "g2_passed": report.g2_passed,
        "g3_passed": report.g3_passed,
        "policy": report.policy_text,
        "policy_hash": report.policy_hash,
    }
    return [
        f"line {line.index + 1}: {name} was {shown(line.record.get(name))}, the report has "
        f"{shown(value)}"
        for name, value in expected.items()
        if line.record.get(name) != value
    ]
