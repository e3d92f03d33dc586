"""The notebooks in examples/ run from first cell to last, and are kept without output."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
NOTEBOOKS = sorted(path.name for path in EXAMPLES.glob("*.ipynb"))
#: Notebook -> what the output of one of its cells has to say.
SAID = {
    "frame_to_verdict.ipynb": "PASS (timing); selection not tested, trials unknown",
    "grid_and_robustness.ipynb": "best of 12 settings allowed for",
}


def test_notebooks_are_those_that_are_checked() -> None:
    assert set(NOTEBOOKS) == set(SAID)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_kept_without_output(name: str) -> None:
    cells = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


def texts_of(notebook: Any) -> str:
    """What the cells printed or showed, as text."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            found.append(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
    return "\n".join(found)


@pytest.mark.filterwarnings("default")  # of the machinery of notebooks, which is not ours
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("nbformat", "ipykernel", "pandas"):
        pytest.importorskip(module, reason=f"{module} is not installed (extra dev)")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed (extra dev)")
    import nbformat

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(p for p in sys.path if p))
    monkeypatch.delenv("QUANTLAXMI_TRIALS", raising=False)
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    place = {"metadata": {"path": str(EXAMPLES)}}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute()
    assert SAID[name] in texts_of(notebook)
