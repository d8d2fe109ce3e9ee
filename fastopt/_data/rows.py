"""The rows of a training: split into training and validation rows, and prepared.

Used by _cli.train.  Knows the options of the data; must not know estimators.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .columns import MISSING
from .errors import USAGE, CliError
from .files import Data
from .formats import read
from .preparer import Preparer, refuse_infinite
from .schema import Schema
from .target import Target, hold_out, learn_target
from .types import Cells, Matrix, Table


class RowOptions(Protocol):
    """The options of the command on which the rows depend."""

    task: str | None
    scale: bool
    dtype: str
    validation: Path | None
    validation_fraction: float
    early_stopping: bool
    seed: int


@dataclass
class Rows:
    """Rows prepared for learning, and those to score on (None if none are held out)."""

    X: Matrix
    y: np.ndarray
    raw: tuple[Table, Cells] | None              # X and cells of the target as the file has them, of the rows to score on
    held_out: tuple[Matrix, np.ndarray] | None         # the same prepared, of those whose label can be learnt
    target: Target
    preparer: Preparer
    notes: list[str]

    @property
    def task(self) -> str:
        return self.target.task

    @property
    def score_name(self) -> str:
        return "accuracy" if self.task == "classification" else "R²"


def digits() -> Data:
    """The data set for those who give none: 1,797 handwritten digits of 8 × 8 pixels."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return Data(X, y, "handwritten digits (from scikit-learn)", Schema("matrix", X.shape[1], dense=True))


def prepare(data: Data, options: RowOptions) -> Rows:
    """The rows split, and the preparing step fitted on those to learn from."""
    schema = data.schema
    shown = f"the target column {schema.target_name!r}" if schema.target_name else "the target"
    y, target, notes = learn_target(data.target, options.task, schema.target_name, schema.decimal, shown,
                                    typed=not schema.separator)
    preparer = Preparer(scale=options.scale, dtype=options.dtype, schema=replace(schema, target=target))
    try:
        if schema.kind == "matrix":
            refuse_infinite(data.X)                # now, as rows have other numbers later
        if options.validation:
            X = preparer.fit_transform(data.X)
            other = read(options.validation, like=preparer.schema_, dtype=options.dtype)
            raw: tuple[Table, Cells] | None = other.X, _validation_target(other, target, options.validation)
            notes += [f"{other.source}: {note}" for note in other.notes]
        else:
            learn, held = hold_out(y, options.validation_fraction, options.seed, target.task == "classification")
            raw = (_rows(data.X, held), _rows(data.target, held)) if len(held) else None
            X, y = preparer.fit_transform(_rows(data.X, learn)), y[learn]
        held_out = _learnable(raw, target, preparer) if raw else None
        notes += preparer.strangers(raw[0]) if raw and options.validation else []
    except ValueError as error:
        raise CliError(f"{data.source}: {error}") from error
    if held_out is None and options.early_stopping:
        raise CliError("--early-stopping needs rows to score on: give --validation FILE, or a --validation-fraction "
                       "that holds out one row at least", USAGE)
    return Rows(X, y, raw, held_out, target, preparer, notes)


def _rows(X: Any, index: np.ndarray) -> Any:
    return X.iloc[index] if hasattr(X, "iloc") else X.take(index) if hasattr(X, "null_count") else X[index]


def _validation_target(other: Data, target: Target, path: Path) -> Cells:
    """The cells of the target in the validation file; CliError if there is none to score on."""
    if other.target is None:
        raise CliError(f"{path} has no target to score against" + (f": no column {target.name!r}" if target.name else ""))
    codes = target.codes(other.target) if target.task == "classification" else None
    if codes is not None and (codes == MISSING).all():
        raise CliError(f"{path} has no value in its target column {target.name!r}")
    if codes is not None and (codes < 0).all():
        found = sorted({str(v) for v in np.asarray(other.target).tolist()[:1000]})[:5]
        raise CliError(f"{path} has the classes {', '.join(map(repr, found))}, none of which is in the training file: "
                       f"{', '.join(map(repr, target.labels[:5]))}")
    return other.target


def _learnable(raw: tuple[Table, Cells], target: Target, preparer: Preparer) -> tuple[Matrix, np.ndarray] | None:
    """X and y of the rows to score on after each epoch: those that have a target that training knows."""
    if target.task == "classification":
        codes = target.codes(raw[1])
        good, y = np.flatnonzero(codes >= 0), target.classes[np.maximum(codes, 0)]
    else:
        y = target.numbers(raw[1])
        good = np.flatnonzero(np.isfinite(y))
    return (preparer.transform(_rows(raw[0], good)), y[good]) if len(good) else None
