"""Losses whose samples are shared among threads in blocks: the same bits for any number of them, and the values of blocks one by one."""
import numpy as np
import pytest

from fastopt import losses
from fastopt.losses._policies import values as policy_values
from fastopt.losses._sequences import risks

RNG = np.random.default_rng(0)
N, K = 60_001, 5
P, Q, ONLINE = RNG.normal(size=(3, N, K))
ACTIONS, REWARDS, DONE, WEIGHT = RNG.integers(0, K, N), RNG.normal(size=N), RNG.integers(0, 2, N), RNG.uniform(0.5, 2, N)
FLAT, TARGET, OLD = RNG.normal(size=(3, 300_001))
#: the evaluation of some rows, and the module that asks for threads
CASES = {
    "ValueFunction": (policy_values, len(FLAT), lambda rows: losses.ValueFunction(clip=0.2, reduction="none").value_and_gradient(
        TARGET[rows], FLAT[rows], old_values=OLD[rows])),
    "DQN": (policy_values, N, lambda rows: losses.DQN(reduction="none", double=True).value_and_gradient(
        ACTIONS[rows], P[rows], rewards=REWARDS[rows], done=DONE[rows], next_scores=Q[rows], next_online=ONLINE[rows], sample_weight=WEIGHT[rows])),
    "MinimumRisk": (risks, N, lambda rows: losses.MinimumRisk(reduction="none").value_and_gradient(P[rows], Q[rows], sample_weight=WEIGHT[rows])),
    "SelfCritical": (risks, N, lambda rows: losses.SelfCritical(reduction="none").value_and_gradient(P[rows], Q[rows], baseline=REWARDS[rows])),
}


@pytest.mark.parametrize("case", CASES)
def test_threads_and_blocks_change_no_bit(case, monkeypatch):
    module, n, evaluate = CASES[case]
    found = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(module, "resolve_threads", lambda: threads)
        found.append(evaluate(slice(None)))
    for value, gradient in found[1:]:
        assert np.array_equal(value, found[0][0]) and np.array_equal(gradient, found[0][1])
    places = np.sort(np.r_[0, n - 1, RNG.integers(0, n, 50)])
    some = evaluate(places)
    np.testing.assert_array_equal(found[0][0][places], some[0])
    np.testing.assert_array_equal(found[0][1][places], some[1])


@pytest.mark.parametrize("case", ["ValueFunction", "DQN", "MinimumRisk", "SelfCritical"])
def test_means_are_those_of_the_values(case):
    each = CASES[case][2](slice(None))[0]
    mean = {"ValueFunction": lambda: losses.ValueFunction(clip=0.2).value(TARGET, FLAT, old_values=OLD),
            "DQN": lambda: losses.DQN(double=True).value(ACTIONS, P, rewards=REWARDS, done=DONE, next_scores=Q, next_online=ONLINE,
                                                         sample_weight=WEIGHT) * WEIGHT.sum() / N,
            "MinimumRisk": lambda: losses.MinimumRisk().value(P, Q, sample_weight=WEIGHT) * WEIGHT.sum() / N,
            "SelfCritical": lambda: losses.SelfCritical().value(P, Q, baseline=REWARDS)}[case]()
    assert mean == pytest.approx(each.mean(), rel=1e-12)
