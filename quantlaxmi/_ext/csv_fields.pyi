from collections.abc import Callable, Sequence

from quantlaxmi._ext.message_rows import MessageRows

FAULTS: tuple[str, ...]
ROLES: dict[str, int]

class CsvFields(MessageRows):
    n_rounded: int
    def __init__(
        self,
        source: str,
        window_ns: int,
        rank: int,
        price_exponent: int,
        qty_exponent: int,
        units: str,
        fine_ends: bool,
    ) -> None: ...
    def plan(
        self,
        source: str,
        columns: Sequence[tuple[str, int, int]],
        check_text: Callable[[str, str], str],
    ) -> None: ...
