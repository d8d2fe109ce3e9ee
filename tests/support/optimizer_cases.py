"""What the tests of optimizers share: the options that each rule is tested with, runs of ours beside the reference."""
import numpy as np

from fastopt import optimizers
from reference.optimizers import DEFAULTS, Reference

#: options of each rule, beside none at all
OPTIONS = {
    "sgd": [{"momentum": 0.9}, {"momentum": 0.8, "dampening": 0.3}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
            {"momentum": 0.8, "dampening": 0.3, "lr_in_velocity": True}, {"momentum": 0.9, "nesterov": True, "lr_in_velocity": True}],
    "momentum": [{"dampening": 0.5, "weight_decay": 0.1}, {"momentum": 0.0}],
    "nesterov": [{"momentum": 0.5, "weight_decay": 0.1}],
    "asgd": [{"t0": 5.0, "lambd": 0.01, "alpha": 0.5, "lr": 0.1}, {"weight_decay": 0.1, "t0": 0.0, "alpha": 1.0}],
    "adagrad": [{"lr_decay": 0.1, "initial_accumulator_value": 0.5, "weight_decay": 0.1}],
    "adadelta": [{"rho": 0.5, "eps": 1e-3, "weight_decay": 0.1}],
    "rmsprop": [{"centered": True}, {"momentum": 0.9, "alpha": 0.9}, {"momentum": 0.5, "centered": True, "weight_decay": 0.1}],
    "rprop": [{"etas": (0.3, 1.5), "step_sizes": (1e-3, 0.1)}],
    "adam": [{"betas": (0.8, 0.9), "eps": 1e-4, "weight_decay": 0.1}, {"amsgrad": True}, {"betas": (0.0, 0.0)}, {"eps_hat": True, "eps": 1e-3},
             {"eps_hat": True, "eps": 1e-3, "amsgrad": True}],
    "adamw": [{"weight_decay": 0.3, "lr": 0.1}, {"amsgrad": True}],
    "amsgrad": [{"betas": (0.5, 0.6), "weight_decay": 0.1}],
    "adamax": [{"betas": (0.5, 0.6), "weight_decay": 0.1}],
    "nadam": [{"momentum_decay": 0.1, "weight_decay": 0.1}, {"decoupled_weight_decay": True, "weight_decay": 0.1, "lr": 0.1}],
    "radam": [{"betas": (0.8, 0.9), "weight_decay": 0.1}, {"decoupled_weight_decay": True, "weight_decay": 0.1, "lr": 0.1},
              {"betas": (0.9, 0.5)}],
    "adabelief": [{"weight_decay": 0.1, "lr": 0.1}, {"decoupled_weight_decay": False, "weight_decay": 0.1, "eps": 1e-8}],
    "yogi": [{"initial_accumulator_value": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1}],
    "lion": [{"weight_decay": 0.3, "lr": 0.01, "betas": (0.8, 0.9)}],
    "signsgd": [{"momentum": 0.9, "lr": 0.01}, {"weight_decay": 0.1, "lr": 0.1}],
    "ftrl": [{"l1": 0.3, "l2": 0.2, "beta": 0.5}],
    "schedule_free_sgd": [{"lr": 0.1, "momentum": 0.5, "weight_decay": 0.1, "r": 1.0, "weight_lr_power": 1.0}],
    "schedule_free_adamw": [{"weight_decay": 0.3, "lr": 0.1, "r": 0.5, "betas": (0.95, 0.9)}],
    "lars": [{"weight_decay": 0.1, "lr": 10.0, "momentum": 0.5, "trust_coefficient": 0.01, "eps": 1e-3}],
    "lamb": [{"weight_decay": 0.1, "lr": 0.05, "betas": (0.5, 0.6)}],
    "dog": [{"reps_rel": 1e-2, "weight_decay": 0.1, "lr": 0.5}, {"decoupled_weight_decay": True, "weight_decay": 0.1}],
    "prodigy": [{"use_bias_correction": True, "weight_decay": 0.1, "d0": 1e-3}, {"safeguard_warmup": True, "beta3": 0.9},
                {"d0": 1e-2, "d_coef": 0.5, "growth_rate": 1.05, "decoupled_weight_decay": False, "weight_decay": 0.1}],
}


def schedule(t):
    """Begins at 0, as a warm-up does."""
    return 0.05 * min(t, 7) / 7 / (1 + 0.01 * t)


#: what every rule is tested with
SHARED = {"plain": {}, "l1": {"l1": 0.02}, "schedule": {"lr": schedule, "l1": 0.02}, "clip_value": {"clip_value": 0.4},
          "clip_norm": {"clip_norm": 0.9}, "clip_global_norm": {"clip_global_norm": 1.3},
          "all": {"clip_value": 0.4, "clip_norm": 1.9, "clip_global_norm": 2.0, "maximize": True, "l1": 0.02, "lr": 0.03}}
NAMES = sorted(DEFAULTS)
CASES = [(name, key, {}) for name in NAMES for key in SHARED if not (name == "rprop" and key == "schedule")]
CASES += [(name, "plain", own) for name in NAMES for own in OPTIONS[name]]
CASES += [(name, "all", own) for name in NAMES for own in OPTIONS[name]]


def settings_of(key, own):
    """Options of a rule win over those that all rules share."""
    return {**SHARED[key], **own}


def start(dtypes=(np.float64,) * 3, seed=0):
    """Arrays of odd sizes, one of one element, one F-ordered."""
    rng = np.random.default_rng(seed)
    shapes = [(37,), (1,), (5, 7)]
    return [np.asarray(rng.normal(size=shape), dtype=dtype, order="F") for shape, dtype in zip(shapes, dtypes)]


def gradients(like, reference, rng):
    """Noise about a slope of the reference's weights, in the types and orders of ours."""
    return [np.asarray(rng.normal(size=w.shape) + 0.3 * r, dtype=w.dtype, order="F") for w, r in zip(like, reference)]


def run_beside(name, params, steps, tolerance, seed=1, **settings):
    """Ours and the reference, the same steps; they agree after each."""
    rng = np.random.default_rng(seed)
    reference = Reference(name, [(params, {})], **settings)
    ours = optimizers.get(name)(params, **settings)
    for t in range(steps):
        grads = gradients(params, reference.params, rng)
        ours.step(grads)
        reference.step(grads)
        compare(params, reference.params, tolerance, f"{name} {settings} step {t}")
    return ours, reference


def compare(ours, reference, tolerance, words):
    for i, (a, b) in enumerate(zip(ours, reference)):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=f"{words} array {i}")


def everything(optimizer):
    """All bytes that later steps depend on."""
    return ([w.tobytes("A") for w in optimizer.params], [[a.tobytes("A") for a in arrays if a is not None] for arrays in optimizer.states],
            optimizer.carries, optimizer.t, optimizer.skipped)
