"""The options of each command, once: name, type, default and help text.

`_cli` turns each class here into a typer command; the modules that do the work get an instance.  Options whose default is
None get one from the data (see _cli_model), and the help says which.
"""
from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Optional, get_type_hints

from typer import Argument, Option

DATA, MODEL, TRAINING, OUTPUT = "Data", "Model", "Training", "Output"


@dataclass
class TrainOptions:
    """What `fastopt train` can be told."""

    data: Annotated[Optional[Path], Argument(
        metavar="[DATA]", show_default=False,
        help="File of rows: .svm .libsvm .csv .tsv .npz .parquet, each also with .gz. Without it: the handwritten digits "
             "that come with scikit-learn.")] = None
    target: Annotated[Optional[str], Option(
        metavar="NAME|INDEX", rich_help_panel=DATA, show_default=False,
        help="Target column of a table; default: target, label, y or class, else the last.")] = None
    task: Annotated[Optional[str], Option(
        metavar="NAME", rich_help_panel=DATA, show_default=False,
        help="classification or regression; default: told by the target.")] = None
    header: Annotated[Optional[bool], Option(
        rich_help_panel=DATA, show_default=False,
        help="Whether the first line of a csv file holds names; default: if none of its cells is a number.")] = None
    scale: Annotated[bool, Option(
        rich_help_panel=DATA, help="Standardise numeric columns, and the target of a regression.")] = True
    dtype: Annotated[str, Option(metavar="TYPE", rich_help_panel=DATA, help="float32 or float64.")] = "float32"
    validation: Annotated[Optional[Path], Option(
        metavar="FILE", rich_help_panel=DATA, show_default=False,
        help="Score on this file rather than on rows held out.")] = None
    validation_fraction: Annotated[float, Option(
        min=0.0, max=0.9, rich_help_panel=DATA, help="Rows held out to score on; 0 for none.")] = 0.1

    loss: Annotated[Optional[str], Option(
        metavar="NAME", rich_help_panel=MODEL, show_default=False,
        help="Default: log_loss for classes, squared_error for numbers.")] = None
    epsilon: Annotated[Optional[float], Option(
        min=0.0, rich_help_panel=MODEL, show_default=False,
        help="Threshold of huber and of the epsilon_insensitive losses, in standard deviations of the target.")] = None
    penalty: Annotated[str, Option(metavar="NAME", rich_help_panel=MODEL, help="l2, l1, elasticnet or none.")] = "l2"
    alpha: Annotated[float, Option(min=0.0, rich_help_panel=MODEL, help="Strength of the penalty.")] = 1e-5
    l1_ratio: Annotated[float, Option(min=0.0, max=1.0, rich_help_panel=MODEL, help="Share of l1 in elasticnet.")] = 0.15
    class_weight: Annotated[Optional[str], Option(
        metavar="WEIGHTS", rich_help_panel=MODEL, show_default=False,
        help="balanced, or a weight for each class: no=1,yes=5.")] = None
    average: Annotated[bool, Option(rich_help_panel=MODEL, help="Average the weights over the steps.")] = False

    learning_rate: Annotated[str, Option(
        metavar="NAME", rich_help_panel=TRAINING,
        help="adaptive, optimal, constant, invscaling, pa1 or pa2.")] = "adaptive"
    eta0: Annotated[Optional[float], Option(
        min=0.0, rich_help_panel=TRAINING, show_default=False, help="First step size; default: from the size of the rows.")] = None
    power_t: Annotated[float, Option(rich_help_panel=TRAINING, help="Exponent of invscaling.")] = 0.25
    max_iter: Annotated[int, Option(
        "--max-iter", "--epochs", min=1, rich_help_panel=TRAINING, help="Epochs at most.")] = 100
    tol: Annotated[float, Option(
        rich_help_panel=TRAINING, help="An epoch that improves by less counts as none; -inf: run all epochs.")] = 1e-3
    patience: Annotated[int, Option(
        min=1, rich_help_panel=TRAINING, help="Epochs without improvement before the step shrinks or training ends.")] = 3
    early_stopping: Annotated[bool, Option(
        rich_help_panel=TRAINING,
        help="Watch the validation score rather than the training loss, and keep the best epoch's weights.")] = False
    seed: Annotated[int, Option(min=0, rich_help_panel=TRAINING, help="Of the held-out rows and of their order.")] = 0
    threads: Annotated[Optional[int], Option(
        min=1, rich_help_panel=TRAINING, show_default=False, help="Default: as many as the process may use.")] = None

    compare: Annotated[Optional[bool], Option(
        rich_help_panel=OUTPUT, show_default=False,
        help="Time the same fit with scikit-learn too; default: only without DATA.")] = None
    output: Annotated[Path, Option("--output", "-o", metavar="FILE", rich_help_panel=OUTPUT, help="Where the model goes.")] = \
        Path("fastopt-model.npz")
    plot: Annotated[Path, Option(metavar="FILE", rich_help_panel=OUTPUT, help="Where the loss curve goes.")] = \
        Path("fastopt-loss.png")
    no_plot: Annotated[bool, Option("--no-plot", rich_help_panel=OUTPUT, help="No picture.")] = False
    quiet: Annotated[bool, Option("--quiet", "-q", rich_help_panel=OUTPUT, help="Print errors only.")] = False
    debug: Annotated[bool, Option("--debug", rich_help_panel=OUTPUT, help="Show the traceback of an error.")] = False


@dataclass
class PredictOptions:
    """What `fastopt predict` can be told."""

    model: Annotated[Path, Argument(metavar="MODEL", show_default=False, help="A file that fastopt train wrote.")]
    data: Annotated[Path, Argument(
        metavar="DATA", show_default=False, help="Rows like those of the training, with or without the target.")]
    output: Annotated[Optional[Path], Option(
        "--output", "-o", metavar="FILE", show_default=False,
        help="A .csv, .tsv, .txt or .npz file; default: print one prediction a line.")] = None
    proba: Annotated[bool, Option("--proba", help="Probabilities of the classes too.")] = False
    quiet: Annotated[bool, Option("--quiet", "-q", help="Print predictions and errors only.")] = False
    debug: Annotated[bool, Option("--debug", help="Show the traceback of an error.")] = False


def command(options, run):
    """A function that typer can make a command of: the fields of `options` as parameters, `run(options)` as body."""
    def body(**values):
        run(options(**values))

    hints = get_type_hints(options, include_extras=True)
    body.__signature__ = inspect.Signature([
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, annotation=hints[f.name],
                          default=inspect.Parameter.empty if _required(f) else f.default) for f in fields(options)])
    body.__annotations__ = hints
    body.__doc__ = run.__doc__
    return body


def _required(f):
    from dataclasses import MISSING

    return f.default is MISSING
