"""What this copy of fastopt is and can do here: versions, instruction sets, compiler, threads, where its headers lie.

Used through ``fastopt.show_config()`` and ``fastopt.get_include()``, and once at import to say that FASTOPT_ISA is wrong.
"""
from __future__ import annotations

import os
import platform
import warnings
from pathlib import Path
from typing import Any, Literal, overload

from fastopt import _build_info

from . import runtime as _runtime, tables as _core, threads as _threads


def get_include() -> str:
    """The folder with ``fastopt.h``, for packages whose C or Cython code uses the kernels.

    Returns
    -------
    str
        For ``include_dirs`` of a ``setuptools.Extension``.  The ``.pxd`` files lie in the package: Cython finds them.

    Examples
    --------
    >>> import os, fastopt as fo
    >>> os.path.exists(os.path.join(fo.get_include(), "fastopt.h"))
    True
    """
    package = Path(__file__).resolve().parents[1]
    installed = package / "include"
    return str(installed if installed.is_dir() else package.parent / "csrc" / "include")


def config() -> dict[str, dict[str, Any]]:
    """Everything that show_config() tells, by section."""
    import numpy
    import scipy

    standard, library = _runtime.openmp()
    limits = _threads.limits()
    return {
        "fastopt": {"version": _build_info.VERSION, "folder": str(Path(__file__).resolve().parents[1]),
                    "include": get_include()},
        "instruction sets": {"in use": _core.isa(), "available": list(_core.available_isas()),
                             "built": list(_build_info.ISA_FLAGS)},
        "threads": {"default": _threads.get_num_threads(),
                    "because of": [name for name, bound in limits.items() if bound == min(limits.values())],
                    "limits": limits},
        "OpenMP": {"found": standard > 0, "standard": standard, "library": library,
                   "flags": _build_info.OPENMP_FLAGS},
        "build": {"compiler": _runtime.compiler(), "command": _build_info.COMPILER, "flags": _build_info.C_FLAGS,
                  "flags by instruction set": dict(_build_info.ISA_FLAGS), "Cython": _build_info.CYTHON,
                  "NumPy": _build_info.NUMPY},
        "running on": {"Python": platform.python_version(), "NumPy": numpy.__version__, "SciPy": scipy.__version__,
                       "platform": platform.platform()},
    }


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...
@overload
def show_config(mode: Literal["dicts"]) -> dict[str, dict[str, Any]]: ...
def show_config(mode: str = "stdout") -> dict[str, dict[str, Any]] | None:
    """Show versions, instruction sets, OpenMP, the number of threads and why, and how fastopt was built.

    Parameters
    ----------
    mode : {'stdout', 'dicts'}, default='stdout'
        Print it, or return it as a dictionary of dictionaries.

    Returns
    -------
    dict or None
        The dictionary with ``mode='dicts'``, None otherwise.

    Raises
    ------
    ValueError
        If `mode` is another word.

    Examples
    --------
    >>> import fastopt as fo
    >>> fo.show_config(mode="dicts")["fastopt"]["version"] == fo.__version__
    True
    """
    if mode == "dicts":
        return config()
    if mode != "stdout":
        raise ValueError(f"mode must be 'stdout' or 'dicts', got {mode!r}")
    for section, facts in config().items():
        print(section)
        for name, value in facts.items():
            print(f"  {name + ':':25s} {_text(value)}")
    return None


def _text(value: object) -> str:
    if isinstance(value, dict):
        return " · ".join(f"{name} {inner}".strip() for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None or isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def warn_unknown_isa() -> None:
    """Say so if FASTOPT_ISA names a table that is not there; the best one is in use then."""
    name = os.environ.get("FASTOPT_ISA", "")
    if name and name not in _core.available_isas():
        warnings.warn(f"FASTOPT_ISA={name!r} is not one of {_core.available_isas()}, which this processor runs: "
                      f"using {_core.isa()!r}", RuntimeWarning, stacklevel=3)
