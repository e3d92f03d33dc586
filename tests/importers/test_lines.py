"""Faulty lines of a capture: each is set aside with its reason, and the rest is imported."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from quantlaxmi._ext.binance_rows import FAULTS, MAX_LINE
from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_binance_stream
from quantlaxmi.segment import open_segment
from tests import captures
from tests.captures import MS, T0, check_against_naive, diff, line, mark, snapshot, ticker, trade

AT = T0 + 200 * MS + 1  # between the clean lines, so that nothing else changes
HIGH = "9" * 12

SPOT_FAULTS = {
    "line-too-long": [line(AT, '{"a":"' + "x" * MAX_LINE + '"}')],
    "not-utf-8": [line(AT, '{"stream":"x"}') + b"\xff", b"\x80"],
    "empty-line": [b"", b"\r"],
    "bad-stamp": [
        b"{}",
        b"abc {}",
        b"12 {}",
        b"1700000000000 {}",
        b"-1700000000000000000 {}",
        b"99999999999999999999 {}",
        b"9300000000000000000 {}",
        b"1700000000000000000",
        b"1700000000000000000 ",
        b"1700000000000000000\t{}",
        trade(AT, 521, T=AT // MS + 86_400_001),
        trade(AT, 521, T=5),
        trade(AT, 521, T=-5),
        trade(AT, 521, T=10**20),
    ],
    "stamp-unit": [trade(AT // 1000, 521)],
    "not-json": [
        line(AT, "x"),
        line(AT, "{"),
        line(AT, '{"stream":"btcusdt@trade","data":{"t":1,"s":"BTC'),
        ticker(AT, 2020, "1", "2")[:-1],
        ticker(AT, 2020, "1", "2").replace(b"2020", b"NaN"),
        line(AT, '{"stream":"btcusdt@bookTicker","data":{"b":"\x01"}}'),
        line(AT, "[" * 5000),
    ],
    "wrong-shape": [
        line(AT, "[]"),
        line(AT, "7"),
        line(AT, '{"result":null,"id":1}'),
        line(AT, {"stream": 5, "data": {}}),
        line(AT, {"stream": "btcusdt@trade"}),
        line(AT, {"stream": "btcusdt@trade", "data": []}),
        trade(AT, 521, e="aggTrade"),
        trade(AT, 521).replace(b":521", b":1e999"),
        trade(AT, 521, m=1),
        trade(AT, 521, p=100.5),
        trade(AT, 521, T=None),
        trade(AT, 521, t=1.0),
        trade(AT, -1),
        ticker(AT, 2020, "1", "2", b=None),
        diff(AT, 30, 20),
        diff(AT, 1022, 1025, None, [["1"]]),
        diff(AT, 1022, 1025, None, [["1", "2", "3"]]),
        diff(AT, 1022, 1025, None, [["1", 2]]),
        diff(AT, 1022, 1025, None, {"1": "2"}),
        snapshot(AT, 5, None),
        line(AT, {"lastUpdateId": 1}),
    ],
    "unknown-stream": [
        snapshot(AT, 1001, stream="x"),
        line(AT, {"stream": "btcusdt@aggTrade", "data": {}}),
        line(AT, {"stream": "btcusdt@depth5@100ms", "data": {}}),
        line(AT, {"stream": "BTCUSDT@trade", "data": {}}),
        line(AT, {"stream": "é@trade", "data": {}}),
        line(AT, {"stream": "btcusdt"}),
        line(AT, {"stream": ""}),
    ],
    "wrong-symbol": [trade(AT, 521, s="ETHUSDT"), ticker(AT, 2020, "1", "2", s="")],
    "other-market": [
        trade(AT, 521, X="MARKET", M=True),
        diff(AT, 1022, 1025, 1021),
        mark(AT),
    ],
    "bad-decimal": [
        ticker(AT, 2020, bid, "100.01")
        for bid in ("NaN", "Infinity", "-inf", "", " 1", "1,5", "--1", "0x10", "١", "1e", ".")
    ],
    "too-fine": [trade(AT, 521, p="100.000000001"), trade(AT, 521, q="1e-9")],
    "overflow": [
        trade(AT, 521, p="92233720368.54775808"),
        trade(AT, 521, p="1e30"),
        trade(AT, 2**63),
        ticker(AT, 2**64, "1", "2"),
    ],
    "price-not-positive": [
        trade(AT, 521, p="0.00"),
        trade(AT, 521, p="-1"),
        ticker(AT, 2020, "0", "1"),
        diff(AT, 1022, 1025, None, [["0", "1"]]),
        snapshot(AT, 1001, [], [["-5", "1"]]),
    ],
    "bad-quantity": [
        trade(AT, 521, q="0"),
        trade(AT, 521, q="-1"),
        ticker(AT, 2020, "1", "2", B="-0.1"),
        ticker(AT, 2020, "1", "2", A="-1"),
        diff(AT, 1022, 1025, None, [["1", "-1"]]),
    ],
    "crossed-book": [
        ticker(AT, 2020, "100.02", "100.01"),
        ticker(AT, 2020, "100.01", "100.01"),
        snapshot(AT, 1001, [["5", "1"], ["7", "1"]], [["9", "1"], ["7", "1"]]),
    ],
    "time-reversal": [trade(AT - 2_000 * MS, 521), ticker(AT - 3_000 * MS, 2020, "1", "2")],
    "time-jump": [ticker(AT + 2 * 86_400_000 * MS, 2020, "1", "2")],
    "duplicate-id": [trade(AT, 520), ticker(AT, 2019, "100", "101"), diff(AT, 1018, 1021)],
    "id-going-back": [trade(AT, 4), ticker(AT, 3, "100", "101"), diff(AT, 1, 2), snapshot(AT, 4)],
}
PERP_FAULTS = {
    "wrong-shape": [mark(AT, T="x"), mark(AT, r=None), mark(AT, E=None)],
    "bad-stamp": [mark(AT, T=0), mark(AT, E=5)],
    "bad-decimal": [mark(AT, r=""), mark(AT, p="NaN"), mark(AT, i="x")],
    "price-not-positive": [mark(AT, p="0"), mark(AT, i="-1"), trade(AT, 721, True, X="NA", p="0")],
    "too-fine": [mark(AT, r="0.000000001")],
    "overflow": [mark(AT, r=HIGH)],
    "other-market": [trade(AT, 721), diff(AT, 9043, 9049)],
    "duplicate-id": [mark(AT, E=(T0 + 170 * MS + 5) // MS)],
    "id-going-back": [mark(AT, E=(T0 + 160 * MS) // MS)],
}


#: Reasons after which the book before stands: another's, older than it, or seen already.
KNOWN = ("unknown-stream", "wrong-symbol", "duplicate-id", "id-going-back")


def cases() -> list[tuple[bool, str, bytes]]:
    found = [(False, reason, text) for reason, texts in SPOT_FAULTS.items() for text in texts]
    return found + [(True, reason, text) for reason, texts in PERP_FAULTS.items() for text in texts]


def test_every_reason_has_a_case() -> None:
    tested = set(SPOT_FAULTS) | set(PERP_FAULTS) | {"half-line", "none"}
    assert tested == set(FAULTS)


@pytest.mark.parametrize(
    ("perp", "reason"),
    [(False, r) for r in SPOT_FAULTS] + [(True, r) for r in PERP_FAULTS],
)
def test_a_faulty_line_is_set_aside_with_its_reason(
    tmp_path: Path, perp: bool, reason: str
) -> None:
    clean = captures.perp_lines() if perp else captures.spot_lines()
    for k, text in enumerate((PERP_FAULTS if perp else SPOT_FAULTS)[reason]):
        lines = [*clean[:21], text, *clean[21:]]
        folder = tmp_path / str(k)
        folder.mkdir()
        result, _ = check_against_naive(
            folder, [(b"\n".join(lines) + b"\n", perp)], max_quarantine=Fraction(1, 10)
        )
        assert captures.quarantined(result) == [("perp" if perp else "spot", 22, reason)], text[:99]
        assert result.lines == len(lines)
        # A quote that could not be read leaves a book that is not known.
        unknown = b"@bookTicker" in text and reason not in KNOWN
        assert sum(result.messages_by_kind.values()) == len(clean) + unknown
        assert result.quarantine_reasons == {reason: 1}
        assert result.segment.manifest.quarantine.reasons == {reason: 1}
        [record] = (folder / "seg" / "quarantine.jsonl").read_text().splitlines()
        fault = json.loads(record)
        assert fault["file"] == ("perp.txt" if perp else "spot.txt")
        if reason not in ("duplicate-id", "id-going-back"):
            assert (
                fault["excerpt"].encode()[:20] in text.decode("utf-8", "backslashreplace").encode()
            )


def test_what_fuzzing_found_of_quotes_that_were_set_aside(tmp_path: Path) -> None:
    """The twin took another time of it, ended a silence with it, and read other digits."""
    clean, hours = captures.spot_lines(), 13 * 3600 * 10**9
    end, later = T0 + 400 * MS, T0 + 400 * MS + hours
    cases = (
        (captures.perp_lines(), ticker(end, 9000, "99", "100", True, T=1_720_000_000_000)),
        (clean, ticker(later, 9000, "x", "100")),
        (clean, diff(end, 1041, 1044).replace(b"@100ms", "@1٠0ms".encode())),
    )
    for k, (lines, text) in enumerate(cases):
        folder = tmp_path / str(k)
        folder.mkdir()
        text = b"\n".join([*lines, text, b""])
        result, _ = check_against_naive(folder, [(text, not k)], max_quarantine=Fraction(1, 10))
        assert result.quarantined == 1


@pytest.mark.parametrize("cut", [1, 10, 60, 110])
def test_half_a_line_at_the_end_is_set_aside(tmp_path: Path, cut: int) -> None:
    clean = captures.spot_lines(101)
    text = b"\n".join(clean) + b"\n" + ticker(AT + 10**9, 9999, "100", "101")[:cut]
    result, _ = check_against_naive(tmp_path, [(text, False)])
    assert captures.quarantined(result) == [("spot", 102, "half-line")]


def test_a_last_line_without_newline_is_taken_where_it_is_whole(tmp_path: Path) -> None:
    clean = captures.spot_lines()
    result, _ = check_against_naive(tmp_path, [(b"\n".join(clean), False)])
    assert (result.lines, result.quarantined) == (len(clean), 0)


def test_windows_line_ends_are_taken(tmp_path: Path) -> None:
    clean = captures.spot_lines()
    result, _ = check_against_naive(tmp_path, [(b"\r\n".join(clean) + b"\r\n", False)])
    assert (result.lines, result.quarantined) == (len(clean), 0)


def test_unknown_fields_spaces_and_other_field_order_are_taken(tmp_path: Path) -> None:
    clean = captures.spot_lines()
    clean[3] = line(
        T0 + 30 * MS,
        '{ "data" : {"A":"2","new":[1,{"x":null}],"a":"100.01","B":"1e-8","b":"+99.",'
        '"s":"BTCUSDT","u":2003}, "stream" : "btcusdt@bookTicker" }',
    )
    result, _ = check_against_naive(tmp_path, [(b"\n".join(clean), False)])
    assert result.quarantined == 0


def test_a_quantity_of_zero_and_a_message_without_levels_are_kept(tmp_path: Path) -> None:
    lines = captures.spot_lines(9)
    lines.append(ticker(AT, 3000, "100", "101", B="0"))
    lines.append(diff(AT, 1010, 1012))
    result, expected = check_against_naive(tmp_path, [(b"\n".join(lines), False)])
    assert result.quarantined == 0
    assert expected.tables["depth"]["side"][-1] == 0
    assert expected.tables["depth"]["flags"][-1] == 1


def quotes_of(tmp_path: Path, *texts: bytes) -> list[tuple[int, ...]]:
    """(ms after T0, bid, its quantity, ask, its quantity) of quotes, among clean ones."""
    lines = [*captures.spot_lines(21), *texts]
    result, _ = check_against_naive(
        tmp_path, [(b"\n".join(lines) + b"\n", False)], max_quarantine=Fraction(1, 4)
    )
    columns = result.segment.columns("quotes")
    names = ("bid", "bid_qty", "ask", "ask_qty")
    late = columns["ts_ns"] >= T0 + 200 * MS
    stamps = ((columns["ts_ns"][late] - T0) // MS).tolist()
    values = [(columns[name][late] // 10**6).tolist() for name in names]
    return list(zip(stamps, *values, strict=True))


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        (ticker(AT + 5 * MS, 2020, "NaN", "101"), 205),
        (ticker(AT + 5 * MS, 2020, "0", "101"), 205),  # a quantity without a price
        (ticker(AT + 5 * MS, 2020, "102", "101"), 205),
        (ticker(AT + 5 * MS, 2020, "100.000000001", "101"), 205),
        (ticker(AT + 5 * MS, 2020, "100", "101")[:-1], 205),
        (ticker(AT + 5 * MS, 2020, "100", "101") + b"\xff", 200),
        (b"x" + ticker(AT + 5 * MS, 2020, "100", "101"), 200),  # no time: that of the line before
        (ticker(AT - 3_000 * MS, 2020, "100", "101"), 200),
    ],
)
def test_a_quote_set_aside_takes_the_book_before_it(tmp_path: Path, text: bytes, ms: int) -> None:
    good = ticker(AT + 50 * MS, 2021, "90", "91")
    found = quotes_of(tmp_path, text, good)
    assert found == [(ms, 0, 0, 0, 0), (250, 9000, 150, 9100, 200)]


def test_a_one_sided_quote_is_data(tmp_path: Path) -> None:
    found = quotes_of(
        tmp_path,
        ticker(AT + 5 * MS, 2020, "0.00000000", "101", B="0.00000000"),
        ticker(AT + 6 * MS, 2021, "100", "0", A="0"),
        ticker(AT + 7 * MS, 2022, "0", "0", A="0", B="0"),
    )
    assert found == [(205, 0, 0, 10100, 200), (206, 10000, 150, 0, 0), (207, 0, 0, 0, 0)]
    manifest = open_segment(tmp_path / "seg").manifest
    assert manifest.quarantine.lines == 0
    assert any(note.startswith("spot.txt: 3 quotes lack") for note in manifest.notes)


def test_before_the_first_quote_there_is_no_book_to_take(tmp_path: Path) -> None:
    """Else a capture of depth alone would have quotes, none of them valid."""
    lines = [captures.spot_lines(2)[0], ticker(T0 + MS, 1, "NaN", "1")]
    result, _ = check_against_naive(
        tmp_path, [(b"\n".join(lines) + b"\n", False)], max_quarantine=1
    )
    assert result.messages_by_kind["quotes"] == 0


def test_one_corrupt_id_costs_two_lines_and_not_all_that_follow(tmp_path: Path) -> None:
    lines = [trade(T0 + k * MS, 100 + k) for k in range(300)]
    lines[100] = trade(T0 + 100 * MS, 10**12)
    result, _ = check_against_naive(tmp_path, [(b"\n".join(lines), False)])
    assert captures.quarantined(result) == [("spot", 102, "id-going-back")]


def test_a_jump_that_goes_on_costs_one_line(tmp_path: Path) -> None:
    later = T0 + 3 * 86_400_000 * MS
    lines = [ticker(T0 + k * MS, k, "1", "2") for k in range(150)]
    lines += [ticker(later + k * MS, 200 + k, "1", "2") for k in range(150)]
    result, _ = check_against_naive(tmp_path, [(b"\n".join(lines), False)])
    assert captures.quarantined(result) == [("spot", 151, "time-jump")]


def test_strict_ends_at_the_first_faulty_line(tmp_path: Path) -> None:
    lines = captures.spot_lines()
    lines.insert(7, ticker(AT, 2020, "NaN", "2"))
    path = captures.write(tmp_path / "spot.txt", lines)
    with pytest.raises(InputError, match=r"spot.txt \(line 8\): bad-decimal: bid 'NaN'"):
        import_binance_stream(path, None, tmp_path / "seg", strict=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["spot.txt"]


def test_strict_sees_faults_that_only_the_order_shows(tmp_path: Path) -> None:
    lines = captures.spot_lines()
    lines.append(trade(T0 + 10**9, 536))
    path = captures.write(tmp_path / "spot.txt", lines)
    with pytest.raises(InputError, match=r"\(line 41\): duplicate-id: 536 after 536"):
        import_binance_stream(path, None, tmp_path / "seg", strict=True)


@pytest.mark.parametrize("faulty", [1, 2])
def test_the_share_of_faulty_lines_is_exact(tmp_path: Path, faulty: int) -> None:
    lines = captures.spot_lines(100 - faulty) + [line(AT, "x")] * faulty
    path = captures.write(tmp_path / "spot.txt", lines)
    if faulty == 1:
        assert import_binance_stream(path, None, tmp_path / "seg").quarantined == 1
        return
    with pytest.raises(InputError, match=r"2 of 100 lines are faulty \(2.00 %\), more than"):
        import_binance_stream(path, None, tmp_path / "seg")
    assert not (tmp_path / "seg").exists()
