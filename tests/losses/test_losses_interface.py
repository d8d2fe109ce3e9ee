"""What losses do with arguments: registry, parameters, shapes, dtypes, outputs, refusals."""
import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.special

from fastopt import losses
from reference import losses as reference

ALL = [losses.get(name) for name in losses.names()]


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_losses_are_values(loss):
    assert pickle.loads(pickle.dumps(loss)) == loss == copy.deepcopy(loss) == eval(repr(loss), vars(losses))
    assert len({loss, losses.get(loss.name)}) == 1 and losses.get(loss) is loss
    assert losses.get(loss.name, **loss.params) == loss and type(loss) is getattr(losses, type(loss).__name__)
    before = loss.spec
    for change in (lambda: setattr(loss, "delta", 3), lambda: delattr(loss, "spec")):
        with pytest.raises(AttributeError, match="cannot be changed"):
            change()
    loss.params.clear()
    assert loss.spec == before == losses.get(loss.name, **loss.params).spec


def test_losses_differ_by_type_and_parameters():
    assert losses.Huber(1.0) != losses.Huber(2.0) and losses.Hinge() != losses.Perceptron()
    assert len(set(ALL)) == len(losses.names()) == len({loss.spec[0] for loss in ALL})


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.get("hubber"), ValueError, "no loss 'hubber': did you mean 'huber'"),
    (lambda: losses.get("?"), ValueError, "squared_error, absolute_error"),
    (lambda: losses.get(3), TypeError, "name must be a string"),
    (lambda: losses.get(losses.Hinge(), delta=1), TypeError, "name must be a string or, without parameters"),
    (lambda: losses.get("huber", epsilon=1), TypeError, "huber takes delta, got epsilon"),
    (lambda: losses.get("hinge", epsilon=1), TypeError, "hinge takes no parameters, got epsilon"),
    (lambda: losses.Huber(delta=0), ValueError, "delta must be a finite number above 0, got 0"),
    (lambda: losses.Huber(delta=np.inf), ValueError, "delta must be a finite number above 0, got inf"),
    (lambda: losses.Huber(delta=np.nan), ValueError, "delta must be a finite number above 0, got nan"),
    (lambda: losses.Huber(delta="1"), TypeError, "delta must be a finite number.*, got '1'"),
    (lambda: losses.Huber(delta=True), TypeError, "delta must be a finite number.*, got True"),
    (lambda: losses.Quantile(quantile=1), ValueError, "quantile must be a finite number above 0 and below 1, got 1"),
    (lambda: losses.EpsilonInsensitive(epsilon=-1e-9), ValueError, "epsilon must be a finite number at least 0"),
    (lambda: losses.SquaredEpsilonInsensitive(epsilon=None), TypeError, "epsilon must be a finite number"),
    (lambda: losses.GeneralRobust(alpha=np.nan), ValueError, "alpha must be a number, finite or infinite, got nan"),
    (lambda: losses.GeneralRobust(scale=0), ValueError, "scale must be a finite number above 0"),
    (lambda: losses.Tweedie(power=2), ValueError, "power must not be 2"),
    (lambda: losses.Tweedie(power=1), ValueError, "power must be a finite number above 1, got 1"),
    (lambda: losses.Tweedie(power=3).value([0.0], [1.0]), ValueError, "y must be finite and above 0"),
    (lambda: losses.Focal(gamma=-1), ValueError, "gamma must be a finite number at least 0"),
    (lambda: losses.Focal(alpha=1.5), ValueError, "alpha must be a finite number at least 0 and at most 1, got 1.5"),
])
def test_parameters_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text.replace("?", r"\?")):
        call()


@pytest.mark.parametrize("y, p, weight, error, text", [
    ([0, 1], [1.0, 2.0, 3.0], None, ValueError, r"y must have the shape of p, \(3,\), got \(2,\)"),
    ([1], [[1.0]], None, ValueError, "y must have the shape of p"),
    ([], [], None, ValueError, "p must hold at least one prediction"),
    ([0, 1], [1.0, np.nan], None, ValueError, "p must be finite, got nan at index 1"),
    ([0, 1], [np.inf, 0], None, ValueError, "p must be finite, got inf at index 0"),
    (["a"], [1.0], None, TypeError, "y must hold real numbers"),
    ([None], [1.0], None, TypeError, "y must hold real numbers"),
    ([1], [1j], None, TypeError, "p must hold real numbers, got dtype complex128"),
    ([0, 1], [1.0, 2.0], [1.0], ValueError, "sample_weight must have the shape of p"),
    ([0, 1], [1.0, 2.0], [1, -1], ValueError, "sample_weight must be finite and at least 0, got -1.0 at index 1"),
    ([0, 1], [1.0, 2.0], [np.nan, 1], ValueError, "sample_weight must be finite and at least 0, got nan at index 0"),
    ([0, 1], [1.0, 2.0], [np.inf, 1], ValueError, "sample_weight must be finite"),
    ([0, 1], [1.0, 2.0], [0, 0], ValueError, "sample_weight must not be all 0"),
    ([0, 1], [1.0, 2.0], ["a", "b"], TypeError, "sample_weight must hold real numbers"),
])
@pytest.mark.parametrize("method", ["value", "gradient", "value_and_gradient"])
def test_arrays_are_refused_by_name(method, y, p, weight, error, text):
    with pytest.raises(error, match=text):
        getattr(losses.LogLoss(), method)(y, p, weight)


OUTSIDE = {"real": [np.nan, np.inf, -np.inf], "nonnegative": [-1e-9, np.nan, np.inf],
           "positive": [0, -1, np.nan, np.inf],
           "sign": [-1, 2, 0.5, np.nan, np.inf], "unit": [-1e-9, 1 + 1e-6, np.nan, np.inf]}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_targets_outside_the_domain_are_refused(loss, dtype):
    y, p = np.ones(5000, dtype), np.zeros(5000, dtype)
    loss.value(y, p)
    for bad in OUTSIDE[loss.target]:
        y[4999] = bad
        for call in (loss.value, loss.gradient, loss.pointwise):
            with pytest.raises(ValueError, match=r"y must be .*, got .* at index 4999"):
                call(y, p)


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_any_shape_order_and_type(loss):
    rng = np.random.default_rng(0)
    y = rng.choice(reference.LOSS_TARGETS[loss.target], (6, 4, 5))
    p = rng.normal(size=(6, 4, 5))
    value, gradient = loss.value_and_gradient(y, p)
    values = loss.pointwise(y, p)
    assert gradient.shape == values.shape == p.shape and value == pytest.approx(values.mean(), rel=1e-14)
    for view in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2], lambda a: a[::-1].copy()[::-1],
                 lambda a: a.astype(a.dtype.newbyteorder()), np.ndarray.tolist):
        assert loss.value(view(y), view(p)) == value
        np.testing.assert_array_equal(loss.gradient(view(y), view(p)), gradient)
    raw = np.empty(p.nbytes + 1, np.uint8)[1:].view(np.float64).reshape(p.shape)  # elements off their boundary
    raw[...] = p
    assert not raw.flags.aligned and loss.value(y, raw) == value
    single = loss.gradient(y, p.astype(np.float32))
    assert single.dtype == np.float32 and loss.gradient(y.astype(np.float32), p).dtype == np.float64
    np.testing.assert_allclose(single, gradient, rtol=1e-4, atol=1e-6)
    assert loss.value(1, 0.5) == loss.value(np.int8([1]), [0.5]) == loss.value(True, np.float64(0.5))
    assert loss.gradient(1, 1).shape == () and loss.gradient([1], [1]).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_gradient_goes_where_it_is_told(dtype):
    loss, rng = losses.Huber(), np.random.default_rng(0)
    y, p = rng.normal(size=(2, 300)).astype(dtype)
    wanted = loss.gradient(y, p)
    out = np.full(300, np.nan, dtype)
    assert loss.gradient(y, p, out=out) is out
    np.testing.assert_array_equal(out, wanted)
    assert loss.value_and_gradient(y, p, out=out[::-1])[1].base is out  # strided
    np.testing.assert_array_equal(out[::-1], wanted)
    inputs = np.concatenate([p, p])  # overlapping: shifted by one, then the same
    loss.gradient(y, inputs[:300], out=inputs[1:301])
    np.testing.assert_array_equal(inputs[1:301], wanted)
    assert loss.gradient(y, p, out=p) is p
    np.testing.assert_array_equal(p, wanted)


def test_outputs_are_refused_by_name():
    y, p = np.zeros(3), np.ones(3)
    frozen = np.zeros(3)
    frozen.flags.writeable = False
    for out, error, text in [(np.zeros(3, np.float32), TypeError, "out must be an ndarray of float64, got float32"),
                             ([0, 0, 0], TypeError, "got list"), (np.zeros(2), ValueError, "out must have the shape"),
                             (frozen, ValueError, "out must be writeable")]:
        with pytest.raises(error, match=text):
            losses.SquaredError().gradient(y, p, out=out)


def test_contiguous_arrays_are_not_copied(monkeypatch):
    taken = []
    evaluate = losses.Loss._run
    monkeypatch.setattr(losses.Loss, "_run", lambda self, *args: taken.extend(args[:3]) or evaluate(self, *args))
    for dtype in (np.float64, np.float32):
        arrays = [np.ones((3, 2), dtype) for _ in range(3)]
        for a in arrays:
            a.flags.writeable = False
        losses.Hinge().value(*arrays)
        assert all(a is b for a, b in zip(taken[-3:], arrays))


def test_inverse_links():
    p = np.array([-800, -40.0, -1, 0, 0.5, 3, 40])
    links = {"real": lambda p: p, "nonnegative": np.exp, "positive": np.exp, "unit": scipy.special.expit,
             "sign": lambda p: p > 0}
    special = {"exponential": lambda p: scipy.special.expit(2 * p), "mean_squared_log_error": np.expm1,
               "modified_huber": lambda p: (np.clip(p, -1, 1) + 1) / 2}
    for loss in ALL:
        wanted = special.get(loss.name, links[loss.target])(p)
        np.testing.assert_allclose(loss.predict(p), wanted, rtol=1e-14, err_msg=repr(loss))
        assert loss.predict(p) is not p
        with pytest.raises(ValueError, match="p must be finite, got nan at index 1"):
            loss.predict([0, np.nan])


def test_python_threads_do_not_disturb_each_other():
    rng = np.random.default_rng(0)
    p = rng.normal(size=(8, 100_000))
    y = (rng.normal(size=p.shape) > 0).astype(float)
    wanted = [losses.LogLoss().value(*pair) for pair in zip(y, p)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(losses.LogLoss().value, y, p)) == wanted
