"""The preparing step in a model file: plain values and arrays, which are checked when they are read.

Used by _models and _models.load.  Every value is checked before it is used, and no code is run.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from .preparer import Preparer
from .schema import Schema


def to_plain(preparer: Preparer) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(dict that JSON can hold, arrays by name): all that `from_plain` needs."""
    table = preparer.kind_ == "table"
    plain = {"kind": preparer.kind_, "scale": preparer.scale, "clip": preparer.clip, "dtype": str(np.dtype(preparer.dtype)),
             "n_features_in": preparer.n_features_in_, "numbers": preparer.numbers_, "categories": preparer.categories_,
             "columns": [str(c) for c in preparer.feature_names_in_] if table else None,
             "left_out": preparer.left_out_, "schema": preparer.schema_.to_plain()}
    return plain, {"fill": preparer.fill_, "center": preparer.center_, "scale": preparer.scale_}


def from_plain(plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> Preparer:
    """The fitted step that `to_plain` described; ValueError if it is damaged."""
    try:
        _check_plain(plain, arrays)
        schema = _schema(plain)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"its preparing step is damaged ({error!r})") from None
    out = Preparer(scale=plain["scale"], clip=plain["clip"], dtype=plain["dtype"], schema=schema)
    out.kind_, out.n_features_in_, out.numbers_ = plain["kind"], plain["n_features_in"], plain["numbers"]
    out.categories_, out.left_out_, out.schema_ = plain["categories"], plain["left_out"], schema
    if out.kind_ == "table":
        out.feature_names_in_ = np.array(plain["columns"], dtype=object)
    out.fill_, out.center_, out.scale_ = arrays["fill"], arrays["center"], arrays["scale"]
    return out


def _schema(plain: dict[str, Any]) -> Schema:
    """The schema in the file, or the one that the layout of a file of version 1 describes."""
    d, table = plain["n_features_in"], plain["kind"] == "table"
    if "schema" in plain:
        schema = Schema.from_plain(plain["schema"], d)
    else:
        layout = plain["layout"]
        if layout is None:
            layout = {"kind": "table", "columns": plain["columns"], "target": "", "target_index": -1, "header": True} if table \
                else {"kind": "matrix", "n_features": d}
        schema = Schema.from_layout(layout, d, plain["numbers"], list(plain["left_out"]))
    if (schema.kind == "table") != table or table and schema.names != plain["columns"]:
        raise ValueError("its preparing step is damaged (schema)")
    return schema


def _check_plain(plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """ValueError, KeyError or TypeError unless `plain` and `arrays` fit each other."""
    def texts(values: object) -> bool:
        return isinstance(values, list) and all(isinstance(v, str) for v in values) and len(set(values)) == len(values)

    d, clip = plain["n_features_in"], plain["clip"]
    table, columns = plain["kind"] == "table", set(plain["columns"] or ())
    checks = {
        "kind": plain["kind"] in ("dense", "sparse", "table") and isinstance(plain["scale"], bool),
        "clip": clip is None or isinstance(clip, float) and clip > 0,
        "dtype": plain["dtype"] in ("float32", "float64"),
        "size": type(d) is int and d > 0,
        "columns": not table or texts(plain["columns"]) and len(plain["columns"]) == d,
        "numbers": texts(plain["numbers"]) and (not table or set(plain["numbers"]) <= columns),
        "categories": isinstance(plain["categories"], dict) and all(
            texts(v) and v and v == sorted(v) and table and c in columns for c, v in plain["categories"].items()),
        "left_out": isinstance(plain["left_out"], dict) and all(isinstance(v, str) for v in plain["left_out"].values()),
    }
    m = len(plain["numbers"]) if table else d
    for name in ("fill", "center", "scale"):
        a = arrays[name]
        sizes = ((m,), (1 if name == "scale" else 0,)) if plain["kind"] == "sparse" else ((m,),)
        checks[name] = a.dtype == np.float64 and a.shape in sizes and bool(np.isfinite(a).all())
    checks["scale"] = checks["scale"] and bool((arrays["scale"] > 0).all())
    bad = [name for name, good in checks.items() if not good]
    if bad:
        raise ValueError(f"its preparing step is damaged ({', '.join(bad)})")
