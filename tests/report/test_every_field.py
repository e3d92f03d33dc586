"""An edited field of a report is named, whatever it is, also where the hashes were made anew."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quantlaxmi import backtest, open_segment, run_gates, verify_report
from quantlaxmi.canonical import canonical_digest
from quantlaxmi.errors import QuantlaxmiError
from quantlaxmi.execution.latency import LatencyModel
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import gate_report, verify
from quantlaxmi.segment import messages_before
from quantlaxmi.strategies.basis_capture import BasisCapture, BasisCaptureConfig
from tests.depth import DEEP

PLANTED = Path(__file__).resolve().parents[2] / "data" / "planted"
POLICY = GatePolicy(
    market_null={"n_draws": 39, "n_draws_extended": 39},
    random_sides={"n_draws": 99},
    random_entry={"n_sims": 99, "n_neutral_pairs": 2},
    label_permutation={"n_perms": 99},
    ablation={"n_bootstrap": 99},
    extend_factor=1,
)
#: The clock is covered by the file's hash alone; the hashes follow from the rest.
FREE = {"timestamp", "report_hash", "file_hash"}
#: Of the many values in results, trials and settings one in so many is edited; a night takes all.
STEP = 1 if DEEP else 29


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A report with both suites, a grid, trials and a window."""
    folder = tmp_path_factory.mktemp("every")
    (folder / "ledger").mkdir()
    segment = open_segment(PLANTED)
    rows = messages_before(segment, segment.last_ts_ns)
    backtest(rows, BasisCapture(BasisCaptureConfig(threshold_bps=7)), trials=folder / "ledger")
    grid = [BasisCaptureConfig(threshold_bps=k) for k in (4, 5)]
    report = run_gates(
        rows,
        BasisCapture(),
        gates="g2,g3",
        policy=POLICY,
        grid=grid,
        trials=folder / "ledger",
        latency=LatencyModel(),
    )
    report.save(folder / "report.json")
    assert report.window and report.trials and report.grid
    return folder / "report.json"


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value that holds no others, with the way to it."""
    if isinstance(value, dict | list) and value:
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from leaves(part, (*place, key))
    else:
        yield place, value


def edited(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value + 1.5
    if isinstance(value, str):
        return value[:-1] + ("1" if value[-1:] != "1" else "2")
    return ["x"] if isinstance(value, list) else {"x": 1} if isinstance(value, dict) else 1


def write(path: Path, plain: dict[str, Any]) -> None:
    """The file with both hashes made anew, as a forger would."""
    plain = {k: v for k, v in plain.items() if k != "file_hash"}
    covered = {k: v for k, v in plain.items() if k not in FREE}
    plain["report_hash"] = canonical_digest("quantlaxmi.gate-report.v2", covered).hex()
    whole = {**plain, "file_hash": gate_report._file_hash(plain)}
    path.write_bytes(gate_report._text(whole))


def text_of(place: tuple[Any, ...]) -> str:
    """A place as differences name it."""
    parts = (f"[{one}]" if isinstance(one, int) else f".{one}" for one in place)
    return "".join(parts).removeprefix(".")


@pytest.mark.skipif(not DEEP, reason="each field once in test_schema.py; all: make test-deep")
def test_every_edited_field_is_named(made, tmp_path: Path, monkeypatch) -> None:
    path = made
    plain = json.loads(path.read_text())
    check = verify_report(path, PLANTED)
    assert check.matches
    # The recomputed report is the same whatever was edited; it is made once.
    recomputed = check.recomputed
    monkeypatch.setattr(verify, "run_once", lambda *args: None)
    monkeypatch.setattr(verify, "report_of", lambda *args, **options: recomputed)
    forged, count, unnamed = tmp_path / "forged.json", 0, []
    for number, (place, value) in enumerate(leaves(plain)):
        if place[0] in FREE or (place[0] in ("suites", "trials", "grid") and number % STEP):
            continue
        changed = copy.deepcopy(plain)
        inner: Any = changed
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = edited(value)
        write(forged, changed)
        count += 1
        try:
            check = verify_report(forged, PLANTED)
        except QuantlaxmiError as error:
            # Refused before anything is computed: by the field, or by what follows from it.
            if not names(str(error), place):
                unnamed.append((text_of(place), str(error)))
            continue
        found = [one.field for one in check.differences]
        if check.matches or not found or not all(one.startswith(text_of(place)) for one in found):
            unnamed.append((text_of(place), found))
    assert unnamed == []
    assert count > 150


def names(problem: str, place: tuple[Any, ...]) -> bool:
    """Whether an error names a part of the way to the field."""
    return any(one in problem for one in place if type(one) is str)
