"""Mappings of bars and of klines from TOML."""

from __future__ import annotations

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_toml
from quantlaxmi.errors import ConfigError
from quantlaxmi.importers.bars.mapping import load_mapping
from quantlaxmi.importers.bars.mapping_file import BarsFile, KlinesFile
from quantlaxmi.importers.bars.timestamps import BadStamp, stamp_reader
from tests.bars_files import MAPPING

ALLOWED = (ConfigError,)
SEEDS = (
    MAPPING.encode(),
    b'half_spread_bps = 0.5\nbase = "BTC"\nshare = "0.25"\n[spot]\nsymbol = "BTCUSDT"\n[perp]\n'
    b'input = 2\nsymbol = "BTCUSDT"\n',
    b'interval = "1d"\nsize = 1\nhalf_spread_bps = 1\ndelimiter = ";"\nmax_jump_bps = 5\n[time]\n'
    b'column = "t"\nunit = "%d.%m.%Y %H:%M"\nzone = "Europe/Berlin"\nstamp = "close"\n[perp]\n'
    b'symbol = "X"\ncurrency = "EUR"\ncontract_size = 0.01\nopen = "o"\nclose = "c"\nvolume = "v"\n'
    b'[funding]\nrate = "r"\n'
    b'times = 8\ninput = 2\ntime = { column = "s", unit = "ms" }\n',
)
TOKENS = (*WORDS, b"%Y", b"%z", b"%", b"%j", b"%U", b"%f", b"Asia/Tokyo", b"0x", b"true", b"ns")
STAMPS = (
    "", "2024-01-31 07:00:00", "0001-01-01 00:00", "9999-12-31 23:59:59.999999999",
    "31.12.9999 23:59", "01.01.0001 00:00", "1704067200", "1e400", "9" * 400, "\u0662",
    "2024-01-31T07:00+99:99", "x\0y",
)  # fmt: skip


def one(draw: Draw) -> None:
    klines = draw.number(3) == 0
    path = scratch.file("mapping.toml", edit_toml(draw, draw.pick(SEEDS), TOKENS))
    mapping = load_mapping(path, KlinesFile if klines else BarsFile)
    assert repr(load_mapping(path, KlinesFile if klines else BarsFile)) == repr(mapping)
    assert klines or mapping.interval_ns > 0
    assert 1 <= mapping.n_inputs <= 16
    times = [leg.time for leg in mapping.legs]
    times += [mapping.funding.time] if mapping.funding is not None else []
    for leg in mapping.legs:
        assert 0 < leg.half_spread_bps < 10_000
        assert leg.share > 0
        assert str(leg.instrument).isprintable()
    for time in [] if klines else times:
        read = stamp_reader(time)
        for text in STAMPS:
            try:
                assert type(read(text)) is int
            except BadStamp as error:
                assert str(error)
