"""Access to data files: the result of the readers (`Data`), opening plain or gzipped files, their first lines, and checks of
output paths.

Used by the readers, _data.tables and _data.matrices, and by the commands.  Must not know formats.
"""
from __future__ import annotations

import contextlib
import gzip
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from .errors import USAGE, CliError
from .schema import Schema
from .types import Cells, Table

HEAD_BYTES = 1 << 16       # how much of a text file is looked at to tell its kind


@dataclass
class Data:
    """Rows and targets of one file.

    X is an ndarray (n, d), a CSR matrix or a pandas DataFrame with numbers and text as its schema reads them; `target` holds the
    cells of the target as the file has them, None where it has none; `schema` says how the file was read.
    """

    X: Table
    target: Cells | None
    source: str
    schema: Schema
    notes: list[str] = field(default_factory=list)
    guess: str = ""                # which column was taken for the target, and why


def suffix_of(path: Path) -> str:
    """The last suffix, that of gzip left out."""
    suffixes = [s.lower() for s in path.suffixes]
    return next((s for s in reversed(suffixes) if s != ".gz"), "")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    zipped = path.name.lower().endswith(".gz")
    with cast(IO[bytes], gzip.open(path, "rb")) if zipped else open(path, "rb") as stream:
        yield stream


def head_of(path: Path, encoding: str = "utf-8-sig") -> list[str]:
    """The first lines as text, without one that may be cut."""
    try:
        with opened(path) as stream:
            head = stream.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise CliError(f"{path} cannot be read: {error}") from error
    lines = re.split(r"\r\n|\n|\r", head.decode(encoding, "replace"))
    return lines[:-1] if len(head) == HEAD_BYTES and len(lines) > 1 else lines


def same_file(path: Path, other: Path) -> bool:
    """Whether two paths are the same file, also through ``./x``, links or another case."""
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


def check_output(path: Path, inputs: Iterable[Path | None], what: str) -> None:
    """CliError if `path` cannot be written, or is one of the files that are read or written beside it.

    Parameters
    ----------
    path : Path
    inputs : list of Path or None
    what : str
        The option that named it.
    """
    for other in inputs:
        if other is not None and same_file(path, other):
            raise CliError(f"{what} {path} is the same file as {other}, which would be lost; choose another name", USAGE)
    folder = Path(path).parent
    if not folder.is_dir():
        raise CliError(f"{path}: there is no folder {folder}", USAGE)
    target = Path(os.path.realpath(path))
    if target.is_dir() or not os.access(target.parent, os.W_OK) or target.exists() and not os.access(target, os.W_OK):
        raise CliError(f"{path} cannot be written", USAGE)
