"""Reading of model files: every value is checked, and no code is run.

Used by `_models.load_model`.  Sizes, names, types, shapes and values are checked before they are used, so that a
damaged or hostile file ends in a ValueError: no pickle, no array larger than the bytes that are there, no weight that is
not finite.
"""
from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from fastopt.linear_model import SGDClassifier, SGDRegressor
    from fastopt.losses import Loss

Estimator: TypeAlias = "SGDClassifier | SGDRegressor"
#: a Pipeline is that of a preparing step and an estimator
Model: TypeAlias = "Estimator | Pipeline"
Arrays: TypeAlias = "dict[str, np.ndarray]"

FORMAT = "fastopt-model"
VERSION = 2                    # 2: tables are described by a schema
ESTIMATORS = {"SGDClassifier": "classifier", "SGDRegressor": "regressor"}
ARRAYS = ("meta", "coef", "intercept", "classes", "fill", "center", "scale")
UNPACKED_BYTES = 1 << 30                 # bytes of arrays that any file may unpack to
UNPACKED_RATIO = 64                     # and beyond that, so many times its own size
MAX_JSON = 64 << 20            # bytes of parameters and names
JSON_OBJECT_BYTES, BYTES_A_VALUE = 64 << 20, 100       # bytes that they may take as objects, and those that one may take
MAX_HEADER = 1024              # of one array: a type and two sizes
CURVES = ("loss_curve_", "validation_curve_")


def limit(size: int) -> int:
    """How many bytes of arrays a file of `size` bytes may unpack to."""
    return max(UNPACKED_BYTES, UNPACKED_RATIO * size)


def read_archive(path: str | os.PathLike[str], max_bytes: int | None = None) -> tuple[dict[str, Any], Arrays]:
    """The parameters (a dict) and the arrays of a file; ValueError if it is not what `save_model` writes."""
    with open(path, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        try:
            with zipfile.ZipFile(stream) as archive:
                arrays = {name: _array(raw, name)
                          for name, raw in _members(archive, limit(size) if max_bytes is None else max_bytes)}
        except Exception as error:         # zip, zlib, NumPy's header (even its tokenizer): bytes that are none of theirs
            raise ValueError(f"it is damaged, or no model file ({error or type(error).__name__})") from None
    need(set(arrays) >= {"meta", "coef", "intercept"}, "it lacks the weights or their description")
    return _meta(arrays.pop("meta"), size), arrays


def need(condition: object, message: str) -> None:
    """ValueError unless the condition holds."""
    if not condition:
        raise ValueError(message)


def _members(archive: zipfile.ZipFile, max_bytes: int) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each member; their sizes are checked before anything is unpacked."""
    members = archive.infolist()
    names = [m.filename.removesuffix(".npy") for m in members]
    need(len(set(names)) == len(names) and set(names) <= set(ARRAYS), "it holds something else than a model's arrays")
    size = sum(m.file_size for m in members)
    need(size <= max_bytes, f"unpacked it has {size:,} bytes; at most {max_bytes:,} are read (max_bytes)")
    for name, member in zip(names, members):
        need(member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), "its compression is unknown")
        need(name != "meta" or member.file_size <= MAX_JSON, f"its description has {member.file_size:,} bytes")
        with archive.open(member) as stream:
            yield name, stream.read(member.file_size)


def _array(raw: bytes, name: str) -> np.ndarray:
    """One array of plain numbers or strings, exactly as long as the bytes that are there."""
    stream = io.BytesIO(raw)
    version = np.lib.format.read_magic(stream)
    need(version == (1, 0), f"array {name} is of an unknown format {version}")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream, max_header_size=MAX_HEADER)
    need(dtype.kind in "biufU" and dtype.itemsize > 0 and not dtype.hasobject and dtype.subdtype is None,
         f"array {name} is of type {dtype}, which no model has")
    need(len(shape) <= 2 and all(isinstance(s, int) and s >= 0 for s in shape), f"array {name} has shape {shape}")
    count, start = math.prod(shape), stream.tell()
    need(len(raw) - start == count * dtype.itemsize, f"array {name} is cut short or has bytes to spare")
    array = np.frombuffer(raw, dtype=dtype, count=count, offset=start).reshape(shape, order="F" if fortran else "C")
    if dtype.kind == "b":
        array = array.view(np.uint8) != 0
    array = np.array(array, dtype=dtype.newbyteorder("="), order="C")
    if dtype.kind == "U":            # a string with a character that is none crashes whatever touches it
        characters = array.reshape(-1).view(np.uint32)
        need((characters <= 0x10FFFF).all() and (characters >> 11 != 0x1B).all(), f"array {name} has impossible characters")
    return array


def weight(text: np.ndarray) -> int:
    """Bytes that a JSON text may take as objects: an empty list is two bytes of text, and 56 of memory."""
    return BYTES_A_VALUE * sum(int((text == byte).sum()) for byte in b",:[{")


def _meta(array: np.ndarray, size: int) -> dict[str, Any]:
    """The parameters, of a version that is known."""
    need(array.dtype == np.uint8 and array.ndim == 1, "its description is not text")
    need(array.nbytes <= MAX_JSON and weight(array) <= JSON_OBJECT_BYTES + UNPACKED_RATIO * size,
         f"its description would take {weight(array):,} bytes, more than a file of {size:,} bytes holds")
    try:
        meta: Any = json.loads(array.tobytes().decode("utf-8"))
    except RecursionError:
        raise ValueError("its description is nested too deep") from None
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise ValueError("it was not written by fastopt")
    version = meta.get("version")
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"its version is {version!r}")
    need(version <= VERSION, f"it was written by a later fastopt (format {version}, this one reads {VERSION}); update")
    return meta


def build(meta: dict[str, Any], arrays: Arrays) -> Model:
    """The estimator, or the pipeline of preparing step and estimator, that a file describes."""
    name = meta.get("estimator")
    if not isinstance(name, str) or name not in ESTIMATORS:
        raise ValueError(f"it holds an unknown estimator {name!r}")
    from fastopt import linear_model, losses

    estimator = _configured(getattr(linear_model, name), meta.get("params"))
    together = losses.get(estimator.loss).couples_outputs
    weights, learnt = _weights(arrays, ESTIMATORS[name], together), _learnt(meta.get("fitted"))
    d = weights["coef_"].shape[-1]
    need(learnt.get("n_features_in_") == d, f"it has {d} weights for {learnt.get('n_features_in_')} columns")
    need(len(learnt.get("feature_names_in_", range(d))) == d, "it does not name as many columns as it has weights")
    for key, value in {**learnt, **weights}.items():
        setattr(estimator, key, value)
    if meta.get("prepare") is None:
        return estimator
    return _pipeline(meta["prepare"], arrays, estimator)


def _pipeline(plain: dict[str, Any], arrays: Arrays, estimator: Estimator) -> Pipeline:
    from sklearn.pipeline import Pipeline

    from fastopt._data.plain import from_plain

    preparer = from_plain(plain, arrays)
    need(preparer.n_features_out == estimator.n_features_in_,
         f"it prepares {preparer.n_features_out} columns for {estimator.n_features_in_} weights")
    return Pipeline([("prepare", preparer), ("model", estimator)])


def _configured(kind: type[Estimator], params: Any) -> Estimator:
    """An unfitted estimator with parameters that it has, of plain types."""
    need(isinstance(params, dict), "its parameters are missing")
    known = kind().get_params(deep=False)
    unknown = sorted(set(params) - set(known))
    need(not unknown, f"it has parameters that {kind.__name__} lacks: {unknown}")
    params = {name: _from_plain(value, name) for name, value in params.items()}
    estimator = kind(**params)
    estimator._check()
    return estimator


def _from_plain(value: Any, name: str) -> Any:
    if name == "loss":
        return _loss(value)
    if isinstance(value, dict):
        pairs: Any = value.get("pairs")
        need(isinstance(pairs, list) and all(isinstance(p, list) and len(p) == 2 for p in pairs)
             and all(isinstance(v, (bool, int, float, str)) for p in pairs for v in p), f"its parameter {name} is damaged")
        return dict(pairs)
    need(value is None or isinstance(value, (bool, int, float, str)), f"its parameter {name} is damaged")
    return value


def _loss(value: Any) -> str | Loss:
    """A loss by name, or one with parameters, which checks them itself."""
    from fastopt import losses

    if isinstance(value, str):
        return losses.get(value).name
    need(isinstance(value, dict) and isinstance(value.get("loss"), str) and isinstance(value.get("params"), dict)
         and all(v is None or isinstance(v, (int, float)) for v in value["params"].values()), f"its loss is {value!r}")
    try:
        return losses.get(value["loss"], **value["params"])
    except TypeError as error:
        raise ValueError(f"its loss is damaged: {error}") from None


def _weights(arrays: Arrays, kind: str, together: bool) -> Arrays:
    """coef_, intercept_ and classes_, in shapes that fit each other; `together`: two classes have an output each."""
    coef, intercept = arrays["coef"], arrays["intercept"]
    for name, array in (("coef", coef), ("intercept", intercept)):
        need(array.dtype in (np.float32, np.float64), f"array {name} is of type {array.dtype}")
        need(np.isfinite(array).all(), f"array {name} has values that are not finite")
    need(coef.ndim in (1, 2) and coef.size > 0 and intercept.ndim == 1, f"its weights have shape {coef.shape}")
    outputs = len(coef) if coef.ndim == 2 else 1
    need(len(intercept) == outputs, f"it has {len(intercept)} intercepts for {outputs} outputs")
    out = {"coef_": coef, "intercept_": intercept}
    if kind == "classifier":
        classes = arrays.get("classes", np.zeros(()))
        need(classes.ndim == 1 and coef.ndim == 2, "it names no classes")
        need(classes.dtype.kind != "f" or np.isfinite(classes).all(), "a class is not finite")
        need(len(np.unique(classes)) == len(classes) and (np.sort(classes) == classes).all(), "its classes are not in order")
        need(outputs == (1 if len(classes) == 2 and not together else len(classes)) and len(classes) > 1,
             f"it has weights for {outputs} outputs and {len(classes)} classes")
        out["classes_"] = classes
    return out


def _learnt(fitted: Any) -> dict[str, Any]:
    """The other fitted attributes: n_iter_, the curves and so on."""
    need(isinstance(fitted, dict), "what was learnt is missing")
    known: dict[str, type] = {"n_iter_": int, "t_": float, "n_features_in_": int, "best_iter_": int, "feature_names_in_": list,
             **dict.fromkeys(CURVES, list)}
    out: dict[str, Any] = {}
    for name, value in fitted.items():
        need(name in known and isinstance(value, known[name]) and not isinstance(value, bool), f"its {name!r} is damaged")
        out[name] = value
    for name in CURVES:
        need(all(isinstance(v, float) for v in out.get(name, ())), f"its {name} is damaged")
    if "feature_names_in_" in out:
        names = out["feature_names_in_"]
        need(all(isinstance(n, str) for n in names), "the name of a column is not text")
        out["feature_names_in_"] = np.array(names, dtype=object)
    return out
