"""The losses by name.

Used by objectives and estimators, and on their own.
"""
from __future__ import annotations

from typing import Any

from fastopt._core.tables import COUPLED_LOSS_NAMES, LOSS_NAMES
from fastopt.exceptions import InvalidParameterError

from . import _pairs
from ._adversarial import Adversarial, gradient_penalty
from ._amounts import *  # noqa: F403
from ._base import Loss, registry
from ._check import GradientCheck, check_gradient
from ._class_weights import class_balanced_weights
from ._classification import *  # noqa: F403
from ._combining import GradNorm, MultiTask, WeightedSum, mgda, pcgrad
from ._compiled import CompiledLoss
from ._cosine_rows import CosineSimilarity
from ._custom import CustomLoss
from ._images import SSIM, ContentStyle, TotalVariation
from ._images._base import ImageLoss
from ._likelihood_base import Likelihood
from ._likelihoods import AdaptiveRobust, GaussianNLL, LaplaceNLL, NegativeBinomialNLL, ScaledLoss, ShapedLoss, StudentTNLL
from ._multilabel import Dice, MultilabelCrossEntropy, Tversky
from ._names import CLASSES, LossInfo, available
from ._pairs import *  # noqa: F403
from ._policies import DQN, PolicyGradient, PolicyLoss, PPOClip, ValueFunction, advantages, returns
from ._probabilities import NLL
from ._ranking import BPR, LambdaRank, ListNet, MarginRanking, PairwiseLogistic, RankingLoss, ndcg
from ._regression import *  # noqa: F403
from ._row_losses import *  # noqa: F403
from ._sequences import CTC, MinimumRisk, SelfCritical, SequenceCrossEntropy, Transducer, edit_distance, perplexity
from ._survival import Cox, concordance
from ._whole import WholeLoss

#: what they are called elsewhere
SoftmaxCrossEntropy, SigmoidFocal = Multinomial, Focal  # noqa: F405

__all__ = ["AdaptiveRobust", "Adversarial", "BPR", "CTC", "CompiledLoss", "ContentStyle", "CosineSimilarity", "Cox", "CustomLoss", "DQN", "Dice",
           "GaussianNLL", "GradNorm", "GradientCheck", "ImageLoss", "LambdaRank", "LaplaceNLL", "Likelihood", "ListNet", "Loss", "LossInfo",
           "MarginRanking", "MinimumRisk", "MultiTask", "MultilabelCrossEntropy", "NLL", "NegativeBinomialNLL", "PPOClip", "PairwiseLogistic",
           "PolicyGradient", "PolicyLoss", "RankingLoss", "SSIM", "ScaledLoss", "SelfCritical", "SequenceCrossEntropy", "ShapedLoss", "SigmoidFocal",
           "SoftmaxCrossEntropy", "StudentTNLL", "TotalVariation", "Transducer", "Tversky", "ValueFunction", "WeightedSum", "WholeLoss", "advantages",
           "available", "check_gradient", "class_balanced_weights", "concordance", "edit_distance", "get", "gradient_penalty", "mgda", "names",
           "ndcg", "pcgrad", "perplexity", "returns", *_pairs.__all__, *(loss.__name__ for loss in registry.values())]


def get(name: str | Loss, **params: Any) -> Loss:
    """The loss of that name.

    Parameters
    ----------
    name : str or Loss
        One of ``losses.names()`` or ``losses.names(couples_outputs=True)``; or what PyTorch or Keras call it: 'mse', 'mae', 'bce', 'cross_entropy',
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
    if isinstance(name, str) and name not in registry and name not in registry.aliases and name in CLASSES:
        raise InvalidParameterError(f"{name} is a loss with arguments of its own: make a losses.{CLASSES[name]}")
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
    >>> losses.names(couples_outputs=True)[:4]
    ['multinomial', 'softmax_focal', 'softmax_poly', 'sparsemax']
    """
    return list(COUPLED_LOSS_NAMES if couples_outputs else LOSS_NAMES)


for _public in __all__:   # each is documented where users find it
    globals()[_public].__module__ = __name__
