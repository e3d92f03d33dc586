from collections.abc import Callable

from quantlaxmi._ext.binance_rows import BinanceRows

class BybitBook(BinanceRows):
    def __init__(
        self,
        source: str,
        symbol: str,
        decode: Callable[[bytes], object],
        classify: Callable[[bytes], tuple[object, str, str]],
        window_ns: int,
        instrument: int,
    ) -> None: ...
