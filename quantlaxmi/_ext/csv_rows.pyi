from collections.abc import Callable, Sequence

from quantlaxmi._ext.csv_fields import CsvFields

GROUPINGS: dict[str, int]

class CsvRows(CsvFields):
    n_header: int
    n_read: int
    n_read_lines: int
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
