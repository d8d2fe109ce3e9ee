"""What goes wrong at the command line, said in one line, and the near match that most such lines end with.

Used by every module of _data/ and _cli/.  Knows neither typer nor the estimators.
"""
from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

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


def did_you_mean(name: str, known: Iterable[object]) -> str:
    """``"; did you mean 'huber'?"`` for ``'hubr'``, or an empty string if nothing known is near."""
    lower = {str(k).lower(): str(k) for k in known}
    near = difflib.get_close_matches(str(name).lower(), lower, n=1, cutoff=0.6)
    return f"; did you mean {lower[near[0]]!r}?" if near else ""


def no_such_file(path: Path, what: str = "file") -> CliError:
    """A CliError for a missing file, with the nearest name in its folder: the suffix alone is not near."""
    names = {f.name.split(".")[0].lower(): f.name for f in path.parent.iterdir()} if path.parent.is_dir() else {}
    near = difflib.get_close_matches(path.name.split(".")[0].lower(), names, n=1, cutoff=0.6)
    return CliError(f"no such {what}: {path}" + (f"; did you mean {names[near[0]]!r}?" if near else ""), USAGE)


def one_of(what: str, name: str, known: Collection[str]) -> str:
    """`name` if it is known, else a CliError that lists what is."""
    if name not in known:
        near = did_you_mean(name, known)
        raise CliError(f"unknown {what} {name!r}{near or '; known: ' + ', '.join(known)}", USAGE)
    return name


def listed(names: Sequence[object], most: int = 6) -> str:
    """``"'a', 'b' and 3 more"``."""
    shown = ", ".join(repr(str(n)) for n in list(names)[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
