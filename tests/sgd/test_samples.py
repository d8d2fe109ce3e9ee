"""Rows that are held out: how many are learnt from, and that means of losses are over those alone."""
import numpy as np
import pytest

from fastopt._core import tables as _core
from fastopt._samples import order as _samples
from fastopt.linear_model import SGDRegressor

X, Y = np.zeros((40, 2)), np.ones(40)


@pytest.mark.parametrize("out", [None, [], [0], [39], [3, 4, 17], range(39)])
def test_train_count_is_without_what_is_held_out(out):
    mask = None
    if out is not None:
        mask = np.zeros(40, np.uint8)
        mask[list(out)] = 1
    samples = _samples.Samples(_core.Matrix(X), Y, 1, held_out=mask)
    assert samples.train_count == 40 - len(out or [])


@pytest.mark.parametrize("batch", [{}, {"optimizer": "sgd"}, {"optimizer": "sgd", "batch_size": 7}, {"optimizer": "auto"}], ids=str)
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_mean_loss_is_over_the_rows_that_are_learnt_from(batch, share):
    """Rows of zeros, whose loss is 1/2 whatever is learnt."""
    model = SGDRegressor(early_stopping=True, validation_fraction=share, fit_intercept=False, max_iter=3, tol=None, penalty=None, **batch)
    assert model.fit(X, Y).loss_curve_ == pytest.approx([0.5] * 3, rel=1e-12)
