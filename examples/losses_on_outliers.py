"""A line through data of which one point in ten is wild: what each loss makes of it.

The true slope is 2.  Squared loss is dragged away, robust losses are not.
Needs scikit-learn.  Runs in a second:  python examples/losses_on_outliers.py
"""
import numpy as np

from fastopt.linear_model import SGDRegressor

rng = np.random.RandomState(0)
x = rng.uniform(-1, 1, 2000)
y = 2 * x + 0.1 * rng.randn(2000)
wild = (rng.rand(2000) < 0.1) & (x > 0.2)
y[wild] -= 15

LOSSES = ["squared_error", "squared_epsilon_insensitive", "log_cosh", "huber", "epsilon_insensitive", "absolute_error",
          "quantile", "general_robust", "student_t"]

print(f"{wild.sum()} of {len(x)} points are moved down by 15; the slope without them is 2\n")
print(f"{'loss':<28}{'slope':>8}{'off by':>9}")
for loss in LOSSES:
    model = SGDRegressor(loss=loss, alpha=0, learning_rate="adaptive", eta0=0.05, epsilon=0.1, max_iter=200,
                         n_iter_no_change=3, random_state=0)
    slope = model.fit(x[:, None], y).coef_.item()
    print(f"{loss:<28}{slope:>8.3f}{abs(slope - 2):>9.3f}")
