"""The same steps however parameters lie in memory: every rule, orders of memory, numbers of dimensions, against C-ordered copies;
what cannot be stepped in place is refused by name."""
import numpy as np
import pytest

from fastopt import optimizers
from fastopt.exceptions import InvalidParameterError
from optimizer_cases import OPTIONS

NAMES = sorted(optimizers.names())
SHAPES = {1: (24,), 2: (4, 7), 3: (3, 4, 5), 4: (2, 3, 4, 5)}
#: rules whose steps follow from sums over arrays, which are taken as memory lies: the same to rounding
SUMS = {"lars", "lamb", "dog", "prodigy", "adafactor", "muon"}


def strided(w):
    out = np.zeros((*w.shape[:-1], 2 * w.shape[-1]), w.dtype)[..., ::2]
    out[...] = w
    return out


def backwards(w):
    return np.ascontiguousarray(w[::-1])[::-1]


LAYOUTS = {
    "C": np.ascontiguousarray, "Fortran": np.asfortranarray, "transposed": lambda w: np.ascontiguousarray(w.T).T,
    "two axes swapped": lambda w: np.ascontiguousarray(np.swapaxes(w, 0, -1)).swapaxes(0, -1),
    "first axis last": lambda w: np.moveaxis(np.ascontiguousarray(np.moveaxis(w, 0, -1)), -1, 0),
    "strided": strided, "backwards": backwards, "every axis backwards": lambda w: np.flip(np.ascontiguousarray(np.flip(w))),
    "a part of rows": lambda w: np.concatenate([w, w])[:len(w)], "a part of columns": lambda w: np.concatenate([w, w], axis=-1)[..., :w.shape[-1]],
}


@pytest.mark.parametrize("dims", SHAPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.repeats(5)
def test_every_layout_steps_as_c_order(name, layout, dims):
    if name == "muon" and dims != 2:
        with pytest.raises(InvalidParameterError, match="params.* must be a matrix for Muon"):
            optimizers.Muon(np.ones(SHAPES[dims]))
        return
    for dtype in (np.float64, np.float32):
        for own in ({}, *OPTIONS.get(name, []), {"lr": 0.02, "clip_global_norm": 1.0}):
            _same_steps(name, own, LAYOUTS[layout], SHAPES[dims], dtype)


def _same_steps(name, own, layout, shape, dtype):
    rng = np.random.default_rng(0)
    plain = rng.standard_normal(shape).astype(dtype)
    w = layout(plain.copy())
    assert (w == plain).all()
    if not w.flags.forc:
        with pytest.raises(InvalidParameterError, match="params must be .*contiguous.*it is not contiguous"):
            optimizers.get(name)(w, **own)
        return
    ours, other = optimizers.get(name)(w, **own), optimizers.get(name)(plain, **own)
    exact = w.flags.c_contiguous or w.ndim > 2 and name == "adafactor" and not own or name not in SUMS and "clip_global_norm" not in own
    tolerance = 0 if exact else 1e-11 if dtype == np.float64 else 2e-4
    for _ in range(6):
        g = rng.standard_normal(shape).astype(dtype)
        ours.step(layout(g))
        other.step(g)
        np.testing.assert_allclose(w, plain, rtol=tolerance, atol=tolerance, err_msg=f"{name} {own} {w.flags}")
    for solution in (ours.solution(), other.solution()):
        assert solution.shape == shape
    np.testing.assert_allclose(ours.solution(), other.solution(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("layout", ["strided", "backwards", "Fortran"])
def test_gradients_of_another_layout_are_refused_by_name(layout):
    w = np.ones((3, 4))
    with pytest.raises(InvalidParameterError, match="grads must be like its parameters.*C-contiguous"):
        optimizers.Adam(w).step(LAYOUTS[layout](np.ones((3, 4))))
    assert (w == 1).all()


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3), (1, 1), ()])
@pytest.mark.parametrize("name", NAMES)
def test_empty_arrays_step_beside_others(name, shape):
    """Where they come does not matter, and the others step as without them."""
    if name == "muon" and len(shape) != 2:
        return
    rng = np.random.default_rng(0)
    plain = rng.standard_normal((4, 5))
    first, last, alone = plain.copy(), plain.copy(), plain.copy()
    empty = [np.ones(shape), np.ones(shape)]
    scale = name in ("dog", "prodigy") and np.ones(shape).size   # one estimate for all
    rules = [optimizers.get(name)(params) for params in ([first, empty[0]], [empty[1], last], [alone])]
    for _ in range(5):
        g = rng.standard_normal((4, 5))
        rules[0].step([g, np.ones(shape)])
        rules[1].step([np.ones(shape), g])
        rules[2].step([g])
    np.testing.assert_allclose(first, last, rtol=1e-14)
    if not scale:
        np.testing.assert_allclose(first, alone, rtol=1e-14)


def test_muon_moves_nothing_unless_its_products_are_taken(monkeypatch):
    """What fails before them, a Ctrl-C say, leaves the matrices, the means and the count of steps."""
    params = [np.ones((3, 4)), np.ones((4, 3))]
    muon = optimizers.Muon(params)
    muon.step([np.eye(3, 4), np.eye(4, 3)])
    before = [a.copy() for a in (*params, *(state[0] for state in muon.states))]

    def interrupted():
        raise KeyboardInterrupt
    monkeypatch.setattr(muon, "_advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        muon.step([np.eye(3, 4), np.eye(4, 3)])
    assert all((a == b).all() for a, b in zip(before, (*params, *(state[0] for state in muon.states)))) and muon.t == 1
