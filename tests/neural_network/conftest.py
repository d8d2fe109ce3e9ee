"""The estimators on the network of tests/reference, where the compiled engine is not there."""
import pytest

from fastopt.neural_network._mlp import engine
from reference import network


@pytest.fixture(autouse=True)
def _network(monkeypatch):
    if engine.Network is None:
        monkeypatch.setattr(engine, "Network", network.Network)
        monkeypatch.setattr(network, "RULES", {**network.RULES, **network.OF_SCIKIT_LEARN})
