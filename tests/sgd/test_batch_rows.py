"""Mini-batches of the losses of all predictions of a row against the plain reference: every loss, instruction set, type and layout."""
import numpy as np
import pytest
import scipy.sparse as sp
from test_batch_kernel import compare, fit, same
from test_sgd_kernel import problem

from fastopt import losses
from reference.row_losses import ROW_CASES

NAMES = [name for name in losses.names(couples_outputs=True) if losses.get(name).target in ("class", "real")]
CLASSES = [name for name in NAMES if losses.get(name).target == "class"]


def data(name, n, k, dtype, sparse=False):
    X, y = problem(n, 21, k, dtype, sparse)
    if name in CLASSES:
        return X, y, ROW_CASES.get(name, [{}])[-1]
    return X, np.repeat(np.random.default_rng(k).standard_normal((n, 1)), k, axis=1).astype(dtype), {"low": 0.2, "high": 0.9, "n_levels": k}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("k", [2, 3, 9])
@pytest.mark.parametrize("name", NAMES)
def test_every_loss(isa, name, k, layout, dtype):
    X, y, params = data(name, 60, k, dtype, layout == "csr")
    compare(sp.csr_matrix(X) if layout == "csr" else X, y, k, name, dense=X, l2=1e-2, lr=0.1, params=params, epochs=2)


@pytest.mark.parametrize("name", CLASSES)
def test_weights_of_samples_and_classes(name):
    X, y, params = data(name, 50, 3, np.float64)
    rng = np.random.default_rng(3)
    weight, class_weight = rng.random(50), rng.random((3, 2))
    for options in ({"weight": weight}, {"class_weight": class_weight}, {"weight": weight, "class_weight": class_weight, "clip_norm": 0.05}):
        compare(X, y, 3, name, params=params, **options)


@pytest.mark.parametrize("name", NAMES)
def test_same_bits_for_any_number_of_threads(name):
    X, y, params = data(name, 1500, 5, np.float32)
    X = np.hstack([X] * 40)
    one, *others = (fit(X, y, 5, name, l2=1e-3, sizes=64, threads=t, params=params, lr=0.01) for t in (1, 2, 3))
    for other in others:
        same(one, other)


@pytest.mark.parametrize("name", ["multinomial", "softmax_focal", "softmax_poly", "sparsemax", "crammer_singer", "weston_watkins"])
def test_instruction_sets_agree_bit_for_bit(name, fused_isas):
    import fastopt as fo

    X, y, params = data(name, 200, 5, np.float32)
    found = []
    for isa in fused_isas:
        fo.set_isa(isa)
        found.append(fit(X, y, 5, name, l2=1e-3, sizes=16, params=params)[:4])
    for other in found[1:]:
        for a, b in zip(found[0], other):
            np.testing.assert_array_equal(a, b)
