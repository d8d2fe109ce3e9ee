"""Losses of embeddings with labels, each row an anchor beside all others: triplets and the circle loss."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import choice, number
from fastopt._common.settings import Settings

from .. import _reduction
from .._base import Array
from . import _rows
from ._embeddings import Distances, Rows, embeddings, labels_of, numbered, threads_for


class LabelledLoss(Settings):
    """What losses of embeddings with labels have in common: each row is an anchor, compared with those of its label and those of others.

    Rows whose label no other row has, or all have, are no anchors.  Anchors cost n² products, by BLAS.  The computation is done in the type of `p`,
    float32 or float64, in float64 if `p` holds neither.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.
    """

    reduction: str

    def __init_subclass__(cls) -> None:
        cls.__module__ = "fastopt.losses"

    def value(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y : array_like of int or str, of shape (n,)
            Labels: rows with equal ones belong together.
        p : array_like of shape (n, d)
            Embeddings.
        sample_weight : array_like of shape (n,), optional
            Weights of the rows as anchors; at least 0, not all 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of shape (n,)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or an element that is not finite.
        """
        return self.value_and_gradient(y, p, sample_weight)[0]

    def gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None) -> Array:
        """Derivative of `value`, or of its sum, in the embeddings.

        Parameters
        ----------
        y, p, sample_weight
            See `value`.

        Returns
        -------
        ndarray of shape (n, d)
        """
        return self.value_and_gradient(y, p, sample_weight)[1]

    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[float | Array, Array]:
        """Both.

        Parameters
        ----------
        y, p, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray of shape (n,)
        gradient : ndarray of shape (n, d)
        """
        p = embeddings("p", p)
        labels = numbered(labels_of(y, len(p)))
        weight = _reduction.weights(sample_weight, len(p), "row of p")
        weight = weight / weight.max() if self.reduction == "mean" else weight   # only ratios matter
        return self._evaluate(labels, p, weight)

    def _evaluate(self, labels: Array, p: Array, weight: Array) -> tuple[float | Array, Array]:
        raise NotImplementedError   # each loss has its own

    def _anchors(self, mining: str, distance: str, margin: float, gamma: float, labels: Array, p: Array,
                 weight: Array) -> tuple[float | Array, Array]:
        """The value and the gradient from products of rows and what anchors make of them."""
        rows = Rows(p if distance == "cosine" else p - p.mean(axis=0, dtype=np.float64).astype(p.dtype), distance == "cosine")
        with np.errstate(over="ignore", invalid="ignore"):
            products = rows.x @ rows.x.T
        squares = np.ascontiguousarray(products.diagonal())
        if not np.isfinite(squares).all():
            raise ValueError("p must have rows so near each other that their squared distances are finite, got some that are not")
        losses, counts = np.empty(len(p)), np.empty(len(p))
        _rows.anchors(_rows.MINING[mining], _rows.DISTANCES[distance], margin, gamma, labels, squares, products, weight, losses, counts,
                      threads_for(products.size))
        total = float(weight @ counts) if self.reduction == "mean" else 1.0
        factor = weight / total if total > 0 else np.zeros(len(p))
        products += products.T.copy()
        gradient = products @ rows.x
        if distance != "cosine":   # squares are of rows, too
            gradient -= products.sum(axis=1, dtype=np.float64).astype(p.dtype)[:, None] * rows.x
        gradient *= gradient.dtype.type(1 / total if total > 0 else 0)
        return _reduction.reduced(losses, factor, self.reduction, p.dtype), rows.back(gradient)


class Triplet(LabelledLoss):
    """Triplet loss: max(0, margin + distance(anchor, near) − distance(anchor, far)), near having the anchor's label and far another.

    `explicit` takes triplets instead of labels.  Where two rows are equal, the Euclidean distance has the derivative 0.

    Parameters
    ----------
    margin : float, at least 0, default=1.0
        How much farther those with other labels are to be.
    distance : {'euclidean', 'squared', 'cosine'}, default='euclidean'
        ‖a − b‖, ‖a − b‖², or 1 − the cosine.
    mining : {'batch_hard', 'batch_all', 'semi_hard'}, default='batch_hard'
        The triplets of an anchor: the farthest near row and the nearest far one; all; or for each near row the nearest far one that is farther,
        the farthest if none is.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the mean over triplets, those of an anchor having its weight; the sum; or the sum of the triplets of each anchor.

    References
    ----------
    F. Schroff, D. Kalenichenko and J. Philbin (2015), FaceNet: a unified embedding for face recognition and clustering, CVPR.
    A. Hermans, L. Beyer and B. Leibe (2017), In defense of the triplet loss for person re-identification, arXiv:1703.07737.

    Examples
    --------
    >>> from fastopt import losses
    >>> p = [[0.0], [1.0], [1.5]]
    >>> losses.Triplet().value_and_gradient([0, 0, 1], p)   # 1 + 1 - 1.5 and 1 + 1 - 0.5, of two anchors
    (1.0, array([[-0.5],
           [ 1.5],
           [-1. ]]))
    >>> losses.Triplet().explicit([[0.0]], [[1.0]], [[1.5]])[0]
    0.5
    """

    name = "triplet"
    margin: float
    distance: str
    mining: str

    def __init__(self, margin: float = 1.0, distance: str = "euclidean", mining: str = "batch_hard", reduction: str = "mean") -> None:
        self._keep({"margin": number("margin", margin, at_least=0), "distance": choice("distance", distance, "euclidean", "squared", "cosine"),
                    "mining": choice("mining", mining, "batch_hard", "batch_all", "semi_hard"),
                    "reduction": choice("reduction", reduction, *_reduction.REDUCTIONS)})

    def _evaluate(self, labels: Array, p: Array, weight: Array) -> tuple[float | Array, Array]:
        return self._anchors(self.mining, self.distance, self.margin, 0.0, labels, p, weight)

    def explicit(self, anchor: ArrayLike, near: ArrayLike, far: ArrayLike,
                 sample_weight: ArrayLike | None = None) -> tuple[float | Array, tuple[Array, Array, Array]]:
        """Value and gradients for triplets that are given.

        Parameters
        ----------
        anchor, near, far : array_like of shape (n, d)
            Row i of each is a triplet.
        sample_weight : array_like of shape (n,), optional
            Weights of triplets; at least 0, not all 0.

        Returns
        -------
        value : float or ndarray of shape (n,)
            The mean over triplets, the sum, or the loss of each times its weight.
        gradient : tuple of three ndarrays of shape (n, d)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or an element that is not finite.
        """
        first = embeddings("anchor", anchor)
        each = first, embeddings("near", near, first, "anchor"), embeddings("far", far, first, "anchor")
        factor = _reduction.factors(_reduction.weights(sample_weight, len(first), "triplet"), self.reduction)
        rows = [Rows(x, self.distance == "cosine") for x in each]
        to_near, to_far = (Distances(self.distance, rows[0], other) for other in rows[1:])
        losses, slopes = np.empty_like(to_near.found), np.empty_like(to_near.found)
        _rows.apart(_rows.COSTS["triplet"], self.margin, to_far.found, to_near.found, losses, slopes)
        gradients = [np.zeros_like(first) for _ in rows]
        slopes = slopes * factor
        to_near.back(slopes, gradients[0], gradients[1])
        to_far.back(-slopes, gradients[0], gradients[2])
        value = _reduction.reduced(losses.astype(np.float64), factor, self.reduction, first.dtype)
        in_anchor, in_near, in_far = (row.back(g) for row, g in zip(rows, gradients))
        return value, (in_anchor, in_near, in_far)


class Circle(LabelledLoss):
    """Circle loss: log(1 + Σ exp(gamma·a_j·(s_j − m))·Σ exp(−gamma·a_i·(s_i − 1 + m))) of each anchor, with cosines s_i to near and s_j to far rows.

    The weights a_i = max(0, 1 + m − s_i) and a_j = max(0, s_j + m) are held constant in the gradient, as in the paper.

    Parameters
    ----------
    m : float between 0 and 1, default=0.25
        How far from 1 and 0 cosines may stay.
    gamma : float above 0, default=256.0
        The scale of similarities.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns: the weighted mean over anchors, the sum, or the loss of each times its weight.

    References
    ----------
    Y. Sun, C. Cheng, Y. Zhang, C. Zhang, L. Zheng, Z. Wang and Y. Wei (2020), Circle loss: a unified perspective of pair similarity
    optimization, CVPR.

    Examples
    --------
    >>> from fastopt import losses
    >>> p = [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    >>> round(losses.Circle(gamma=1.0).value([0, 0, 1], p), 6)   # of two anchors
    1.62056
    """

    name = "circle"
    m: float
    gamma: float

    def __init__(self, m: float = 0.25, gamma: float = 256.0, reduction: str = "mean") -> None:
        self._keep({"m": number("m", m, at_least=0, at_most=1), "gamma": number("gamma", gamma, above=0),
                    "reduction": choice("reduction", reduction, *_reduction.REDUCTIONS)})

    def _evaluate(self, labels: Array, p: Array, weight: Array) -> tuple[float | Array, Array]:
        return self._anchors("circle", "cosine", self.m, self.gamma, labels, p, weight)
