"""The target: is it a class or a number, can it be learnt, and which rows are held out.

Used by _cli_train.  Knows nothing of X or of models.
"""
from __future__ import annotations

import numpy as np

from ._cli_errors import USAGE, CliError, one_of

TASKS = ("classification", "regression")
MOST_CLASSES = 20          # whole numbers with no more values than this are classes


def check_target(y, task=None, name="the target"):
    """The target as classes or as float64, and the task; CliError if it cannot be learnt.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Numbers, bool, str, or objects where None is a missing value.
    task : {"classification", "regression"}, optional
        Guessed if None: strings, bool and few distinct whole numbers are classes.
    """
    if task is not None:
        one_of("task", task, TASKS)
    _refuse_missing(y, name)
    task = task or guess_task(y)
    return (_classes(y, name) if task == "classification" else _numbers(y, name)), task


def _refuse_missing(y, name):
    if y.dtype.kind == "O":
        missing = np.array([v is None or v != v for v in y])
    else:
        missing = np.isnan(y) if y.dtype.kind == "f" else np.zeros(len(y), dtype=bool)
    if missing.any():
        row, count = int(np.argmax(missing)), int(missing.sum())
        raise CliError(f"{name} has {count} missing value{'s' * (count > 1)}, the first in row {row + 1}; "
                       f"remove such rows")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise CliError(f"{name} has an infinite value in row {int(np.argmin(np.isfinite(y))) + 1}")
    if y.dtype.kind not in "biufUO":
        raise CliError(f"{name} is of type {y.dtype}; expected numbers or strings")


def guess_task(y):
    """'classification' or 'regression', from the values alone."""
    if y.dtype.kind not in "iuf":
        return "classification"
    whole = y.dtype.kind in "iu" or bool((y == np.round(y)).all())
    return "classification" if whole and len(np.unique(y)) <= MOST_CLASSES else "regression"


def _classes(y, name):
    if y.dtype.kind == "f":
        if not (y == np.round(y)).all():
            raise CliError(f"{name} has fractions such as {y[np.argmax(y != np.round(y))]:g}, so it names no classes; use "
                           f"--task regression", USAGE)
        y = y.astype(np.int64)
    y = y.astype(str) if y.dtype.kind == "O" else y
    distinct = np.unique(y)
    if len(distinct) < 2:
        raise CliError(f"{name} has one class only, {str(distinct[0])!r}; a classifier needs two")
    if len(distinct) > max(MOST_CLASSES, len(y) / 2):
        raise CliError(f"{name} has {len(distinct):,} different values in {len(y):,} rows; that is no set of classes "
                       f"(--target chooses another column, --task regression a number)")
    return y


def _numbers(y, name):
    if y.dtype.kind not in "biuf":
        raise CliError(f"{name} holds strings such as {str(y[0])!r}; regression needs numbers", USAGE)
    y = y.astype(np.float64)
    if len(y) and y.min() == y.max():
        raise CliError(f"{name} is {y[0]:g} in every row; there is nothing to learn")
    return y


def hold_out(y, fraction, seed, classes):
    """Rows to learn from and rows to score on, both in file order; each class in its share, none held out whole.

    Parameters
    ----------
    y : ndarray of shape (n,)
    fraction : float
        Of the rows, to hold out.
    seed : int
    classes : bool
        Whether y names classes.
    """
    n, m = len(y), int(round(fraction * len(y)))
    order = np.random.RandomState(seed).permutation(n)
    if classes:
        code, counts = np.unique(y, return_inverse=True, return_counts=True)[1:]
        order = order[np.argsort(code[order], kind="stable")]
    chosen = order[((np.arange(m) + 0.5) * n / max(m, 1)).astype(np.int64)]
    if classes:
        chosen = chosen[counts[code[chosen]] > 1]
    held = np.zeros(n, dtype=bool)
    held[chosen] = True
    return np.flatnonzero(~held), np.flatnonzero(held)
