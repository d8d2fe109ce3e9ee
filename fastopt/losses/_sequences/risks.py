"""Losses of whole sequences that a model draws, by what they cost, and the distance of sequences as such a cost: parameters, checks, documentation.

The loops are in _rows.pyx beside it.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.checks import choice, flag, number
from fastopt._common.settings import Settings
from fastopt._core.threads import resolve_threads
from fastopt.losses._base import DOMAINS, Array, _array, _refuse, _same_shape
from fastopt.losses._reduction import REDUCTIONS, weights_of

from . import _rows
from .checks import Integers, integers, lengths_of
from .tokens import mask_of


class _Drawn(Settings):
    """What losses of sequences that were drawn have in common: checks, and the way to the kernels."""

    reduction: str

    def _evaluate(self, costs: ArrayLike, p: ArrayLike, baseline: ArrayLike | None, mask: ArrayLike | None, sample_weight: ArrayLike | None,
                  alpha: float | None, least: int) -> tuple[float | Array, Array]:
        """Value and gradient; alpha None: costs beside a baseline.  `least`: sequences that an input must have."""
        p = _array("p", p)
        if p.ndim != 2 or p.size == 0:
            raise ValueError(f"p must have shape (N, K), the log-probability of each sequence, got {p.shape}")
        price = _same_shape("costs", _array("costs", costs, p.dtype), p)
        counted, beside = self._counted(mask, p.shape, least), None
        for name, given in ("p", p), ("costs", price):
            _refuse(name, given, DOMAINS["real"][0], lambda x: np.isfinite(x) if counted is None else np.isfinite(x) | (counted == 0))
        if baseline is not None:
            beside = _array("baseline", baseline, p.dtype)
            if beside.shape != p.shape[:1]:
                raise ValueError(f"baseline must have shape {p.shape[:1]}, one for each row of p, got {beside.shape}")
            _refuse("baseline", beside, *DOMAINS["real"])
        weight, total = weights_of(sample_weight, p.shape[:1], p.dtype, self.reduction, "row of p")
        values, gradient = np.empty(len(p), p.dtype), np.empty_like(p)
        found = _rows.risk(price, p, counted, weight, beside, alpha is not None, alpha or 0.0, 1 / total, values, gradient,
                           1 if p.size < _rows.PARALLEL_FROM else resolve_threads())
        return (values if self.reduction == "none" else found / total), gradient

    def _at_once(self, costs: ArrayLike, p: ArrayLike, mask: ArrayLike | None, sample_weight: ArrayLike | None,
                 alpha: float | None) -> tuple[float, Array] | None:
        """Value and gradient over few inputs, without a mask, weights or a baseline; None: by `_evaluate`."""
        if self.reduction != "mean" or mask is not None or sample_weight is not None:
            return None
        return _rows.risk_at_once(costs, p, alpha is not None, alpha or 0.0)

    def _counted(self, mask: ArrayLike | None, shape: tuple[int, ...], least: int) -> NDArray[np.uint8] | None:
        if mask is None:
            if shape[1] < least:
                raise ValueError(f"baseline must be given where an input has one sequence: there are no others to compare with, got p of {shape}")
            return None
        kept = mask_of(mask, shape, "sequence")
        few = np.flatnonzero(kept.sum(axis=1) < least)
        if few.size:
            raise ValueError(f"mask must leave {least} or more sequences of each row, got {int(kept[few[0]].sum())} in row {few[0]}")
        return np.require(kept, np.uint8, ["C", "A"])


class MinimumRisk(_Drawn):
    """Minimum risk: the cost that is expected of K sequences drawn for an input, Σ q_k·cost_k, q = softmax(alpha·p), p their log-probabilities.

    The probabilities are made to add up to 1 over the sequences that were drawn, and sharper or flatter by alpha.  Costs are constants: whatever is
    to be small, as `edit_distance` or 1 − BLEU.  The gradient in `p` is alpha·q_k·(cost_k − Σ q·cost); the model takes it on to its scores.

    Parameters
    ----------
    alpha : float above 0, default=1.0
        How sharp q is; Shen et al. take 0.005.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the mean of the losses over inputs, weighted; the weighted sum; or the weighted losses.  The gradient is that of the
        mean or, for both others, of the sum.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    References
    ----------
    S. Shen et al. (2016), Minimum risk training for neural machine translation, ACL.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import losses
    >>> value, gradient = losses.MinimumRisk().value_and_gradient([[0.0, 1.0]], np.log([[0.1, 0.3]]))
    >>> round(value, 6), gradient.round(4)
    (0.75, array([[-0.1875,  0.1875]]))
    """

    name = "minimum_risk"
    alpha: float

    def __init__(self, alpha: float = 1.0, reduction: str = "mean") -> None:
        self._keep({"alpha": number("alpha", alpha, above=0), "reduction": choice("reduction", reduction, *REDUCTIONS)})

    def value(self, costs: ArrayLike, p: ArrayLike, mask: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        costs : array_like, of shape (N, K)
            What each sequence costs.
        p : array_like, of shape (N, K)
            Its log-probability: the sum of those of its tokens.
        mask : array_like of bool, of shape (N, K), optional
            Whether a sequence counts; one at least of each row does.  None: all do.
        sample_weight : array_like, of shape (N,), optional
            Of the inputs, at least 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (N,)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape or an element that is not finite.
        """
        return self._evaluate(costs, p, None, mask, sample_weight, self.alpha, 1)[0]

    def gradient(self, costs: ArrayLike, p: ArrayLike, mask: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> Array:
        """Derivative of `value`, or of its sum, in each element of `p`.

        Parameters
        ----------
        costs, p, mask, sample_weight
            See `value`.

        Returns
        -------
        ndarray of shape (N, K)
        """
        return self._evaluate(costs, p, None, mask, sample_weight, self.alpha, 1)[1]

    def value_and_gradient(self, costs: ArrayLike, p: ArrayLike, mask: ArrayLike | None = None,
                           sample_weight: ArrayLike | None = None) -> tuple[float | Array, Array]:
        """Both.

        Parameters
        ----------
        costs, p, mask, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (N,)
        gradient : ndarray of shape (N, K)
        """
        found = self._at_once(costs, p, mask, sample_weight, self.alpha)
        return self._evaluate(costs, p, None, mask, sample_weight, self.alpha, 1) if found is None else found


class SelfCritical(_Drawn):
    """Self-critical sequence training (REINFORCE with a baseline): the mean of (cost − baseline)·p over K sequences drawn for an input.

    p are their log-probabilities.  Costs and baselines are constants, so that the gradient, (cost_k − baseline)/K, is that of the expected cost.
    The baseline may be what the model's own best guess costs, as in Rennie et al., where it is self-critical; else it is the mean cost of the other
    sequences of the input.

    Parameters
    ----------
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the mean of the losses over inputs, weighted; the weighted sum; or the weighted losses.  The gradient is that of the
        mean or, for both others, of the sum.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    References
    ----------
    R. J. Williams (1992), Simple statistical gradient-following algorithms for connectionist reinforcement learning, Machine Learning 8.
    S. J. Rennie et al. (2017), Self-critical sequence training for image captioning, CVPR.
    W. Kool, H. van Hoof and M. Welling (2019), Buy 4 REINFORCE samples, get a baseline for free!, ICLR workshop: the mean of the others.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.SelfCritical().gradient([[1.0, 3.0]], [[-2.0, -1.0]])
    array([[-1.,  1.]])
    >>> losses.SelfCritical().gradient([[1.0, 3.0]], [[-2.0, -1.0]], baseline=[0.0])
    array([[0.5, 1.5]])
    """

    name = "self_critical"

    def __init__(self, reduction: str = "mean") -> None:
        self._keep({"reduction": choice("reduction", reduction, *REDUCTIONS)})

    def value(self, costs: ArrayLike, p: ArrayLike, baseline: ArrayLike | None = None, mask: ArrayLike | None = None,
              sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        costs, p
            See `MinimumRisk.value`.
        baseline : array_like, of shape (N,), optional
            What is expected of each input.  None: the mean cost of the other sequences, two at least.
        mask : array_like of bool, of shape (N, K), optional
            Whether a sequence counts; one at least of each row does, two without a baseline.  None: all do.
        sample_weight
            See `MinimumRisk.value`.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (N,)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape or an element that is not finite.
        """
        return self._evaluate(costs, p, baseline, mask, sample_weight, None, 2 if baseline is None else 1)[0]

    def gradient(self, costs: ArrayLike, p: ArrayLike, baseline: ArrayLike | None = None, mask: ArrayLike | None = None,
                 sample_weight: ArrayLike | None = None) -> Array:
        """Derivative of `value`, or of its sum, in each element of `p`.

        Parameters
        ----------
        costs, p, baseline, mask, sample_weight
            See `value`.

        Returns
        -------
        ndarray of shape (N, K)
        """
        return self._evaluate(costs, p, baseline, mask, sample_weight, None, 2 if baseline is None else 1)[1]

    def value_and_gradient(self, costs: ArrayLike, p: ArrayLike, baseline: ArrayLike | None = None, mask: ArrayLike | None = None,
                           sample_weight: ArrayLike | None = None) -> tuple[float | Array, Array]:
        """Both.

        Parameters
        ----------
        costs, p, baseline, mask, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (N,)
        gradient : ndarray of shape (N, K)
        """
        found = self._at_once(costs, p, mask, sample_weight, None) if baseline is None else None
        return self._evaluate(costs, p, baseline, mask, sample_weight, None, 2 if baseline is None else 1) if found is None else found


def edit_distance(y: ArrayLike | Sequence[ArrayLike], p: ArrayLike | Sequence[ArrayLike], y_lengths: ArrayLike | None = None,
                  p_lengths: ArrayLike | None = None, normalize: bool = False) -> NDArray[np.int64] | NDArray[np.float64]:
    """How many labels must be put in, taken out or replaced to make one sequence the other (Levenshtein distance), of each pair of a batch.

    Parameters
    ----------
    y, p : array_like of int, of shape (N, S), or sequences of N array_likes of int
        What is right and what was said, as `CTC.decode` gives it: rows of labels, or sequences of any length.
    y_lengths, p_lengths : array_like of int, of shape (N,), optional
        How many labels of each row count.  None: all.
    normalize : bool, default=False
        Whether to divide by the lengths of y, those that are 0 taken as 1: an error rate.

    Returns
    -------
    ndarray of shape (N,)
        Of int, of float if `normalize`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong dtype or shape, or a length is outside its range.

    References
    ----------
    V. I. Levenshtein (1966), Binary codes capable of correcting deletions, insertions, and reversals, Soviet Physics Doklady 10.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.edit_distance([[1, 2, 3], [4, 5]], [[1, 3], [4, 5]])
    array([1, 0])
    >>> losses.edit_distance([[1, 2, 3, 4]], [[2, 3, 4, 4]], p_lengths=[3], normalize=True)
    array([0.25])
    """
    normalize = flag("normalize", normalize)
    right, right_starts = _joined("y", y, y_lengths)
    said, said_starts = _joined("p", p, p_lengths)
    if len(right_starts) != len(said_starts):
        raise ValueError(f"p must hold as many sequences as y, {len(right_starts) - 1}, got {len(said_starts) - 1}")
    found, lengths = np.zeros(len(right_starts) - 1, np.int64), np.diff(right_starts)
    if found.size:
        work = float(lengths.max()) * len(said)
        _rows.distances(right, right_starts, said, said_starts, found, 1 if work < _rows.PARALLEL_FROM else resolve_threads())
    return found / np.maximum(lengths, 1) if normalize else found


def _joined(name: str, sequences: ArrayLike | Sequence[ArrayLike], lengths: ArrayLike | None) -> tuple[Integers, Integers]:
    """The labels that count, one sequence after the other, and where each begins."""
    if lengths is None and not isinstance(sequences, np.ndarray) and isinstance(sequences, Sequence):
        rows = [integers(f"{name}[{i}]", row) for i, row in enumerate(sequences)]
        for i, row in enumerate(rows):
            if row.ndim != 1:
                raise ValueError(f"{name}[{i}] must be a sequence of labels, got shape {row.shape}")
        counts = np.array([len(row) for row in rows], np.int64)
        joined = np.concatenate([np.empty(0, np.int64), *(row.astype(np.int64) for row in rows)])
    else:
        table = integers(name, np.asarray(sequences))
        if table.ndim != 2:
            raise ValueError(f"{name} must have shape (N, S), a row of labels for each sequence, got {table.shape}")
        counts = lengths_of(f"{name}_lengths", lengths, len(table), table.shape[1], f"the columns of {name}")
        joined = table[np.arange(table.shape[1]) < counts[:, None]].astype(np.int64)
    return np.require(joined, np.int64, ["C", "A"]), np.concatenate([[0], counts.cumsum()]).astype(np.int64)
