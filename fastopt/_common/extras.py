"""Optional packages: where one is missing, or too old, the error says what to install.

Used where they are imported: linear_model, _plot, the command.  Knows no package but by its name.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

#: names to install by, where they differ from those to import by
INSTALLED_AS = {"sklearn": "scikit-learn"}


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Let imports say that `what` needs a package, and which extra of fastopt brings it.

    Examples
    --------
    >>> from fastopt._common.extras import needs
    >>> with needs("plot", "plot"):
    ...     import matplotlip
    Traceback (most recent call last):
    ...
    ModuleNotFoundError: plot needs matplotlip: pip install "fastopt[plot]" (No module named 'matplotlip')
    """
    try:
        yield
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "fastopt") or "pip install" in str(error):   # a defect of ours, or said already
            raise
        raise type(error)(f'{what} needs {INSTALLED_AS.get(package, package)}: pip install "fastopt[{extra}]" ({error})',
                          name=package) from error
