ABI_VERSION: int
RECORD_SIZES: dict[str, int]

def functions() -> tuple[int, None, None, None]: ...
