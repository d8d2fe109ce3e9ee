"""Classification by a perceptron: labels as outputs, their scores and probabilities.

Used through neural_network.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer

from fastopt._common.rules import refuse
from fastopt._estimators.data import Takes, weights_of_classes
from fastopt._estimators.docs import arguments
from fastopt._estimators.predictions import IMPROPER, Probable, one_against_rest
from fastopt._estimators.sklearn import Events, available_where
from fastopt._estimators.types import (
    Array,
    ClassWeight,
    Features,
    RandomState,
    RowWeights,
    Samples,
    SampleWeight,
    Scoring,
    StepSchedule,
    TargetValues,
)
from fastopt.losses import LogLoss, Loss, Multinomial
from fastopt.optimizers import Optimizer

from . import labels as _labels
from .base import Call, Perceptron, Targets, has_partial_fit
from .docs import documented
from .labels import MULTILABEL, Labels
from .measure import accuracy
from .params import CLASSIFIER, loss_itself

if TYPE_CHECKING:
    from typing import Self


@documented(stratified=", alike in its classes if these are two", score="accuracy")
class MLPClassifier(Probable, ClassifierMixin, Perceptron):
    """Multi-layer perceptron classifier.

    With float64 data and the same `random_state` it gives the weights of `sklearn.neural_network.MLPClassifier`; see Notes.

    Parameters
    ----------
    loss : str or Loss, default='log_loss'
        A loss of `fastopt.losses` or its name: 'log_loss', of one output for two classes and for each of several labels a sample, of the
        softmax of more classes; 'focal', 'binary_cross_entropy', 'hinge', 'squared_hinge' and others of a class, one against the rest; or of
        all classes together: 'softmax_focal', 'softmax_poly', 'sparsemax', 'crammer_singer', 'weston_watkins'.
    [parameters]

    [attributes]

    Notes
    -----
    y may hold one label a sample, of any type, or a matrix of 0 and 1, several labels.  What differs from scikit-learn: weights are as they
    were after an error; a fit that diverges ends there; losses are not clipped at the rounding of probabilities.

    References
    ----------
    X. Glorot and Y. Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, AISTATS.
    D. P. Kingma and J. Ba (2015), Adam: a method for stochastic optimization, ICLR, arXiv:1412.6980.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from fastopt.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), MLPClassifier(16, learning_rate_init=0.01, max_iter=1000, random_state=0)).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    _rules = CLASSIFIER
    _takes = Takes(indicators=True)
    classes_: Array
    _kind: str

    def __init__(self, hidden_layer_sizes: int | Sequence[int] = (100,), activation: str | Sequence[str] = "relu", *,
                 solver: Literal["lbfgs", "sgd", "adam"] = "adam", alpha: float = 0.0001, batch_size: int | Literal["auto"] = "auto",
                 learning_rate: Literal["constant", "invscaling", "adaptive"] = "constant", learning_rate_init: float = 0.001,
                 power_t: float = 0.5, max_iter: int = 200, shuffle: bool = True, random_state: RandomState = None, tol: float = 1e-4,
                 verbose: bool | int = False, warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True,
                 early_stopping: bool = False, validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999,
                 epsilon: float = 1e-8, n_iter_no_change: float = 10, max_fun: int = 15000, loss: str | Loss = "log_loss",
                 class_weight: ClassWeight = None, dropout: float | Sequence[float] = 0.0, init: str = "scikit-learn",
                 optimizer: str | Optimizer | None = None,
                 optimizer_params: dict[str, Any] | None = None, schedule: StepSchedule = None, scoring: Scoring = None,
                 restore_best: bool = False, keep_gradient_norms: bool = False, n_jobs: int | None = None) -> None:
        self._keep(locals())

    @available_where(has_partial_fit)
    @arguments
    def partial_fit(self, X: Features, y: TargetValues, sample_weight: SampleWeight = None, classes: TargetValues | None = None) -> Self:
        """Learn from some data for one epoch, going on where the last call ended.

        [arguments]

        [self]
        """
        self._check()
        return self._learn(X, y, sample_weight, Call(Events.silent(), incremental=True, classes=classes))

    # ---- predictions ----

    @arguments
    def predict(self, X: Features) -> Array:
        """Classes.

        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_classes) of 0 and 1 for several labels
        """
        found = self._decided(self._raw(X))
        return found if self._kind == MULTILABEL else self._labels_of(found)

    def _has_probabilities(self) -> bool:
        loss = loss_itself(vars(self))
        if not (loss.smooth if loss.couples_outputs else loss.target == "unit" and loss.name not in IMPROPER):
            raise AttributeError(f"probability estimates are not available for loss={self.loss!r}")
        return True

    def _probabilities(self, p: Array) -> Array:
        loss = self._learnt_loss(vars(self))
        found = loss._predict(p)
        return found if loss.couples_outputs or self._kind == MULTILABEL else one_against_rest(found)

    def _decided(self, raw: Array) -> Array:
        """Numbers of classes, or 0 and 1 for several labels."""
        if self._kind == MULTILABEL:
            return (raw > 0).astype(np.int64)
        if raw.shape[1] == 1:
            return (raw[:, 0] > 0).astype(np.intp) if len(self.classes_) > 1 else np.zeros(len(raw), np.intp)
        found: Array = raw.argmax(axis=1)
        return found

    @property
    def _label_binarizer(self) -> LabelBinarizer:
        """What scikit-learn's class keeps: converters look at its `y_type_`."""
        if "classes_" not in vars(self):
            raise AttributeError("_label_binarizer")
        k = len(self.classes_)
        return LabelBinarizer().fit(np.eye(max(2, k), k, dtype=int) if self._kind == MULTILABEL else self.classes_)

    # ---- hooks of the base ----

    def _known_labels(self, y: Array, call: Call) -> Labels:
        """The labels of a call that goes on with earlier classes, or is told them."""
        classes = vars(self).get("classes_")
        if call.classes is not None and classes is not None and not np.array_equal(classes, _labels.first_classes(call.classes)):
            raise ValueError(f"`classes={call.classes!r}` is not the same as on last call to partial_fit, was: {classes!r}")
        if classes is not None:
            return _labels.known(y, classes, self._kind, bool(self.warm_start))
        if call.classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        classes = _labels.first_classes(call.classes)
        return _labels.known(y, classes, MULTILABEL if y.ndim == 2 else _labels.kind_of(classes), bool(self.warm_start))

    def _targets(self, y: Array, X: Samples, weight: RowWeights, call: Call, fresh: bool, dtype: Any) -> Targets:
        goes_on = call.incremental or bool(self.warm_start) and "classes_" in vars(self)
        labels = self._known_labels(y, call) if goes_on else _labels.found(y)
        attributes = {"classes_": labels.classes, "_kind": labels.kind}
        loss = self._learnt_loss(attributes)
        if loss.couples_outputs and (labels.kind == MULTILABEL or len(labels.classes) < 2):
            refuse("loss", "one of each output for several labels a sample, or for a single class", self.loss, owner=type(self).__name__)
        return Targets(self._learnt(labels, loss, dtype), len(labels.classes) if loss.couples_outputs else labels.outputs, labels.codes,
                       self._all_weights(labels, weight, call, dtype), attributes, labels.codes == 1 if labels.kind == "binary" else None)

    def _learnt(self, labels: Labels, loss: Loss, dtype: Any) -> Array:
        if loss.couples_outputs:
            return _labels.numbers(labels)
        return _labels.matrix(labels, -1 if loss.target == "real" else 0, dtype)

    def _all_weights(self, labels: Labels, weight: RowWeights, call: Call, dtype: Any) -> RowWeights:
        """Those of samples times those of classes."""
        if self.class_weight is None:
            return None if weight is None else weight.astype(dtype, copy=False)
        if labels.kind == MULTILABEL:
            refuse("class_weight", "None for several labels a sample", self.class_weight, owner=type(self).__name__)
        if call.incremental and isinstance(self.class_weight, str):
            raise ValueError("class_weight 'balanced' is not supported for partial_fit: it is of all samples, of which a call sees a part; pass a "
                             "dict of weights, as compute_class_weight makes it")
        each = weights_of_classes(self.class_weight, labels.classes, labels.counts)
        assert each is not None
        found = each[labels.codes].astype(dtype)
        return found if weight is None else found * weight

    def _learnt_loss(self, attributes: Mapping[str, Any]) -> Loss:
        loss = loss_itself(vars(self))
        return Multinomial() if isinstance(loss, LogLoss) and attributes["_kind"] == "multiclass" else loss

    def _out_activation(self, loss: Loss) -> str:
        if loss.couples_outputs:
            return "softmax" if loss.smooth else "identity"
        return "logistic" if loss.target == "unit" else "identity"

    def _score_of(self, truth: Array, weight: RowWeights) -> Callable[[Array], float]:
        return lambda raw: accuracy(truth, self._decided(raw), weight)

    def _labels_of(self, truth: Array) -> Array:
        return truth if truth.ndim == 2 else self.classes_[truth]

    def _eval_targets(self, y: Array, targets: Targets, dtype: Any) -> tuple[Array, Array]:
        labels = _labels.known(y, targets.attributes["classes_"], targets.attributes["_kind"], False)
        return self._learnt(labels, self._learnt_loss(targets.attributes), dtype), labels.codes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

