"""The schedules written again, plainly, one step at a time: formulas of the papers and of PyTorch's documentation.  The
oracle of test_schedules.py; never imports fastopt.
"""
import math


def decays(t, steps, staircase):
    return t // steps if staircase else t / steps


def constant(t, lr):
    return lr


def exponential(t, lr, decay_rate=0.96, decay_steps=1, staircase=False):
    return lr * decay_rate ** decays(t, decay_steps, staircase)


def step(t, lr, step_size, gamma=0.1):
    return lr * gamma ** (t // step_size)


def multi_step(t, lr, milestones, gamma=0.1):
    return lr * gamma ** sum(milestone <= t for milestone in milestones)


def polynomial(t, lr, decay_steps, power=1.0, end_lr=0.0):
    return (lr - end_lr) * (1 - min(t, decay_steps) / decay_steps) ** power + end_lr


def inverse_time(t, lr, decay_rate=1.0, decay_steps=1, staircase=False):
    return lr / (1 + decay_rate * decays(t, decay_steps, staircase))


def inverse_sqrt(t, lr, decay_steps=1):
    return lr / math.sqrt(1 + t / decay_steps)


def inverse_scaling(t, lr, power=0.5):
    return lr / (t + 1) ** power


def half_cosine(share):
    """(1 + cos(π·share))/2 without cancellation."""
    return math.cos(math.pi * share / 2) ** 2


def cosine(t, lr, decay_steps, end_lr=0.0):
    return end_lr + (lr - end_lr) * half_cosine(min(t, decay_steps) / decay_steps)


def cosine_restarts(t, lr, T_0, T_mult=1, end_lr=0.0):
    length = T_0
    if T_mult == 1:
        t %= length
    while t >= length:
        t, length = t - length, length * T_mult
    return end_lr + (lr - end_lr) * half_cosine(t / length)


def one_cycle(t, max_lr, total_steps, pct_start=0.3, anneal_strategy="cos", div_factor=25.0, final_div_factor=1e4,
              three_phase=False):
    first = max_lr / div_factor
    last = first / final_div_factor
    knots = [(0, first), (pct_start * total_steps - 1, max_lr)]
    if three_phase:
        knots.append((2 * pct_start * total_steps - 2, first))
    knots.append((total_steps - 1, last))
    for (start, a), (stop, b) in zip(knots, knots[1:]):
        if t <= stop:
            share = (t - start) / (stop - start) if stop > start else 1
            return b + (a - b) * (half_cosine(share) if anneal_strategy == "cos" else 1 - share)
    return last


def cyclic(t, base_lr, max_lr, step_size_up=2000, step_size_down=None, mode="triangular", gamma=1.0):
    down = step_size_down or step_size_up
    cycle, at = divmod(t, step_size_up + down)
    height = at / step_size_up if at <= step_size_up else 1 - (at - step_size_up) / down
    return base_lr + (max_lr - base_lr) * height * {"triangular": 1, "triangular2": 0.5 ** cycle, "exp_range": gamma ** t}[mode]


def piecewise(t, boundaries, values):
    return values[sum(boundary <= t for boundary in boundaries)]


def warmup(t, schedule, warmup_steps, start_lr=0.0):
    """`schedule` is a function of the step here."""
    if t < warmup_steps:
        return start_lr + (schedule(0) - start_lr) * t / warmup_steps
    return schedule(t - warmup_steps)


def join(t, schedules, boundaries):
    i = sum(boundary <= t for boundary in boundaries)
    return schedules[i](t - ([0] + list(boundaries))[i])


def plateau(metrics, lr, mode="min", factor=0.1, patience=10, threshold=1e-4, threshold_mode="rel", cooldown=0, min_lr=0.0,
            eps=1e-8):
    """The rate after each metric, step for step as PyTorch's documentation has it."""
    best, bad, cooling, rates = None, 0, 0, []
    for metric in metrics:
        if best is None:
            better = True
        elif threshold_mode == "rel":
            better = metric < best * (1 - threshold) if mode == "min" else metric > best * (1 + threshold)
        else:
            better = metric < best - threshold if mode == "min" else metric > best + threshold
        if better:
            best, bad = metric, 0
        else:
            bad += 1
        if cooling > 0:
            cooling, bad = cooling - 1, 0
        if bad > patience:
            reduced = max(lr * factor, min_lr)
            if lr - reduced > eps:
                lr = reduced
            cooling, bad = cooldown, 0
        rates.append(lr)
    return rates
