"""The cross-entropy of sequences token by token, and their perplexity: parameters, checks, documentation.

The loop over blocks of tokens is in _rows.pyx beside it.
"""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.checks import choice, integer, number
from fastopt._common.settings import Settings
from fastopt._core.threads import resolve_threads
from fastopt.losses._base import DOMAINS, Array, _array, _output, _put_in, _refuse, _weighed
from fastopt.losses._reduction import REDUCTIONS

from . import _rows
from .checks import integers, lengths_of

#: exp of more is infinite
_LARGEST_LOG = math.log(np.finfo(np.float64).max)


class _Tokens(NamedTuple):
    """What the kernels take: scores, the class that each token says, below 0 where it does not count, weights, and what sums are divided by."""
    p: Array
    labels: NDArray[np.int32]
    weight: Array | None
    total: float


class SequenceCrossEntropy(Settings):
    """Cross-entropy of the tokens of sequences: the mean of log Σ exp(p_j) − p_y over all tokens that count.

    `p` holds the raw scores of C classes for T tokens of N samples, `y` the class that each token is.  What is behind a sample's length,
    masked, equal to `ignore_index` or of weight 0 does not count: it is not looked at, whatever it holds, and its gradient is 0.  So a sample
    without a token that counts is as one that is not there.  With `label_smoothing` a share of each token counts for all classes alike.

    Like other losses it is immutable.  The computation is done in the type of `p`, float32 or float64, in float64 if `p` holds neither;
    contiguous arrays are read where they lie.  Results have the same bits for any number of threads.

    Parameters
    ----------
    label_smoothing : float, at least 0 and below 1, default=0.0
        Share of a token that counts for all classes alike, its own among them; the rest counts for its own.
    ignore_index : int, optional
        The label of tokens that do not count, as −100 in PyTorch.  None: all labels are classes.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the mean over tokens that count, weighted; the weighted sum; or the weighted losses.  The gradient is that
        of the mean or, for both others, of the sum.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    References
    ----------
    C. Szegedy et al. (2016), Rethinking the inception architecture for computer vision, CVPR: label smoothing.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import losses
    >>> p = np.zeros((2, 3, 4))                              # two samples, three tokens, four classes
    >>> loss = losses.SequenceCrossEntropy()
    >>> round(loss.value([[0, 1, 2], [3, 0, 0]], p, lengths=[3, 1]), 6)    # log 4
    1.386294
    >>> loss.gradient([[0, 1, 2], [3, 0, 0]], p, lengths=[3, 1])[1]
    array([[ 0.0625,  0.0625,  0.0625, -0.1875],
           [ 0.    ,  0.    ,  0.    ,  0.    ],
           [ 0.    ,  0.    ,  0.    ,  0.    ]])
    """

    name = "sequence_cross_entropy"
    label_smoothing: float
    ignore_index: int | None
    reduction: str

    def __init__(self, label_smoothing: float = 0.0, ignore_index: int | None = None, reduction: str = "mean") -> None:
        ignored = None if ignore_index is None else integer("ignore_index", ignore_index, -2 ** 53)
        self._keep({"label_smoothing": number("label_smoothing", label_smoothing, at_least=0, below=1), "ignore_index": ignored,
                    "reduction": choice("reduction", reduction, *REDUCTIONS)})

    def value(self, y: ArrayLike, p: ArrayLike, lengths: ArrayLike | None = None, mask: ArrayLike | None = None,
              sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y : array_like of int, of shape (N, T)
            The class of each token, 0 … C − 1; anything where a token does not count.
        p : array_like, of shape (N, T, C)
            Raw scores, finite where a token counts.
        lengths : array_like of int, of shape (N,), optional
            How many tokens of each sample count, 0 … T.  None: all.
        mask : array_like of bool, of shape (N, T), optional
            Whether a token counts; with `lengths`, both must say so.  None: all do.
        sample_weight : array_like, of shape (N, T) or (N,), optional
            Of each token, or of all tokens of a sample; at least 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (N, T)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, a label that counts is no class, a score that counts is not finite, or a mean is
            to be taken of no tokens.

        Examples
        --------
        >>> import numpy as np
        >>> from fastopt import losses
        >>> losses.SequenceCrossEntropy(ignore_index=-100, reduction="none").value([[1, -100]], np.zeros((1, 2, 2))).round(4)
        array([[0.6931, 0.    ]])
        """
        return self._run(self._tokens(y, p, lengths, mask, sample_weight), None)

    def gradient(self, y: ArrayLike, p: ArrayLike, lengths: ArrayLike | None = None, mask: ArrayLike | None = None,
                 sample_weight: ArrayLike | None = None, out: Array | None = None) -> Array:
        """Derivative of `value`, or of its sum, in each element of `p`; 0 in tokens that do not count.

        Parameters
        ----------
        y, p, lengths, mask, sample_weight
            See `value`.
        out
            See `CTC.gradient`.

        Returns
        -------
        ndarray of shape (N, T, C)
            `out`, or a new array.
        """
        return self.value_and_gradient(y, p, lengths, mask, sample_weight, out)[1]

    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, lengths: ArrayLike | None = None, mask: ArrayLike | None = None,
                           sample_weight: ArrayLike | None = None, out: Array | None = None) -> tuple[float | Array, Array]:
        """Both in one pass.

        Parameters
        ----------
        y, p, lengths, mask, sample_weight, out
            See `gradient`.

        Returns
        -------
        value : float or ndarray of shape (N, T)
        gradient : ndarray of shape (N, T, C)
        """
        if self.reduction == "mean" and self.ignore_index is lengths is mask is sample_weight is out is None:
            found = _rows.tokens_at_once(y, p, self.label_smoothing)
            if found is not None:
                return found
        tokens = self._tokens(y, p, lengths, mask, sample_weight)
        gradient = _output(out, tokens.p, (tokens.p, tokens.weight))
        return self._run(tokens, gradient), _put_in(out, gradient)

    def _tokens(self, y: ArrayLike, p: ArrayLike, lengths: ArrayLike | None, mask: ArrayLike | None, sample_weight: ArrayLike | None) -> _Tokens:
        p, y = _array("p", p), integers("y", y)
        if p.ndim != 3 or p.size == 0:
            raise ValueError(f"p must have shape (N, T, C), at least one sample, token and class, got {p.shape}")
        samples, steps, classes = p.shape
        if y.shape != (samples, steps):
            raise ValueError(f"y must have shape {(samples, steps)}, the class of each token of p, got {y.shape}")
        counted = self._counted(y, p, lengths, mask)
        _refuse("y", y, f"the number of a class, 0 … {classes - 1}, where it counts",
                lambda label: (label >= 0) & (label < classes) if counted is None else ~counted | (label >= 0) & (label < classes))
        labels = np.require(y, np.int32, ["C", "A"])
        if counted is not None:
            labels = np.where(counted, labels, np.int32(-1))
        weight, total = self._weights(sample_weight, labels, p)
        return _Tokens(p, labels, weight, total)

    def _counted(self, y: Array, p: Array, lengths: ArrayLike | None, mask: ArrayLike | None) -> NDArray[np.bool_] | None:
        """Which tokens count; None: all."""
        counted = None if self.ignore_index is None else y != self.ignore_index
        if lengths is not None:
            inside = np.arange(y.shape[1]) < lengths_of("lengths", lengths, len(y), y.shape[1], "the tokens of p")[:, None]
            counted = inside if counted is None else counted & inside
        if mask is not None:
            kept = mask_of(mask, y.shape, "token")
            counted = kept if counted is None else counted & kept
        return counted

    def _weights(self, sample_weight: ArrayLike | None, labels: NDArray[np.int32], p: Array) -> tuple[Array | None, float]:
        """The weight of each token, and what sums are divided by."""
        count = np.count_nonzero(labels >= 0)
        if self.reduction == "mean" and count == 0:
            raise ValueError("y must have at least one token that counts, for a mean, got none")
        if sample_weight is None:
            return None, float(count) if self.reduction == "mean" else 1.0
        weight = _array("sample_weight", sample_weight, p.dtype)
        if weight.shape not in (labels.shape, labels.shape[:1]):
            raise ValueError(f"sample_weight must have shape {labels.shape} or {labels.shape[:1]}, one for each token or sample, got {weight.shape}")
        if weight.ndim == 1:
            weight = np.ascontiguousarray(np.broadcast_to(weight[:, None], labels.shape))
        _refuse("sample_weight", weight, *DOMAINS["nonnegative"])   # those of tokens that do not count too
        return _weighed(np.where(labels >= 0, weight, 0) if count < labels.size else weight, self.reduction == "mean")

    def _run(self, tokens: _Tokens, gradient: Array | None) -> float | Array:
        """The value; the gradient goes where it is told."""
        p, labels, weight, total = tokens
        values = np.empty(labels.shape, p.dtype) if self.reduction == "none" else None
        flat = None if weight is None else weight.reshape(-1)
        threads = 1 if p.size < _rows.PARALLEL_FROM else resolve_threads()
        found = _rows.tokens(labels.reshape(-1), p.reshape(-1, p.shape[2]), flat, self.label_smoothing, 1 / total,
                             None if values is None else values.reshape(-1), None if gradient is None else gradient.reshape(-1, p.shape[2]), threads)
        if math.isnan(found):
            idle = (labels < 0) | (False if weight is None else weight == 0)
            _refuse("p", p, "finite, raw scores", lambda score: np.isfinite(score) | idle[:, :, None])
        return found / total if values is None else values


def mask_of(mask: ArrayLike, shape: tuple[int, ...], what: str) -> NDArray[np.bool_]:
    """`mask` as an array of bool of that shape."""
    try:
        found = np.asarray(mask)
    except ValueError as error:   # lists of unequal length
        raise ValueError(f"mask: {error}") from None
    if found.dtype != bool:
        raise TypeError(f"mask must hold bools, got dtype {found.dtype}")
    if found.shape != shape:
        raise ValueError(f"mask must have shape {shape}, one for each {what}, got {found.shape}")
    return found


def perplexity(y: ArrayLike, p: ArrayLike, lengths: ArrayLike | None = None, mask: ArrayLike | None = None,
               sample_weight: ArrayLike | None = None, ignore_index: int | None = None) -> float:
    """The perplexity of sequences: exp of the mean of −log of the probability of a token, 1 where all are certain, C where nothing is known.

    Parameters
    ----------
    y, p, lengths, mask, sample_weight
        See `SequenceCrossEntropy.value`.
    ignore_index : int, optional
        The label of tokens that do not count.

    Returns
    -------
    float
        Infinite beyond the largest float.

    Raises
    ------
    TypeError, ValueError
        As `SequenceCrossEntropy.value`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import losses
    >>> round(losses.perplexity([[0, 1, 2]], np.zeros((1, 3, 10))), 6)
    10.0
    """
    mean = float(SequenceCrossEntropy(ignore_index=ignore_index).value(y, p, lengths, mask, sample_weight))
    return math.exp(mean) if mean <= _LARGEST_LOG else math.inf
