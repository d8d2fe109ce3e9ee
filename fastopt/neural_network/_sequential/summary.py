"""The table of a model's layers.

Used by the model of this room.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from .layers import Activation, Dense, Dropout, Layer, names_of

_TITLES = ("Layer (type)", "Output Shape", "Param #")


def summary_of(name: str, layers: Sequence[Layer], columns: int | None, itemsize: int) -> Iterator[str]:
    """The lines; without columns the weights of the first layer are not known."""
    rows, total, inputs, units = [], 0, columns, columns
    for layer, called in zip(layers, names_of(layers)):
        count: int | None = 0
        if isinstance(layer, Dense):
            inputs, units = units, layer.units
            count = None if inputs is None else (inputs + 1) * units
        elif not isinstance(layer, (Activation, Dropout)):
            continue
        total += count or 0
        rows.append((f"{called} ({type(layer).__name__})", f"(None, {units})", "?" if count is None else f"{count:,}"))
    widths = [max(len(cell) for cell in column) + (i == 0) for i, column in enumerate(zip(_TITLES, *rows))]
    yield f'Model: "{name}"'
    yield _rule("┌┬┐", widths)
    yield _line(_TITLES, widths, False)
    yield _rule("├┼┤", widths)
    yield from (_line(row, widths, True) for row in rows)
    yield _rule("└┴┘", widths)
    known = all(row[2] != "?" for row in rows)
    yield f"Total params: {total:,} ({_size(total * itemsize)})" if known else "Total params: not known before X is"


def _rule(corners: str, widths: Sequence[int]) -> str:
    return corners[0] + corners[1].join("─" * (width + 2) for width in widths) + corners[2]


def _line(cells: Sequence[str], widths: Sequence[int], counts: bool) -> str:
    texts = [cell.rjust(width) if counts and i == 2 else cell.ljust(width) for i, (cell, width) in enumerate(zip(cells, widths))]
    return "│ " + " │ ".join(texts) + " │"


def _size(n: float) -> str:
    units = ["B", "KB", "MB", "GB"]
    while n >= 1024 and len(units) > 1:
        n, units = n / 1024, units[1:]
    return f"{n:.2f} {units[0]}"
