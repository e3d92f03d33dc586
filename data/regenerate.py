"""Make the bundled segments and their papers again: ``make data``."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from quantlaxmi import __version__
from quantlaxmi.importers.synthetic import (
    DEMO_ROWS,
    DEMO_SEED,
    SyntheticKind,
    generate_segment,
)

HERE = Path(__file__).parent


def papers(kind: SyntheticKind) -> dict[str, object]:
    """Write one segment afresh and describe it."""
    folder = HERE / kind.value
    shutil.rmtree(folder, ignore_errors=True)
    segment = generate_segment(kind, folder)
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {
        "rows": DEMO_ROWS,
        "seed": DEMO_SEED[kind],
        "messages": segment.n_messages,
        "digest": segment.digest,
        "sha256": {
            p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in files
        },
    }


def main() -> None:
    """Write both segments and ``metadata.json``."""
    described = {
        "source": "quantlaxmi.importers.synthetic; generated, no market's data",
        "licence": "Apache-2.0, as the repository",
        "command": "make data (quantlaxmi-crypto demo --out DIR writes the same segments)",
        "generator_version": __version__,
        "segments": {kind.value: papers(kind) for kind in SyntheticKind},
    }
    text = json.dumps(described, indent=2) + "\n"
    (HERE / "metadata.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
