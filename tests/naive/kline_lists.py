"""Slow, independent reading of kline arrays: values of JSON files to bars, or why not."""

from __future__ import annotations

from typing import Any

from tests.naive.bars_lines import RANGE, Faulty, Found, Reader, Refused, price


class Klines(Reader):
    """Reads Binance kline arrays: values of the JSON files of an archive, in its order.

    The first kline that can tells the length of all; files then follow each other in time.
    """

    def read(self, months: list[list[Any]]) -> Found:
        self.rules.interval_ns = 0
        read = [(begin(month), [self.judged(values) for values in month]) for month in months]
        for _, month in sorted(read, key=lambda pair: pair[0]):
            for bar, reason in month:
                self.found.lines += 1
                try:
                    if reason:
                        raise Faulty(reason)
                    self.grid(0, bar["open_ns"])
                    self.keep(self.found.lines, [bar], None)
                except Faulty as fault:
                    self.found.faults.append((self.found.lines, str(fault)))
        if not self.found.bars[0]:
            raise Refused("no bar")
        return self.found

    def judged(self, values: Any) -> tuple[dict[str, Any], str]:
        try:
            return self.kline(values), ""
        except Faulty as reason:
            return {}, str(reason)

    def kline(self, values: Any) -> dict[str, Any]:
        if not shaped(values):
            raise Faulty("wrong-shape")
        open_ns, unit = moment(values[0])
        if not self.rules.interval_ns:
            told = moment(values[6])[0] + unit - open_ns
            if not 0 < told <= 366 * 86_400 * 10**9 or told % 10**9:
                raise Faulty("partial-bar")
            self.rules.interval_ns = told
        closed, other = moment(values[6])
        if unit != other:
            raise Faulty("stamp-unit")
        names = ("open", "high", "low", "close")
        prices = {name: price(text) for name, text in zip(names, values[1:5], strict=True)}
        self.whole(open_ns, closed)
        self.order(prices)
        size = self.displayed(values[5], self.rules.legs[0].share)
        return self.made(open_ns, prices, size)


def begin(month: list[Any]) -> int:
    """Time of the first kline that can be read; 0 where there is none."""
    for values in month:
        try:
            if shaped(values):
                return moment(values[0])[0]
        except Faulty:
            continue
    return 0


def shaped(values: Any) -> bool:
    kinds = [int, str, str, str, str, str, int]
    return type(values) is list and [type(value) for value in values[:7]] == kinds


def moment(value: int) -> tuple[int, int]:
    for unit in (10**6, 10**3):
        if value * unit in RANGE:
            return value * unit, unit
    raise Faulty("bad-stamp")
