"""What version 0.1 pickled and saved is read today, wherever its classes live now; saved_by_0_1.json holds the bytes."""
import base64
import json
import pickle
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest

import fastopt as fo
from fastopt._models import load_model

SAVED = json.loads(Path(__file__).with_name("saved_by_0_1.json").read_text())
X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]])
#: decision_function(X), as version 0.1 printed it
DECISIONS = {"adam": [0.019999999078680948, 0.01999999953934186, 0.07999999723604562, 0.07999999769670653],
             "auto": [-0.07058771626679217, -0.08235207613398118, 0.08235207613398116, 0.07058771626679217],
             "logistic": [-1.3402790797175164, -0.9890037609394192, 0.9889180586576558, 1.3401933774357528]}


def saved(name):
    return zlib.decompress(base64.b85decode(SAVED[name]))


def unpickled(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")   # scikit-learn says that its version is another
        return pickle.loads(saved(name))


@pytest.mark.parametrize("name", DECISIONS)
def test_estimators_predict_as_before(name):
    np.testing.assert_allclose(unpickled(name).decision_function(X), DECISIONS[name], rtol=1e-12)


@pytest.mark.parametrize("name", ["adam", "auto"])
def test_training_goes_on(name):
    model = unpickled(name)
    before = model.t_
    assert np.isfinite(model.partial_fit(X, [0, 0, 1, 1]).coef_).all()
    assert model.t_ > before


def test_losses_penalties_schedules_batch_sizes():
    assert repr(unpickled("general")[:3]) == repr([fo.losses.Huber(delta=2.0), fo.penalties.MCP(0.1), fo.schedules.Cosine(0.1, 5)])


def test_an_optimizer_steps_on():
    optimizer = unpickled("optimizer")
    before = optimizer.params[0].copy()
    optimizer.step([np.ones(2)])
    assert (optimizer.params[0] < before).all()


def test_a_model_file(tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(saved("file"))
    assert load_model(path).predict(X).tolist() == ["no", "no", "yes", "yes"]


def test_public_classes_name_public_modules():
    for module in (fo.losses, fo.penalties, fo.schedules, fo.batching, fo.optimizers, fo.linear_model, fo.exceptions):
        for name in module.__all__:
            home = getattr(getattr(module, name), "__module__", None)
            if isinstance(getattr(module, name), type) and name != "RowSparse":   # compiled: it names its file
                assert home == module.__name__, (name, home)
    assert fo.LinearObjective.__module__ == "fastopt.objective"
