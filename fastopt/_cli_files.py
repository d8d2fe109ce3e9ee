"""Access to data files: the `Data` that every reader gives, opening plain or gzipped files, and a look at their first lines.

Used by the readers, _cli_tables and _cli_matrices, and by _cli_data above them.
"""
from __future__ import annotations

import contextlib
import gzip
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._cli_errors import CliError

HEAD_BYTES = 1 << 16       # how much of a text file is looked at to tell its kind


@dataclass
class Data:
    """Rows and targets of one file.

    X is an ndarray (n, d), a CSR matrix or a pandas DataFrame; y is an ndarray (n,), or None where the file has no target.
    """

    X: Any
    y: np.ndarray | None
    source: str
    layout: dict = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def suffix_of(path):
    """The last suffix, that of gzip left out."""
    suffixes = [s.lower() for s in path.suffixes]
    return next((s for s in reversed(suffixes) if s != ".gz"), "")


@contextlib.contextmanager
def opened(path):
    with (gzip.open(path, "rb") if path.name.lower().endswith(".gz") else open(path, "rb")) as stream:
        yield stream


def head_of(path):
    """The first lines as text, without one that may be cut."""
    try:
        with opened(path) as stream:
            head = stream.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise CliError(f"{path} cannot be read: {error}") from error
    lines = head.decode("utf-8-sig", "replace").splitlines()
    return lines[:-1] if len(head) == HEAD_BYTES and len(lines) > 1 else lines


def check_layout(layout, d, columns):
    """Whether a layout from a model file is one that a reader wrote, for `d` features or these columns."""
    if layout["kind"] == "matrix":
        return layout["n_features"] == d and all(isinstance(layout.get(k, False), bool) for k in ("zero_based", "dense"))
    return (layout["kind"] == "table" and layout["columns"] == columns and isinstance(layout["target"], str)
            and isinstance(layout["header"], bool) and set(layout.get("strings", ())) <= set(columns)
            and type(layout["target_index"]) is int and 0 <= layout["target_index"] <= len(columns))
