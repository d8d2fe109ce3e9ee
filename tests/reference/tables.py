"""What a model file says about a table, by pandas and NumPy alone: the design matrix, predictions and scores.

The oracle of tests/cli/test_cli_tables.py.  It has the values of a table, never its text, and reads the model file's arrays as they
lie in the archive; it knows nothing of fastopt.
"""
import json

import numpy as np
import pandas as pd
from sklearn import metrics

GAP = "(missing)"


def design(frame, kinds):
    """Numbers first, then one-hot columns, as the command documents them.

    Parameters
    ----------
    frame : DataFrame
        Values: float, True/False/None, str or None, Timestamp or NaT.
    kinds : dict of str to {"number", "boolean", "text", "date"}
    """
    numbers, hot = [], []
    for name, kind in kinds.items():
        column = frame[name]
        if column.isna().all():
            continue
        if kind == "date":
            column = (pd.to_datetime(column) - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
        if kind in ("number", "date") or kind == "boolean" and not column.isna().any():
            values = column.astype(float)
            spread = values.std(ddof=0)
            filled = values.fillna(values.median()) - values.mean()
            numbers.append((filled / (spread if spread > 1e-12 * max(1, abs(values.mean())) else 1)).clip(-5, 5))
            continue
        if kind == "boolean":
            column = column.map({True: "true", False: "false"})
        column = column.fillna(GAP).astype(str)
        if column.nunique() > 1:
            hot.append(pd.get_dummies(column)[sorted(set(column))])
    blocks = [np.column_stack(numbers)] if numbers else []
    return np.hstack([*blocks, *(block.to_numpy(dtype=float) for block in hot)])


def weights(path):
    """(coef, intercept, classes or None) of a model file."""
    with np.load(path) as arrays:
        classes = arrays["classes"] if "classes" in arrays.files else None
        assert json.loads(arrays["meta"].tobytes())["format"] == "fastopt-model"
        return np.atleast_2d(arrays["coef"]).astype(float), arrays["intercept"].astype(float), classes


def predictions(path, X):
    """(predictions, probabilities or None) of a model by log loss or squared error."""
    coef, intercept, classes = weights(path)
    p = X @ coef.T + intercept
    if classes is None:
        return p[:, 0], None
    if len(classes) == 2:
        one = 1 / (1 + np.exp(-p[:, 0]))
        return classes[(p[:, 0] > 0).astype(int)], np.column_stack([1 - one, one])
    each = 1 / (1 + np.exp(-p))
    return classes[p.argmax(axis=1)], each / each.sum(axis=1, keepdims=True)


def scores(y, predicted, proba, classes=None):
    """Figures by the name under which they are printed; `y` in the type of `predicted`."""
    if proba is None:
        return {"R²": metrics.r2_score(y, predicted), "RMSE": metrics.mean_squared_error(y, predicted) ** 0.5,
                "MAE": metrics.mean_absolute_error(y, predicted)}
    out = {"accuracy": metrics.accuracy_score(y, predicted), "log loss": metrics.log_loss(y, proba, labels=list(classes))}
    if len(classes) == 2 and len(set(y)) == 2:
        out["area under the ROC curve"] = metrics.roc_auc_score([v == classes[1] for v in y], proba[:, 1])
    return out
