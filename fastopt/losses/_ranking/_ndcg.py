"""Normalised discounted cumulative gain: how good an order of documents is."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import choice, integer

from .. import _reduction
from .._base import Array
from . import _queries
from ._gains import check_gains, worth
from ._queries_of import queries

#: further down than any rank
ALL = 2 ** 53


def ndcg(y: ArrayLike, p: ArrayLike, group: ArrayLike | None = None, k: int | None = None, *, qid: ArrayLike | None = None,
         sample_weight: ArrayLike | None = None, gains: str | Sequence[float] = "exponential", reduction: str = "mean") -> float | Array:
    """Normalised discounted cumulative gain, a mean over queries: Σ gain/log2(2 + rank) over the first k ranks, over the largest that there is.

    Documents with equal scores share their ranks, as in scikit-learn's `ndcg_score`.  A query with no relevant document has 0, as there.

    Parameters
    ----------
    y : array_like of shape (n,)
        Relevances, at least 0.
    p : array_like of shape (n,)
        Scores; documents are ranked by them, the largest first, from rank 0 on.
    group : array_like of int, of shape (q,), optional
        Sizes of the queries, whose documents lie side by side, as in LightGBM.  None: one query, unless there is `qid`.
    k : int, at least 1, optional
        Ranks that count.  None: all.
    qid : array_like of int, of shape (n,), optional
        The query of each document, in any order; in place of `group`.
    sample_weight : array_like of shape (q,), optional
        Weights of queries, in the order of `group` or of the sorted ids; at least 0, not all 0.
    gains : {'exponential', 'linear'} or sequence of float, default='exponential'
        What a document is worth: 2^y − 1, y, or gains[y], which must not fall.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        The weighted mean over queries, the sum, or the gain of each, times its weight.

    Returns
    -------
    float, or with reduction='none' an ndarray of shape (q,)

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong dtype or shape, or an element outside its range.

    References
    ----------
    K. Järvelin and J. Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques, ACM Transactions on Information Systems 20.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.ndcg([2, 1, 0], [3.0, 2.0, 1.0])
    1.0
    >>> round(losses.ndcg([2, 1, 0], [1.0, 2.0, 3.0]), 6)
    0.586883
    >>> losses.ndcg([1, 0, 0, 1], [2.0, 1.0, 2.0, 1.0], group=[2, 2], k=1, reduction="none")
    array([1., 0.])
    """
    table, reduction = check_gains(gains), choice("reduction", reduction, *_reduction.REDUCTIONS)
    batch = queries(y, p, group, qid)
    weight = _reduction.weights(sample_weight, len(batch.starts) - 1, "query")
    found = np.empty(len(weight))
    spec = (0, 0.0, ALL if k is None else integer("k", k, 1), table == "exponential", 0)
    _queries.ndcg(spec, worth(batch.y, table), batch.p, batch.starts, found, batch.threads)
    return _reduction.reduced(found, _reduction.factors(weight, reduction), reduction, batch.p.dtype)
