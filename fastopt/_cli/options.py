"""The options of each command, once: name, type, default and help text.

`_cli` turns each class here into a typer command; the modules that do the work get an instance.  Options whose default is
None get one from the data (see _cli.model), and the help says which.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

from typer import Argument, Option

DATA, MODEL, TRAINING, OUTPUT = "Data", "Model", "Training", "Output"


def _name(panel: str, text: str, metavar: str = "NAME") -> Any:
    return Option(metavar=metavar, rich_help_panel=panel, help=text)


def _number(panel: str, text: str, low: float | None = None, high: float | None = None, *names: str) -> Any:
    return Option(*names, metavar="NUMBER", min=low, max=high, rich_help_panel=panel, help=text)


def _switch(panel: str, text: str, *names: str) -> Any:
    return Option(*names, rich_help_panel=panel, help=text)


@dataclass
class TrainOptions:
    """What `fastopt train` can be told."""

    data: Annotated[Path | None, Argument(
        metavar="DATA", help="File of rows: .svm .libsvm .csv .tsv .npz .parquet, each also with .gz. Without it: the "
        "handwritten digits that come with scikit-learn.")] = None
    target: Annotated[str | None, _name(
        DATA, "Target column of a table; default: target, label, y or class, else the last; the output says which.",
        "NAME|INDEX")] = None
    task: Annotated[str | None, _name(DATA, "classification or regression; default: told by the target.")] = None
    header: Annotated[bool | None, _switch(
        DATA, "Whether the first line of a csv file holds names; default: if none of its cells is a number.")] = None
    scale: Annotated[bool, _switch(DATA, "Standardise numeric columns, and the target of a regression.")] = True
    dtype: Annotated[str, _name(DATA, "float32 or float64.", "TYPE")] = "float32"
    validation: Annotated[Path | None, _name(DATA, "Score on this file rather than on rows held out.", "FILE")] = None
    validation_fraction: Annotated[float, _number(DATA, "Share of the rows held out to score on; 0: none.", 0.0, 0.9)] = 0.1

    loss: Annotated[str | None, _name(
        MODEL, "Default: log_loss for classes, squared_error for numbers. Any that SGDClassifier or SGDRegressor takes by name, of one class "
        "against the rest (hinge) or of all together (sparsemax); a name that is none lists them. Parameters after a colon: "
        "quantile:quantile=0.9.")
    ] = None
    epsilon: Annotated[float | None, _number(
        MODEL, "Threshold of huber and the epsilon_insensitive losses, in standard deviations of the target.", 0.0)] = None
    penalty: Annotated[str, _name(MODEL, "l2, l1, elasticnet or none.")] = "l2"
    alpha: Annotated[float, _number(MODEL, "Strength of the penalty.", 0.0)] = 1e-5
    l1_ratio: Annotated[float, _number(MODEL, "Share of l1 in elasticnet.", 0.0, 1.0)] = 0.15
    class_weight: Annotated[str | None, _name(
        MODEL, "balanced, or a weight for each class: no=1,yes=5.", "WEIGHTS")] = None
    average: Annotated[bool, _switch(MODEL, "Average the weights over the steps.")] = False

    learning_rate: Annotated[str, _name(TRAINING, "adaptive, optimal, constant, invscaling, pa1 or pa2.")] = "adaptive"
    eta0: Annotated[float | None, _number(TRAINING, "First step size; default: from the size of the rows.", 0.0)] = None
    power_t: Annotated[float, _number(TRAINING, "Exponent of invscaling.")] = 0.25
    max_iter: Annotated[int, _number(TRAINING, "Epochs at most.", 1, None, "--max-iter", "--epochs")] = 100
    tol: Annotated[float, _number(TRAINING, "An epoch that improves by less counts as none; -inf: run all epochs.")] = 1e-3
    patience: Annotated[int, _number(
        TRAINING, "Epochs without improvement before the step shrinks or training ends.", 1)] = 3
    early_stopping: Annotated[bool, _switch(
        TRAINING, "Watch the validation score rather than the training loss, and keep the best epoch's weights.")] = False
    seed: Annotated[int, _number(TRAINING, "Of the held-out rows and of the order.", 0)] = 0
    threads: Annotated[int | None, _number(TRAINING, "Classes are shared among them; default: 1.", 1)] = None

    compare: Annotated[bool | None, _switch(
        OUTPUT, "Time the same fit with scikit-learn too; default: only without DATA.")] = None
    output: Annotated[Path, Option(
        "--output", "-o", metavar="FILE", rich_help_panel=OUTPUT, help="Where the model goes.")] = Path("fastopt-model.npz")
    plot: Annotated[Path, _name(OUTPUT, "Where the loss curve goes.", "FILE")] = Path("fastopt-loss.png")
    no_plot: Annotated[bool, _switch(OUTPUT, "No picture.", "--no-plot")] = False
    force: Annotated[bool, _switch(OUTPUT, "Save the model of a training that diverged, too.", "--force")] = False
    quiet: Annotated[bool, _switch(OUTPUT, "Print errors only.", "--quiet", "-q")] = False
    debug: Annotated[bool, _switch(OUTPUT, "Show the traceback of an error.", "--debug")] = False


@dataclass
class PredictOptions:
    """What `fastopt predict` can be told."""

    model: Annotated[Path, Argument(metavar="MODEL", help="A file that fastopt train wrote.")]
    data: Annotated[Path, Argument(
        metavar="DATA", help="Rows like those of the training, with or without the target.")]
    output: Annotated[Path | None, Option(
        "--output", "-o", metavar="FILE",
        help="A .csv, .tsv, .txt or .npz file; default: print one prediction a line.")] = None
    proba: Annotated[bool, Option("--proba", help="Probabilities of the classes too.")] = False
    quiet: Annotated[bool, Option("--quiet", "-q", help="Print predictions and errors only.")] = False
    debug: Annotated[bool, Option("--debug", help="Show the traceback of an error.")] = False


@dataclass
class BenchOptions:
    """What `fastopt bench` can be told."""

    quick: Annotated[bool, Option("--quick", help="Some seconds on small arrays, which caches hold in part; default: half a minute.")] = False
    threads: Annotated[int | None, Option(
        "--threads", metavar="NUMBER", min=1, help="Of what threads can share; default: all that this process may use.")] = None
    json: Annotated[Path | None, Option(
        "--json", metavar="FILE|-", help="Write all that was measured as JSON; -: print that, and nothing else.")] = None
    debug: Annotated[bool, Option("--debug", help="Show the traceback of an error.")] = False


AnyOptions = TypeVar("AnyOptions", TrainOptions, PredictOptions, BenchOptions)


def command(options: type[AnyOptions], run: Callable[[AnyOptions], None]) -> Callable[..., None]:
    """A function that typer can make a command of: the fields of `options` as parameters, `run(options)` as body."""
    def body(**values: Any) -> None:
        run(options(**values))

    hints = get_type_hints(options, include_extras=True)
    signature = inspect.Signature([
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, annotation=hints[f.name],
                          default=inspect.Parameter.empty if f.default is MISSING else f.default) for f in fields(options)])
    vars(body)["__signature__"] = signature
    body.__annotations__ = hints
    body.__doc__ = run.__doc__
    return body

