"""Slow, independent reading of bars in JSON lists: rows of cells to bars, or why not."""

from __future__ import annotations

import json
from typing import Any

from tests.naive.bars_lines import Faulty, Found, Reader, Refused


class Number(str):
    """A number as it is written."""


class ListReader(Reader):
    """Reads rows whose cells have the names of ``rules.columns``."""

    def rows(self, text: str) -> Found:
        content = json.loads(text, parse_int=Number, parse_float=Number, parse_constant=refuse)
        if isinstance(content, dict):
            content = content.get("data")
        if not isinstance(content, list) or not content:
            raise Refused("no list")
        numbered = list(enumerate(content, 1))
        if self.rules.descending:
            numbered.reverse()
        self.found.lines = len(numbered)
        for number, row in numbered:
            try:
                if not isinstance(row, list) or len(row) != len(self.rules.columns):
                    raise Faulty("wrong-shape")
                cells = dict(zip(self.rules.columns, map(cell, row), strict=True))
                self.keep(number, [self.bar(0, self.rules.legs[0], cells)], None)
            except Faulty as reason:
                if str(reason) == "stamp-unit" and number == numbered[0][0]:
                    raise Refused("stamp-unit") from None
                self.found.faults.append((number, str(reason)))
        return self.end()


def refuse(word: str) -> Any:
    raise Refused(word)


def cell(value: Any) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else "no number"
