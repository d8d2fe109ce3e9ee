"""The cells of a column as numbers, booleans or dates: detection and conversion, for a whole column at once.

Used by _data.schema and _data.dialect.  Works on Arrow arrays; must not know files, names of columns or models.
"""
from __future__ import annotations

import re
from typing import Any

import numpy as np

from .types import ArrowArray

GAPS = ("", "?", "-", "--", ".", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
        "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "n.a.", "k. A.", "k.A.", "#DIV/0!", "#REF!", "#VALUE!", "#NUM!",
        "#NAME?")
TRUTH = ("false", "true")
SIGNS = (".", ",")                 # decimal signs
MAX_GAP_WORDS = 3                     # so many words, in at most a fifth of the cells, are gaps in a column of numbers
FIRST_CELLS = 20                           # cells looked at before all are

_BLANKS = " \u00a0\u2009\u202f"
_CURRENCY = "(?:[$€£¥₹]|EUR|USD|GBP|CHF)"
_DAY = r"^\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T]\d{1,2}:\d{2}.*)?$"
_DAYS = ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d-%m-%Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y")
DATES = ("ISO8601", *(day + time for time in ("", " %H:%M", " %H:%M:%S") for day in _DAYS))


def _number_pattern(decimal: str) -> str:
    """The pattern of numbers with this decimal sign; digits may be grouped, and have a currency or percent sign."""
    point, other = re.escape(decimal), re.escape("," if decimal == "." else ".")
    grouped = "|".join(rf"[1-9]\d{{0,2}}(?:{sign}\d{{3}})+" for sign in (other, f"[{_BLANKS}]", "['’]"))
    digits = rf"(?:(?:{grouped}|\d+)(?:{point}\d*)?|{point}\d+)(?:[eE][-+]?\d+)?"
    before = rf"(?:[-+−]?[{_BLANKS}]?(?:{_CURRENCY}[{_BLANKS}]?)?|{_CURRENCY}[{_BLANKS}]?[-+−])"
    return rf"^(?:{before}{digits}[{_BLANKS}]?(?:{_CURRENCY}|%)?|[-+]?(?:inf|Inf|INF)(?:inity)?)$"


NUMBER = {decimal: _number_pattern(decimal) for decimal in SIGNS}


def is_number(cell: str) -> bool:
    """Whether one cell is a number, with either decimal sign."""
    return any(re.match(pattern, cell.strip()) for pattern in NUMBER.values())


def as_arrow(values: Any) -> ArrowArray:
    """A column as one Arrow array; a mixture of types becomes text."""
    import pyarrow as pa

    if isinstance(values, pa.Array):
        return values
    if hasattr(values, "sparse") and str(values.dtype).startswith("Sparse"):
        values = values.sparse.to_dense()
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        array = pa.array([None if v is None or v != v else str(v) for v in values], type=pa.string())
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], type=array.type)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def is_text(array: ArrowArray) -> bool:
    """Whether an Arrow array holds strings."""
    import pyarrow as pa

    return bool(pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
                or getattr(pa.types, "is_string_view", lambda t: False)(array.type))


def without_gaps(array: ArrowArray, words: tuple[str, ...] = ()) -> ArrowArray:
    """Text without blanks around it, null where a cell says that there is no value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = pc.utf8_trim_whitespace(array)
    gap = pc.is_in(array, value_set=pa.array([*GAPS, *words], type=array.type))
    return pc.if_else(gap, pa.scalar(None, type=array.type), array) if pc.any(gap).as_py() else array


def numbers(text: ArrowArray, decimal: str = ".", unit: str = "") -> tuple[np.ndarray, np.ndarray]:
    """(values, mask of cells that are no numbers) of text without gaps; null becomes nan.  Percent signs must agree with `unit`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = _plain(text) if decimal == "." and unit != "%" else None
    if plain is not None:
        return _floats(plain), np.zeros(len(text), dtype=bool)
    good = pc.match_substring_regex(text, NUMBER[decimal])
    good = pc.and_(good, pc.equal(pc.ends_with(text, pattern="%"), unit == "%"))
    kept = pc.if_else(good, text, pa.scalar(None, type=text.type))
    other = re.escape("," if decimal == "." else ".")
    kept = pc.replace_substring_regex(kept, rf"[{_BLANKS}'’$€£¥₹%{other}]|EUR|USD|GBP|CHF", "")
    kept = pc.replace_substring(pc.replace_substring(kept, ",", "."), "−", "-")
    bad = pc.fill_null(pc.invert(good), False)
    return _floats(pc.cast(kept, pa.float64())), bad.to_numpy(zero_copy_only=False)


def _plain(text: ArrowArray) -> ArrowArray | None:
    """Text as float64, exact to the last digit, if all cells are plain numbers; else None."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        return None


def is_plain(text: ArrowArray) -> bool:
    """Whether all cells are numbers with a decimal point and nothing around them."""
    return _plain(text) is not None


def _floats(array: ArrowArray) -> np.ndarray:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)


def number_signs(text: ArrowArray) -> tuple[list[str], bool]:
    """The decimal signs with which every cell is a number, and whether the choice between them matters."""
    unit = percent(text)
    matters = has(text, ".") or has(text, ",")
    first = [cell for cell in text[:FIRST_CELLS].to_pylist() if cell is not None]       # most columns are told by a few cells
    signs = [decimal for decimal in (SIGNS if matters else SIGNS[:1]) if all(re.match(NUMBER[decimal], cell) for cell in first)
             and not numbers(text, decimal, unit)[1].any()]
    return (signs if matters or not signs else list(SIGNS)), matters and bool(signs)


def percent(text: ArrowArray) -> str:
    """``"%"`` if the first cell ends with it."""
    import pyarrow.compute as pc

    first = pc.drop_null(text)
    return "%" if len(first) and first[0].as_py().endswith("%") else ""


def has(text: ArrowArray, sign: str) -> bool:
    """Whether any cell contains this sign."""
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring(text, sign)).as_py())


def currencies(text: ArrowArray) -> set[str]:
    """The currency signs that occur."""
    import pyarrow.compute as pc

    found = pc.extract_regex(pc.unique(text), f"(?P<sign>{_CURRENCY})")
    return {s for s in pc.struct_field(found, "sign").to_pylist() if s}


def words_among_numbers(text: ArrowArray) -> list[str]:
    """The words for missing values in a column of numbers: a few, without digits, in at most a fifth of the cells."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for decimal in SIGNS:
        bad = numbers(text, decimal, percent(text))[1]
        if not 0 < bad.sum() <= (len(text) - text.null_count) / 5:
            continue
        words = pc.unique(text.filter(pa.array(bad))).to_pylist()
        if len(words) <= MAX_GAP_WORDS and not any(re.search(r"\d", word) for word in words):
            return sorted(words)
    return []


def truths(text: ArrowArray) -> tuple[np.ndarray, np.ndarray]:
    """(1 for true and 0 for false in any case, mask of cells that are neither)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = _floats(pc.index_in(pc.utf8_lower(text), value_set=pa.array(TRUTH, type=text.type)))
    return values, np.isnan(values) & pc.is_valid(text).to_numpy(zero_copy_only=False)


def date_format(text: ArrowArray) -> tuple[str, bool]:
    """The format of the dates in text without gaps, or "", and whether day and month could be swapped."""
    import pyarrow.compute as pc

    text = pc.unique(pc.drop_null(text))
    if not len(text) or not all(pc.all(pc.match_substring_regex(part, _DAY)).as_py() for part in (text[:FIRST_CELLS], text)):
        return "", False
    found = [form for form in DATES if all(not days(part, form)[1].any() for part in (text[:FIRST_CELLS], text))]
    return (found[0], len(found) > 1) if found else ("", False)


def days(text: ArrowArray, form: str) -> tuple[np.ndarray, np.ndarray]:
    """(days since 1970 with fractions for the time, mask of cells that are no such dates)."""
    import pandas as pd
    import pyarrow.compute as pc

    stamps = pd.to_datetime(text.to_pandas().astype(object), format=form, errors="coerce", utc=True)
    values = typed_days(as_arrow(stamps))
    return values, np.isnan(values) & pc.is_valid(text).to_numpy(zero_copy_only=False)


def typed_days(array: ArrowArray) -> np.ndarray:
    """Days since 1970 of dates and times, days of durations; nan where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_date(array.type):
        array = pc.cast(array, pa.timestamp("s"))
    if pa.types.is_time(array.type):
        array = pc.cast(array, pa.time64("ns" if array.type.unit == "ns" else "us"))
    ticks = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[array.type.unit]
    return _floats(pc.cast(pc.cast(array, pa.int64()), pa.float64(), safe=False)) / (86400.0 * ticks)
