"""The distance of an image, seen by feature maps, from the content of one and the style of another.

Used through fastopt.losses.  Products of feature maps are those of matrices by BLAS, squares the squared error's, an image and a layer at a time.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.checks import choice, number

from .._base import DOMAINS, Array, _array, _refuse
from .._regression import SquaredError
from ._base import ImageLoss

_SQUARES = SquaredError()


class ContentStyle(ImageLoss):
    """The content and style losses of style transfer, over layers of feature maps of an image that is to be made.

    Of a layer of C maps of H·W pixels, F (C, H·W): content_weight·Σ(F − content)²/2 + style_weight·Σ(G − style)²/(4·C²), G = F·Fᵀ/(H·W) the Gram
    matrix of the maps, which knows what they do together but not where.  Style may come from an image of another size.

    Parameters
    ----------
    content_weights, style_weights : sequence of float, at least 0
        Of each layer, as many of one as of the other.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns of several images.  The gradient is that of the mean or, for both others, of the sum.

    References
    ----------
    L. A. Gatys, A. S. Ecker and M. Bethge (2016), Image style transfer using convolutional neural networks, CVPR.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import losses
    >>> loss = losses.ContentStyle([1.0], [1.0])
    >>> photo, painting = [np.ones((2, 2, 2))], [np.zeros((2, 3, 3))]
    >>> value, (gradient,) = loss.value_and_gradient(photo, [loss.gram(painting[0])], photo)
    >>> value, gradient[0].tolist()
    (0.25, [[0.125, 0.125], [0.125, 0.125]])
    """

    name = "content_style"
    content_weights: tuple[float, ...]
    style_weights: tuple[float, ...]

    def __init__(self, content_weights: Sequence[float], style_weights: Sequence[float], reduction: str = "mean") -> None:
        each = [tuple(number(f"{name}[{i}]", weight, at_least=0) for i, weight in enumerate(weights))
                for name, weights in (("content_weights", content_weights), ("style_weights", style_weights))]
        if not each[0] or len(each[0]) != len(each[1]):
            raise ValueError("content_weights and style_weights must have as many weights, one of each layer, one layer or more, "
                             f"got {len(each[0])} and {len(each[1])}")
        self._keep({"content_weights": each[0], "style_weights": each[1],
                    "reduction": choice("reduction", reduction, "mean", "sum", "none")})

    @staticmethod
    def gram(features: ArrayLike) -> Array:
        """The products of maps with one another, over the number of their pixels: the style of a layer.

        Parameters
        ----------
        features : array_like of shape (C, H, W) or (N, C, H, W)
            Maps of a layer.

        Returns
        -------
        ndarray of shape (C, C) or (N, C, C)
        """
        given, maps = _maps("features", features)
        found = _gram(maps)
        return found if given.ndim == 4 else found[0]

    def value(self, content: Sequence[ArrayLike | None], style: Sequence[ArrayLike | None], p: Sequence[ArrayLike],
              sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        content : sequence of array_like, a layer each, of the shapes of those of p
            Feature maps of the content.  None where the weight is 0.
        style : sequence of array_like of shape (C, C) or (N, C, C)
            `gram` of the feature maps of the style, one for all images or one for each.  None where the weight is 0.
        p : sequence of array_like of shape (C, H, W) or (N, C, H, W)
            Feature maps of the image that is made, or of N of them; each layer has a C, H and W of its own.
        sample_weight : array_like of shape (N,), optional
            At least 0, not all 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (N,)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or an element that is not finite.
        """
        return self.value_and_gradient(content, style, p, sample_weight)[0]

    def gradient(self, content: Sequence[ArrayLike | None], style: Sequence[ArrayLike | None], p: Sequence[ArrayLike],
                 sample_weight: ArrayLike | None = None) -> tuple[Array, ...]:
        """Derivatives of `value`, or of its sum, in the feature maps of `p`.

        Parameters
        ----------
        content, style, p, sample_weight
            See `value`.

        Returns
        -------
        tuple of ndarrays, of the shapes of p
        """
        return self.value_and_gradient(content, style, p, sample_weight)[1]

    def value_and_gradient(self, content: Sequence[ArrayLike | None], style: Sequence[ArrayLike | None], p: Sequence[ArrayLike],
                           sample_weight: ArrayLike | None = None) -> tuple[float | Array, tuple[Array, ...]]:
        """Both.

        Parameters
        ----------
        content, style, p, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (N,)
        gradient : tuple of ndarrays, of the shapes of p
        """
        layers = len(self.content_weights)
        for name, count in (("content", len(content)), ("style", len(style)), ("p", len(p))):
            if count != layers:
                raise ValueError(f"{name} must hold {layers} layers, as many as there are weights, got {count}")
        maps = [_maps(f"p[{i}]", each) for i, each in enumerate(p)]
        images = len(maps[0][1])
        for i, (_, x) in enumerate(maps):
            if len(x) != images:
                raise ValueError(f"p[{i}] must hold as many images as p[0], {images}, got {len(x)}")
        factors, values, gradients = self._factors(sample_weight, images), np.zeros(images), []
        for i, (given, x) in enumerate(maps):
            gradient = np.zeros_like(x)
            if self.content_weights[i] > 0:
                _add_content(self.content_weights[i], _content(i, content[i], given).reshape(x.shape), x, factors, values, gradient)
            if self.style_weights[i] > 0:
                _add_style(self.style_weights[i], _style(i, style[i], x), x, factors, values, gradient)
            gradients.append(gradient.reshape(given.shape))
        return self._reduced(values, factors, maps[0][0]), tuple(gradients)


def _maps(name: str, value: ArrayLike) -> tuple[Array, Array]:
    """Feature maps as they came, and as (N, C, H·W)."""
    given = _array(name, value)
    if given.ndim not in (3, 4) or given.size == 0:
        raise ValueError(f"{name} must have shape (C, H, W) or (N, C, H, W), one pixel or more, got {given.shape}")
    _refuse(name, given, *DOMAINS["real"])
    return given, given.reshape(-1, given.shape[-3], given.shape[-2] * given.shape[-1])


def _gram(maps: Array) -> Array:
    product = maps @ maps.swapaxes(1, 2)
    product *= product.dtype.type(1 / maps.shape[2])
    return np.asarray(product)


def _content(i: int, value: ArrayLike | None, like: Array) -> Array:
    if value is None:
        raise ValueError(f"content[{i}] must be given where its weight is not 0, got None")
    found = _array(f"content[{i}]", value, like.dtype)
    if found.shape != like.shape:
        raise ValueError(f"content[{i}] must have the shape of p[{i}], {like.shape}, got {found.shape}")
    return found


def _style(i: int, value: ArrayLike | None, x: Array) -> Array:
    if value is None:
        raise ValueError(f"style[{i}] must be given where its weight is not 0, got None")
    found, (n, c, _) = _array(f"style[{i}]", value, x.dtype), x.shape
    if found.shape not in ((c, c), (n, c, c)):
        raise ValueError(f"style[{i}] must have shape ({c}, {c}) or ({n}, {c}, {c}), that of a Gram matrix of p[{i}], got {found.shape}")
    _refuse(f"style[{i}]", found, *DOMAINS["real"])
    return np.broadcast_to(found, (n, c, c))


def _add_content(weight: float, content: Array, x: Array, factors: NDArray[np.float64], values: NDArray[np.float64], gradient: Array) -> None:
    for image, factor in enumerate(factors):
        value, slope = _SQUARES.value_and_gradient(content[image], x[image])   # a mean over pixels, so far
        values[image] += weight * slope.size * value
        gradient[image] += slope * slope.dtype.type(weight * slope.size * factor)


def _add_style(weight: float, style: Array, x: Array, factors: NDArray[np.float64], values: NDArray[np.float64], gradient: Array) -> None:
    found = _gram(x)
    for image, factor in enumerate(factors):
        value, slope = _SQUARES.value_and_gradient(style[image], found[image])
        values[image] += weight / 2 * value
        slope += slope.T.copy()   # the style need not be symmetric
        gradient[image] += (slope * slope.dtype.type(weight * factor / 2 / x.shape[2])) @ x[image]
