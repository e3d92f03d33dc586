"""Command lines with a place for a file, one for each option that names one."""

from __future__ import annotations

from typing import NamedTuple

from tests.import_samples import SAMPLES


class Case(NamedTuple):
    """A command line with a place for the file, ``{}``; nothing valid is computed by it.

    ``{folder}`` is the file's folder. ``empty`` is what is said of an empty file; of one that will
    do, what stops the command next.
    ``folder`` and ``none`` are what is said of a folder and of nothing; "-" where it will do.
    """

    line: str
    name: str
    empty: str
    folder: str = "file: is a folder; expected a"
    none: str = "file: cannot be read: No such file or directory"


RUN = "--segment-dir nowhere --strategy basis_capture"
_NEXT = "nowhere: is not a folder"
_SWEEP = "sweep-gates --segments nowhere --strategies basis_capture"
_NO_SEGMENT = "--segments: was 'nowhere', which matches no segment"
_NO_CATALOG = "file: is no catalog: it has no catalog.json"
_CSV_FOLDER = "file: has no file that ends in one of .csv"


def _run_cases(command: str, more: str = "") -> dict[str, Case]:
    run = f"{command} {RUN}{more}"
    options = ("--config", "--costs", "--risk", "--latency")
    cases = {f"{command} {o}": Case(f"{run} {o} {{}}", "x.toml", _NEXT) for o in options}
    line = f"{command} --segment-dir nowhere --strategy {{}}:Mine{more}"
    return cases | {f"{command} --strategy": Case(line, "x.py", "file: has no class 'Mine'")}


def _import_case(kind: str, **more: str) -> Case:
    sample = SAMPLES[kind]
    line = f"import --format {sample.format} --out out --input {{}}"
    line += " --mapping {kind}.toml" * bool(sample.mapping)
    return Case(line.replace("{kind}", kind.replace(" ", "-")), sample.name,
                "file: is empty; expected", **more)  # fmt: skip


CASES = {
    **_run_cases("backtest"),
    **_run_cases("replay"),
    **_run_cases("run-gates", " --gates g2"),
    **{
        f"sweep-gates {option}": Case(f"{_SWEEP} --catalog cat {option} {{}}", "x.toml", none)
        for option, none in (
            ("--config", _NO_SEGMENT), ("--costs", _NO_SEGMENT), ("--latency", _NO_SEGMENT),
            ("--policy", _NO_SEGMENT), ("--risk", _NO_SEGMENT),
            ("--grid", r"x.toml \(strategy\): is missing"),
        )
    },
    "sweep-gates --convert": Case(
        f"{_SWEEP.replace('nowhere', 'seg')} --catalog cat --convert EUR={{}}", "x.csv",
        r"x.csv \(line 1\): was ''",
    ),
    "sweep-gates --catalog": Case(
        "sweep-gates --segments seg --strategies basis_capture --catalog {}", "x",
        "file: cannot be made", "-", "-",
    ),
    "sweep-report --catalog": Case("sweep-report --catalog {}", "x", *[_NO_CATALOG] * 3),
    "catalog --catalog": Case("catalog info --catalog {}", "x", *[_NO_CATALOG] * 3),
    "run-gates --policy": Case(f"run-gates {RUN} --gates g2 --policy {{}}", "x.toml", _NEXT),
    "run-gates --checkpoint": Case(
        "run-gates --segment-dir seg --strategy basis_capture --gates g2 --checkpoint {}", "x.json",
        "file: is not a gate checkpoint; name another file",
    ),
    "run-gates --grid": Case(
        "run-gates --segment-dir seg --strategy basis_capture --gates g2 --grid {}", "x.toml",
        r"x.toml \(strategy\): is missing", "x.toml: is a folder; expected a",
        "x.toml: cannot be read: No such file or directory",
    ),
    "run-gates --segment-dir": Case(
        "run-gates --segment-dir {} --strategy basis_capture --gates g2", "x",
        "file: is not a folder", "file: is not a segment: it has no segment.json",
        "file: is not a folder",
    ),
    "report --report": Case(
        "report html --segment-dir seg --out page.html --report {}", "x.json",
        "file: is not a gate report",
    ),
    "report --convert": Case(
        "report html --segment-dir seg --out page.html --report g2.json --convert {}", "x.csv",
        r"x.csv \(line 1\): was ''",
    ),
    "compare FIRST": Case("compare {} g2.json", "x.json", "file: is not a gate report"),
    "compare SECOND": Case("compare g2.json {}", "x.json", "file: is not a gate report"),
    "verify-report --report": Case(
        "verify-report --segment-dir seg --report {}", "x.json", "file: is not a gate report",
    ),
    "verify-report --policy": Case(
        "verify-report --segment-dir nowhere --report none.json --policy {}", "x.toml", _NEXT,
    ),
    "bindings --report": Case(
        "bindings verify --bind . --report {}", "x.json", "file: is not a gate report",
    ),
    "verify-report --config": Case(
        f"verify-report {RUN} --report none.json --config {{}}", "x.toml", _NEXT,
    ),
    "verify-report --strategy": Case(
        "verify-report --segment-dir seg --report none.json --strategy {}:Mine", "x.py",
        "file: has no class 'Mine'",
    ),
    "run-gates --convert": Case(
        "run-gates --segment-dir seg --strategy basis_capture --gates g2 --convert {}", "x.csv",
        r"x.csv \(line 1\): was ''",
    ),
    "run-gates --convert, of a currency": Case(
        "run-gates --segment-dir seg --strategy basis_capture --gates g2 --convert USDC={}",
        "x.csv", r"x.csv \(line 1\): was ''",
    ),
    "verify-report --convert": Case(
        "verify-report --segment-dir seg --report g2.json --convert {}", "x.csv",
        r"x.csv \(line 1\): was ''",
    ),
    "strategies --config": Case(
        "strategies check basis_capture --segment-dir nowhere --config {}", "x.toml", _NEXT,
    ),
    "strategies --costs": Case(
        "strategies check basis_capture --segment-dir nowhere --costs {}", "x.toml", _NEXT,
    ),
    "strategies check NAME": Case(
        "strategies check {}:Mine --segment-dir nowhere", "x.py", "file: has no class 'Mine'",
    ),
    "strategies show NAME": Case("strategies show {}:Mine", "x.py", "file: has no class 'Mine'"),
    "verify-parity --original": Case(
        "verify-parity --original {} --replay none.json", "x.json", "file: does not end with",
    ),
    "verify-parity --replay": Case(
        "verify-parity --original a.json --replay {}", "x.json", "file: does not end with",
    ),
    "verify-parity --original, arrow": Case(
        "verify-parity --original {} --replay none.json", "x.arrow", "file: is empty",
    ),
    "calibrate --checkpoint": Case(
        "calibrate --runs 1 --checkpoint {}", "x", "file: cannot be made",
        "-", "file: cannot be made",
    ),
    "calibrate --checkpoint, held": Case(
        "calibrate --runs 1 --checkpoint {folder}", "calibration.jsonl",
        "file: is not a calibration's checkpoint; name another folder",
    ),
    "import --spot": Case(
        "import --format binance-stream --out out --spot {}", "x.gz", "file: is empty; expected",
    ),
    "import --perp": Case(
        "import --format binance-stream --out out --perp {}", "x.gz", "file: is empty; expected",
    ),
    "import --input, binance-csv": _import_case("binance-csv trade", folder=_CSV_FOLDER),
    "import --input, binance-vision": _import_case("binance-vision aggTrades", folder=_CSV_FOLDER),
    "import --input, klines": _import_case("binance-vision klines", folder=_CSV_FOLDER),
    "import --input, tardis": _import_case("tardis quotes", folder=_CSV_FOLDER),
    "import --input, klines-json": _import_case("klines-json"),
    "import --input, ohlcv": _import_case("ohlcv json"),
    "import --input, ohlcv feather": _import_case("ohlcv feather"),
    "import --input, kraken": _import_case("kraken", folder=_CSV_FOLDER),
    "import --input, lean": _import_case("lean", folder=_CSV_FOLDER),
    "import --input, okx": _import_case("okx trades", folder=_CSV_FOLDER),
    "import --input, okx candles": _import_case("okx candles", folder=_CSV_FOLDER),
    "import --input, okx candles json": _import_case("okx candles json", folder=_CSV_FOLDER),
    "import --input, bybit": _import_case("bybit trading", folder=_CSV_FOLDER),
    "import --input, bybit book": _import_case("bybit book json", folder=_CSV_FOLDER),
    "import --input, bars": _import_case("bars csv"),
    "import --input, bars parquet": _import_case("bars parquet"),
    **{
        f"import --mapping, {form}": Case(
            f"import --format {form} --out out --input none.csv --mapping {{}}", "x.toml",
            told,
        )
        for form, told in (
            ("bars", r"x.toml \(interval\): is missing"), ("klines-json", "file: names no bars"),
            ("binance-vision", "file: names no bars"),
            ("tardis", r"x.toml \(instruments\): is missing"),
        )
    },
}  # fmt: skip
