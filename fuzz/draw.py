"""Choices read from a fuzzer's bytes, and edits of bytes and JSON values made of them.

The same bytes give the same case on every machine and with every engine.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")

NUMBERS = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
#: Texts that readers of numbers, JSON and TOML have stumbled over elsewhere.
WORDS: tuple[bytes, ...] = (
    b"", b"0", b"-0", b"1", b"-1", b"00", b"9223372036854775807", b"9223372036854775808",
    b"-9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"1e400", b"1E-8",
    b"1e-9", b"1.0", b".5", b"5.", b"0x" + b"f" * 4000, b"9" * 5000, b"NaN", b"Infinity", b"-inf",
    b"nan", b"sNaN", b"null", b"true", b"false", b"[]", b"{}", b'""', b"[" * 900 + b"]" * 900,
    b'{"a":' * 500 + b"0" + b"}" * 500, b'"\\ud800"', b'"\\u0000"', b"\x00", b"\xff", b"\xc3\xa9",
    b"\xd9\xa1", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\n", b"\r", b"\r\n", b"\t", b" ", b'"', b"\\",
    b",", b":", b"=", b"'''", b"#", b"[[x]]", b"[x]\n", b"../../x", b"/etc/passwd", b"%s", b"_",
    b"1979-05-27T07:32:00Z", b"a" * 3000,
)  # fmt: skip


def nested(depth: int) -> Any:
    """A value of ``depth`` lists and objects, one in another."""
    value: Any = 0
    for k in range(depth):
        value = [value] if k % 2 else {"a": value}
    return value


#: The same as JSON values.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64,
    10**40, 0.0, -0.0, 0.1, 1e300, 5e-324, "", "0", "x", "\x00", "é", "a\nb", "a" * 3000, "../x",
    "spot", "BTCUSDT", "0" * 64, "f" * 64, [], {}, [[]], [0, "a"], {"a": 1}, {"": {}}, "﷐", "𝒳",
    "NaN", "1e999999", "wal/quotes-000.arrows", "segment.json",
)  # fmt: skip


class Draw:
    """Reads choices off bytes, and off bytes made of them where they have ended.

    With zeros instead a fuzzer that prefers short inputs would try few edits.
    """

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data + hashlib.shake_128(data).digest(1024), 0

    def number(self, high: int) -> int:
        """One of 0 to ``high`` - 1."""
        size = max(1, ((high - 1).bit_length() + 7) // 8)
        piece = self.data[self.at : self.at + size]
        self.at += size
        return int.from_bytes(piece, "little") % high

    def pick(self, items: Sequence[T]) -> T:
        """One of some."""
        return items[self.number(len(items))]

    def bytes(self, most: int) -> bytes:
        """Up to ``most`` bytes as they stand."""
        size = self.number(most + 1)
        piece = self.data[self.at : self.at + size]
        self.at += size
        return piece

    def integer(self) -> int:
        """A 64-bit integer, often one near an end or near zero."""
        edge = self.pick((0, 1, -1, 2**63 - 1, -(2**63), 2**31, -(2**31), 2**32, None, None))
        return self.number(2**64) - 2**63 if edge is None else edge


def edit_bytes(draw: Draw, data: bytes, words: Sequence[bytes] = WORDS, most: int = 6) -> bytes:
    """``data`` after one or more small edits."""
    out = bytearray(data)
    for _ in range(1 + draw.number(most)):
        at = draw.number(1 << 24) % (len(out) + 1)
        how = draw.number(8)
        if how == 0 and at < len(out):
            out[at] ^= 1 << draw.number(8)
        elif how == 1 and at < len(out):
            out[at] = draw.number(256)
        elif how == 2:
            out[at:at] = draw.pick(words)
        elif how == 3:
            del out[at : at + 1 + draw.number(40)]
        elif how == 4:
            out[at:at] = out[at : at + 1 + draw.number(200)]
        elif how == 5:
            match = NUMBERS.search(out, at)
            if match:
                out[match.start() : match.end()] = draw.pick(words)
        elif how == 6:
            other = draw.number(1 << 24) % (len(out) + 1)
            out[at:at] = out[other : other + 1 + draw.number(60)]
        elif how == 7 and draw.number(8) == 0:
            del out[at:]
    return bytes(out)


def edit_lines(draw: Draw, lines: list[bytes], words: Sequence[bytes] = WORDS) -> list[bytes]:
    """Lines after edits of one line, or of their order and number."""
    out = list(lines)
    for _ in range(1 + draw.number(5)):
        if not out:
            break
        at, other = draw.number(256) % len(out), draw.number(256) % len(out)
        how = draw.number(6)
        if how == 0:
            del out[at]
        elif how == 1:
            out.insert(at, out[other])
        elif how == 2:
            out[at], out[other] = out[other], out[at]
        else:
            out[at] = edit_bytes(draw, out[at], words, 2)
    return out


#: Values as TOML writes them.
TOML: tuple[bytes, ...] = (
    b"0", b"-1", b"1", b"2", b"0.5", b"-0.0", b"1e300", b"1e-30", b"nan", b"inf", b"-inf", b"true",
    b"[]", b"{}", b"[1]", b'["x"]', b"{ a = 1 }", b"0x" + b"f" * 4000, b"9223372036854775807",
    b"9223372036854775808", b"9" * 4000, b"9" * 5000, b"1_0", b"0o7", b"1979-05-27", b"07:32:00",
    b"[" * 300 + b"]" * 300, b'""', b'"0"', b'"1"', b'"-1"', b'"1.5"', b'"1e5"', b'"1e-9"', b'"-0"',
    b'"nan"', b'"1e999999999"', b'"0.1234567890123456789"', b'"9223372036854775808"', b'"+1"',
    b'"1_0"', b'" 1"', b'"\xd9\xa1"', b'"\\u0000"', b'"a\\nb"', b'"' + b"a" * 3000 + b'"',
    b'"BTCUSDT"', b'"../x"', b'"x"', b'"true"', b'"1h"', b'"UTC"', b'"%Y"', b'"net_positive"',
    b'"spot"',
)  # fmt: skip
_SETTING = re.compile(rb"^(\s*)([^=\n]+?) = (.*)$", re.MULTILINE)


def edit_toml(draw: Draw, text: bytes, words: Sequence[bytes] = WORDS) -> bytes:
    """TOML after edits of its settings, or one time in four of its bytes."""
    if draw.number(4) == 0:
        return edit_bytes(draw, text, words, 4)
    for _ in range(1 + draw.number(3)):
        found = list(_SETTING.finditer(text))
        if not found:
            break
        one, other = draw.pick(found), draw.pick(found)
        indent, key, value = one.groups()
        how = draw.number(8)
        line = indent + key + b" = " + value
        if how == 0:
            line = b""
        elif how == 1:
            line += b"\n" + other[0]
        elif how == 2:
            line = indent + other[2] + b" = " + value
        elif how == 3:
            line = indent + key + b" = " + other[3]
        elif how == 4:
            line = indent + key + b" = " + edit_bytes(draw, value, words, 1)
        else:
            line = indent + key + b" = " + draw.pick(TOML)
        text = text[: one.start()] + line + text[one.end() :]
    return text


def edit_json(draw: Draw, value: Any, most: int = 3) -> Any:
    """A copy of a JSON value with some of its parts replaced, removed or added."""
    try:
        root = [copy.deepcopy(value)]
    except RecursionError:  # edited enough
        return value
    for _ in range(1 + draw.number(most)):
        parent: Any = root
        key: Any = 0
        while draw.number(4) and isinstance(parent[key], (dict, list)) and parent[key]:
            parent = parent[key]
            key = draw.pick(list(parent) if isinstance(parent, dict) else range(len(parent)))
        how = draw.number(12)
        if how == 0 and parent is not root:
            del parent[key]
        elif how == 1 and isinstance(parent[key], dict):
            parent[key][draw.pick(("x", "", "a" * 100, "format"))] = draw.pick(VALUES)
        elif how == 2 and isinstance(parent[key], list) and parent[key]:
            parent[key].append(draw.pick(parent[key]))
        elif how == 3:
            parent[key] = nested(draw.pick((30, 100, 200, 300, 400, 490, 900)))
        elif how in (4, 5) and type(parent[key]) is int:
            parent[key] += draw.pick((1, -1, 2, 2**40, -(2**40)))
        elif how in (6, 7) and isinstance(parent[key], str):
            text = edit_bytes(draw, parent[key].encode(errors="replace"), most=2)
            parent[key] = text.decode(errors="replace")
        else:
            parent[key] = copy.deepcopy(draw.pick(VALUES))
    return root[0]
