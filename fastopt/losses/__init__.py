"""The losses by name.

Used by objectives and estimators, and on their own.
"""
from __future__ import annotations

from typing import Any

from fastopt._core.tables import COUPLED_LOSS_NAMES, LOSS_NAMES

from ._adversarial import Adversarial, gradient_penalty
from ._amounts import *  # noqa: F403
from ._base import Loss, registry
from ._check import GradientCheck, check_gradient
from ._classification import *  # noqa: F403
from ._combining import GradNorm, MultiTask, WeightedSum, mgda, pcgrad
from ._cosine_rows import CosineSimilarity
from ._images import SSIM, ContentStyle, TotalVariation
from ._images._base import ImageLoss
from ._likelihood_base import Likelihood
from ._likelihoods import AdaptiveRobust, GaussianNLL, LaplaceNLL, NegativeBinomialNLL, ScaledLoss, ShapedLoss, StudentTNLL
from ._names import LossInfo, available
from ._pairs import InfoNCE, NTXent, PairLoss, SigLIP
from ._policy import PolicyGradient, PolicyLoss, PPOClip, advantages, returns
from ._probabilities import NLL
from ._regression import *  # noqa: F403
from ._sequences import CTC

__all__ = ["Adversarial", "CTC", "GradientCheck", "InfoNCE", "Loss", "LossInfo", "MultiTask", "NTXent", "PPOClip", "PairLoss", "PolicyGradient",
           "PolicyLoss", "SigLIP", "advantages", "available", "check_gradient", "get", "gradient_penalty", "mgda", "names", "pcgrad", "returns",
           "AdaptiveRobust", "GaussianNLL", "LaplaceNLL", "Likelihood", "NegativeBinomialNLL", "ScaledLoss", "ShapedLoss", "StudentTNLL",
           "ContentStyle", "CosineSimilarity", "GradNorm", "ImageLoss", "NLL", "WeightedSum", "SSIM", "TotalVariation",
           *(loss.__name__ for loss in registry.values())]

for _public in (Adversarial, CTC, GradientCheck, Loss, LossInfo, MultiTask, PairLoss, PolicyLoss, advantages, available, check_gradient,
                gradient_penalty, mgda, pcgrad, returns, ImageLoss, Likelihood, ScaledLoss, ShapedLoss):
    _public.__module__ = __name__


def get(name: str | Loss, **params: Any) -> Loss:
    """The loss of that name.

    Parameters
    ----------
    name : str or Loss
        One of ``losses.names()``, or ``'multinomial'``; or what PyTorch or Keras call it: 'mse', 'mae', 'bce', 'cross_entropy',
        'binary_crossentropy', 'smooth_l1_loss', … (`available` has them all).  A `Loss` is returned as it is.
    **params
        Parameters of that loss.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.get("huber", delta=2.0)
    Huber(delta=2.0)
    >>> losses.get(losses.Hinge())
    Hinge()
    >>> losses.get("mse")
    MeanSquaredError()
    """
    return registry.make(name, params)


def names(*, couples_outputs: bool = False) -> list[str]:
    """Names of all losses of one prediction; or of those that couple the predictions of a sample.

    Parameters
    ----------
    couples_outputs : bool, default=False
        Which of them.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.names()[:3]
    ['squared_error', 'absolute_error', 'huber']
    >>> losses.names(couples_outputs=True)
    ['multinomial']
    """
    return list(COUPLED_LOSS_NAMES if couples_outputs else LOSS_NAMES)
