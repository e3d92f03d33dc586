from collections.abc import Callable

from quantlaxmi._ext.message_rows import MessageRows

FAULTS: tuple[str, ...]
MAX_LINE: int
MAX_SPAN: int

class BinanceRows(MessageRows):
    perp: bool
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
