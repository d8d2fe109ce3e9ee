"""Losses of pairs of embeddings, row i of one belonging to row i of the other: parameters, documentation and the way to the kernels.

Used through fastopt.losses.  They are no `Loss`: there is no target, and a gradient is one for each input.  Similarities are products of
matrices by BLAS; their losses are those of csrc/losses, by `Multinomial` over rows and `LogLoss` over elements.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.checks import flag, number
from fastopt._common.settings import Settings
from fastopt._core.tables import all_finite

from .._base import Array
from .._classification import LogLoss
from .._row_losses import Multinomial
from . import _rows
from ._embeddings import Rows, embeddings

#: of a row with itself, which is no pair: its share of a softmax is 0
_NEVER = -1e30
_SOFTMAX, _LOG = Multinomial(), LogLoss()


class PairLoss(Settings):
    """What losses of pairs of embeddings have in common: parameters, checks, evaluation.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.
    """

    normalize: bool
    temperature: float

    def __init_subclass__(cls) -> None:
        cls.__module__ = "fastopt.losses"

    def value(self, a: ArrayLike, b: ArrayLike, *, temperature: float | None = None) -> float:
        """The loss.

        Parameters
        ----------
        a, b : array_like of shape (n, d), n >= 2
            Embeddings; row i of one belongs to row i of the other.
        temperature : float above 0, optional
            In place of the parameter: one that is learnt.

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or an element that is not finite.
        """
        return self._evaluate(a, b, temperature)[0]

    def gradient(self, a: ArrayLike, b: ArrayLike, *, temperature: float | None = None) -> tuple[Array, Array] | tuple[Array, Array, float]:
        """Derivatives of `value` in a and b, and in the temperature if it is given.

        Parameters
        ----------
        a, b, temperature
            See `value`.

        Returns
        -------
        tuple of ndarrays of shape (n, d), and a float
        """
        return self._evaluate(a, b, temperature)[1]

    def value_and_gradient(self, a: ArrayLike, b: ArrayLike, *, temperature: float | None = None
                           ) -> tuple[float, tuple[Array, Array] | tuple[Array, Array, float]]:
        """Both.

        Parameters
        ----------
        a, b, temperature
            See `value`.

        Returns
        -------
        value : float
        gradient : tuple
            See `gradient`.
        """
        return self._evaluate(a, b, temperature)

    def _evaluate(self, a: ArrayLike, b: ArrayLike, temperature: float | None) -> tuple[float, tuple[Array, Array] | tuple[Array, Array, float]]:
        first, second = (Rows(x, self.normalize) for x in _inputs(a, b))
        scale = 1 / (self.temperature if temperature is None else number("temperature", temperature, above=0))
        value, in_a, in_b, in_scale = self._of(first.x, second.x, scale)
        gradients = first.back(in_a), second.back(in_b)
        return value, gradients if temperature is None else (*gradients, -in_scale * scale * scale)

    def _of(self, a: Array, b: Array, scale: float) -> tuple[float, Array, Array, float]:
        """The loss of similarities times `scale`, and its derivatives in a, b and the scale."""
        raise NotImplementedError   # each loss has its own


def _inputs(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    a = embeddings("a", a)
    if len(a) < 2:
        raise ValueError(f"a must have shape (n, d), two rows or more, got {a.shape}")
    return a, embeddings("b", b, a, "a")


def _numbers(n: int) -> NDArray[np.int64]:
    return np.arange(n)


def _by_similarity(a: Array, b: Array, similarity: Array, slope: Array, scale: float) -> tuple[Array, Array, float]:
    """From the derivative in similarity = scale·a·bᵀ to those in a, b and the scale."""
    in_scale = float(np.einsum("ij,ij->", slope, similarity, dtype=np.float64)) / scale
    slope *= slope.dtype.type(scale)
    return slope @ b, slope.T @ a, in_scale


class InfoNCE(PairLoss):
    """Contrastive loss of pairs: the cross-entropy of telling which row of b belongs to each row of a, by their similarities over the temperature.

    All other rows of the batch are the wrong answers.  With `symmetric` the mean of both directions, as CLIP is trained.

    Parameters
    ----------
    temperature : float above 0, default=0.07
        What similarities are divided by; `value_and_gradient(a, b, temperature=…)` has the derivative in one that is learnt.
    symmetric : bool, default=True
        Whether rows of b are to find theirs of a, too.
    normalize : bool, default=True
        Whether similarities are cosines; else products of the rows as they are.

    References
    ----------
    A. van den Oord, Y. Li and O. Vinyals (2018), Representation learning with contrastive predictive coding, arXiv:1807.03748.
    A. Radford et al. (2021), Learning transferable visual models from natural language supervision, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import losses
    >>> a = np.eye(3)
    >>> round(losses.InfoNCE(temperature=1.0).value(a, a), 6)        # log(e + 2) - 1
    0.551445
    >>> value, (in_a, in_b) = losses.InfoNCE().value_and_gradient(a, a[::-1])
    >>> in_a.shape
    (3, 3)
    """

    name = "info_nce"
    symmetric: bool

    def __init__(self, temperature: float = 0.07, symmetric: bool = True, normalize: bool = True) -> None:
        self._keep({"temperature": number("temperature", temperature, above=0), "symmetric": flag("symmetric", symmetric),
                    "normalize": flag("normalize", normalize)})

    def _of(self, a: Array, b: Array, scale: float) -> tuple[float, Array, Array, float]:
        with np.errstate(over="ignore", invalid="ignore"):
            similarity = a @ b.T
            similarity *= similarity.dtype.type(scale)
        if not all_finite(similarity):
            raise ValueError("similarities of a and b must be finite, got some that overflow: scale the embeddings, or take a larger temperature")
        slope = np.empty_like(similarity)
        value = _rows.contrast(similarity, self.symmetric, slope)
        return value, *_by_similarity(a, b, similarity, slope, scale)


class NTXent(PairLoss):
    """Normalised temperature-scaled cross-entropy of SimCLR: each of the 2n rows is to find its other view among all other rows of both.

    Parameters
    ----------
    temperature : float above 0, default=0.5
        What similarities are divided by.
    normalize : bool, default=True
        Whether similarities are cosines; else products of the rows as they are.

    References
    ----------
    T. Chen, S. Kornblith, M. Norouzi and G. Hinton (2020), A simple framework for contrastive learning of visual representations, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import losses
    >>> a = np.eye(2)
    >>> round(losses.NTXent(temperature=1.0).value(a, a), 6)        # log(e + 2) - 1
    0.551445
    """

    name = "nt_xent"

    def __init__(self, temperature: float = 0.5, normalize: bool = True) -> None:
        self._keep({"temperature": number("temperature", temperature, above=0), "normalize": flag("normalize", normalize)})

    def _of(self, a: Array, b: Array, scale: float) -> tuple[float, Array, Array, float]:
        n, rows = len(a), np.concatenate([a, b])
        similarity = rows @ rows.T
        similarity *= similarity.dtype.type(scale)
        np.fill_diagonal(similarity, _NEVER)
        value, slope = _SOFTMAX.value_and_gradient(np.roll(_numbers(2 * n), n), similarity)
        np.fill_diagonal(similarity, 0.0)
        left, right, in_scale = _by_similarity(rows, rows, similarity, slope, scale)
        left += right
        return value, left[:n], left[n:], in_scale


class SigLIP(PairLoss):
    """Sigmoid loss of pairs: the log loss of each of the n² similarities, 1 for those that belong together, summed and divided by n.

    Unlike `InfoNCE` it needs no normalisation over the batch.

    Parameters
    ----------
    temperature : float above 0, default=0.1
        What similarities are divided by.
    bias : float, default=-10.0
        Added to them: most pairs do not belong together.
    normalize : bool, default=True
        Whether similarities are cosines; else products of the rows as they are.

    References
    ----------
    X. Zhai, B. Mustafa, A. Kolesnikov and L. Beyer (2023), Sigmoid loss for language image pre-training, ICCV.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import losses
    >>> a = np.eye(2)
    >>> round(losses.SigLIP(temperature=1.0, bias=0.0).value(a, a), 6)   # log(1 + 1/e) + log 2
    1.006409
    """

    name = "siglip"
    bias: float

    def __init__(self, temperature: float = 0.1, bias: float = -10.0, normalize: bool = True) -> None:
        self._keep({"temperature": number("temperature", temperature, above=0), "bias": number("bias", bias),
                    "normalize": flag("normalize", normalize)})

    def _of(self, a: Array, b: Array, scale: float) -> tuple[float, Array, Array, float]:
        n = len(a)
        similarity = a @ b.T
        similarity *= similarity.dtype.type(scale)
        value, slope = _LOG.value_and_gradient(np.eye(n, dtype=a.dtype), similarity + similarity.dtype.type(self.bias))
        slope *= slope.dtype.type(n)   # a mean over n² so far
        return value * n, *_by_similarity(a, b, similarity, slope, scale)
