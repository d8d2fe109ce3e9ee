"""The attributes of LogisticRegressionCV as scikit-learn had them before 1.8: dictionaries by class, and arrays with axes in another
order.

Used by linear_model._solved.logistic_cv, where `use_legacy_attributes` asks for them.  Knows no data.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def legacy_attributes(found: Mapping[str, Any], classes: Any, ratios: bool) -> dict[str, Any]:
    """The older form of C_, l1_ratio_, scores_, coefs_paths_ and n_iter_.

    Parameters
    ----------
    found : dict
        Those attributes in their form of today.
    classes : ndarray
    ratios : bool
        Whether shares of l1 were given: otherwise there is no axis for them.
    """
    labels = classes[1:] if len(classes) == 2 else classes

    def axes(array: np.ndarray) -> np.ndarray:
        return np.swapaxes(array, 1, 2) if ratios else array[:, 0]   # (folds, Cs, ratios, …)

    scores = axes(found["scores_"])
    paths = [axes(found["coefs_paths_"][..., j, :]) for j in range(len(labels))]
    return {"scores_": dict.fromkeys(labels, scores), "coefs_paths_": dict(zip(labels, paths)),
            "n_iter_": axes(found["n_iter_"])[None], **{name: np.full(len(labels), found[name]) for name in ("C_", "l1_ratio_")}}
