"""The dialect of a text table: encoding, separator, quotes, lines above the table, and whether the first line holds names.

Used by _data.tables.  Reads the beginning of the file, and all of it for the encoding; must not know kinds of columns.
"""
from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO

from .cells import GAPS, is_number
from .errors import CliError

SEPARATORS = ("\t", ";", "|", ",")          # in the order in which they are believed, if several would do
BLANKS = r"\s+"
BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
READ_BYTES = 1 << 20
MAX_LINES_ABOVE = 20                            # lines above the table that are left out


@dataclass
class Dialect:
    """The parameters of `read_csv`."""

    separator: str
    named: bool
    names: list[str]                        # one for each column, made up where the file has none
    before: int = 0                         # lines above the table
    quoted: bool = True
    spaced: bool = False                    # blanks separate, or follow the separators
    notes: list[str] = field(default_factory=list)


def find_encoding(stream: IO[bytes], name: str, fallback: str = "cp1252") -> str:
    """The encoding of a file, read through: its mark, or UTF-8 if it is valid, else `fallback`."""
    first = stream.read(READ_BYTES)
    for mark, encoding in BYTE_ORDER_MARKS:
        if first.startswith(mark):
            return encoding
    wide = _wide(first)
    if wide:
        return wide
    decoder, lines, valid, block = codecs.getincrementaldecoder("utf-8")(), 0, True, first
    while block:
        if b"\0" in block:
            line = lines + block[:block.index(b"\0")].count(b"\n") + 1
            raise CliError(f"{name} has a NUL byte in line {line:,}; it is no text, or damaged")
        lines += block.count(b"\n")
        try:
            decoder.decode(block) if valid else None
        except UnicodeDecodeError:
            valid = False
        block = stream.read(READ_BYTES)
    if valid and not decoder.getstate()[0]:
        return "utf-8"
    return "latin-1" if fallback == "cp1252" and _outside_cp1252(stream) else fallback


def _wide(head: bytes) -> str:
    """UTF-16 without a mark: every other byte of the beginning is NUL."""
    even, odd = head[:4096:2], head[1:4096:2]
    if len(odd) > 1 and odd.count(0) > 0.6 * len(odd) and even.count(0) == 0:
        return "utf-16-le"
    return "utf-16-be" if len(odd) > 1 and even.count(0) > 0.6 * len(even) and odd.count(0) == 0 else ""


def _outside_cp1252(stream: IO[bytes]) -> bool:
    stream.seek(0)
    return any(re.search(rb"[\x81\x8d\x8f\x90\x9d]", block) for block in iter(lambda: stream.read(READ_BYTES), b""))


def sniff(lines: list[str], suffix: str, header: bool | None = None, known: Iterable[str] = (), separator: str = "") -> Dialect:
    """The dialect of a table, from its first lines.

    Parameters
    ----------
    lines : list of str
    suffix : str
        Of the file.
    header : bool, optional
        Whether the first line holds names; guessed if None.
    known : list of str
        Names of columns that should be in the first line; the separator that finds most of them is taken.
    separator : str
        That of an earlier file, taken if it splits the lines.
    """
    lines = [line.lstrip("\ufeff") for line in lines]
    said = re.fullmatch(r"sep=(.)\s*", lines[0].strip("\"'") + " ", re.I) if lines else None       # Excel's own line
    places = [i for i, line in enumerate(lines) if line.strip() and not (said and i == 0)]
    text = [lines[i] for i in places]
    if not text:
        raise ValueError("it is empty")
    known = set(known)
    if said:
        separator = said[1]
    elif known:
        separator = max((separator or ",", *SEPARATORS, BLANKS), key=lambda s: len(known & set(_cells(text[0], s))))
    elif not (separator and separator in SEPARATORS and min(map(len, _rows(text, separator))) > 1):
        separator = find_separator(text, suffix)
    quoted = _is_quoted(text, separator)
    rows = _rows(text, separator, quoted)
    width = Counter(map(len, rows[1:] or rows)).most_common(1)[0][0]
    before, notes = _lines_above(rows, width, text)
    rows = rows[before:]
    sure, named = (True, header) if header is not None else looks_named(rows)
    spaced = separator == BLANKS or any(separator + " " in line for line in text)
    dialect = Dialect(separator, named, _names(rows, width, named), places[before], quoted, spaced, notes)
    if not sure:
        kind = "names; --no-header makes it a row" if named else "a row; --header makes it names"
        dialect.notes.append(f"the first line, {_short(text[before])}, is taken as {kind}")
    return dialect


def _short(text: str) -> str:
    return repr(text if len(text) < 40 else text[:36] + "…")


def _is_quoted(lines: list[str], separator: str) -> bool:
    """Whether quotation marks are marks around cells; between tabs they may be part of the text."""
    return separator != "\t" or any(re.search(r'(^|\t)"([^"\t]|"")*"(\t|$)', line) for line in lines)


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in _rows([line], separator)[0]]


def _rows(lines: list[str], separator: str, quoted: bool = True) -> list[list[str]]:
    if separator == BLANKS:
        return [[cell.strip('"') for cell in re.findall(r'"[^"]*"|\S+', line)] for line in lines]
    reader = csv.reader([line + "\n" for line in lines], delimiter=separator, skipinitialspace=True,
                        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
    return [row for row in reader if row] or [[""]]


def find_separator(lines: list[str], suffix: str = "") -> str:
    """The separator that cuts most lines into the same number of cells, and leaves no other separator in most columns."""
    best, best_score = "", (0.6, -len(lines[0]), 0)
    for rank, separator in enumerate(SEPARATORS):
        rows = _rows(lines, separator, _is_quoted(lines, separator))
        width, count = Counter(map(len, rows)).most_common(1)[0]
        if width == 1:
            continue
        if separator == "\t" and suffix == ".tsv":
            return separator
        columns = zip(*(row for row in rows if len(row) == width))
        torn = sum(2 * sum(map(_is_torn, column)) > count for column in columns)
        score = (round(count / len(rows), 1), -torn, -rank)
        if score > best_score:
            best, best_score = separator, score
    if best:
        return best
    rows = _rows(lines, BLANKS)
    width, count = Counter(map(len, rows)).most_common(1)[0]
    if width > 1 and count > 0.6 * len(rows):
        return BLANKS
    return max(SEPARATORS, key=lambda s: (sum(line.count(s) for line in lines), s == ","))


def _is_torn(cell: str) -> bool:
    """Whether a cell contains a separator that is not part of a number."""
    return any(separator in cell for separator in SEPARATORS) and not is_number(cell)


def _lines_above(rows: list[list[str]], width: int, text: list[str]) -> tuple[int, list[str]]:
    """How many lines above the table have one cell where the table has more than two, and a note that they are left out."""
    count = next((i for i, row in enumerate(rows) if width < 3 or len([c for c in row if c.strip()]) > 1), 0)
    if not 0 < count <= MAX_LINES_ABOVE:
        return 0, []
    return count, [f"{'the first line' if count == 1 else f'{count} lines'} above the table, {_short(text[0])}, "
                   f"{'is' if count == 1 else 'are'} left out"]


def looks_named(rows: list[list[str]]) -> tuple[bool, bool]:
    """(whether that is sure, whether the first row holds names).

    Names are no numbers, and do not stand again among the cells below.  A first row with numbers in it holds names all the
    same if a word stands above numbers, or years, or numbers counted from 0 or 1, above cells of another kind.
    """
    first, below = [c.strip() for c in rows[0]], rows[1:]
    figures = [i for i, cell in enumerate(first) if is_number(cell)]
    words = [i for i, cell in enumerate(first) if cell not in GAPS and i not in figures]
    columns = [[row[i].strip() for row in below if i < len(row) and row[i].strip() not in GAPS] for i in range(len(first))]
    again = [i for i in words if first[i] in columns[i]]
    if not figures:
        return True, not words or not below or len(again) < max(1, len(words) / 2)
    if not below or again or len(set(first)) < len(first):
        return True, False
    above_numbers = [i for i in words if columns[i] and all(map(is_number, columns[i]))]
    if above_numbers:
        return True, True
    return (not words and not _counted(first, figures)), _counted(first, figures) and _other_kind(first, figures, columns)


def _counted(first: list[str], figures: list[int]) -> bool:
    """Whether the numbers of a first row are years, or count on by 1."""
    if not all(re.fullmatch(r"\d{1,4}", first[i]) for i in figures):
        return False
    values = [int(first[i]) for i in figures]
    steps = {b - a for a, b in zip(values, values[1:])}
    return all(1900 <= v <= 2100 for v in values) or len(values) > 2 and steps == {1} and values[0] in (0, 1)


def _other_kind(first: list[str], figures: list[int], columns: list[list[str]]) -> bool:
    """Whether the cells below the numbers of a first row are not counted themselves."""
    years = all(1900 <= int(first[i]) <= 2100 for i in figures)
    cells = [c for i in figures for c in columns[i]]
    if years:
        return not all(re.fullmatch(r"(19|20)\d\d", c) for c in cells)
    return any(not re.fullmatch(r"-?\d+", c) for c in cells)


def _names(rows: list[list[str]], width: int, named: bool) -> list[str]:
    """A name for each column; a first column of row numbers may lack one, as R writes it."""
    if not named:
        return [str(i) for i in range(max(width, len(rows[0])))]
    cells = [cell.strip() for cell in rows[0]]
    if len(cells) == width - 1:                # row names without a name, or rows that end with a separator
        ends = any(row[-1].strip() for row in rows[1:] if len(row) == width)
        cells = ["", *cells] if ends else [*cells, ""]
    elif len(cells) > width and not cells[-1]:
        cells = cells[:-1]
    return [cell or f"Unnamed: {i}" for i, cell in enumerate(cells)]
