"""The loss of Cox's proportional hazards: parameters, documentation, evaluation."""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.checks import choice
from fastopt._common.settings import Settings

from .. import _reduction
from .._base import DOMAINS, Array, _array, _refuse
from .._whole import WholeLoss
from . import _risk
from ._concordance import concordance
from ._targets import Survival, fields, targets

Doubles = NDArray[np.float64]


class _Subjects(NamedTuple):
    """What the kernel takes: strata one after the other, the largest time first; `order` is where the subjects lay before."""
    time: Doubles
    event: NDArray[np.uint8]
    p: Array
    weight: Doubles
    starts: NDArray[np.int64]
    order: NDArray[np.int64]
    factor: float    # of all that comes out


class Cox(WholeLoss):
    """Cox's proportional hazards: −log of the partial likelihood, Σ log(Σ exp(p_j) over those at risk) − p_i over the subjects i with an event.

    At risk are those whose time is not less.  `p` is the logarithm of the risk, such as X·w; a constant added to it changes nothing.  Sums are
    taken over their largest terms, so that no score is too large.  The computation takes n·log(n) steps to sort and n to add.

    With ``ties='efron'`` those with an event at the same time leave one after the other, on average over their orders; with ``'breslow'`` all are at
    risk until the last of them.  A weight of w is the same as w rows for ties of Breslow; Efron's ties of weighted subjects are those of R's coxph.

    Parameters
    ----------
    ties : {'efron', 'breslow'}, default='efron'
        What is done with events at the same time.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the sum over the sum of the weights of all subjects; the sum, −log of the partial likelihood; or the loss of each
        subject, 0 where there was no event.  The gradient is that of the mean or, for both others, of the sum.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    References
    ----------
    D. R. Cox (1972), Regression models and life-tables, Journal of the Royal Statistical Society B 34.
    B. Efron (1977), The efficiency of Cox's likelihood function for censored data, Journal of the American Statistical Association 72.

    Examples
    --------
    >>> from fastopt import losses
    >>> cox = losses.Cox(reduction="sum")
    >>> time, event = [3.0, 1.0, 2.0], [1, 1, 0]
    >>> round(cox.value((time, event), [0.0, 0.0, 0.0]), 6)          # log 3 + log 1
    1.098612
    >>> cox.gradient((time, event), [0.0, 0.0, 0.0]).round(4)
    array([ 0.3333, -0.6667,  0.3333])
    """

    name = "cox"
    sees_shift = False
    ties: str
    reduction: str

    def __init__(self, ties: str = "efron", reduction: str = "mean") -> None:
        Settings._keep(self, {"ties": choice("ties", ties, "efron", "breslow"), "reduction": choice("reduction", reduction, *_reduction.REDUCTIONS)})

    def value(self, y: Survival, p: ArrayLike, *, sample_weight: ArrayLike | None = None,   # type: ignore[override]  # y is pairs
              strata: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y : (time, event), or structured ndarray of shape (n,)
            Two arrays of shape (n,): when it ended, and whether by an event (1) or as observation did (0).  Or one with two fields, of which the
            boolean one is the event, as in scikit-survival.
        p : array_like of shape (n,)
            Logarithms of risks.
        sample_weight : array_like of shape (n,), optional
            At least 0, not all 0.
        strata : array_like of int or str, of shape (n,), optional
            The stratum of each subject: only those of the same one are at risk together.  None: one.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (n,)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or an element that is not finite.
        """
        return self._compute(y, p, sample_weight, strata, wants_gradient=False)[0]

    def gradient(self, y: Survival, p: ArrayLike, *, sample_weight: ArrayLike | None = None,   # type: ignore[override]  # y is pairs
                 strata: ArrayLike | None = None) -> Array:
        """Derivative of `value`, or of its sum, in each score.

        Parameters
        ----------
        y, p, sample_weight, strata
            See `value`.

        Returns
        -------
        ndarray of shape (n,)
        """
        return self._compute(y, p, sample_weight, strata)[1]

    def value_and_gradient(self, y: Survival, p: ArrayLike, *, sample_weight: ArrayLike | None = None,   # type: ignore[override]  # y is pairs
                           strata: ArrayLike | None = None) -> tuple[float | Array, Array]:
        """Both in one pass.

        Parameters
        ----------
        y, p, sample_weight, strata
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (n,)
        gradient : ndarray of shape (n,)
        """
        return self._compute(y, p, sample_weight, strata)

    def hessp(self, y: Survival, p: ArrayLike, v: ArrayLike, *, sample_weight: ArrayLike | None = None,
              strata: ArrayLike | None = None) -> Array:
        """The second derivatives of `value`, or of its sum, in the scores, times a vector.

        Parameters
        ----------
        y, p
            See `value`.
        v : array_like of shape (n,)
            The vector.
        sample_weight, strata
            See `value`.

        Returns
        -------
        ndarray of shape (n,)
        """
        subjects = self._subjects(y, p, sample_weight, strata)
        v = _array("v", v, np.dtype(np.float64))
        if v.shape != subjects.p.shape:
            raise ValueError(f"v must have the shape of p, {subjects.p.shape}, got {v.shape}")
        _refuse("v", v, *DOMAINS["real"])
        found = np.empty(len(v))
        self._sums(subjects, v=v[subjects.order], product=found)
        return self._put_back(subjects, found)

    def hessian_diagonal(self, y: Survival, p: ArrayLike, *, sample_weight: ArrayLike | None = None, strata: ArrayLike | None = None) -> Array:
        """The second derivative of `value`, or of its sum, in each score.

        Parameters
        ----------
        y, p, sample_weight, strata
            See `value`.

        Returns
        -------
        ndarray of shape (n,)
        """
        subjects = self._subjects(y, p, sample_weight, strata)
        found = np.empty(len(subjects.p))
        self._sums(subjects, diagonal=found)
        return self._put_back(subjects, found)

    # ---- what objectives and estimators ask ----

    def targets(self, y: Survival) -> Array:   # type: ignore[override]  # y is pairs
        """Times and events side by side, (n, 2), of any y that `value` takes.

        Parameters
        ----------
        y
            See `value`.

        Returns
        -------
        ndarray of shape (n, 2)
        """
        time, event = (_array(f"{name} of y", field, np.dtype(np.float64)) for name, field in zip(("time", "event"), fields(y)))
        if time.ndim != 1 or event.shape != time.shape:
            raise ValueError(f"event of y must have the shape of time, {time.shape}, and both be of shape (n,), got {event.shape}")
        return np.column_stack([time, event])

    def n_outputs(self, y: Array) -> int:
        """One: the logarithm of the risk.

        Parameters
        ----------
        y : ndarray of shape (n, 2)
            Times and events.

        Returns
        -------
        int
        """
        return 1

    def hessian_product(self, y: Survival, p: Array, q: Array, sample_weight: Array | None = None) -> Array:
        """The product of the second derivatives with q: `hessp`.

        Parameters
        ----------
        y, p
            See `value`.
        q : ndarray of shape (n,)
            A direction.
        sample_weight : array_like of shape (n,), optional
            See `value`.

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.hessp(y, p, q, sample_weight=sample_weight)

    def score(self, y: Survival, p: Array, sample_weight: Array | None = None) -> float:
        """The concordance, which has no weights.

        Parameters
        ----------
        y, p
            See `value`.
        sample_weight : None
            Nothing else.

        Returns
        -------
        float
        """
        if sample_weight is not None:
            raise ValueError("sample_weight must be None: the concordance has none")
        return concordance(y, p)

    def _evaluate(self, y: Array, p: Array, sample_weight: Array | None) -> tuple[float, Array]:
        """That of the mean, whatever the reduction."""
        return WholeLoss._evaluate(self if self.reduction == "mean" else Cox(self.ties), y, p, sample_weight)

    def _evaluate_product(self, y: Array, p: Array, q: Array, sample_weight: Array | None) -> Array:
        """That of the mean, whatever the reduction."""
        return WholeLoss._evaluate_product(self if self.reduction == "mean" else Cox(self.ties), y, p, q, sample_weight)

    def _subjects(self, y: Survival, p: ArrayLike, sample_weight: ArrayLike | None, strata: ArrayLike | None) -> _Subjects:
        time, event, p = targets(y, p)
        n = len(p)
        weight = _reduction.weights(sample_weight, n, "subject")
        with np.errstate(over="ignore"):
            total = float(weight.sum())
        if not math.isfinite(total):
            raise ValueError("sample_weight must have a finite sum")
        stratum = np.zeros(n, np.int64)
        if strata is not None:
            given = np.asarray(strata)
            if given.shape != (n,):
                raise ValueError(f"strata must have shape ({n},), one for each subject, got {given.shape}")
            if given.dtype.kind not in "biuSU":
                raise TypeError(f"strata must hold integers or strings, got dtype {given.dtype}")
            stratum = np.unique(given, return_inverse=True)[1].reshape(n)
        order = np.lexsort((event, -time, stratum))
        stratum = stratum[order]
        starts = np.concatenate([[0], np.flatnonzero(stratum[1:] != stratum[:-1]) + 1, [n]])
        return _Subjects(time[order], event[order], p[order], weight[order], starts, order, 1 / total if self.reduction == "mean" else 1.0)

    def _sums(self, s: _Subjects, losses: Doubles | None = None, grads: Doubles | None = None, v: Array | None = None,
             product: Doubles | None = None, diagonal: Doubles | None = None) -> None:
        _risk.cox(self.ties == "efron", s.time, s.event, s.p, s.weight, v, s.starts, losses, grads, product, diagonal)

    def _compute(self, y: Survival, p: ArrayLike, sample_weight: ArrayLike | None, strata: ArrayLike | None,
                  wants_gradient: bool = True) -> tuple[float | Array, Array]:
        subjects = self._subjects(y, p, sample_weight, strata)
        losses, gradient = np.empty(len(subjects.p)), np.empty(len(subjects.p))
        self._sums(subjects, losses, gradient if wants_gradient else None)
        value = self._put_back(subjects, losses) if self.reduction == "none" else float(losses.sum()) * subjects.factor
        return value, self._put_back(subjects, gradient)

    def _put_back(self, subjects: _Subjects, found: Doubles) -> Array:
        """To where the subjects lay, in the type of the scores."""
        put = np.empty_like(subjects.p)
        put[subjects.order] = found * subjects.factor
        return put

