"""Verdicts on real data: every shared file at several settings, with edge, p's, seconds and why.

    python benchmarks/real_verdicts.py [--work DIR] [--threads N] [--only TEXT]

It needs the real data (``QUANTLAXMI_REAL_DATA``); what is not there is left out and said so. The
work folder keeps segments, and one JSON file for each finished row, so that the next call goes on
there. Standard output is one line of JSON a row, then the table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import PERP, REAL_DATA, ROOT, SPOT, WORK

from quantlaxmi.errors import QuantlaxmiError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.importers import import_bars, import_capture, import_klines_json
from quantlaxmi.report import GateReport, run_gates
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import StrategyRegistry

#: Of the row's file; another layout makes the rows anew.
FORMAT = 1
CRYPTO, REFERENCE = REAL_DATA / "crypto", REAL_DATA / "reference"
DAILY = CRYPTO / "spot_perp_1d_2021_2024"
EXAMPLES = ROOT / "examples"
BASIS, CARRY = "basis_capture", f"{EXAMPLES / 'funding_carry.py'}:Carry"
MAKER = f"{EXAMPLES / 'passive_maker_numba.py'}:Maker"
TREND = f"{EXAMPLES / 'sma_trend_numba.py'}:Trend"

HOURLY_PAIR = """
interval = "1h"
venue = "binance"
currency = "USDT"
base = "BTC"
half_spread_bps = "0.5"
size = "100"
max_jump_bps = "5"
time = { column = "Timestamp", zone = "UTC" }
spot = { symbol = "BTCUSDT", open = "spot_open", close = "spot_close" }
perp = { venue = "binance-usdm", symbol = "BTCUSDT", open = "perp_open", close = "perp_close" }
[funding]
rate = "funding_rate"
mark = "funding_markPrice"
times = "8"
every = "8h"
"""
_DAY = 'symbol = "BTCUSDT", open = "open", close = "close", volume = "volume"'
DAILY_PAIR = f"""
interval = "1d"
venue = "binance"
currency = "USDT"
base = "BTC"
half_spread_bps = "1"
time = {{ column = "open_time" }}
spot = {{ input = 1, {_DAY} }}
perp = {{ input = 2, venue = "binance-usdm", {_DAY} }}
[funding]
input = 3
rate = "funding_rate"
mark = "mark_price"
every = "8h"
time = {{ column = "funding_time" }}
"""


def single(symbol: str, interval: str, more: str = "", columns: str = "lower", **time_: str) -> str:
    """Mapping of a file with the bars of one instrument."""
    names = ("Open", "Close") if columns == "upper" else ("open", "close")
    column = "".join(f', {key} = "{value}"' for key, value in time_.items())[2:]
    return f"""
interval = "{interval}"
half_spread_bps = "1"
{more}
time = {{ {column} }}
spot = {{ symbol = "{symbol}", open = "{names[0]}", close = "{names[1]}" }}
"""


KLINES = 'venue = "binance"\nbase = "{0}"\nhalf_spread_bps = "1"\nspot = {{ symbol = "{0}USDT" }}\n'
PLAIN = 'currency = "USD"\nbase = "{}"\nsize = "100000"\n'
GOOG = """skip_lines = 1
gap = "next_bar"
columns = ["date", "Open", "High", "Low", "Close", "Volume"]
"""
#: Of markets that no dated table has: 1 bp a fill, and a year's interest on what is sold short.
FEES = '[spot]\nmaker_bps = "1"\ntaker_bps = "1"\nmin_notional = "0"\nborrow_bps = "100"\n'


@dataclass(frozen=True, slots=True)
class Market:
    """A file or some, as one segment.

    Attributes
    ----------
    name : str
    inputs : tuple of Path
    make : callable
        Called with inputs and the new segment's folder.
    fees : str
        TOML of costs, where no dated table has them.
    """

    name: str
    inputs: tuple[Path, ...]
    make: Callable[[tuple[Path, ...], Path], object]
    fees: str = ""

    def segment(self, work: Path) -> Path:
        """The segment's folder, made where it is not."""
        path = work / "segments" / self.name
        try:
            open_segment(path, verify="manifest")
        except QuantlaxmiError:
            shutil.rmtree(path, ignore_errors=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            self.make(self.inputs, path)
        return path

    def costs(self, work: Path) -> CostModel | None:
        """The costs of a run, where they are not those of the tables."""
        if not self.fees:
            return None
        file = work / "segments" / f"{self.name}-costs.toml"
        file.write_text(self.fees)
        return CostModel.load(file)


def bars(name: str, mapping: str, *inputs: Path, klines: bool = False, fees: str = "") -> Market:
    """A market of bars."""

    def make(inputs: tuple[Path, ...], out: Path) -> None:
        rules = out.parent / f"{name}.toml"
        rules.write_text(mapping)
        importer = import_klines_json if klines else import_bars
        importer(list(inputs), out, mapping=rules)

    return Market(name, inputs, make, fees)


def capture(name: str, **files: Path) -> Market:
    """A market of recorded streams."""

    def make(inputs: tuple[Path, ...], out: Path) -> None:
        import_capture("binance-stream", out=out, **dict(zip(files, inputs, strict=True)))

    return Market(name, tuple(files.values()), make)


def trends(seconds: int, *pairs: str, **more: str) -> list[tuple[str, dict[str, str]]]:
    """The trend follower with some lengths of its means."""
    made = []
    for pair in pairs:
        fast, slow = pair.split("/")
        sets = {"fast": fast, "slow": slow, "every_seconds": str(seconds), **more}
        made.append((TREND, sets))
    return made


def basis(*pairs: str) -> list[tuple[str, dict[str, str]]]:
    """`basis_capture` with some thresholds."""
    made = []
    for pair in pairs:
        enter, leave = pair.split("/")
        made.append((BASIS, {"threshold_bps": enter, "exit_threshold_bps": leave}))
    return made


def makers(symbol: str) -> list[tuple[str, dict[str, str]]]:
    """The passive maker at two paces."""
    return [(MAKER, {"symbol": symbol, "least_rest_ms": rest}) for rest in ("100", "1000", "5000")]


SPOT_SYMBOL, PERP_SYMBOL = "BTCUSDT", "BTCUSDT-PERP"
US = CRYPTO / "binance_capture_2023_04_us" / "usdm" / "btcusdt_20230404.dat.gz"
CASES: tuple[tuple[Market, list[tuple[str, dict[str, str]]]], ...] = (
    (
        bars("hourly-pair", HOURLY_PAIR, CRYPTO / "spot_perp_1h_funding" / "BTCUSDT_1h.csv"),
        [
            *basis("5/2.5", "3/0", "10/0"),
            (CARRY, {}),
            (CARRY, {"close": "true"}),
            (CARRY, {"every_hours": "720"}),
            *trends(3600, "12/96", symbol=PERP_SYMBOL),
        ],
    ),
    (
        bars(
            "daily-pair",
            DAILY_PAIR,
            DAILY / "spot_BTCUSDT_1d_20210101_20241231.csv",
            DAILY / "perp_BTCUSDT_1d_20210101_20241231.csv",
            DAILY / "funding_BTCUSDT_20210101_20241231.csv",
        ),
        [
            *basis("5/2.5", "10/0"),
            (CARRY, {}),
            *trends(86_400, "5/20", "10/50", symbol=PERP_SYMBOL),
        ],
    ),
    (
        bars(
            "goog-daily",
            single("GOOG", "1d", PLAIN.format("GOOG") + GOOG, "upper", column="date"),
            REFERENCE / "backtesting_py" / "GOOG.csv",
            fees=FEES,
        ),
        trends(86_400, "10/20", "5/20", "20/100", size="10"),
    ),
    (
        bars(
            "btc-1m",
            single("BTC", "1m", PLAIN.format("BTC"), column="timestamp"),
            CRYPTO / "nautilus" / "btc-perp-20211231-20220201_1m.csv",
            fees=FEES,
        ),
        trends(60, "12/96", "60/240", "5/20"),
    ),
    *(
        (
            bars(
                f"{coin.lower()}-klines",
                KLINES.format(coin),
                CRYPTO / "binance_spot_klines" / f"{coin}USDT_1h.tar.gz",
                klines=True,
            ),
            trends(3600, "12/96", "24/192", "6/48", size=size),
        )
        for coin, size in (("BTC", "0.01"), ("SOL", "1"))
    ),
    (capture("capture-2024", spot=SPOT, perp=PERP), basis("5/2.5", "4/3.5", "4.5/3")),
    (capture("capture-2024-perp", perp=PERP), [*makers(PERP_SYMBOL), *trends(1, "12/48")]),
    (capture("capture-2024-spot", spot=SPOT), [*makers(SPOT_SYMBOL), *trends(1, "12/48")]),
    (capture("capture-2023", perp=US), [*makers(PERP_SYMBOL), *trends(1, "12/48")]),
)


def described(strategy: str, sets: dict[str, str]) -> str:
    """Strategy and settings in a few words."""
    name = Path(strategy.partition(":")[0]).stem
    return " ".join([name, *(f"{key}={value}" for key, value in sets.items())])


def p_of(result: dict[str, Any] | None) -> str:
    """The p of a result, or of what stopped the draws."""
    if result is None:
        return ""
    counts = result["monte_carlo"]
    p = result["details"].get("p_value") if counts is None else counts["p_value"]
    if p is None:
        return ""
    return ("> " if counts is not None and counts["stopped"] else "") + f"{p:.3g}"


def why(results: list[dict[str, Any]], verdict: str) -> str:
    """The reasons of the results that decided."""
    deciding = [one for one in results if one["role"] != "diagnosis"]
    wanted = [one for one in deciding if one["verdict"] == verdict]
    if verdict == "PASS":
        wanted = [one for one in deciding if one["gate"] in ("equity", "premium")]
        wanted = [one for one in wanted if one["verdict"] == "PASS"]
    return " ".join(f"{one['gate']}: {' '.join(one['reasons'])}" for one in wanted)


def row_of(report: GateReport) -> dict[str, Any]:
    """What the table has of a report."""
    suite = report.suites["g2"]
    results = {one["gate"]: one for one in suite["results"]}
    net = results["net_positive"]["details"]
    return {
        "verdict": report.verdict,
        "edge": suite["edge"],
        "net": net.get("net"),
        "trips": net.get("trips"),
        "equity": p_of(results.get("equity")),
        "market_null": p_of(results.get("market_null")),
        "random_entry": p_of(results.get("random_entry.matched")),
        "premium": results["premium"]["verdict"],
        "why": why(suite["results"], report.verdict),
        "report_hash": report.report_hash,
    }


def judge(
    market: Market, work: Path, strategy: str, sets: dict[str, str], threads: int | None
) -> dict[str, Any]:
    """One row: import is not timed, the run and its gates are."""
    path, costs = market.segment(work), market.costs(work)
    made = StrategyRegistry().create(strategy, sets=[f"{k}={v}" for k, v in sets.items()])
    wall, busy = time.perf_counter(), time.process_time()
    report = run_gates(path, made, costs=costs, threads=threads)
    seconds = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - busy}
    return row_of(report) | {name: round(value, 1) for name, value in seconds.items()}


def rows(work: Path, threads: int | None, only: str) -> Iterator[dict[str, Any]]:
    """Every row, from its file where it was made before."""
    for market, tried in CASES:
        absent = [one.name for one in market.inputs if not one.exists()]
        for strategy, sets in tried:
            name = f"{market.name} {described(strategy, sets)}"
            if only not in name:
                continue
            if absent:
                yield {"name": name, "absent": ", ".join(absent)}
                continue
            file = work / f"{name.replace(' ', '_').replace('/', '-')}.json"
            kept = json.loads(file.read_text()) if file.exists() else {}
            if kept.get("format") != FORMAT:
                found = judge(market, work, strategy, sets, threads)
                kept = {"format": FORMAT, "name": name, **found}
                part = file.with_suffix(".part")
                part.write_text(json.dumps(kept))
                part.replace(file)
            print(f"{name}: {kept['verdict']}", file=sys.stderr, flush=True)
            yield kept


HEADS = (
    "market and strategy", "verdict", "net", "trips", "equity p", "market p", "random entry p",
    "premium", "CPU s", "why",
)  # fmt: skip


def table(found: list[dict[str, Any]]) -> Iterator[str]:
    """The rows as Markdown."""
    yield f"| {' | '.join(HEADS)} |"
    yield "|" + "---|" * len(HEADS)
    for row in found:
        if "absent" in row:
            yield f"| {row['name']} | not run: {row['absent']} is absent |" + " |" * 8
            continue
        edge = f" ({row['edge']})" if row["edge"] else ""
        keys = ("trips", "equity", "market_null", "random_entry", "premium", "cpu_seconds", "why")
        net = f"{float(row['net']):.6g}" if row["net"] is not None else ""
        cells = [row["name"], row["verdict"] + edge, net, *(str(row[key]) for key in keys)]
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Make what is missing, and print all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=WORK / "real-verdicts")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", default="", help="rows whose name has this text")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    found = list(rows(asked.work, asked.threads, asked.only))
    for row in found:
        print(json.dumps(row))
    print()
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
