"""The loss of sequences whose alignment is not known, connectionist temporal classification: parameters, checks, documentation, decoding.

It is no `Loss`: its target has another shape than its scores.  The loop over samples is in _ctc.pyx beside it.
"""
from __future__ import annotations

from typing import Literal, NamedTuple, NoReturn, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.checks import choice, flag, integer
from fastopt._common.settings import Settings
from fastopt._core.threads import resolve_threads
from fastopt.losses._base import Array, _array, _output, _put_in, _refuse

from . import _ctc
from .checks import Integers, labels_of, lengths_of

#: prefixes times frames of one sample: the tree of a search counts with 32 bits
_MOST_PREFIXES = 2 ** 31 - 2


class _Batch(NamedTuple):
    """What the kernels take: scores, frames of each sample, and the labels one after the other, of sample i from starts[i] on."""
    p: Array
    frames: Integers
    labels: NDArray[np.int32]
    starts: Integers


class CTC(Settings):
    """Connectionist temporal classification: −log of the probability of a sequence of labels, summed over all its alignments with the frames.

    A frame says a label or nothing, the blank.  Labels said by frames in a row are one; equal labels that follow each other
    have a blank between them.  `p` holds the raw scores of T frames of N samples for C classes, of which the softmax over classes is taken
    here, so that gradients are in the raw scores; logarithms of probabilities are scores too, which their softmax leaves as they are.  Scores must
    be finite.

    Like other losses it is immutable.  The computation is done in the type of `p`, float32 or float64, in float64 if `p` holds neither;
    contiguous arrays are read where they lie.  Probabilities carry exponents of their own, so that they underflow for no
    length and no size of scores.  Results have the same bits for any number of threads.

    Parameters
    ----------
    blank : int, at least 0, default=0
        The class that stands for no label.
    zero_infinity : bool, default=False
        Whether the loss of a sample that has no alignment, as it has more labels, and repetitions among them, than frames, is 0; else it is
        infinite.  Its gradient is 0 either way (PyTorch's is nan where the loss is infinite).
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns, as in PyTorch: the mean over samples of the losses over the lengths of their targets (at least 1), the sum of the
        losses, or the losses.  The gradient is that of the mean or, for both others, of the sum.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    References
    ----------
    A. Graves, S. Fernández, F. Gomez and J. Schmidhuber (2006), Connectionist temporal classification: labelling unsegmented
    sequence data with recurrent neural networks, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import losses
    >>> p = np.zeros((3, 1, 2))                        # three frames, one sample, the blank and a label
    >>> ctc = losses.CTC()
    >>> round(ctc.value([[1]], p), 6)                  # 6 of 8 alignments say 1: -log(6/8)
    0.287682
    >>> ctc.gradient([[1]], p).round(4)[:, 0]
    array([[ 0.    ,  0.    ],
           [ 0.1667, -0.1667],
           [ 0.    ,  0.    ]])
    >>> ctc.decode([[[0.0, 1.0]], [[2.0, 1.0]], [[0.0, 1.0]]])
    [array([1, 1])]
    """

    name = "ctc"
    blank: int
    zero_infinity: bool
    reduction: str

    def __init__(self, blank: int = 0, zero_infinity: bool = False, reduction: str = "mean") -> None:
        self._keep({"blank": integer("blank", blank, 0, 2 ** 31 - 1), "zero_infinity": flag("zero_infinity", zero_infinity),
                    "reduction": choice("reduction", reduction, "mean", "sum", "none")})

    def value(self, y: ArrayLike, p: ArrayLike, input_lengths: ArrayLike | None = None,
              target_lengths: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y : array_like of int, of shape (N, S) or (sum of target_lengths,)
            The labels of each sample, classes other than the blank: a row each, of which what lies behind the target's length does not count,
            or one after the other.
        p : array_like, of shape (T, N, C)
            Raw scores.
        input_lengths : array_like of int, of shape (N,), optional
            How many frames of each sample count, 0 … T.  None: all.
        target_lengths : array_like of int, of shape (N,), optional
            How many labels of each sample count, 0 … S.  None: all; not for labels one after the other.

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
        >>> losses.CTC(reduction="none").value([[1, 2], [1, 0]], np.zeros((2, 2, 3)), target_lengths=[2, 1]).round(4)
        array([2.1972, 1.0986])
        """
        batch = self._batch(y, p, input_lengths, target_lengths)
        return self._run(batch, None)

    def gradient(self, y: ArrayLike, p: ArrayLike, input_lengths: ArrayLike | None = None, target_lengths: ArrayLike | None = None,
                 out: Array | None = None) -> Array:
        """Derivative of `value`, or of its sum, in each element of `p`; 0 in frames that do not count.

        Parameters
        ----------
        y, p, input_lengths, target_lengths
            See `value`.
        out : ndarray, of the shape of p and the type of the computation, optional
            Where to put the result; it may be `p` itself.  After an error its contents are undefined.

        Returns
        -------
        ndarray of shape (T, N, C)
            `out`, or a new array.
        """
        return self.value_and_gradient(y, p, input_lengths, target_lengths, out)[1]

    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, input_lengths: ArrayLike | None = None,
                           target_lengths: ArrayLike | None = None, out: Array | None = None) -> tuple[float | Array, Array]:
        """Both in one pass.

        Parameters
        ----------
        y, p, input_lengths, target_lengths, out
            See `gradient`.

        Returns
        -------
        value : float or ndarray of shape (N,)
        gradient : ndarray of shape (T, N, C)
        """
        batch = self._batch(y, p, input_lengths, target_lengths)
        gradient = _output(out, batch.p, (batch.p,))
        return self._run(batch, gradient), _put_in(out, gradient)

    @overload
    def decode(self, p: ArrayLike, input_lengths: ArrayLike | None = None, beam: int | None = None, *,
               return_scores: Literal[False] = False) -> list[Integers]: ...
    @overload
    def decode(self, p: ArrayLike, input_lengths: ArrayLike | None = None, beam: int | None = None, *,
               return_scores: Literal[True]) -> tuple[list[Integers], NDArray[np.float64]]: ...

    def decode(self, p: ArrayLike, input_lengths: ArrayLike | None = None, beam: int | None = None, *,
               return_scores: bool = False) -> list[Integers] | tuple[list[Integers], NDArray[np.float64]]:
        """The labels that scores stand for.

        Parameters
        ----------
        p : array_like, of shape (T, N, C)
            Raw scores.
        input_lengths : array_like of int, of shape (N,), optional
            How many frames of each sample count, 0 … T.  None: all.
        beam : int, at least 1, optional
            How many prefixes of labels a search keeps from frame to frame; it adds up their alignments, and finds the most probable labels
            if it keeps enough.  None: the labels of the most probable alignment, the largest score of each frame.
        return_scores : bool, default=False
            Whether to return log-probabilities too: of the labels, as far as alignments of prefixes that were kept go, or, without a beam, of the
            alignment.

        Returns
        -------
        labels : list of N ndarrays of int
        scores : ndarray of shape (N,)
            If `return_scores`.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, a length is outside its range or a score that counts is not finite.

        References
        ----------
        A. Graves (2012), Supervised sequence labelling with recurrent neural networks, section 7.5.

        Examples
        --------
        >>> import numpy as np
        >>> from fastopt import losses
        >>> p = np.log([[[0.6, 0.4]], [[0.6, 0.4]]])   # two frames; the blank is likelier in each
        >>> losses.CTC().decode(p)
        [array([], dtype=int64)]
        >>> labels, scores = losses.CTC().decode(p, beam=2, return_scores=True)
        >>> labels, np.exp(scores).round(2)            # but one of three other alignments is not
        ([array([1])], array([0.64]))
        """
        p = self._scores(p)
        (frames, samples, _), return_scores = p.shape, flag("return_scores", return_scores)
        counted = lengths_of("input_lengths", input_lengths, samples, frames, "the frames of p")
        kept = 0 if beam is None else integer("beam", beam, 1, _MOST_PREFIXES // frames)
        labels, counts, scores = np.empty((samples, frames), np.int32), np.empty(samples, np.int64), np.empty(samples)
        _ctc.decode(p, counted, self.blank, kept, labels, counts, scores if return_scores else None, _threads(p.size * max(kept, 1)))
        if (counts < 0).any():
            _refuse_scores(p, counted)
        found = [row[:count].astype(np.int64) for row, count in zip(labels, counts)]
        return (found, scores) if return_scores else found

    def _scores(self, p: ArrayLike) -> Array:
        p = _array("p", p)
        if p.ndim != 3 or p.size == 0:
            raise ValueError(f"p must have shape (T, N, C), at least one frame, sample and class, got {p.shape}")
        if self.blank >= p.shape[2]:
            raise ValueError(f"blank must be a class of p, 0 … {p.shape[2] - 1}, got {self.blank}")
        return p

    def _batch(self, y: ArrayLike, p: ArrayLike, input_lengths: ArrayLike | None, target_lengths: ArrayLike | None) -> _Batch:
        p = self._scores(p)
        frames, samples, classes = p.shape
        counted = lengths_of("input_lengths", input_lengths, samples, frames, "the frames of p")
        return _Batch(p, counted, *labels_of(y, target_lengths, samples, classes, self.blank))

    def _run(self, batch: _Batch, gradient: Array | None) -> float | Array:
        """The value; the gradient goes where it is told."""
        p, frames, labels, starts = batch
        samples, lengths = len(frames), np.diff(starts)
        factors = 1 / (np.maximum(lengths, 1) * float(samples)) if self.reduction == "mean" else np.ones(samples)
        losses = np.empty(samples)
        _ctc.evaluate(p, frames, labels, starts, self.blank, factors, losses, gradient, _threads(p.size + 8 * len(p) * len(labels)))
        if np.isnan(losses).any():
            _refuse_scores(p, frames)
        if self.zero_infinity:
            losses[np.isinf(losses)] = 0
        return losses.astype(p.dtype) if self.reduction == "none" else float((factors * losses).sum())


def _refuse_scores(p: Array, frames: Integers) -> NoReturn:
    counted = np.arange(len(p))[:, None, None] < frames[:, None]
    _refuse("p", p, "finite, raw scores", lambda score: np.isfinite(score) | ~counted)
    raise AssertionError("refused for no reason")


def _threads(work: int) -> int:
    return 1 if work < _ctc.PARALLEL_FROM else resolve_threads()
