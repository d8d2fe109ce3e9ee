"""Every family of learning-rate schedules in one picture, and gradient descent with a warm-up, a plateau and Polyak's step.

Needs matplotlib.  Runs in a second:  python examples/schedules.py
"""
import matplotlib
import numpy as np

matplotlib.use("agg")
from matplotlib import pyplot as plt

from fastopt import schedules as S

FAMILIES = {
    "decays": [S.ExponentialDecay(1, 0.5, 20), S.InverseTime(1, 1.0, 20), S.InverseSqrt(1, 10), S.InverseScaling(1, 0.5)],
    "stairs": [S.StepDecay(1, 25, gamma=0.5), S.MultiStep(1, [10, 60], gamma=0.3), S.Piecewise([40, 70], [0.8, 0.4, 0.1]),
               S.ExponentialDecay(1, 0.8, 10, staircase=True)],
    "to an end": [S.Polynomial(1, 90), S.Polynomial(1, 90, power=2), S.Cosine(1, 90, end_lr=0.05)],
    "cycles": [S.CosineRestarts(1, 14, T_mult=2), S.OneCycle(1, 100), S.Cyclic(0.1, 1, 12, mode="triangular2")],
    "joined": [S.Warmup(S.Cosine(1, 85), 15), S.Warmup(S.InverseSqrt(0.8, 10), 10), S.Join([0.2, S.Polynomial(1, 50, 2)], [30])],
}

figure, panels = plt.subplots(2, 3, figsize=(13, 7), layout="constrained", sharex=True)
for ax, (family, members) in zip(panels.flat, FAMILIES.items()):
    for schedule in members:
        schedule.plot(100, ax=ax)
    ax.legend([schedule.name for schedule in members], fontsize="small")
    ax.set_title(family)

# f(w) = (w₀² + 25·w₁²)/2: a valley, whose lowest value is 0
curvature = np.array([1.0, 25.0])


def descend(schedule, steps=100):
    w, values = np.array([3.0, -2.0]), []
    for t in range(steps):
        value, gradient = (curvature * w**2).sum() / 2, curvature * w
        if schedule.driven_by == "metric":
            schedule.update(value)
        elif schedule.driven_by == "value":
            schedule.update(value, gradient @ gradient)
        w = w - schedule(t) * gradient
        values.append(value)
    return values


print(f"{'gradient descent on a valley, 100 steps':<60}{'value':>12}")
last = panels.flat[-1]
for schedule in [S.Constant(0.01), S.Warmup(S.Constant(0.06), 10), S.Warmup(S.ReduceOnPlateau(0.079, patience=2, factor=0.5), 5),
                 S.PolyakStep(max_lr=10)]:
    text = f"{schedule.name} of {schedule.schedule.name}" if isinstance(schedule, S.Warmup) else schedule.name
    values = descend(schedule)
    print(f"{text:<60}{values[-1]:>12.2e}")
    last.semilogy(values, label=text)
last.legend(fontsize="small")
last.set_title("gradient descent: the value")
figure.savefig("schedules.png")
print("curves in schedules.png")
