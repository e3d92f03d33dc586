"""What in a source makes decisions differ between machines or runs: one rule a function."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from quantlaxmi.strategies.set_order import set_order
from quantlaxmi.strategies.source_tree import Known, SourceTree

__all__ = ["RULES", "Rule"]

#: The nodes that a rule found, each with what it is in words.
Found = Iterator[tuple[ast.AST, str]]


@dataclass(frozen=True)
class Rule:
    """One rule.

    Parameters
    ----------
    name : str
        Short name, for programs.
    find : callable
        Gives the nodes of a source that break the rule.
    why, instead : str
        Why decisions can differ, and what to write in its place.
    """

    name: str
    find: Callable[[SourceTree], Found]
    why: str
    instead: str


def _names(module: str, names: str) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for name in names.split())


_C_NAMES: Final = """
    exp exp2 expm1 log log2 log10 log1p pow sin cos tan asin acos atan atan2 sinh cosh tanh asinh
    acosh atanh erf erfc gamma lgamma tgamma cbrt
    """
_NUMPY_NAMES: Final = """
    exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 pow power float_power cbrt hypot
    sin cos tan sinh cosh tanh sinc arcsin arccos arctan arctan2 arcsinh arccosh arctanh
    asin acos atan atan2 asinh acosh atanh logspace geomspace i0
    """
_LIBM: Final = (
    _names("math", _C_NAMES)
    | _names("cmath", f"{_C_NAMES} sqrt phase polar rect")
    | _names("numpy", _NUMPY_NAMES)
    | _names("libc.math", _C_NAMES)
    | _names("cython.cimports.libc.math", _C_NAMES)
)
_BLAS: Final = _names(
    "numpy",
    """
    dot vdot inner matmul tensordot einsum convolve correlate polyfit cov corrcoef vecdot matvec
    vecmat
    """,
)
_CLOCKS: Final = (
    _names(
        "time",
        """
        time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time
        process_time_ns thread_time thread_time_ns clock_gettime clock_gettime_ns
        """,
    )
    | _names("datetime.datetime", "now utcnow today")
    | _names("datetime.date", "today")
    | _names("pandas.Timestamp", "now utcnow today")
)
#: Of the wall clock where they are called without a time.
_CLOCKS_WITHOUT_TIME: Final = _names("time", "localtime gmtime ctime asctime")
_SHARED_DRAWS: Final = (
    _names(
        "random",
        """
        random randint randrange choice choices sample shuffle uniform gauss normalvariate
        expovariate betavariate gammavariate lognormvariate paretovariate triangular
        vonmisesvariate weibullvariate getrandbits randbytes binomialvariate seed SystemRandom
        """,
    )
    | _names(
        "numpy.random",
        """
        random rand randn randint random_sample ranf sample choice shuffle permutation uniform
        normal standard_normal exponential standard_exponential poisson binomial beta gamma
        lognormal laplace standard_t geometric multivariate_normal bytes random_integers seed
        """,
    )
    | frozenset({"os.urandom", "uuid.uuid1", "uuid.uuid4"})
)
_GENERATORS: Final = frozenset({"random.Random"}) | _names(
    "numpy.random",
    "default_rng RandomState SeedSequence PCG64 PCG64DXSM MT19937 Philox SFC64",
)
_OUTSIDE: Final = (
    _names("os", "getenv getenvb listdir scandir walk stat popen system cpu_count getpid getcwd")
    | _names("numpy", "load loadtxt genfromtxt fromfile memmap save savez savetxt")
    | _names("sys", "argv stdin getsizeof platform")
    | frozenset({"open", "input", "io.open", "sqlite3.connect", "glob.glob", "glob.iglob"})
)
_OUTSIDE_LEADS: Final = (
    "os.environ",
    "socket",
    "ssl",
    "urllib.request",
    "http.client",
    "requests",
    "httpx",
    "aiohttp",
    "websocket",
    "websockets",
    "subprocess",
    "platform",
    "pandas.read_",
    "polars.read_",
    "polars.scan_",
    "yfinance",
    "ccxt",
)
_FILE_METHODS: Final = frozenset({"read_text", "read_bytes", "write_text", "write_bytes"})
_FLOAT_ANNOTATIONS: Final = frozenset({"float"})
#: Functions that return floats whatever they are given.
_FLOAT_CALLS: Final = frozenset({"float", "math.sqrt", "math.fsum", "math.hypot", "numpy.sqrt"}) | (
    _names("numpy", "mean std var median average float64 float32") | _names("statistics", "fmean")
)


def libm(source: SourceTree) -> Found:
    """Functions of the mathematical library."""
    for node, name in source.named():
        if name in _LIBM or name.startswith(("numpy.fft.", "scipy.special.", "scipy.stats.")):
            yield node, name


def power(source: SourceTree) -> Found:
    """``**`` where one side is seen to be a float, or the exponent to be negative."""
    known = Known(source, _is_float, _FLOAT_ANNOTATIONS)
    base: ast.expr
    for node in source.nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            base, exponent = node.left, node.right
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Pow):
            base, exponent = node.target, node.value
        elif isinstance(node, ast.Call) and source.dotted(node.func) == "pow":
            if len(node.args) != 2:
                continue
            base, exponent = node.args
        else:
            continue
        if _is_exact_power(base, exponent):
            continue
        if known(base) or known(exponent) or _is_negative(exponent):
            yield node, "a power of floats"


def blas(source: SourceTree) -> Found:
    """Products of arrays, and what is computed by them."""
    for node, name in source.named():
        if name in _BLAS or name.startswith(("numpy.linalg.", "scipy.linalg.")):
            yield node, name
    for one in source.nodes:
        if isinstance(one, ast.BinOp | ast.AugAssign) and isinstance(one.op, ast.MatMult):
            yield one, "the operator @"
    for call in source.calls():
        is_dot = isinstance(call.func, ast.Attribute) and call.func.attr == "dot"
        if is_dot and call.args and not source.dotted(call.func):
            yield call, "the method dot"


def hashes(source: SourceTree) -> Found:
    """``hash`` and ``id``; ``__hash__`` may use them."""
    for node, name in source.named():
        if name in {"hash", "id"}:
            around = source.scope(node)
            if getattr(around, "name", "") != "__hash__":
                yield node, f"{name}()"


def clocks(source: SourceTree) -> Found:
    """The wall clock and timers."""
    for node, name in source.named():
        if name in _CLOCKS:
            yield node, name
    for call in source.calls():
        name = source.dotted(call.func)
        first = call.args[0] if call.args else None
        says_now = isinstance(first, ast.Constant) and first.value in ("now", "today")
        if (name in _CLOCKS_WITHOUT_TIME and first is None) or (
            says_now and name in {"numpy.datetime64", "pandas.Timestamp", "pandas.to_datetime"}
        ):
            yield call, name


def draws(source: SourceTree) -> Found:
    """Random numbers of a state that all of the process shares, and generators without a seed."""
    for node, name in source.named():
        if name in _SHARED_DRAWS or name.startswith("secrets."):
            yield node, name
    for call in source.calls():
        name = source.dotted(call.func)
        seeds = [*call.args, *(one.value for one in call.keywords)]
        if name in _GENERATORS and all(_is_none(seed) for seed in seeds):
            yield call, f"{name} without a seed"


def outside(source: SourceTree) -> Found:
    """Files, the network, other programs, the environment."""
    for node, name in source.named():
        if name in _OUTSIDE or any(_leads(lead, name) for lead in _OUTSIDE_LEADS):
            yield node, name
    for call in source.calls():
        if isinstance(call.func, ast.Attribute) and not source.dotted(call.func):
            made = isinstance(call.func.value, ast.Call) and source.dotted(call.func.value.func)
            if call.func.attr in _FILE_METHODS or (
                call.func.attr in {"open", "iterdir", "glob", "rglob"} and made == "pathlib.Path"
            ):
                yield call, f"the method {call.func.attr}"


def fast_math(source: SourceTree) -> Found:
    """Compilation that may change the order of float operations."""
    for call in source.calls():
        for word in call.keywords:
            off = isinstance(word.value, ast.Constant) and not word.value.value
            if word.arg == "fastmath" and not off:
                yield word.value, "fastmath"


def _is_float(node: ast.expr, known: Known) -> bool | None:
    """Whether an expression is a float, as far as it says; None for whole numbers."""
    if isinstance(node, ast.Constant):
        return None if isinstance(node.value, int) else isinstance(node.value, float)
    if isinstance(node, ast.UnaryOp):
        return _is_float(node.operand, known)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Div):
            # Of Decimal and Fraction it is exact.
            return not (_is_exact(node.left, known) or _is_exact(node.right, known))
        sides = _is_float(node.left, known), _is_float(node.right, known)
        return None if sides == (None, None) else True in sides
    if isinstance(node, ast.IfExp):
        return True in (_is_float(node.body, known), _is_float(node.orelse, known))
    if isinstance(node, ast.Call):
        name = known.source.dotted(node.func)
        return name in _FLOAT_CALLS or name in _LIBM
    return known.holds(node)


def _is_exact(node: ast.expr, known: Known) -> bool:
    """Whether an expression may be exact, where it is no number and no float that is seen."""
    if isinstance(node, ast.Call):
        return known.source.dotted(node.func) not in _FLOAT_CALLS | _LIBM | {"int", "len", "abs"}
    return isinstance(node, ast.BinOp) and (
        _is_exact(node.left, known) or _is_exact(node.right, known)
    )


def _is_negative(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
    )


def _is_exact_power(base: ast.expr, exponent: ast.expr) -> bool:
    """Whether a power is one of 2 with a constant exponent, which every machine has exactly."""
    return (
        isinstance(base, ast.Constant)
        and base.value == 2
        and isinstance(exponent, ast.Constant)
        and isinstance(exponent.value, int)
    )


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _leads(lead: str, name: str) -> bool:
    return name.startswith(lead if lead.endswith("_") else f"{lead}.") or name == lead


#: Every rule, in the order of the documentation.
RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "libm",
        libm,
        "its last bits differ between C libraries and processors",
        "compare whole numbers or fractions, or use Decimal's own exp and ln",
    ),
    Rule(
        "power",
        power,
        "the C library's pow differs in its last bits between machines",
        "multiply (x * x), divide, or take math.sqrt, which is rounded correctly everywhere",
    ),
    Rule(
        "blas",
        blas,
        "BLAS adds floats in an order that depends on processor and threads",
        "take math.fsum of the products, or add whole numbers in a loop",
    ),
    Rule(
        "set-order",
        set_order,
        "texts hash differently in every process, and the order of a set with them",
        "go through sorted(...), or keep a list or a dict",
    ),
    Rule(
        "hash",
        hashes,
        "it differs between processes",
        "use the value itself, or hashlib over its bytes",
    ),
    Rule(
        "clock",
        clocks,
        "a replay runs at another time than the run that it repeats",
        "use ctx.now_ns, the time of the market",
    ),
    Rule(
        "random",
        draws,
        "two runs draw other numbers",
        "make a generator of the strategy's own in on_start, with a seed: random.Random(7)",
    ),
    Rule(
        "outside",
        outside,
        "what it gives is in neither segment nor settings, so it can change between two runs",
        "make it a setting, or import it into the segment",
    ),
    Rule(
        "fast-math",
        fast_math,
        "the compiler may reorder float operations, otherwise on each processor",
        "leave it off",
    ),
)
