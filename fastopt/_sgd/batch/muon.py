"""Muon for a linear model: the matrix of weights by its products, the intercepts, which are none, by AdamW's rule.

Used by _sgd.batch.fit.  Knows neither data nor estimators.
"""
from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastopt.optimizers._matrix import Array, Muon


class MuonAndAdamW(Muon):
    """Muon of w and AdamW of b, with one learning rate; b does not decay.

    Parameters
    ----------
    params : list of dict
        The groups of w, of shape (k, d) or (d, k), and of b, of shape (k,).
    weight_decay : float
        Of w.
    **settings
        Muon's.
    """

    name = ""   # not one to be asked for

    def __init__(self, params: Any, weight_decay: float = 0.0, **settings: Any) -> None:
        known = {name: setting.default for name, setting in inspect.signature(Muon).parameters.items()
                 if setting.default is not setting.empty}
        own = {name: settings.pop(name, default) for name, default in known.items()}
        weights, intercepts = params
        self._build([{**weights, "matrix": True}, {**intercepts, "matrix": False, "eps": 1e-8}],
                    {**own, "weight_decay": weight_decay, "betas": (0.9, 0.999), "matrix": True}, settings, matrix_step=True)

    def _check_arrays(self, arrays: list[Array], first: int) -> None:
        """Both are taken."""

    @classmethod
    def _kind(cls, settings: Mapping[str, Any]) -> str:
        return "muon" if settings["matrix"] else "adam"

    def _one_kind(self, groups: list[dict[str, Any]]) -> str:
        return "muon"

    def _state_names(self, kind: str) -> tuple[str, ...]:
        return ("m", "v")

    def _initial(self, name: str, w: Array, settings: Mapping[str, Any]) -> Array | None:
        return None if settings["matrix"] and name == "v" else np.zeros_like(w)

    def _outer(self, w: Array) -> tuple[int, int]:
        k = self.params[1].size
        return k, w.size // k
