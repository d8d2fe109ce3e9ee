"""`fastopt train` from file to table: read, hold out, prepare, fit, compare, save, read back, score, draw.

Called by `_cli` with the options; each step is a module of its own.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote

import numpy as np

from fastopt._data.errors import USAGE, CliError, one_of
from fastopt._data.files import Data, check_output
from fastopt._data.formats import read
from fastopt._data.rows import Rows, digits, prepare
from fastopt._data.types import Matrix
from fastopt._models.load import Estimator

from .compare import NoPeer, Timed, compare
from .fit import Fitted, watched_fit
from .model import AnyEstimator, TargetScale, chosen_loss, describe, loss_text, make_estimator
from .options import TrainOptions
from .report import Report, number, seconds, si
from .score import Scored, baseline, mean_loss, outputs, scores

INTERRUPTED = 130          # the exit code that shells give a command ended by Ctrl-C


def train(options: TrainOptions) -> None:
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
    _save(options, rows, estimator)
    try:
        scored = [_figures_of_saved(options.output, rows), *_figures_of_peer(sides, rows, scale)]
        _results(report, rows, fitted, sides, losses, scored)
        _close(report, options, data, rows, fitted)
    except KeyboardInterrupt:
        report.warn(f"stopped by Ctrl-C; the model is in {options.output}")
        fitted.stopped = True
    if fitted.stopped:
        raise SystemExit(INTERRUPTED)


def _check_outputs(options: TrainOptions) -> None:
    """Raise now for outputs that could not be written after the training."""
    if options.output.suffix != ".npz":
        raise CliError(f"--output {options.output}: a model goes into an .npz file; call it "
                       f"{options.output.with_suffix('.npz')}", USAGE)
    inputs = [options.data, options.validation]
    check_output(options.output, inputs, "--output")
    if not options.no_plot:
        check_output(options.plot, [*inputs, options.output], "--plot")


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        import fastopt

        fastopt.set_num_threads(threads)


def _open(report: Report, data: Data, rows: Rows, estimator: Estimator) -> None:
    """Print what is about to happen: the target first, then the data and the estimator."""
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


def _judge(report: Report, options: TrainOptions, fitted: Fitted) -> None:
    """Print warnings; CliError if the training diverged, unless --force is given."""
    for note in fitted.notes:
        report.warn(note)
    if fitted.stopped:
        report.warn(f"stopped by Ctrl-C after epoch {len(fitted.losses)}; saving what it has learnt")
    if fitted.diverged and not options.force:
        raise CliError(f"{fitted.diverged}; nothing was saved: choose a smaller --eta0, and leave --no-scale out "
                       f"(--force saves it all the same)")
    if fitted.diverged:
        report.warn(f"{fitted.diverged}; saved, since --force says so")


def _sides(report: Report, options: TrainOptions, fitted: Fitted, X: Matrix, y: np.ndarray) -> tuple[Timed, ...]:
    """The fitted estimator; with --compare a timed fit of it and of its counterpart in scikit-learn."""
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


def _loss_of(estimator: AnyEstimator, held_out: tuple[Matrix, np.ndarray] | None, scale: TargetScale) -> tuple[str, float] | None:
    """(name, mean on the held-out rows) of the loss, unless another figure is the same."""
    if held_out is None or estimator.loss in ("log_loss", "squared_error", "multinomial"):
        return None
    unit = ", scaled target" if scale.active else ""
    return f"{loss_text(estimator.loss)} on the same rows{unit}", mean_loss(estimator, *held_out)


def _save(options: TrainOptions, rows: Rows, estimator: Estimator) -> None:
    """The model in its file."""
    from sklearn.pipeline import Pipeline

    from fastopt._models import save_model

    try:
        save_model(Pipeline([("prepare", rows.preparer), ("model", estimator)]), options.output)
    except (OSError, ValueError, TypeError) as error:
        raise CliError(f"the model could not be saved in {options.output}: {error}") from error


def _figures_of_saved(path: Path, rows: Rows) -> Scored | None:
    """The figures of the saved model, read back from its file, on the raw held-out rows."""
    from fastopt._models import load_model

    return scores(rows.target, rows.raw[1], *outputs(load_model(path), rows.raw[0])) if rows.raw else None


def _figures_of_peer(sides: Sequence[Timed], rows: Rows, scale: TargetScale) -> Iterator[Scored | None]:
    """The figures of scikit-learn's estimator, on the prepared rows."""
    for side in sides[1:]:
        if rows.held_out:
            predicted, proba, margin = outputs(side.estimator, rows.held_out[0])
            cells = rows.held_out[1] if rows.task == "regression" else [str(v) for v in rows.held_out[1].tolist()]
            yield scores(rows.target, cells, scale.back(predicted), proba, margin)
        else:
            yield None


def _results(report: Report, rows: Rows, fitted: Fitted, sides: Sequence[Timed], losses: list[tuple[str, float] | None],
             scored: list[Scored | None]) -> None:
    """Print the table, with a column for each estimator, and notes on it."""
    report.curves(fitted.losses, fitted.scores, rows.score_name)
    known = [side for side in scored if side is not None]
    table = _score_rows(rows, rows.held_out[1], known, losses) if rows.held_out and known and known[0].figures else []
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


def _score_rows(rows: Rows, held_out: np.ndarray, scored: list[Scored], losses: list[tuple[str, float] | None]) -> list[tuple[str, ...]]:
    """Rows of the table: the figures, and after the first one the score of a baseline."""
    what, floor = baseline(rows.y, held_out)
    table = [(name, *(number(s.figures.get(name)) for s in scored)) for name in scored[0].figures]
    table[0] = (f"{table[0][0]} on {scored[0].rows:,} held-out rows", *table[0][1:])
    table.insert(1, (f"{rows.score_name} of {what} alone", *[number(floor)] * len(scored)))
    if losses[0]:
        table.append((losses[0][0], *(number(loss[1]) for loss in losses if loss)))
    if next(iter(scored[0].figures.values())) < floor:
        scored[0].notes.append(f"the model does worse than {what} alone; its predictions are of no use")
    return table


def _close(report: Report, options: TrainOptions, data: Data, rows: Rows, fitted: Fitted) -> None:
    """Print where the model and the picture are, and from which epoch."""
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


def _draw(report: Report, options: TrainOptions, data: Data, rows: Rows, fitted: Fitted) -> bool:
    """Whether the picture was drawn; a missing matplotlib or a strange suffix costs a note, not the model."""
    try:
        from fastopt._common.plot import plot_curves
        from fastopt._common.write import replacing

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
