"""Lines of Upstox's feed, a value at a time."""

import json
from decimal import Decimal

from tests.naive import feeds


class Wrong(Exception):
    pass


def pairs(found):
    """An object, whose last value of a key stands."""
    return dict(found)


def fetch(table, name, kind, default):
    value = table.get(name, default)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Wrong("wrong-shape")
    return value


def some(table, name):
    """An object that may be absent or null."""
    value = table.get(name)
    if value is not None and not isinstance(value, dict):
        raise Wrong("wrong-shape")
    return value


def count(text, why):
    if not text or len(text) > 15 or set(text) - set("0123456789"):
        raise Wrong(why)
    return int(text)


def when(text):
    ns = count(text, "bad-stamp") * 10**6
    if ns >= 2**62:
        raise Wrong("bad-stamp")
    return ns


def paise(value):
    value = Decimal(value)
    if abs(value) >= 10**13:
        raise Wrong("overflow")
    if value * 100 != int(value * 100):
        raise Wrong("too-fine")
    return int(value * 100)


NUMBER = (int, Decimal)
LAST = {"ltp": NUMBER, "ltt": str, "ltq": str}
LEVEL = {"bidQ": str, "bidP": NUMBER, "askQ": str, "askP": NUMBER}


def fields(table, kinds):
    return [fetch(table, name, kind, "0" if kind is str else 0) for name, kind in kinds.items()]


def market(table):
    """Last trade, volume and levels of what a feed says of an instrument."""
    if table is None:
        return None
    if "ltpc" in table and not isinstance(table["ltpc"], dict):
        raise Wrong("wrong-shape")
    last = fields(table.get("ltpc", {}), LAST)
    volume = fetch(table, "vtt", str, "0")
    levels = None
    one, many = some(table, "firstDepth"), some(table, "marketLevel")
    if one is not None:
        levels = [fields(one, LEVEL)]
    if many is not None:
        rows = fetch(many, "bidAskQuote", list, [])
        if not all(isinstance(row, dict) for row in rows):
            raise Wrong("wrong-shape")
        levels = [fields(row, LEVEL) for row in rows]
    return last, volume, levels


def parts(feed):
    """Market and whether an index; the shapes of all of it are looked at."""
    if not isinstance(feed, dict):
        raise Wrong("wrong-shape")
    full = some(feed, "fullFeed") or {}
    found = [market(some(full, "marketFF")), market(some(full, "indexFF"))]
    found.append(market(some(feed, "firstLevelWithGreeks")))
    if some(feed, "ltpc") is not None:
        fields(feed["ltpc"], LAST)
    return next((one for one in found if one is not None), None), found[1] is not None


def line(number, text, keys):
    """States of a line."""
    try:
        message = json.loads(text.decode(), parse_float=Decimal, object_pairs_hook=pairs)
    except ValueError:
        raise Wrong("not-json") from None
    if not isinstance(message, dict):
        raise Wrong("wrong-shape")
    kind, stamp = message.get("type"), message.get("currentTs")
    if not isinstance(kind, str) or not isinstance(stamp, str):
        raise Wrong("wrong-shape")
    shaped = {key: parts(feed) for key, feed in fetch(message, "feeds", dict, {}).items()}
    now = when(stamp)
    if kind not in ("live_feed", "initial_feed", "market_info"):
        raise Wrong("unknown-stream")
    states = []
    for key, (found, index) in shaped.items():
        if key not in keys or found is None:
            continue
        (ltp, ltt, ltq), volume, levels = found
        volume = None if index else count(volume, "bad-number")
        state = {"line": number, "ts": now, "exch": 0, "trade": when(ltt), "index": index}
        state |= {"instrument": keys.index(key), "last": paise(ltp), "volume": volume}
        state["qty"] = 0 if index else count(ltq, "bad-number")
        state["book"] = None
        if levels is not None and len(levels) > 5:
            raise Wrong("wrong-shape")
        if levels is not None:
            empty = [(0, 0)] * (5 - len(levels))
            bid_p = [paise(p) for _, p, _, _ in levels]
            bid_q = [count(q, "bad-quantity") for q, _, _, _ in levels]
            ask_p = [paise(p) for _, _, _, p in levels]
            ask_q = [count(q, "bad-quantity") for _, _, q, _ in levels]
            bids, asks = zip(bid_p, bid_q, strict=True), zip(ask_p, ask_q, strict=True)
            state["book"] = ([*bids, *empty], [*asks, *empty])
        states.append(state)
    return states


def session(text, keys, indices, window=10**9):
    states, faults = [], {}
    for number, whole in enumerate(text.split(b"\n"), 1):
        if not whole.strip():
            continue
        try:
            states += line(number, whole.strip(), keys)
        except Wrong as wrong:
            faults[number] = str(wrong)
    return feeds.session(states, faults, indices, window)
