"""One column of a table: its kind, detected from all cells, and its values, read the same way from every later file.

Used by _data.schema and _data.target.  Model files contain `Column`; it must know neither files nor models.
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .cells import (
    SIGNS,
    TRUTH,
    as_arrow,
    currencies,
    date_format,
    days,
    is_plain,
    is_text,
    number_signs,
    numbers,
    percent,
    truths,
    typed_days,
    without_gaps,
    words_among_numbers,
)
from .types import ArrowArray, Cells

UNSEEN, MISSING = -1, -2   # codes of labels that training did not have, and of cells without one
PLAIN = re.compile(r"[-+]?(0|[1-9]\d{0,14})(\.\d{1,15})?")
KINDS = {"number": "numbers", "boolean": "TRUE and FALSE", "date": "dates", "text": "text", "empty": "nothing"}


@dataclass(frozen=True)
class Column:
    """How the cells of a column are read.

    Parameters
    ----------
    name : str
    kind : {"number", "boolean", "date", "text", "empty"}
    decimal : {".", ","}
        Decimal sign of numbers.
    unit : {"", "%"}
        What every number ends with.
    form : str
        Of dates, as in strptime, or ISO8601.
    gaps : tuple of str
        Words that say that there is no value, beside the usual ones.

    Examples
    --------
    >>> from fastopt._data.columns import Column
    >>> Column("price", "number", decimal=",").values(["1.250,5", "k. A.", "3"])
    array([1250.5,    nan,    3. ])
    """

    name: str
    kind: str
    decimal: str = "."
    unit: str = ""
    form: str = ""
    gaps: tuple[str, ...] = ()

    def values(self, cells: Cells) -> np.ndarray | ArrowArray:
        """float64 with nan for gaps, dates in days since 1970; of text, an Arrow array with null for gaps."""
        array = as_arrow(cells)
        if is_text(array):
            array = without_gaps(array, self.gaps)
            if self.kind in ("text", "empty"):
                return array
            values, bad = self._of_text(array)
            if bad.any():
                self._refuse(array, bad)
            return values
        if self.kind in ("text", "empty"):
            return spelled(array)
        return _typed(array)

    def _of_text(self, text: ArrowArray) -> tuple[np.ndarray, np.ndarray]:
        if self.kind == "number":
            return numbers(text, self.decimal, self.unit)
        if self.kind == "date":
            return days(text, self.form or "ISO8601")
        values, bad = truths(text)
        if bad.any():                              # 0 and 1 where TRUE and FALSE were
            values, bad = numbers(text, self.decimal)
        return values, bad

    def _refuse(self, text: ArrowArray, bad: np.ndarray) -> None:
        row, more = int(np.argmax(bad)), int(bad.sum()) - 1
        rest = f" and in {more:,} other row{'s' * (more > 1)}" if more else ""
        how = " with decimal commas" if self.kind == "number" and self.decimal == "," else ""
        raise ValueError(f"column {self.name!r} held {KINDS[self.kind]}{how} in training, and here {text[row].as_py()!r} "
                         f"in row {row + 1}{rest}")

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Column:
        """What dataclasses.asdict gave, checked; ValueError or TypeError."""
        column = cls(**{**plain, "gaps": tuple(plain.get("gaps", ()))})
        texts = (column.name, column.kind, column.decimal, column.unit, column.form, *column.gaps)
        if not (all(isinstance(t, str) for t in texts) and column.kind in KINDS and column.decimal in SIGNS
                and column.unit in ("", "%")):
            raise ValueError(f"column {column.name!r} is damaged")
        return column


def _typed(array: ArrowArray) -> np.ndarray:
    """Numbers, bool, dates of a typed array as float64, gaps as nan."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_temporal(array.type):
        return typed_days(array)
    if pa.types.is_boolean(array.type):
        array = pc.cast(array, pa.uint8())
    return np.asarray(pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def spelled(array: ArrowArray) -> ArrowArray:
    """A typed array as text: whole numbers without a point, whatever their type."""
    import pyarrow as pa

    if is_text(array):
        return array
    values = array.to_pylist()
    whole = [int(v) if isinstance(v, float) and v.is_integer() else v for v in values]
    return pa.array([None if v is None or v != v else str(v) for v in whole], type=pa.string())


def label_key(text: str) -> float | str:
    """The key shared by the spellings of one label: the value of a plain number without leading zeros, or true or false."""
    if PLAIN.fullmatch(text):
        return float(text)
    return text.lower() if text.lower() in TRUTH else text


def label_codes(text: ArrowArray, labels: Sequence[str]) -> np.ndarray:
    """The number of each cell's label, UNSEEN or MISSING.  "1.0" is 1, as TRUE is true; "1.9" and "007" are not."""
    import pyarrow.compute as pc

    alike = {label_key(label): i for i, label in enumerate(labels)}
    exact = {label: i for i, label in enumerate(labels)}
    coded = pc.dictionary_encode(text)
    table = [exact.get(t, alike.get(label_key(t), UNSEEN)) for t in coded.dictionary.to_pylist()]
    index: np.ndarray = pc.fill_null(coded.indices, len(table)).to_numpy(zero_copy_only=False)
    return np.take(np.array([*table, MISSING], dtype=np.int64), index)


def typed_kind(array: ArrowArray) -> str:
    """The kind of a typed column; text stays text."""
    import pyarrow as pa

    kinds = ((pa.types.is_null, "empty"), (pa.types.is_boolean, "boolean"), (pa.types.is_integer, "number"),
             (pa.types.is_floating, "number"), (pa.types.is_decimal, "number"), (pa.types.is_temporal, "date"))
    kind = next((kind for test, kind in kinds if test(array.type)), "text")
    return "empty" if array.null_count == len(array) else kind


class TextColumn:
    """A column of text before the decimal sign of the table is known."""

    def __init__(self, name: str, cells: Cells, words: bool = True) -> None:
        self.name = name
        self.notes: list[str] = []
        self.text = without_gaps(as_arrow(cells))
        self.words: tuple[str, ...] = ()
        self.signs, self.matters = number_signs(self.text)
        if not self.signs and words:
            self.words = tuple(words_among_numbers(self.text))
            if self.words:
                self.text = without_gaps(self.text, self.words)
                self.signs, self.matters = number_signs(self.text)
                self.notes.append(f"column {name!r} holds numbers; {', '.join(map(repr, self.words))} counts as a gap")
        if self.signs and not is_plain(self.text) and len(currencies(self.text)) > 1:
            self.signs = []                        # dollars and euros are not to be added up

    def column(self, decimal: str) -> Column:
        """The column, if the table writes numbers with `decimal`; what is not sure is added to `notes`."""
        if self.text.null_count == len(self.text):
            return Column(self.name, "empty")
        if self.signs:
            sign = decimal if decimal in self.signs else self.signs[0]
            if self.matters and len(self.signs) > 1:
                self._example(sign)
            return Column(self.name, "number", sign, percent(self.text), gaps=self.words)
        if not truths(self.text)[1].any():
            return Column(self.name, "boolean")
        form, unsure = date_format(self.text)
        if form:
            if unsure:
                self.notes.append(f"column {self.name!r}: {self._first()!r} is read as {form.split()[0]}; no day above 12 tells")
            return Column(self.name, "date", form=form)
        return Column(self.name, "text")

    def _first(self) -> str:
        import pyarrow.compute as pc

        return str(pc.drop_null(self.text)[0].as_py())

    def _example(self, sign: str) -> None:
        import pyarrow.compute as pc

        cell = self.text.filter(pc.match_substring_regex(self.text, r"[,.]"))[0]
        value = numbers(as_arrow([cell.as_py()]), sign, percent(self.text))[0][0]
        plain = cell.as_py() == f"{value:.3f}" or sign == "." and "," not in cell.as_py()
        if not plain:
            self.notes.append(f"column {self.name!r}: {cell.as_py()!r} is read as {value:g}")


def decimal_sign(found: list[TextColumn], separator: str) -> str:
    """The decimal sign of a table: that of most columns that have only one; a table with semicolons has commas."""
    votes = [column.signs[0] for column in found if len(column.signs) == 1]
    commas = votes.count(",")
    if 2 * commas != len(votes):
        return "," if 2 * commas > len(votes) else "."
    return "," if separator == ";" and any(c.matters for c in found) else "."
