"""Data files as arrays: svmlight, csv and tsv, npz and parquet, plain or gzipped.

`read` is what the commands use; it gives a `Data`, whose `schema` says how the file was read, so that the validation file and
every file to predict are read the same way.  Knows nothing of models.
"""
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from .errors import USAGE, CliError, no_such_file
from .files import Data, head_of, opened, suffix_of
from .matrices import looks_like_svmlight, read_npz, read_svmlight
from .schema import Schema
from .tables import read_csv, read_parquet

READERS: dict[str, tuple[Callable[..., Data], str]] = {
    ".csv": (read_csv, "csv"), ".tsv": (read_csv, "tsv"), ".npz": (read_npz, "npz"),
    ".parquet": (read_parquet, "parquet"), ".pq": (read_parquet, "parquet"),
    ".svm": (read_svmlight, "svmlight"), ".svmlight": (read_svmlight, "svmlight"), ".libsvm": (read_svmlight, "svmlight"),
}


def read(path: str | os.PathLike[str], *, target: str | None = None, header: bool | None = None, like: Schema | None = None,
         dtype: DTypeLike = np.float32) -> Data:
    """The data in a file, its kind told by the name, and for .txt and .data by the first line.

    Parameters
    ----------
    path : path-like
    target : str, optional
        Name or number of the target column of a table.
    header : bool, optional
        Whether a csv file names its columns in the first line; guessed if None.
    like : Schema, optional
        That of the training file: this one is read the same way, and may lack the target.
    dtype : dtype
        Of the matrix in an svmlight file.

    Returns
    -------
    Data

    Raises
    ------
    CliError
        If there is no such file, or it is not what its name says.
    """
    path = Path(path)
    reader, what = _reader(path)
    try:
        with opened(path) as stream:
            data = reader(stream, path, target=target, header=header, like=like, dtype=dtype)
    except CliError:
        raise
    except MemoryError as error:
        raise CliError(f"{path} does not fit into memory") from error
    except ImportError as error:
        raise CliError(f"reading {what} needs {error.name or error}: pip install {error.name or 'it'}") from error
    except Exception as error:         # the bytes may be anything, and so may what a parser of them raises
        raise CliError(f"{path} cannot be read as {what}: {error or type(error).__name__}") from error
    if data.X.shape[0] == 0 or data.X.shape[1] == 0:
        raise CliError(f"{path} has {data.X.shape[0]} rows and {data.X.shape[1]} columns beside the target")
    return data


def _reader(path: Path) -> tuple[Callable[..., Data], str]:
    """The function that reads a file, and what to call its kind."""
    if not path.exists():
        raise no_such_file(path)
    if path.is_dir():
        raise CliError(f"{path} is a folder; give a file", USAGE)
    suffix = suffix_of(path)
    if suffix in (".txt", ".data"):
        return (read_svmlight, "svmlight") if looks_like_svmlight(head_of(path)) else (read_csv, "a table")
    if suffix not in READERS:
        known = ", ".join(READERS)
        excel = "; save it as CSV" if suffix in (".xls", ".xlsx", ".ods") else ""
        raise CliError(f"{path.name}: the kind of file is not known by its name; one of {known}, .txt, .data, each also "
                       f"with .gz{excel}", USAGE)
    return READERS[suffix]
