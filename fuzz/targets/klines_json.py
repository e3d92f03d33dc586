"""Archives of klines: values edited, rows and faults as the naive reading; bytes edited."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes, edit_json
from fuzz.targets.bars_csv import compare, expected, faults
from quantlaxmi.errors import InputError
from quantlaxmi.importers import ImportResult, import_klines_json
from tests.naive.bars_lines import Leg, Refused, Rules
from tests.naive.kline_lists import Klines

ALLOWED = (InputError,)
MAPPING = b'half_spread_bps = 1\nbase = "BTC"\n[spot]\nsymbol = "BTCUSDT"\n'
TOKENS = (
    *(word for word in WORDS if len(word) < 1000),
    b"[[", b"]]", b"],[", b'"1"', b"1704067200000", b"1704067200000000", b"BTCUSDT", b"ETHUSDT",
    b"ustar", b"\x1f\x8b", b"PaxHeader", b"0000644", b"L", b"2", b"\x80\0\0\0\0\0\0\1",
)  # fmt: skip
START_MS = 1_704_067_200_000


def kline(hour: int, step_s: int, micro: bool) -> list[Any]:
    """A clean kline."""
    unit = 1000 if micro else 1
    opened = (START_MS + hour * step_s * 1000) * unit
    price = 100 + hour % 5
    texts = [f"{price}.5", f"{price + 2}", f"{price - 1}.00", f"{price + 1}", f"{hour % 3}.25"]
    return [opened, *texts, opened + step_s * 1000 * unit - 1, "0", 1, "0", "0", "0"]


def one(draw: Draw) -> None:
    n, step_s = draw.pick((2, 6, 14)), draw.pick((3600, 60, 86_400))
    klines = [kline(hour, step_s, hour >= n // 2 > draw.number(2)) for hour in range(n)]
    cut = draw.number(n + 1)
    months: list[Any] = [part for part in (klines[cut:], klines[:cut]) if part]
    for _ in range(draw.number(4)):
        month = draw.pick(months)
        k = draw.number(len(month))
        month[k] = edit_json(draw, month[k], 2)
    if draw.number(8) == 0:
        months[0] = edit_json(draw, months[0])
    folder = Path(tempfile.mkdtemp(dir=scratch.folder()))
    try:
        texts = [json.dumps(month).encode() for month in months]
    except RecursionError:
        return
    try:
        how = draw.number(8)
        if how < 6:
            check(folder, packed(draw, texts), months)
        elif how == 6:
            texts[0] = edit_bytes(draw, texts[0], TOKENS, 4)
            imported(folder, packed(draw, texts))
        else:
            imported(folder, edit_bytes(draw, packed(draw, texts), TOKENS, 4))
    finally:
        shutil.rmtree(folder)


def packed(draw: Draw, texts: list[bytes]) -> bytes:
    """One file of them: a tar, or the text alone where there is one."""
    made = io.BytesIO()
    if len(texts) == 1 and draw.number(2):
        made.write(texts[0])
    else:
        style = draw.pick((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
        names = [draw.pick(("BTCUSDT/1h", "x", "BTCUSDT/" + "y" * 110))] * len(texts)
        if draw.number(8) == 0:
            names[0] = "BTCUSDT/1m"
        with tarfile.open(fileobj=made, mode="w", format=style) as archive:
            for k, (name, text) in enumerate(zip(names, texts, strict=True)):
                member = tarfile.TarInfo(f"{name}/{k}.json")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
    data = made.getvalue()
    data = data[: len(data.rstrip(b"\0")) // 512 * 512 + 1536]  # little but zeros follows
    return gzip.compress(data, mtime=0) if draw.number(4) == 0 else data


def imported(folder: Path, data: bytes) -> ImportResult:
    """Import a file; every kline must be accounted for."""
    path, rules, out = folder / "klines.bin", folder / "m.toml", folder / "seg"
    path.write_bytes(data)
    rules.write_bytes(MAPPING)
    try:
        result = import_klines_json([path], out, mapping=rules, max_quarantine=Fraction(1))
    except InputError:
        assert len(list(folder.iterdir())) == 2
        raise
    assert result.lines == result.message_lines + result.quarantined
    assert len(faults(result)) == result.quarantined
    return result


def check(folder: Path, data: bytes, months: list[Any]) -> None:
    """Import and hold everything equal to the naive reading."""
    try:
        result = imported(folder, data)
    except InputError as error:
        # Folders, names and what is no list are matters of the archive, which has no twin.
        if any(word in str(error) for word in ("folders", "no JSON array", "cannot be read")):
            raise
        result = None
    try:
        if not all(isinstance(month, list) for month in months) or not any(months):
            raise Refused("no klines")
        reader = Klines(Rules([Leg({})]))
        found = reader.read(months)
        wanted = expected(found, reader.rules.interval_ns)
    except Refused as reason:
        assert result is None, f"was taken, expected a refusal: {reason}"
        raise InputError("klines", "was refused") from None
    assert result is not None, "was refused, expected to be taken"
    compare(result, found, wanted)
