"""Where the parameters of a network lie in one array, and the rows of what goes through it.

Used by neural_network/_engine/network.pyx.  Knows no arithmetic.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

#: parameters of activations that have one
ALPHAS = {"leaky_relu": 0.01, "elu": 1.0}
#: bytes of a vector; vectors of a row from which on rows have an odd number of them, as else they meet in the same sets of a cache
_VECTOR, _WIDE = 64, 4


def padded(units: int, itemsize: int) -> int:
    """Elements of a row of so many units: whole vectors.

    Examples
    --------
    >>> from fastopt.neural_network._engine.layout import padded
    >>> padded(10, 4), padded(100, 4), padded(512, 4)
    (16, 112, 528)
    """
    lanes = _VECTOR // itemsize
    vectors = -(-units // lanes)
    return (vectors + (vectors > _WIDE and vectors % 2 == 0)) * lanes


def placed(sizes: Sequence[int], itemsize: int) -> tuple[list[int], list[tuple[int, int]], int]:
    """Strides of the rows of the input and of each layer; where the weights and the biases of each layer begin; how many elements they are.

    An output of one unit has rows of one element, and its weights lie one behind the other.

    Examples
    --------
    >>> from fastopt.neural_network._engine.layout import placed
    >>> placed((20, 32, 1), 4)
    ([32, 32, 1], [(0, 640), (672, 704)], 720)
    """
    lanes = _VECTOR // itemsize
    strides = [padded(units, itemsize) for units in sizes]
    if sizes[-1] == 1:
        strides[-1] = 1
    places, at = [], 0
    for inputs, in_stride, stride in zip(sizes, strides, strides[1:]):
        biases = at + (in_stride if stride == 1 else inputs * stride)
        places.append((at, biases))
        at = biases + max(stride, lanes)
    return strides, places, at


def views(flat: Array, sizes: Sequence[int], strides: Sequence[int], places: Sequence[tuple[int, int]]) -> tuple[list[Array], list[Array]]:
    """The weights (in, out) and the biases (out,) of each layer in such an array."""
    coefs = [flat[w:w + inputs * stride].reshape(inputs, stride)[:, :units]
             for (w, _), inputs, units, stride in zip(places, sizes, sizes[1:], strides[1:])]
    return coefs, [flat[b:b + units] for (_, b), units in zip(places, sizes[1:])]


def pieces(flat: Array, places: Sequence[tuple[int, int]]) -> tuple[list[Array], list[Array]]:
    """The same with what fills up rows, as it lies."""
    ends = [*(w for w, _ in places[1:]), len(flat)]
    return [flat[w:b] for w, b in places], [flat[b:end] for (_, b), end in zip(places, ends)]
