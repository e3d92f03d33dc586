"""The policy: every threshold a verdict rests on, in one frozen object with a hash.

Its TOML has the general thresholds at the top, the gates of each suite in ``[suites]``, and one
table a gate::

    alpha = 0.05

    [suites]
    g2 = ["net_positive", "random_entry"]

    [random_entry]
    n_sims = 10000
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from quantlaxmi.gates import suites
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.thresholds import General, Thresholds
from quantlaxmi.recent import Recent
from quantlaxmi.settings import Items, Place, Settings, fields_of, read_settings
from quantlaxmi.settings.kinds import Choice, Several

__all__ = ["GatePolicy", "load_policy"]

#: The suites whose every threshold is in the policy's hash. Those of others enter it where they are
#: not the default, so that a new suite changes no verdict of these.
_HASHED_WHOLE = ("g2",)


class GatePolicy(Thresholds):
    """Thresholds and counts of all gates; what is not named keeps its default.

    Parameters
    ----------
    **values
        As the TOML has them: general thresholds by name, ``suites`` as a dict of lists, and each
        gate's table as a dict or as the gate's settings.

    Raises
    ------
    ConfigError
        For an unknown key, a value of a wrong type or out of bounds; one line.

    Examples
    --------
    >>> GatePolicy(alpha="0.01", random_entry={"n_sims": 999}).to_json()["random_entry"]["n_sims"]
    999
    """

    def __init__(self, **values: Any) -> None:
        self._read(values, "gate policy")

    def _read(self, values: Mapping[str, Any], source: object) -> None:
        at = Place(source)
        shared = {field.name for field in fields_of(General)}
        gates = _gates()
        for key in values:
            if key not in {*shared, "suites", *gates}:
                raise at.unknown(key, {*shared, "suites", *gates})
        given = {key: value for key, value in values.items() if key in shared}
        tables = {
            name: _exact(gate.Settings, values.get(name, {}), source, name)
            for name, gate in gates.items()
        }
        super().__init__(
            _exact(General, given, source, ""), _suites(values.get("suites", {}), at), tables
        )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: object = "gate policy") -> GatePolicy:
        """A policy from parsed TOML or JSON.

        Raises
        ------
        ConfigError
            As `GatePolicy`; the line begins with `source`.
        """
        made = cls.__new__(cls)
        if not isinstance(values, Mapping):
            raise Place(source).was(values, "a table")
        made._read(values, source)
        return made

    def to_json(self, whole: Iterable[str] = _HASHED_WHOLE) -> dict[str, Any]:
        """Thresholds with their effective values; decimals as plain text.

        Parameters
        ----------
        whole : iterable of str
            Suites of which every threshold is named; of others those that are not the default.
        """
        named, default = set(whole), {name: gate.Settings() for name, gate in _gates().items()}
        found: dict[str, Any] = {**self.general.to_json(), "suites": {}}
        for suite, names in self.suites.items():
            if suite in named or names != tuple(gate.name for gate in suites.gates_of(suite)):
                found["suites"][suite] = list(names)
        for name, table in self.tables.items():
            plain = table.to_json()
            if _gates()[name].suite in named or plain != default[name].to_json():
                found[name] = plain
        return found

    def replace(self, **changes: Any) -> GatePolicy:
        """The same policy with some values changed; of a table, those that are named."""
        values = self.to_json(suites.suite_names())
        for key, value in changes.items():
            merges = isinstance(value, Mapping) and isinstance(values.get(key), dict)
            values[key] = {**values[key], **value} if merges else value
        return GatePolicy(**values)

    @property
    def differences(self) -> tuple[str, ...]:
        """How it differs from the default policy, a text for each threshold; empty if it does not.

        >>> GatePolicy(alpha="0.5", suites={"g2": ["net_positive", "delay"]}).differences[0]
        'alpha = 0.5 (default 0.05)'
        """
        default = _defaults.get(
            (suites.ALL_GATES,), (), lambda: _every_value(GatePolicy())
        )  # a sweep asks once an item
        return tuple(_differences("", _every_value(self), default))


def _every_value(policy: GatePolicy) -> dict[str, Any]:
    return {"early": policy.general.early, **policy.to_json(suites.suite_names())}


#: Every threshold of the default policy, of these gates.
_defaults: Final = Recent[dict[str, Any]](most=1)


def _gates() -> dict[str, Gate]:
    """Every gate by its name."""
    return {gate.name: gate for gate in suites.ALL_GATES}


def _differences(place: str, own: Any, default: Any) -> Iterator[str]:
    """A text for each place at which a policy's plain values are not the default ones."""
    if isinstance(own, dict):
        for key in default:
            yield from _differences(f"{place}.{key}" if place else key, own[key], default[key])
    elif own == default:
        return
    elif place.startswith("suites."):
        left_out = [name for name in default if name not in own]
        yield f"{place} without {', '.join(left_out)}" if left_out else f"{place} in another order"
    else:
        yield f"{place} = {_value(own)} (default {_value(default)})"


def _value(plain: Any) -> str:
    return f"[{', '.join(map(str, plain))}]" if isinstance(plain, list) else str(plain)


def _exact(kind: type[Settings], value: Any, source: object, key: str) -> Any:
    """The settings, decimals without trailing zeros: equal policies are equal in every text."""
    found = value if isinstance(value, kind) else kind.from_mapping(value, source, key)
    return kind.from_mapping(found.to_json(), source, key)


def _suites(values: Any, at: Place) -> dict[str, tuple[str, ...]]:
    at = at / "suites"
    if not isinstance(values, Mapping):
        raise at.was(values, "a table")
    known = suites.suite_names()
    for suite in values:
        if suite not in known:
            raise at.unknown(suite, known)
    found = {}
    for suite in known:
        names = tuple(gate.name for gate in suites.gates_of(suite))
        lists = Several(Choice(names), Items(least=1, most=len(names), distinct=True))
        found[suite] = lists.read(values.get(suite, names), at / suite)
    return found


def load_policy(path: str | Path) -> GatePolicy:
    """Read a policy from TOML; keys not named keep their defaults.

    Parameters
    ----------
    path : str or Path
        At most one MiB.

    Raises
    ------
    ConfigError
        When the file cannot be read, is not TOML, or holds an unknown key or a bad value.

    Returns
    -------
    GatePolicy

    Examples
    --------
    >>> from pathlib import Path
    >>> written = Path("policy.toml").write_text("[random_entry]\\nn_sims = 999\\n")
    >>> load_policy("policy.toml") == GatePolicy(random_entry={"n_sims": 999})
    True
    """
    return GatePolicy.from_mapping(read_settings(path, "a gate policy"), path)
