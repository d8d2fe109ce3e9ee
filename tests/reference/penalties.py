"""Penalties in plain NumPy, from the papers: values of single weights, and of groups.  Never imports fastopt."""
import numpy as np


def elasticnet(w, alpha, ratio):
    return alpha * (ratio * np.abs(w) + (1 - ratio) / 2 * w ** 2)


def mcp(w, alpha, gamma):
    return np.where(np.abs(w) <= gamma * alpha, alpha * np.abs(w) - w ** 2 / (2 * gamma), gamma * alpha ** 2 / 2)


def scad(w, alpha, gamma):
    size = np.abs(w)
    middle = (2 * gamma * alpha * size - size ** 2 - alpha ** 2) / (2 * (gamma - 1))
    return np.where(size <= alpha, alpha * size, np.where(size <= gamma * alpha, middle, alpha ** 2 * (gamma + 1) / 2))


def bounded(w, low, high):
    return np.where((w < low) | (w > high), np.inf, 0.0)


#: value of one weight with strength alpha, by name; parameters as the classes have them
VALUES = {
    "l1": lambda w, alpha: elasticnet(w, alpha, 1.0),
    "l2": lambda w, alpha: elasticnet(w, alpha, 0.0),
    "elasticnet": lambda w, alpha, l1_ratio: elasticnet(w, alpha, l1_ratio),
    "mcp": lambda w, alpha, gamma: mcp(w, alpha, gamma),
    "scad": lambda w, alpha, gamma: scad(w, alpha, gamma),
}


def group_lasso(w, alpha, groups, weights):
    return alpha * sum(weight * np.linalg.norm(w[list(group)]) for group, weight in zip(groups, weights))
