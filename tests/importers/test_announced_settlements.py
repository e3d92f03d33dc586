"""A settlement of which no announcement can be read is a gap, in each format that has them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.importers import ImportResult, import_bars, import_capture
from quantlaxmi.importers.delimited.mark_lines import MarkLines
from quantlaxmi.importers.source import FORGIVEN
from tests.bars_files import MAPPING, START, random_lines, write_files
from tests.captures import MS, T0, check_against_naive, mark, perp_lines, ticker
from tests.csv_texts import check, clean_rows, header, lane_of

#: Two settlements within the data, one behind its end; each announced by the lines of a second.
EVERY = 10**9
Import = Callable[..., ImportResult]


def announced(k: int) -> int:
    """Settlement that line ``k`` of ten a second announces."""
    return T0 + (k // 10 + 1) * EVERY


def tardis(folder: Path, faulty: dict[int, str], share: Fraction = FORGIVEN) -> ImportResult:
    """Thirty lines, of which some lack what is told, and a thousand quotes beside them."""
    lines = []
    for k in range(2_000):
        us = (T0 + k * 100 * MS) // 1000
        due = announced(k if k < 30 else 30) // 1000
        cells = {"rate": "0.0001", "mark": "100.25"}
        if (what := faulty.get(k, "")) == "fine":
            cells["rate"] = "0.0001000000001"
        elif what:
            cells[what] = "" if what == "mark" else "x"
        head = f"binance-futures,BTCUSDT,{us},{us + 5}"
        lines.append(f"{head},{due},{cells['rate']},,,,,{cells['mark']}")
    path = folder / "tardis.csv"
    path.write_text("\n".join([header("derivative_ticker"), *lines]) + "\n")
    return import_capture("tardis", inputs=[path], out=folder / "out", max_quarantine=share)


def stream(folder: Path, faulty: dict[int, str], share: Fraction = FORGIVEN) -> ImportResult:
    """The same in a websocket capture."""
    lines = []
    for k in range(2_000):
        more = {"T": announced(k if k < 30 else 30) // MS}
        bad = {"rate": {"r": "x"}, "mark": {"p": ""}, "fine": {"r": "0.0001000000001"}}
        lines.append(mark(T0 + k * 100 * MS, **more, **bad.get(faulty.get(k, ""), {})))
    path = folder / "perp.txt"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return import_capture(
        "binance-stream", inputs={"perp": path}, out=folder / "out", max_quarantine=share
    )


@pytest.mark.parametrize("imported", [tardis, stream])
@pytest.mark.parametrize("what", ["rate", "mark", "fine"])
def test_only_a_settlement_without_a_good_announcement_is_a_gap(
    tmp_path: Path, imported: Import, what: str
) -> None:
    whole = dict.fromkeys(range(10, 20), what)
    with pytest.raises(InputError, match="1 settlement is set aside, which the 1 % of"):
        imported(tmp_path, whole)
    result = imported(tmp_path, whole, Fraction(1, 50))
    [gap] = result.segment.manifest.gaps
    due = T0 + 2 * EVERY
    assert (gap.table, gap.symbol, gap.start_ns, gap.end_ns) == (
        "funding", result.segment.instruments[0].symbol, due, due,
    )  # fmt: skip


@pytest.mark.parametrize("imported", [tardis, stream])
def test_one_good_announcement_is_enough(tmp_path: Path, imported: Import) -> None:
    result = imported(tmp_path, dict.fromkeys(range(10, 19), "rate"))
    assert result.quarantined == 9
    assert result.segment.manifest.gaps == ()


@pytest.mark.parametrize("cut", [1, 7, 100, 4096])
def test_mark_lines_are_found_whatever_the_pieces(cut: int) -> None:
    lines = perp_lines(8)
    lines[3] = mark(T0, r="x", T=1_700_000_123_000)
    lines[7] = mark(T0, r="x", T=1_700_000_456_000)
    text = b"\n".join(lines)  # the last line has no newline
    found, faults, n_lines = MarkLines(), [4, 8], 0
    for start in [*range(0, len(text), cut), len(text)]:
        piece, before = text[start : start + cut], n_lines
        n_lines += piece.count(b"\n") + (start == len(text))
        now = [(line, "bad-decimal") for line in faults if line <= n_lines]
        faults = [line for line in faults if line > n_lines]
        found.feed(piece, now, before)
    assert found.times_ns == {1_700_000_123 * 10**9, 1_700_000_456 * 10**9}


def test_other_faulty_lines_name_no_settlement() -> None:
    found = MarkLines()
    found.feed(ticker(T0, 1, "x", "2", True) + b"\n", [(1, "bad-decimal")], 0)
    found.feed(mark(T0) + b"\n", [(2, "duplicate-id")], 1)
    assert found.times_ns == set()


def test_marks_of_a_capture_in_the_twin_s_words(tmp_path: Path) -> None:
    lines = [mark(T0 + k * 100 * MS, T=announced(k) // MS) for k in range(40)]
    for k in (3, *range(10, 20), *range(30, 40)):  # of 30 to 39: at the end of the data
        bad = {"r": "x"} if k % 2 else {"p": ""}
        lines[k] = mark(T0 + k * 100 * MS, T=announced(k) // MS, **bad)
    lines += [ticker(T0 + 4 * EVERY + k * MS, k + 1, "99", "100", True) for k in range(9)]
    text = b"\n".join([*lines, lines[12]])  # the last line is a copy without its newline
    result, _ = check_against_naive(tmp_path, [(text, True)], max_quarantine=Fraction(1, 2))
    gaps = result.segment.manifest.gaps
    assert [gap.start_ns for gap in gaps] == [T0 + 2 * EVERY, T0 + 4 * EVERY]


@pytest.mark.parametrize("imported", [tardis, stream])
def test_settlements_without_end_are_refused(
    tmp_path: Path, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantlaxmi.importers.delimited.announced.MAX_SETTLEMENTS", 3)
    with pytest.raises(InputError, match="announces more than 3 settlements of one") as told:
        imported(tmp_path, {})
    assert str(told.value).count("\n") == 0


def test_announcements_in_the_twin_s_words(tmp_path: Path) -> None:
    rows = clean_rows("derivative_ticker", 60)
    for k in (3, 7, 50):
        cells = rows[k].split(",")
        cells[4], cells[5] = str(int(cells[2]) + 500_000), "x"  # of 50: behind the data
        rows[k] = ",".join(cells)
    gaps = check(tmp_path, [lane_of("derivative_ticker", rows)]).segment.manifest.gaps
    assert [gap.table for gap in gaps] == ["funding", "funding"]


#: Settlements in a file of their own, at the times of bars.
RATES = """[funding]
input = 2
rate = "rate"
time = { column = "time", unit = "s" }
"""


def bars(folder: Path, rates: list[str], gone: tuple[int, ...] = ()) -> ImportResult:
    """Three hundred hourly bars and their settlements."""
    lines = [line for k, line in enumerate(random_lines(300)) if k not in gone]
    data, rules = write_files(folder, lines, MAPPING.partition("[funding]")[0] + RATES)
    paid = folder / "rates.csv"
    paid.write_text("\n".join(["time,rate", *rates]) + "\n")
    return import_bars([data, paid], folder / "out", mapping=rules, max_quarantine=FORGIVEN)


def test_of_bars_a_settlement_told_by_another_line_is_not_lost(tmp_path: Path) -> None:
    seconds = [START // 10**9 + 3600 * k for k in range(299)]
    rates = [f"{at},0.0001" for at in seconds]
    twice = [*rates[:10], f"{seconds[9]},0.0001", *rates[10:]]
    result = bars(tmp_path, twice)
    assert (result.quarantined, result.segment.manifest.gaps) == (1, ())


def test_of_bars_a_settlement_without_a_mark_is_not_forgiven(tmp_path: Path) -> None:
    rates = [f"{START // 10**9 + 3600 * k},0.0001" for k in range(299)]
    with pytest.raises(InputError, match="1 funding settlement is set aside, which the 1 % of"):
        bars(tmp_path, rates, gone=(49, 50))
