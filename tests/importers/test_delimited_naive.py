"""CSV imports on clean and on randomly damaged data, equal to a naive import row for row."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import InputError
from quantlaxmi.importers import ImportResult, import_capture
from quantlaxmi.schema import DepthFlag
from tests.csv_texts import FORMAT_OF, NAME_OF, T0_MS, check, clean_rows, header, lane_of
from tests.depth import examples
from tests.naive.csv_cells import LAYOUTS, Lane, TooFine
from tests.naive.csv_rows import naive_csv

LAYOUT_NAMES = sorted(LAYOUTS)


@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_clean_data_import_whole(tmp_path: Path, layout: str) -> None:
    result = check(tmp_path, [lane_of(layout, clean_rows(layout))])
    assert result.quarantined == 0
    assert result.message_lines == 24
    assert result.segment.manifest.gaps == ()


def test_lanes_are_merged_in_one_order(tmp_path: Path) -> None:
    names = ("aggTrades", "bookTicker", "fundingRate")
    result = check(tmp_path, [lane_of(name, clean_rows(name)) for name in names])
    assert result.segment.n_messages == 72
    assert not result.segment.columns("funding")["mark"].any()  # the file has none


@pytest.mark.parametrize("word", ["_True", "_1", "__1", "tRUE", "1", "FALSE"])
def test_words_are_taken_as_they_are_written(tmp_path: Path, word: str) -> None:
    """Fuzzing found a twin that took an underscore for none."""
    rows = clean_rows("aggTrades")
    assert rows[3].endswith((",True", ",False"))
    rows[3] = f"{rows[3].rpartition(',')[0]},{word}"
    assert check(tmp_path, [lane_of("aggTrades", rows)]).quarantined == (word not in ("1", "FALSE"))


def books_after(tmp_path: Path, layout: str, k: int, old: str, new: str) -> ImportResult:
    """Import clean lines, the last but one of them changed."""
    rows = clean_rows(layout, 8)
    assert old in rows[k]
    rows[k] = rows[k].replace(old, new)
    return check(tmp_path, [lane_of(layout, rows)])


@pytest.mark.parametrize(
    ("layout", "old", "new"),
    [
        ("bookTicker", "100.06,1,", "NaN,1,"),
        ("bookTicker", "100.06,1,", "100.07,1,"),
        ("bookTicker", "100.06,1,", "100.000000001,1,"),
        ("bookTicker", "100.06,1,", "0,1,"),
        ("bookTicker", "100.06,1,", ",1,"),
        ("bookTicker", "100.06,1,", "100.06,,"),
        ("bookTicker", "100.06,1,", "1,"),
        ("quotes", "100.06,2", "100.08,2"),
        ("quotes", "100.06,2", ",2"),
    ],
)
def test_a_quote_set_aside_takes_the_book_before_it(
    tmp_path: Path, layout: str, old: str, new: str
) -> None:
    result = books_after(tmp_path, layout, 6, old, new)
    assert (result.quarantined, result.messages_by_kind["quotes"]) == (1, 8)
    quotes = result.segment.columns("quotes")
    for name in ("bid", "bid_qty", "ask", "ask_qty"):
        assert (quotes[name] == 0).tolist() == [False] * 6 + [True, False]
    assert quotes["ts_ns"][5] <= quotes["ts_ns"][6] < quotes["ts_ns"][7]


@pytest.mark.parametrize(
    ("layout", "old", "new"),
    [
        ("bookTicker", "100.06,1,", "0,0,"),
        ("bookTicker", "100.06,1,", ",,"),
        ("bookTicker", "100.06,1,", "0.00000000,,"),
        ("quotes", "100.06,2", ","),
    ],
)
def test_a_one_sided_quote_is_data(tmp_path: Path, layout: str, old: str, new: str) -> None:
    result = books_after(tmp_path, layout, 6, old, new)
    assert (result.quarantined, result.messages_by_kind["quotes"]) == (0, 8)
    quotes = result.segment.columns("quotes")
    assert [int(quotes[n][6]) for n in ("bid", "bid_qty", "ask")] == [0, 0, 10_007_000_000]
    assert any("1 quote lacks a bid" in note for note in result.segment.manifest.notes)


def l2(*lines: str) -> list[str]:
    """Lines of a Tardis book: exchange ms, receive ms, snapshot, side, price, amount."""
    rows = []
    for text in lines:
        exch, received, rest = text.split(" ", 2)
        stamps = [(T0_MS + int(ms)) * 1000 for ms in (exch, received)]
        word = {"s": "true", "d": "false"}[rest[0]]
        rows.append(
            f"binance-futures,BTCUSDT,{stamps[0]},{stamps[1]},{word},{','.join(rest[2:].split())}"
        )
    return rows


def messages(result: ImportResult) -> list[tuple[int, int, bool, int]]:
    """(exchange ms, receive ms, snapshot, levels) of the depth messages."""
    depth = result.segment.columns("depth")
    found: dict[int, tuple[int, int, bool, int]] = {}
    for k, seq in enumerate(depth["seq"].tolist()):
        levels = found[seq][3] if seq in found else 0
        exch, ts = (int(depth[n][k]) // 10**6 - T0_MS for n in ("exch_ts_ns", "ts_ns"))
        found[seq] = (exch, ts, bool(depth["flags"][k] & DepthFlag.SNAPSHOT), levels + 1)
    return list(found.values())


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # One receive time is one message, whatever the exchange stamped its lines with.
        (
            ["1 9 s bid 99 1", "2 9 s ask 101 1", "4 9 s ask 102 1",
             "11 19 d bid 100 1", "13 19 d ask 101 0", "12 19 d ask 103 1"],
            [(4, 9, True, 3), (13, 19, False, 3)],
        ),
        # A snapshot in two messages resets the book once.
        (
            ["1 9 s bid 99 1", "1 9 s ask 101 1", "2 10 s bid 98 1", "11 19 d bid 98 0"],
            [(1, 9, True, 2), (2, 10, False, 1), (11, 19, False, 1)],
        ),
        # What follows a snapshot in its message is of it; a snapshot ends the message before.
        (
            ["1 9 s bid 99 1", "1 9 s ask 101 1", "2 9 d bid 99 0", "2 9 d bid 98 1",
             "2 9 s bid 97 1", "2 9 s ask 100 1"],
            [(2, 9, True, 4), (2, 9, True, 2)],
        ),
    ],
)  # fmt: skip
def test_lines_of_one_receive_time_are_one_message(
    tmp_path: Path, lines: list[str], expected: list[tuple[int, int, bool, int]]
) -> None:
    result = check(tmp_path, [lane_of("incremental_book_L2", l2(*lines))])
    assert messages(result) == expected
    assert result.quarantined == 0


def test_a_snapshot_that_goes_on_after_a_faulty_part_leaves_no_book(tmp_path: Path) -> None:
    lines = l2("1 9 s bid 99 x", "1 9 s ask 101 1", "2 10 s bid 98 1", "3 11 d bid 97 1")
    result = check(tmp_path, [lane_of("incremental_book_L2", lines)])
    assert [snapshot for _, _, snapshot, _ in messages(result)] == [False, False]


def test_a_settlement_set_aside_is_a_gap_and_not_forgiven(tmp_path: Path) -> None:
    rows = clean_rows("fundingRate", 200)
    rows[7] = rows[7].replace("-0.0001", "x")
    lane = lane_of("fundingRate", rows)
    [gap] = check(tmp_path, [lane]).segment.manifest.gaps  # 37 ms apart: no time tells it
    assert (gap.table, gap.after_seq) == ("funding", 6)
    path = tmp_path / NAME_OF["fundingRate"]
    path.write_bytes(lane.text)
    with pytest.raises(InputError, match="1 settlement is set aside, which the 1 % of"):
        import_capture("binance-vision", inputs=[path], out=tmp_path / "other")


def test_a_settlement_set_aside_at_the_end_is_a_gap(tmp_path: Path) -> None:
    rows = clean_rows("fundingRate", 8)
    rows[7] = rows[7].replace("-0.0001", "x")
    lanes = [lane_of("aggTrades", clean_rows("aggTrades", 30)), lane_of("fundingRate", rows)]
    [gap] = check(tmp_path, lanes).segment.manifest.gaps
    assert gap.end_ns - gap.start_ns == (29 - 6) * 37 * 10**6


@pytest.mark.parametrize("hours", [12, 13, 24])
def test_a_long_silence_is_a_gap(tmp_path: Path, hours: int) -> None:
    rows = clean_rows("bookTicker", 6)
    for k in (4, 5):
        for ms in (T0_MS + 37 * k, T0_MS + 37 * k + 2):
            rows[k] = rows[k].replace(str(ms), str(ms - 37 + hours * 3_600_000))
    gaps = check(tmp_path, [lane_of("bookTicker", rows)]).segment.manifest.gaps
    expected = [("quotes", 3, f"no quotes for {hours} hours")] if hours > 12 else []
    assert [(gap.table, gap.after_seq, gap.reason) for gap in gaps] == expected


def test_a_missing_day_is_a_gap(tmp_path: Path) -> None:
    day, paths = 86_400_000, []
    for n in (14, 16):
        rows = []
        for k in range(20):
            at = T0_MS - T0_MS % day + (n - 14) * day + k * 4_000_000
            rows.append(f"{700 + 100 * n + k},100.5,0.5,1,1,{at},True")
        paths.append(tmp_path / f"BTCUSDT-aggTrades-2023-11-{n}.csv")
        paths[-1].write_text("\n".join([header("aggTrades"), *rows]) + "\n")
    out = tmp_path / "seg"
    manifest = import_capture("binance-vision", inputs=paths, out=out).segment.manifest
    assert [(gap.table, gap.after_seq) for gap in manifest.gaps] == [("trades", 19)]


def test_a_book_set_aside_takes_the_one_before_it(tmp_path: Path) -> None:
    result = books_after(tmp_path, "book_snapshot_2", 6, ",101,1,", ",x,1,")
    depth = result.segment.columns("depth")
    assert depth["side"].tolist().count(0) == 1  # a snapshot without levels
    assert result.messages_by_kind["depth"] == 8


CELLS = st.sampled_from(
    ["", "0", "1", "-1", "NaN", "inf", "1e-9", "0.000000001", "1e30", "99999999999999999999",
     "92233720368.54775808", "abc", "100.5", "1e2", " 1", "+5", ".5", "5.", "true", "buy", "ask",
     "ETHUSDT", "ethusdt@trade", "1700000000000", "1700000000000000", "1700000000123456789",
     "1700086401000", "1600000000000000", "#", "é", "0x10", "1_0", "700", "505", "1" * 18]
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> Lane:
    layout = draw(st.sampled_from(LAYOUT_NAMES))
    rows = clean_rows(layout, 18)
    for _ in range(draw(st.integers(0, 4))):
        k = draw(st.integers(0, len(rows) - 1))
        cells = rows[k].split(",")
        what = draw(st.sampled_from(["cell", "near", "copy", "swap", "drop", "line", "cut"]))
        if what == "cell":
            cells[draw(st.integers(0, len(cells) - 1))] = draw(CELLS)
            rows[k] = ",".join(cells)
        elif what == "near":  # a value of another line
            c = draw(st.integers(0, len(cells) - 1))
            other = rows[draw(st.integers(0, len(rows) - 1))].split(",")
            cells[c] = other[c] if c < len(other) else ""
            rows[k] = ",".join(cells)
        elif what == "copy":
            rows.insert(draw(st.integers(0, len(rows))), rows[k])
        elif what == "swap":
            j = draw(st.integers(0, len(rows) - 1))
            rows[j], rows[k] = rows[k], rows[j]
        elif what == "drop" and len(rows) > 9:
            del rows[k]
        elif what == "line":
            rows.insert(k, draw(st.sampled_from(["", "# note", ",", "x" * 40, "\r", "é,"])))
        elif what == "cut":
            rows[k] = rows[k][: draw(st.integers(0, len(rows[k])))]
    text = "\n".join(rows).encode() + b"\n"
    return lane_of(layout, text[: len(text) - draw(st.sampled_from([0, 0, 1, 2, 5, 20]))])


@settings(max_examples=examples(300), deadline=None)
@given(damaged())
def test_damaged_data_equal_the_naive_import(lane: Lane) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            expected = naive_csv([lane])
        except TooFine:
            with pytest.raises(InputError, match="finer than"):
                check_refused(Path(folder), lane)
            return
        lane.units.clear()
        lane.last_id = ""
        if expected.messages == 0:
            with pytest.raises(InputError, match=r"no acceptable line|no line behind"):
                check_refused(Path(folder), lane)
            return
        check(Path(folder), [lane])


def check_refused(folder: Path, lane: Lane) -> None:

    path = folder / NAME_OF.get(lane.layout, "file.csv")
    path.write_bytes(lane.text)
    import_capture(
        FORMAT_OF.get(lane.layout, "tardis"), inputs=[path], out=folder / "seg", max_quarantine=1
    )


@settings(max_examples=examples(150), deadline=None)
@given(st.data())
def test_any_bytes_are_imported_or_refused_in_one_line(data: st.DataObject) -> None:
    layout = data.draw(st.sampled_from(LAYOUT_NAMES))
    text = bytearray(lane_of(layout, clean_rows(layout, 4)).text)
    for _ in range(data.draw(st.integers(0, 6))):
        k = data.draw(st.integers(0, len(text)))
        text[k : k + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=8))
    lane = Lane(layout, bytes(text[data.draw(st.integers(0, 200)) :]))
    with tempfile.TemporaryDirectory() as folder:
        try:
            check_refused(Path(folder), lane)
        except InputError as error:
            assert "\n" not in str(error)
            assert not (Path(folder) / "seg").exists()
