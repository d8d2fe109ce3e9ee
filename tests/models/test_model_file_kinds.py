"""Model files, by kind: what is saved is loaded again whatever its size, whatever is damaged ends in one error that names the
file, a small file takes little memory, and a file is replaced whole, in its mode, on the disk."""
import json
import os
import random
import stat
import tracemalloc

import numpy as np
import pytest

pytest.importorskip("sklearn")

from test_model_file import TARGETS, X, parts, rewritten

from fastopt._common.write import replacing
from fastopt._models import load, load_model, save_model
from fastopt.linear_model import SGDClassifier, SGDRegressor


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def fitted():
    return SGDClassifier(loss="log_loss", random_state=0).fit(X, TARGETS["classes"])


def outcome(path):
    """'good', or the message of the one error that a damaged file may end in."""
    try:
        load_model(path)
    except ValueError as error:
        assert str(path) in str(error) and "is not a usable fastopt model" in str(error)
        return str(error)
    return "good"


# -- damage ------------------------------------------------------------------------------------------------------------

HEADERS = [b"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4)", b"{'descr': '<f8', (", b"'''", b"\\", b"{" * 500,
           b"(" * 900, b"\xff\xfe", b"\0" * 64, b"1" * 900, b"", b"[]", b"{'a': 1}",
           b"{'descr': [('a', '<f8')], 'fortran_order': 3, 'shape': 4}",
           b"{'descr': '<f8', 'fortran_order': False, 'shape': (3, None)}",
           b"\xe2\x82\xac\n\t\t   if", b"{'descr': '\\N{foo}'}", b"0o9", b"{'shape': 1e999}"]


@pytest.mark.parametrize("text", HEADERS)
@pytest.mark.parametrize("name", ["coef", "meta", "classes"])
def test_headers_that_no_parser_takes(path, text, name):
    text = text.ljust(118 - len(text) % 64 + len(text)) if text else text
    rewritten(path, name, b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(96))
    outcome(path)


def changes(rng, value, depth=0):
    """A description with one value, anywhere in it, put in the place of another."""
    strange = [None, True, -1, 2**70, 1e308, float("nan"), "", "x" * 99, "\0", "\ud800", [], {}, [[]], {"pairs": 3}, {"a": {}},
               [None] * 9]
    if isinstance(value, dict) and value and (depth == 0 or rng.random() < 0.8):
        key = rng.choice(sorted(value))
        return {**value, key: changes(rng, value[key], depth + 1)} if rng.random() < 0.9 else \
            {k: v for k, v in value.items() if k != key}
    if isinstance(value, list) and value and rng.random() < 0.7:
        i = rng.randrange(len(value))
        return [*value[:i], changes(rng, value[i], depth + 1), *value[i + 1:]]
    return rng.choice(strange)


def table_parts(tmp_path):
    """The members of a file that the command writes: with a schema and the preparing step."""
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    from sklearn.pipeline import Pipeline

    from fastopt._data.preparer import Preparer

    frame = pd.DataFrame({"a": X[:, 0], "c": np.where(X[:, 1] > 0, "u", "v"),
                          "d": pd.to_datetime(["2020-01-01", "2021-01-01"] * 60)})
    model = Pipeline([("prepare", Preparer()), ("model", SGDClassifier(random_state=0))]).fit(frame, TARGETS["str"])
    save_model(model, tmp_path / "good.npz")
    np.testing.assert_array_equal(load_model(tmp_path / "good.npz").predict(frame), model.predict(frame))
    with np.load(tmp_path / "good.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.mark.parametrize("kind", ["estimator", "table"])
def test_hostile_descriptions(path, tmp_path, kind):
    arrays, rng = table_parts(tmp_path) if kind == "table" else parts(), random.Random(0)
    outcomes = set()
    for _ in range(400):
        meta = changes(rng, json.loads(arrays["meta"].tobytes()))
        np.savez(path, **{**arrays, "meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)})
        outcomes.add(outcome(path) == "good")
    assert False in outcomes


def test_files_cut_short_and_with_flipped_bits(path, tmp_path):
    np.savez_compressed(path, **table_parts(tmp_path))
    good, rng = path.read_bytes(), random.Random(0)
    for i in range(300):
        raw = bytearray(good)
        if i % 2:
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        else:
            del raw[rng.randrange(len(raw)):]
        path.write_bytes(bytes(raw))
        outcome(path)


# -- memory ------------------------------------------------------------------------------------------------------------


def bomb(text):
    """A description of 60 MB, or as many as `text` makes, which packs to a thousandth."""
    return b'{"format": "fastopt-model", "version": 1, "estimator": ' + text * (60_000_000 // len(text)) + b"3}"


@pytest.mark.parametrize("text", [b"[],", b"{},", b'"",', b"[[[[[],", b'{"a":{},"b":', b"0,", b"1.5,", b"       "])
@pytest.mark.repeats(4)
def test_a_small_file_takes_little_memory(path, text):
    arrays = {**parts(), "meta": np.frombuffer(bomb(text), np.uint8)}
    np.savez_compressed(path, **arrays)
    assert path.stat().st_size < 1_000_000
    del arrays
    tracemalloc.start()
    try:
        assert outcome(path) != "good"
        assert tracemalloc.get_traced_memory()[1] < 400_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("room", [0, 1 << 10, 1 << 14])
@pytest.mark.parametrize("kind", ["zeros", "noise", "names", "curve"])
def test_what_is_saved_is_loaded_whatever_its_size(path, monkeypatch, room, kind):
    """The bounds on what a file may unpack to are made small here: models beyond them are written so that they pass."""
    monkeypatch.setattr(load, "UNPACKED_BYTES", room)
    monkeypatch.setattr(load, "JSON_OBJECT_BYTES", room)
    monkeypatch.setattr("fastopt._models.JSON_OBJECT_BYTES", room)
    model = SGDRegressor(random_state=0).fit(X, X[:, 0])
    d = 200_000
    if kind == "curve":
        model.loss_curve_ = [0.0] * d
    else:
        model.coef_ = np.random.default_rng(0).normal(size=d) if kind == "noise" else np.zeros(d)
        model.n_features_in_ = d
    if kind == "names":
        model.feature_names_in_ = np.array([f"column {i}" for i in range(d)], dtype=object)
    save_model(model, path)
    np.testing.assert_array_equal(load_model(path).coef_, model.coef_)


def test_sparse_columns_cost_one_array(path):
    """Columns that are not scaled have no scale, no centre and nothing to fill in the file: a model is as large as its weights."""
    pytest.importorskip("pyarrow")
    sp = pytest.importorskip("scipy.sparse")
    from sklearn.pipeline import Pipeline

    from fastopt._data.preparer import Preparer

    S = sp.random(50, 10_000, 0.01, "csr", random_state=0)
    model = Pipeline([("prepare", Preparer()), ("model", SGDClassifier(random_state=0))]).fit(S, np.arange(50) % 2)
    save_model(model, path)
    with np.load(path) as arrays:
        assert sum(arrays[name].size for name in ("fill", "center", "scale")) == 1
    np.testing.assert_array_equal(load_model(path).predict(S), model.predict(S))


# -- files of the first version ----------------------------------------------------------------------------------------

FIRST = {
    "format": "fastopt-model", "version": 1, "estimator": "SGDClassifier", "params": {"loss": "log_loss", "random_state": 0},
    "fitted": {"n_iter_": 3, "t_": 16.0, "n_features_in_": 6, "loss_curve_": [0.6, 0.3, 0.2]},
    "prepare": {"kind": "table", "scale": True, "clip": 5.0, "dtype": "float32", "n_features_in": 4, "numbers": ["a", "b"],
                "categories": {"c": ["(missing)", "x", "y", "z"]}, "columns": ["a", "b", "c", "name"],
                "left_out": {"name": "300 different values"},
                "layout": {"kind": "table", "columns": ["a", "b", "c", "name"], "target": "y", "header": True, "strings": ["c"],
                           "target_index": 4}}}


def test_a_file_of_the_first_version(path, tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("typer")
    from command import fastopt

    coef = np.array([[0.5, -1.0, 0.25, 2.0, -3.0, 0.0]], dtype=np.float32)
    np.savez(path, coef=coef, intercept=np.array([0.5]), classes=np.array(["u", "v"]), fill=np.array([2.0, 1.0]),
             center=np.array([2.0, 0.5]), scale=np.array([1.0, 0.5]), meta=np.frombuffer(json.dumps(FIRST).encode(), np.uint8))
    frame = pd.DataFrame({"a": [1.0, None, 3.0], "b": [True, False, True], "c": ["x", None, "y"]})
    numbers = np.array([[-1, 1], [0, -1], [1, 1.0]])
    hot = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0.0]])
    margin = np.hstack([numbers, hot]) @ coef[0] + 0.5
    model = load_model(path)
    np.testing.assert_allclose(model.decision_function(frame), margin, rtol=1e-6)
    frame.assign(y=["u", "u", ""]).to_csv(tmp_path / "t.csv", index=False)
    said = fastopt("predict", path, tmp_path / "t.csv")
    assert said.split() == np.where(margin > 0, "v", "u").tolist() and "accuracy" in fastopt.errors
    save_model(model, path)
    np.testing.assert_allclose(load_model(path).decision_function(frame), margin, rtol=1e-6)


# -- writing -----------------------------------------------------------------------------------------------------------

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400, 0o666])
def test_a_file_keeps_its_mode(path, mode):
    path.write_bytes(b"old")
    path.chmod(mode)
    save_model(fitted(), path)
    assert stat.S_IMODE(path.stat().st_mode) == mode and outcome(path) == "good"


@posix
@pytest.mark.parametrize("mask", [0o077, 0o027, 0o002])
def test_a_new_file_has_the_mode_of_the_umask(path, mask, monkeypatch):
    before = os.umask(mask)
    try:
        monkeypatch.setattr(os, "umask", lambda *_: pytest.fail("the umask belongs to all threads"))
        save_model(fitted(), path)
    finally:
        monkeypatch.undo()
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


@posix
def test_links_are_followed(path, tmp_path):
    path.write_bytes(b"old")
    link = tmp_path / "link.npz"
    link.symlink_to(path)
    save_model(fitted(), link)
    assert link.is_symlink() and outcome(path) == "good"


def test_file_and_folder_are_on_the_disk_before_and_after_the_move(path, monkeypatch):
    calls, sync, move = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"),
                                                     sync(handle)))
    monkeypatch.setattr(os, "replace", lambda *args: (calls.append("move"), move(*args)))
    save_model(fitted(), path)
    assert calls == ["file", "move", "folder"] or os.name == "nt" and calls == ["file", "move"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
def test_what_fails_leaves_the_old_file_and_nothing_else(path, monkeypatch, error, where):
    path.write_bytes(b"old")

    def fail(*_):
        raise error

    if where != "write":
        monkeypatch.setattr(os, where, fail)
    with pytest.raises(type(error)), replacing(path) as stream:
        stream.write(b"new" * 10_000)
        if where == "write":
            fail()
    assert path.read_bytes() == b"old" and os.listdir(path.parent) == ["model.npz"]


def test_a_long_name(tmp_path):
    with replacing(tmp_path / ("n" * 250)) as stream:
        stream.write(b"x")
    assert os.listdir(tmp_path) == ["n" * 250]


def test_a_description_that_would_not_be_read_is_not_written(path, monkeypatch):
    monkeypatch.setattr("fastopt._models.MAX_JSON", 100)
    with pytest.raises(ValueError, match="a model file holds 100"):
        save_model(fitted(), path)
    assert not path.exists()
