"""Docstrings of classes that share parameters: what is said of each is written once.

Used by optimizers and penalties, which have the text; knows nothing but strings.
"""
from __future__ import annotations

import inspect
import re
from collections.abc import Mapping


def filled(cls: type[object], shared: Mapping[str, tuple[str, str]]) -> str | None:
    """The docstring of a class, lines like ``[lr, betas]`` replaced by type, default and text of these parameters.

    A key of `shared` is the name of the parameter, before a colon where parameters of one name differ.
    """
    def entries(match: re.Match[str]) -> str:
        parameters, found = inspect.signature(cls.__init__).parameters, []
        for key in match[2].split(", "):
            name = key.partition(":")[0]
            kind, text = shared[key]
            default = "" if kind.endswith("optional") else f", default={parameters[name].default!r}"
            found += [f"{name} : {kind}{default}", f"    {text}"]
        return "\n".join(match[1] + line for line in found)

    if cls.__doc__ is None:
        return None
    return re.sub(r"^( *)\[([a-z_][\w:]*(?:, [\w:]+)*)\]$", entries, cls.__doc__, flags=re.M)
