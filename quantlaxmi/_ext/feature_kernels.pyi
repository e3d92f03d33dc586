NAMES: tuple[str, ...]
NEUTRAL: dict[str, str]
