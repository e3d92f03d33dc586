"""Premium index of the archive: rates by formula that inform, and settle nothing."""

from __future__ import annotations

import gzip
import json
import zipfile
from fractions import Fraction
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import ConfigError, InputError, QuantlaxmiError
from quantlaxmi.importers import ImportResult, import_capture
from quantlaxmi.importers.bars import messages as bars_messages
from quantlaxmi.importers.bars import premium_index as premium_rate
from quantlaxmi.importers.bars import spool
from quantlaxmi.importers.bars.mapping_leg import LegMapping, TimeColumn
from quantlaxmi.importers.bars.premium_index import IndicativeRates
from quantlaxmi.importers.bars.series import Series
from quantlaxmi.importers.bars.spool import Store
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.run.result import Run
from quantlaxmi.schema import EventKind, InstrumentKind
from quantlaxmi.segment import Segment, verify_segment
from tests import twins
from tests.bars_files import HOUR, START
from tests.depth import examples
from tests.importers.test_klines_csv import HEADER, MAPPING, months
from tests.naive import premium as naive
from tests.naive.engine import Decision, Leg

NAME = "BTCUSDT-1h-2024-01.csv"
MS = 10**6
PREMIUM = "[premium]\ninput = 4\n"


def closes(n: int = 24, seed: int = 1) -> list[str]:
    """Closes of both signs, at first inside the clamp and then far beyond it."""
    random = Random(seed)
    return ["0.00000000", *(f"{random.randrange(-10**5, 10**5) * k / 10**8:.8f}"
                            for k in range(1, n))]  # fmt: skip


def premium_line(hour: int, close: str, micro: bool = False) -> str:
    unit = 10**3 if micro else MS
    start = (START + hour * HOUR) // unit
    high, low = (f"{float(close) + more:.8f}" for more in (0.001, -0.001))
    return f"{start},{close},{high},{low},{close},0,{start + HOUR // unit - 1},0,12,0,0,0"


def premium_file(folder: Path, lines: list[str], header: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / NAME
    path.write_text("\n".join([HEADER] * header + lines) + "\n")
    return path


def files(tmp_path: Path, late_ms: int = 0) -> list[Path]:
    """Bars of a day in two markets, and three settlements."""
    months(tmp_path / "spot", 0, header=False, micro=False)
    months(tmp_path / "um", 3, header=True, micro=False)
    paid = tmp_path / "BTCUSDT-fundingRate-2024-01.csv"
    rows = [f"{START // MS + 8 * 3_600_000 * k + late_ms},8,0.0012{k}" for k in range(3)]
    paid.write_text("calc_time,funding_interval_hours,last_funding_rate\n" + "\n".join(rows) + "\n")
    return [tmp_path / "spot", tmp_path / "um", paid]


def run(tmp_path: Path, inputs: list[Path], rules: str = PREMIUM, out: str = "seg") -> ImportResult:
    mapping = tmp_path / "m.toml"
    mapping.write_text(MAPPING + rules)
    return import_capture(
        "binance-vision", inputs=inputs, mapping=mapping, out=tmp_path / out,
        max_quarantine=Fraction(1, 2),
    )  # fmt: skip


def rates_of(segment: Segment) -> list[tuple[int, int]]:
    """Rows that only inform: time and rate."""
    rows = segment.columns("funding")
    informs = rows["next_funding_ns"] == 0
    assert not rows["mark"][informs].any()
    assert not rows["index"].any()
    assert (rows["mark"][~informs] > 0).all()
    assert set(rows["instrument"].tolist()) == {1}
    found = zip(rows["ts_ns"][informs].tolist(), rows["rate"][informs].tolist(), strict=True)
    return [tuple(row) for row in found]


@pytest.mark.parametrize("micro", [False, True])
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("packed", ["", ".gz", ".zip"])
def test_rates_are_those_of_the_formula(
    packed: str, header: bool, micro: bool, tmp_path: Path
) -> None:
    lines = [premium_line(k, close, micro) for k, close in enumerate(closes())]
    path = premium_file(tmp_path / "premium", lines, header)
    if packed == ".gz":
        (path.parent / f"{NAME}.gz").write_bytes(gzip.compress(path.read_bytes()))
    elif packed == ".zip":
        with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
            archive.write(path, NAME)
    if packed:
        path.unlink()
    result = run(tmp_path, [*files(tmp_path), tmp_path / "premium"])
    expected = naive.indicative([(START + k * HOUR, c) for k, c in enumerate(closes())], HOUR)
    assert rates_of(result.segment) == expected[:-1]  # at the end nobody can act on it
    assert len({rate for _, rate in expected}) > 10
    verify_segment(result.segment.path)
    told = result.captures[-1]
    assert (told.stream, told.messages_by_kind) == ("premium", {"premium": 24})
    assert result.lines == result.header_lines + result.message_lines + result.quarantined
    notes = " ".join(result.segment.manifest.notes)
    assert "indicative rates from premiumIndexKlines by formula" in notes
    assert not result.segment.manifest.gaps


def test_months_follow_each_other_and_only_bars_time_is_told(tmp_path: Path) -> None:
    hours = range(-5, 30)
    bars = [(START + k * HOUR, close) for k, close in zip(hours, closes(35), strict=True)]
    folder = tmp_path / "premium"
    made = [premium_line(k, close, k >= 8) for k, (_, close) in zip(hours, bars, strict=True)]
    premium_file(folder, made[13:]).rename(folder / "a")
    premium_file(folder, made[:13]).rename(folder / "BTCUSDT-1h-2023-12.csv")
    (folder / "a").rename(folder / NAME)
    result = run(tmp_path, [*files(tmp_path), folder])
    # What stands before the first bar is in the first averages.
    expected = [row for row in naive.indicative(bars, HOUR) if START <= row[0] < START + 24 * HOUR]
    assert rates_of(result.segment) == expected


@pytest.mark.parametrize("size", [1, 3, 16_384])
def test_faults_are_told_by_line_and_gaps_listed(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However few rows are handled at once.
    monkeypatch.setattr(premium_rate, "chunks", partial(spool.chunks, size=size))
    monkeypatch.setattr(bars_messages, "CHUNK_ROWS", size)
    lines = [premium_line(k, close) for k, close in enumerate(closes())]

    def cell(k: int, place: int, text: str) -> str:
        cells = lines[k].split(",")
        return ",".join([*cells[:place], text, *cells[place + 1 :]])

    lines[2] = cell(2, 4, "-")
    lines[4] = cell(4, 4, "0.000000001")
    lines[6] = cell(6, 1, "42000.1")
    lines[8] = lines[7]
    lines[10] = cell(10, 0, str(START // MS + 10 * 3_600_000 + 60_000))
    lines[10] = lines[10].replace(f",{START // MS + 11 * 3_600_000 - 1},",
                                  f",{START // MS + 11 * 3_600_000 + 59_999},")  # fmt: skip
    lines[12] = cell(12, 6, str(START // MS + 12 * 3_600_000 + 5))
    lines[14] = cell(14, 0, "x")
    lines[16] = cell(16, 3, "0.9")
    lines[17] = ",".join([lines[17].split(",")[0], *["-92233720368.54775808"] * 4,
                          *lines[17].split(",")[5:]])  # fmt: skip
    lines[18] = ",".join(lines[18].split(",")[:5])
    path = premium_file(tmp_path / "premium", lines)
    result = run(tmp_path, [*files(tmp_path), path])
    text = (tmp_path / "seg" / "quarantine.jsonl").read_text()
    faults = [json.loads(row) for row in text.splitlines()]
    assert [(f["file"], f["line"], f["reason"]) for f in faults] == [
        (NAME, line, reason)
        for line, reason in (
            (4, "bad-decimal"), (6, "too-fine"), (8, "overflow"), (10, "duplicate-time"),
            (12, "off-grid"), (14, "partial-bar"), (16, "bad-stamp"), (18, "inconsistent-bar"),
            (19, "overflow"), (20, "wrong-shape"),
        )
    ]  # fmt: skip
    assert "was '42000.1', expected a premium index within -1 to 1" in faults[2]["detail"]
    assert result.lines == result.header_lines + result.message_lines + result.quarantined
    lost = [*range(2, 17, 2), 17, 18]
    kept = [(START + k * HOUR, c) for k, c in enumerate(closes()) if k not in lost]
    assert rates_of(result.segment) == naive.indicative(kept, HOUR)[:-1]
    gaps = result.segment.manifest.gaps
    assert [(g.table, g.symbol, g.start_ns, g.end_ns) for g in gaps] == [
        ("funding", "BTCUSDT-PERP", START + k * HOUR, START + (k + n) * HOUR)
        for k, n in [*((k, 1) for k in lost[:-3]), (16, 3)]
    ]
    assert gaps[0].reason.startswith("1 bar of the premium index is missing")


def test_an_index_that_begins_late_and_ends_early_is_a_gap(tmp_path: Path) -> None:
    lines = [premium_line(k, "0.0001") for k in range(5, 20)]
    result = run(tmp_path, [*files(tmp_path), premium_file(tmp_path / "premium", lines)])
    assert [(g.start_ns, g.end_ns) for g in result.segment.manifest.gaps] == [
        (START, START + 5 * HOUR), (START + 20 * HOUR, START + 24 * HOUR)
    ]  # fmt: skip


def test_prices_are_no_premium_index_and_the_reverse(tmp_path: Path) -> None:
    inputs = files(tmp_path)
    months(tmp_path / "other", 4, header=True, micro=False)
    with pytest.raises(InputError, match=r"lines are faulty.*expected a premium index within"):
        run(tmp_path, [*inputs, tmp_path / "other"])
    lines = [premium_line(k, "-0.0001") for k in range(24)]
    path = premium_file(tmp_path / "premium", lines)
    with pytest.raises(InputError, match=r"lines are faulty.*expected a price above 0"):
        run(tmp_path, [inputs[0], path, inputs[2]], rules="")
    assert not (tmp_path / "seg").exists()


@pytest.mark.parametrize(
    ("rules", "error", "match"),
    [
        ("[premium]\ninput = 3\n", ConfigError, "premium.input.*was 3, expected an input that no"),
        ("[premium]\ninput = 2\n", ConfigError, "premium.input.*was 2, expected an input that no"),
        (PREMIUM + 'every = "90m"\n', ConfigError, "premium.every.*was 5400 s, expected a mult"),
        (
            PREMIUM + "interest = 2\n",
            ConfigError,
            "premium.interest.*was 2, expected a dec",
        ),
        (PREMIUM + 'rate = "close"\n', ConfigError, "premium.rate.*unknown setting"),
        ('interval = "1h"\n' + PREMIUM, QuantlaxmiError, "interval"),
    ],
)
def test_mappings_that_are_refused(
    rules: str, error: type[Exception], match: str, tmp_path: Path
) -> None:
    path = premium_file(tmp_path / "premium", [premium_line(0, "0.0001")])
    with pytest.raises(error, match=match):
        run(tmp_path, [*files(tmp_path), path], rules)


def test_names_of_another_symbol_or_interval(tmp_path: Path) -> None:
    inputs = files(tmp_path)
    path = premium_file(tmp_path / "premium", [premium_line(0, "0.0001")])
    for name, match in (
        ("ETHUSDT-1h-2024-01.csv", "has symbol ETHUSDT; expected BTCUSDT"),
        ("BTCUSDT-1m-2024-01.csv", "has interval 1m; expected 3600s"),
    ):
        other = path.with_name(name)
        other.write_bytes(path.read_bytes())
        with pytest.raises(InputError, match=match):
            run(tmp_path, [*inputs, other])


# --- in a run ------------------------------------------------------------------------------------


def held(segment: Segment, route: Any) -> Run:
    """A position bought at the second hour's opens, over settlements; decided at quotes."""
    schedule = {1: Decision((Leg(1, 1, 10**7),)), 12: Decision((Leg(1, -1, 3 * 10**7),))}
    return route(segment, twins.script(schedule, kinds=(EventKind.QUOTE,)))


@pytest.mark.parametrize("route", [backtest, replay])
@pytest.mark.parametrize("late_ms", [0, 3])
def test_settlements_are_the_same_with_and_without_it(
    late_ms: int, route: Any, tmp_path: Path
) -> None:
    inputs = files(tmp_path, late_ms)
    lines = [premium_line(k, close) for k, close in enumerate(closes())]
    path = premium_file(tmp_path / "premium", lines)
    rich = run(tmp_path, [*inputs, path], out="with").segment
    plain = run(tmp_path, inputs, rules="", out="without").segment
    runs = [held(segment, route) for segment in (rich, plain)]
    paid = [
        [{k: v for k, v in row.items() if k != "seq"} for row in twins.rows_of(one.exact.funding)]
        for one in runs
    ]
    assert paid[0] == paid[1]
    assert [row["rate"] for row in paid[0]] == [121_000, 122_000]
    assert [row["ts_ns"] for row in paid[0]] == [
        START + 8 * k * HOUR + late_ms * MS for k in (1, 2)
    ]
    assert [row["amount"] < 0 for row in paid[0]] == [True, False]  # long pays, short receives
    assert runs[0].exact.cash == runs[1].exact.cash
    assert [f["price"] for f in twins.rows_of(runs[0].exact.fills)] == [
        f["price"] for f in twins.rows_of(runs[1].exact.fills)
    ]
    rates = rates_of(rich)
    if not late_ms:
        # At an equal stamp the indicative rate comes first and the settlement has the last word.
        rows = rich.columns("funding")
        at = np.flatnonzero(rows["ts_ns"] == START + 8 * HOUR)
        assert rows["next_funding_ns"][at].tolist() == [0, START + 8 * HOUR]
        assert dict(rates)[START + 8 * HOUR] != rows["rate"][at[1]]
        assert at[0] + 1 == at[1]


def test_it_settles_nothing_alone_and_is_seen_to_move(tmp_path: Path) -> None:
    inputs = files(tmp_path)[:2]
    lines = [premium_line(k, close) for k, close in enumerate(closes())]
    path = premium_file(tmp_path / "premium", lines)
    mapping = MAPPING.replace("[funding]\ninput = 3\n", "")
    (tmp_path / "m.toml").write_text(mapping + "[premium]\ninput = 3\n")
    result = import_capture(
        "binance-vision", inputs=[*inputs, path], mapping=tmp_path / "m.toml", out=tmp_path / "seg"
    )
    assert len(held(result.segment, backtest).exact.funding) == 0

    seen: list[tuple[str, int, int]] = []

    class Watch(twins.Script):
        log = []  # noqa: RUF012
        event_kinds = (EventKind.QUOTE, EventKind.FUNDING)

        def on_market(self, event, ctx):
            book = ctx.book("BTCUSDT-PERP")
            assert book.mark == book.next_funding_ns == 0
            seen.append((type(event).__name__, ctx.now_ns, book.funding_rate))

    backtest(result.segment, Watch())
    expected = naive.indicative([(START + k * HOUR, c) for k, c in enumerate(closes())], HOUR)[:-1]
    # The close of the same time asks for a decision when the rate is known.
    assert seen == [(kind, *row) for row in expected for kind in ("FundingEvent", "QuoteEvent")]


# --- the formula ---------------------------------------------------------------------------------

PERP = Instrument(
    symbol="BTCUSDT-PERP",
    venue="binance-usdm",
    venue_symbol="BTCUSDT",
    kind=InstrumentKind.PERP,
    price_exponent=-8,
    qty_exponent=-8,
    currency="USDT",
    base="BTC",
)
MINUTES = st.integers(-(10**8), 10**8) | st.integers(-100_000, 100_000)


@settings(max_examples=examples(60), deadline=None)
@given(
    bars=st.lists(st.tuples(st.integers(1, 3), MINUTES), min_size=1, max_size=40),
    first=st.integers(0, 100),
    step=st.sampled_from([1, 5, 15]),
    every=st.sampled_from([30, 60, 240, 480]),
    interest=st.sampled_from(["0.0001", "0", "0.00007"]),
)
def test_rates_equal_the_twin(
    bars: list[tuple[int, int]], first: int, step: int, every: int, interest: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    minute = 60 * 10**9
    places = first + np.cumsum([more for more, _ in bars])
    opened = START + places.astype(np.int64) * step * minute
    close = np.array([value for _, value in bars])
    time = TimeColumn("open_time", "ms")
    leg = LegMapping(PERP, 0, time, {}, Fraction(1), Fraction(1), Fraction(0), is_premium=True)
    with Store(tmp_path_factory.getbasetemp()) as store:
        series = Series(leg, store)
        line = np.arange(len(bars))
        prices = dict.fromkeys(("open", "high", "low", "close"), close)
        none = {"volume": line * 0, "size": line * 0}
        series.append({"open_ns": opened, **prices, **none, "line": line})
        made = IndicativeRates(store, series, step * minute, every * minute, Fraction(interest))
        found = list(zip(made.column("at_ns").tolist(), made.column("rate").tolist(), strict=True))
    texts = [f"{value}e-8" for value in close.tolist()]
    wanted = zip(opened.tolist(), texts, strict=True)
    assert found == naive.indicative(list(wanted), step * minute, every * minute, interest)


def test_halves_go_to_even() -> None:
    """By hand: 0.001 and 0.00100001 weigh 1 and 2, less the clamp; and a clamped interest."""
    bars = [(0, "0.00100001"), (naive.HOUR_NS, "0.00100001"), (2 * naive.HOUR_NS, "0.00100002")]
    rates = [rate for _, rate in naive.indicative(bars, naive.HOUR_NS)]
    assert rates == [50_001, 50_001, 50_002]  # the last is 50_001.5
    assert naive.indicative([(0, "0.0002")], naive.HOUR_NS) == [(naive.HOUR_NS, 10_000)]
    assert naive.indicative([(0, "-0.0007")], naive.HOUR_NS) == [(naive.HOUR_NS, -20_000)]
