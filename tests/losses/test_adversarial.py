"""Both sides of adversarial games against their formulas and central differences, and the gradient penalty."""
import copy
import pickle

import numpy as np
import pytest

from fastopt import losses
from reference.differences import central


def softplus(x):
    return np.logaddexp(0, x)


#: of the discriminator, of the generator, by their papers
GAMES = {
    "non_saturating": (lambda r, f: softplus(-r).mean() + softplus(f).mean(), lambda f: softplus(-f).mean()),
    "minimax": (lambda r, f: softplus(-r).mean() + softplus(f).mean(), lambda f: -softplus(f).mean()),
    "least_squares": (lambda r, f: ((r - 1) ** 2).mean() / 2 + (f ** 2).mean() / 2, lambda f: ((f - 1) ** 2).mean() / 2),
    "hinge": (lambda r, f: np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean(), lambda f: -f.mean()),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda f: -f.mean()),
}


@pytest.mark.parametrize("kind", GAMES)
@pytest.mark.parametrize("shape", [(7,), (4, 1), (2, 3, 5)])
def test_both_sides(kind, shape):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=shape) * 2, rng.normal(size=(5, *shape[1:])) * 2
    ours, (of_discriminator, of_generator) = losses.Adversarial(kind), GAMES[kind]
    value, (in_real, in_fake) = ours.discriminator(real, fake)
    assert value == pytest.approx(of_discriminator(real, fake), rel=1e-13)
    np.testing.assert_allclose(in_real, central(lambda r: of_discriminator(r, fake), real), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(in_fake, central(lambda f: of_discriminator(real, f), fake), rtol=1e-6, atol=1e-9)
    value, gradient = ours.generator(fake)
    assert value == pytest.approx(of_generator(fake), rel=1e-13)
    np.testing.assert_allclose(gradient, central(of_generator, fake), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", GAMES)
def test_types_and_extremes(kind):
    ours = losses.Adversarial(kind)
    for scale in (1.0, 1e4):
        scores = (np.linspace(-1, 1, 11) * scale).astype(np.float32)
        value, (in_real, in_fake) = ours.discriminator(scores, scores[::-1])
        assert np.isfinite(value) and in_real.dtype == in_fake.dtype == np.float32 and np.isfinite([in_real, in_fake]).all()
        assert np.isfinite(ours.generator(scores)[0]) and ours.generator(scores)[1].dtype == np.float32
    assert pickle.loads(pickle.dumps(ours)) == ours == copy.deepcopy(ours) == eval(repr(ours), vars(losses))


@pytest.mark.parametrize("shape", [(1, 1), (6, 4), (3, 2, 5)])
@pytest.mark.parametrize("target", [0.0, 1.0, 2.5])
def test_gradient_penalty(shape, target):
    g = np.random.default_rng(0).normal(size=shape)

    def plain(g):
        return ((np.sqrt((g.reshape(len(g), -1) ** 2).sum(axis=1)) - target) ** 2).mean()
    value, gradient = losses.gradient_penalty(g, target)
    assert value == pytest.approx(plain(g), rel=1e-13)
    np.testing.assert_allclose(gradient, central(plain, g), rtol=1e-6, atol=1e-9)
    assert losses.gradient_penalty(np.zeros((2, 3)), target)[0] == target ** 2 and not losses.gradient_penalty(np.zeros((2, 3)), target)[1].any()


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.Adversarial("hing"), ValueError, "kind must be one of .*, got 'hing': did you mean 'hinge'"),
    (lambda: losses.Adversarial().discriminator([], [1.0]), ValueError, r"real must hold at least one score, got shape \(0,\)"),
    (lambda: losses.Adversarial().discriminator([1.0], [np.nan]), ValueError, "fake must be finite, got nan at index 0"),
    (lambda: losses.Adversarial("wasserstein").generator([np.inf]), ValueError, "fake must be finite, got inf at index 0"),
    (lambda: losses.gradient_penalty([[1.0]], -1), ValueError, "target must be a finite number at least 0, got -1"),
])
def test_arguments_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()
