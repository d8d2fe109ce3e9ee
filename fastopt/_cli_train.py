"""`fastopt train` from file to table: read, hold out, prepare, fit, compare, save, read back, score, draw.

Called by `_cli` with the options; each step is a module of its own.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from shlex import quote

import numpy as np

from ._cli_compare import NoPeer, Timed, compare
from ._cli_data import read
from ._cli_errors import USAGE, CliError, one_of
from ._cli_files import Data, check_output
from ._cli_fit import watched_fit
from ._cli_model import TargetScale, chosen_loss, describe, loss_text, make_estimator
from ._cli_prepare import Preparer
from ._cli_report import Report, number, seconds, si
from ._cli_schema import Schema
from ._cli_score import baseline, mean_loss, outputs, scores
from ._cli_target import Target, hold_out, learn_target

INTERRUPTED = 130          # the exit code that shells give a command ended by Ctrl-C


@dataclass
class Rows:
    """Rows prepared for learning, and those to score on (None if none are held out)."""

    X: object
    y: np.ndarray
    raw: tuple | None              # X and cells of the target as the file has them, of the rows to score on
    held_out: tuple | None         # the same prepared, of those whose label can be learnt
    target: Target
    preparer: Preparer
    notes: list

    @property
    def task(self):
        return self.target.task

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
    if options.target is not None and data.schema.kind == "matrix":
        raise CliError(f"--target chooses a column of a table; {data.source} has its target beside the matrix", USAGE)
    rows = prepare(data, options)
    scale = TargetScale(rows.y, rows.task, chosen_loss(options.loss, rows.task)[0], options.scale)
    y, held_out = scale.apply(rows.y), rows.held_out and (rows.held_out[0], scale.apply(rows.held_out[1]))
    estimator = make_estimator(options, rows.task, rows.X, y)
    _open(report, data, rows, estimator)
    _set_threads(options.threads)
    fitted = watched_fit(estimator, rows.X, y, held_out, report, rows.score_name)
    _judge(report, options, fitted)
    sides = _sides(report, options, fitted, rows.X, y)
    losses = [_loss_of(side.estimator, held_out, scale) for side in sides]
    scale.undo(estimator, rows.preparer)
    model = _save(options, rows, estimator)
    _results(report, rows, fitted, sides, losses, [_figures_of_saved(model, rows), *_figures_of_peer(sides, rows, scale)])
    _close(report, options, data, rows, fitted)
    if fitted.stopped:
        raise SystemExit(INTERRUPTED)


def digits():
    """The data set for those who give none: 1,797 handwritten digits of 8 × 8 pixels."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return Data(X, y, "handwritten digits (from scikit-learn)", Schema("matrix", X.shape[1], dense=True))


def prepare(data, options):
    """The rows split, and the preparing step fitted on those to learn from."""
    schema = data.schema
    shown = f"the target column {schema.target_name!r}" if schema.target_name else "the target"
    y, target, notes = learn_target(data.target, options.task, schema.target_name, schema.decimal, shown, typed=not schema.separator)
    preparer = Preparer(scale=options.scale, dtype=options.dtype, schema=replace(schema, target=target))
    try:
        if options.validation:
            X = preparer.fit_transform(data.X)
            other = read(options.validation, like=preparer.schema_, dtype=options.dtype)
            raw = other.X, _validation_target(other, target, options.validation)
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


def _rows(X, index):
    return X.iloc[index] if hasattr(X, "iloc") else X.take(index) if hasattr(X, "null_count") else X[index]


def _validation_target(other, target, path):
    """The cells of the target in the validation file; CliError if there is none to score on."""
    if other.target is None:
        raise CliError(f"{path} has no target to score against" + (f": no column {target.name!r}" if target.name else ""))
    if target.task == "classification" and (target.codes(other.target) < 0).all():
        found = sorted({str(v) for v in np.asarray(other.target).tolist()[:1000]})[:5]
        raise CliError(f"{path} has the classes {', '.join(map(repr, found))}, none of which is in the training file: "
                       f"{', '.join(map(repr, target.labels[:5]))}")
    return other.target


def _learnable(raw, target, preparer):
    """X and y of the rows to score on after each epoch: those that have a target that training knows."""
    if target.task == "classification":
        codes = target.codes(raw[1])
        good, y = np.flatnonzero(codes >= 0), target.classes[np.maximum(codes, 0)]
    else:
        y = target.numbers(raw[1])
        good = np.flatnonzero(np.isfinite(y))
    return (preparer.transform(_rows(raw[0], good)), y[good]) if len(good) else None


def _check_outputs(options):
    """Refuse now what could not be written after the training."""
    if options.output.suffix != ".npz":
        raise CliError(f"--output {options.output}: a model goes into an .npz file; call it "
                       f"{options.output.with_suffix('.npz')}", USAGE)
    inputs = [options.data, options.validation]
    check_output(options.output, inputs, "--output")
    if not options.no_plot:
        check_output(options.plot, [*inputs, options.output], "--plot")


def _set_threads(threads):
    if threads is not None:
        import fastopt

        fastopt.set_num_threads(threads)


def _open(report, data, rows, estimator):
    """What is about to happen, in a few lines, first of all what is to be predicted."""
    if data.guess:
        report.say(data.guess)
    held = 0 if rows.raw is None else rows.raw[0].shape[0]
    kinds = f"{len(rows.target.labels):,} classes in" if rows.task == "classification" else "a number to predict:"
    kinds = f"{kinds} column {rows.target.name!r}" if rows.target.name else kinds.removesuffix(" in").rstrip(":")
    report.say(f"{data.source}: {data.X.shape[0]:,} rows × {data.X.shape[1]:,} columns, {kinds}", style="bold")
    made = f", made into {rows.X.shape[1]:,} {rows.X.dtype} columns" if rows.X.shape[1] != data.X.shape[1] \
        else f", {rows.X.dtype}"
    scaled = "" if rows.preparer.scale else ", not scaled"
    report.say(f"  {len(rows.y):,} rows to learn from, {held:,} to score on{made}{scaled}")
    if rows.preparer.kind_ == "table":
        report.say(f"  columns: {rows.preparer.schema_.summary()}")
    for note in [*data.notes, *rows.notes]:
        report.say(f"  {note}")
    for name, why in list(rows.preparer.left_out_.items())[:5]:
        report.say(f"  column {name!r} is left out: {why}")
    report.say(f"  {describe(estimator)}")


def _judge(report, options, fitted):
    """What went wrong on the way; CliError if the training diverged, unless it is to be saved all the same."""
    for note in fitted.notes:
        report.warn(note)
    if fitted.stopped:
        report.warn(f"stopped by Ctrl-C after epoch {len(fitted.losses)}; saving what it has learnt")
    if fitted.diverged and not options.force:
        raise CliError(f"{fitted.diverged}; nothing was saved: choose a smaller --eta0, and leave --no-scale out "
                       f"(--force saves it all the same)")
    if fitted.diverged:
        report.warn(f"{fitted.diverged}; saved, since --force says so")


def _sides(report, options, fitted, X, y):
    """What was fitted; with --compare the same fit, timed, and that of scikit-learn."""
    alone = (Timed("fastopt", fitted.estimator, max(len(fitted.losses), 1), max(fitted.seconds, 1e-9)),)
    if not (options.compare if options.compare is not None else options.data is None) or fitted.stopped or fitted.diverged:
        return alone
    try:
        with report.working("timing the same fit, alone, with scikit-learn and with fastopt"):
            return compare(fitted.estimator, X, y, len(fitted.losses))
    except KeyboardInterrupt:
        report.warn("the comparison was stopped by Ctrl-C; the model is kept")
    except NoPeer as error:
        report.warn(str(error))
    return alone


def _loss_of(estimator, held_out, scale):
    """(its name, its mean on the rows held out), where no other figure says the same."""
    name = estimator.loss if isinstance(estimator.loss, str) else estimator.loss.name
    if held_out is None or name in ("log_loss", "squared_error"):
        return None
    unit = ", scaled target" if scale.active else ""
    return f"{loss_text(estimator.loss)} on the same rows{unit}", mean_loss(estimator, *held_out)


def _save(options, rows, estimator):
    """The model saved and read back, so that the figures are those of the file."""
    from sklearn.pipeline import Pipeline

    from ._model_file import load_model, save_model

    try:
        save_model(Pipeline([("prepare", rows.preparer), ("model", estimator)]), options.output)
        return load_model(options.output)
    except (OSError, ValueError, TypeError) as error:
        raise CliError(f"the model could not be saved in {options.output}: {error}") from error


def _figures_of_saved(model, rows):
    return scores(rows.target, rows.raw[1], *outputs(model, rows.raw[0])) if rows.raw else None


def _figures_of_peer(sides, rows, scale):
    """Those of scikit-learn's estimator, which saw the prepared rows."""
    for side in sides[1:]:
        if rows.held_out:
            predicted, proba, margin = outputs(side.estimator, rows.held_out[0])
            cells = rows.held_out[1] if rows.task == "regression" else [str(v) for v in rows.held_out[1].tolist()]
            yield scores(rows.target, cells, scale.back(predicted), proba, margin)
        else:
            yield None


def _results(report, rows, fitted, sides, losses, scored):
    """The table, with --compare a column for each side, and what is to be said of it."""
    report.curves(fitted.losses, fitted.scores, rows.score_name)
    table = _score_rows(rows, scored, losses) if scored[0] and scored[0].figures else []
    per_epoch = [s.seconds / s.epochs for s in sides]
    ratio = [f"{per_epoch[1] / per_epoch[0]:.1f}×"] if len(sides) > 1 else []
    table += [("epochs", *(str(s.epochs) for s in sides)), ("seconds", *(seconds(s.seconds) for s in sides)),
              ("time per epoch", *map(seconds, per_epoch), *ratio),
              ("samples/s", *(si(len(rows.y) / t) for t in per_epoch))]
    report.table(("", *(s.name for s in sides), *["faster by"][:len(ratio)]), table)
    if ratio:
        early = ", without early stopping" if fitted.estimator.early_stopping else ""
        report.say(f"  same rows, settings and seed{early}; one thread each, nothing scored between epochs", style="dim")
    for note in scored[0].notes if scored[0] else ():
        report.warn(note)


def _score_rows(rows, scored, losses):
    """Rows of the table: the figures, and after the first what no model at all would score."""
    what, floor = baseline(rows.y, rows.held_out[1])
    table = [(name, *(number(s.figures.get(name)) for s in scored)) for name in scored[0].figures]
    table[0] = (f"{table[0][0]} on {scored[0].rows:,} held-out rows", *table[0][1:])
    table.insert(1, (f"{rows.score_name} of {what} alone", *[number(floor)] * len(scored)))
    if losses[0]:
        table.append((losses[0][0], *(number(loss[1]) for loss in losses)))
    if next(iter(scored[0].figures.values())) < floor:
        scored[0].notes.append(f"the model does worse than {what} alone; its predictions are of no use")
    return table


def _close(report, options, data, rows, fitted):
    """Where the model and the picture went, and whose epoch they are."""
    saved, best, last = fitted.saved_epoch, fitted.best_epoch, len(fitted.losses)
    names = ["the last"] * (saved == last) + ["the best"] * (saved == best and bool(fitted.scores))
    which = f"of epoch {saved}" + f", {' and '.join(names)}" * bool(names)
    if fitted.scores and number(fitted.scores[best - 1]) != number(fitted.scores[saved - 1]):
        which += f"; epoch {best} scored {number(fitted.scores[best - 1])} (--early-stopping keeps the best)"
    report.say()
    report.say(f"  model    {options.output}: weights {which}")
    if not options.no_plot and _draw(report, options, data, rows, fitted):
        report.say(f"  picture  {options.plot}")
    if options.data:
        report.say(f"  next     fastopt predict {quote(str(options.output))} {quote(str(options.data))}", style="dim")


def _draw(report, options, data, rows, fitted):
    """Whether the picture was drawn; a missing matplotlib or a strange suffix costs a note, not the model."""
    try:
        from ._model_write import replacing
        from ._plot import plot_curves

        unit = ", scaled target" if rows.task == "regression" and rows.preparer.scale else ""
        with replacing(options.plot) as stream:
            plot_curves(stream, fitted.losses, fitted.scores, title=f"{data.source}\n{describe(fitted.estimator)}",
                        loss_name=f"training loss\n{loss_text(fitted.estimator.loss)}{unit}",
                        score_name=f"{rows.score_name}\nheld-out rows", best_epoch=fitted.best_epoch,
                        saved_epoch=fitted.saved_epoch, kind=options.plot.suffix[1:] or "png")
    except ImportError as error:
        report.warn(f'no picture, since {error.name} is not installed: pip install "fastopt[plot]"')
        return False
    except (OSError, ValueError) as error:
        report.warn(f"no picture in {options.plot}: {error}")
        return False
    return True
