"""A format is one function; writing, checking and sealing happen in one place for all of them."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import quantlaxmi
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.importers import FORMATS, ImportResult, import_capture
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import (
    ImportedFile,
    ImportOptions,
    Inputs,
    Source,
    Tables,
    input_paths,
)
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import InstrumentKind, Side
from quantlaxmi.segment import verify_segment
from quantlaxmi.segment.manifest import Gap

COIN = Instrument(
    symbol="COIN", venue="toy", venue_symbol="COIN", kind=InstrumentKind.SPOT,
    price_exponent=0, qty_exponent=0, currency="USD", base="COIN",
)  # fmt: skip
#: A trade id and a price a line, a second apart.
TEXT = "1 100\n2 101\n3 nonsense\n4 103\n7 106\n"
IMPORTERS = Path(quantlaxmi.__file__).parent / "importers"


def open_toy(inputs: Inputs, options: ImportOptions) -> Source:
    """Trades of one instrument: the whole of a format."""
    files = [
        ImportedFile(path=path, log=QuarantineLog(path, "trades", options.strict), symbol="COIN")
        for path in input_paths(inputs, "toy")
    ]

    def tables(folder: Path) -> Generator[Tables, None, None]:
        n, last = 0, 0
        for file in files:
            data = file.path.read_bytes()
            file.raw_bytes = file.text_bytes = len(data)
            file.sha256 = hashlib.sha256(data).hexdigest()
            for line, text in enumerate(data.decode().splitlines(), 1):
                file.lines = line
                number, _, price = text.partition(" ")
                if not price.isdigit():
                    file.log.add(line, "bad-decimal", price, text)
                    continue
                if last and int(number) != last + 1:
                    file.trade_gaps += 1
                    reason = f"trade after {last} is missing, the next is {number}"
                    source.gaps.append(
                        Gap(table="trades", symbol="COIN", start_ns=n, end_ns=n + 1,
                            after_seq=n - 1, reason=reason)
                    )  # fmt: skip
                yield {"trades": trade(n, int(number), int(price))}
                n, last = n + 1, int(number)
                file.message_lines += 1
            file.messages_by_kind = {"trades": file.message_lines}
            options.report_progress(file.raw_bytes, file.raw_bytes)

    source = Source(
        venue="toy", cadence="events", instruments=[COIN], tables=tables, files=files,
        notes=["Made for a test."],
    )  # fmt: skip
    return source


def trade(seq: int, number: int, price: int) -> dict[str, np.ndarray]:
    values = {
        "seq": seq, "ts_ns": 10**18 + seq, "instrument": 0, "exch_ts_ns": 0, "trade_id": number,
        "price": price, "qty": 1, "side": int(Side.BUY),
    }  # fmt: skip
    return {name: np.array([value], np.int64) for name, value in values.items()}


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "toy", open_toy)


def import_toy(tmp_path: Path, text: str = TEXT, **options: object) -> ImportResult:
    path = tmp_path / "trades.txt"
    path.write_text(text)
    options = {"max_quarantine": Fraction(1, 4)} | options
    return import_capture("toy", inputs=[path], out=tmp_path / "seg", **options)


def test_a_format_of_one_function_goes_the_whole_road(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    result = import_toy(tmp_path, progress=lambda done, total: calls.append((done, total)))
    verify_segment(result.segment.path)
    assert result.segment.columns("trades")["price"].tolist() == [100, 101, 103, 106]
    assert result.messages_by_kind == {"quotes": 0, "trades": 4, "depth": 0, "funding": 0}
    assert (result.lines, result.message_lines, result.quarantined) == (5, 4, 1)
    assert result.quarantine_reasons == {"bad-decimal": 1}
    assert [c.trade_gaps for c in result.captures] == [2]
    manifest = result.segment.manifest
    assert (manifest.venue, manifest.cadence) == ("toy", "events")
    assert [gap.reason for gap in manifest.gaps] == [
        "trade after 2 is missing, the next is 4",
        "trade after 4 is missing, the next is 7",
    ]
    assert "Made for a test." in manifest.notes
    assert manifest.sources[0].sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    text = (tmp_path / "seg/quarantine.jsonl").read_text()
    kept = [json.loads(line) for line in text.splitlines()]
    assert [(k["line"], k["reason"], k["excerpt"]) for k in kept] == [
        (3, "bad-decimal", "3 nonsense")
    ]
    assert calls == [(len(TEXT), len(TEXT))]


def test_the_command_line_imports_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trades.txt"
    path.write_text(TEXT)
    words = ["import", "--format", "toy", "--out", str(tmp_path / "seg")]
    assert main_crypto([*words, "--spot", str(path)]) == 2
    assert "--spot: is not for toy; expected --input PATH" in capsys.readouterr().err
    words += ["--input", str(path)]
    assert main_crypto(words) == 2
    assert "1 of 5 lines is faulty (20.00 %)" in capsys.readouterr().err
    assert main_crypto([*words, "--strict", "--max-quarantine", "1"]) == 2
    assert "a strict import takes no faulty line" in capsys.readouterr().err
    assert not (tmp_path / "seg").exists()
    assert main_crypto([*words, "--max-quarantine", "0.25", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["messages_by_kind"]["trades"] == 4


def test_what_the_pipeline_refuses_for_every_format(tmp_path: Path) -> None:
    path, copy = tmp_path / "trades.txt", tmp_path / "copy.txt"
    copy.write_text(TEXT)
    with pytest.raises(InputError, match=r"20\.00 %"):
        import_toy(tmp_path, max_quarantine=Fraction(0))
    with pytest.raises(InputError, match=r"copy\.txt: has the same content as .*trades\.txt"):
        import_capture("toy", inputs=[path, copy], out=tmp_path / "seg", max_quarantine=1)
    for options, match in (
        ({"max_quarantine": 2}, "--max-quarantine: was 2; expected a share from 0 to 1"),
        ({"reorder_window_ns": -1}, "reorder window: was -1 ns; expected 0 to a day"),
    ):
        with pytest.raises(InputError, match=match):
            import_toy(tmp_path, **options)
    with pytest.raises(TypeError, match="colour"):
        import_toy(tmp_path, colour="red")
    assert not (tmp_path / "seg").exists()
    (tmp_path / "seg").mkdir()
    with pytest.raises(InputError, match="exists already"):
        import_toy(tmp_path)


def test_a_lost_line_withholds_the_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(inputs: Inputs, options: ImportOptions) -> Source:
        source = open_toy(inputs, options)
        whole = source.tables

        def tables(folder: Path) -> Generator[Tables, None, None]:
            yield from whole(folder)
            source.files[0].message_lines -= 1

        source.tables = tables
        return source

    monkeypatch.setitem(FORMATS, "toy", forgetful)
    with pytest.raises(EngineError, match="do not add up to 5 lines"):
        import_toy(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "trades.txt"]


def test_a_source_is_closed_when_an_import_ends_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    def guarded(inputs: Inputs, options: ImportOptions) -> Source:
        source = open_toy(inputs, options)
        whole = source.tables

        def tables(folder: Path) -> Generator[Tables, None, None]:
            try:
                yield from whole(folder)
            finally:
                closed.append(folder.exists())

        source.tables = tables
        return source

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(FORMATS, "toy", guarded)
    monkeypatch.setattr("quantlaxmi.segment.SegmentWriter.append", interrupt)
    with pytest.raises(KeyboardInterrupt):
        import_toy(tmp_path)
    assert closed == [True]
    assert list(tmp_path.iterdir()) == [tmp_path / "trades.txt"]


def test_one_place_writes_checks_and_seals() -> None:
    """It was written three times, with the checks in three orders."""
    asked = ("SegmentWriter", "staged_directory", "quarantine_bytes", "seal", "ImportResult")
    found: dict[str, set[str]] = {name: set() for name in asked}
    for path in IMPORTERS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in found:
                    found[name].add(path.relative_to(IMPORTERS).as_posix())
    writers = {"pipeline.py", "synthetic.py", "synthetic_session.py"}  # the last two read nothing
    assert found.pop("SegmentWriter") == writers
    assert found.pop("seal") == writers
    assert set(map(frozenset, found.values())) == {frozenset({"pipeline.py"})}


def test_every_format_has_its_file_at_the_top() -> None:
    for name, open_source in FORMATS.items():
        if name != "toy":
            assert open_source.__name__ == "open_source"
            assert (IMPORTERS / f"{open_source.__module__.rpartition('.')[2]}.py").exists()
