"""Frames of Kite's ticker, a field at a time."""

import base64
import binascii

from tests.naive import feeds


def whole(data, at, size=4):
    return int.from_bytes(data[at : at + size], "big", signed=True)


def frame(data):
    """Packets, or None."""
    if len(data) == 1:
        return []
    rest, found = data[2:], []
    for _ in range(max(whole(data, 0, 2), 0) if len(data) > 1 else 0):
        n = whole(rest, 0, 2) if len(rest) > 1 else 0
        if n not in (8, 28, 32, 44, 184) or len(rest) < 2 + n:
            break
        found.append(rest[2 : 2 + n])
        rest = rest[2 + n :]
    if len(data) > 1 and len(found) == whole(data, 0, 2) and not rest:
        return found
    return [data] if len(data) in (8, 28, 32, 44, 184) else None


def state(line, known, data, who):
    """What a packet says; None where it has no size."""
    n = len(data)
    if n == 8 and data[3] != 9:
        return None
    index = n in (8, 28, 32)
    exch = whole(data, 60) if n == 184 else whole(data, 28) if n == 32 else 0
    levels = []
    for at in range(64, n, 12):
        levels.append((whole(data, at + 4), whole(data, at)))
    return {
        "line": line,
        "ts": known or exch * 10**9,
        "exch": exch * 10**9,
        "trade": max(whole(data, 44), 0) * 10**9 if n == 184 else 0,
        "instrument": who,
        "index": index,
        "last": whole(data, 4),
        "qty": 0 if index else whole(data, 8),
        "volume": None if index else whole(data, 16),
        "book": (levels[:5], levels[5:]) if levels else None,
    }


def read(text, tokens):
    """States and faults of lines; `tokens` are those of the mapping, in its order."""
    states, faults = [], {}
    for number, whole_line in enumerate(text.split(b"\n"), 1):
        words = whole_line.split()
        if not words:
            continue
        known = 0
        if len(words) == 2:
            digits = len(words[0])
            if not words[0].isdigit() or digits not in (13, 16, 19):
                faults[number] = "bad-stamp"
                continue
            known = int(words[0]) * 10 ** (19 - digits)
            if not 0 < known < 2**62:
                faults[number] = "bad-stamp"
                continue
        if len(words) > 2:
            faults[number] = "wrong-shape"
            continue
        try:
            data = base64.b64decode(words[-1], validate=True)
        except (binascii.Error, ValueError):
            faults[number] = "not-base64"
            continue
        packets = frame(data)
        if packets is None:
            faults[number] = "wrong-length"
            continue
        for packet in packets:
            token = int.from_bytes(packet[:4], "big")
            if token in tokens:
                states.append(state(number, known, packet, tokens.index(token)))
    return [one for one in states if one], faults


def session(text, tokens, indices, window=10**9):
    return feeds.session(*read(text, tokens), indices, window)
