"""Two tasks share a small model, one of them is noisy: how they are weighted decides what the other learns.

A blood measurement and the progression of diabetes are predicted from nine other measurements, through one shared direction.  The progression is
drowned in noise, on which that direction is spent where both count the same.  Weights by learnt uncertainty (Kendall et al. 2018) leave it to the
clean task, and cost the noisy one little; GradNorm (Chen et al. 2018) is not for noise: it pushes the task that learns slowest, the noisy one.
Means of 20 draws of patients.  Needs scikit-learn.  Runs in half a minute:  python examples/multi_task.py
"""
import numpy as np
from sklearn.datasets import load_diabetes

import fastopt as fo

DIRECTIONS, TRAIN, STEPS, DRAWS, NOISE = 1, 100, 400, 20, 2.0
data, progression = load_diabetes(return_X_y=True)
data = data / data.std(axis=0)
X, TARGETS = np.delete(data, 8, axis=1), np.column_stack([data[:, 8], (progression - progression.mean()) / progression.std()])
squares = fo.losses.MeanSquaredError()


def learn(how, train, targets, rng):
    """The shared directions and what each task makes of them."""
    shared, heads = 0.3 * rng.standard_normal((X.shape[1], DIRECTIONS)), 0.3 * rng.standard_normal((DIRECTIONS, 2))
    log_variances, both, balance = np.zeros(2), fo.losses.MultiTask(["regression", "regression"]), fo.losses.GradNorm(2, alpha=0.5)
    adam = fo.optimizers.Adam([shared, heads, log_variances], lr=0.02)
    for _ in range(STEPS):
        seen = X[train] @ shared
        found = [squares.value_and_gradient(targets[:, task], seen @ heads[:, task]) for task in range(2)]
        values, slopes = np.array([value for value, _ in found]), [slope for _, slope in found]
        in_shared = [X[train].T @ np.outer(slope, heads[:, task]) for task, slope in enumerate(slopes)]
        weights, in_variances = np.full(2, 0.5), np.zeros(2)
        if how == "uncertainty":
            _, (weights, in_variances) = both.value_and_gradient(values, log_variances)
        elif how == "gradient norms":
            weights = balance.step(values, [np.linalg.norm(g) for g in in_shared]) / 2
        adam.step([weights[0] * in_shared[0] + weights[1] * in_shared[1],
                   np.column_stack([weights[task] * seen.T @ slope for task, slope in enumerate(slopes)]), in_variances])
    return shared, heads, weights


def errors(how):
    """Mean squares on patients that were not trained on, of targets without noise, and the weights at the end."""
    total = np.zeros(4)
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(X))
        train, test = order[:TRAIN], order[TRAIN:]
        targets = TARGETS[train] + NOISE * rng.standard_normal((TRAIN, 2)) * [0, 1]
        shared, heads, weights = learn(how, train, targets, rng)
        total += [*((X[test] @ shared @ heads - TARGETS[test]) ** 2).mean(axis=0), *weights / weights.sum()]
    return total / DRAWS


print(f"{'weights':<18}{'clean task':>12}{'noisy task':>12}{'share of the noisy':>21}")
for how in ("equal", "uncertainty", "gradient norms"):
    clean, noisy, _, share = errors(how)
    print(f"{how:<18}{clean:>12.3f}{noisy:>12.3f}{share:>21.2f}")
