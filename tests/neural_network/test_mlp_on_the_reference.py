"""What has no like in scikit-learn, on the plain network of tests/reference in place of the engine: the same weights and losses."""
import numpy as np
import pytest

from fastopt import losses, optimizers, schedules
from fastopt.neural_network import MLPClassifier, MLPRegressor
from fastopt.neural_network._mlp import engine
from network_data import BINARY, CLASSES, COLUMNS, COUNTS, LABELS, NUMBERS, WEIGHTS
from reference import network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
BASE = {"hidden_layer_sizes": (7, 5), "max_iter": 6, "random_state": 3, "batch_size": 32, "learning_rate_init": 0.01}
CASES = {
    "activations": (MLPClassifier, CLASSES, {"activation": ["tanh", "silu"]}),
    "gelu": (MLPRegressor, COLUMNS, {"activation": "gelu"}),
    "softplus, elu": (MLPClassifier, LABELS, {"activation": ["softplus", "elu"], "solver": "sgd"}),
    "one output of units that are not 0 at 0": (MLPRegressor, NUMBERS, {"activation": ["tanh", "softplus"]}),
    "hinge": (MLPClassifier, CLASSES, {"loss": "squared_hinge"}),
    "hinges of rows": (MLPClassifier, CLASSES, {"loss": "weston_watkins"}),
    "two outputs for two classes": (MLPClassifier, BINARY, {"loss": "multinomial"}),
    "smoothed": (MLPClassifier, CLASSES, {"loss": losses.Multinomial(label_smoothing=0.2)}),
    "sparsemax": (MLPClassifier, CLASSES, {"loss": "sparsemax"}),
    "squares of signs": (MLPClassifier, CLASSES, {"loss": "squared_error"}),
    "huber": (MLPRegressor, COLUMNS, {"loss": losses.Huber(delta=0.5), "alpha": 1.0}),
    "gamma": (MLPRegressor, (COUNTS[0], COUNTS[1] + 1), {"loss": "gamma"}),
    "levels": (MLPRegressor, NUMBERS, {"loss": losses.QuantileLevels(0.1, 0.9, 3)}),
    "class weights": (MLPClassifier, CLASSES, {"class_weight": {0: 3.0, 1: 0.5, 2: 1.0}}),
    "adamw": (MLPClassifier, CLASSES, {"optimizer": "adamw", "optimizer_params": {"betas": (0.8, 0.9)}}),
    "momentum": (MLPRegressor, NUMBERS, {"optimizer": optimizers.SGD(np.zeros(1), lr=0.01, momentum=0.5)}),
    "schedule": (MLPClassifier, CLASSES, {"schedule": schedules.Cosine(0.02, decay_steps=25)}),
    "plateau": (MLPClassifier, CLASSES, {"schedule": schedules.ReduceOnPlateau(0.02, patience=0, threshold=0.9)}),
    "by a scorer": (MLPClassifier, CLASSES, {"early_stopping": True, "scoring": "neg_log_loss"}),
    "by the loss": (MLPRegressor, COLUMNS, {"early_stopping": True, "scoring": "loss", "loss": "log_cosh"}),
    "first weights": (MLPClassifier, CLASSES, {"init": "orthogonal"}),
    "lbfgs": (MLPRegressor, NUMBERS, {"solver": "lbfgs", "loss": "log_cosh", "activation": "silu"}),
}


def both(monkeypatch, case, **fit):
    cls, (X, y), parameters = CASES[case]
    model = cls(**{**BASE, **parameters}).fit(X, y, **fit)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "Network", network.Network)
        return model, cls(**{**BASE, **parameters}).fit(X, y, **fit)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
def test_as_on_the_reference(monkeypatch, case, weights):
    model, plain = both(monkeypatch, case, sample_weight=weights)
    for a, b in zip(model.coefs_ + model.intercepts_, plain.coefs_ + plain.intercepts_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6 if case == "lbfgs" else 1e-9, atol=1e-6 if case == "lbfgs" else 1e-9)
    for name in ("loss_curve_", "validation_loss_curve_", "validation_scores_", "loss_"):
        a, b = getattr(model, name, None), getattr(plain, name, None)
        assert (a is None) == (b is None)
        if b is not None:
            np.testing.assert_allclose(a, b, rtol=1e-8)


def test_rows_without_weight_are_as_if_they_were_not_there(monkeypatch):
    """A batch of them is no step."""
    weights = np.where(np.arange(len(WEIGHTS)) < 64, 0.0, WEIGHTS)
    for shuffle in (True, False):
        X, y = CLASSES
        model = MLPClassifier(**BASE, shuffle=shuffle).fit(X, y, sample_weight=weights)
        assert all(np.isfinite(coef).all() for coef in model.coefs_)
    alone = MLPClassifier(**BASE, shuffle=False).fit(X[64:], y[64:], sample_weight=weights[64:])
    for a, b in zip(model.coefs_, alone.coefs_):
        np.testing.assert_allclose(a, b, rtol=1e-12)
