"""``import``: recorded market data into a segment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.output import Progress, print_facts, print_json
from quantlaxmi.cli.run_files import check_new_folder
from quantlaxmi.cli.values import share, utc_text
from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    from quantlaxmi.importers import ImportResult

#: Notes, and gaps, that are printed; the longest gaps first.
_MAX_LINES = 10

USAGE = """
Turn recorded market data into a sealed segment.

Usage:
  {program} import --format NAME --out DIR [--spot FILE] [--perp FILE] [--input PATH]...
                 [--mapping FILE] [--underlying NAME] [--max-quarantine SHARE] [--strict]
                 [--json]

Options:
  --format NAME           binance-stream: lines of a receive stamp and a stream message
                            (--spot, --perp);
                          binance-csv: stream dumps, depth and trades (--input);
                          binance-vision: the public archive's bookTicker, aggTrades, trades and
                            fundingRate (--input), or its klines (--input, --mapping);
                          tardis: quotes, trades, book_snapshot_N, incremental_book_L2 and
                            derivative_ticker (--input);
                          bars: any CSV or Parquet of bars (--input, --mapping);
                          klines-json: archives of kline arrays (--input, --mapping);
                          ohlcv: lists of bars of ccxt and freqtrade, JSON or Feather; kraken: its
                            OHLCVT archive; lean: LEAN's trade bars (--input, --mapping);
                          okx: its trades (--input), or its candles (--input, --mapping);
                          bybit: trades and order books of its public archives (--input).
  --out DIR               Folder to create.
  --spot FILE             Capture of the spot market, plain or gzip.
  --perp FILE             Capture of the perpetual's market, plain or gzip.
  --input PATH            File, plain, gzip or zip, or for CSV ticks a folder of them; may be
                            repeated, for bars and klines in the mapping's order.
  --mapping FILE          TOML file: for bars and klines the columns, symbols and assumptions
                            (binance-vision's klines too), for tardis the instruments its files do
                            not describe.
  --underlying NAME       Symbol to expect, such as BTCUSDT; by default the one found.
  --max-quarantine SHARE  Most of the lines that may be refused, 0 to 1 [default: 0.01].
  --strict                Refuse the capture at its first faulty line.
  --json                  One JSON document instead of a table.
"""


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.importers import FORMATS, import_capture

    most = share("--max-quarantine", args["--max-quarantine"])
    name = args["--format"]
    if name not in FORMATS:
        raise InputError("--format", f"was {name[:40]!r}; expected one of {', '.join(FORMATS)}")
    check_new_folder("--out", args["--out"], [*args["--input"], args["--spot"], args["--perp"]])
    with Progress("importing") as progress:
        result = import_capture(
            name,
            inputs=args["--input"],
            spot=args["--spot"],
            perp=args["--perp"],
            mapping=args["--mapping"],
            out=args["--out"],
            underlying=args["--underlying"],
            strict=args["--strict"],
            max_quarantine=most,
            progress=progress,
        )
    _print_result(result, args["--json"])
    return 0


def _print_result(result: ImportResult, as_json: bool) -> None:
    manifest = result.segment.manifest
    if as_json:
        print_json(
            {
                "segment": str(result.segment.path),
                "digest": result.segment.digest,
                "lines": result.lines,
                "header_lines": result.header_lines,
                "message_lines": result.message_lines,
                "messages_by_kind": result.messages_by_kind,
                "quarantined": result.quarantined,
                "quarantine_reasons": result.quarantine_reasons,
                "gaps": len(manifest.gaps),
                "notes": list(manifest.notes),
                "text_bytes": result.text_bytes,
                "elapsed_s": result.elapsed_s,
            }
        )
        return
    print_facts(
        {
            "segment": str(result.segment.path),
            "digest": result.segment.digest,
            "lines": result.lines,
            **result.messages_by_kind,
            "quarantined": result.quarantined,
            **{f"  {reason}": n for reason, n in result.quarantine_reasons.items()},
            "gaps": len(manifest.gaps),
        }
    )
    longest = sorted(manifest.gaps, key=lambda gap: gap.start_ns - gap.end_ns)
    gaps = [
        f"a gap of {gap.table or 'all data'} of {gap.symbol or 'all'}, {utc_text(gap.start_ns)} to "
        f"{utc_text(gap.end_ns)}: {gap.reason}"
        for gap in longest
    ]
    for lines in (manifest.notes, gaps):
        for line in lines[:_MAX_LINES]:
            print(f"- {line}")
        if len(lines) > _MAX_LINES:
            print(f"- {len(lines) - _MAX_LINES:,} more of them: segment info shows all")
