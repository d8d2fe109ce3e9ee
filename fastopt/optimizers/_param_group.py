"""A group of parameters and its settings, as users see and change them between steps.

Used by fastopt.optimizers._base, to which what is set is handed on.  Knows no rule.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any, Protocol

from numpy.typing import NDArray

from ._settings import GLOBAL, check, refuse_unknown


class Owner(Protocol):
    """What is told of new settings, and refuses them."""

    def _regroup(self, group: ParamGroup, settings: dict[str, Any]) -> None: ...


class ParamGroup(MutableMapping[str, Any]):
    """The settings of a group of parameters: a mapping that checks what is set, and hands it on.

    Attributes
    ----------
    params : tuple of ndarray
        Its parameters; also ``group["params"]``.  `Optimizer.add_param_group` adds more.
    settings : mapping
        Its settings without them, to be looked at: they are set by ``group[name] = value``.
    """

    def __init__(self, owner: Owner, number: int, settings: dict[str, Any]) -> None:
        self.owner, self.number = owner, number
        self.params: tuple[NDArray[Any], ...] = tuple(settings["params"])
        self.adopt({name: value for name, value in settings.items() if name not in (*GLOBAL, "params")})

    def adopt(self, settings: dict[str, Any]) -> None:
        """Take settings that are checked.

        Parameters
        ----------
        settings : dict
            By name.
        """
        self._settings = settings

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its settings, to be looked at."""
        return MappingProxyType(self._settings)

    def __getitem__(self, name: str) -> Any:
        return self.params if name == "params" else self._settings[name]

    def __setitem__(self, name: str, value: object) -> None:
        refuse_unknown(type(self.owner).__name__, [name], self._settings)
        new = {**self._settings, name: check(name, value)}
        self.owner._regroup(self, new)
        self.adopt(new)

    def __delitem__(self, name: str) -> None:
        raise TypeError("settings of a group cannot be deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(["params", *self._settings])

    def __len__(self) -> int:
        return 1 + len(self._settings)

    def __repr__(self) -> str:
        return f"ParamGroup({self._settings!r}, {len(self.params)} arrays)"
