"""What surrounds the rules of reference_rules.py, in plain NumPy: groups, schedules, maximize, clipping, weight decay, L1; and
each rule's default settings, from PyTorch's documentation or the papers.  Never imports fastopt."""
import numpy as np

from reference.matrix_rules import MATRIX_DEFAULTS, MATRIX_RULES
from reference.rules import INF, RULES, norm, soft

BETAS = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}
FREE = {"weight_decay": 0.0, "r": 0.0, "weight_lr_power": 2.0}
DEFAULTS = {
    "sgd": {"lr": 1e-3, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False,
            "lr_in_velocity": False},
    "momentum": {"lr": 1e-3, "momentum": 0.9, "dampening": 0.0, "weight_decay": 0.0},
    "nesterov": {"lr": 1e-3, "momentum": 0.9, "weight_decay": 0.0},
    "asgd": {"lr": 1e-2, "lambd": 1e-4, "alpha": 0.75, "t0": 1e6, "weight_decay": 0.0},
    "adagrad": {"lr": 1e-2, "lr_decay": 0.0, "weight_decay": 0.0, "initial_accumulator_value": 0.0, "eps": 1e-10},
    "adadelta": {"lr": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.0},
    "rmsprop": {"lr": 1e-2, "alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0, "centered": False},
    "rprop": {"lr": 1e-2, "etas": (0.5, 1.2), "step_sizes": (1e-6, 50.0)},
    "adam": {"lr": 1e-3, **BETAS, "amsgrad": False, "eps_hat": False},
    "adamw": {"lr": 1e-3, **BETAS, "weight_decay": 1e-2, "amsgrad": False, "eps_hat": False},
    "amsgrad": {"lr": 1e-3, **BETAS},
    "adamax": {"lr": 2e-3, **BETAS},
    "nadam": {"lr": 2e-3, **BETAS, "momentum_decay": 4e-3, "decoupled_weight_decay": False},
    "radam": {"lr": 1e-3, **BETAS, "decoupled_weight_decay": False},
    "adabelief": {"lr": 1e-3, **BETAS, "eps": 1e-16, "decoupled_weight_decay": True},
    "yogi": {"lr": 1e-2, **BETAS, "eps": 1e-3, "initial_accumulator_value": 1e-6},
    "lion": {"lr": 1e-4, "betas": (0.9, 0.99), "weight_decay": 0.0},
    "signsgd": {"lr": 1e-4, "momentum": 0.0, "weight_decay": 0.0},
    "ftrl": {"lr": 0.1, "beta": 1.0, "l2": 0.0},
    "schedule_free_sgd": {"lr": 1.0, "momentum": 0.9, **FREE},
    "schedule_free_adamw": {"lr": 2.5e-3, **BETAS, **FREE},
    "lars": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0, "trust_coefficient": 1e-3, "eps": 1e-8},
    "lamb": {"lr": 1e-3, **BETAS, "eps": 1e-6},
    "dog": {"lr": 1.0, "reps_rel": 1e-6, "weight_decay": 0.0, "decoupled_weight_decay": False, "eps": 1e-8},
    "prodigy": {"lr": 1.0, **BETAS, "beta3": None, "decoupled_weight_decay": True, "use_bias_correction": False,
                "safeguard_warmup": False, "d0": 1e-6, "d_coef": 1.0, "growth_rate": INF},
}
COMMON = {"l1": 0.0, "clip_value": None}


class Reference:
    """An optimizer: groups are lists of arrays, copied, with settings of their own."""

    def __init__(self, name, groups, clip_norm=None, clip_global_norm=None, maximize=False, **settings):
        self.clip_norm, self.clip_global_norm, self.sign = clip_norm or INF, clip_global_norm or INF, -1 if maximize else 1
        rule, self.decay = {**RULES, **MATRIX_RULES}[name]
        self.name, self.t = name, 0
        self.groups = []
        for arrays, own in groups:
            w = [np.array(a, dtype=np.float64) for a in arrays]
            full = {**{**DEFAULTS, **MATRIX_DEFAULTS}[name], **COMMON, **settings, **own}
            steps = rule(w, full)
            next(steps)
            self.groups.append((w, full, steps))

    @property
    def params(self):
        return [a for w, _, _ in self.groups for a in w]

    def step(self, grads):
        grads = [self.sign * np.asarray(g, dtype=np.float64) for g in grads]
        grads = [g * min(1, self.clip_norm / norm([g])) if norm([g]) else g for g in grads]
        total = norm(grads)
        grads = iter([g * min(1, self.clip_global_norm / total) if total else g for g in grads])
        for w, settings, steps in self.groups:
            self._step_group(w, settings, steps, [next(grads) for _ in w])
        self.t += 1

    def _step_group(self, w, s, steps, grads):
        lr = s["lr"](self.t) if callable(s["lr"]) else s["lr"]
        bound = s["clip_value"] or INF
        grads = [np.clip(g, -bound, bound) for g in grads]
        decay, decoupled = s.get("weight_decay", 0.0), s.get("decoupled_weight_decay", self.decay == "decoupled")
        if self.decay != "own" and not decoupled:
            grads = [g + decay * a for g, a in zip(grads, w)]
        keep = 1 - lr * decay if decoupled and self.name not in ("dog", "prodigy") else 1.0
        for a, (step, rate) in zip(w, steps.send((self.t, lr, grads))):
            a[...] = step if rate is None else soft(keep * a - step, rate * s["l1"])
