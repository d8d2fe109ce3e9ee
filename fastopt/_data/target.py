"""The target: classes or numbers, checks that it can be learnt, the spelling of its labels, and held-out rows.

`learn_target` finds a `Target` on the rows of the training file; a model file keeps it, and every later file is read by it.
Used by _data.schema, _cli.train and _cli.predict.  Must not know X or models.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from .cells import as_arrow, is_text, numbers, without_gaps
from .columns import Column, TextColumn, label_codes, label_key, spelled, typed_kind
from .errors import USAGE, CliError, one_of
from .types import ArrowArray, Cells

TASKS = ("classification", "regression")
MAX_CLASSES = 20          # whole numbers with no more values than this, each of two rows at least, are classes
LABELS = {"int": np.int64, "bool": bool, "str": str}


@dataclass(frozen=True)
class Target:
    """How the target is read.

    Parameters
    ----------
    name : str
        Of its column; empty for a matrix, whose target has no name.
    task : {"classification", "regression"}
    column : Column
        How its numbers are read.
    labels : tuple of str
        Of classes, as the training file spells them, in the order of the model's classes.
    type : {"int", "bool", "str"}
        Of the model's classes.
    """

    name: str
    task: str
    column: Column
    labels: tuple[str, ...] = ()
    type: str = "str"

    @property
    def classes(self) -> np.ndarray:
        """The labels as the model has them."""
        if self.type == "bool":
            return np.array([label == "True" for label in self.labels])
        return np.array(self.labels).astype(LABELS[self.type])

    def codes(self, cells: Cells) -> np.ndarray:
        """The number of each row's label, UNSEEN or MISSING."""
        return label_codes(_texts(cells), self.labels)

    def numbers(self, cells: Cells) -> np.ndarray:
        """float64, nan where the target is missing; ValueError that names a cell that is no number."""
        return np.asarray(self.column.values(cells))

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Target:
        """What dataclasses.asdict gave, checked; ValueError or TypeError."""
        target = cls(**{**plain, "column": Column.from_plain(plain["column"]), "labels": tuple(plain["labels"])})
        if not (isinstance(target.name, str) and target.task in TASKS and target.type in LABELS
                and all(isinstance(t, str) for t in target.labels) and len(set(target.labels)) == len(target.labels)
                and (target.type != "int" or all(re.fullmatch(r"-?\d{1,19}", t) for t in target.labels))):
            raise ValueError("the target is damaged")
        return target


def _texts(cells: Cells) -> ArrowArray:
    array = as_arrow(cells)
    return without_gaps(array) if is_text(array) else spelled(array)


def learn_target(cells: Cells, task: str | None = None, name: str = "", decimal: str = ".", shown: str = "the target",
                 typed: bool = False) -> tuple[np.ndarray, Target, list[str]]:
    """The target as classes or as float64, how it is read, and notes; CliError if it cannot be learnt.

    Parameters
    ----------
    cells : array-like or Arrow array of shape (n,)
    task : {"classification", "regression"}, optional
        Guessed if None: text, bool and few distinct whole numbers are classes.
    name : str
        Of the column.
    decimal : {".", ","}
        Decimal sign of the table, where the cells are text.
    shown : str
        What errors call it.
    typed : bool
        Text is text, even if all of it looks like numbers.
    """
    if task is not None:
        one_of("task", task, TASKS)
    array = as_arrow(cells)
    text = is_text(array)
    column = Column(name, "text" if text else typed_kind(array))
    if text and not typed:
        column = TextColumn(name, array, words=False).column(decimal)
    _refuse_missing(array, shown)
    array = without_gaps(array) if text else array
    values = column.values(array) if column.kind in ("number", "boolean") else None
    if values is not None and column.kind == "number" and not np.isfinite(values).all():
        raise CliError(f"{shown} has an infinite value in row {int(np.argmin(np.isfinite(values))) + 1}")
    if task is None:
        whole = values is not None and bool((values == np.round(values)).all())
        few = values is not None and whole and len(np.unique(values)) <= min(MAX_CLASSES, max(2, len(values) / 2))
        many = column.kind == "number" and not few
        task = "regression" if many else "classification"
    if task == "regression":
        return _numbers(values, array, shown), Target(name, task, column), []
    if not text and values is not None and column.kind == "number" and not (values == np.round(values)).all():
        raise CliError(f"{shown} has fractions such as {values[np.argmax(values != np.round(values))]:g}, so it names no "
                       f"classes; use --task regression", USAGE)
    return _classes(array, column, name, shown)


def _refuse_missing(array: ArrowArray, shown: str) -> None:
    text = is_text(array)
    left = without_gaps(array) if text else array
    missing = left.is_null().to_numpy(zero_copy_only=False)
    if missing.any():
        row, count = int(np.argmax(missing)), int(missing.sum())
        cell = (array[row].as_py() or "").strip() if text else ""
        what = f" ({cell!r})" if cell else ""
        raise CliError(f"{shown} has {count} missing value{'s' * (count > 1)}, the first in row {row + 1}{what}; "
                       f"remove such rows{f', or spell {cell!r} another way if it is a class' * bool(cell)}")


def _classes(array: ArrowArray, column: Column, name: str, shown: str) -> tuple[np.ndarray, Target, list[str]]:
    """The classes in order, in their most frequent spelling."""
    import pyarrow.compute as pc

    text, typed = spelled(array), typed_kind(array)
    counts = {c["values"]: c["counts"] for c in pc.value_counts(text).to_pylist()}
    groups: dict[Any, list[str]] = {}
    for spelling in sorted(counts):
        groups.setdefault(label_key(spelling), []).append(spelling)
    best = [max(spellings, key=lambda s: counts[s]) for spellings in groups.values()]
    _refuse_classes(best, len(text), text, shown)
    kind = "bool" if typed == "boolean" else "int" if all(re.fullmatch(r"0|-?[1-9]\d{0,17}", s) for s in best) else "str"
    target = Target(name, "classification", column, tuple(sorted(best, key=int if kind == "int" else str)), kind)
    notes = [f"{shown} spells one class {' and '.join(map(repr, s))}; it is shown as {max(s, key=lambda t: counts[t])!r}"
             for s in groups.values() if len(s) > 1]
    return target.classes[target.codes(text)], target, notes


def _refuse_classes(labels: list[str], n: int, text: ArrowArray, shown: str) -> None:
    if len(labels) < 2:
        raise CliError(f"{shown} has one class only, {labels[0]!r}; a classifier needs two")
    if len(labels) <= max(MAX_CLASSES, n / 2):
        return
    bad = min((numbers(text, decimal)[1] for decimal in (".", ",")), key=lambda b: b.sum())
    odd = ""
    if 0 < bad.sum() < n / 2:
        row = int(np.argmax(bad))
        odd = f"; {int(bad.sum()):,} of them no number, the first, {text[row].as_py()!r}, in row {row + 1}"
    raise CliError(f"{shown} has {len(labels):,} different values in {n:,} rows{odd}; that is no set of classes "
                   f"(--target chooses another column, --task regression a number)")


def _numbers(values: np.ndarray | None, array: ArrowArray, shown: str) -> np.ndarray:
    if values is None:
        text = spelled(array)
        bad = min((numbers(text, decimal)[1] for decimal in (".", ",")), key=lambda b: b.sum())
        row = int(np.argmax(bad))
        raise CliError(f"{shown} holds strings such as {text[row].as_py()!r} in row {row + 1}; regression needs numbers", USAGE)
    if len(values) and values.min() == values.max():
        raise CliError(f"{shown} is {values[0]:g} in every row; there is nothing to learn")
    return values


def hold_out(y: np.ndarray, fraction: float, seed: int, classes: bool) -> tuple[np.ndarray, np.ndarray]:
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
