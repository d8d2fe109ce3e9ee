"""Rules of whole matrices in plain NumPy, as those of single elements in reference_rules.py: the oracle of Muon, by itself and in
the linear estimators.  Never imports fastopt."""
import numpy as np

from reference.rules import adam


def muon(w, s):
    """Jordan et al. 2024 for matrices; AdamW, with its defaults, for vectors."""
    m = [np.zeros_like(a) for a in w]
    others = [{"m": np.zeros_like(a), "v": np.zeros_like(a), "v_max": np.zeros_like(a)} for a in w]
    outcome = None
    while True:
        t, lr, g = yield outcome
        outcome = []
        for i, a in enumerate(w):
            if a.ndim == 1:
                outcome.append(adam({**s, "betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": False}, others[i], a, g[i], lr, t))
                continue
            m[i] = s["momentum"] * m[i] + (1 - s["momentum"]) * g[i]
            x = g[i] + s["momentum"] * (m[i] - g[i]) if s["nesterov"] else m[i]
            x = x.T if a.shape[0] > a.shape[1] else x
            x = x / max(np.linalg.norm(x), s["eps"])
            for _ in range(s["ns_steps"]):
                gram = x @ x.T
                x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
            size = max(1, a.shape[0] / a.shape[1]) ** 0.5 if s["adjust_lr"] == "original" else 0.2 * max(a.shape) ** 0.5
            outcome.append((lr * size * (x.T if a.shape[0] > a.shape[1] else x), lr))


MATRIX_RULES = {"muon": (muon, "decoupled")}
MATRIX_DEFAULTS = {"muon": {"lr": 1e-3, "weight_decay": 0.1, "momentum": 0.95, "nesterov": True, "eps": 1e-7, "ns_steps": 5,
                            "adjust_lr": "original"}}
