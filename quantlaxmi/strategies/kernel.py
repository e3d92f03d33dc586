"""Strategies that are bound to the instruments of a segment.

A *kernel* is a few functions over packed records (see ``schema``), handed to the engine as C
addresses, or as Python callables on ctypes views when its interpreted twin is asked for.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from quantlaxmi import schema
from quantlaxmi.errors import StrategyError
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import EventKind

Form = Literal["kernel", "interpreted", "python"]
#: A C address or, interpreted, a callable on ctypes views.
KernelFunction = int | Callable[..., int]

#: Kernel-facing records by the names kernels export their sizes under.
KERNEL_RECORDS: Final[dict[str, np.dtype[Any]]] = {
    "ctx": schema.CTX_DTYPE,
    "event": schema.EVENT_DTYPE,
    "book": schema.BOOK_DTYPE,
    "position": schema.POSITION_DTYPE,
    "feature": schema.FEATURE_DTYPE,
    "slot": schema.SLOT_DTYPE,
    "param": schema.PARAM_DTYPE,
    "leg_out": schema.LEG_OUT_DTYPE,
    "fill_notice": schema.FILL_NOTICE_DTYPE,
    "nap": schema.NAP_DTYPE,
}
#: State a kernel may ask for: 64 MiB.
MAX_STATE_SLOTS: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """An incremental feature a strategy asks for; the engine fills one slot with it.

    Parameters
    ----------
    name : str
        Name of a feature kernel, such as ``"mid_basis"``.
    args : tuple of int
        Its arguments, instrument indices for most.
    signal : bool
        Whether its value steers what is traded; the ablation gate takes all signals away together.
        False for context, such as what a size is scaled by.

    Examples
    --------
    >>> FeatureSpec("mid_basis", (0, 1)).signal
    True
    """

    name: str
    args: tuple[int, ...] = ()
    signal: bool = True


@dataclass(frozen=True, slots=True)
class KernelFunctions:
    """The functions of a kernel.

    Parameters
    ----------
    step, on_fill, can_trade, asleep : int or callable
        C addresses of functions of ``_ext/_types.pxd``, or callables with the same parameters. All
        but ``step`` may be None: nothing to do, always tradable, never asleep.
    owner : object
        Kept alive as long as the addresses are in use.
    """

    step: KernelFunction
    on_fill: KernelFunction | None = None
    can_trade: KernelFunction | None = None
    owner: object = None
    asleep: KernelFunction | None = None

    @property
    def form(self) -> Form:
        """``"kernel"`` for C addresses, ``"interpreted"`` for callables."""
        return "kernel" if isinstance(self.step, int) else "interpreted"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoundStrategy:
    """A strategy with its settings, bound to the instruments of one segment.

    Parameters
    ----------
    strategy_id : str
        Name of the strategy.
    config : StrategyConfig
        Its settings.
    config_hash : bytes
        32 bytes.
    rationales : tuple of str
        Texts a decision may give as its reason, in the order kernels index them.
    instruments : tuple of int
        Indices of the instruments it trades.
    universe : tuple of Instrument
        All instruments of the segment, in its order.
    event_mask : int
        ``1 << kind`` of every EventKind it wants to be stepped on.
    params : ndarray of PARAM_DTYPE, shape (n_params,)
        Parameters of the kernel.
    state : ndarray of SLOT_DTYPE, shape (n_slots,)
        As at the start of a run; the engine works on a copy.
    features : tuple of FeatureSpec
        Features that the engine computes for it.
    form : {"kernel", "interpreted", "python"}
        Compiled kernel, its interpreted twin, or plain Python.
    step, on_fill, can_trade, asleep : int, callable or None
        C addresses for ``"kernel"``, callables for ``"interpreted"``, None for ``"python"``;
        a kernel may leave all but ``step`` at None.
    instance : object
        For ``"python"``: the fresh object with ``on_market`` and ``on_fill``.
    owner : object
        Keeps the code behind the addresses alive.
    strategy : Strategy or None
        What was bound, so that it can be bound again in another form or with other settings.
    neutral : tuple of int
        Slots of signals that hold their neutral values, see `neutralised`.
    named_signals : tuple of str
        For ``"python"``: its own signals; their slots follow those of the features.

    Raises
    ------
    StrategyError
        If a part is missing, of a wrong dtype or out of range.

    Examples
    --------
    >>> from quantlaxmi import StrategyRegistry, open_segment
    >>> strategy = StrategyRegistry(installed=False).get("basis_capture")()
    >>> bound = strategy.bind(open_segment("data/planted").instruments)
    >>> bound.form, [bound.universe[k].symbol for k in bound.instruments]
    ('kernel', ['BTCUSDT-PERP', 'BTCUSDT'])
    """

    strategy_id: str
    config: Any
    config_hash: bytes
    rationales: tuple[str, ...]
    instruments: tuple[int, ...]
    universe: tuple[Instrument, ...]
    event_mask: int
    params: NDArray[Any] = field(default_factory=lambda: np.zeros(0, schema.PARAM_DTYPE))
    state: NDArray[Any] = field(default_factory=lambda: np.zeros(0, schema.SLOT_DTYPE))
    features: tuple[FeatureSpec, ...] = ()
    form: Form
    step: KernelFunction | None = None
    on_fill: KernelFunction | None = None
    can_trade: KernelFunction | None = None
    asleep: KernelFunction | None = None
    instance: Any = None
    owner: object = None
    strategy: Any = None
    neutral: tuple[int, ...] = ()
    named_signals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        def hold(condition: bool, problem: str) -> None:
            if not condition:
                raise StrategyError(f"strategy {self.strategy_id!r}: {problem}")

        indices = range(len(self.universe))
        hold(len(self.config_hash) == 32, "config_hash must be 32 bytes")
        hold(bool(self.rationales), "declares no rationale texts, needs at least one")
        hold(len(set(self.rationales)) == len(self.rationales), "lists a rationale text twice")
        hold(bool(self.instruments), "trades no instrument")
        hold(len(set(self.instruments)) == len(self.instruments), "names an instrument twice")
        hold(all(i in indices for i in self.instruments), "names an instrument out of range")
        hold(self.event_mask > 0, "wants no event kind")
        hold(self.event_mask & ~mask_of(EventKind) == 0, "event_mask has bits of no EventKind")
        hold(self.params.dtype == schema.PARAM_DTYPE, "params must be of PARAM_DTYPE")
        hold(self.state.dtype == schema.SLOT_DTYPE, "state must be of SLOT_DTYPE")
        hold(len(self.state) <= MAX_STATE_SLOTS, f"state has over {MAX_STATE_SLOTS} slots")
        slots = range(len(self.features) + len(self.named_signals))
        hold(all(k in slots for k in self.neutral), "neutralises a signal it does not declare")
        hold(self.form == "python" or not self.named_signals, "names signals, a kernel cannot")
        functions = (self.step, self.on_fill, self.can_trade, self.asleep)
        if self.form == "python":
            hold(functions == (None,) * 4, "plain Python has an instance, no kernel")
            hold(callable(getattr(self.instance, "on_market", None)), "instance has no on_market")
        elif self.form == "kernel":
            hold(isinstance(self.step, int) and self.step != 0, "step must be a C address")
            hold(all(f is None or isinstance(f, int) for f in functions), "mixes kernel forms")
        else:
            hold(callable(self.step), "step must be callable")
            hold(all(f is None or callable(f) for f in functions), "mixes kernel forms")

    def __reduce__(self) -> tuple[Any, ...]:
        # C addresses and objects of a run do not travel: another process binds the strategy again.
        if self.strategy is None:
            raise StrategyError(
                f"strategy {self.strategy_id!r} was given bound, so another process cannot bind "
                "it: give the strategy itself"
            )
        form = self.form == "interpreted"
        return _bound_again, (self.strategy, self.universe, form, self.neutral, self.config_hash)

    @property
    def signals(self) -> tuple[int, ...]:
        """Slots of the features that are signals, then of the signals with names."""
        own = range(len(self.features), len(self.features) + len(self.named_signals))
        return (*(k for k, spec in enumerate(self.features) if spec.signal), *own)

    def neutralised(self, slots: Iterable[int]) -> BoundStrategy:
        """Return the same strategy with some signals fixed at their neutral values.

        Parameters
        ----------
        slots : iterable of int
            Of features, then of ``named_signals``. None: the strategy as it is.

        Returns
        -------
        BoundStrategy
            Its ``config_hash`` is derived from this one's and the slots, so that no trace of it
            passes for a trace of the strategy.

        Raises
        ------
        StrategyError
            A slot is out of range, or slots were neutralised before.
        """
        neutral = tuple(sorted(set(slots)))
        if not neutral:
            return self
        if self.neutral:
            raise StrategyError(f"strategy {self.strategy_id!r} is neutralised already")
        text = ",".join(map(str, neutral)).encode()
        digest = hashlib.sha256(b"quantlaxmi.neutral.v1\0" + self.config_hash + text).digest()
        return replace(self, neutral=neutral, config_hash=digest)


def _bound_again(
    strategy: Any,
    universe: tuple[Instrument, ...],
    interpreted: bool,
    neutral: tuple[int, ...],
    config_hash: bytes,
) -> BoundStrategy:
    """The strategy that was pickled, bound anew.

    Raises
    ------
    StrategyError
        Its settings are others than those that were pickled.
    """
    made: BoundStrategy = strategy.bind(universe, interpreted=interpreted)
    made = made.neutralised(neutral)
    if made.config_hash != config_hash:
        raise StrategyError(
            f"strategy {made.strategy_id!r} was pickled with settings of hash "
            f"{config_hash.hex()[:16]}, bound again it has {made.config_hash.hex()[:16]}"
        )
    return made


def mask_of(kinds: Any) -> int:
    """Return the event mask of some EventKinds.

    Parameters
    ----------
    kinds : iterable of EventKind

    Returns
    -------
    int
        ``1 << kind`` of every kind, added.

    Examples
    --------
    >>> mask_of([EventKind.QUOTE]) == 1 << EventKind.QUOTE
    True
    """
    return sum({1 << int(kind) for kind in kinds})


def make_params(values: Sequence[int | FixedPoint | float]) -> NDArray[Any]:
    """Convert values to kernel parameters.

    Parameters
    ----------
    values : sequence of int, FixedPoint or float
        An int or FixedPoint fills ``value`` and ``exponent`` (and ``real`` with its nearest
        float); a float fills ``real`` alone.

    Returns
    -------
    ndarray of PARAM_DTYPE, shape (len(values),)

    Examples
    --------
    >>> params = make_params([5, FixedPoint(25, -1)])
    >>> params["value"].tolist(), params["exponent"].tolist()
    ([5, 25], [0, -1])
    """
    params = np.zeros(len(values), schema.PARAM_DTYPE)
    for i, value in enumerate(values):
        if isinstance(value, float):
            params[i] = (0, 0, value)
        elif isinstance(value, FixedPoint):
            params[i] = (value.mantissa, value.exponent, value.to_f64())
        elif -(1 << 63) <= value < 1 << 63:
            params[i] = (value, 0, float(value))
        else:
            raise StrategyError(f"kernel parameter {i} was {value}, must fit 64 bits")
    return params


def check_abi(name: str, version: object, sizes: Mapping[str, int]) -> None:
    """Compare a kernel's ABI version and compiled-in record sizes with this package's.

    Raises
    ------
    StrategyError
    """
    if version not in schema.KERNEL_ABI_VERSIONS:
        raise StrategyError(
            f"kernel {name} was built for kernel ABI {version}, this package has "
            f"{schema.KERNEL_ABI_VERSION}: build it again"
        )
    for record, dtype in KERNEL_RECORDS.items():
        if sizes.get(record, dtype.itemsize) != dtype.itemsize:
            raise StrategyError(
                f"kernel {name} was built with a {record} record of {sizes[record]} bytes, "
                f"this package has {dtype.itemsize}: build it again"
            )


def load_compiled(module_name: str, *, interpreted: bool = False) -> KernelFunctions:
    """Load a kernel written in Cython's pure-Python mode.

    Parameters
    ----------
    module_name : str
        Its ``.py`` source exports ``ABI_VERSION``, ``RECORD_SIZES`` and ``functions()``.
    interpreted : bool
        Load the source uncompiled: the kernel's interpreted twin.

    Returns
    -------
    KernelFunctions
        C addresses, or Python callables where ``interpreted``.

    Raises
    ------
    StrategyError
        If the module is missing or not compiled, or of another kernel ABI.

    Examples
    --------
    >>> compiled = load_compiled("quantlaxmi.strategies.basis_capture_kernel")
    >>> isinstance(compiled.step, int)
    True
    """
    module = _load_source(module_name) if interpreted else importlib.import_module(module_name)
    check_abi(module_name, getattr(module, "ABI_VERSION", None), module.RECORD_SIZES)
    step, on_fill, can_trade, asleep = (*module.functions(), None)[:4]
    if not interpreted and not isinstance(step, int):
        raise StrategyError(f"kernel {module_name} is not compiled: build the package")
    return KernelFunctions(step, on_fill, can_trade, owner=module, asleep=asleep)


def _load_source(module_name: str) -> ModuleType:
    name = f"{module_name}__interpreted"
    if name in sys.modules:
        return sys.modules[name]
    package = importlib.util.find_spec(module_name)
    folder = Path(package.origin).parent if package is not None and package.origin else None
    source = folder / f"{module_name.rpartition('.')[2]}.py" if folder is not None else None
    if source is None or not source.is_file():
        raise StrategyError(f"kernel {module_name} has no .py source to interpret")
    spec = importlib.util.spec_from_file_location(name, source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
