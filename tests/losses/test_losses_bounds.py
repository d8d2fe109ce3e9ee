"""Kernels of likelihoods, images and rows at each size, with the last element before an unreadable page, or the first behind one."""
import sys

import numpy as np
import pytest

from fastopt import losses

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="mprotect is POSIX")


@pytest.fixture(params=[True, False], ids=["at the end", "at the start"])
def placed(request):
    guarded = pytest.importorskip("guarded").guarded
    return lambda a, dtype: guarded(np.asarray(a, dtype), at_end=request.param, writable=False)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_likelihoods(isa, placed, dtype):
    rng = np.random.default_rng(0)
    for size in (*range(1, 40), 255, 256, 257):
        y, p, scale, shape = (placed(a, dtype) for a in (rng.integers(0, 4, size), *rng.normal(size=(3, size))))
        for kind in (losses.GaussianNLL, losses.LaplaceNLL, losses.NegativeBinomialNLL):
            kind().value_and_gradient(y, p, scale, y + 1)
        for kind in (losses.StudentTNLL, losses.AdaptiveRobust):
            kind("none").value_and_gradient(y, p, scale, shape)
            kind().value_and_gradient(y, p, placed(scale[:1], dtype), placed(shape[:1], dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images(isa, placed, dtype):
    rng = np.random.default_rng(0)
    for height, width in [(3, 3), (3, 20), (20, 3), (4, 9), (7, 17), (9, 33), (5, 18)]:
        y, p = (placed(rng.random((2, height, width)), dtype) for _ in range(2))
        losses.SSIM(window=3).value_and_gradient(y, p)
        losses.SSIM(window=3).value(y, p)
        for isotropic in (True, False):
            losses.TotalVariation(isotropic).value_and_gradient(p)
            losses.TotalVariation(isotropic).value(p[:, :1, :1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows(isa, placed, dtype):
    rng = np.random.default_rng(0)
    for rows, width in [(1, 1), (3, 7), (2, 8), (5, 9), (4, 16), (3, 33)]:
        y, p = (placed(rng.normal(size=(rows, width)), dtype) for _ in range(2))
        losses.CosineSimilarity("none").value_and_gradient(y, p)
