"""Update rules in plain NumPy and float64, written from PyTorch's documentation or, where it lacks the rule, from the papers:
the oracle of test_optimizers*.py.  One function a rule, of a list of parameters (what a norm or an estimate is over may be
several arrays); never imports fastopt, knows nothing of its kernels.

A rule is a generator: it is sent (t, lr, gradients) and yields (steps, rates), by which w ← w − steps and then L1 shrinks w
by rates·l1; a rule that sets w itself yields rates of None."""
import numpy as np

INF = float("inf")


def soft(w, threshold):
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0)


def norm(arrays):
    return np.sqrt(sum(float(np.sum(np.square(a))) for a in arrays))


def elementwise(update, *names, **initial):
    """A rule of single arrays: update(settings, state, w, g, lr, t) → (step, rate)."""
    def rule(w, s):
        states = [{name: initial[name](each, s) if name in initial else np.zeros_like(each) for name in names} for each in w]
        outcome = None
        while True:
            t, lr, g = yield outcome
            outcome = [update(s, state, w[i], g[i], lr, t) for i, state in enumerate(states)]
    return rule


def sgd(s, state, w, g, lr, t):
    return lr * g, lr


def momentum(s, state, w, g, lr, t, nesterov=False):
    if s.get("lr_in_velocity"):   # scikit-learn's SGDOptimizer, whose velocity has the other sign
        state["v"] = s["momentum"] * state["v"] + (1 if t == 0 else 1 - s["dampening"]) * lr * g
        return (lr * g + s["momentum"] * state["v"] if s["nesterov"] else state["v"]), lr
    state["v"] = g if t == 0 else s["momentum"] * state["v"] + (1 - s.get("dampening", 0)) * g
    return lr * (g + s["momentum"] * state["v"] if nesterov or s.get("nesterov") else state["v"]), lr


def sgd_any(s, state, w, g, lr, t):
    return momentum(s, state, w, g, lr, t) if s["momentum"] else sgd(s, state, w, g, lr, t)


def nesterov(s, state, w, g, lr, t):
    return momentum(s, state, w, g, lr, t, nesterov=True)


def asgd(s, state, w, g, lr, t):
    eta = lr / (1 + s["lambd"] * lr * t) ** s["alpha"]
    new = soft((1 - s["lambd"] * eta) * w - eta * g, eta * s["l1"])
    state["mean"] += (new - state["mean"]) / max(1, t - s["t0"])
    return new, None


def adagrad(s, state, w, g, lr, t):
    state["v"] += g ** 2
    rate = lr / (1 + t * s["lr_decay"]) / (np.sqrt(state["v"]) + s["eps"])
    return rate * g, rate


def adadelta(s, state, w, g, lr, t):
    state["v"] = s["rho"] * state["v"] + (1 - s["rho"]) * g ** 2
    scale = np.sqrt(state["u"] + s["eps"]) / np.sqrt(state["v"] + s["eps"])
    state["u"] = s["rho"] * state["u"] + (1 - s["rho"]) * (scale * g) ** 2
    return lr * scale * g, lr * scale


def rmsprop(s, state, w, g, lr, t):
    state["v"] = s["alpha"] * state["v"] + (1 - s["alpha"]) * g ** 2
    variance = state["v"]
    if s["centered"]:
        state["mean"] = s["alpha"] * state["mean"] + (1 - s["alpha"]) * g
        variance = np.maximum(variance - state["mean"] ** 2, 0)
    scale = 1 / (np.sqrt(variance) + s["eps"])
    state["b"] = s["momentum"] * state["b"] + g * scale
    return lr * state["b"], lr * scale


def rprop(s, state, w, g, lr, t):
    turn = np.sign(g) * np.sign(state["g"])
    state["step"] = np.clip(state["step"] * np.where(turn > 0, s["etas"][1], np.where(turn < 0, s["etas"][0], 1)),
                            *s["step_sizes"])
    state["g"] = np.where(turn < 0, 0, g)
    return np.sign(state["g"]) * state["step"], state["step"]


def moments(s, state, g, t, variance_of=None):
    """m and v, moved; m̂ and √v̂ + ε of Adam."""
    b1, b2 = s["betas"]
    state["m"] = b1 * state["m"] + (1 - b1) * g
    state["v"] = b2 * state["v"] + (1 - b2) * np.square(g if variance_of is None else variance_of(state["m"]))
    return state["m"] / (1 - b1 ** (t + 1)), root_of(s, state["v"], t)


def root_of(s, v, t):
    """√v̂ + ε, or (√v + ε)/√(1 − β2ᵗ)."""
    unbias = 1 - s["betas"][1] ** (t + 1)
    return (np.sqrt(v) + s["eps"]) / np.sqrt(unbias) if s.get("eps_hat") else np.sqrt(v / unbias) + s["eps"]


def adam(s, state, w, g, lr, t, amsgrad=False):
    m, root = moments(s, state, g, t)
    if amsgrad or s.get("amsgrad"):
        state["v_max"] = np.maximum(state["v_max"], state["v"])
        root = root_of(s, state["v_max"], t)
    return lr * m / root, lr / root


def amsgrad(s, state, w, g, lr, t):
    return adam(s, state, w, g, lr, t, amsgrad=True)


def adamax(s, state, w, g, lr, t):
    m, _ = moments(s, state, g, t)
    state["u"] = np.maximum(s["betas"][1] * state["u"], np.abs(g) + s["eps"])
    return lr * m / state["u"], lr / state["u"]


def nadam(s, state, w, g, lr, t):
    _, root = moments(s, state, g, t)
    mu = [s["betas"][0] * (1 - 0.5 * 0.96 ** (i * s["momentum_decay"])) for i in range(1, t + 3)]
    now, after = np.prod(mu[:-1]), np.prod(mu)
    return lr * (((1 - mu[-2]) / (1 - now)) * g + mu[-1] / (1 - after) * state["m"]) / root, lr / root


def radam(s, state, w, g, lr, t):
    m, _ = moments(s, state, g, t)
    b2t, longest = s["betas"][1] ** (t + 1), 2 / (1 - s["betas"][1]) - 1
    rho = longest - 2 * (t + 1) * b2t / (1 - b2t)
    if rho <= 5:
        return lr * m, lr
    r = np.sqrt((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho))
    rate = lr * r * np.sqrt(1 - b2t) / (np.sqrt(state["v"]) + s["eps"])
    return rate * m, rate


def adabelief(s, state, w, g, lr, t):
    m, _ = moments(s, state, g, t, variance_of=lambda mean: g - mean)
    state["v"] = state["v"] + s["eps"]
    root = np.sqrt(state["v"] / (1 - s["betas"][1] ** (t + 1))) + s["eps"]
    return lr * m / root, lr / root


def yogi(s, state, w, g, lr, t):
    b1, b2 = s["betas"]
    state["m"] = b1 * state["m"] + (1 - b1) * g
    state["v"] = state["v"] - (1 - b2) * np.sign(state["v"] - g ** 2) * g ** 2
    root = np.sqrt(state["v"] / (1 - b2 ** (t + 1))) + s["eps"]
    return lr * state["m"] / (1 - b1 ** (t + 1)) / root, lr / root


def lion(s, state, w, g, lr, t):
    b1, b2 = s["betas"]
    direction = np.sign(b1 * state["m"] + (1 - b1) * g)
    state["m"] = b2 * state["m"] + (1 - b2) * g
    return lr * direction, lr


def signsgd(s, state, w, g, lr, t):
    state["m"] = s["momentum"] * state["m"] + (1 - s["momentum"]) * g
    return lr * np.sign(state["m"]), lr


def ftrl(s, state, w, g, lr, t):
    """McMahan's z times lr: a gradient keeps the rate that it came with."""
    n = state["n"] + g ** 2
    state["z"] = state["z"] + lr * g - (np.sqrt(n) - np.sqrt(state["n"])) * w
    state["n"] = n
    return -soft(state["z"], lr * s["l1"]) / (s["beta"] + np.sqrt(n) + lr * s["l2"]), None


def schedule_free(w, s, direction):
    """Defazio et al. 2024, algorithm 1, in x, y, z; the proximal step of L1 is z's.  y is what is stepped."""
    z, x, v = [a.copy() for a in w], [a.copy() for a in w], [np.zeros_like(a) for a in w]
    beta = s["momentum"] if "momentum" in s else s["betas"][0]
    largest = total = 0.0
    outcome = None
    while True:
        t, lr, g = yield outcome
        largest = max(largest, lr)
        weight = (t + 1) ** s["r"] * largest ** s["weight_lr_power"]
        total += weight
        c = weight / total if total else 0.0
        outcome = []
        for i in range(len(w)):
            step, rate = direction(s, v, i, w[i], g[i], lr, t)
            z[i] = soft(z[i] - step, rate * s["l1"])
            x[i] = (1 - c) * x[i] + c * z[i]
            outcome.append(((1 - beta) * z[i] + beta * x[i], None))


def schedule_free_sgd(w, s):
    return schedule_free(w, s, lambda s, v, i, y, g, lr, t: (lr * g, lr))


def schedule_free_adamw(w, s):
    def direction(s, v, i, y, g, lr, t):
        b2 = s["betas"][1]
        v[i] = b2 * v[i] + (1 - b2) * g ** 2
        rate = lr / (np.sqrt(v[i] / (1 - b2 ** (t + 1))) + s["eps"])
        return rate * g + lr * s["weight_decay"] * y, rate
    return schedule_free(w, s, direction)


def lars(s, state, w, g, lr, t):
    slope = norm([g - s["weight_decay"] * w])
    size = norm([w])
    rate = lr
    if size > 0 and slope > 0:
        rate = lr * s["trust_coefficient"] * size / (slope + s["weight_decay"] * size + s["eps"])
    state["v"] = s["momentum"] * state["v"] + rate * g
    return state["v"], rate


def lamb(s, state, w, g, lr, t):
    m, root = moments(s, state, g, t)
    u = m / root + s["weight_decay"] * w
    trust = norm([w]) / norm([u]) if norm([w]) > 0 and norm([u]) > 0 else 1.0
    return lr * trust * u, lr * trust / root


def dog(w, s):
    start = [a.copy() for a in w]
    distance, total, outcome = s["reps_rel"] * (1 + norm(w)), 0.0, None
    while True:
        t, lr, g = yield outcome
        distance = max(distance, norm([a - b for a, b in zip(w, start)]))
        total += norm(g) ** 2
        rate = lr * distance / np.sqrt(total + s["eps"])
        decay = s["weight_decay"] if s["decoupled_weight_decay"] else 0.0
        outcome = [(rate * g_i + rate * decay * w_i, rate) for w_i, g_i in zip(w, g)]


def prodigy(w, s):
    """Mishchenko & Defazio 2024, algorithm 4 with the options of the authors' program."""
    b1, b2 = s["betas"]
    b3 = np.sqrt(b2) if s["beta3"] is None else s["beta3"]
    start, m, v, sums = [[a.copy() * k for a in w] for k in (1, 0, 0, 0)]
    d = d_max = s["d0"]
    numerator, outcome = 0.0, None
    while True:
        t, lr, g = yield outcome
        correction = np.sqrt(1 - b2 ** (t + 1)) / (1 - b1 ** (t + 1)) if s["use_bias_correction"] else 1.0
        step = d * lr * correction
        numerator = b3 * numerator + d / s["d0"] * step * sum(
            float(np.sum(g[i] * (start[i] - w[i]))) for i in range(len(w)))
        for i in range(len(w)):
            m[i] = b1 * m[i] + (1 - b1) * d * g[i]
            v[i] = b2 * v[i] + (1 - b2) * (d * g[i]) ** 2
            sums[i] = b3 * sums[i] + d / s["d0"] * (d if s["safeguard_warmup"] else step) * g[i]
        denominator = sum(float(np.sum(np.abs(a))) for a in sums)
        # in the unit of g the weights saw this rate: what of d is in m and √v, and the correction of m
        unit = d * (1 - b1 ** (t + 1) if s["use_bias_correction"] else 1.0)
        if denominator > 0 and lr > 0:
            estimate = s["d_coef"] * numerator / denominator
            d = max(d, estimate) if d == s["d0"] else d
            d_max = max(d_max, estimate)
            d = min(d_max, d * s["growth_rate"])
        decay = s["weight_decay"] if s["decoupled_weight_decay"] else 0.0
        rates = [step / (np.sqrt(v[i]) + d * s["eps"]) for i in range(len(w))]
        outcome = [(rates[i] * m[i] + step * decay * w[i], rates[i] * unit) for i in range(len(w))]


def full(setting):
    return lambda w, s: np.full_like(w, s[setting](0) if callable(s[setting]) else s[setting])


def copied(w, s):
    return w.copy()


def ftrl_start(w, s):
    lr = s["lr"](0) if callable(s["lr"]) else s["lr"]
    return -w * (s["beta"] + lr * s["l2"]) - np.sign(w) * lr * s["l1"]


#: name → (rule, where weight_decay goes: "l2" the gradient, "decoupled" the weights, "own" the rule's business)
RULES = {
    "sgd": (elementwise(sgd_any, "v"), "l2"),
    "momentum": (elementwise(momentum, "v"), "l2"),
    "nesterov": (elementwise(nesterov, "v"), "l2"),
    "asgd": (elementwise(asgd, "mean", mean=copied), "l2"),
    "adagrad": (elementwise(adagrad, "v", v=full("initial_accumulator_value")), "l2"),
    "adadelta": (elementwise(adadelta, "v", "u"), "l2"),
    "rmsprop": (elementwise(rmsprop, "v", "mean", "b"), "l2"),
    "rprop": (elementwise(rprop, "g", "step", step=full("lr")), "own"),
    "adam": (elementwise(adam, "m", "v", "v_max"), "l2"),
    "adamw": (elementwise(adam, "m", "v", "v_max"), "decoupled"),
    "amsgrad": (elementwise(amsgrad, "m", "v", "v_max"), "l2"),
    "adamax": (elementwise(adamax, "m", "v", "u"), "l2"),
    "nadam": (elementwise(nadam, "m", "v"), "l2"),
    "radam": (elementwise(radam, "m", "v"), "l2"),
    "adabelief": (elementwise(adabelief, "m", "v"), "l2"),
    "yogi": (elementwise(yogi, "m", "v", v=full("initial_accumulator_value")), "l2"),
    "lion": (elementwise(lion, "m"), "decoupled"),
    "signsgd": (elementwise(signsgd, "m"), "l2"),
    "ftrl": (elementwise(ftrl, "z", "n", z=ftrl_start), "own"),
    "schedule_free_sgd": (schedule_free_sgd, "l2"),
    "schedule_free_adamw": (schedule_free_adamw, "own"),
    "lars": (elementwise(lars, "v"), "l2"),
    "lamb": (elementwise(lamb, "m", "v"), "own"),
    "dog": (dog, "l2"),
    "prodigy": (prodigy, "l2"),
}
