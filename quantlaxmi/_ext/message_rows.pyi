MAX_LINE: int
MAX_SPAN: int
MAX_WAITING: int
MAX_WAITING_LEVELS: int

class MessageRows:
    n_lines: int
    n_reordered: int
    n_voids: int
    lost: bool
    n_one_sided: int
    high_ns: int
    started: bool
    symbol: str | None
    faults: list[tuple[int, int, str, str]]
    def __init__(self, source: str, window_ns: int) -> None: ...
    def feed(self, text: bytes, end: bool = False) -> None: ...
    def take_faults(self) -> list[tuple[int, int, str, str]]: ...
    @property
    def pending(self) -> int: ...
    def crowd(self) -> tuple[int, str] | None: ...
