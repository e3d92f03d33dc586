from collections.abc import Callable, Sequence

from quantlaxmi._ext.csv_messages import CsvMessages

GROUPINGS: dict[str, int]

class CsvRows(CsvMessages):
    n_header: int
    def __init__(
        self,
        source: str,
        window_ns: int,
        *,
        instrument: int,
        rank: int,
        grouping: int,
        price_exponent: int,
        qty_exponent: int,
        units: str,
        apart_ns: int,
        fine_ends: bool = False,
        snapshots: bool = False,
        numbered: bool = False,
        stamp_is_exchange: bool = False,
        follow: int = 0,
        ids: bool = True,
        count_trades: bool = False,
    ) -> None: ...
    def begin(
        self,
        source: str,
        columns: Sequence[tuple[str, int, int]],
        check_text: Callable[[str, str], str],
        skip: int,
        day_from: int,
        day_to: int,
    ) -> None: ...
    def feed(self, text: bytes, end: bool = False) -> None: ...
