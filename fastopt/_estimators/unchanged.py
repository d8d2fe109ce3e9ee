"""Estimators that stay as they were where anything is raised.

Used by the bases of the estimators.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.base import BaseEstimator


@contextmanager
def unchanged_on_error(estimator: BaseEstimator) -> Iterator[dict[str, Any]]:
    """Restore all attributes if anything is raised, Ctrl-C included, unless the yielded dictionary has been emptied."""
    before = dict(vars(estimator))
    try:
        yield before
    except BaseException:
        if before:
            estimator.__dict__.clear()
            estimator.__dict__.update(before)
        raise
