"""Named classes: what the `get` and `names` of losses, penalties, schedules, batch sizes and optimizers stand on.

Knows none of them; a folder has a register of its own, which its base class fills.
"""
from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from fastopt.exceptions import InvalidParameterError

from .rules import did_you_mean

T = TypeVar("T")


_found: dict[type[Any], Mapping[str, inspect.Parameter]] = {}


def parameters_of(kind: type[Any]) -> Mapping[str, inspect.Parameter]:
    """What the constructor of a class takes; kept, as it takes longer to find out than to make an instance."""
    if kind not in _found:
        _found[kind] = inspect.signature(kind).parameters
    return _found[kind]


class Registry(dict[str, type[T]]):
    """Classes by name; a name that there is not is an error that tells the near match.

    Parameters
    ----------
    what : str
        What they are, in errors.
    base : type
        What they have in common.
    """

    def __init__(self, what: str, base: type[T]) -> None:
        super().__init__()
        self.what, self.base = what, base
        self.aliases: dict[str, str] = {}   # other names, by which `make` knows them too

    def __missing__(self, name: object) -> NoReturn:
        near = did_you_mean(name, [*self, *self.aliases])
        raise InvalidParameterError(f"there is no {self.what} {name!r}{near or ': they are ' + ', '.join(self)}")

    def make(self, name: object, params: Mapping[str, Any]) -> T:
        """The thing of that name with these parameters; a thing without parameters is returned as it is.

        Parameters
        ----------
        name : str or thing
        params : mapping
            Parameters by name.

        Returns
        -------
        thing

        Raises
        ------
        InvalidParameterError
            If there is none of that name, or it has no such parameters.
        """
        if isinstance(name, self.base) and not params:
            return name
        if not isinstance(name, str):
            raise InvalidParameterError(f"name must be a string or, without parameters, a {self.base.__name__}; got {name!r}")
        kind = self[self.aliases.get(name, name)]
        if params:
            known = parameters_of(kind)
            for key in params.keys() - known.keys():
                raise InvalidParameterError(f"{name} takes {', '.join(known) or 'no parameters'}, got {key}")
        return kind(**params)
