"""Kernels written with Numba: for authors without a C compiler.

Importing this module loads Numba; nothing else of the package does it for a strategy.
A kernel is a plain function over records, the same source for both forms:

* compiled, its parameters are Numba records over the engine's memory, and the engine calls it
  through its C address without the GIL;
* interpreted, they are ctypes views of the same memory.

Integers are 64 bits wide in the compiled form and wrap. Compare products with `cmp_products`,
which is exact in both.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, Final

import numba as _numba
from numba import types as _types
from numba.core.typing import templates as _templates
from numba.core.typing.templates import AbstractTemplate
from numba.extending import intrinsic, overload, register_jitable
from numba.extending import lower_builtin as _lower_builtin

from quantlaxmi import schema
from quantlaxmi.errors import StrategyError
from quantlaxmi.strategies.kernel import KernelFunctions

# Numba's own annotations say less than it takes.
numba: Any = _numba
types: Any = _types
templates: Any = _templates
lower_builtin: Any = _lower_builtin

#: What an exception raised inside a compiled kernel becomes: Numba would swallow it.
STATUS_EXCEPTION: Final = -1000

_RECORDS: Final[dict[str, Any]] = {
    "ctx": schema.CTX_DTYPE,
    "event": schema.EVENT_DTYPE,
    "books": schema.BOOK_DTYPE,
    "positions": schema.POSITION_DTYPE,
    "features": schema.FEATURE_DTYPE,
    "state": schema.SLOT_DTYPE,
    "params": schema.PARAM_DTYPE,
    "legs_out": schema.LEG_OUT_DTYPE,
    "notice": schema.FILL_NOTICE_DTYPE,
    "nap": schema.NAP_DTYPE,
}
#: Parameters of which there is one record.
_SINGLE: Final = ("ctx", "event", "notice", "nap")
STEP_PARAMETERS: Final = (
    "ctx",
    "event",
    "books",
    "positions",
    "features",
    "state",
    "params",
    "legs_out",
)
ON_FILL_PARAMETERS: Final = ("ctx", "notice", "books", "positions", "state", "params")
CAN_TRADE_PARAMETERS: Final = ("ctx", "event", "books", "features", "params")
ASLEEP_PARAMETERS: Final = ("in_flight", "positions", "state", "params", "nap")


def cmp_products(a: int, b: int, c: int, d: int) -> int:
    """Return the sign of ``a * b - c * d``, exact for all int64; use it in kernels.

    Parameters
    ----------
    a, b, c, d : int64

    Returns
    -------
    int
        1, 0 or -1.
    """
    x, y = a * b, c * d
    return (x > y) - (x < y)


@intrinsic
def _cmp_products(typingctx: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    wide = 128

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        from llvmlite import ir  # type: ignore[import-untyped]

        i128, i64 = ir.IntType(wide), ir.IntType(64)
        a, b, c, d = (builder.sext(value, i128) for value in args)
        x, y = builder.mul(a, b), builder.mul(c, d)
        above = builder.zext(builder.icmp_signed(">", x, y), i64)
        below = builder.zext(builder.icmp_signed("<", x, y), i64)
        return builder.sub(above, below)

    return types.int64(types.int64, types.int64, types.int64, types.int64), codegen


@overload(cmp_products)
def _overload_cmp_products(a: Any, b: Any, c: Any, d: Any) -> Any:
    if not all(isinstance(t, types.Integer) for t in (a, b, c, d)):
        return None

    exact: Any = _cmp_products

    def implementation(a: Any, b: Any, c: Any, d: Any) -> Any:
        return exact(a, b, c, d)

    return implementation


@templates.infer_global(operator.getitem)
class _RecordAt(AbstractTemplate):
    """``books[i]`` of a pointer is the record itself: an array would cost reference counts."""

    def generic(self, args: Any, kws: Any) -> Any:
        pointer, index = args
        if (
            isinstance(pointer, types.CPointer)
            and isinstance(pointer.dtype, types.Record)
            and isinstance(index, types.Integer)
        ):
            return templates.signature(pointer.dtype, pointer, types.intp)
        return None


def _lower_record_at(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    record = sig.return_type
    word = context.get_value_type(types.intp)
    base = builder.ptrtoint(args[0], word)
    step = builder.mul(args[1], context.get_constant(types.intp, record.size))
    return builder.inttoptr(builder.add(base, step), context.get_value_type(record))


# Lowered in place: a function of its own would return the record as a copy.
lower_builtin(operator.getitem, types.CPointer, types.intp)(_lower_record_at)


def compile_kernel(
    step: Callable[..., Any],
    on_fill: Callable[..., Any] | None = None,
    can_trade: Callable[..., Any] | None = None,
    asleep: Callable[..., Any] | None = None,
    *,
    interpreted: bool = False,
) -> KernelFunctions:
    """Compile a kernel's functions to C addresses.

    Parameters
    ----------
    step : callable(ctx, event, books, positions, features, state, params, legs_out)
        Returns the number of legs written, 0 for none, or a negative status.
    on_fill : callable(ctx, notice, books, positions, state, params), optional
        Returns 0 or a negative status.
    can_trade : callable(ctx, event, books, features, params), optional
        Returns 1 or 0.
    asleep : callable(in_flight, positions, state, params, nap), optional
        Fills ``nap`` and returns 1, or returns 0; see docs/STRATEGIES.md.
    interpreted : bool
        Return the functions as they are; so does NUMBA_DISABLE_JIT=1.

    Returns
    -------
    KernelFunctions

    Raises
    ------
    StrategyError
        If Numba cannot compile one of them; its first lines are in the message.

    Notes
    -----
    ``ctx``, ``event``, ``notice`` and ``nap`` are single records, ``in_flight`` is a number; the
    others are indexed, ``books[i].bid``, without a check of the index. Functions they call must be
    decorated by ``numba.extending.register_jitable`` or ``numba.njit``. An exception raised inside
    becomes the status `STATUS_EXCEPTION`.
    """
    if interpreted or numba.config.DISABLE_JIT:
        return KernelFunctions(step, on_fill, can_trade, asleep=asleep)
    made = [
        None if function is None else _compile(function, names)
        for function, names in (
            (step, STEP_PARAMETERS),
            (on_fill, ON_FILL_PARAMETERS),
            (can_trade, CAN_TRADE_PARAMETERS),
            (asleep, ASLEEP_PARAMETERS),
        )
    ]
    step_at, *others = [None if one is None else int(one.address) for one in made]
    assert step_at is not None
    on_fill_at, can_trade_at, asleep_at = others
    return KernelFunctions(step_at, on_fill_at, can_trade_at, tuple(made), asleep_at)


def _c_type(name: str) -> Any:
    """Type of a parameter: a number, or a pointer to records."""
    return types.CPointer(numba.from_dtype(_RECORDS[name])) if name in _RECORDS else types.int64


@functools.cache
def _compile(function: Callable[..., Any], names: tuple[str, ...]) -> Any:
    """Wrap a function over records as a C function over pointers."""
    c_signature = types.int64(*map(_c_type, names))
    arguments = [f"{name}[0]" if name in _SINGLE else name for name in names]
    source = (
        f"def wrapper({', '.join(names)}):\n"
        "    try:\n"
        f"        return inner({', '.join(arguments)})\n"
        "    except Exception:\n"
        f"        return {STATUS_EXCEPTION}\n"
    )
    space: dict[str, Any] = {"inner": register_jitable(function)}
    exec(source, space)  # text made here of fixed names alone
    try:
        return numba.cfunc(c_signature, nopython=True)(space["wrapper"])
    except Exception as error:  # a field's misspelt name is a bare KeyError of Numba's
        said = " ".join(f"{type(error).__name__}: {error}".split())[:400]
        raise StrategyError(
            f"Numba cannot compile kernel function {function.__name__}: {said}"
        ) from error
