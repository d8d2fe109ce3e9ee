"""Epochs of mini-batches, log_loss + l2, shuffled, against our own per-sample SGD on the same data: by 64 rows, plain steps and
Adam, one thread and two; ten classes, one against the rest and by their softmax; CSR.

    FASTOPT_DATA=… pytest bench/bench_batch.py --benchmark-json=batch.json && python bench/report.py batch.json

Seconds of an epoch are differences between fits of different length; all ways of training take turns, round by round, so that
a drift of the machine's speed meets them alike.  They are measured once a case, in the first benchmark of it.
"""
from __future__ import annotations

import functools

import pytest
from sklearn.base import clone

import data
from fastopt.linear_model import SGDClassifier
from turns import epochs_in_turn

SINGLE = {"one sample a step": {}}
BATCHES = {"64, sgd": {"batch_size": 64}, "64, adam": {"batch_size": 64, "optimizer": "adam"}}
SOFTMAX = {"64, sgd, softmax": {"batch_size": 64, "multi_class": "multinomial"}}
TRAINING = {
    "dense float32, 60,000 × 784": {
        **SINGLE, **BATCHES, **{f"{name}, 2 threads": {**how, "n_jobs": 2} for name, how in BATCHES.items()}},
    "10 classes, float32, 20,000 × 784": {
        **SINGLE, "one sample a step, 2 threads": {"n_jobs": 2}, **BATCHES, **SOFTMAX,
        **{f"{name}, 2 threads": {**how, "n_jobs": 2} for name, how in {**BATCHES, **SOFTMAX}.items()}},
    "CSR float32, tf-idf, 25,000 × 36,000": {**SINGLE, **BATCHES, "64, adagrad": {"batch_size": 64, "optimizer": "adagrad"}},
    "CSR float32, one-hot, 32,561 × 123": {**SINGLE, **BATCHES},
}


def _model(how):
    rate = {"learning_rate": "constant", "eta0": 0.01} if how.get("batch_size") else {}
    return SGDClassifier(loss="log_loss", tol=None, random_state=0, **rate, **how)


@functools.cache
def epoch_seconds(case):
    """Seconds of an epoch by way of training, in turn."""
    X, y = data.case(case)
    return epochs_in_turn({name: _model(how) for name, how in TRAINING[case].items()}, X, y)


@pytest.mark.parametrize("case, training", [(case, name) for case, ways in TRAINING.items() for name in ways])
def test_epoch(benchmark, case, training):
    X, y = data.case(case)
    benchmark.group = f"mini-batch epoch: {case}"
    seconds = epoch_seconds(case)
    benchmark.extra_info.update(
        case=case, training=training, real_data=data.is_real(), batch_epoch=seconds[training],
        samples_per_second=X.shape[0] / seconds[training], ratio=seconds["one sample a step"] / seconds[training],
        bytes=data.nbytes(X), gigabytes_per_second=data.nbytes(X) / seconds[training] / 1e9)
    benchmark.pedantic(clone(_model(TRAINING[case][training]).set_params(max_iter=3)).fit, args=(X, y), rounds=1, warmup_rounds=0)
