from collections.abc import Callable

FAULTS: tuple[str, ...]
MAX_LINE: int
MAX_SPAN: int

class BinanceRows:
    perp: bool
    n_lines: int
    n_reordered: int
    high_ns: int
    started: bool
    symbol: str | None
    faults: list[tuple[int, int, str, str]]
    votes_own: int
    votes_other: int
    quotes_own: int
    quotes_other: int
    def __init__(
        self,
        source: str,
        perp: bool,
        decoders: tuple[Callable[[bytes], object] | None, ...],
        classify: Callable[[bytes], tuple[int, object, str, str]],
        unset: object,
        window_ns: int,
    ) -> None: ...
    def feed(self, text: bytes, end: bool = False) -> None: ...
    def take_faults(self) -> list[tuple[int, int, str, str]]: ...
    @property
    def pending(self) -> int: ...
