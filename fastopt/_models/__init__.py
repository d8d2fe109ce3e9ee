"""Model files: an estimator's weights as plain arrays and JSON in an .npz archive, without pickle.

`save_model` and `load_model` are public; the checks that loading makes are in _models.load.
"""
from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from fastopt._common.write import replacing

from .load import (
    CURVES,
    ESTIMATORS,
    FORMAT,
    JSON_OBJECT_BYTES,
    MAX_HEADER,
    MAX_JSON,
    UNPACKED_RATIO,
    VERSION,
    Estimator,
    Model,
    build,
    limit,
    read_archive,
    weight,
)

if TYPE_CHECKING:
    from fastopt._data.preparer import Preparer


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a fitted model to an ``.npz`` file that `load_model` reads, here or on another machine.

    Parameters
    ----------
    model : SGDClassifier, SGDRegressor, or the Pipeline that ``fastopt train`` fits
        A fitted estimator of :mod:`fastopt.linear_model`.
    path : path-like
        An existing file is replaced, at once and whole.

    Raises
    ------
    TypeError
        If it is another kind of model, or a parameter is an object that JSON cannot hold.
    ValueError
        If it is not fitted, or its weights are not finite.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fastopt.linear_model import SGDClassifier
    >>> from fastopt._models import load_model, save_model
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])
    >>> path = os.path.join(tempfile.mkdtemp(), "model.npz")
    >>> save_model(SGDClassifier(random_state=0).fit(X, y), path)
    >>> load_model(path).predict([[3.0]]).tolist()
    ['yes']
    """
    preparer, estimator = _parts(model)
    kind = ESTIMATORS[type(estimator).__name__]
    if not hasattr(estimator, "coef_"):
        raise ValueError(f"this {type(estimator).__name__} is not fitted; fit it before it is saved")
    arrays = {"coef": estimator.coef_.toarray() if hasattr(estimator.coef_, "toarray") else np.asarray(estimator.coef_),
              "intercept": np.atleast_1d(np.asarray(estimator.intercept_))}
    if not all(np.isfinite(a).all() for a in arrays.values()):
        raise ValueError("the weights are not finite; such a model is not saved")
    if kind == "classifier":
        classes = np.asarray(estimator.classes_)
        arrays["classes"] = classes.astype(str) if classes.dtype.kind == "O" else classes
    meta = {"format": FORMAT, "version": VERSION, "estimator": type(estimator).__name__,
            "params": {name: _plain(value, name) for name, value in estimator.get_params(deep=False).items()},
            "fitted": _fitted(estimator), "prepare": None}
    if preparer is not None:
        from fastopt._data.plain import to_plain

        meta["prepare"], more = to_plain(preparer)
        arrays.update(more)
    text = json.dumps(meta, allow_nan=True, ensure_ascii=True).encode()
    if len(text) > MAX_JSON:
        raise ValueError(f"names and parameters take {len(text):,} bytes; a model file holds {MAX_JSON:,} of them")
    _write(path, {"meta": np.frombuffer(text, dtype=np.uint8), **arrays})


def load_model(path: str | os.PathLike[str], max_bytes: int | None = None) -> Model:
    """Read a model that `save_model` wrote.

    Parameters
    ----------
    path : path-like
    max_bytes : int, optional
        A file whose arrays are larger than this, unpacked, is refused; None: 1 GB, or 64 times the file, whichever is more.

    Returns
    -------
    SGDClassifier, SGDRegressor or Pipeline
        A fitted estimator like the one saved: it predicts the same.

    Raises
    ------
    ValueError
        If the file is not a model, or damaged, or written by a later version.
    OSError
        If it cannot be read.
    """
    try:
        return build(*read_archive(path, max_bytes))
    except OSError:
        raise
    except Exception as error:         # the bytes may be anything, and so may what a parser of them raises
        raise ValueError(f"{os.fspath(path)} is not a usable fastopt model: {error or type(error).__name__}") from error


def _parts(model: Model) -> tuple[Preparer | None, Estimator]:
    """The preparing step or None, and the estimator."""
    estimator, preparer = model, None
    if hasattr(model, "steps"):
        steps = [step for _, step in model.steps]
        if len(steps) != 2 or type(steps[0]).__name__ != "Preparer":
            raise TypeError("of pipelines, only the one that `fastopt train` fits can be saved; save the estimator alone")
        preparer, estimator = steps
    if type(estimator).__name__ not in ESTIMATORS or not type(estimator).__module__.startswith("fastopt."):
        raise TypeError(f"model is of type {type(model).__name__}; expected a fastopt {' or '.join(ESTIMATORS)}")
    return preparer, estimator


def _plain(value: Any, name: str) -> Any:
    """A parameter in JSON; a dictionary, whose keys may be numbers, becomes a list of pairs."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {"pairs": [[_plain(k, name), _plain(v, name)] for k, v in value.items()]}
    if name == "loss":                     # one with parameters of its own, such as losses.Tweedie(power=1.2)
        return {"loss": value.name, "params": {k: _plain(v, name) for k, v in value.params.items()}}
    if name == "random_state":
        return None                        # a generator's state is not part of what was learnt
    raise TypeError(f"parameter {name} is of type {type(value).__name__}, which a model file cannot hold")


def _fitted(estimator: Estimator) -> dict[str, Any]:
    """The fitted attributes beside the weights."""
    out: dict[str, Any] = {"n_iter_": int(estimator.n_iter_), "t_": float(estimator.t_), "n_features_in_": int(estimator.n_features_in_)}
    if hasattr(estimator, "best_iter_"):
        out["best_iter_"] = int(estimator.best_iter_)
    for name in CURVES:
        if getattr(estimator, name, None) is not None:
            out[name] = [float(v) for v in getattr(estimator, name)]
    if hasattr(estimator, "feature_names_in_"):
        out["feature_names_in_"] = [str(n) for n in estimator.feature_names_in_]
    return out


def _write(path: str | os.PathLike[str], arrays: dict[str, Any]) -> None:
    """The archive.  `load_model` refuses what unpacks to far more than the file holds; a large model that would is not packed."""
    with replacing(path) as stream:
        np.savez_compressed(stream, **arrays)
        size, packed = sum(a.nbytes for a in arrays.values()) + MAX_HEADER * len(arrays), stream.tell()
        if size > limit(packed) or weight(arrays["meta"]) > JSON_OBJECT_BYTES + UNPACKED_RATIO * packed:
            stream.seek(0)
            stream.truncate()
            np.savez(stream, **arrays)
