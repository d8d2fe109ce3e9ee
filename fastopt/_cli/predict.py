"""`fastopt predict`: a saved model applied to a file of raw rows.

Called by `_cli` with the options.  Predictions go to stdout or to a file; what is said about them goes to stderr.
"""
from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from fastopt._common.write import replacing
from fastopt._data.cells import as_arrow
from fastopt._data.columns import Column, spelled
from fastopt._data.errors import USAGE, CliError, no_such_file
from fastopt._data.files import Data, check_output
from fastopt._data.formats import read
from fastopt._data.schema import Schema
from fastopt._data.target import Target
from fastopt._models import load_model
from fastopt._models.load import Estimator, Model

from .options import PredictOptions
from .report import number
from .score import Predicted, outputs, scores

SUFFIXES = (".csv", ".tsv", ".txt", ".npz")


def predict(options: PredictOptions) -> None:
    """Predict with a model that `fastopt train` saved."""
    _check_output(options)
    model = _load(options.model)
    estimator = model[-1] if hasattr(model, "steps") else model
    schema = model[0].schema_ if hasattr(model, "steps") else Schema("matrix", int(estimator.n_features_in_))
    if options.proba and not hasattr(model, "predict_proba"):
        raise CliError(f"a model of loss {getattr(estimator, 'loss', '?')!r} has no probabilities; train with "
                       f"--loss log_loss", USAGE)
    data = read(options.data, like=schema)
    try:
        predicted, proba, margin = outputs(model, data.X)
    except ValueError as error:
        raise CliError(f"{options.data}: {error}") from error
    _write(options.output, predicted, proba if options.proba else None, estimator)
    if options.quiet:
        return
    notes = data.notes + (model[0].strangers(data.X) if hasattr(model, "steps") else [])
    text, more = _score(schema.target or _target_of(estimator, schema), data, (predicted, proba, margin))
    for note in notes + more:
        print(f"note: {note}", file=sys.stderr)
    where = f" in {options.output}" if options.output else ""
    print(f"{len(predicted):,} predictions{where}{text}", file=sys.stderr, flush=True)


def _check_output(options: PredictOptions) -> None:
    if options.output is None:
        return
    if options.output.suffix not in SUFFIXES:
        raise CliError(f"--output {options.output}: expected a name that ends in {', '.join(SUFFIXES)}", USAGE)
    check_output(options.output, [options.model, options.data], "--output")


def _load(path: Path) -> Model:
    if not path.exists():
        raise no_such_file(path, "model")
    try:
        return load_model(path)
    except (ValueError, OSError) as error:
        raise CliError(error) from error


def _target_of(estimator: Estimator, schema: Schema) -> Target:
    """The target of a model file that does not describe it."""
    if not hasattr(estimator, "classes_"):
        return Target(schema.target_name, "regression", Column(schema.target_name, "number"))
    kind = {"b": "bool", "i": "int", "u": "int"}.get(estimator.classes_.dtype.kind, "str")
    classes = estimator.classes_
    labels = spelled(as_arrow(classes)).to_pylist() if kind == "str" else [str(label) for label in classes.tolist()]
    return Target(schema.target_name, "classification", Column(schema.target_name, "text"), tuple(labels), kind)


def _score(target: Target, data: Data, predicted: Predicted) -> tuple[str, list[str]]:
    """``"; accuracy 0.9417, log loss 0.1302 against its target"``, and notes; "" where the file has no usable target."""
    if data.target is None:
        return "", []
    try:
        scored = scores(target, data.target, *predicted)
    except ValueError as error:
        return "", [f"not scored: {error}"]
    figures = ", ".join(f"{name} {number(value)}" for name, value in scored.figures.items() if value == value)
    return f"; {figures} against its target" if figures else "", scored.notes


def _write(path: Path | None, predicted: np.ndarray, proba: np.ndarray | None, estimator: Estimator) -> None:
    """One prediction a line, with a header where there are several columns or the file is a table."""
    names = [] if proba is None else [f"p({c})" for c in estimator.classes_.tolist()]
    try:
        if path is None:
            _write_text(sys.stdout, predicted, proba, names, "\t")
            sys.stdout.flush()
            return
        with replacing(path) as stream:
            if path.suffix == ".npz":
                more = {} if proba is None else {"proba": proba, "classes": estimator.classes_}
                np.savez_compressed(stream, y=predicted, **more)
            else:
                text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
                header = ["prediction"] if names or path.suffix != ".txt" else []
                _write_text(text, predicted, proba, names, "," if path.suffix == ".csv" else "\t", header)
                text.detach()
    except BrokenPipeError:                                   # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise CliError(f"{path or 'stdout'} cannot be written: {error}") from error


def _write_text(stream: TextIO, predicted: np.ndarray, proba: np.ndarray | None, names: list[str], separator: str,
                header: Sequence[str] = ()) -> None:
    table = csv.writer(stream, delimiter=separator, lineterminator="\n")
    if names or header:
        table.writerow(["prediction", *names])
    table.writerows(zip(_texts(predicted), *(_texts(c) for c in (proba.T if proba is not None else ()))))


def _texts(values: np.ndarray) -> list[Any]:
    """Numbers in as many digits as their type has, so that they read back the same."""
    return [str(v) for v in values] if values.dtype.kind == "f" else values.tolist()
