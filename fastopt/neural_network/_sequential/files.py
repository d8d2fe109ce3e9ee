"""Models as plain data, for files: layers, settings, weights and the state of the optimizer as JSON and arrays, without code and pickle.

Used by the model of this room.  Everything read is checked by what makes it: constructors, `set_weights`, `load_state_dict`.
"""
from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt import losses
from fastopt._common.settings import Stateful, restore
from fastopt._common.write import replacing
from fastopt.losses import Loss
from fastopt.losses._base import registry

from .layers import Layer

Array = NDArray[Any]

FORMAT, VERSION = "fastopt-sequential", 1
#: an array in a JSON text, by its number
_ARRAY = "array"
#: bytes of the text, and of all arrays unless more are allowed
_MAX_TEXT, _MAX_BYTES = 16 << 20, 1 << 30


def plain(value: Any, arrays: list[Array]) -> Any:
    """A tree of dicts, lists, arrays and numbers as JSON holds it; arrays go into a list."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): plain(part, arrays) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part, arrays) for part in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a model file cannot hold {value!r}, of type {type(value).__name__}")


def restored(value: Any, arrays: Mapping[str, Array]) -> Any:
    """The tree that `plain` was given, tuples as lists."""
    if isinstance(value, dict):
        if value.keys() == {_ARRAY}:
            return arrays[f"a{int(value[_ARRAY])}"]
        return {key: restored(part, arrays) for key, part in value.items()}
    return [restored(part, arrays) for part in value] if isinstance(value, list) else value


def write(path: str | os.PathLike[str], tree: Mapping[str, Any]) -> None:
    """Write a tree to a file, at once and whole."""
    arrays: list[Array] = []
    text = json.dumps({"format": FORMAT, "version": VERSION, **plain(tree, arrays)}).encode()
    named: dict[str, Any] = {f"a{i}": np.ascontiguousarray(array) for i, array in enumerate(arrays)}
    with replacing(path) as stream:
        np.savez(stream, meta=np.frombuffer(text, np.uint8), **named)


def read(path: str | os.PathLike[str], max_bytes: int | None = None) -> dict[str, Any]:
    """The tree of a file.

    Raises
    ------
    ValueError
        If it is none that `write` wrote.
    """
    with open(path, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        try:
            return _tree(stream, max(_MAX_BYTES, size) if max_bytes is None else max_bytes)
        except Exception as error:   # bytes may be anything, and so may what parsers of them raise
            raise ValueError(f"{os.fspath(path)} is not a usable fastopt network: {error or type(error).__name__}") from error


def _tree(stream: Any, max_bytes: int) -> dict[str, Any]:
    with zipfile.ZipFile(stream) as archive:
        size = sum(member.file_size for member in archive.infolist())
        if size > max_bytes:
            raise ValueError(f"unpacked it has {size:,} bytes; at most {max_bytes:,} are read (max_bytes)")
        arrays = {member.filename.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(archive.read(member)), allow_pickle=False)
                  for member in archive.infolist()}
    text = arrays.pop("meta")
    if text.nbytes > _MAX_TEXT:
        raise ValueError(f"its description has {text.nbytes:,} bytes")
    tree = json.loads(text.tobytes().decode())
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise ValueError("it was not written by Sequential.save")
    if not isinstance(tree.get("version"), int) or not 1 <= tree["version"] <= VERSION:
        raise ValueError(f"it is of format {tree.get('version')!r}, this fastopt reads {VERSION}; update")
    found: dict[str, Any] = restored(tree, arrays)
    return found


# ---- parts of a model ----

def layers_as_data(layers: list[Layer]) -> list[Any]:
    """Layers as their kinds and settings."""
    return [[type(layer).__name__, layer.params] for layer in layers]


def layers_of(data: Any) -> list[Layer]:
    """The layers of that."""
    found = []
    for kind, params in data:
        if kind not in Layer.kinds:
            raise ValueError(f"it has a layer of the unknown kind {kind!r}")
        found.append(Layer.kinds[kind](**{key: tuple(value) if isinstance(value, list) else value for key, value in params.items()}))
    return found


def loss_as_data(loss: str | Loss) -> Any:
    """A loss by name, or with its parameters."""
    if isinstance(loss, str):
        return loss
    if loss.name not in registry or type(loss) is not registry[loss.name]:
        raise TypeError(f"a model file cannot hold the loss {loss!r}: only those that fastopt.losses has by name")
    return {"name": loss.name, "params": loss.params}


def loss_of(data: Any) -> str | Loss:
    """The loss of that."""
    return data if isinstance(data, str) else losses.get(data["name"], **data["params"])


def settings_as_data(state: Mapping[str, Any]) -> dict[str, Any]:
    """The rule of an optimizer and its settings; a function as learning rate cannot be saved."""
    settings = state["groups"][0]
    schedule = settings["lr"]["schedule"] if isinstance(settings["lr"], Mapping) else 0.0
    if schedule is None or isinstance(schedule, Mapping) and schedule["name"] == "function":
        raise TypeError("a model file cannot hold a function as learning_rate: take a schedule of fastopt.schedules")
    return {"rule": state["rule"], "settings": settings}


def settings_of(data: Any) -> tuple[str, dict[str, Any]]:
    """The rule and the settings of that, the schedule made again."""
    settings = {key: tuple(value) if isinstance(value, list) else value for key, value in data["settings"].items()}
    if isinstance(settings["lr"], Mapping):
        schedule: Stateful = restore(settings["lr"]["schedule"])
        settings["lr"] = schedule
    return data["rule"], settings
