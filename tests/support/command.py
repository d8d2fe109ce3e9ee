"""The command in this process, or what starts it in one of its own; what it prints."""
import os
import re
import sys
from pathlib import Path

from typer.testing import CliRunner

from fastopt import _cli

SOURCE = str(Path(_cli.__file__).parents[2])            # found from another directory, installed or not
ENVIRONMENT = {**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": SOURCE}


def command(*args):
    return [sys.executable, "-m", "fastopt", *map(str, args)]


def invoke(*args):
    """The command in this process, its stderr apart from its stdout."""
    try:
        runner = CliRunner(mix_stderr=False)        # click before 8.2
    except TypeError:
        runner = CliRunner()
    return runner.invoke(_cli.app, [str(a) for a in args])


def fastopt(*args, code=0):
    """stdout of a command that ends with `code`; its stderr is in fastopt.errors."""
    result = invoke(*args)
    assert result.exit_code == code, (result.exit_code, result.output)
    assert "Traceback" not in result.output and "\x1b" not in result.output
    fastopt.errors = result.stderr
    return result.stdout


def figure(text, row):
    """The first number in a row of the table."""
    return float(re.search(rf"^ *{re.escape(row)}.*?  +(-?[\d.e-]+)", text, re.M).group(1))


def train(*args, code=0):
    """stdout of a training without a picture, which takes longer than small fits."""
    return fastopt("train", *args, "--no-plot", code=code)
