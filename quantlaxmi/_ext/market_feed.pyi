COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
