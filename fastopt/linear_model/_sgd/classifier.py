"""Linear classification by SGD: classes as outputs, their weights, scores and probabilities.

Used through linear_model.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import DTypeLike
from scipy.special import expit
from sklearn.utils.multiclass import unique_labels

from fastopt._estimators.data import check_labels, encode, naming, weights_of_classes
from fastopt._estimators.docs import arguments
from fastopt._estimators.params import CLASS_LOSSES, loss_name
from fastopt._estimators.predictions import IMPROPER
from fastopt._estimators.sklearn import available_where
from fastopt._estimators.types import (
    Array,
    BatchSize,
    ClassWeight,
    Features,
    RandomState,
    RowWeights,
    Samples,
    SampleWeight,
    StepSchedule,
    TargetValues,
)
from fastopt._sgd.settings import Targets
from fastopt.linear_model._shared.docs import documented, passive_aggressive
from fastopt.linear_model._shared.params import CLASSIFIER, loss_functions
from fastopt.linear_model._shared.predict import Probable
from fastopt.losses import Loss, Multinomial

from .seeds import MAX_SEED, of_classifier, seed_of, skip
from .supervised import LearningRate, Penalty, Supervised

if TYPE_CHECKING:
    from typing import Self


def accuracy(codes: Array, weight: RowWeights) -> Callable[[Array], float]:
    """The accuracy of raw predictions (n, k), as a function of them; of two classes, class 0 is the positive one."""
    def score(p: Any) -> float:
        predicted = p[:, 0] <= 0 if p.shape[1] == 1 else p.argmax(axis=1)
        return float(np.average(predicted == codes, weights=weight))
    return score


@documented(coef="(1, n_features) for two classes, else (n_classes, n_features)", intercept="(1,) or (n_classes,)",
            **passive_aggressive('hinge'), stratified=", alike in its classes",
            without=("offset_",))
class SGDClassifier(Probable, Supervised):
    """Linear classifier trained by stochastic gradient descent: support vector machine, logistic regression and others.

    With float64 data and the same `random_state` it gives the weights of `sklearn.linear_model.SGDClassifier`; see Notes.

    Parameters
    ----------
    loss : str or Loss, default='hinge'
        A loss of `fastopt.losses` or its name: 'hinge' (support vector machine), 'log_loss' (logistic regression),
        'modified_huber', 'squared_hinge', 'perceptron', 'smooth_hinge', 'exponential', 'focal', 'binary_cross_entropy', 'poly'; or of a
        real target, which is then ±1: 'squared_error', 'huber', 'epsilon_insensitive' and so on; or of all classes together, learnt in
        mini-batches, with an output for each of two classes too: 'multinomial', 'softmax_focal', 'softmax_poly', 'sparsemax', and the
        hinges 'crammer_singer' and 'weston_watkins'.
    [parameters]

    [attributes]

    Notes
    -----
    What differs from scikit-learn 1.9:

    * More than two classes are learnt in one pass over the data, one against the rest, all in the same order of samples;
      with ``shuffle=False`` the weights are scikit-learn's.
    * Early stopping scores the weights that the user would get, averaged if `average`, by the accuracy over all
      classes, and all classes stop together.  scikit-learn scores weights before their lazy scale factor is applied,
      and compares labels {0, 1} with predictions ±1 for 'log_loss'.
    * `partial_fit` with `average` goes on with the intercept behind the average, which scikit-learn loses.
    * float32 data give predictions in float32.

    Steps so large that SGD is unstable (unscaled features; a small `alpha` with 'optimal') multiply differences of
    rounding from epoch to epoch, and weights then agree no better than scikit-learn's after X is multiplied by 1 + 1e-15.

    References
    ----------
    .. [1] K. Crammer et al. (2006), Online passive-aggressive algorithms, JMLR 7, 551–585.
    .. [2] L. Bottou (2012), Stochastic gradient descent tricks.
    .. [3] Y. Tsuruoka et al. (2009), Stochastic gradient descent training for l1-regularized log-linear models, ACL.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from fastopt.linear_model import SGDClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0)).fit(X, y)
    >>> model.score(X, y) > 0.9
    True

    Mini-batches of 64 rows, stepped by Adam, and one softmax of the classes:

    >>> batches = SGDClassifier(loss="log_loss", optimizer="adam", batch_size=64, multi_class="multinomial", random_state=0)
    >>> batches.fit(X, y).score(X, y) > 0.9
    True
    """

    _rules = CLASSIFIER
    loss_functions: ClassVar[dict[str, tuple[Any, ...]]] = loss_functions(CLASSIFIER)
    _warm_standard = False
    _classifies = True
    classes_: Any

    def __init__(self, loss: str | Loss = "hinge", *, penalty: Penalty | None = "l2", alpha: float = 0.0001,
                 l1_ratio: float | None = 0.15, fit_intercept: bool = True, max_iter: int = 1000,
                 tol: float | None = 1e-3, shuffle: bool = True, verbose: int = 0, epsilon: float = 0.1,
                 n_jobs: int | None = None, random_state: RandomState = None, learning_rate: LearningRate = "optimal",
                 eta0: float = 0.01, power_t: float = 0.5, early_stopping: bool = False,
                 validation_fraction: float = 0.1, n_iter_no_change: int = 5, class_weight: ClassWeight = None,
                 warm_start: bool = False, average: bool | int = False, restore_best: bool = False,
                 optimizer: str | None = None, batch_size: BatchSize = None, schedule: StepSchedule = None, clip_norm: float | None = None,
                 multi_class: Literal["ovr", "multinomial"] = "ovr",
                 optimizer_params: dict[str, Any] | None = None,
                 parallel: Literal["hogwild"] | None = None) -> None:
        self._keep(locals())

    @arguments
    def partial_fit(self, X: Features, y: TargetValues, classes: TargetValues | None = None, sample_weight: SampleWeight = None) -> Self:
        """Learn from some data for one epoch, going on where the last call ended.

        [arguments]

        [self]
        """
        return self._learn_once(X, y, sample_weight, classes)

    def _has_probabilities(self) -> bool:
        row, name = self._row_loss(), loss_name(self.loss)   # hinges have kinks, and no probabilities
        if not (row.smooth if row else name == "modified_huber" or self._loss().target == "unit" and name not in IMPROPER):
            raise AttributeError(f"probability estimates are not available for loss={self.loss!r}")
        return True

    @available_where(_has_probabilities)
    @arguments
    def predict_proba(self, X: Features) -> Array:
        """Probabilities, for 'modified_huber', the losses whose predictions are log-odds ('log_loss' and its kin), and those of all classes together
        but for their hinges.

        Those of more than two classes are one against the rest, normalised to a sum of 1; with
        ``multi_class='multinomial'`` their softmax, and with a loss of all classes together what it says (`Sparsemax`: shares of which many
        are 0).

        [arguments]

        Returns
        -------
        ndarray of shape (n_samples, n_classes)

        References
        ----------
        B. Zadrozny and C. Elkan (2002), Transforming classifier scores into multiclass probability estimates, KDD.
        T. Zhang (2004), Solving large scale linear prediction problems using stochastic gradient descent, ICML.
        """
        return super().predict_proba(X)

    # ---- hooks of the base ----

    def _check_partial(self) -> None:
        super()._check_partial()
        if isinstance(self.class_weight, str) and not hasattr(self, "coef_"):
            raise ValueError("class_weight 'balanced' is not supported for partial_fit. In order to use 'balanced' "
                             "weights, use compute_class_weight('balanced', classes=classes, y=y). In place of y you can use a large "
                             "enough sample of the full training set target to properly estimate the class frequency "
                             "distributions. Pass the resulting weights as the class_weight parameter.")

    def _row_loss(self) -> Loss | None:
        return self._loss() if loss_name(self.loss) in CLASS_LOSSES else None

    def _softmax(self) -> bool:
        return bool(self.multi_class == "multinomial")

    def _one_output(self, classes: Array) -> bool:
        """Whether one output tells two classes apart."""
        return len(classes) == 2 and self._row_loss() is None

    def _learnt_loss(self, k: int) -> Loss:
        return Multinomial() if k > 1 and self._softmax() else self._loss()

    def _positive(self, p: Array) -> Array:
        positive: Array = expit(p) if self._loss().target == "unit" else (np.clip(p, -1, 1) + 1) / 2
        return positive

    def _known_classes(self, classes: TargetValues | None) -> Array:
        """The classes of `partial_fit`, which the first call sets."""
        known: Array | None = getattr(self, "classes_", None)
        if classes is None:
            if known is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            return known
        with naming("classes"):
            given: Array = unique_labels(classes)
        if known is not None and not np.array_equal(known, given):
            raise ValueError(f"classes={given!r} is not the same as on last call to partial_fit, was: {known!r}")
        return given

    def _class_weights(self, classes: Array, counts: Array) -> Array | None:
        """(k, 2) weights of the positive and negative rows of each output."""
        weights = weights_of_classes(self.class_weight, classes, counts)
        if weights is None:
            return None
        if self._one_output(classes):
            return weights[::-1].reshape(1, 2)
        return np.stack([weights, np.ones_like(weights)], axis=1)

    def _targets(self, y: Array, weight: RowWeights, X: Samples, classes: TargetValues | None, fresh: bool) -> Targets:
        classes, codes, counts = check_labels(y, None if fresh else self._known_classes(classes))
        return Targets(self._numbered(codes, classes), 1 if self._one_output(classes) else len(classes),
                       negative=0 if self._loss().target in ("unit", "class") else -1,
                       class_weight=self._class_weights(classes, counts), attributes={"classes_": classes})

    def _numbered(self, codes: Array, classes: Array) -> Array:
        """The number of the output for which each row is positive; of two classes with one output the second one is output 0."""
        return np.subtract(1, codes, out=codes) if self._one_output(classes) else codes

    def _draw(self, targets: Targets, weight: RowWeights, n: int, splits: bool) -> tuple[int, Array | None]:
        if splits and targets.k == 1:   # a generator that the user gave is asked in scikit-learn's order
            rng = skip(self.random_state)
            held_out = self._split("StratifiedShuffleSplit", 1 - targets.y, weight)
            return int(rng.randint(MAX_SEED)), held_out
        rows = self._split("StratifiedShuffleSplit", targets.y, weight) if splits else None
        return seed_of(of_classifier, self.random_state, targets.k), rows

    def _score_of(self, y: Array, weight: RowWeights) -> Callable[[Array], float]:
        return accuracy(y, weight)

    def _eval_targets(self, y: Array, targets: Targets, dtype: DTypeLike) -> Array:
        classes = targets.attributes["classes_"]
        return self._numbered(encode(y, classes, "y of eval_set")[0], classes)
