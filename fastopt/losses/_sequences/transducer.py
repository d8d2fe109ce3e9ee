"""The transducer, a loss of sequences whose alignment is not known and whose model sees the labels said so far: parameters, checks, documentation.

The loop over samples is in _transducer.pyx beside it.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.checks import choice, integer
from fastopt._common.settings import Settings
from fastopt._core.threads import resolve_threads
from fastopt.losses._base import Array, _array, _output, _put_in, _refuse
from fastopt.losses._reduction import REDUCTIONS, weights_of

from . import _transducer
from .checks import Integers, labels_of, lengths_of


class _Batch(NamedTuple):
    """What the kernels take; of sample i the labels are those from starts[i] on."""
    p: Array
    frames: Integers
    labels: NDArray[np.int32]
    starts: Integers
    weight: Array | None
    total: float


class Transducer(Settings):
    """The transducer loss (RNN-T): −log of the probability of a sequence of labels, summed over all paths through frames and labels.

    `p` (N, T, U + 1, C) holds the raw scores of a joint network for each frame t and each number u of labels that were said before.  There it says
    the next label and stays in the frame, or the blank and goes on to the next, until it leaves the last frame with all labels said.  The
    log-softmax over classes is taken here, so that gradients are in the raw scores; logarithms of probabilities are scores too.

    Like other losses it is immutable.  The computation is done in the type of `p`, float32 or float64, in float64 if `p` holds neither;
    contiguous arrays are read where they lie.  Probabilities carry exponents of their own, so that they underflow for no
    length and no size of scores.  Results have the same bits for any number of threads.

    Parameters
    ----------
    blank : int, at least 0, default=0
        The class that stands for no label.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns, as in torchaudio: the mean of the losses over samples, weighted; the weighted sum; or the weighted losses.
        The gradient is that of the mean or, for both others, of the sum.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    References
    ----------
    A. Graves (2012), Sequence transduction with recurrent neural networks, arXiv:1211.3711.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import losses
    >>> p = np.zeros((1, 2, 2, 2))                    # one sample, two frames, no label or one, the blank and a label
    >>> transducer = losses.Transducer()
    >>> round(transducer.value([[1]], p), 6)          # in the first frame or in the second: 2/8
    1.386294
    >>> transducer.gradient([[1]], p)[0, 0]
    array([[ 0.  ,  0.  ],
           [-0.25,  0.25]])
    """

    name = "transducer"
    blank: int
    reduction: str

    def __init__(self, blank: int = 0, reduction: str = "mean") -> None:
        self._keep({"blank": integer("blank", blank, 0, 2 ** 31 - 1), "reduction": choice("reduction", reduction, *REDUCTIONS)})

    def value(self, y: ArrayLike, p: ArrayLike, input_lengths: ArrayLike | None = None, target_lengths: ArrayLike | None = None,
              sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y : array_like of int, of shape (N, U) or (sum of target_lengths,)
            The labels of each sample, classes other than the blank: a row each, of which what lies behind the target's length does not count,
            or one after the other.
        p : array_like, of shape (N, T, U + 1, C)
            Raw scores, finite where they count.
        input_lengths : array_like of int, of shape (N,), optional
            How many frames of each sample count, 1 … T.  None: all.
        target_lengths : array_like of int, of shape (N,), optional
            How many labels of each sample count, 0 … U.  None: all; not for labels one after the other.
        sample_weight : array_like, of shape (N,), optional
            At least 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (N,)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, a length or a label is outside its range or a score that counts is not finite.

        Examples
        --------
        >>> import numpy as np
        >>> from fastopt import losses
        >>> losses.Transducer(reduction="none").value([[1, 2], [1, 0]], np.zeros((2, 3, 3, 3)), target_lengths=[2, 1]).round(4)
        array([3.7013, 3.2958])
        """
        return self._run(self._batch(y, p, input_lengths, target_lengths, sample_weight), None)

    def gradient(self, y: ArrayLike, p: ArrayLike, input_lengths: ArrayLike | None = None, target_lengths: ArrayLike | None = None,
                 sample_weight: ArrayLike | None = None, out: Array | None = None) -> Array:
        """Derivative of `value`, or of its sum, in each element of `p`; 0 where scores do not count.

        Parameters
        ----------
        y, p, input_lengths, target_lengths, sample_weight
            See `value`.
        out
            See `CTC.gradient`.

        Returns
        -------
        ndarray of shape (N, T, U + 1, C)
            `out`, or a new array.
        """
        return self.value_and_gradient(y, p, input_lengths, target_lengths, sample_weight, out)[1]

    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, input_lengths: ArrayLike | None = None, target_lengths: ArrayLike | None = None,
                           sample_weight: ArrayLike | None = None, out: Array | None = None) -> tuple[float | Array, Array]:
        """Both in one pass.

        Parameters
        ----------
        y, p, input_lengths, target_lengths, sample_weight, out
            See `gradient`.

        Returns
        -------
        value : float or ndarray of shape (N,)
        gradient : ndarray of shape (N, T, U + 1, C)
        """
        batch = self._batch(y, p, input_lengths, target_lengths, sample_weight)
        gradient = _output(out, batch.p, (batch.p,))
        return self._run(batch, gradient), _put_in(out, gradient)

    def _batch(self, y: ArrayLike, p: ArrayLike, input_lengths: ArrayLike | None, target_lengths: ArrayLike | None,
               sample_weight: ArrayLike | None) -> _Batch:
        p = _array("p", p)
        if p.ndim != 4 or p.size == 0:
            raise ValueError(f"p must have shape (N, T, U + 1, C), at least one sample, frame and class, got {p.shape}")
        samples, frames, places, classes = p.shape
        if self.blank >= classes:
            raise ValueError(f"blank must be a class of p, 0 … {classes - 1}, got {self.blank}")
        counted = lengths_of("input_lengths", input_lengths, samples, frames, "the frames of p", least=1)
        labels, starts = labels_of(y, target_lengths, samples, classes, self.blank)
        longest = int(np.diff(starts).max())
        if longest >= places:
            raise ValueError(f"p must have U + 1 >= {longest + 1} places, one more than the longest target has labels, got {places}")
        return _Batch(p, counted, labels, starts, *weights_of(sample_weight, (samples,), p.dtype, self.reduction, "sample of p"))

    def _run(self, batch: _Batch, gradient: Array | None) -> float | Array:
        """The value; the gradient goes where it is told."""
        p, frames, labels, starts, weight, total = batch
        weights = np.ones(len(p)) if weight is None else weight.astype(np.float64)
        losses = np.empty(len(p))
        threads = 1 if p.size < _transducer.PARALLEL_FROM else resolve_threads()
        _transducer.evaluate(p, frames, labels, starts, self.blank, weights / total, losses, gradient, threads)
        if np.isnan(losses).any():
            inside = np.arange(p.shape[1]) < frames[:, None]
            said = np.arange(p.shape[2]) <= np.diff(starts)[:, None]
            counted = inside[:, :, None, None] & said[:, None, :, None]
            _refuse("p", p, "finite, raw scores", lambda score: np.isfinite(score) | ~counted)
            raise AssertionError("refused for no reason")
        losses *= weights
        return losses.astype(p.dtype) if self.reduction == "none" else float(losses.sum()) / total
