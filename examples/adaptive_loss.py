"""A linear model that finds out how robust its loss has to be: weights, scale and alpha are learnt together, by L-BFGS.

The loss is minus the log likelihood of Barron's density: alpha near 2 is squared error, alpha near 0 all but ignores what is far off.  Diabetes
progression is predicted from ten measurements, first as the data are, then with one target in ten replaced by nonsense.
Needs scikit-learn.  Runs in a second:  python examples/adaptive_loss.py
"""
import numpy as np
from sklearn.datasets import load_diabetes

import fastopt as fo

X, y = load_diabetes(return_X_y=True)
X = np.column_stack([X / X.std(axis=0), np.ones(len(X))])
y = (y - y.mean()) / y.std()
rng = np.random.default_rng(0)
order = rng.permutation(len(y))
train, test = order[:-142], order[-142:]

spoilt = y.copy()
wild = rng.choice(train, len(train) // 10, replace=False)
spoilt[wild] = rng.normal(0, 30, len(wild))

loss, squares = fo.losses.AdaptiveRobust(), fo.losses.SquaredError()


def adaptive(targets):
    """Weights, scale and alpha."""
    def fun(x):
        value, (in_p, in_log_scale, in_shape) = loss.value_and_gradient(targets[train], X[train] @ x[:-2], x[-2], x[-1])
        prior = 1e-3 * x[-1] ** 2   # alpha = 2 would be at infinity
        return value + prior, np.concatenate([X[train].T @ in_p, [in_log_scale, in_shape + 2e-3 * x[-1]]])
    x = fo.minimize(fun, np.zeros(X.shape[1] + 2), method="lbfgs", jac=True, options={"maxiter": 1000}).x
    return x[:-2], np.exp(x[-2]), loss.alpha(x[-1])


def least_squares(targets):
    return np.linalg.lstsq(X[train], targets[train], rcond=None)[0]


print(f"{'targets':<26}{'alpha':>7}{'scale':>7}{'error':>9}{'by least squares':>19}")
for title, targets in (("as they are", y), (f"{len(wild)} of {len(train)} are nonsense", spoilt)):
    w, scale, alpha = adaptive(targets)
    error, other = (2 * squares.value(y[test], X[test] @ each) for each in (w, least_squares(targets)))
    print(f"{title:<26}{alpha:>7.2f}{scale:>7.2f}{error:>9.3f}{other:>19.3f}")
print("\n(error: mean square on 142 patients that were not trained on, whose targets are as they are)")
