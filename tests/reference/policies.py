"""Losses of Gaussian policies and of values, plainly, step after step.  Never imports fastopt."""
import math

import numpy as np


def log_density(action, mean, log_std):
    """Of the normal distribution of each number, added up."""
    return sum(-0.5 * ((a - m) / math.exp(s)) ** 2 - s - 0.5 * math.log(2 * math.pi) for a, m, s in zip(action, mean, log_std))


def entropy(log_std):
    return sum(s + 0.5 * math.log(2 * math.pi * math.e) for s in log_std)


def gaussian(actions, mean, log_std, advantages, old=None, clip=0.0, bonus=0.0):
    """The loss of each step: the policy gradient, or with old log-densities PPO."""
    log_std, found = np.broadcast_to(log_std, np.shape(mean)), []
    for i, better in enumerate(advantages):
        density = log_density(actions[i], mean[i], log_std[i])
        if old is None:
            value = -better * density
        else:
            ratio = math.exp(density - old[i])
            value = -min(ratio * better, min(max(ratio, 1 - clip), 1 + clip) * better)
        found.append(value - bonus * entropy(log_std[i]))
    return np.array(found)


def difference(kind, delta, r):
    """r²/2, or the Huber loss."""
    return r * r / 2 if kind == "squared" or abs(r) <= delta else delta * (abs(r) - delta / 2)


def values(y, p, kind="squared", delta=1.0, old=None, clip=0.0):
    """The loss of each value."""
    found = []
    for i in range(len(p)):
        loss = difference(kind, delta, p[i] - y[i])
        if old is not None:
            loss = max(loss, difference(kind, delta, old[i] + min(max(p[i] - old[i], -clip), clip) - y[i]))
        found.append(loss)
    return np.array(found)


def td_errors(actions, p, rewards, done, next_scores, next_online, gamma):
    """Of each step."""
    found = []
    for i, a in enumerate(actions):
        best = int(np.argmax((next_scores if next_online is None else next_online)[i]))
        found.append(rewards[i] + (0 if done[i] else gamma * next_scores[i][best]) - p[i][a])
    return np.array(found)
