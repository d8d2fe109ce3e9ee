"""Mini-batches whose learning rate or size follows from each batch, PolyakStep and NoiseScale, against the plain reference; threads,
partial_fit, early stopping, divergence; and what they do not go with."""
import pickle

import numpy as np
import pytest
import scipy.sparse as sp

from fastopt import batching, schedules
from fastopt.exceptions import DivergenceError, InvalidParameterError
from fastopt.linear_model import SGDClassifier, SGDRegressor
from reference.batch import Noise, Polyak, minibatches

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N, D = 131, 7
LAYOUTS = {"dense": np.asarray, "csr": sp.csr_matrix, "strided": lambda X: np.repeat(X, 2, axis=0)[::2]}
# what the estimators and the reference are driven by
DRIVEN = {
    "polyak": (lambda: {"schedule": schedules.PolyakStep(f_star=-0.01, max_lr=0.2, c=2.0)}, lambda: {"lr": Polyak(f_star=-0.01, max_lr=0.2, c=2.0)}),
    "noise": (lambda: {"batch_size": batching.NoiseScale(4, 1, 40, 0.6)}, lambda: {"sizes": Noise(4, 1, 40, 0.6)}),
    "both": (lambda: {"schedule": schedules.PolyakStep(max_lr=0.2), "batch_size": batching.NoiseScale(9, decay=0.2)},
             lambda: {"lr": Polyak(max_lr=0.2), "sizes": Noise(9, decay=0.2)}),
}


def problem(n=N, d=D, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.8)
    return X, X @ np.linspace(-1, 1, d) + 0.5 * rng.normal(size=n) + 0.2


def make(cls, **params):
    return cls(**{"shuffle": False, "tol": None, "max_iter": 4, "batch_size": 8, "eta0": 0.05, "learning_rate": "constant",
                  "alpha": 0.02, "random_state": 0, **params})


def reference(X, Y, loss, **options):
    Y = np.asarray(Y, float).reshape(len(X), -1)
    return minibatches(X, Y, loss, **{"lr": 0.05, "l2": 0.02, "order": [np.arange(len(X))] * 4, **options})


def agree(model, want, tolerance=1e-9):
    np.testing.assert_allclose(np.atleast_2d(model.coef_), want.coef, rtol=0, atol=tolerance * (1 + np.abs(want.coef).max()))
    np.testing.assert_allclose(model.intercept_, want.intercept, rtol=0, atol=tolerance * (1 + np.abs(want.coef).max()))
    np.testing.assert_allclose(model.loss_curve_, want.curve, rtol=tolerance)
    assert model.t_ == want.t


def same(one, other):
    np.testing.assert_array_equal(one.coef_, other.coef_)
    np.testing.assert_array_equal(one.intercept_, other.intercept_)
    assert (one.t_, one.loss_curve_) == (other.t_, other.loss_curve_)


@pytest.mark.parametrize("kind", ["ovr", "multinomial", "squared_error"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("driven", DRIVEN)
def test_every_batch_drives_the_next_step(driven, layout, kind):
    """Rates are those of all outputs together, by the losses as the gradient weighs them; sizes change from batch to batch."""
    X, score = problem()
    ours, plain = DRIVEN[driven]
    weight = np.random.default_rng(1).random(N)
    for optimizer, intercept, clip_norm in (("sgd", True, None), ("sgd", False, None), ("adam", True, None), ("lamb", True, None),
                                            ("sgd", True, 0.3)):
        params = {"optimizer": optimizer, "fit_intercept": intercept, "clip_norm": clip_norm, **ours()}
        options = {"optimizer": optimizer, "intercept": intercept, "clip_norm": clip_norm, "weight": weight, **plain()}
        if kind == "squared_error":
            Y = np.column_stack([score, np.abs(score)])
            model, want = make(SGDRegressor, **params), reference(X, Y, kind, **options)
        else:
            Y, of_class = np.digitize(score, [-0.7, 0.4]), np.array([2.0, 1.0, 0.5])
            model = make(SGDClassifier, loss="log_loss", multi_class=kind, class_weight={0: 2.0, 2: 0.5}, **params)
            want = reference(X, Y[:, None] == np.arange(3), "softmax" if kind == "multinomial" else "log_loss",
                             class_weight=np.stack([of_class, np.ones(3)], axis=1), **options)
        agree(model.fit(LAYOUTS[layout](X), Y, sample_weight=weight), want)


@pytest.mark.parametrize("driven", DRIVEN)
def test_float32_and_batches_beyond_a_block(driven):
    """Rows are made ready 4,096 at a time; a batch, and half of it, may go on in the next block."""
    X, score = problem(9001, 5)
    ours, plain = DRIVEN[driven]
    params, options = ours(), plain()
    if driven == "polyak":
        params["batch_size"] = options["sizes"] = 3000
    else:
        params["batch_size"], options["sizes"] = batching.NoiseScale(5000, 4500, 8000), Noise(5000, 4500, 8000)
    agree(make(SGDRegressor, **params).fit(X, score), reference(X, score, "squared_error", **options))
    agree(make(SGDRegressor, **params).fit(X.astype(np.float32), score), reference(X, score, "squared_error", **{
        **options, **plain(), "sizes": options["sizes"] if driven == "polyak" else Noise(5000, 4500, 8000)}), 1e-4)


@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("driven", DRIVEN)
def test_same_bits_for_any_n_jobs(many_threads, driven, layout):
    X, score = problem(600, 900)
    y = np.digitize(score, [-0.7, 0.4])
    params = {"batch_size": 64, **DRIVEN[driven][0]()}
    if driven != "polyak":
        params["batch_size"] = batching.NoiseScale(48, 33)
    for optimizer in ("sgd", "adam", "lamb"):
        models = [make(SGDClassifier, loss="log_loss", multi_class="multinomial", optimizer=optimizer, n_jobs=jobs, shuffle=True, average=3,
                       **params).fit(LAYOUTS[layout](X.astype(np.float32)), y) for jobs in (1, 2, 5)]
        same(models[0], models[1])
        same(models[0], models[2])


@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("driven", DRIVEN)
def test_partial_fit_goes_on_exactly(driven, layout):
    """Rates and sizes too, also after pickling; what the user gave stays as it was."""
    X, score = problem()
    for optimizer, extra in (("sgd", {"average": 20}), ("adam", {"shuffle": True})):
        params = {"optimizer": optimizer, **DRIVEN[driven][0](), **extra, "shuffle": False}
        if driven == "polyak":
            params["schedule"] = schedules.Warmup(params["schedule"], 5)
        untouched = pickle.dumps((params.get("schedule"), params.get("batch_size")))
        once, parts = make(SGDRegressor, **params).fit(LAYOUTS[layout](X), score), make(SGDRegressor, **params)
        for _ in range(4):
            parts = pickle.loads(pickle.dumps(parts.partial_fit(LAYOUTS[layout](X), score)))
        same(once, parts)
        assert pickle.dumps((params.get("schedule"), params.get("batch_size"))) == untouched
        same(once.fit(LAYOUTS[layout](X), score), make(SGDRegressor, **params).fit(LAYOUTS[layout](X), score))


class Sizes:
    """NoiseScale as a user's own."""
    driven_by = "noise"

    def __init__(self, strategy):
        self.strategy = strategy
        self.size, self.update = strategy.size, strategy.update


@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("driven", DRIVEN)
def test_what_is_asked_in_python_gives_the_same_bits(driven, layout):
    """As what is followed without it; and afterwards both are what they have become."""
    X, score = problem(40)
    given = {"max_iter": 1, **DRIVEN[driven][0]()}
    for wrapped in ("schedule", "batch_size"):
        own = {**given, "batch_size": given.get("batch_size", 8)}
        if wrapped in given:
            own[wrapped] = schedules.Warmup(given[wrapped], 0) if wrapped == "schedule" else Sizes(given[wrapped])
        models = [make(SGDRegressor, **params).fit(LAYOUTS[layout](X), score) for params in (given, own)]
        same(*models)
        one, other = (model._memory.left[0 if wrapped == "schedule" else 1] for model in models)
        if wrapped in given:
            assert (other.schedule if wrapped == "schedule" else other.strategy) == one != given[wrapped]


@pytest.mark.parametrize("driven", DRIVEN)
def test_early_stopping_and_divergence(driven):
    X, score = problem()
    params = DRIVEN[driven][0]()
    early = make(SGDRegressor, max_iter=500, tol=1e-3, n_iter_no_change=2, early_stopping=True, **params)
    assert 1 < early.fit(X, score, eval_set=(X, score)).n_iter_ < 500
    want = reference(X, score, "squared_error", **{**DRIVEN[driven][1](), "order": [np.arange(N)] * early.n_iter_})
    agree(early, want)
    wild = make(SGDRegressor, **{**params, "schedule": schedules.PolyakStep(f_star=-1e300, max_lr=1e300) if driven != "noise"
                                 else lambda t: 0.01 if t < 9 else 1e300})
    with pytest.raises(DivergenceError):
        wild.fit(X, score)


def test_a_polyak_step_finds_the_solution_without_a_rate():
    """Where the model can fit all samples, the lowest loss is 0 (Loizou et al. 2021, theorem 3.1)."""
    X, _ = problem()
    y = X @ np.linspace(-1, 1, D) + 0.3
    model = make(SGDRegressor, schedule=schedules.PolyakStep(max_lr=10.0), penalty=None, max_iter=200).fit(X, y)
    np.testing.assert_allclose(model.coef_, np.linspace(-1, 1, D), atol=1e-6)


def test_sizes_grow_where_gradients_are_noise():
    """At the optimum there is no gradient left, far from it there is little else."""
    rng = np.random.default_rng(0)
    X, noise = rng.normal(size=(4000, 3)), rng.normal(size=4000)
    strategy = batching.NoiseScale(8, max_size=1000)
    at_optimum = make(SGDRegressor, batch_size=strategy, penalty=None, eta0=1e-3).fit(X, noise)
    far = make(SGDRegressor, batch_size=strategy, penalty=None, eta0=1e-9).fit(X, X @ [100.0, 0.0, 0.0])
    assert at_optimum.t_ < 4 * 4000 / 300 < 4 * 4000 / 50 < far.t_


REFUSED = [({"optimizer": "auto", "batch_size": batching.NoiseScale(8)}, "batch_size of .* optimizer='auto'.*got NoiseScale"),
           ({"parallel": "hogwild", "n_jobs": 2, "batch_size": batching.NoiseScale(8)}, "batch_size of .* parallel='hogwild'"),
           ({"parallel": "hogwild", "n_jobs": 2, "schedule": schedules.PolyakStep()}, "schedule of .* parallel='hogwild'.*PolyakStep"),
           ({"optimizer": "auto", "schedule": schedules.PolyakStep()}, "schedule of .* None with optimizer='auto'"),
           ({"schedule": schedules.PolyakStep(f_star=0.5)}, r"schedule PolyakStep\(f_star=0.5.*value must be a finite number at least 0.5, got 0.")]


@pytest.mark.parametrize("params, words", REFUSED, ids=str)
def test_refusals(params, words):
    X, score = problem()
    for cls in (SGDClassifier, SGDRegressor):
        model = make(cls, **params)
        before = dict(vars(model))
        with pytest.raises(InvalidParameterError, match=words):
            model.fit(X, score > 0 if cls is SGDClassifier else score)
        assert vars(model) == before


@pytest.mark.parametrize("name", ["schedule", "batch_size"])
def test_what_raises_when_it_is_told_ends_the_fit(name):
    """As an interruption does: with its own error, and the model as it was."""
    class Driven:
        driven_by = "value" if name == "schedule" else "noise"
        told = 0

        def __call__(self, t):
            return 0.01

        def size(self, t):
            return 8

        def update(self, *numbers):
            Driven.told += 1
            if Driven.told % 20 == 0:
                raise KeyboardInterrupt

    X, score = problem()
    for n_jobs in (1, 2):
        model = make(SGDRegressor, **{name: Driven()}, n_jobs=n_jobs)
        before = dict(vars(model))
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, score)
        assert vars(model) == before
