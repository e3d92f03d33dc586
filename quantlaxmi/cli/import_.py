"""``import``: recorded market data into a segment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.output import Progress, print_facts, print_json, print_note
from quantlaxmi.cli.run_files import check_new_folder
from quantlaxmi.cli.values import share, utc_text
from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    from quantlaxmi.importers import ImportResult
    from quantlaxmi.importers.bars.terms import BarsTerms

#: Notes, and gaps, that are printed; the longest gaps first.
_MAX_LINES = 10

USAGE = """
Turn recorded market data into a sealed segment.

Usage:
  {program} import --format NAME --out DIR [--spot FILE] [--perp FILE] [--input PATH]...
                 [--mapping FILE] [--underlying NAME] [--max-quarantine SHARE] [--strict]
                 [--symbol NAME] [--kind KIND] [--interval SPAN] [--currency NAME] [--base NAME]
                 [--venue NAME] [--half-spread-bps BPS] [--share SHARE] [--size QTY]
                 [--calendar NAME] [--round] [--explain-mapping] [--json]
                 [--jobs N] [INPUT]...

Options:
  --format NAME           binance-stream: lines of a receive stamp and a stream message
                            (--spot, --perp);
                          binance-csv: stream dumps, depth and trades (--input);
                          binance-vision: the public archive's bookTicker, aggTrades, trades and
                            fundingRate (--input), or its klines (--input, --mapping);
                          tardis: quotes, trades, book_snapshot_N, incremental_book_L2 and
                            derivative_ticker (--input);
                          bars: any CSV or Parquet of bars (--input, and --symbol or --mapping);
                          klines-json: archives of kline arrays (--input, --mapping);
                          ohlcv: lists of bars of ccxt and freqtrade, JSON or Feather; kraken: its
                            OHLCVT archive; lean: LEAN's trade bars (--input, --mapping);
                          okx: its trades (--input), or its candles (--input, --mapping);
                          bybit: trades and order books of its public archives (--input);
                          nse-chain: folders of recorded option-chain snapshots of NSE (--input,
                            --underlying);
                          udiff: bhavcopies of NSE's derivatives (--input, --underlying; --mapping
                            assumes quotes);
                          kite-frames: recorded frames of Kite's ticker; upstox-json: lines of
                            Upstox's feed (--input, --mapping);
                          india-bars: minute bars of an index of NSE, its options and futures
                            (--input, --underlying; --mapping for options and futures).
  --out DIR               Folder to create.
  --spot FILE             Capture of the spot market, plain or gzip.
  --perp FILE             Capture of the perpetual's market, plain or gzip.
  --input PATH            File, plain, gzip or zip, or for CSV ticks a folder of them; may be
                            repeated, for bars and klines in the mapping's order.
  --mapping FILE          TOML file: for bars and klines the columns, symbols and assumptions
                            (binance-vision's klines too), for tardis and feeds the instruments
                            that their files do not describe.
  --underlying NAME       Symbol to expect, such as BTCUSDT; by default the one found. For
                            nse-chain, udiff and india-bars the index, such as NIFTY.
  --max-quarantine SHARE  Most of the lines that may be refused, 0 to 1 [default: 0.01].
  --strict                Refuse the capture at its first faulty line.
  --symbol NAME           Bars without a mapping: columns are recognised by their names. The
                            venue's symbol, or one an input with commas between.
  --kind KIND             spot or perp, of all inputs, or one an input with commas between
                            [default: spot].
  --interval SPAN         Length of a bar, such as 1m, 4h, 1d; by default the smallest step found.
  --currency NAME         Quote currency; by default the symbol's end.
  --base NAME             Asset that is traded; by default the symbol's beginning.
  --venue NAME            Name of the venue; by default bars.
  --half-spread-bps BPS   Assumed distance of bid and ask from the price; by default 1.
  --share SHARE           Share of a bar's volume that can be traded at once; by default 0.1.
  --size QTY              What can be traded at once, where there is no column of volume.
  --calendar NAME         Exchange whose closed times are no gaps, such as XNYS.
  --round                 Round prices of more than eight decimals.
  --explain-mapping       Print the mapping that was recognised, as TOML, and what was made as
                            comments of it.
  --jobs N                Import every --input and every INPUT to a segment of its own in the
                            folder of --out, in so many processes; a line each. What is there is
                            passed over; refused.jsonl next to them has what was refused.
  --json                  One JSON document instead of a table.

Exit codes: 0 imported, 1 with --jobs: an input was refused, 2 bad input.
"""


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.importers import FORMATS, import_capture

    most = share("--max-quarantine", args["--max-quarantine"])
    name = args["--format"]
    if name not in FORMATS:
        raise InputError("--format", f"was {name[:40]!r}; expected one of {', '.join(FORMATS)}")
    terms = _terms(args)
    if args["--jobs"] is not None:
        from quantlaxmi.cli.import_many import import_all

        return import_all(args, terms, most)
    if args["INPUT"]:
        raise InputError("INPUT", f"was {args['INPUT'][0]!r} without --jobs; expected --input")
    explained = ""
    if args["--explain-mapping"]:
        explained = _explained(name, args, terms)
    check_new_folder("--out", args["--out"], [*args["--input"], args["--spot"], args["--perp"]])
    with Progress("importing") as progress:
        result = import_capture(
            name,
            inputs=args["--input"],
            spot=args["--spot"],
            perp=args["--perp"],
            mapping=args["--mapping"],
            bars=terms,
            out=args["--out"],
            underlying=args["--underlying"],
            strict=args["--strict"],
            max_quarantine=most,
            progress=progress,
        )
    if explained and not args["--json"]:
        print(f"# {args['--out']}, digest {result.segment.digest}\n{explained}", end="")
    else:
        _print_result(result, args["--json"], explained)
    return 0


def _terms(args: dict[str, Any]) -> BarsTerms | None:
    """What the options tell of bars without a mapping; None where they tell nothing."""
    names = ("interval", "currency", "base", "venue", "calendar")
    told = {name: args[f"--{name}"] for name in names if args[f"--{name}"] is not None}
    costs = {
        name: args[f"--{name.replace('_', '-')}"]
        for name in ("half_spread_bps", "share", "size")
        if args[f"--{name.replace('_', '-')}"] is not None
    }
    if args["--symbol"] is None:
        given = [*told, *costs, *["round"] * args["--round"]]
        if given:
            option = f"--{given[0].replace('_', '-')}"
            raise InputError(option, "was given without --symbol; expected both")
        return None
    from quantlaxmi.importers.bars.terms import BarsTerms

    return BarsTerms(
        symbols=tuple(args["--symbol"].split(",")),
        kinds=tuple(args["--kind"].split(",")),
        costs=costs,
        round=args["--round"],
        **told,
    )


def _explained(name: str, args: dict[str, Any], terms: BarsTerms | None) -> str:
    """The mapping that is recognised, as TOML."""
    from quantlaxmi.importers.bars.recognised import mapping_text
    from quantlaxmi.importers.bars_csv_parquet import recognised

    if terms is None or name != "bars":
        raise InputError("--explain-mapping", "needs --format bars and --symbol NAME")
    return mapping_text(recognised([Path(path) for path in args["--input"]], terms))


def _print_result(result: ImportResult, as_json: bool, explained: str) -> None:
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
                **({"mapping": explained} if explained else {}),
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
            print_note(line)
        if len(lines) > _MAX_LINES:
            print_note(f"{len(lines) - _MAX_LINES:,} more of them: segment info shows all")
