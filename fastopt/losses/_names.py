"""What losses are called elsewhere, and what there is.

Used through fastopt.losses.
"""
from __future__ import annotations

from dataclasses import dataclass

from fastopt._common.registry import parameters_of

from ._adversarial import Adversarial
from ._base import Loss, registry
from ._combining import GradNorm, MultiTask, WeightedSum
from ._cosine_rows import CosineSimilarity
from ._images import SSIM, ContentStyle, TotalVariation
from ._likelihoods import AdaptiveRobust, GaussianNLL, LaplaceNLL, NegativeBinomialNLL, StudentTNLL
from ._multilabel import Dice, MultilabelCrossEntropy, Tversky
from ._pairs import ArcFace, Circle, ContrastivePair, CosineEmbedding, InfoNCE, NTXent, SigLIP, Triplet
from ._policies import DQN, PolicyGradient, PPOClip, ValueFunction
from ._probabilities import NLL
from ._ranking import BPR, LambdaRank, ListNet, MarginRanking, PairwiseLogistic
from ._sequences import CTC, MinimumRisk, SelfCritical, SequenceCrossEntropy, Transducer
from ._survival import Cox

#: names of PyTorch, Keras, scikit-learn and books, by ours
_OTHERS = {
    "mean_squared_error": ["mse", "mse_loss"],
    "mean_squared_log_error": ["msle", "mean_squared_logarithmic_error"],
    "absolute_error": ["mae", "l1_loss", "mean_absolute_error"],
    "huber": ["huber_loss"],
    "smooth_l1": ["smooth_l1_loss"],
    "log_cosh": ["logcosh"],
    "quantile": ["pinball"],
    "poisson": ["poisson_nll", "poisson_nll_loss"],
    "log_loss": ["logistic"],
    "binary_cross_entropy": ["bce", "bce_with_logits", "binary_crossentropy", "binary_cross_entropy_with_logits"],
    "focal": ["binary_focal_crossentropy", "sigmoid_focal", "sigmoid_focal_loss"],
    "multinomial": ["cross_entropy", "softmax_cross_entropy", "sparse_categorical_crossentropy", "nll", "nll_loss"],
}
registry.aliases.update({other: name for name, others in _OTHERS.items() for other in others})

_TASKS = {"real": "regression", "nonnegative": "counts and amounts", "positive": "positive amounts", "sign": "two classes",
          "unit": "two classes, or shares", "class": "several classes", "shares": "rows of shares or amounts", "amounts": "rows of shares or amounts"}


#: the losses with arguments of their own, which are made by their class and not by name: by what they are for
FAMILIES: dict[str, tuple[type, ...]] = {
    "many labels": (MultilabelCrossEntropy, Dice, Tversky),
    "probabilities and directions": (NLL, CosineSimilarity),
    "learnt scales": (GaussianNLL, LaplaceNLL, StudentTNLL, NegativeBinomialNLL, AdaptiveRobust),
    "sequences": (CTC, Transducer, SequenceCrossEntropy, MinimumRisk, SelfCritical),
    "pairs of embeddings": (InfoNCE, NTXent, SigLIP),
    "metric learning": (Triplet, Circle, ContrastivePair, CosineEmbedding, ArcFace),
    "rankings": (PairwiseLogistic, MarginRanking, ListNet, LambdaRank, BPR),
    "survival": (Cox,),
    "policies": (PolicyGradient, PPOClip, ValueFunction, DQN),
    "adversaries": (Adversarial,),
    "images": (SSIM, TotalVariation, ContentStyle),
    "several tasks": (WeightedSum, MultiTask, GradNorm),
}

#: the names of their classes by what they are called
CLASSES = {str(kind.__dict__["name"]): kind.__name__ for kinds in FAMILIES.values() for kind in kinds}


@dataclass(frozen=True)
class LossInfo:
    """What is known of a loss.

    Parameters
    ----------
    name : str
        For ``losses.get``, or the name of the class.
    task : str
        What it is for.
    target : str
        What `y` may be, as `Loss.target` says it; empty where the loss has arguments of its own.
    parameters : dict
        Parameters with their defaults; ``...`` for one that must be given.
    convex, smooth : bool or None
        As of the loss with its defaults; None where that depends on the argument.
    other_names : tuple of str
        What else ``losses.get`` knows it by.
    kind : type
        The class.
    """

    name: str
    task: str
    target: str
    parameters: dict[str, object]
    convex: bool | None
    smooth: bool | None
    other_names: tuple[str, ...]
    kind: type


def _defaults(kind: type) -> dict[str, object]:
    return {key: ... if parameter.default is parameter.empty else parameter.default for key, parameter in parameters_of(kind).items()}


def _info(name: str, kind: type[Loss]) -> LossInfo:
    loss = kind()
    return LossInfo(name, _TASKS[loss.target], loss.target, _defaults(kind), loss.convex, loss.smooth, tuple(_OTHERS.get(name, ())), kind)


def available(task: str | None = None) -> list[LossInfo]:
    """All losses, each with what it is for, what its targets are, and its parameters.

    Parameters
    ----------
    task : str, optional
        Those for it alone.

    Returns
    -------
    list of LossInfo
        First those that ``losses.get`` knows, which models learn; then those with arguments of their own.

    Examples
    --------
    >>> from fastopt import losses
    >>> [loss.name for loss in losses.available("counts and amounts")]
    ['poisson', 'tweedie', 'negative_binomial', 'mean_squared_log_error']
    >>> [loss.name for loss in losses.available("rankings")]
    ['PairwiseLogistic', 'MarginRanking', 'ListNet', 'LambdaRank', 'BPR']
    >>> next(loss.parameters for loss in losses.available() if loss.name == "huber")
    {'delta': 1.35}
    """
    found = [_info(name, kind) for name, kind in registry.items()]
    found += [LossInfo(kind.__name__, purpose, "", _defaults(kind), None, None, (), kind) for purpose, kinds in FAMILIES.items() for kind in kinds]
    return [info for info in found if task in (None, info.task)]
