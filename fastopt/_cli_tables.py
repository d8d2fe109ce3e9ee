"""Tables, from csv, tsv and parquet files: separators and headers guessed, the target column found.

Used by _cli_data.  Leaves columns as the file has them; _cli_prepare makes numbers of them.
"""
from __future__ import annotations

import csv
import io
import re

import numpy as np

from ._cli_errors import USAGE, CliError, did_you_mean, listed
from ._cli_files import Data, head_of, suffix_of

TARGET_NAMES = ("target", "label", "y", "class")


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def sniff_csv(lines, suffix):
    """The separator of a table, and whether its first line holds names: then no cell of it is a number."""
    line = next((text for text in lines if text.strip()), None)
    if line is None:
        raise ValueError("it is empty")
    counts = {s: line.count(s) for s in ",;\t"}
    best = max(counts, key=counts.get)
    separator = "\t" if suffix == ".tsv" and counts["\t"] else best if counts[best] else r"\s+"
    cells = line.split() if separator == r"\s+" else next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    return separator, not any(_is_number(c) for c in cells)


def _has_decimal_commas(lines):
    """Whether a table with semicolons writes 1,5 for 1.5."""
    return any(re.fullmatch(r"\s*-?\d+,\d+\s*", cell) for line in lines[:50] for cell in line.split(";"))


def read_csv(stream, path, *, target=None, header=None, like=None, **_):
    """A table with any of the usual separators; '?' counts as missing, as do pandas' own names for it."""
    import pandas as pd

    separator, named = sniff_csv(head_of(path), suffix_of(path))
    named = like["header"] if like and "header" in like else named if header is None else header
    options = dict(sep=separator, header=0 if named else None, na_values="?", skipinitialspace=True, low_memory=False,
                   decimal="," if separator == ";" and _has_decimal_commas(head_of(path)) else ".")
    if like and named:        # numbers in a column that held strings stay as they are written
        options["dtype"] = dict.fromkeys(like.get("strings", ()), str)
    try:
        frame = pd.read_csv(stream, encoding="utf-8-sig", **options)
    except UnicodeDecodeError:
        stream.seek(0)
        frame = pd.read_csv(stream, encoding="latin-1", **options)
    return _from_frame(frame, path, target, like, named)


def read_parquet(stream, path, *, target=None, like=None, **_):
    """A table with names and types."""
    import pandas as pd

    try:
        import pyarrow  # noqa: F401  (pandas' own message is five lines long)
    except ImportError as error:
        raise ImportError("pyarrow", name="pyarrow") from error
    return _from_frame(pd.read_parquet(io.BytesIO(stream.read()), engine="pyarrow"), path, target, like, True)


def _from_frame(frame, path, target, like, named):
    """Features and target of a table."""
    frame.columns = [str(c) for c in frame.columns]
    notes = []
    if named and _is_row_number(frame):
        frame = frame.iloc[:, 1:]
        notes.append("the first column numbers the rows and is left out")
    if like:
        return _from_frame_like(frame, path, like, named)
    name = find_target(list(frame.columns), target, path)
    columns = [c for c in frame.columns if c != name]
    strings = [c for c in columns if frame[c].dtype.kind == "O" or str(frame[c].dtype) in ("str", "string")]
    layout = {"kind": "table", "columns": columns, "target": name, "header": bool(named), "strings": strings,
              "target_index": list(frame.columns).index(name)}
    return Data(frame[columns], target_values(frame[name]), path.name, layout, notes)


def _is_row_number(frame):
    """Whether the first column has no name and counts the rows, as pandas writes an index."""
    if frame.shape[1] < 3 or not re.fullmatch(r"|Unnamed: 0|__index_level_0__", frame.columns[0]):
        return False
    first = frame.iloc[:, 0]
    return first.dtype.kind == "i" and len(first) > 0 and bool((np.diff(first.to_numpy()) == 1).all())


def _from_frame_like(frame, path, like, named):
    """The columns that the earlier file had, found by name, or by place where no file names them."""
    if like["kind"] != "table":
        raise CliError(f"the model was trained on a matrix of {like['n_features']} columns (svmlight or npz); "
                       f"{path.name} is a table")
    columns, name = like["columns"], like["target"]
    if not named:
        if frame.shape[1] not in (len(columns), len(columns) + 1):
            raise CliError(f"{path.name} has {frame.shape[1]} columns; the model was trained on {len(columns)} and a target")
        whole = columns[:like["target_index"]] + [name] + columns[like["target_index"]:]
        frame.columns = columns if frame.shape[1] == len(columns) else whole
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        near = did_you_mean(missing[0], frame.columns)
        raise CliError(f"{path.name} lacks the column{'s' * (len(missing) > 1)} {listed(missing)}{near}")
    y = target_values(frame[name]) if name in frame.columns else None
    return Data(frame[columns], y, path.name, like)


def find_target(columns, target, path):
    """The name of the target column."""
    if len(set(columns)) < len(columns):
        twice = sorted({c for c in columns if columns.count(c) > 1})
        raise CliError(f"{path.name} names columns twice: {listed(twice)}")
    if target is None:
        usual = {c.strip().lower(): c for c in reversed(columns)}
        return next((usual[t] for t in TARGET_NAMES if t in usual), columns[-1])
    if target in columns:
        return target
    same = [c for c in columns if c.strip().lower() == target.strip().lower()]
    if len(same) == 1:
        return same[0]
    if re.fullmatch(r"-?\d+", target) and -len(columns) <= int(target) < len(columns):
        return columns[int(target)]
    near = did_you_mean(target, columns)
    raise CliError(f"{path.name} has no column {target!r}{near or '; it has ' + listed(columns)}", USAGE)


def target_values(column):
    """A column of a table as an array of numbers, of bool or of str; what is missing stays nan or None."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(column) and not column.isna().any():
        return column.to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy() if not column.isna().any() else column.to_numpy(dtype=np.float64, na_value=np.nan)
    out = np.array([None if m else str(v) for v, m in zip(column, column.isna())], dtype=object)
    return out if column.isna().any() else out.astype(str)
