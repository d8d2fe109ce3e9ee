"""What compiled code reads of the user's arrays without a check of its own is aligned when it comes there."""
import numpy as np
import pytest

from fastopt import LinearObjective
from fastopt._solvers.piecewise import design
from fastopt.linear_model import LinearSVR


def unaligned(a):
    room = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    room[...] = a
    assert not room.flags.aligned
    return room


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_targets_of_several_outputs(dtype):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((40, 3)).astype(dtype), rng.standard_normal((40, 2)).astype(dtype)
    several = LinearObjective(X, Y[:, 0], "squared_error").outputs(unaligned(Y))
    assert several.problem.y.flags.aligned and np.array_equal(several.problem.y, Y)


def test_columns_of_a_piecewise_problem(monkeypatch):
    seen = []
    monkeypatch.setattr(design, "enlarge", lambda x, most, real=design.enlarge: seen.append(x.flags.aligned) or real(x, most))
    rng = np.random.default_rng(0)
    LinearSVR().fit(unaligned(rng.standard_normal((60, 4))), rng.standard_normal(60))
    assert seen and all(seen)
