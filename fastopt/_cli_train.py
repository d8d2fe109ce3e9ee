"""`fastopt train` from file to table: read, hold out, prepare, fit, compare, save, draw.

Called by `_cli` with the options; each step is a module of its own.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ._cli_compare import NoPeer, Timed, compare
from ._cli_data import read
from ._cli_errors import USAGE, CliError, one_of
from ._cli_files import Data
from ._cli_fit import watched_fit
from ._cli_model import TargetScale, chosen_loss, describe, loss_text, make_estimator
from ._cli_prepare import Preparer
from ._cli_report import Report, number, seconds, si
from ._cli_score import auc, baseline, mean_loss
from ._cli_target import check_target, hold_out

INTERRUPTED = 130          # the exit code that shells give a command ended by Ctrl-C


@dataclass
class Rows:
    """Rows prepared for learning, and those to score on (None if none are held out)."""

    X: object
    y: np.ndarray
    held_out: tuple | None
    task: str
    preparer: Preparer

    @property
    def score_name(self):
        return "accuracy" if self.task == "classification" else "R²"


def train(options):
    """Train a linear model on DATA, show how it goes, and save it."""
    report = Report(options.quiet)
    _check_outputs(options)
    one_of("dtype", options.dtype, ("float32", "float64"))
    data = read(options.data, target=options.target, header=options.header, dtype=options.dtype) \
        if options.data else digits()
    rows = prepare(data, options)
    target = TargetScale(rows.y, rows.task, chosen_loss(options.loss, rows.task)[0], options.scale)
    y, held_out = target.apply(rows.y), rows.held_out and (rows.held_out[0], target.apply(rows.held_out[1]))
    estimator = make_estimator(options, rows.task, rows.X, y)
    _open(report, data, rows, estimator)
    _set_threads(options.threads)
    fitted = watched_fit(estimator, rows.X, y, held_out, report, rows.score_name)
    for note in fitted.notes:
        report.warn(note)
    if fitted.stopped:
        report.warn(f"stopped by Ctrl-C after epoch {len(fitted.losses)}; saving what it has learnt")
    _results(report, options, rows, fitted, (rows.X, y, held_out))
    target.undo(estimator)
    _save(report, options, data, rows, fitted)
    if fitted.stopped:
        raise SystemExit(INTERRUPTED)


def digits():
    """The data set for those who give none: 1,797 handwritten digits of 8 × 8 pixels."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return Data(X, y, "handwritten digits (from scikit-learn)", {"kind": "matrix", "n_features": X.shape[1], "dense": True})


def prepare(data, options):
    """The rows split, and the preparing step fitted on those to learn from."""
    name = f"the target column {data.layout['target']!r}" if "target" in data.layout else "the target"
    y, task = check_target(data.y, options.task, name)
    preparer = Preparer(scale=options.scale, dtype=options.dtype)
    try:
        if options.validation:
            other = read(options.validation, like=data.layout, dtype=options.dtype)
            held_out = other.X, _validation_target(other, y, task, options.validation)
            X = preparer.fit_transform(data.X)
        else:
            learn, held = hold_out(y, options.validation_fraction, options.seed, task == "classification")
            held_out = (_rows(data.X, held), y[held]) if len(held) else None
            X, y = preparer.fit_transform(_rows(data.X, learn)), y[learn]
        if held_out is not None:
            held_out = preparer.transform(held_out[0]), held_out[1]
    except ValueError as error:
        raise CliError(f"{data.source}: {error}") from error
    if held_out is None and options.early_stopping:
        raise CliError("--early-stopping needs rows to score on: give --validation FILE, or a --validation-fraction "
                       "that holds out one row at least", USAGE)
    preparer.layout_ = data.layout
    return Rows(X, y, held_out, task, preparer)


def _rows(X, index):
    return X.iloc[index] if hasattr(X, "iloc") else X[index]


def _validation_target(other, y, task, path):
    """The target of the validation file, of the same type as that of the training file."""
    if other.y is None:
        raise CliError(f"{path} has no target to score against")
    if task == "regression":
        return check_target(other.y, task, f"the target in {path}")[0]
    values = other.y.astype(np.int64) if other.y.dtype.kind == "f" and y.dtype.kind in "iu" else other.y.astype(y.dtype)
    strange = np.setdiff1d(values, y)
    if len(strange) == len(np.unique(values)):
        raise CliError(f"{path} has the classes {strange.tolist()[:5]}, none of which is in the training file")
    return values


def _check_outputs(options):
    """Refuse now what could not be written after the training."""
    if options.output.suffix != ".npz":
        raise CliError(f"--output {options.output}: a model goes into an .npz file; call it "
                       f"{options.output.with_suffix('.npz')}", USAGE)
    for path in [options.output] + [options.plot] * (not options.no_plot):
        folder = Path(path).parent
        if not folder.is_dir():
            raise CliError(f"{path}: there is no folder {folder}", USAGE)
        if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
            raise CliError(f"{path} cannot be written", USAGE)


def _set_threads(threads):
    if threads is not None:
        import fastopt

        fastopt.set_num_threads(threads)


def _open(report, data, rows, estimator):
    """What is about to happen, in three lines."""
    held = 0 if rows.held_out is None else len(rows.held_out[1])
    kinds = f"{len(np.unique(rows.y)):,} classes" if rows.task == "classification" else "a number to predict"
    report.say(f"{data.source}: {data.X.shape[0]:,} rows × {data.X.shape[1]:,} columns, {kinds}", style="bold")
    made = f", made into {rows.X.shape[1]:,} {rows.X.dtype} columns" if rows.X.shape[1] != data.X.shape[1] \
        else f", {rows.X.dtype}"
    scaled = "" if rows.preparer.scale else ", not scaled"
    report.say(f"  {len(rows.y):,} rows to learn from, {held:,} to score on{made}{scaled}")
    for note in data.notes:
        report.say(f"  {note}")
    for name, why in list(rows.preparer.left_out_.items())[:5]:
        report.say(f"  column {name!r} is left out: {why}")
    report.say(f"  {describe(estimator)}")


def _results(report, options, rows, fitted, seen):
    """The table; `seen` are the rows as the estimator sees them.  With --compare a column for each side."""
    X, y, held_out = seen
    report.curves(fitted.losses, fitted.scores, rows.score_name)
    wanted = options.compare if options.compare is not None else options.data is None
    sides = _sides(report, fitted, X, y) if wanted and not fitted.stopped else None
    if sides is None:
        sides = (Timed("fastopt", fitted.estimator, len(fitted.losses), max(fitted.seconds, 1e-9)),)
    table = _scores(rows, sides, held_out) if held_out else []
    per_epoch = [s.seconds / s.epochs for s in sides]
    ratio = [f"{per_epoch[1] / per_epoch[0]:.1f}×"] if len(sides) > 1 else []
    table += [("epochs", *(str(s.epochs) for s in sides)), ("seconds", *(seconds(s.seconds) for s in sides)),
              ("time per epoch", *map(seconds, per_epoch), *ratio), ("samples/s", *(si(len(y) / t) for t in per_epoch))]
    report.table(("", *(s.name for s in sides), *["faster by"][:len(ratio)]), table)
    if ratio:
        early = ", without early stopping" if fitted.estimator.early_stopping else ""
        report.say(f"  same rows, settings and seed{early}; one thread each, nothing scored between epochs", style="dim")


def _sides(report, fitted, X, y):
    """Both sides of the comparison; None, and a note, if there is none to make."""
    try:
        with report.working("timing the same fit, alone, with scikit-learn and with fastopt"):
            return compare(fitted.estimator, X, y, len(fitted.losses))
    except KeyboardInterrupt:
        report.warn("the comparison was stopped by Ctrl-C; the model is kept")
    except NoPeer as error:
        report.warn(str(error))
    return None


def _scores(rows, sides, held_out):
    """Rows of the table: the score, what no model at all would score, the loss."""
    what, floor = baseline(rows.y, rows.held_out[1])
    estimators = [s.estimator for s in sides]
    table = [(f"{rows.score_name} on {len(held_out[1]):,} held-out rows", *(number(e.score(*held_out)) for e in estimators)),
             (f"{rows.score_name} of {what} alone", *[number(floor)] * len(sides)),
             (f"{loss_text(estimators[0].loss)} on the same rows", *(number(mean_loss(e, *held_out)) for e in estimators))]
    if rows.task == "classification" and len(np.unique(rows.y)) == 2:
        table.insert(2, ("area under the ROC curve", *(number(auc(e, *held_out)) for e in estimators)))
    return table


def _save(report, options, data, rows, fitted):
    """The model and the picture, and where they went."""
    from sklearn.pipeline import Pipeline

    from ._model_file import save_model

    try:
        save_model(Pipeline([("prepare", rows.preparer), ("model", fitted.estimator)]), options.output)
    except (OSError, ValueError, TypeError) as error:
        raise CliError(f"the model could not be saved in {options.output}: {error}") from error
    report.say()
    report.say(f"  model    {options.output}")
    if not options.no_plot and _draw(report, options, data, rows, fitted):
        report.say(f"  picture  {options.plot}")
    if options.data:
        report.say(f"  next     fastopt predict {options.output} {options.data}", style="dim")


def _draw(report, options, data, rows, fitted):
    """Whether the picture was drawn; a missing matplotlib or a strange suffix costs a note, not the model."""
    try:
        from ._plot import plot_curves

        unit = ", scaled target" if rows.task == "regression" and rows.preparer.scale else ""
        plot_curves(options.plot, fitted.losses, fitted.scores, title=f"{data.source}\n{describe(fitted.estimator)}",
                    loss_name=f"training loss\n{loss_text(fitted.estimator.loss)}{unit}",
                    score_name=f"{rows.score_name}\nheld-out rows", best_epoch=fitted.best_epoch)
    except ImportError as error:
        report.warn(f'no picture, since {error.name} is not installed: pip install "fastopt[plot]"')
        return False
    except (OSError, ValueError) as error:
        report.warn(f"no picture in {options.plot}: {error}")
        return False
    return True
