"""Every exception the package raises on purpose, in one file.

Each carries its arguments as attributes and words its message for a person: what was found, where,
and what was expected. The command line prints ``str(error)`` on one line and exits with 2.
"""

from __future__ import annotations

from typing import Any

#: Most characters of a message; what files say of themselves can be of any length.
MAX_MESSAGE = 1000


def _line(text: str) -> str:
    """One printable line: control characters are escaped, and a long text loses its middle."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    if len(text) > MAX_MESSAGE:
        text = f"{text[: MAX_MESSAGE // 2]} ... {text[5 - MAX_MESSAGE // 2 :]}"
    return text


def shown(value: object, most: int = 80) -> str:
    """Return a bounded text of a value from a file, of any kind, size and depth.

    Parameters
    ----------
    value : object
    most : int
        Characters after which it is cut.
    """
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits inside, or deep lists
        return f"a {type(value).__name__} too large to be shown"
    return text if len(text) <= most else f"{text[:most]}..."


def first_cause(error: BaseException) -> str:
    """Return the cause of an error, in one line without a final period or a path of this machine.

    Parameters
    ----------
    error : BaseException
        Its cause is named by class and text; an error without a cause by its text.
    """
    cause = error.__cause__
    said = str(error) if cause is None else f"{type(cause).__name__}: {cause}"
    return " ".join(said.split())[:200].rstrip(".")


class QuantlaxmiError(Exception):
    """Base of all errors raised on purpose by this package.

    Its text is one printable line of bounded length, whatever values the message names.
    """

    def __str__(self) -> str:
        return _line(super().__str__())

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception's own way calls the class with the finished message, which does not fit the
        # classes below; unpickling then ends a whole process pool instead of naming the fault.
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[QuantlaxmiError], args: tuple[object, ...]) -> QuantlaxmiError:
    """An error of a kind with its message and without its attributes, which pickle sets."""
    found = kind.__new__(kind)
    found.args = args
    return found


class FixedPointError(QuantlaxmiError, ValueError):
    """A fixed-point value could not be made or combined."""


class FixedPointOverflow(FixedPointError, OverflowError):
    """An exact result does not fit its mantissa; nothing wraps.

    Parameters
    ----------
    operation : str
        Name of the operation, such as ``"mul"``.
    operands : tuple
        The operands as given.
    row : int or None
        Index of the first failing element for an array operation.
    """

    def __init__(
        self, operation: str, operands: tuple[object, ...], row: int | None = None
    ) -> None:
        self.operation, self.operands, self.row = operation, operands, row
        place = "" if row is None else f" at row {row}"
        shown = ", ".join(str(o) for o in operands)
        super().__init__(f"{operation}({shown}){place} does not fit a 64-bit mantissa")


class DecimalTextError(FixedPointError):
    """A text is not an exact decimal at the wanted exponent."""

    def __init__(self, text: str, reason: str) -> None:
        self.text, self.reason = text, reason
        super().__init__(f"{text[:60]!r} {reason}")


class InputError(QuantlaxmiError):
    """Input that cannot be used: one line naming file, place, value and what was expected.

    Parameters
    ----------
    source : str
        The file or option at fault, as the user named it.
    problem : str
        What was found and what was expected.
    place : str
        Line, field or offset; empty where there is none.
    """

    def __init__(self, source: object, problem: str, place: str = "") -> None:
        self.source, self.problem, self.place = str(source), problem, place
        at = f" ({place})" if place else ""
        super().__init__(f"{self.source}{at}: {problem}")


class SegmentError(InputError):
    """A segment folder cannot be used."""


class SegmentCorrupt(SegmentError):
    """A segment's bytes are not those its manifest names."""


class TraceError(InputError):
    """A trace file cannot be used, or its hash does not match its content."""


class ReportError(InputError):
    """A gate report cannot be used, or its hash does not match its content."""


class ConfigError(InputError):
    """A strategy, cost or policy setting is unknown, of a wrong type or out of range."""


class CurrencyError(QuantlaxmiError):
    """Amounts of several currencies would have been added."""


class StrategyError(QuantlaxmiError):
    """A strategy failed while running, or does not keep its contract."""


class EngineError(QuantlaxmiError):
    """An internal identity does not hold; the result is withheld."""


class WorkerError(QuantlaxmiError):
    """A worker process died, or failed with an error that cannot be sent."""


class LeftoverRemoved(UserWarning):
    """A file or folder that a killed run left next to its output was removed."""


class TrialError(InputError):
    """A trial ledger cannot be used, or the chain of one of its files is broken."""


class CatalogError(InputError):
    """A sweep's catalog cannot be used, or its bytes are not those that were written."""


class NondeterminismError(CatalogError):
    """An item gave other bytes the second time; both are kept."""


class HoldoutError(InputError):
    """Rows of a sealed holdout would be read, or its seal cannot be opened."""
