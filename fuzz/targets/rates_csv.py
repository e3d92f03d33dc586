"""Files of rates for ``--convert``, read again in plain Python."""

from __future__ import annotations

import csv
import hashlib
from datetime import datetime
from fractions import Fraction

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes
from quantlaxmi.errors import InputError
from quantlaxmi.execution.conversion import Conversion, RateFile

ALLOWED = (InputError,)
SEEDS = (
    b"ts,rate\n1723075200,60000.10\n1723075260,61000\n1723075320,59000.005\n",
    b"ts,rate\r\n1723075200000,0.00001\r\n1723075200001,1\r\n",
    b"ts,rate\n1723075200000000,1\n",
    b"ts,rate\n1723075200000000000,1\n1723075200000000001,2\n",
    b"ts,rate\n2024-08-08T00:00:00Z,2.5\n2024-08-08T00:00:00.000000001Z,2\n",
)
TOKENS = (*WORDS, b"T", b"Z", b",", b".", b"e5", b"\r\n", b"9223372036854775807", b"+", b"00")
_PER_SECOND = {10: 10**9, 13: 10**6, 16: 10**3, 19: 1}


def one(draw: Draw) -> None:
    data = edit_bytes(draw, draw.pick(SEEDS), TOKENS, 4)
    file = RateFile.load(f"BTC={scratch.file('rates.csv', data)}")
    rows = list(csv.reader(data.decode("ascii").replace("\r\n", "\n").split("\n")))
    rows = [row for row in rows if row]
    assert rows[0] == ["ts", "rate"] and len(rows) - 1 == len(file.ts_ns) == len(file.rates)
    for (stamp, rate), ts_ns, read in zip(rows[1:], file.ts_ns, file.rates, strict=True):
        assert read == Fraction(rate) > 0
        if stamp.isdigit():
            assert ts_ns == int(stamp) * _PER_SECOND[len(stamp)]
        else:
            whole, _, part = stamp.removesuffix("Z").partition(".")
            seconds = round(datetime.fromisoformat(f"{whole}+00:00").timestamp())
            assert ts_ns == seconds * 10**9 + int(part.ljust(9, "0") or "0")
    assert file.ts_ns == sorted(set(file.ts_ns))
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    at = file.ts_ns[draw.number(len(file.ts_ns))] + draw.number(3)
    made = Conversion.of([file], ["USDT", "BTC"], file.ts_ns[0], at)
    rate = next(r for t, r in zip(file.ts_ns[::-1], file.rates[::-1], strict=True) if t <= at)
    assert made.total({"USDT": 3, "BTC": 5}) * Fraction(10) ** made.exponent == 3 + 5 * rate
