"""The `fastopt` command: its subcommands, its help, and errors in one line.

Called by `__main__`.  Needs typer and rich (the extra `cli`); the modules that do the work, and with them scikit-learn and
pandas, are imported when a command runs, so that `--help` is quick.
"""
from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Annotated, NoReturn

import typer

from fastopt import __version__
from fastopt._data.errors import FAILURE, USAGE, CliError
from fastopt.exceptions import InvalidParameterError

from .options import AnyOptions, BenchOptions, PredictOptions, TrainOptions, command

EXAMPLES = """
[bold]Examples[/]

[dim]# a first look: handwritten digits, beside scikit-learn[/]
fastopt train

[dim]# your own file; the column to predict by name[/]
fastopt train houses.csv --target price

[dim]# sparse data, another file to score on[/]
fastopt train a9a.svm.gz --validation a9a.t.gz --compare

[dim]# what the saved model says about other rows[/]
fastopt predict fastopt-model.npz new.csv --output predictions.csv

[dim]# how close to the limits of this machine fastopt comes[/]
fastopt bench
"""

app = typer.Typer(name="fastopt", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
                  add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


def _version(wanted: bool) -> None:
    if wanted:
        print(f"fastopt {__version__}")
        raise typer.Exit()


@app.callback(epilog=EXAMPLES.replace("\n", "\n\n").replace("\n\n\n\n", "\n\n"))
def fastopt(shown: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True,
                                                help="Print the version and end.")] = False) -> None:
    """Train linear models on the CPU as fast as the memory delivers the data."""


def _train(options: TrainOptions) -> None:
    """Train a linear model on DATA, show how it goes, and save it.

    Classes or numbers, told by the target; strings become one-hot columns, gaps are filled, numbers standardised.
    """
    from .train import train

    _in_one_line(train, options)


def _predict(options: PredictOptions) -> None:
    """Predict with a model that `fastopt train` saved.

    DATA is a raw file like that of the training; if it has the target too, the score is printed.
    """
    from .predict import predict

    _in_one_line(predict, options)


def _bench(options: BenchOptions) -> None:
    """Measure how fast this machine is, and which share of that fastopt reaches.

    Limits are bare loops: memory read by rows, scattered weights, the chain of a sample, meetings of threads, calls.
    """
    from .bench import bench

    _in_one_line(bench, options)


def _in_one_line(work: Callable[[AnyOptions], None], options: AnyOptions) -> None:
    """Run a command; what goes wrong becomes one line on stderr and an exit code."""
    try:
        work(options)
    except CliError as error:
        _fail(error, error.code, options.debug)
    except KeyboardInterrupt:
        _fail("stopped by Ctrl-C; nothing was saved", 130, False)
    except ImportError as error:
        _fail(f'{error.name or error} is missing: pip install "fastopt[cli]"', FAILURE, options.debug)
    except InvalidParameterError as error:
        _fail(error, USAGE, options.debug)
    except MemoryError as error:
        _fail(f"not enough memory: {error}", FAILURE, options.debug)
    except Exception as error:  # the estimators' messages are written to be read; the traceback is for --debug
        _fail(f"{str(error) or type(error).__name__}", FAILURE, options.debug)


def _fail(message: object, code: int, debug: bool) -> NoReturn:
    if debug:
        traceback.print_exc()
    print(f"fastopt: error: {' '.join(str(message).split())}", file=sys.stderr, flush=True)
    raise typer.Exit(code)


app.command("train")(command(TrainOptions, _train))
app.command("predict")(command(PredictOptions, _predict))
app.command("bench")(command(BenchOptions, _bench))


def main() -> NoReturn:
    """Run the command line; wrong usage too is one line, with exit code 2."""
    try:
        code = app(prog_name="fastopt", standalone_mode=False)
    except Exception as error:
        if not hasattr(error, "format_message"):       # typer's own errors have it, whichever click it comes with
            raise
        print(f"fastopt: error: {error.format_message()} (see fastopt --help)", file=sys.stderr)
        code = getattr(error, "exit_code", USAGE)
    sys.exit(code if isinstance(code, int) else 0)
