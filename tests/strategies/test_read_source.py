"""Rules on the source of strategies: each finds its bad example and passes what is like it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import quantlaxmi
from quantlaxmi.errors import InputError
from quantlaxmi.strategies import read_source
from quantlaxmi.strategies.source_rules import RULES

ROOT = Path(__file__).parents[2]
PACKAGE = Path(quantlaxmi.__file__).parent  # as it is installed

#: By rule: sources whose last line must be found, and sources that must pass.
BAD: dict[str, tuple[str, ...]] = {
    "libm": (
        "import math\nx = math.exp(1)",
        "import math as m\nf = m.log",
        "from math import *\nx = sin(1)",
        "from math import tanh as squash\nx = list(map(squash, [1]))",
        "import numpy as np\nx = np.log1p(2)",
        "import numpy\nx = numpy.fft.rfft([1])",
        "def f():\n    import cmath\n    return cmath.sqrt(2)",
        "from cython.cimports.libc.math import exp\nx = exp(1)",
        "from scipy import special\nx = special.ndtr(0)",
        "try:\n    import numpy as np\nexcept ImportError:\n    np = None\nx = np.exp(1)",
    ),
    "power": (
        "def f(x: float):\n    return x ** 2",
        "def f(a, b):\n    return (a / b) ** 2",
        "def f(x):\n    return x ** 0.5",
        "x = 10 ** -8",
        "def f(a):\n    x = float(a)\n    x **= 3",
        "def f(a):\n    return pow(a, 1.5)",
        "class S:\n  def a(self):\n    self.x = 0.5\n  def b(self):\n    return self.x**2",
    ),
    "blas": (
        "import numpy as np\nx = np.dot([1.0], [2.0])",
        "def f(a, b):\n    return a @ b",
        "def f(a, b):\n    a @= b",
        "def f(a, b):\n    return a.dot(b)",
        "from numpy.linalg import lstsq\nx = lstsq([[1]], [1])",
        "import numpy as np\nx = np.polyfit([1, 2], [1, 2], 1)",
    ),
    "set-order": (
        "for x in {'a', 'b'}: print(x)",
        "def f(s: set[str]):\n    return [x for x in s]",
        "names = set('ab')\nx = list(names)",
        "names = frozenset('ab') | {'c'}\nx = sum(len(n) / 3 for n in names)",
        "class S:\n  def a(self):\n    self.n = set()\n  def b(self):\n    return [*self.n]",
        "class S:\n    n: set[str]\n    def b(self):\n        return self.n.pop()",
        "def f(a, b):\n    return ','.join(a.keys() & b)",
        "a, b = set('ab')",
        "x = next(iter(set('ab')))",
        "x = max(set('ab'), key=len)",
        "x = dict.fromkeys(set('ab').union('c'))",
    ),
    "hash": (
        "def f(x):\n    return hash(x) % 2",
        "x = sorted([object()], key=id)",
    ),
    "clock": (
        "import time\nx = time.time()",
        "from time import perf_counter_ns as now\nx = now()",
        "from datetime import datetime\nx = datetime.now()",
        "import datetime as dt\nx = dt.date.today()",
        "import time\nx = time.localtime()",
        "import numpy as np\nx = np.datetime64('now')",
        "import pandas as pd\nx = pd.Timestamp.utcnow()",
    ),
    "random": (
        "import random\nx = random.random()",
        "from random import choice\nx = choice([1])",
        "import random\nrandom.seed(7)",
        "import random\nx = random.Random()",
        "import numpy as np\nx = np.random.normal()",
        "import numpy as np\nx = np.random.default_rng()",
        "import numpy as np\nx = np.random.default_rng(seed=None)",
        "import secrets\nx = secrets.randbelow(2)",
        "import os\nx = os.urandom(4)",
    ),
    "outside": (
        "x = open('a.csv')",
        "from pathlib import Path\nx = Path('a').read_text()",
        "from pathlib import Path\nx = Path('a').open()",
        "import os\nx = os.environ['HOME']",
        "import os\nx = os.getenv('HOME')",
        "import numpy as np\nx = np.load('a.npy')",
        "import pandas as pd\nx = pd.read_csv('a.csv')",
        "import requests\nx = requests.get('http://a')",
        "from urllib.request import urlopen\nx = urlopen('http://a')",
        "import socket\nx = socket.create_connection(('a', 1))",
        "import subprocess\nx = subprocess.run(['a'])",
    ),
    "fast-math": ("import numba\n@numba.njit(fastmath=True)\ndef f(): ...",),
}
GOOD: dict[str, tuple[str, ...]] = {
    "libm": (
        "import math\nx = math.sqrt(2) + math.floor(2.5) + math.isqrt(9) + math.fsum([1.0])",
        "import numpy as np\nx = np.sqrt(2.0) + np.abs(1)",
        "from decimal import Decimal\nx = Decimal(2).ln()",
        "import math\nclass S:\n    log = 1\n    def f(self):\n        return self.log",
        "def f(math):\n    return math.exp",
    ),
    "power": (
        "x = 10 ** 6",
        "def f(n: int):\n    return 10 ** n",
        "def f(x: int):\n    return x ** 2",
        "x = 2.0 ** 3 if False else 2**64",
        "def f(a, b, m):\n    return pow(a, b, m)",
        "from fractions import Fraction\ndef f(a, b):\n    return (Fraction(a) / b) ** 2",
        "def f(a, n):\n    x = float(a)\n    x = round(x)\n    return x ** n",
    ),
    "blas": (
        "import functools\n@functools.cache\ndef f(a, b):\n    return a * b",
        "class S:\n    def f(self):\n        return self.dot",
    ),
    "set-order": (
        "for x in sorted({'a', 'b'}): print(x)",
        "for x in {1, 2, 3}: print(x)",
        "for x in {'a': 1}: print(x)",
        "names = set('ab')\nx = len(names) + ('a' in names)",
        "x = min(set('ab'))",
        "x = sorted(n + '!' for n in set('ab'))",
        "x = {n + '!' for n in set('ab')}",
        "x = sorted({*'ab', *(n for n in set('cd'))})",
        "x = any(map(str.isupper, set('ab')))",
        "names = set('ab')\nnames = sorted(names)\nfor x in names: print(x)",
        "names = set('ab')\ndef f(names):\n    return list(names)",
        "class S:\n    def f(self, stack):\n        return stack.pop()",
        "for x in set(range(4)): print(x)",
    ),
    "hash": (
        "class C:\n    def __hash__(self):\n        return hash((1, 2))",
        "def hash(x):\n    return 1\ny = hash(2)",
        "class C:\n    def f(self, x):\n        return x.hash() + x.id",
    ),
    "clock": (
        "import time\nx = time.gmtime(0)",
        "from datetime import datetime, UTC\nx = datetime.fromtimestamp(0, UTC)",
        "import numpy as np\nx = np.datetime64('2024-01-01')",
        "import time\ndef f(time):\n    return time.time()",
        "import time\nif __name__ == '__main__':\n    print(time.time())",
    ),
    "random": (
        "import random\nx = random.Random(7).random()",
        "import numpy as np\nx = np.random.default_rng(7).normal()",
        "import numpy as np\ndef f(rng: np.random.Generator):\n    return rng.normal()",
    ),
    "outside": (
        "class S:\n    def f(self):\n        return self.data.open[-1]",
        "def f(bar):\n    open = bar.open\n    return open * 2",
        "import os\nx = os.path.join('a', 'b')",
        "if __name__ == '__main__':\n    open('a.csv')",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    x = open('a')",
    ),
    "fast-math": ("import numba\n@numba.njit(fastmath=False)\ndef f(): ...",),
}


def _cases(texts: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(rule, text) for rule, several in texts.items() for text in several]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.py"


def test_every_rule_has_examples() -> None:
    assert list(BAD) == list(GOOD) == [rule.name for rule in RULES]


@pytest.mark.parametrize(("rule", "text"), _cases(BAD))
def test_bad_example_is_found(file: Path, rule: str, text: str) -> None:
    file.write_text(text)
    (found,) = read_source(file)
    assert found.rule == rule
    last = text.count("\n") + (rule != "fast-math")
    assert str(found).startswith(f"{file}:{last}: {found.found}; ")
    assert str(found).count("; ") >= 2
    assert "\n" not in str(found)


@pytest.mark.parametrize(("rule", "text"), _cases(GOOD))
def test_good_example_passes(file: Path, rule: str, text: str) -> None:
    file.write_text(text)
    assert read_source(file) == ()


def test_examples_of_the_project() -> None:
    """All strategies are clean; what is found is in scripts that make or read data."""
    found = [
        (Path(one.file).name, one.found)
        for path in sorted((ROOT / "examples").glob("*.py"))
        for one in read_source(path)
    ]
    assert found == [
        ("from_fills.py", "numpy.exp"),
        ("from_vectorbt.py", "numpy.exp"),
        ("parameter_study.py", "the method write_text"),
        ("read_segment.py", "pandas.read_parquet"),
        ("read_segment.py", "polars.read_parquet"),
    ]
    for name in ("basis_capture.py", "basis_capture_kernel.py"):
        assert read_source(PACKAGE / "strategies" / name) == ()


def test_imported_neighbours_are_read_once_and_not_run(file: Path) -> None:
    folder = file.parent
    file.write_text("import helper\nfrom kit import part\nimport numpy\nhelper.go()\n")
    (folder / "helper.py").write_text(
        "import mine\nimport time\nx = time.time()\nraise SystemExit\n"
    )
    (folder / "kit").mkdir()
    (folder / "kit/__init__.py").write_text("x = hash('a')\n")
    (folder / "kit/part.py").write_text("from . import other\nfrom .other import y\n")
    (folder / "kit/other.py").write_text("y = open('a')\n")
    (folder / "apart.py").write_text("y = open('a')\n")
    found = {
        (str(Path(one.file).relative_to(folder)), one.line, one.rule) for one in read_source(file)
    }
    assert found == {
        ("helper.py", 3, "clock"),
        ("kit/__init__.py", 1, "hash"),
        ("kit/other.py", 1, "outside"),
    }


def test_findings_are_in_order_and_once(file: Path) -> None:
    file.write_text("import math\nx = open('a')\ny = math.exp(1) + math.exp(2)\nz = hash(1)\n")
    assert [(one.line, one.found) for one in read_source(file)] == [
        (2, "open"),
        (3, "math.exp"),
        (4, "hash()"),
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"def f(:\n", r"mine.py \(line 1\): is no Python"),
        (b"x = 1\n\x00", "mine.py.*: is no Python"),
        (b"\xff\xfe", "mine.py.*: is no Python"),
        (b"# coding: nonsense\n", "mine.py.*: is no Python"),
        (b"(" * 5000, "mine.py.*: is no(t| Python)|too deeply"),
        (b"x = " + b"-" * 100_000 + b"1", "is nested too deeply|is no Python"),
        (b"x = " + b"1+" * 50_000 + b"1", "is nested too deeply|is no Python"),
        (b"#" * (2**20 + 1), "mine.py"),
    ],
    ids=["syntax", "NUL", "not UTF-8", "coding", "brackets", "signs", "sums", "too long"],
)
def test_hostile_file_is_one_line(file: Path, data: bytes, problem: str) -> None:
    file.write_bytes(data)
    with pytest.raises(InputError, match=problem) as caught:
        read_source(file)
    assert "\n" not in str(caught.value)


def test_file_of_another_kind_is_refused(file: Path) -> None:
    with pytest.raises(InputError, match=r"mine\.py"):
        read_source(file)
    os.mkfifo(file)
    with pytest.raises(InputError, match=r"mine\.py"):
        read_source(file)


def test_empty_file_has_nothing(file: Path) -> None:
    file.write_text("")
    assert read_source(file) == ()
