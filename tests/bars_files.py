"""Small files of bars and mappings for tests."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

from quantlaxmi.importers import ImportResult, import_bars

HOUR = 3600 * 10**9
START = 1_704_067_200 * 10**9  # 2024-01-01
HEADER = "time,s_open,s_high,s_low,s_close,p_open,p_high,p_low,p_close,rate"
MAPPING = """
interval = "1h"
venue = "binance"
currency = "USDT"
base = "BTC"
half_spread_bps = "1"
size = "5"
[time]
column = "time"
unit = "s"
[spot]
symbol = "BTCUSDT"
open = "s_open"
high = "s_high"
low = "s_low"
close = "s_close"
[perp]
venue = "binance-usdm"
symbol = "BTCUSDT"
open = "p_open"
high = "p_high"
low = "p_low"
close = "p_close"
[funding]
rate = "rate"
every = "8h"
"""


def bar_line(hour: int, spot: tuple[str, str], perp: tuple[str, str], rate: str = "0.0001") -> str:
    """One line of HEADER; ``spot`` and ``perp`` are open and close."""

    def four(prices: tuple[str, str]) -> str:
        low, high = sorted(prices, key=Fraction)
        return f"{prices[0]},{high},{low},{prices[1]}"

    return f"{START // 10**9 + 3600 * hour},{four(spot)},{four(perp)},{rate}"


def random_lines(n: int, seed: int = 1) -> list[str]:
    """Bars of a walk whose basis wanders by some tens of basis points."""
    random, made = Random(seed), []
    spot, basis = 4_200_000, 0
    for hour in range(n):
        prices = []
        for _ in range(2):
            spot += random.randrange(-9_000, 9_001)
            basis = max(-20_000, min(20_000, basis + random.randrange(-6_000, 6_001)))
            prices.append((f"{spot / 100:.2f}", f"{(spot + basis) / 100:.2f}"))
        rate = f"{random.randrange(-300, 301) / 10**7:.7f}"
        made.append(
            bar_line(hour, (prices[0][0], prices[1][0]), (prices[0][1], prices[1][1]), rate)
        )
    return made


def write_files(
    tmp_path: Path, lines: list[str], mapping: str = MAPPING, header: str = HEADER, end: str = "\n"
) -> tuple[Path, Path]:
    """The CSV file and its mapping."""
    data, rules = tmp_path / "bars.csv", tmp_path / "mapping.toml"
    data.write_text("\n".join([header, *lines]) + end, encoding="utf-8")
    rules.write_text(mapping, encoding="utf-8")
    return data, rules


def run_import(tmp_path: Path, lines: list[str], **options: Any) -> ImportResult:
    """Import lines under HEADER to ``tmp_path / "seg"``."""
    files = {k: options.pop(k) for k in ("mapping", "header", "end") if k in options}
    data, rules = write_files(tmp_path, lines, **files)
    options.setdefault("max_quarantine", Fraction(1))
    return import_bars([data], tmp_path / "seg", mapping=rules, **options)


def rows_of(result: ImportResult) -> list[tuple[str, tuple[int, ...]]]:
    """Rows that are played, in order, as ``tests.naive.bars.quote_rows`` gives them."""
    found = []
    names = ["ts_ns", "instrument", "bid", "bid_qty", "ask", "ask_qty", "flags"]
    quotes, funding = (result.segment.columns(name) for name in ("quotes", "funding"))
    for k, seq in enumerate(quotes["seq"].tolist()):
        found.append((seq, "quotes", tuple(int(quotes[n][k]) for n in names)))
    for k, seq in enumerate(funding["seq"].tolist()):
        assert funding["next_funding_ns"][k] == funding["ts_ns"][k]
        found.append((seq, "funding", tuple(int(funding[n][k]) for n in ("ts_ns", "mark", "rate"))))
    of_bars = result.segment.columns("bars")["seq"].tolist()
    numbers = sorted([row[0] for row in found] + of_bars)
    assert numbers == list(range(len(numbers)))
    return [row[1:] for row in sorted(found)]
