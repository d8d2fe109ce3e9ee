"""Blocks of rows that a team of threads does, or one thread, whoever was faster: the choice by seconds that are made up here,
and results that do not depend on it.
"""
import ctypes

import numpy as np
import pytest
from test_batch_kernel import fit, same
from test_sgd_kernel import problem

from fastopt._sgd.batch import team_timing as _team_timing
from fastopt.linear_model import SGDClassifier


class TeamTiming(ctypes.Structure):
    """As in _sgd/batch/team_timing.pxd."""
    _fields_ = [("seconds", ctypes.c_double * 2), ("waited", ctypes.c_double), ("cost", ctypes.c_double), ("slow", ctypes.c_int),
                ("shared", ctypes.c_int), ("tries", ctypes.c_int)]


def function(name, *types):
    """A function that other extensions may cimport."""
    capsule = _team_timing.__pyx_capi__[name]
    signature = ctypes.pythonapi.PyCapsule_GetName
    signature.restype, signature.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.CFUNCTYPE(*types)(pointer(capsule, signature(capsule)))


choose_team = function("choose_team", ctypes.c_int, ctypes.POINTER(TeamTiming))
note_time = function("note_time", None, ctypes.POINTER(TeamTiming), ctypes.c_double, ctypes.c_ssize_t)


def run(speeds, timing=None, rows=4096):
    """Who did each block, True for the team, where one thread and the team take the seconds a row of speeds."""
    timing, done = timing or TeamTiming(), []
    for alone, team in speeds:
        done.append(bool(choose_team(timing)))
        note_time(timing, rows * (team if done[-1] else alone), rows)
    return done


@pytest.mark.parametrize("alone, team", [(2e-6, 1e-6), (1e-6, 2e-6), (1e-6, 1e-5), (1.01e-6, 1e-6), (1e-6, 1e-6)])
def test_the_faster_one_works(alone, team):
    """Each has had a block by the second; trials of the slower one lose a fiftieth of the time at most."""
    done = run([(alone, team)] * 5000)
    assert done[:2] == [True, False]
    faster = team <= alone
    spent = sum(team if by_team else alone for by_team in done)
    assert spent <= min(alone, team) * 5000 * 1.0201 + 2 * max(alone, team)
    if max(alone, team) > 1.5 * min(alone, team):   # where they are nearly equal, trials cost nothing
        assert done.count(faster) > 0.9 * len(done)


def test_the_slower_one_is_tried_again():
    """Also after thousands of blocks."""
    for speeds in ((3e-6, 1e-6), (1e-6, 3e-6)):
        done = run([speeds] * 5000)
        assert len(set(done[2000:3500])) == len(set(done[3500:])) == 2


@pytest.mark.parametrize("before, after", [((2e-6, 1e-6), (2e-6, 9e-6)), ((1e-6, 9e-6), (1e-6, 5e-7)), ((2e-6, 1e-6), (5e-7, 1e-6))])
def test_a_change_is_noticed(before, after):
    """Other programs begin or end: soon the one that is faster now is at work."""
    done = run([before] * 1000 + [after] * 2000)
    assert done[500:1000].count(before[1] < before[0]) > 400
    assert done[2500:].count(after[1] < after[0]) > 400


def test_one_slow_block_is_bad_luck():
    """Two in a row that were slower than the other one are not."""
    team_is_faster, team_is_slow = (2e-6, 1e-6), (2e-6, 3e-6)
    timing = TeamTiming()
    run([team_is_faster] * 4, timing)
    assert run([team_is_slow, team_is_faster, team_is_faster, team_is_slow, team_is_faster], timing) == [True] * 5
    assert run([team_is_slow] * 2 + [team_is_faster], timing) == [True, True, False]


def test_a_clock_that_stands_still():
    """Seconds of 0, as without OpenMP: somebody works all the same."""
    assert len(run([(0.0, 0.0)] * 50)) == 50
    assert set(run([(0.0, 0.0)] * 20 + [(1e-6, 2e-6)] * 30)[-10:]) == {False}


# ---- results ----

@pytest.mark.parametrize("name", ["sgd", "adam", "lamb", "schedule_free_adamw"])
@pytest.mark.parametrize("k, loss", [(1, "log_loss"), (3, "softmax")])
@pytest.mark.parametrize("sizes", [64, 100])
def test_same_bits_whoever_works(sizes, k, loss, name):
    """Blocks of 96 rows, in which batches go on that others began: the first is the team's, the second one thread's."""
    X, y = problem(1000, 800, k, np.float32)
    one, *others = (fit(X, y, k, loss, optimizer=name, l2=1e-3, l1=1e-5, sizes=sizes, average=5, block_rows=96, threads=threads,
                        clip_norm=0.2 if sizes == 100 else None) for threads in (1, 2, 3, 2, 2))
    for other in others:
        same(one, other)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_same_bits_in_the_estimators(many_threads, optimizer):
    """Several blocks of 4,096 rows, of which the last is a rest, and epochs."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3 * 4096 + 100, 400), np.float32)
    y = X @ rng.standard_normal(400) > 0
    one, two = (SGDClassifier(loss="log_loss", optimizer=optimizer, batch_size=100, learning_rate="constant", eta0=0.01, tol=None,
                              max_iter=3, random_state=0, n_jobs=jobs).fit(X, y) for jobs in (1, 2))
    np.testing.assert_array_equal(one.coef_, two.coef_)
    np.testing.assert_array_equal(one.intercept_, two.intercept_)
    assert (one.t_, one.loss_curve_) == (two.t_, two.loss_curve_)
