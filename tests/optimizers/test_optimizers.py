"""Every update rule of fastopt.optimizers with its options, against plain NumPy in reference_rules.py; sizes, types, threads,
instruction sets.  What optimizers do around their rules is tested in test_optimizers_interface.py."""
import numpy as np
import pytest

import fastopt as fo
from fastopt import optimizers
from fastopt._core import tables as _core
from optimizer_cases import CASES, NAMES, OPTIONS, SHARED, everything, gradients, run_beside, settings_of, start
from reference.optimizers import COMMON, DEFAULTS

SIZES = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 4095, 4097, 8191, 8193, 40000]
#: rules of whole matrices, tested on their own
OF_MATRICES = {"adafactor", "muon"}


def names_of(cases):
    return [f"{name}-{key}-{'-'.join(own)}" for name, key, own in cases]


def test_the_list_in_c_and_the_classes_name_the_same_rules():
    kinds = {}
    for name in optimizers.names():
        for kind, states in optimizers.get(name).kinds.items():
            assert kinds.setdefault(kind, states) == states
    assert set(kinds) == set(_core.RULE_NAMES)
    for kind, count in _core.RULE_STATES.items():   # adafactor keeps one array for a vector, two for a matrix
        assert len(kinds[kind]) == count + (kind == "adafactor"), kind


def test_every_rule_has_a_reference():
    assert set(optimizers.names()) - OF_MATRICES == set(DEFAULTS)
    for name in optimizers.names():
        assert optimizers.get(name).name == name and optimizers.get(name).__name__ in optimizers.__all__


@pytest.mark.parametrize("name", NAMES)
def test_defaults_are_those_of_pytorch_or_of_the_paper(name):
    assert optimizers.get(name)(np.zeros(1)).param_groups[0].settings == {**DEFAULTS[name], **COMMON}


@pytest.mark.parametrize(("name", "key", "own"), CASES, ids=names_of(CASES))
@pytest.mark.repeats(6)
def test_fifty_steps(name, key, own, isa):
    run_beside(name, start(), 50, 1e-12, **settings_of(key, own))


@pytest.mark.parametrize(("name", "key", "own"), CASES, ids=names_of(CASES))
@pytest.mark.repeats(4)
def test_float32(name, key, own):
    settings = settings_of(key, own)
    if name == "prodigy":   # whose d comes from differences w0 − w: after steps of one millionth they have two digits
        settings["d0"] = 1e-2
    run_beside(name, start([np.float32] * 3), 50, 1e-4 if name == "prodigy" else 2e-5, **settings)


@pytest.mark.parametrize("name", NAMES)
def test_lists_of_both_types(name):
    params = start([np.float32, np.float64, np.float32])
    run_beside(name, params, 10, 1e-5)
    assert [w.dtype for w in params] == [np.float32, np.float64, np.float32]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.repeats(4)
def test_sizes(name, dtype, isa):
    rng = np.random.default_rng(0)
    for n in SIZES:
        run_beside(name, [rng.normal(size=n).astype(dtype)], 3, 1e-12 if dtype == np.float64 else 1e-5)
    run_beside(name, [rng.normal(size=n).astype(dtype) for n in SIZES[:10]], 3, 1e-12 if dtype == np.float64 else 1e-5)


def bits(name, own, steps=4, **options):
    """All bytes after some steps of arrays of many sizes, and of a large one."""
    rng = np.random.default_rng(0)
    params = [rng.normal(size=n).astype(dtype) for n in (40000, 8193, 1, 0, 333, 17000) for dtype in (np.float32, np.float64)]
    optimizer = optimizers.get(name)(params, **own, **options)
    for _ in range(steps):
        optimizer.step(gradients(params, [0 * w for w in params], rng))
    return everything(optimizer)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.repeats(4)
def test_threads_do_not_change_a_bit(name, many_threads):
    for own in [{}, *OPTIONS[name]]:
        alone = bits(name, own, n_threads=1, clip_global_norm=150.0)
        for n_threads in (2, 5):
            assert bits(name, own, n_threads=n_threads, clip_global_norm=150.0) == alone


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.repeats(5)
def test_instruction_sets_with_fma_agree_to_the_bit(name, fused_isas):
    for own in [{}, SHARED["all"], *OPTIONS[name]]:
        found = {}
        for isa in fused_isas:
            fo.set_isa(isa)
            found[isa] = bits(name, own)
        assert len({repr(each) for each in found.values()}) == 1, list(found)


@pytest.mark.parametrize("name", NAMES)
def test_weights_at_zero_stay_numbers(name):
    """Norms and means of squares that are 0."""
    w = np.zeros(5)
    optimizer = optimizers.get(name)(w)
    for _ in range(3):
        optimizer.step(np.zeros(5))
    assert (w == 0).all()


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"schedule_free_sgd", "schedule_free_adamw"}))
def test_l1_makes_exact_zeros(name):
    """Strong L1 and little noise: everything ends at 0.  FTRL, whose start is not penalised, starts there."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=20) * (0 if name == "ftrl" else 0.01)
    lr = {"lars": 100.0, "lamb": 0.1, "dog": 10.0, "prodigy": 10.0, "adadelta": 100.0}.get(name, 0.01)
    optimizer = optimizers.get(name)(w, lr=lr, l1=100.0)
    for _ in range(60):
        optimizer.step(rng.normal(size=20) * 0.01)
    assert (w == 0).all()
