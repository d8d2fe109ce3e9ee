"""Named things with parameters and, some of them, a state: compared, printed, copied, pickled, saved and restored.

The base of losses, penalties, schedules and batch sizes, which say what the parameters mean.
"""
from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn, TypeVar

from fastopt.exceptions import InvalidParameterError

from .checks import integer, number
from .registry import Registry

Kind = TypeVar("Kind")

#: every class with a state by name, for states to be read back
registry: dict[str, type[Stateful]] = {}


class Settings:
    """Parameters that are set once, in `__init__`: what compares, prints, copies and pickles an instance."""

    name: ClassVar[str]
    _params: dict[str, Any]

    def _keep(self, params: dict[str, Any], **derived: Any) -> None:
        """Remember the parameters, in the order of `__init__`, and what follows from them; all of them are attributes."""
        self.__dict__.update(params, _params=params, **derived)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters, by name."""
        return dict(self._params)

    def __setattr__(self, key: str, value: object = None) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed, make another one")

    __delattr__ = __setattr__

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(self._params.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and type(self) is type(other) and self._params == other._params

    def __hash__(self) -> int:
        return hash((type(self), tuple(self._params.values())))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self._params.items())})"


@functools.lru_cache(maxsize=256)
def _methods(cls: type, names: tuple[str, ...]) -> frozenset[str]:
    """Those of the names that a class has already."""
    return frozenset(name for name in names if hasattr(cls, name))


class Stateful(Settings):
    """Parameters, and a state of numbers that only methods change; both can be saved and restored."""

    _state: dict[str, float]

    def __init_subclass__(cls) -> None:
        if "name" in cls.__dict__:
            registry[cls.name] = cls

    def _keep(self, params: dict[str, Any], state: dict[str, float] | None = None, **derived: Any) -> None:
        """Remember the state at the start, too."""
        self.__dict__.update(self._attributes(params), _params=params, _state=state or {}, **derived)

    def _attributes(self, params: dict[str, Any]) -> dict[str, Any]:
        """The parameters that are attributes: all, but for those that a method has the name of."""
        taken = _methods(type(self), tuple(params))   # type: ignore[arg-type]   # it is the instances that have no hash
        return {key: value for key, value in params.items() if key not in taken} if taken else params

    def __reduce__(self) -> tuple[Any, ...]:
        return *super().__reduce__(), {"_state": dict(self._state)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stateful) and super().__eq__(other) and self._state == other._state

    __hash__ = None  # type: ignore[assignment]   # load_state_dict changes what equality compares

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on from here: name, parameters, state.  Plain numbers, strings, lists and dicts.

        Returns
        -------
        dict
        """
        return {"name": self.name, "params": {key: _plain(value) for key, value in self._params.items()},
                "state": dict(self._state)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Become what `state_dict` was taken from, parameters included; nothing changes if that fails.

        Parameters
        ----------
        state : dict
            What `state_dict` returned, of the same class.

        Raises
        ------
        InvalidParameterError
            If it is of another class, or has parameters or numbers that this class does not take.
        """
        other = restore(state, self)
        if type(other) is not type(self):
            raise InvalidParameterError(f"state must be that of a {type(self).__name__}, got that of {other!r}")
        self._adopt(other)

    def _adopt(self, other: Stateful) -> None:
        """Become `other`; parts of the same class stay the objects that the caller may hold."""
        params = {key: _adopted(self._params.get(key), value) for key, value in other._params.items()}
        self.__dict__.update({**other.__dict__, **self._attributes(params), "_params": params})

    def _with_state(self, state: object) -> None:
        """Take the numbers of a state, which is checked."""
        if not isinstance(state, Mapping) or state.keys() != self._state.keys():
            raise InvalidParameterError(f"state of {self.name} must hold {', '.join(self._state) or 'nothing'}, got {state!r}")
        self.__dict__["_state"] = {key: _like(old, f"state[{key!r}]", state[key]) for key, old in self._state.items()}


def _like(old: float, name: str, value: object) -> float:
    """A number of a state: counters stay integers, others may be infinite."""
    if isinstance(old, int):
        return integer(name, value, 0)
    return number(name, value, at_least=-math.inf, at_most=math.inf)


def _plain(value: object) -> object:
    if isinstance(value, Stateful):
        return value.state_dict()
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _adopted(mine: object, value: object) -> object:
    if isinstance(value, Stateful) and type(mine) is type(value):
        mine._adopt(value)
        return mine
    if isinstance(value, tuple) and isinstance(mine, tuple) and len(mine) == len(value):
        return tuple(map(_adopted, mine, value))
    return value


def restore(state: object, current: object = None) -> Stateful:
    """What the state was taken from; functions, which have no state, are taken from `current`."""
    if not isinstance(state, Mapping) or state.keys() != {"name", "params", "state"} or not isinstance(state["params"], dict):
        raise InvalidParameterError(f"state must be what state_dict returned, with name, params and state; got {state!r}")
    cls = registry.get(state["name"]) if isinstance(state["name"], str) else None
    if cls is None:
        raise InvalidParameterError(f"state must have one of the names {', '.join(registry)}, got {state['name']!r}")
    mine = current._params if isinstance(current, cls) else {}
    params = {key: _parts(value, mine.get(key)) for key, value in state["params"].items()}
    if cls.name == "function":
        if not mine:
            raise InvalidParameterError("state has a function, which cannot be saved: load it into what was made with it")
        params = mine
    try:
        found = cls(**params)
    except TypeError as error:   # a missing or unknown parameter
        raise InvalidParameterError(f"state of {cls.name}: {error}") from None
    found._with_state(state["state"])
    return found


def restored(kinds: Registry[Kind], state: object) -> Kind:
    """What the state was taken from, if it is one of these."""
    found = restore(state)
    if not isinstance(found, kinds.base):
        raise InvalidParameterError(f"state must be that of a {kinds.what}, got that of {found!r}")
    return found


def _parts(value: object, current: object) -> object:
    """A parameter as it was before `_plain`."""
    if isinstance(value, Mapping):
        return restore(value, current)
    if isinstance(value, (list, tuple)):
        mine = current if isinstance(current, tuple) and len(current) == len(value) else (None,) * len(value)
        return tuple(map(_parts, value, mine))
    return value
