"""Model files: what is loaded predicts the same, and a damaged or hostile file ends in a ValueError, never in its code."""
import contextlib
import functools
import io
import json
import pickle
import random
import tempfile
import zipfile

import numpy as np
import pytest

pytest.importorskip("sklearn")

from fastopt import losses
from fastopt._models import load_model, save_model
from fastopt.linear_model import SGDClassifier, SGDRegressor

RNG = np.random.RandomState(0)
X = RNG.randn(120, 4)
P = X @ [1.0, -2.0, 0.5, 0.0]
TARGETS = {
    "bool": P > 0, "int": (P > 0).astype(int) * 3 - 1, "str": np.where(P > 0, "yes", "né"),
    "float": np.where(P > 0, 1.0, -1.0),
    "object": np.array(["low", "mid", "high"], dtype=object)[np.digitize(P, [-1, 1])], "classes": np.digitize(P, [-1, 1]),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", TARGETS)
def test_a_classifier_predicts_the_same(path, kind, dtype):
    model = SGDClassifier(loss="log_loss", class_weight=dict.fromkeys(np.unique(TARGETS[kind]).tolist(), 2.0), random_state=0)
    model.fit(X.astype(dtype), TARGETS[kind])
    save_model(model, path)
    again = load_model(str(path))
    assert type(again) is SGDClassifier and again.get_params() == model.get_params()
    np.testing.assert_array_equal(again.predict(X.astype(dtype)), model.predict(X.astype(dtype)))
    np.testing.assert_array_equal(again.predict_proba(X.astype(dtype)), model.predict_proba(X.astype(dtype)))
    assert again.coef_.dtype == model.coef_.dtype and again.n_iter_ == model.n_iter_
    assert again.loss_curve_ == list(model.loss_curve_)


def test_a_regressor_predicts_the_same_and_learns_on(path):
    model = SGDRegressor(random_state=0, tol=None, max_iter=5).fit(X, P)
    save_model(model, path)
    again = load_model(path)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    again.partial_fit(X, P)
    model.partial_fit(X, P)
    np.testing.assert_array_equal(again.coef_, model.coef_)


@pytest.mark.parametrize("loss", [losses.Tweedie(power=1.2), losses.Focal(gamma=1.0), losses.Focal(gamma=1.0, alpha=0.3)])
def test_a_loss_with_parameters(path, loss):
    kind, y = (SGDRegressor, np.exp(P / 4)) if loss.name == "tweedie" else (SGDClassifier, TARGETS["str"])
    model = kind(loss=loss, eta0=1e-3, early_stopping=True, restore_best=True, random_state=0).fit(X, y)
    save_model(model, path)
    again = load_model(path)
    assert again.loss == loss and again.best_iter_ == model.best_iter_
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_names_of_columns_are_kept(path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd"))
    save_model(SGDClassifier(random_state=0).fit(frame, TARGETS["str"]), path)
    assert load_model(path).feature_names_in_.tolist() == list("abcd")


def test_what_cannot_be_saved(path):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with pytest.raises(ValueError, match="not fitted"):
        save_model(SGDClassifier(), path)
    with pytest.raises(TypeError, match="dict"):
        save_model({}, path)
    with pytest.raises(TypeError, match="pipeline"):
        save_model(make_pipeline(StandardScaler(), SGDClassifier()).fit(X, TARGETS["int"]), path)
    broken = SGDClassifier(random_state=0).fit(X, TARGETS["int"])
    broken.coef_ = broken.coef_ * np.nan
    with pytest.raises(ValueError, match="not finite"):
        save_model(broken, path)
    assert not path.exists()


def test_a_failed_save_leaves_the_old_file(path, monkeypatch):
    model = SGDClassifier(random_state=0).fit(X, TARGETS["int"])
    save_model(model, path)
    before = path.read_bytes()
    monkeypatch.setattr(np, "savez_compressed", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_model(model, path)
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == ["model.npz"]


# -- damaged and hostile files -----------------------------------------------------------------------------------------


@functools.lru_cache
def parts(kind="classes"):
    """The members of a good file."""
    with tempfile.TemporaryDirectory() as folder:
        save_model(SGDClassifier(loss="log_loss", random_state=0).fit(X, TARGETS[kind]), folder + "/model.npz")
        with np.load(folder + "/model.npz") as arrays:
            return {name: arrays[name] for name in arrays.files}


def changed_meta(arrays, change):
    meta = json.loads(arrays["meta"].tobytes())
    change(meta)
    return {**arrays, "meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)}


def refused(path, message=None):
    with pytest.raises(ValueError, match=message) as caught:
        load_model(path)
    assert "not a usable fastopt model" in str(caught.value)


@pytest.mark.parametrize("change, message", [
    (lambda m: m.update(version=3), "later fastopt"), (lambda m: m.update(version="1"), "version"),
    (lambda m: m.update(format="other"), "not written by fastopt"), (lambda m: m.pop("params"), "parameters are missing"),
    (lambda m: m.update(estimator="os.system"), "unknown estimator"),
    (lambda m: m.update(estimator=["SGDClassifier"]), "unknown"),
    (lambda m: m["params"].update(loss="loss_of_it"), "no loss"), (lambda m: m["params"].update(n_jobs="x"), "n_jobs"),
    (lambda m: m["params"].update(loss={"loss": "huber", "params": {"delta": -1}}), "delta"),
    (lambda m: m["params"].update(loss={"loss": "huber", "params": {"x": 1}}), "loss is damaged"),
    (lambda m: m["params"].update(evil=1), "lacks"), (lambda m: m["params"].update(loss={"pairs": []}), "loss"),
    (lambda m: m["params"].update(class_weight={"pairs": [[1]]}), "damaged"),
    (lambda m: m["params"].update(alpha=[1, 2]), "damaged"), (lambda m: m["fitted"].update(__class__=3), "damaged"),
    (lambda m: m["fitted"].update(n_features_in_=7), "4 weights for 7"),
    (lambda m: m["fitted"].update(loss_curve_=["a"]), "damaged"),
    (lambda m: m["fitted"].update(feature_names_in_=["a"]), "name"), (lambda m: m.update(fitted=3), "missing"),
    (lambda m: m.update(prepare={}), "preparing step"), (lambda m: m.update(prepare=3), "preparing step"),
])
def test_a_description_that_does_not_fit(path, change, message):
    np.savez(path, **changed_meta(parts(), change))
    refused(path, message)


@pytest.mark.parametrize("change, message", [
    (dict(coef=np.full((3, 4), np.nan)), "not finite"), (dict(coef=np.ones((2, 4))), "intercepts"),
    (dict(coef=np.ones((3, 9))), "columns"), (dict(coef=np.ones((3, 0))), "shape"), (dict(coef=np.ones((1, 3, 4))), "shape"),
    (dict(coef=np.ones((3, 4), dtype=np.float16)), "type"), (dict(coef=np.ones((3, 4), dtype=complex)), "type"),
    (dict(coef=np.array([[None]], dtype=object)), "type|Object|damaged"),
    (dict(intercept=np.array([1.0, np.inf, 0])), "not finite"),
    (dict(classes=np.array([0, 1])), "classes"), (dict(classes=np.array([1, 0, 2])), "order"),
    (dict(classes=np.array([1, 1, 2])), "order"),
    (dict(classes=np.array([0, 1, np.nan])), "finite"), (dict(meta=np.frombuffer(b"{", np.uint8)), None),
    (dict(meta=np.frombuffer(b"[" * 100_000, np.uint8)), "deep|Expecting"), (dict(meta=np.ones(3)), "not text"),
    (dict(other=np.ones(3)), "something else"),
    (dict(classes=np.frombuffer(b"\xff\xff\xff\xff" * 3, "<U1")), "characters"),
])
def test_arrays_that_do_not_fit(path, change, message):
    np.savez(path, **{**parts(), **change})
    refused(path, message)


@pytest.mark.parametrize("missing", ["meta", "coef", "intercept", "classes"])
def test_a_missing_array(path, missing):
    arrays = dict(parts())
    del arrays[missing]
    np.savez(path, **arrays)
    refused(path)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("code from the file was run",))


def rewritten(path, name, raw, **options):
    """A good file with one member replaced by raw bytes."""
    np.savez(path, **parts())
    with zipfile.ZipFile(path) as old:
        members = {n: old.read(n) for n in old.namelist()}
    members[name + ".npy"] = raw
    with zipfile.ZipFile(path, "w", **options) as new:
        for n, content in members.items():
            new.writestr(n, content)


def header(shape, dtype="<f8"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue()


@pytest.mark.parametrize("raw", [
    pickle.dumps(Bomb()), header((), "|O") + pickle.dumps(Bomb()), header((3, 4), "|O") + pickle.dumps(Bomb()), b"",
    b"\x93NUMPY", header((10**9, 10**9)), header((3, 4)), header((3, 4)) + b"x" * 95, header((3, 4)) + b"x" * 97,
    header((-3, -4)) + b"x" * 96,
    header((3, 4), "|V8") + b"x" * 96, header((3, 4), [("a", "<f4"), ("b", "<f4")]) + b"x" * 96,
    header((3, 4)).replace(b"'<f8'", b"exit()"),
    header((3, 4), "<U0"), header((12,), ("<f8", (1,))) + bytes(96), b"\x93NUMPY\x09\x00" + bytes(200),
])
def test_a_hostile_array(path, raw):
    rewritten(path, "coef", raw)
    refused(path)


def test_a_bomb_is_not_unpacked(path):
    rewritten(path, "coef", header((2**24, 2)) + bytes(2**28), compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**20
    with pytest.raises(ValueError, match="max_bytes"):
        load_model(path, max_bytes=2**20)


def test_names_twice_and_paths_are_refused(path):
    rewritten(path, "../../coef", b"")
    refused(path, "something else")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("coef.npy", b"")
        archive.writestr("coef.npy", b"")
    refused(path, "something else")


def test_what_is_no_archive(path):
    for raw in (b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), pickle.dumps(Bomb())):
        path.write_bytes(raw)
        refused(path)
    with pytest.raises(FileNotFoundError):
        load_model(path.with_name("none.npz"))


def test_flipped_bytes_never_do_worse_than_a_value_error(path):
    np.savez_compressed(path, **parts("object"))
    good, rng = path.read_bytes(), random.Random(0)
    for _ in range(400):
        raw = bytearray(good)
        for _ in range(rng.choice((1, 1, 4, 16))):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        if rng.random() < 0.2:
            del raw[rng.randrange(len(raw)):]
        path.write_bytes(bytes(raw))
        with contextlib.suppress(ValueError):
            load_model(path)
