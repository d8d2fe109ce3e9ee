"""`reduction` of every loss: the mean, the sum, and each loss by itself."""
import inspect

import numpy as np
import pytest

from fastopt import losses
from reference.losses import LOSS_TARGETS
from reference.row_losses import row_targets

NAMES = [*losses.names(), *losses.names(couples_outputs=True)]


def data(name, dtype=np.float64):
    loss, rng = losses.get(name), np.random.default_rng(0)
    p = rng.normal(size=(30, 9)).astype(dtype)
    y = row_targets(loss.target, 30, 9, rng) if loss.couples_outputs else rng.choice(LOSS_TARGETS[loss.target], p.shape)
    return loss, y, p, rng.integers(0, 3, 30 if loss.couples_outputs else p.shape).astype(float)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
def test_sums_and_each(name, dtype):
    loss, y, p, s = data(name, dtype)
    rtol = 1e-12 if dtype == np.float64 else 1e-4
    for weight in (None, s):
        total = s.size if weight is None else s.sum()
        value, gradient = loss.value_and_gradient(y, p, weight)
        several, slopes = loss.value_and_gradient(y, p, weight, reduction="sum")
        assert several == loss.value(y, p, weight, reduction="sum") == pytest.approx(total * value, rel=rtol)
        np.testing.assert_allclose(slopes, total * gradient, rtol=rtol, atol=rtol)
        each, of_each = loss.value_and_gradient(y, p, weight, reduction="none")
        assert np.array_equal(of_each, slopes) and np.array_equal(slopes, loss.gradient(y, p, weight, reduction="none"))
        assert np.array_equal(slopes, loss.gradient(y, p, weight, reduction="sum"))
        np.testing.assert_array_equal(each, loss.value(y, p, weight, reduction="none"))
        np.testing.assert_allclose(each, (1 if weight is None else s) * loss.pointwise(y, p), rtol=1e-6)
        assert each.shape == s.shape and each.dtype == dtype and each.sum(dtype=float) == pytest.approx(several, rel=1e-5)
        assert loss.value(y, p, weight, reduction="mean") == value and np.array_equal(loss.gradient(y, p, weight, reduction="mean"), gradient)


@pytest.mark.parametrize("name", ["squared_error", "multinomial"])
def test_out_and_weights_that_are_all_0(name):
    loss, y, p, s = data(name)
    out = np.empty_like(p)
    assert loss.gradient(y, p, s, out, reduction="sum") is out and np.array_equal(out, loss.gradient(y, p, s, reduction="sum"))
    assert loss.value(y, p, 0 * s, reduction="sum") == 0 and not loss.value(y, p, 0 * s, reduction="none").any()
    with pytest.raises(ValueError, match="all 0"):
        loss.value(y, p, 0 * s)
    huge = s * 1e200   # which a mean scales, and a sum has as they are
    assert loss.value(y, p, huge, reduction="sum") == pytest.approx(1e200 * loss.value(y, p, s, reduction="sum"))


@pytest.mark.parametrize("reduction", ["average", None, "", 0])
def test_other_words_are_refused(reduction):
    for method in ("value", "gradient", "value_and_gradient"):
        with pytest.raises(ValueError, match="reduction must be one of 'mean', 'sum', 'none'"):
            getattr(losses.LogLoss(), method)([1.0], [0.0], reduction=reduction)


def test_it_is_given_by_name():
    for method in ("value", "gradient", "value_and_gradient"):
        parameter = inspect.signature(getattr(losses.Loss, method)).parameters["reduction"]
        assert parameter.kind is parameter.KEYWORD_ONLY and parameter.default == "mean"
