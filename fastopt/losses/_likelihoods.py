"""Minus log likelihoods whose scale, and shape where they have one, are learnt beside the prediction: parameters, documentation.

Used through fastopt.losses.  They are no `Loss`: gradients are in each input that is learnt.  All that is learnt may be any real number, logs
of what must be positive, so that any optimizer may step it.  What they share is in losses/_likelihood_base.py, the mathematics in
csrc/likelihoods.
"""
from __future__ import annotations

import math

from numpy.typing import ArrayLike

from fastopt._common.checks import choice, flag
from fastopt._core.tables import LIKELIHOOD_NAMES

from ._base import Array, _array, probability
from ._likelihood_base import Likelihood


class ScaledLoss(Likelihood):
    """What minus log likelihoods whose scale is learnt have in common: parameters, checks, evaluation.

    Like other losses they are immutable.  The computation is done in the type of `p`, float32 or float64, in float64 if `p` holds neither.
    Scales, and degrees of freedom, are cut at exp(±150), at exp(±30) in float32.  Results have the same bits for any number of threads.

    Parameters
    ----------
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns.  The gradient is that of the mean or, for both others, of the sum.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.
    """

    def value(self, y: ArrayLike, p: ArrayLike, log_scale: ArrayLike, sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y : array_like
            Targets.
        p : array_like, of the same shape
            Predictions of the location: what each class says.
        log_scale : array_like
            Logs of scales: a number, one for each sample, or of any shape that broadcasts to that of `p`; (k,) of a scale for each column of
            an (n, k) of them, say.
        sample_weight : array_like, of the shape of p, optional
            At least 0, not all 0.

        Returns
        -------
        float, or with reduction='none' an ndarray of the shape of p
            The mean, weighted, the sum of losses times weights, or the losses times weights.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape or an element that is not finite or outside its domain.
        """
        return self._evaluate(y, p, {"log_scale": log_scale}, sample_weight, False)[0]

    def gradient(self, y: ArrayLike, p: ArrayLike, log_scale: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[Array, ...]:
        """Derivatives of `value`, or of its sum, in the prediction and in the log of the scale.

        Parameters
        ----------
        y, p, log_scale, sample_weight
            See `value`.

        Returns
        -------
        tuple of two ndarrays, of the shapes of p and of log_scale
        """
        return self._evaluate(y, p, {"log_scale": log_scale}, sample_weight, True)[1]

    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, log_scale: ArrayLike,
                           sample_weight: ArrayLike | None = None) -> tuple[float | Array, tuple[Array, ...]]:
        """Both in one pass.

        Parameters
        ----------
        y, p, log_scale, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray
        gradient : tuple of two ndarrays
        """
        return self._evaluate(y, p, {"log_scale": log_scale}, sample_weight, True)


class ShapedLoss(ScaledLoss):
    """What those have in common that have a shape, too.

    Parameters
    ----------
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns.  The gradient is that of the mean or, for both others, of the sum.

    Attributes
    ----------
    name : str
        What it is called.
    params : dict
        The parameters.
    """

    def value(self, y: ArrayLike, p: ArrayLike, log_scale: ArrayLike, shape: ArrayLike,   # type: ignore[override]   # one input more
              sample_weight: ArrayLike | None = None) -> float | Array:
        """The loss.

        Parameters
        ----------
        y, p, log_scale
            See `ScaledLoss.value`.
        shape : array_like
            What each class says, any real numbers; their shape is like that of `log_scale`.
        sample_weight
            See `ScaledLoss.value`.

        Returns
        -------
        float, or with reduction='none' an ndarray of the shape of p
        """
        return self._evaluate(y, p, {"log_scale": log_scale, "shape": shape}, sample_weight, False)[0]

    def gradient(self, y: ArrayLike, p: ArrayLike, log_scale: ArrayLike, shape: ArrayLike,   # type: ignore[override]   # as above
                 sample_weight: ArrayLike | None = None) -> tuple[Array, ...]:
        """Derivatives of `value`, or of its sum, in the prediction, in the log of the scale and in the shape.

        Parameters
        ----------
        y, p, log_scale, shape, sample_weight
            See `value`.

        Returns
        -------
        tuple of three ndarrays, of the shapes of p, log_scale and shape
        """
        return self._evaluate(y, p, {"log_scale": log_scale, "shape": shape}, sample_weight, True)[1]

    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, log_scale: ArrayLike, shape: ArrayLike,   # type: ignore[override]   # as above
                           sample_weight: ArrayLike | None = None) -> tuple[float | Array, tuple[Array, ...]]:
        """Both in one pass.

        Parameters
        ----------
        y, p, log_scale, shape, sample_weight
            See `value`.

        Returns
        -------
        value : float or ndarray
        gradient : tuple of three ndarrays
        """
        return self._evaluate(y, p, {"log_scale": log_scale, "shape": shape}, sample_weight, True)


class GaussianNLL(ScaledLoss):
    """Minus the log likelihood of a normal distribution of mean p: (p − y)²/(2·scale²) + log(scale).

    The variance is exp(2·log_scale): PyTorch's `GaussianNLLLoss` takes it instead, and cuts it, which logs do not need.

    Parameters
    ----------
    full : bool, default=False
        Whether the constant log(2π)/2 is added.
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns.  The gradient is that of the mean or, for both others, of the sum.

    References
    ----------
    D. A. Nix and A. S. Weigend (1994), Estimating the mean and variance of the target probability distribution, ICNN.

    Examples
    --------
    >>> from fastopt import losses
    >>> value, (in_p, in_log_scale) = losses.GaussianNLL().value_and_gradient([0.0, 2.0], [1.0, 1.0], 0.0)
    >>> value, in_p, in_log_scale
    (0.5, array([ 0.5, -0.5]), array(0.))
    """

    name = "gaussian_nll"
    full: bool
    _kind = LIKELIHOOD_NAMES.index("gaussian")

    def __init__(self, full: bool = False, reduction: str = "mean") -> None:
        full = flag("full", full)
        self._keep({"full": full, "reduction": choice("reduction", reduction, "mean", "sum", "none")},
                   _constant=math.log(2 * math.pi) / 2 if full else 0.0)


class LaplaceNLL(ScaledLoss):
    """Minus the log likelihood of a Laplace distribution of median p: abs(p − y)/scale + log(2·scale).

    Its derivative at p = y is −1/scale, as that of `AbsoluteError` is −1.

    Parameters
    ----------
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns.  The gradient is that of the mean or, for both others, of the sum.

    Examples
    --------
    >>> from fastopt import losses
    >>> value, (in_p, in_log_scale) = losses.LaplaceNLL().value_and_gradient([0.0, 3.0], [1.0, 1.0], 0.0)
    >>> round(value, 6), in_p, in_log_scale
    (2.193147, array([ 0.5, -0.5]), array(-0.5))
    """

    name = "laplace_nll"
    _kind = LIKELIHOOD_NAMES.index("laplace")


class StudentTNLL(ShapedLoss):
    """Minus the log likelihood of Student's t of location p, with df = exp(shape) degrees of freedom, both constants and scale included.

    That is (df + 1)/2·log(1 + z²/df) + log(scale) + log(Γ(df/2)·√(π·df)/Γ((df + 1)/2)), z = (p − y)/scale: `StudentT` where both are fixed.

    Parameters
    ----------
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns.  The gradient is that of the mean or, for both others, of the sum.

    References
    ----------
    K. L. Lange, R. J. A. Little and J. M. G. Taylor (1989), Robust statistical modeling using the t distribution, Journal of the
    American Statistical Association 84, 881–896.

    Examples
    --------
    >>> from fastopt import losses
    >>> value, gradients = losses.StudentTNLL().value_and_gradient([0.0], [1.0], 0.0, shape=0.0)   # Cauchy: log(2π)
    >>> round(value, 6), [g.round(3).tolist() for g in gradients]
    (1.837877, [[1.0], 0.0, -0.347])
    """

    name = "student_t_nll"
    _kind = LIKELIHOOD_NAMES.index("student_t")


class NegativeBinomialNLL(ScaledLoss):
    """Minus the log likelihood of counts of mean exp(p) and variance mean + alpha·mean², alpha = exp(log_scale), constants included.

    As log_scale goes to −∞ it is that of Poisson's distribution; `NegativeBinomial` is for a fixed alpha.

    Parameters
    ----------
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns.  The gradient is that of the mean or, for both others, of the sum.

    References
    ----------
    J. M. Hilbe (2011), Negative Binomial Regression, 2nd edition, Cambridge University Press.

    Examples
    --------
    >>> from fastopt import losses
    >>> value, (in_p, in_log_alpha) = losses.NegativeBinomialNLL().value_and_gradient([1.0], [0.0], 0.0)   # 1/4
    >>> round(value, 6), in_p, round(float(in_log_alpha), 6)
    (1.386294, array([0.]), 0.306853)
    """

    name = "negative_binomial_nll"
    _kind = LIKELIHOOD_NAMES.index("negative_binomial")
    _target = "nonnegative"


class AdaptiveRobust(ShapedLoss):
    """Minus the log likelihood of the density exp(−`GeneralRobust`)/(scale·Z(alpha)), alpha = 2/(1 + exp(−shape)), which adapts to outliers.

    alpha lies between 0, heavy tails like Cauchy's, and 2, a normal distribution; it is learnt with the scale: log(scale·Z) is the price of
    calling everything an outlier.  log Z comes from a table of polynomials that is within 1e-13 of the integral, with their derivatives.

    Parameters
    ----------
    reduction : {'mean', 'sum', 'none'}, default='mean'
        What `value` returns.  The gradient is that of the mean or, for both others, of the sum.

    References
    ----------
    J. T. Barron (2019), A general and adaptive robust loss function, CVPR, equations 8, 14–17.

    Examples
    --------
    >>> from fastopt import losses
    >>> robust = losses.AdaptiveRobust()
    >>> robust.alpha(0.0), round(robust.value([0.0], [0.0], 0.0, shape=0.0), 6)   # log(2e·K1(1))
    (1.0, 1.185495)
    >>> _, (in_p, in_log_scale, in_shape) = robust.value_and_gradient([0.0, 0.0], [0.5, 50.0], 0.0, shape=0.0)
    >>> bool(in_shape > 0)         # alpha is to be smaller
    True
    """

    name = "adaptive_robust"
    _kind = LIKELIHOOD_NAMES.index("adaptive_robust")

    def alpha(self, shape: ArrayLike) -> float | Array:
        """What the shape stands for: 2/(1 + exp(−shape)).

        Parameters
        ----------
        shape : array_like
            Any real numbers.

        Returns
        -------
        float, or an ndarray of the shape of shape
        """
        found = 2 * probability(_array("shape", shape))
        return found if found.ndim else float(found)
