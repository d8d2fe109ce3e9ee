"""Epochs of mini-batches, log_loss + l2, shuffled, against our own per-sample SGD on the same data: by 64 rows, plain steps and
Adam, one thread and two; ten classes, one against the rest and by their softmax; CSR, also by "hogwild".

    FASTOPT_DATA=… pytest bench/bench_batch.py --benchmark-json=batch.json && python bench/report.py batch.json

Seconds of an epoch are differences between fits of different length; all ways of training take turns, round by round, so that
a drift of the machine's speed meets them alike.  They are measured once a case, in the first benchmark of it.
"""
from __future__ import annotations

import functools

import data
import pytest
from sklearn.base import clone
from turns import epochs_in_turn

from fastopt.linear_model import SGDClassifier

SINGLE = {"one sample a step": {}}
BATCHES = {"64, sgd": {"batch_size": 64}, "64, adam": {"batch_size": 64, "optimizer": "adam"}}
SOFTMAX = {"64, sgd, softmax": {"batch_size": 64, "multi_class": "multinomial"}}
WIDE = {**BATCHES, "1024, sgd": {"batch_size": 1024}, "64, adagrad": {"batch_size": 64, "optimizer": "adagrad"}}
WILD = {name: {"batch_size": 4, "optimizer": name.split(", ")[1]} for name in ("4, sgd", "4, adagrad")}


def on_two(ways, **params):
    """The same on two threads."""
    return {f"{name}, {'hogwild, ' if params else ''}2 threads": {**how, "n_jobs": 2, **params} for name, how in ways.items()}


TRAINING = {
    "dense float32, 60,000 × 784": {
        **SINGLE, **BATCHES, **on_two(BATCHES)},
    "10 classes, float32, 20,000 × 784": {
        **SINGLE, "one sample a step, 2 threads": {"n_jobs": 2}, **BATCHES, **SOFTMAX,
        **on_two({**BATCHES, **SOFTMAX})},
    "CSR float32, tf-idf, 25,000 × 36,000": {
        **SINGLE, **WIDE, **on_two(WIDE), **WILD, **on_two(WILD, parallel="hogwild")},
    "CSR float32, one-hot, 32,561 × 123": {
        **SINGLE, **BATCHES, **on_two(BATCHES), "1024, sgd": {"batch_size": 1024}, **on_two({"1024, sgd": {"batch_size": 1024}})},
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
