"""How a data file is read: its columns and their kinds, its target, its separators; found once, at training, on all rows.

A model file keeps the `Schema`, and the validation file and every file to predict are read by it, so that what was learnt from
a file is predicted on the same file.  Used by the readers (_data.tables, _data.matrices) and by _data.preparer.  Must not know models.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from fastopt._common.rules import did_you_mean

from .cells import as_arrow, is_text
from .columns import Column, TextColumn, decimal_sign, typed_kind
from .errors import listed
from .target import Target
from .types import Columns, Frame


@dataclass
class Schema:
    """A table with named columns, or a matrix of numbers.

    Parameters
    ----------
    kind : {"table", "matrix"}
    n_features : int
        Columns beside the target.
    columns : list of Column
        Of a table, in the order of the training file, without the target.
    target : Target, optional
        Once it is known what is learnt.
    place : int
        Of the target among the columns of the file, or -1.
    header : bool
        Whether the first line of a text file named the columns.
    separator, encoding, decimal : str
        Of a text file.
    zero_based, dense : bool, optional
        Of a matrix: how svmlight counts columns, and whether it was made dense.
    unused : list of str
        Columns that the model does without; a later file may lack them.
    """

    kind: str
    n_features: int
    columns: list[Column] = field(default_factory=list)
    target: Target | None = None
    target_name: str = ""
    place: int = -1
    header: bool = True
    separator: str = ""
    encoding: str = ""
    decimal: str = "."
    zero_based: bool | None = None
    dense: bool | None = None
    unused: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Names of the columns of a table."""
        return [column.name for column in self.columns]

    def summary(self) -> str:
        """``"2 numbers with decimal commas, 1 date in days, 3 text"``."""
        kinds = [column.kind for column in self.columns]
        commas = any(column.kind == "number" and column.decimal == "," for column in self.columns)
        words = {"number": "number", "boolean": "TRUE or FALSE", "date": "date", "text": "text", "empty": "empty"}
        more = {"number": " with decimal commas" * commas, "date": " in days"}
        return ", ".join(f"{kinds.count(kind)} {word}{'s' * (kind in more and kinds.count(kind) > 1)}{more.get(kind, '')}"
                         for kind, word in words.items() if kind in kinds)

    def frame(self, cells: Columns, source: str = "X") -> Frame:
        """A DataFrame of the schema's columns: numbers as float64, text as it stands.

        Parameters
        ----------
        cells : mapping or DataFrame
            Columns by name, in any order; what the schema does not have is left alone.
        source : str
            What errors call it.
        """
        import pandas as pd

        have, unused = set(cells.keys()), set(self.unused)
        missing = [name for name in self.names if name not in have and name not in unused]
        if missing:
            near = did_you_mean(missing[0], sorted(have - set(self.names)))
            raise ValueError(f"{source} lacks the column{'s' * (len(missing) > 1)} {listed(missing)}{near}")
        out = {}
        for column in self.columns:
            if column.name in have and column.name not in unused:
                values = column.values(cells[column.name])
                if isinstance(values, np.ndarray) and np.isinf(values).any():
                    raise ValueError(f"column {column.name!r} has an infinite value in row {int(np.argmax(np.isinf(values))) + 1}")
                out[column.name] = values if isinstance(values, np.ndarray) else pd.Series(pd.arrays.ArrowExtensionArray(values))
        return pd.DataFrame(out, copy=False)

    def to_plain(self) -> dict[str, Any]:
        """What JSON can hold."""
        columns = [{name: value for name, value in asdict(column).items() if value or name == "name"} for column in self.columns]
        return {**asdict(replace(self, columns=[])), "columns": columns}

    @classmethod
    def from_plain(cls, plain: dict[str, Any], d: int) -> Schema:
        """The schema that `to_plain` described, for `d` columns; ValueError, KeyError or TypeError if it is damaged."""
        given = {**plain, "columns": [Column.from_plain(c) for c in plain["columns"]],
                 "target": None if plain["target"] is None else Target.from_plain(plain["target"])}
        schema = cls(**given)
        texts = [schema.separator, schema.encoding, schema.decimal, schema.target_name, *schema.unused]
        flags = [schema.header, *(v for v in (schema.zero_based, schema.dense) if v is not None)]
        good = (schema.kind in ("table", "matrix") and type(schema.n_features) is int and schema.n_features == d
                and type(schema.place) is int and all(isinstance(t, str) for t in texts)
                and all(isinstance(f, bool) for f in flags) and len(set(schema.names)) == len(schema.columns))
        if not good or schema.kind == "table" and (len(schema.columns) != d or not -1 <= schema.place <= d):
            raise ValueError("the schema is damaged")
        return schema

    @classmethod
    def from_layout(cls, layout: dict[str, Any], d: int, numbers: list[str], left_out: list[str]) -> Schema:
        """The schema of a model file of version 1, which has no kinds of columns."""
        if layout["kind"] == "matrix":
            return cls.from_plain({**asdict(cls("matrix", layout["n_features"])),
                                   **{k: layout[k] for k in ("zero_based", "dense") if k in layout}}, d)
        columns = [asdict(Column(name, "boolean" if name in numbers else "text")) for name in layout["columns"]]
        return cls.from_plain({**asdict(cls("table", d)), "columns": columns, "target_name": layout["target"],
                               "place": layout["target_index"], "header": layout["header"], "unused": left_out}, d)


def found_schema(cells: Columns, target: str | None, *, typed: bool = False, separator: str = "",
                 **known: Any) -> tuple[Schema, list[str]]:
    """The schema of a table whose columns are `cells`, told from all rows, and notes on what was not sure.

    Parameters
    ----------
    cells : mapping or DataFrame
        Columns by name.
    target : str, optional
        Name of the target, which is no feature.
    typed : bool
        Columns say themselves what they hold; text stays text.
    separator : str
    **known
        Other fields of the schema.
    """
    columns_of_file = list(cells.keys())   # a frame's own iteration need not be over names
    names = [name for name in columns_of_file if name != target]
    arrays = {name: as_arrow(cells[name]) for name in columns_of_file}
    text = [name for name in arrays if not typed and is_text(arrays[name])]
    found = {name: TextColumn(name, arrays[name], words=name != target) for name in text}
    decimal = decimal_sign(list(found.values()), separator)
    columns = [found[name].column(decimal) if name in found else Column(name, typed_kind(arrays[name])) for name in names]
    place = columns_of_file.index(target) if target is not None else -1
    schema = Schema("table", len(names), columns, target_name=target or "", place=place, separator=separator, decimal=decimal,
                    **known)
    return schema, [note for f in found.values() for note in f.notes]


