"""Format ``kite-frames``: packets of Kite's ticker as sealed segments."""

from __future__ import annotations

import base64
import json
import os
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from fuzz.targets.kite_frames import INDICES, MAPPING, TOKENS
from quantlaxmi.cli import main_india
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.importers import import_capture
from quantlaxmi.importers.feeds import source
from quantlaxmi.importers.feeds.kite_packets import kite_states, price_exponent, split_frame
from quantlaxmi.importers.nse import contracts
from quantlaxmi.schema import TABLES, InstrumentKind
from quantlaxmi.segment import verify_segment
from tests.naive import kite_frames as naive

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
MOCKS = REAL / "india" / "feeds" / "kite_mocks"
needs_mocks = pytest.mark.skipif(not MOCKS.exists(), reason="the mocks are not here")
INFY, NIFTY, CALL = TOKENS
START = 1_756_438_000


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "big", signed=True) for value in values)


def full(token: int, volume: int, second: int = START, last: int = 10_000, **changes: Any) -> bytes:
    """A packet of 184 bytes with three levels of either side, 75 of each."""
    fields = [
        token,
        last,
        75,
        last,
        volume,
        75,
        150,
        last,
        last,
        last,
        last,
        second,
        0,
        0,
        0,
        second,
    ]
    levels = [(75, last - 5 * k) for k in (1, 2, 3)] + [(0, 0)] * 2
    levels += [(75, last + 5 * k) for k in (1, 2, 3)] + [(0, 0)] * 2
    for at, level in changes.get("levels", {}).items():
        levels[at] = level
    return words(*fields) + b"".join(words(*one) + bytes(4) for one in levels)


def frame(*packets: bytes) -> bytes:
    data = len(packets).to_bytes(2, "big")
    return data + b"".join(len(one).to_bytes(2, "big") + one for one in packets)


def line(second: float, *packets: bytes) -> bytes:
    return b"%d %s" % (round(second * 1000), base64.b64encode(frame(*packets)))


def imported(folder: Path, *lines: bytes, **options: Any) -> Any:
    folder.mkdir(exist_ok=True)
    (folder / "m.toml").write_text(MAPPING)
    (folder / "feed.txt").write_bytes(b"\n".join(lines) + b"\n")
    options = {"mapping": folder / "m.toml", "inputs": [folder / "feed.txt"]} | options
    return import_capture("kite-frames", out=folder / "s", **options)


def compare(result: Any, *lines: bytes) -> dict[int, str]:
    """Rows and faults equal the naive twin's."""
    rows, faults = naive.session(b"\n".join(lines), TOKENS, INDICES)
    for table, wanted in rows.items():
        columns = [result.segment.columns(table)[name].tolist() for name in TABLES[table]]
        assert list(zip(*columns, strict=True)) == wanted
    assert sum(result.quarantine_reasons.values()) == len(faults) == result.quarantined
    verify_segment(result.segment.path)
    return faults


@needs_mocks
@pytest.mark.parametrize("mode", ["full", "quote"])
def test_the_published_packets_have_the_published_values(mode: str) -> None:
    said = json.loads((MOCKS / f"ticker_{mode}.json").read_text())
    data = base64.b64decode((MOCKS / f"ticker_{mode}.packet").read_bytes())
    assert split_frame(data) == [data] and len(data) == {"full": 184, "quote": 44}[mode]
    token = said["instrument_token"]
    one = kite_states([(1, 0, data)], {token: 0})
    unit = Fraction(10) ** price_exponent(token)
    assert one.last[0] * unit == Fraction(str(said["last_price"]))
    assert (one.last_qty[0], one.volume[0]) == (said["last_quantity"], said["volume"])
    if mode == "quote":
        assert not one.has_book[0] and one.ts_ns[0] == 0
        return
    at = int(datetime.fromisoformat(said["timestamp"]).timestamp()) * 10**9
    assert one.ts_ns[0] == one.exch_ts_ns[0] == one.trade_ns[0] == at
    for k, side in enumerate(("buy", "sell")):
        levels = said["depth"][side]
        prices = [Fraction(str(level["price"])) for level in levels]
        assert [price * unit for price in one.book[0, 2 * k].tolist()] == prices
        assert one.book[0, 2 * k + 1].tolist() == [level["quantity"] for level in levels]


@needs_mocks
def test_the_published_full_packet_is_a_segment(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(MAPPING)
    result = import_capture(
        "kite-frames", inputs=[MOCKS / "ticker_full.packet"], mapping=tmp_path / "m.toml",
        underlying="INFY", out=tmp_path / "s",
    )  # fmt: skip
    quotes = result.segment.columns("quotes")
    assert (quotes["bid"][0], quotes["bid_qty"][0]) == (157_340, 5)
    assert (quotes["ask"][0], quotes["ask_qty"][0]) == (157_370, 172)
    assert result.messages_by_kind == {"quotes": 1, "depth": 1, "trades": 0, "funding": 0}
    [one] = result.segment.instruments
    assert (one.symbol, one.kind, one.tick, one.lot) == ("INFY", InstrumentKind.SPOT, 5, 1)


def test_prices_have_the_decimals_of_their_segment() -> None:
    found = {segment: price_exponent(256 * 7 + segment) for segment in range(1, 10)}
    assert found == dict.fromkeys(range(1, 10), -2) | {3: -7, 6: -4}


@pytest.mark.parametrize("length", [0, 1, 2, 7, 8, 28, 32, 43, 44, 45, 183, 184, 185, 400])
def test_only_packets_of_known_lengths_are_taken(length: int) -> None:
    data = bytes([0x7F]) * length
    if length in (8, 28, 32, 44, 184):
        assert split_frame(data) == [data] and split_frame(frame(data, data)) == [data, data]
        return
    if length == 1:
        assert split_frame(data) == []
    else:
        with pytest.raises(ValueError, match=f"^{length} bytes"):
            split_frame(data)
    with pytest.raises(ValueError, match=f"bytes, as a frame of 1 its packet 1 has {length}$"):
        split_frame(frame(data))


def test_lines_become_trades_depth_and_quotes(tmp_path: Path) -> None:
    lines = [
        line(START, full(INFY, 750), full(CALL, 75)),
        line(START + 1, full(INFY, 900, START + 1), words(NIFTY, 2_450_000)),
        b"%d AA==" % ((START + 2) * 10**9),  # a heartbeat
        line(START + 3, words(NIFTY, 2_450_005, 1, 1, 1, 1, 5, START + 3), words(INFY, 9_995)),
        line(START + 2.5, full(CALL, 150, START + 2), full(77_313, 5)),
        b"",
        base64.b64encode(
            frame(full(INFY, 950, START + 4, levels={0: (0, 0), 1: (0, 0), 2: (0, 0)}))
        ),
        line(START + 90, words(CALL, 9_990, 225, 9_990, 1_000, 0, 0, 1, 1, 1, 1)),
    ]
    result = imported(tmp_path / "one", *lines)
    assert compare(result, *lines) == {}
    assert (result.lines, result.captures[0].reordered) == (7, 1)
    trades = result.segment.columns("trades")
    assert trades["qty"].tolist() == [75, 0, 75, 0, 50, 225]
    told = " ".join(result.segment.manifest.notes)
    assert "1 packet is of tokens that the mapping does not have" in told
    assert "1 packet of 8 bytes tells the last price alone" in told
    assert "700 units were traded between states" in told and "1 line was put in order" in told
    assert "1 book lacks a bid" in told
    [gap] = result.segment.manifest.gaps
    assert (gap.reason, gap.after_seq) == ("no line for 86 s", 14)
    kinds = [one.kind for one in result.segment.instruments]
    assert kinds == [InstrumentKind.SPOT, InstrumentKind.INDEX, InstrumentKind.CALL]
    call = result.segment.instruments[2]
    assert (call.symbol, call.lot) == ("NIFTY-20250902-24550-CE", 75)
    (tmp_path / "one/feed.txt").rename(tmp_path / "one/whole.txt")
    again = import_capture(
        "kite-frames", inputs=[tmp_path / "one/whole.txt"], mapping=tmp_path / "one/m.toml",
        out=tmp_path / "again",
    )  # fmt: skip
    assert again.segment.digest == result.segment.digest


GOOD = full(INFY, 75)
FAULTS = [
    (
        line(START, full(INFY, 75)[:-1]),
        "wrong-length: 187 bytes, as a frame of 1 its packet",
    ),
    (b"%d %s" % (START * 1000, base64.b64encode(GOOD[:20])), "wrong-length: 20 bytes"),
    (b"%d !!!!" % (START * 1000), "not-base64: 4 characters; expected base64"),
    (b"%d AA==" % START, "bad-stamp: '1756438000'; expected a time"),
    (b"99%017d AA==" % 0, "bad-stamp"),
    (b"1 2 3", "wrong-shape: 3 words"),
    (base64.b64encode(GOOD[:44]), "bad-stamp: neither line nor packet has a time"),
    (
        line(START - 6, GOOD),
        "exchange-ahead: 6000000000 ns after the line's time",
    ),
    (line(START, words(INFY, 5, 5, 5, 5, 5, 5)), "wrong-shape: index and traded instrument"),
    (line(START, words(NIFTY, 0)), "price-not-positive: last: was 0"),
    (line(START, full(INFY, -1)), "bad-quantity: a size, a price or the volume is below 0"),
    (
        line(START, full(INFY, 1, levels={0: (0, 9_995)})),
        "bad-quantity: a level has a price",
    ),
    (line(START, full(INFY, 1, levels={1: (0, 0)})), "level-order: levels do not go away"),
    (line(START, full(INFY, 1, levels={6: (75, 10_005)})), "level-order"),
    (
        line(START, full(INFY, 1, levels={0: (75, 10_010)})),
        "crossed-book: bid above ask",
    ),
    (line(START - 2, full(INFY, 1, START - 2)), "time-reversal: 2000000000 ns before the latest"),
]


@pytest.mark.parametrize(("bad", "says"), FAULTS)
def test_a_faulty_line_is_set_aside_or_ends_the_import_in_one_line(
    tmp_path: Path, bad: bytes, says: str
) -> None:
    lines = [line(START, GOOD), bad, line(START + 1, full(INFY, 150))]
    result = imported(tmp_path / "in", *lines, max_quarantine=Fraction(1, 2))
    assert list(compare(result, *lines)) == [2]
    [log] = [json.loads(x) for x in (tmp_path / "in/s/quarantine.jsonl").read_text().splitlines()]
    assert log["line"] == 2 and log["reason"] == says.split(":")[0]
    with pytest.raises(InputError) as found:
        imported(tmp_path / "no", *lines)
    assert str(found.value).count("\n") == 0 and f"first at line 2, {says}" in str(found.value)
    assert sorted(path.name for path in (tmp_path / "no").iterdir()) == ["feed.txt", "m.toml"]
    with pytest.raises(InputError, match=r"feed.txt \(line 2\): .* strict import"):
        imported(tmp_path / "no", *lines, strict=True)


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("", "instruments"),
        ("[instruments]", "has no instrument"),
        (
            '[instruments.x]\nkind = "spot"\nsymbol = "A"',
            "was 'x', expected a token such",
        ),
        ('[instruments.2825]\nkind = "spot"\nsymbol = "A"', "was 'spot', expected index"),
        ('[instruments.259]\nkind = "spot"\nsymbol = "A"', "is of segment 3, expected 1"),
        ('[instruments.257]\nkind = "spot"', "is missing for kind 'spot'"),
        ('[instruments.257]\nkind = "spot"\nsymbol = "A"\nstrike = 5', "is not for kind 'spot'"),
        ('[instruments.9]\nkind = "index"\nsymbol = "A"\nlot = 5', "an index is not traded"),
        ('[instruments.258]\nkind = "call"\nunderlying = "NIFTY"\nexpiry = 2025-09-02', "strike"),
    ],
)
def test_a_wrong_mapping_ends_the_command_in_one_line(
    tmp_path: Path, capsys: Any, mapping: str, says: str
) -> None:
    (tmp_path / "m.toml").write_text(mapping)
    (tmp_path / "feed.txt").write_bytes(line(START, GOOD))
    options = ["--input", str(tmp_path / "feed.txt"), "--mapping", str(tmp_path / "m.toml")]
    assert (
        main_india(["import", "--format", "kite-frames", *options, "--out", str(tmp_path / "s")])
        == 2
    )
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and says in error and "m.toml" in error


def test_a_feed_without_the_instruments_says_whose_it_is(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="no state of an instrument of the mapping; it has '77313'"
    ):
        imported(tmp_path / "in", line(START, full(77_313, 5)))
    with pytest.raises(InputError, match="needs --mapping FILE for kite-frames"):
        imported(tmp_path / "in", line(START, GOOD), mapping=None)
    with pytest.raises(InputError, match="has no line"):
        imported(tmp_path / "in", b"")
    with pytest.raises(ConfigError):
        imported(tmp_path / "in", line(START, GOOD), mapping=tmp_path / "none.toml")


def test_files_are_one_segment_whose_text_is_bounded(tmp_path: Path, monkeypatch: Any) -> None:
    parts = [[line(START + k + 5 * n, full(INFY, 75 * (1 + k + 3 * n))) for k in range(3)]
             for n in range(2)]  # fmt: skip
    whole = imported(tmp_path / "whole", *parts[0], *parts[1])
    paths = [tmp_path / f"{n}.txt" for n in range(2)]
    for path, lines in zip(paths, parts, strict=True):
        path.write_bytes(b"\n".join(lines))
    options: dict[str, Any] = {"inputs": paths, "mapping": tmp_path / "whole/m.toml"}
    both = import_capture("kite-frames", out=tmp_path / "both", **options)
    assert both.segment.digest == whole.segment.digest
    assert [one.messages_by_kind["depth"] for one in both.captures] == [3, 3]
    assert [one.messages_by_kind["trades"] for one in both.captures] == [2, 3]
    monkeypatch.setattr(source, "MAX_TEXT", paths[0].stat().st_size + 1)
    with pytest.raises(InputError, match=r"1.txt: leads to more than 0 MiB of text"):
        import_capture("kite-frames", out=tmp_path / "no", **options)


def test_a_weekend_between_files_is_no_gap_and_a_week_is(tmp_path: Path) -> None:
    imported(tmp_path / "m", line(START, full(INFY, 75)))
    friday = datetime(2025, 8, 29, 10, tzinfo=contracts.IST).timestamp()
    paths = []
    for name, days in (("2025-08-29", 0), ("2025-09-01", 3), ("2025-09-05", 7)):
        paths.append(tmp_path / f"feed-{name}.txt")
        paths[-1].write_bytes(line(friday + days * 86_400, full(INFY, 75 * (1 + days))))
    options: dict[str, Any] = {"mapping": tmp_path / "m/m.toml"}
    two = import_capture("kite-frames", inputs=paths[:2], out=tmp_path / "two", **options)
    assert two.segment.manifest.gaps == ()
    three = import_capture("kite-frames", inputs=paths, out=tmp_path / "three", **options)
    (gap,) = three.segment.manifest.gaps
    assert gap.reason == "no line of 3 weekdays between 2025-09-01 and 2025-09-05"
