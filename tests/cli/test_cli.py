"""Commands on real files: the road from a capture to a verdict, and every refusal on the way."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from quantlaxmi.cli import main_crypto, main_india
from tests.captures import perp_lines, spot_lines, write

DATA = Path(__file__).parents[2] / "data"
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """Run a command in an empty folder; exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(line: str, *words: object) -> tuple[int, str, str]:
        code = main_crypto([*line.split(), *map(str, words)])
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    """A copy of the edgeless segment that may be written to."""
    return Path(shutil.copytree(DATA / "edgeless", tmp_path / "seg"))


RUN = "--segment-dir seg --strategy basis_capture --set threshold_bps=6"


def test_cli_walks_the_road(cli: Cli, segment: Path, tmp_path: Path) -> None:
    sets = "--set threshold_bps=6 --set cooldown_ms=500"
    run = f"--segment-dir seg --strategy basis_capture {sets}"
    assert cli("segment verify --segment-dir seg")[0] == 0
    for route, name in (("backtest", "a.json"), ("replay", "b.json")):
        code, out, err = cli(f"{route} {run} --output-trace {name}")
        assert (code, err) == (0, "")
        assert "trace_hash" in out
    code, out, err = cli("verify-parity --original a.json --replay b.json")
    assert (code, err) == (0, "")
    assert out.startswith("PARITY_MATCH")
    before = sorted(p.name for p in segment.iterdir())
    code, out, err = cli(f"run-gates {run} --gates g2 --output-report g2.json")
    assert (code, err) == (1, "")
    assert "FAIL" in out
    assert json.loads((tmp_path / "g2.json").read_text())["suites"]["g2"]["passed"] is False
    assert sorted(p.name for p in segment.iterdir()) == before, "nothing is written unasked"
    code, out, err = cli("verify-report --report g2.json --segment-dir seg")
    assert (code, err) == (0, "")
    assert out.startswith("REPORT_MATCH")


def test_cli_json_is_one_document(cli: Cli, segment: Path) -> None:
    for line in (
        "segment info --segment-dir seg",
        "segment verify --segment-dir seg",
        "segment split --segment-dir seg --rows 20000 --out parts",
        "segment export --segment-dir seg --out parquet",
        f"backtest {RUN} --output-trace a.arrow",
        f"replay {RUN} --interpreted --output-trace b.arrow",
        "verify-parity --original a.arrow --replay b.arrow",
        "strategies",
        "strategies show basis_capture",
        f"run-gates {RUN} --gates g2",
    ):
        code, out, err = cli(f"{line} --json")
        assert err == ""
        assert code == (1 if line.startswith("run-gates") else 0), line
        assert json.loads(out)


def test_cli_tables_fit_what_is_in_them(cli: Cli, segment: Path) -> None:
    for line in (
        "segment info --segment-dir seg",
        "segment split --segment-dir seg --by-day --out parts",
        "segment export --segment-dir seg --out parquet",
        "strategies",
        "strategies show basis_capture",
    ):
        code, out, err = cli(line)
        assert (code, err) == (0, "")
        assert all(text == text.rstrip() for text in out.splitlines())


def test_cli_parity_broken_is_1_and_names_the_place(cli: Cli, segment: Path) -> None:
    assert cli(f"backtest {RUN} --output-trace a.json")[0] == 0
    assert cli(f"replay {RUN} --latency-ns 2000000 --output-trace b.json")[0] == 0
    code, out, err = cli("verify-parity --original a.json --replay b.json")
    assert (code, err) == (1, "")
    assert out.startswith("PARITY_BROKEN")


def test_cli_run_dir_holds_the_run(cli: Cli, segment: Path, tmp_path: Path) -> None:
    import pyarrow as pa

    assert cli(f"backtest {RUN} --run-dir run")[0] == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    with pa.memory_map(str(tmp_path / "run" / "attributions.arrow")) as source:
        table = pa.ipc.open_file(source).read_all()
    assert table.num_rows == summary["fills"]
    gross = sum(table["cash_effect"].to_pylist())
    assert isinstance(summary["net_pnl"], str)
    assert gross != 0
    code, _, err = cli(f"backtest {RUN} --run-dir run")
    assert code == 2
    assert "exists" in err


def test_cli_inconclusive_is_3(cli: Cli, segment: Path) -> None:
    code, out, _ = cli(f"run-gates {RUN} --set cooldown_ms=3000000 --gates g2")
    assert code in (1, 3)
    assert "INCONCLUSIVE" in out


def test_cli_imports_a_capture(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path / "s.txt", spot_lines(), packed=False)
    write(tmp_path / "p.gz", perp_lines(), packed=True)
    code, out, err = cli(
        "import --format binance-stream --spot s.txt --perp p.gz --out made --json"
    )
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert sum(said["messages_by_kind"].values()) + said["quarantined"] == said["lines"]
    assert cli("segment verify --segment-dir made")[0] == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import --format csv --spot s.txt --out o", "binance-stream"),
        ("import --format binance-stream --spot none.gz --out o", "none.gz"),
        ("import --format binance-stream --spot empty.txt --out o", "empty.txt"),
        ("import --format binance-stream --spot cut.gz --out o", "cut.gz"),
        ("import --format binance-stream --spot rubbish.txt --out o", "rubbish.txt"),
        ("import --format binance-stream --perp s.txt --out o", "spot"),
        ("import --format binance-stream --spot s.txt --out seg", "exists"),
        ("import --format binance-stream --out o", "--spot FILE"),
        ("import --format binance-stream --spot s.txt --out o --max-quarantine 2", "0 to 1"),
        ("segment verify --segment-dir nowhere", "nowhere"),
        ("segment info --segment-dir seg --rows 3", "segment split"),
        ("segment split --segment-dir seg --out o", "--by-day"),
        ("segment split --segment-dir seg --out o --rows x", "whole number"),
        ("segment export --segment-dir seg", "--out"),
        ("backtest --segment-dir seg --strategy nothing", "unknown strategy"),
        (f"backtest {RUN} --set treshold_bps=3", "did you mean threshold_bps?"),
        (f"backtest {RUN} --set threshold_bps=-1", "threshold_bps"),
        (f"backtest {RUN} --set threshold_bps", "key=value"),
        (f"backtest {RUN} --config none.toml", "none.toml"),
        (f"backtest {RUN} --costs none.toml", "none.toml"),
        (f"backtest {RUN} --latency-ns soon", "--latency-ns"),
        (f"backtest {RUN} --output-trace a.txt", ".json or .arrow"),
        (f"backtest {RUN} --output-trace none/a.json", "no folder"),
        ("backtest --segment-dir half --strategy basis_capture", "perp"),
        ("verify-parity --original none.json --replay none.json", "none.json"),
        (f"run-gates {RUN} --gates g4", "g4"),
        (f"run-gates {RUN} --gates g2 --threads 0", "--threads"),
        (f"run-gates {RUN} --gates g2 --policy none.toml", "none.toml"),
        ("verify-report --report none.json --segment-dir seg", "none.json"),
        ("demo --out seg", "exists"),
    ],
)
def test_cli_bad_input_is_one_line_and_2(
    cli: Cli, segment: Path, tmp_path: Path, line: str, said: str
) -> None:
    write(tmp_path / "s.txt", spot_lines())
    (tmp_path / "empty.txt").touch()
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"\n".join(spot_lines(400)))[:-20])
    (tmp_path / "rubbish.txt").write_text("no\nline\nof this\n")
    if "half" in line:
        assert cli("import --format binance-stream --spot s.txt --out half")[0] == 0
    code, out, err = cli(line)
    assert code == 2, (out, err)
    assert out == ""
    assert err.count("\n") == 1
    assert "internal error" not in err
    assert said in err
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("place", ["segment.json", "wal/quotes-000.arrows", "columns/quotes.arrow"])
def test_cli_names_the_file_of_the_segment_that_was_changed(
    cli: Cli, segment: Path, place: str
) -> None:
    target = segment / place
    held = bytearray(target.read_bytes())
    held[len(held) // 2] ^= 1
    target.chmod(0o644)
    target.write_bytes(held)
    code, out, err = cli("segment verify --segment-dir seg")
    assert (code, out) == (2, "")
    assert target.name in err


def test_cli_names_the_trace_or_report_that_was_changed(cli: Cli, segment: Path) -> None:
    assert cli(f"backtest {RUN} --output-trace a.json")[0] == 0
    assert cli(f"run-gates {RUN} --gates g2 --output-report g2.json")[0] == 1
    for name, line in (
        ("a.json", "verify-parity --original a.json --replay a.json"),
        ("g2.json", "verify-report --report g2.json --segment-dir seg"),
    ):
        held = Path(name).read_bytes()
        for at in range(5, len(held), max(1, len(held) // 7)):
            changed = bytearray(held)
            changed[at] ^= 1
            Path(name).write_bytes(changed)
            code, out, err = cli(line)
            assert (code, out) == (2, ""), at
            assert name in err
        Path(name).write_bytes(held)


def test_cli_india_reads_a_session_dir(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["segment", "info", "--session-dir", str(DATA / "planted"), "--json"]
    assert main_india(words) == 0
    assert json.loads(capsys.readouterr().out)["venue"] == "synthetic"
