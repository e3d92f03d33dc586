"""Lines of Upstox's feed: messages of every kind, edited values and bytes."""

from __future__ import annotations

import json
from typing import Any

from fuzz.draw import Draw, edit_bytes
from fuzz.targets.kite_frames import compare, folder, imported
from quantlaxmi.errors import ConfigError, InputError
from tests.naive import upstox_json as naive

ALLOWED = (InputError, ConfigError)
KEYS = ("NSE_FO|52583", "NSE_INDEX|Nifty 50")
INDICES = (False, True)
MAPPING = """
[instruments."NSE_FO|52583"]
kind = "put"
underlying = "BANKNIFTY"
expiry = 2026-03-30
strike = 60000
[instruments."NSE_INDEX|Nifty 50"]
kind = "index"
symbol = "NIFTY"
"""
START_MS = 1_772_595_000_000
VALUES: tuple[Any, ...] = (
    None, 0, -1, "0", "-1", "", "30", "9" * 15, "9" * 16, 1.005, 846.95, 1e12, 1e13, 1e300, True,
    [], {}, "x", "é", "1772595002866", 60_000,
)  # fmt: skip
PIECES = (b"{", b"}", b'"', b":", b"\n", b"\x00", b"\xff", b"null", b"1e5", b"[", b"0.05", b"feeds")
SOUND = {
    "type": "live_feed",
    "currentTs": str(START_MS),
    "feeds": {KEYS[0]: {"fullFeed": {"marketFF": {"vtt": "300"}}}},
}


def state(draw: Draw, volume: int) -> dict[str, Any]:
    """What a feed says of an option."""
    last = 5 * (9 + draw.number(9_000))
    levels = []
    for k in range(draw.pick((5, 5, 2, 0, 6))):
        one = {"bidQ": str(30 + k), "bidP": (last - 5 * k) / 100}
        levels.append(one | {"askQ": str(60 + k), "askP": (last + 5 * k) / 100})
    trade = {"ltp": last / 100, "ltt": str(START_MS - 5_000), "ltq": "30", "cp": 519.75}
    found = {"ltpc": trade, "vtt": str(volume), "oi": 71_040, "iv": 0.139, "tbq": 5_280}
    if draw.number(4) == 0:
        if levels:
            found["firstDepth"] = levels[0]
        return {"firstLevelWithGreeks": found}
    found["marketLevel"] = {"bidAskQuote": levels}
    return {"fullFeed": {"marketFF": found}, "requestMode": "full_d5"}


def message(draw: Draw, now: int, volume: int) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "live_feed", "currentTs": str(now)}
    kind = draw.number(5)
    if kind == 0:
        return found | {"type": draw.pick(("market_info", "other"))}
    feeds = {draw.pick((KEYS[0], KEYS[0], "NSE_FO|1\n")): state(draw, volume)}
    if kind == 1:
        value = {"ltp": 24_000 + draw.number(9) / 20, "ltt": str(now)}
        feeds = {KEYS[1]: {"fullFeed": {"indexFF": {"ltpc": value}}}}
    if kind == 2:
        feeds[KEYS[1]] = {"ltpc": {"ltp": 24_000.05, "ltt": str(now)}}
    return found | {"feeds": feeds}


def edit(draw: Draw, table: Any) -> None:
    """Change a value somewhere in a message."""
    while isinstance(table, dict | list) and table:
        keys = list(table) if isinstance(table, dict) else list(range(len(table)))
        key = keys[draw.number(len(keys))]
        if draw.number(4) == 0 or not isinstance(table[key], dict | list):
            if isinstance(table, dict) and draw.number(4) == 0:
                del table[key]
            else:
                table[key] = draw.pick(VALUES)
            return
        table = table[key]


def one(draw: Draw) -> None:
    lines, volume = [json.dumps(SOUND).encode()], 300
    for k in range(1 + draw.number(6)):
        volume += 30 * draw.number(4)
        made = message(draw, START_MS + 1_000 * k + draw.pick((0, 0, -1_300, 90_000)), volume)
        if draw.number(3) == 0:
            edit(draw, made)
        lines.append(json.dumps(made).encode())
        if draw.number(3) == 0:
            lines.append(b"")
    data = b"\n".join(lines)
    edited = draw.number(4) == 0
    if edited:
        data = edit_bytes(draw, data, PIECES, 3)
    with folder() as place:
        result = imported(place, "upstox-json", data, MAPPING)
        if not edited:  # the twin's parser takes some texts that are no JSON
            rows, faults = naive.session(data, KEYS, INDICES)
            compare(result, rows, faults)
