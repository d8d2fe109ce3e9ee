"""`fastopt predict`: a saved model applied to a file of raw rows.

Called by `_cli` with the options.  Predictions go to stdout or to a file; what is said about them goes to stderr.
"""
from __future__ import annotations

import csv
import os
import sys

import numpy as np

from ._cli_data import read
from ._cli_errors import USAGE, CliError, no_such_file
from ._cli_report import number
from ._model_file import load_model

SUFFIXES = (".csv", ".tsv", ".txt", ".npz")


def predict(options):
    """Predict with a model that `fastopt train` saved."""
    if options.output is not None and options.output.suffix not in SUFFIXES:
        raise CliError(f"--output {options.output}: expected a name that ends in {', '.join(SUFFIXES)}", USAGE)
    model = _load(options.model)
    layout = getattr(model[0], "layout_", None) if hasattr(model, "steps") else None
    estimator = model[-1] if hasattr(model, "steps") else model
    like = layout or {"kind": "matrix", "n_features": int(estimator.n_features_in_)}
    data = read(options.data, like=like)
    try:
        predicted = model.predict(data.X)
        proba = _probabilities(model, estimator, data.X) if options.proba else None
    except ValueError as error:
        raise CliError(f"{options.data}: {error}") from error
    _write(options.output, predicted, proba, estimator)
    if not options.quiet:
        where = f" in {options.output}" if options.output else ""
        print(f"{len(predicted):,} predictions{where}{_score(predicted, data.y, estimator)}", file=sys.stderr, flush=True)


def _load(path):
    if not path.exists():
        raise no_such_file(path, "model")
    try:
        return load_model(path)
    except (ValueError, OSError) as error:
        raise CliError(error) from error


def _probabilities(model, estimator, X):
    if not hasattr(model, "predict_proba"):
        raise CliError(f"a model of loss {getattr(estimator, 'loss', '?')!r} has no probabilities; train with "
                       f"--loss log_loss", USAGE)
    return model.predict_proba(X)


def _score(predicted, y, estimator):
    """``"; accuracy 0.9417 against the target in it"``, or nothing where the file has no usable target."""
    if y is None:
        return ""
    if not hasattr(estimator, "classes_"):
        if y.dtype.kind not in "biuf" or not np.isfinite(y).all() or y.min() == y.max():
            return ""
        score = 1 - np.mean((y - predicted) ** 2) / np.var(y)
        return f"; R² {number(score)} against its target"
    y = y.astype(str) if predicted.dtype.kind == "U" else y
    if y.dtype.kind == "O" or not np.isin(y, estimator.classes_).any():
        return ""
    return f"; accuracy {number(np.mean(predicted == y))} against its target"


def _write(path, predicted, proba, estimator):
    """One prediction a line, with a header where there are several columns or the file is a table."""
    names = [] if proba is None else [f"p({c})" for c in estimator.classes_.tolist()]
    if path is not None and path.suffix == ".npz":
        more = {} if proba is None else {"proba": proba, "classes": estimator.classes_}
        np.savez_compressed(path, y=predicted, **more)
        return
    try:
        with (open(path, "w", newline="", encoding="utf-8") if path else _stdout()) as stream:
            table = csv.writer(stream, delimiter="," if path and path.suffix == ".csv" else "\t", lineterminator="\n")
            if names or path and path.suffix != ".txt":
                table.writerow(["prediction", *names])
            columns = [_texts(predicted)] + [_texts(c) for c in (proba.T if proba is not None else ())]
            table.writerows(zip(*columns))
    except BrokenPipeError:                                   # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error}") from error


def _texts(values):
    """Numbers in as many digits as their type has, so that they read back the same."""
    return [str(v) for v in values] if values.dtype.kind == "f" else values.tolist()


class _stdout:
    """sys.stdout as a context manager that flushes and leaves it open."""

    def __enter__(self):
        return sys.stdout

    def __exit__(self, *error):
        sys.stdout.flush()
