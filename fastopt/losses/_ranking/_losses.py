"""The losses of rankings: parameters, documentation, evaluation.  Which documents belong together is in _queries_of.py."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import choice, flag, integer, number
from fastopt._common.settings import Settings

from .. import _reduction
from .._base import DOMAINS, Array, _array, _refuse
from .._classification import LogLoss
from . import _queries
from ._gains import Gains, check_gains, worth
from ._queries_of import Queries, Spec, queries

_LOG = LogLoss()


class RankingLoss(Settings):
    """What the losses of rankings have in common: queries, checks, evaluation.

    A loss is a mean over queries.  A query whose documents are all equally relevant, as a single one is, says nothing of their order: its loss is 0.
    The computation is done in the type of `p`, float32 or float64, in float64 if `p` holds neither.  Results have the same bits for any number of
    threads.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.
    """

    reduction: str
    _kind: str
    _scale: float = 0.0

    def __init_subclass__(cls) -> None:
        cls.__module__ = "fastopt.losses"

    def value(self, y: ArrayLike, p: ArrayLike, group: ArrayLike | None = None, *, qid: ArrayLike | None = None,
              sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y : array_like of shape (n,)
            Relevances.
        p : array_like of shape (n,)
            Scores: the larger, the further in front.
        group : array_like of int, of shape (q,), optional
            Sizes of the queries, whose documents lie side by side, as in LightGBM.  None: one query, unless there is `qid`.
        qid : array_like of int, of shape (n,), optional
            The query of each document, in any order; in place of `group`.
        sample_weight : array_like of shape (q,), optional
            Weights of queries, in the order of `group` or of the sorted ids; at least 0, not all 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (q,)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or an element that is not finite or outside its range.
        """
        return self._evaluate(y, p, group, qid, sample_weight, True, False)[0]

    def gradient(self, y: ArrayLike, p: ArrayLike, group: ArrayLike | None = None, *, qid: ArrayLike | None = None,
                 sample_weight: ArrayLike | None = None) -> Array:
        """Derivative of `value`, or of its sum, in each score.

        Parameters
        ----------
        y, p, group, qid, sample_weight
            See `value`.

        Returns
        -------
        ndarray of shape (n,)
        """
        return self._evaluate(y, p, group, qid, sample_weight, False, True)[1]

    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, group: ArrayLike | None = None, *, qid: ArrayLike | None = None,
                           sample_weight: ArrayLike | None = None) -> tuple[float | Array, Array]:
        """Both in one pass.

        Parameters
        ----------
        y, p, group, qid, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (q,)
        gradient : ndarray of shape (n,)
        """
        return self._evaluate(y, p, group, qid, sample_weight, True, True)

    def _evaluate(self, y: ArrayLike, p: ArrayLike, group: ArrayLike | None, qid: ArrayLike | None, sample_weight: ArrayLike | None,
                  wants_value: bool, wants_gradient: bool) -> tuple[float | Array, Array]:
        batch = self._checked(queries(y, p, group, qid))
        weight = _reduction.weights(sample_weight, len(batch.starts) - 1, "query")
        factor = _reduction.factors(weight, self.reduction)
        losses, gradient = np.zeros(len(weight)), np.empty_like(batch.p)
        _queries.evaluate(self._spec(), batch.y, batch.p, batch.starts, factor, losses if wants_value else None,
                          gradient if wants_gradient else None, batch.threads)
        if batch.order is not None:
            moved = gradient
            gradient = np.empty_like(moved)
            gradient[batch.order] = moved
        return _reduction.reduced(losses, factor, self.reduction, batch.p.dtype), gradient

    def _checked(self, batch: Queries) -> Queries:
        """The batch, its relevances as the kernels take them."""
        return batch

    def _spec(self) -> Spec:
        return _queries.KINDS[self._kind], self._scale, 1, 0, 0


class PairwiseLogistic(RankingLoss):
    """RankNet: log(1 + exp(−sigma·(p_i − p_j))), the mean over the pairs of a query's documents of which i is more relevant than j.

    Parameters
    ----------
    sigma : float above 0, default=1.0
        What differences of scores are multiplied by.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the weighted mean over queries, the sum, or the loss of each query times its weight.

    References
    ----------
    C. Burges et al. (2005), Learning to rank using gradient descent, ICML.

    Examples
    --------
    >>> from fastopt import losses
    >>> value, gradient = losses.PairwiseLogistic().value_and_gradient([1, 0, 0], [0.0, 0.0, 0.0])
    >>> round(value, 6), gradient                      # log 2
    (0.693147, array([-0.5 ,  0.25,  0.25]))
    """

    name = "pairwise_logistic"
    sigma: float
    _kind = "logistic"

    def __init__(self, sigma: float = 1.0, reduction: str = "mean") -> None:
        sigma = number("sigma", sigma, above=0)
        self._keep({"sigma": sigma, "reduction": choice("reduction", reduction, *_reduction.REDUCTIONS)}, _scale=sigma)


class MarginRanking(RankingLoss):
    """Margin ranking loss: max(0, margin − (p_i − p_j)), the mean over the pairs of a query's documents of which i is more relevant than j.

    Parameters
    ----------
    margin : float, at least 0, default=1.0
        How far apart scores are to be.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the weighted mean over queries, the sum, or the loss of each query times its weight.

    References
    ----------
    R. Herbrich, T. Graepel and K. Obermayer (2000), Large margin rank boundaries for ordinal regression, in Advances in Large Margin Classifiers.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.MarginRanking().value_and_gradient([1, 0, 0], [1.0, 0.5, 0.25])
    (0.375, array([-1. ,  0.5,  0.5]))
    """

    name = "margin_ranking"
    margin: float
    _kind = "margin"

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        margin = number("margin", margin, at_least=0)
        self._keep({"margin": margin, "reduction": choice("reduction", reduction, *_reduction.REDUCTIONS)}, _scale=margin)


class ListNet(RankingLoss):
    """ListNet: the cross-entropy −Σ softmax(y)·log softmax(p) over a query's documents, of which comes first by relevance and by score.

    Parameters
    ----------
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the weighted mean over queries, the sum, or the loss of each query times its weight.

    References
    ----------
    Z. Cao, T. Qin, T.-Y. Liu, M.-F. Tsai and H. Li (2007), Learning to rank: from pairwise approach to listwise approach, ICML.

    Examples
    --------
    >>> from fastopt import losses
    >>> value, gradient = losses.ListNet().value_and_gradient([1, 0], [0.0, 0.0])
    >>> round(value, 6), gradient.round(4)
    (0.693147, array([-0.2311,  0.2311]))
    """

    name = "listnet"
    _kind = "listnet"

    def __init__(self, reduction: str = "mean") -> None:
        self._keep({"reduction": choice("reduction", reduction, *_reduction.REDUCTIONS)})


class LambdaRank(RankingLoss):
    """LambdaRank: Σ |ΔNDCG|·log(1 + exp(−sigma·(p_i − p_j))) over the pairs of a query's documents of which i is more relevant than j.

    |ΔNDCG| is what NDCG would change by if both changed places.  It is held constant in the gradient, which is LambdaRank's lambdas: `value` is
    what they are the gradient of as long as no two documents change places.  Documents with equal scores rank in the order in which they come.
    `ndcg` is the measure that it stands for.

    Parameters
    ----------
    sigma : float above 0, default=1.0
        What differences of scores are multiplied by.
    k : int, at least 1, optional
        Ranks that count: pairs have a document among the first k, NDCG is that of the first k.  LightGBM's default is 30.  None: all.
    gains : {'exponential', 'linear'} or sequence of float, default='exponential'
        What a document is worth: 2^y − 1, y, or gains[y], which must not fall; y is at least 0.
    normalize : bool, default=False
        Whether, as by default in LightGBM, |ΔNDCG| is divided by 0.01 + |p_i − p_j| and the lambdas of a query, whose sizes have the sum s, are
        multiplied by log2(1 + s)/s.  All that is held constant, too.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the weighted mean over queries, the sum (LightGBM's gradient is that of the sum), or the loss of each query times
        its weight.

    References
    ----------
    C. Burges (2010), From RankNet to LambdaRank to LambdaMART: an overview, Microsoft Research MSR-TR-2010-82.
    G. Ke et al. (2017), LightGBM: a highly efficient gradient boosting decision tree, NIPS.

    Examples
    --------
    >>> from fastopt import losses
    >>> value, gradient = losses.LambdaRank().value_and_gradient([0, 1], [0.0, 0.0])
    >>> round(value, 6), gradient.round(4)             # (1 - 1/log2(3))·log 2
    (0.25582, array([ 0.1845, -0.1845]))
    """

    name = "lambdarank"
    sigma: float
    k: int | None
    gains: Gains
    normalize: bool
    _kind = "lambda"

    def __init__(self, sigma: float = 1.0, k: int | None = None, gains: str | Sequence[float] = "exponential", normalize: bool = False,
                 reduction: str = "mean") -> None:
        self._keep({"sigma": number("sigma", sigma, above=0), "k": None if k is None else integer("k", k, 1), "gains": check_gains(gains),
                    "normalize": flag("normalize", normalize), "reduction": choice("reduction", reduction, *_reduction.REDUCTIONS)})

    def _checked(self, batch: Queries) -> Queries:
        return batch._replace(y=worth(batch.y, self.gains))

    def _spec(self) -> Spec:
        return _queries.KINDS[self._kind], self.sigma, 2 ** 53 if self.k is None else self.k, self.gains == "exponential", self.normalize


class BPR(Settings):
    """Bayesian personalised ranking: log(1 + exp(−(positive − negative))), the mean over pairs of scores of what was and was not chosen.

    Parameters
    ----------
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the weighted mean over pairs, the sum, or the loss of each pair times its weight.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.

    References
    ----------
    S. Rendle, C. Freudenthaler, Z. Gantner and L. Schmidt-Thieme (2009), BPR: Bayesian personalized ranking from implicit feedback, UAI.

    Examples
    --------
    >>> from fastopt import losses
    >>> value, (in_positive, in_negative) = losses.BPR().value_and_gradient([0.0, 1.0], [0.0, 1.0])
    >>> round(value, 6), in_positive, in_negative      # log 2
    (0.693147, array([-0.25, -0.25]), array([0.25, 0.25]))
    """

    name = "bpr"
    reduction: str

    def __init__(self, reduction: str = "mean") -> None:
        self._keep({"reduction": choice("reduction", reduction, *_reduction.REDUCTIONS)})

    def value(self, positive: ArrayLike, negative: ArrayLike, sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        positive, negative : array_like of shape (n,)
            Scores of what was chosen, and of what was not.
        sample_weight : array_like of shape (n,), optional
            At least 0, not all 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (n,)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or an element that is not finite.
        """
        return self.value_and_gradient(positive, negative, sample_weight)[0]

    def gradient(self, positive: ArrayLike, negative: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[Array, Array]:
        """Derivatives of `value`, or of its sum, in both kinds of scores.

        Parameters
        ----------
        positive, negative, sample_weight
            See `value`.

        Returns
        -------
        tuple of two ndarrays of shape (n,)
        """
        return self.value_and_gradient(positive, negative, sample_weight)[1]

    def value_and_gradient(self, positive: ArrayLike, negative: ArrayLike, sample_weight: ArrayLike | None = None
                           ) -> tuple[float | Array, tuple[Array, Array]]:
        """Both.

        Parameters
        ----------
        positive, negative, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (n,)
        gradient : tuple of two ndarrays of shape (n,)
        """
        chosen = _array("positive", positive)
        other = _array("negative", negative, chosen.dtype)
        if chosen.ndim != 1 or chosen.size == 0:
            raise ValueError(f"positive must have shape (n,), got {chosen.shape}")
        if other.shape != chosen.shape:
            raise ValueError(f"negative must have the shape of positive, {chosen.shape}, got {other.shape}")
        _refuse("positive", chosen, *DOMAINS["real"])
        _refuse("negative", other, *DOMAINS["real"])
        factor = _reduction.factors(_reduction.weights(sample_weight, len(chosen), "pair"), self.reduction)
        most = np.finfo(chosen.dtype).max
        with np.errstate(over="ignore"):
            apart = np.clip(chosen - other, -most, most)
        ones = np.ones_like(apart)
        slope = _LOG.gradient(ones, apart) * (len(apart) * factor).astype(apart.dtype)   # a mean so far
        value = _reduction.reduced(_LOG.pointwise(ones, apart).astype(np.float64), factor, self.reduction, apart.dtype)
        return value, (slope, -slope)


BPR.__module__ = "fastopt.losses"
