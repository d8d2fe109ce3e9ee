"""Tables, from csv, tsv and parquet files: read as the schema of an earlier file says, or the schema found.

Used by _data.formats.  All cells are read as text, by Arrow or pandas; the schema says what they mean.
"""
from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from fastopt._common.rules import did_you_mean

from .cells import as_arrow, is_text, numbers
from .columns import Column, typed_kind
from .dialect import Dialect, find_encoding, sniff
from .errors import USAGE, CliError, listed
from .files import Data, head_of, suffix_of
from .schema import Schema, found_schema
from .types import Frame

TARGET_NAMES = ("target", "label", "y", "class")
NO_NAME = re.compile(r"|Unnamed: \d+|__index_level_0__")


def read_csv(stream: IO[bytes], path: Path, *, target: str | None = None, header: bool | None = None, like: Schema | None = None,
             **_: object) -> Data:
    """A table with any of the usual separators, in any of the usual encodings."""
    _check_kind(like, path)
    encoding = find_encoding(stream, path.name, like.encoding if like and like.encoding not in ("", "utf-8") else "cp1252")
    known = [*like.names, like.target_name] if like and like.header else ()
    dialect = sniff(head_of(path, encoding), suffix_of(path), like.header if like else header, known,
                    like.separator if like else "")
    stream.seek(0)
    frame = _text_frame(stream, path, dialect, encoding)
    if like and not like.header:
        frame.columns = _names_by_place(frame.shape[1], like, path)
    frame, notes = _without_row_numbers(frame, dialect.named, like)
    notes = dialect.notes + notes
    if like:
        return _as_before(frame, path, like, notes)
    return _first(frame, path, target, notes, header=dialect.named, separator=dialect.separator, encoding=encoding)


def _text_frame(stream: IO[bytes], path: Path, dialect: Dialect, encoding: str) -> Frame:
    """All cells as text: by Arrow, or by pandas where a row is too short or too long, with "" for cells that are not there."""
    twice = sorted(name for name, count in Counter(dialect.names).items() if count > 1)
    if twice:
        raise CliError(f"{path.name} names columns twice: {listed(twice)}")
    frame = None if dialect.spaced else _by_arrow(stream, dialect, encoding)
    if frame is None:
        stream.seek(0)
        frame = _by_pandas(stream, dialect, encoding)
    frame = frame.iloc[1:] if dialect.named else frame
    while frame.shape[1] > 1 and (NO_NAME.fullmatch(frame.columns[-1]) or not dialect.named) and (frame.iloc[:, -1] == "").all():
        frame = frame.iloc[:, :-1]                 # lines that end with a separator
    return frame


def _by_arrow(stream: IO[bytes], dialect: Dialect, encoding: str) -> Frame | None:
    """The fast reader: a DataFrame, or None if the rows are not all of one length."""
    import pandas as pd
    import pyarrow as pa
    from pyarrow import csv

    names = dialect.names
    try:
        table = csv.read_csv(
            stream, csv.ReadOptions(column_names=names, skip_rows=dialect.before, encoding=encoding, use_threads=False),
            csv.ParseOptions(delimiter=dialect.separator, quote_char='"' if dialect.quoted else False, newlines_in_values=True),
            csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False))
    except pa.ArrowInvalid:
        return None
    return pd.DataFrame({name: pd.Series(pd.arrays.ArrowExtensionArray(table[name])) for name in names})


def _by_pandas(stream: IO[bytes], dialect: Dialect, encoding: str) -> Frame:
    """The patient reader: blanks around separators, blanks as separators, short rows; ValueError for a long one."""
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return pd.read_csv(
                stream, sep=dialect.separator, encoding=encoding, header=None, names=dialect.names, skiprows=dialect.before,
                dtype="string[pyarrow]", na_filter=False, index_col=False, skipinitialspace=True, low_memory=False,
                quoting=0 if dialect.quoted else 3)
        except pd.errors.EmptyDataError:
            raise ValueError("it has no rows") from None
        except (pd.errors.ParserWarning, pd.errors.ParserError) as error:
            raise ValueError(_ragged(str(error), len(dialect.names))) from None


def _ragged(message: str, width: int) -> str:
    """pandas' message about a row that is too long, in the terms of the file."""
    seen = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    if seen:
        return f"line {int(seen[2]):,} has {seen[3]} cells, the table {width} columns"
    if "Length of header" in message:
        return f"its rows have more cells than the {width} columns that the first line names"
    return message.replace("Error tokenizing data. C error: ", "")


def read_parquet(stream: IO[bytes], path: Path, *, target: str | None = None, like: Schema | None = None, **_: object) -> Data:
    """A table with names and types."""
    import pandas as pd

    _check_kind(like, path)
    try:
        import pyarrow  # noqa: F401  (pandas' own message is five lines long)
    except ImportError as error:
        raise ImportError("pyarrow", name="pyarrow") from error
    frame = pd.read_parquet(io.BytesIO(stream.read()), engine="pyarrow", dtype_backend="pyarrow")
    frame.columns = [str(c) for c in frame.columns]
    frame, notes = _without_row_numbers(frame, True, like)
    return _as_before(frame, path, like, notes) if like else _first(frame, path, target, notes, typed=True)


def _check_kind(like: Schema | None, path: Path) -> None:
    if like and like.kind != "table":
        raise CliError(f"the model was trained on a matrix of {like.n_features} columns (svmlight or npz); "
                       f"{path.name} is a table")


def _first(frame: Frame, path: Path, target: str | None, notes: list[str], **how: Any) -> Data:
    """The training table: its schema is found."""
    _check_size(frame, path)
    name, why = find_target(list(frame.columns), target, path)
    schema, more = found_schema(frame, name, **how)
    return Data(schema.frame(frame, path.name), as_arrow(frame[name]), path.name, schema, [*notes, *more], why)


def _check_size(frame: Frame, path: Path) -> None:
    if frame.shape[1] < 2:
        raise CliError(f"{path.name} has one column only, {frame.columns[0]!r}; a target and something to learn it from are needed")
    if not len(frame):
        raise CliError(f"{path.name} has 0 rows below its header")


def _as_before(frame: Frame, path: Path, like: Schema, notes: list[str]) -> Data:
    """A later table, read by the schema of the first."""
    if not len(frame):
        raise CliError(f"{path.name} has 0 rows below its header")
    name = like.target_name
    with _named(path):
        X = like.frame(frame, path.name)
    known = {*like.names, name}
    extra = [c for c in frame.columns if c not in known]
    if extra:
        ending, were, are = ("s", "were", "are") if len(extra) > 1 else ("", "was", "is")
        notes = [*notes, f"column{ending} {listed(extra)} {were} not in the training file and {are} ignored"]
    return Data(X, as_arrow(frame[name]) if name in frame.columns else None, path.name, like, notes)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        text = str(error)
        raise CliError(text if text.startswith(path.name) else f"{path.name}: {text}") from error


def _names_by_place(width: int, like: Schema, path: Path) -> list[str]:
    """The names of the columns of a file that does not name them; the target may be missing."""
    if width == len(like.columns):
        return like.names
    if width == len(like.columns) + 1:
        return [*like.names[:like.place], like.target_name, *like.names[like.place:]]
    raise CliError(f"{path.name} has {width} columns; the model was trained on {len(like.columns)} and a target")


def _without_row_numbers(frame: Frame, named: bool, like: Schema | None) -> tuple[Frame, list[str]]:
    """The table without a first column that has no name and counts the rows, as pandas and R write an index."""
    first = frame.columns[0]
    if not named or frame.shape[1] < 3 or not NO_NAME.fullmatch(first) or not len(frame) or like and first in like.names:
        return frame, []
    cells = as_arrow(frame.iloc[:, 0])
    values, bad = numbers(cells) if is_text(cells) else (Column(first, typed_kind(cells)).values(cells), np.zeros(len(cells), dtype=bool))
    names = is_text(cells) and len(cells) > 1 and bool(bad.all()) and len(cells.unique()) == len(cells)
    if names or np.asarray(values).dtype.kind == "f" and (np.diff(values) == 1).all() and not np.isnan(values).any():
        return frame.iloc[:, 1:], [f"the first column {'names' if names else 'numbers'} the rows and is left out"]
    return frame, []


def find_target(columns: list[str], target: str | None, path: Path) -> tuple[str, str]:
    """The name of the target column, and a sentence if it was guessed."""
    if target is None:
        usual = {c.strip().lower(): c for c in reversed(columns)}
        name = next((usual[t] for t in TARGET_NAMES if t in usual), None)
        why = "its name says so" if name else "it is the last column"
        name = name or columns[-1]
        return name, f"target: column {name!r}, since {why}; --target NAME chooses another"
    if target in columns:
        return target, ""
    same = [c for c in columns if c.strip().lower() == target.strip().lower()]
    if len(same) == 1:
        return same[0], ""
    if re.fullmatch(r"-?\d+", target) and -len(columns) <= int(target) < len(columns):
        return columns[int(target)], ""
    near = did_you_mean(target, columns)
    raise CliError(f"{path.name} has no column {target!r}{near or '; it has ' + listed(columns)}", USAGE)
