"""Mini-batches in SGDClassifier and SGDRegressor against the plain reference: losses, penalties, classes, weights, schedules,
starts, held-out rows; and the optima of scipy and scikit-learn."""
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.utils import check_random_state

import fastopt as fo
from fastopt import batching, schedules
from fastopt._samples.order import shuffled
from fastopt.linear_model import SGDClassifier, SGDRegressor
from reference.batch import minibatches

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N, D = 90, 7
PENALTIES = {None: (0.0, 0.0), "l2": (0.02, 0.0), "l1": (0.0, 0.02), "elasticnet": (0.02 * 0.7, 0.02 * 0.3)}
CLASSIFIER_LOSSES = [name for name in fo.losses.names() if fo.losses.registry[name].target in ("sign", "unit", "real")]
REGRESSOR_LOSSES = [name for name in fo.losses.names() if fo.losses.registry[name].target not in ("sign", "unit")]
PARAMS = {"huber": {"delta": 0.125}, "epsilon_insensitive": {"epsilon": 0.125}, "squared_epsilon_insensitive": {"epsilon": 0.125},
          "quantile": {"quantile": 0.5}, "tweedie": {"power": 1.5}, "focal": {"gamma": 2.0, "alpha": None},
          "general_robust": {"alpha": 1.0, "scale": 1.0}, "smooth_l1": {"beta": 1.0}, "expectile": {"expectile": 0.5},
          "student_t": {"df": 4.0, "scale": 1.0}, "negative_binomial": {"alpha": 1.0}, "binary_cross_entropy": {"pos_weight": 1.0},
          "poly": {"epsilon": 1.0}}
LAYOUTS = {"dense": np.asarray, "csr": sp.csr_matrix}


def problem(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, D)) * (rng.random((N, D)) < 0.8)
    return X, X @ np.linspace(-1, 1, D) + 0.5 * rng.normal(size=N) + 0.2


def fit(cls, X, y, arguments=None, **params):
    return cls(**{"shuffle": False, "tol": None, "max_iter": 3, "batch_size": 8, "eta0": 0.05, "learning_rate": "constant",
                  "alpha": 0.02, "l1_ratio": 0.3, "epsilon": 0.125, **params}).fit(X, y, **(arguments or {}))


def reference(X, Y, loss, **options):
    Y = np.asarray(Y, float).reshape(len(X), -1)
    return minibatches(X, Y, loss, **{"lr": 0.05, "l2": 0.02, "order": [np.arange(N)] * 3, "params": PARAMS.get(loss), **options})


def agree(model, want, tolerance=1e-9, averaged=False):
    coef, intercept = (want.coef_avg, want.intercept_avg) if averaged else (want.coef, want.intercept)
    scale = tolerance * (1 + np.abs(coef).max())
    np.testing.assert_allclose(np.atleast_2d(model.coef_), coef, rtol=0, atol=scale)
    np.testing.assert_allclose(model.intercept_, intercept, rtol=0, atol=scale)
    np.testing.assert_allclose(model.loss_curve_, want.curve, rtol=tolerance)
    assert (model.n_iter_, model.t_) == (len(want.curve), want.t)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("name", CLASSIFIER_LOSSES)
def test_every_loss_and_penalty_classifies(name, penalty, layout):
    X, score = problem()
    y = score > 0
    l2, l1 = PENALTIES[penalty]
    model = fit(SGDClassifier, LAYOUTS[layout](X), y, loss=name, penalty=penalty)
    Y = np.where(y, 1, 0 if fo.losses.registry[name].target == "unit" else -1)
    agree(model, reference(X, Y, name, l2=l2, l1=l1))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("name", REGRESSOR_LOSSES)
def test_every_loss_and_penalty_regresses(name, penalty, layout):
    X, score = problem()
    y = score if fo.losses.registry[name].target == "real" else np.exp(0.3 * score)
    l2, l1 = PENALTIES[penalty]
    agree(fit(SGDRegressor, LAYOUTS[layout](X), y, loss=name, penalty=penalty), reference(X, y, name, l2=l2, l1=l1))


@pytest.mark.parametrize("multi_class", ["ovr", "multinomial"])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2.0, 2: 0.5}], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_classes_and_weights(layout, class_weight, multi_class):
    X, score = problem()
    y = np.digitize(score, [-0.7, 0.4])
    weight = np.random.default_rng(1).random(N)
    model = fit(SGDClassifier, LAYOUTS[layout](X), y, {"sample_weight": weight}, loss="log_loss", class_weight=class_weight,
                multi_class=multi_class, optimizer="adam")
    of_class = N / (3 * np.bincount(y)) if class_weight == "balanced" else np.array([2.0, 1.0, 0.5]) if class_weight else np.ones(3)
    want = reference(X, y[:, None] == np.arange(3), "softmax" if multi_class == "multinomial" else "log_loss", weight=weight,
                     optimizer="adam", class_weight=np.stack([of_class, np.ones(3)], axis=1))
    agree(model, want)
    p = X @ want.coef.T + want.intercept
    q = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True) if multi_class == "multinomial" else 1 / (1 + np.exp(-p))
    np.testing.assert_allclose(model.predict_proba(X), q / q.sum(axis=1, keepdims=True), rtol=1e-8)


def test_multinomial_of_two_classes_is_logistic_regression():
    X, score = problem()
    models = [fit(SGDClassifier, X, score > 0, loss="log_loss", multi_class=kind) for kind in ("ovr", "multinomial")]
    np.testing.assert_array_equal(*(model.coef_ for model in models))


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "schedule_free_sgd"])
def test_softmax_reaches_the_optimum_of_scikit_learn(optimizer):
    X, score = problem()
    y = np.digitize(score, [-0.7, 0.4])
    want = LogisticRegression(C=1 / (0.1 * N), tol=1e-10, max_iter=1000).fit(X, y)
    model = fit(SGDClassifier, X, y, loss="log_loss", multi_class="multinomial", optimizer=optimizer, batch_size=30, alpha=0.1,
                schedule=schedules.InverseTime(0.3, decay_rate=0.01, decay_steps=1), shuffle=True, max_iter=2000, random_state=0)
    np.testing.assert_allclose(model.coef_, want.coef_, atol=5e-3)
    np.testing.assert_allclose(model.predict_proba(X), want.predict_proba(X), atol=5e-3)


def test_full_batches_reach_the_optimum_of_scipy():
    X, score = problem()
    y = np.where(score > 0, 1.0, 0.0)

    def objective(w):
        p = X @ w[:-1] + w[-1]
        return np.mean(np.logaddexp(0, p) - y * p) + 0.05 * w[:-1] @ w[:-1]

    want = scipy.optimize.minimize(objective, np.zeros(D + 1), tol=1e-12).x
    for optimizer, eta0 in (("nesterov", 0.5), ("adam", 0.05), ("rprop", 0.1), ("adagrad", 1.0)):
        model = fit(SGDClassifier, X, y, loss="log_loss", optimizer=optimizer, batch_size=N, alpha=0.1, eta0=eta0, max_iter=3000)
        np.testing.assert_allclose(np.append(model.coef_, model.intercept_), want, atol=1e-5, err_msg=optimizer)


@pytest.mark.parametrize("cls", [SGDClassifier, SGDRegressor])
def test_the_order_is_that_of_per_sample_sgd(cls):
    X, score = problem()
    rng = check_random_state(5)
    if cls is SGDClassifier:
        rng.randint(1, 2**31 - 1)
    seed = rng.randint(2**31 - 1)
    model = fit(cls, X, score > 0 if cls is SGDClassifier else score, shuffle=True, random_state=5,
                **({"loss": "log_loss"} if cls is SGDClassifier else {}))
    want = reference(X, score > 0 if cls is SGDClassifier else score, "log_loss" if cls is SGDClassifier else "squared_error",
                     order=[shuffled(N, seed, epoch + 1) for epoch in range(3)])
    agree(model, want)


@pytest.mark.parametrize("average", [True, 5])
def test_averages(average):
    X, score = problem()
    model = fit(SGDRegressor, X, score, average=average, optimizer="adam")
    agree(model, reference(X, score, "squared_error", average=int(average), optimizer="adam"), averaged=True)


def test_other_parameters():
    X, score = problem()
    y = np.column_stack([score, -score**2])
    model = fit(SGDRegressor, X, y, fit_intercept=False, optimizer="rmsprop", clip_norm=0.3, batch_size=500,
                optimizer_params={"centered": True, "momentum": 0.5})
    want = reference(X, y, "squared_error", intercept=False, optimizer="rmsprop", clip_norm=0.3, sizes=500,
                     settings={"centered": True, "momentum": 0.5})
    agree(model, want)
    assert not model.intercept_.any()
    agree(fit(SGDRegressor, X.astype(np.float32), score, optimizer="adam"), reference(X, score, "squared_error", optimizer="adam"),
          1e-4)


@pytest.mark.parametrize("sizes", [batching.Growing(2, 2, every=5, max_size=40), batching.RandomSize(1, 20)], ids=str)
def test_sizes_from_a_strategy(sizes):
    X, score = problem()
    agree(fit(SGDRegressor, X, score, batch_size=sizes), reference(X, score, "squared_error", sizes=sizes.size))


@pytest.mark.parametrize("schedule", [lambda t: 0.1 / (1 + t), schedules.Cosine(0.1, decay_steps=20), schedules.OneCycle(0.1, total_steps=60),
                                      schedules.Warmup(schedules.StepDecay(0.1, step_size=9), 5)], ids=str)
def test_schedules(schedule):
    X, score = problem()
    for optimizer in ("sgd", "adam", "rprop", "ftrl"):
        agree(fit(SGDRegressor, X, score, schedule=schedule, optimizer=optimizer),
              reference(X, score, "squared_error", lr=schedule, optimizer=optimizer))


@pytest.mark.parametrize("learning_rate, rate", [("constant", lambda t: 0.05), ("optimal", lambda t: 0.05),
                                                 ("invscaling", lambda t: 0.05 / (t + 1) ** 0.3)])
def test_learning_rates(learning_rate, rate):
    """A mini-batch is a step; 'optimal' is a rate for single samples, and eta0 here."""
    X, score = problem()
    agree(fit(SGDRegressor, X, score, learning_rate=learning_rate, power_t=0.3), reference(X, score, "squared_error", lr=rate))


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "ftrl", "lamb", "dog", "asgd", "schedule_free_sgd"])
def test_where_to_start(optimizer):
    """coef_init, and warm starts: with the weights of before, and an optimizer that begins anew."""
    X, score = problem()
    rng = np.random.default_rng(2)
    start = rng.normal(size=(1, D)), rng.normal(size=1)
    arguments = {"coef_init": start[0], "intercept_init": start[1]}
    model = fit(SGDRegressor, X, score, arguments, optimizer=optimizer, warm_start=True, penalty="elasticnet")
    penalty = {"l2": 0.02 * 0.7, "l1": 0.02 * 0.3, "optimizer": optimizer}
    want = reference(X, score, "squared_error", start=start, **penalty)
    agree(model, want)
    agree(model.fit(X, score), reference(X, score, "squared_error", start=(want.coef, want.intercept), **penalty))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_muon_steps_weights_and_adamw_intercepts(layout):
    """The matrix of weights is (outputs, features) whatever the layout, and a single row of it is normalised."""
    X, score = problem()
    wide = np.column_stack([score, -score**2, score > 0, *(np.sin(j * score) for j in range(8))])   # 11 outputs of 7 features
    for Y, intercept, options in ((score, True, {}), (wide[:, :3], False, {"clip_norm": 0.1}), (wide, True, {"average": 5}),
                                  (wide, True, {"settings": {"nesterov": False, "adjust_lr": "match_rms_adamw", "ns_steps": 3}})):
        own = {"optimizer_params" if name == "settings" else name: value for name, value in options.items()}
        model = fit(SGDRegressor, LAYOUTS[layout](X), Y, optimizer="muon", fit_intercept=intercept, **own)
        agree(model, reference(X, Y, "squared_error", optimizer="muon", intercept=intercept, **options), averaged="average" in own)
    y = np.digitize(score, [-0.7, 0.4])
    agree(fit(SGDClassifier, LAYOUTS[layout](X.astype(np.float32)), y, loss="log_loss", multi_class="multinomial", optimizer="muon"),
          reference(X, y[:, None] == np.arange(3), "softmax", optimizer="muon"), 1e-4)


@pytest.mark.parametrize("optimizer", ["adamw", "lion", "lamb", "adabelief", "muon"])
def test_the_penalty_is_the_weight_decay_of_the_optimizer(optimizer):
    """Nothing comes on top by a default of the optimizer, and intercepts do not decay."""
    X, score = problem()
    start = np.ones((1, D)), np.ones(1)
    model = fit(SGDRegressor, X, np.zeros(N), {"coef_init": start[0], "intercept_init": start[1]}, optimizer=optimizer, penalty=None)
    agree(model, reference(X, np.zeros(N), "squared_error", start=start, optimizer=optimizer, l2=0.0))
    agree(fit(SGDRegressor, X, score, optimizer=optimizer, alpha=0.7),
          reference(X, score, "squared_error", optimizer=optimizer, l2=0.7))
