"""``import --format bars`` without a mapping, and the mapping that it explains."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantlaxmi.cli import main_crypto
from quantlaxmi.segment import open_segment
from tests.importers.test_frame import frame_of, on_disk


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with bars.csv, and one with the same under other names."""
    monkeypatch.chdir(tmp_path)
    on_disk(frame_of(), tmp_path)
    return tmp_path


IMPORT = "import --format bars --input bars.csv --symbol BTCUSDT"


def run(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main_crypto(line.split())
    return (code, *capsys.readouterr())


def test_import_recognises_columns(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(f"{IMPORT} --out a", capsys)
    assert (code, err) == (0, "")
    assert open_segment("a").digest in out


@pytest.mark.parametrize(
    "more",
    [
        "",
        "--currency USDT --base BTC --venue binance --interval 1h",
        "--half-spread-bps 0.5 --share 0.25 --round --kind perp",
    ],
)
def test_import_with_the_explained_mapping_is_the_same(
    more: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(f"{IMPORT} --out a --explain-mapping {more}", capsys)
    assert (code, err) == (0, "")
    assert out.startswith(f'# a, digest {open_segment("a").digest}\ninterval = "1h"\n')
    Path("m.toml").write_text(out)
    code, _, err = run("import --format bars --input bars.csv --mapping m.toml --out b", capsys)
    assert (code, err) == (0, "")
    first, again = (open_segment(name) for name in "ab")
    assert first.digest == again.digest
    assert first.manifest.notes == again.manifest.notes
    assert first.instruments == again.instruments


def test_import_of_a_pair_with_the_explained_mapping(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "other").mkdir()
    on_disk(frame_of(seed=2), here / "other")
    pair = "import --format bars --input bars.csv --input other/bars.csv"
    line = f"{pair} --symbol BTCUSDT --kind spot,perp --out a --explain-mapping"
    code, out, err = run(line, capsys)
    assert (code, err) == (0, "")
    Path("m.toml").write_text(out)
    assert run(f"{pair} --mapping m.toml --out b", capsys)[0] == 0
    assert open_segment("a").digest == open_segment("b").digest


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "import --format bars --input bars.csv --out a",
            "import: needs --mapping FILE for bars, or --symbol NAME where",
        ),
        (
            f"{IMPORT} --mapping m.toml --out a",
            "--mapping: was given with --symbol; expected one of the two",
        ),
        (
            f"{IMPORT} --interval 7x --out a",
            "interval: was '7x'; expected a length such as 1m, 4h, 1d",
        ),
        (f"{IMPORT} --kind swap --out a", "kind: was 'swap'; expected spot or perp"),
        (
            f"{IMPORT} --kind spot,perp --out a",
            "kind: was spot,perp; 1 table of bars was given for 2 kinds",
        ),
        (
            f"{IMPORT} --half-spread-bps 0 --out a",
            "bars (half_spread_bps): was '0', expected a decimal",
        ),
        (
            "import --format bars --input bars.csv --currency USD --out a",
            "--currency: was given without --symbol; expected both",
        ),
        (
            "import --format tardis --input bars.csv --symbol BTCUSDT --out a",
            "--symbol: is not for tardis; expected --format bars",
        ),
        (
            "import --format tardis --input bars.csv --explain-mapping --out a",
            "--explain-mapping: needs --format bars and --symbol NAME",
        ),
        ("import --format bars --input none.csv --symbol BTCUSDT --out a", "none.csv: "),
    ],
)
def test_import_symbol_refusals(
    line: str, sentence: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(line, capsys)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert not Path("a").exists()
