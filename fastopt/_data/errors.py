"""What goes wrong at the command line, said in one line.

Used by every module of _data/ and _cli/.  Knows neither typer nor the estimators.
"""
from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from fastopt._common.rules import did_you_mean, near

USAGE = 2      # the command was wrong: an option, a name, a file that is not there
FAILURE = 1    # the command was right, and the work could not be done


class CliError(Exception):
    """An error meant for the reader of a terminal.

    Parameters
    ----------
    message : str
        One line: what was expected, what came, what to do.
    code : int
        Exit code of the command.
    """

    def __init__(self, message: object, code: int = FAILURE) -> None:
        super().__init__(" ".join(str(message).split()))
        self.code = code


def no_such_file(path: Path, what: str = "file") -> CliError:
    """A CliError for a missing file, with the nearest name in its folder: the suffix alone is not near."""
    names = {f.name.split(".")[0]: f.name for f in path.parent.iterdir()} if path.parent.is_dir() else {}
    found = near(path.name.split(".")[0], names)
    return CliError(f"no such {what}: {path}" + (f": did you mean {names[found]!r}?" if found else ""), USAGE)


def one_of(what: str, name: str, known: Collection[str]) -> str:
    """`name` if it is known, else a CliError that lists what is."""
    if name not in known:
        raise CliError(f"unknown {what} {name!r}{did_you_mean(name, known) or '; known: ' + ', '.join(known)}", USAGE)
    return name


def listed(names: Sequence[object], most: int = 6) -> str:
    """``"'a', 'b' and 3 more"``."""
    shown = ", ".join(repr(str(n)) for n in list(names)[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
