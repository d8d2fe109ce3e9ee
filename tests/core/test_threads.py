"""How many threads a call may use, and that it neither hangs after a fork nor when called from many Python threads."""
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import threadpoolctl

import fastopt as fo
from fastopt._core import runtime as _runtime, threads as _threads
from fastopt._core.threads import resolve_threads


@pytest.fixture
def machine(monkeypatch):
    """A process that may use 8 processors; each keyword sets one bound."""
    def bounds(processors=8, quota=None, openmp=8, environment=None):
        monkeypatch.setattr(_threads, "processors", lambda: processors)
        monkeypatch.setattr(_threads, "quota", lambda: quota)
        monkeypatch.setattr(_runtime, "openmp_threads", lambda: openmp)
        monkeypatch.setattr(_threads, "_environment", environment)
        fo.set_num_threads(None)
    bounds()
    return bounds


@pytest.mark.parametrize("requested, threads", [
    (None, 8), (-1, 8), (-2, 7), (-100, 1), (1, 1), (3, 3), (100, 8), (np.int64(4), 4)])
def test_requested(machine, requested, threads):
    assert resolve_threads(requested) == threads


@pytest.mark.parametrize("requested, error", [
    (0, ValueError), (True, TypeError), (1.0, TypeError), ("2", TypeError), ([2], TypeError)])
def test_bad_request(requested, error):
    with pytest.raises(error, match="^n_jobs must be"):
        resolve_threads(requested, "n_jobs")


@pytest.mark.parametrize("bound", ["processors", "quota", "openmp", "environment"])
def test_every_bound_holds(machine, bound):
    machine(**{bound: 3})
    assert resolve_threads() == resolve_threads(-1) == resolve_threads(5) == fo.get_num_threads() == 3
    assert resolve_threads(2) == 2


def test_set_num_threads(machine):
    fo.set_num_threads(5)
    assert resolve_threads(7) == fo.get_num_threads() == 5
    fo.set_num_threads(50)
    assert fo.get_num_threads() == 8
    fo.set_num_threads(None)
    assert fo.get_num_threads() == 8


@pytest.mark.parametrize("n, error", [(0, ValueError), (-1, ValueError), (2.0, TypeError), ("two", TypeError)])
def test_bad_number(n, error):
    with pytest.raises(error, match="^n must be"):
        fo.set_num_threads(n)


def control_group(folder, files, cgroup):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "self").write_text(cgroup)
    return _threads.quota.__wrapped__(str(folder / "self"), str(folder))


V1 = "7:memory:/m\n4:cpu,cpuacct:/docker/a\n"


@pytest.mark.parametrize("files, cgroup, quota", [
    ({"cpu.max": "150000 100000\n"}, "0::/\n", 2),
    ({"cpu.max": "50000 100000\n"}, "0::/\n", 1),
    ({"cpu.max": "max 100000\n"}, "0::/\n", None),
    ({"a/cpu.max": "400000 100000\n", "a/b/cpu.max": "max 100000\n"}, "0::/a/b\n", 4),
    ({"a/cpu.max": "400000 100000\n", "a/b/cpu.max": "300000 100000\n"}, "0::/a/b\n", 3),
    ({"cpu.max": "200000 100000\n"}, "0::/seen/from/outside\n", 2),
    ({"unified/a/cpu.max": "200000 100000\n"}, "0::/a\n", 2),
    ({"cpu/docker/a/cpu.cfs_quota_us": "250000", "cpu/docker/a/cpu.cfs_period_us": "100000"}, V1, 3),
    ({"cpu,cpuacct/cpu.cfs_quota_us": "100000", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, V1, 1),
    ({"cpu/docker/a/cpu.cfs_quota_us": "-1", "cpu/docker/a/cpu.cfs_period_us": "100000"}, V1, None),
    ({"cpu.max": "much\n"}, "0::/\n", None),
    ({}, "0::/\n", None),
    ({}, "nonsense\n", None),
])
def test_quota(tmp_path, files, cgroup, quota):
    assert control_group(tmp_path, files, cgroup) == quota


def test_no_control_groups(tmp_path):
    assert _threads.quota.__wrapped__(str(tmp_path / "none"), str(tmp_path)) is None


SHOW = "import fastopt as fo; print(fo.get_num_threads())"


@pytest.mark.parametrize("name", ["FASTOPT_NUM_THREADS", "OMP_NUM_THREADS"])
def test_environment(run_python, name):
    assert run_python(SHOW, **{name: "1"}).split() == ["1"]


@pytest.mark.parametrize("text", ["0", "-2", "many", "1.5"])
def test_bad_environment(run_python, text):
    output = run_python(SHOW, FASTOPT_NUM_THREADS=text)
    assert f"RuntimeWarning: FASTOPT_NUM_THREADS must be a positive number, got '{text}'" in output


if hasattr(os, "sched_setaffinity"):
    def test_affinity(run_python):
        program = f"import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); {SHOW}"
        assert run_python(program, FASTOPT_NUM_THREADS="").split() == ["1"]


def test_threadpoolctl():
    with threadpoolctl.threadpool_limits(1, user_api="openmp"):
        assert resolve_threads(2) == 1


def test_threads_start(openmp):
    assert [_runtime.count_threads(n) for n in (1, 2, 3, 7)] == ([1, 2, 3, 7] if openmp else [1, 1, 1, 1])
    with pytest.raises(ValueError, match="n_threads must be positive, got 0"):
        _runtime.count_threads(0)


def test_many_python_threads(openmp):
    def work(i):
        if i % 10 == 0:
            fo.set_num_threads(i % 3 + 1)
        assert resolve_threads() >= 1
        return _runtime.count_threads(i % 4 + 1)
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(work, range(400)))
    assert counts == [i % 4 + 1 if openmp else 1 for i in range(400)]


def test_a_loss_has_the_same_bits_on_any_number_of_threads(monkeypatch, isa):
    random = np.random.default_rng(0)
    y, p = random.standard_normal((2, 300_001))
    loss, results = fo.losses.Huber(), []
    for threads in (1, 2, 5, 16):
        monkeypatch.setattr(_threads, "limits", lambda: {"test": threads})
        value, gradient = loss.value_and_gradient(y, p)
        results.append((value, gradient.tobytes()))
    assert len(set(results)) == 1


if hasattr(os, "fork"):
    FORK = """
import os, threading, numpy as np, fastopt as fo
from fastopt._core.runtime import count_threads
y, p = np.random.default_rng(0).standard_normal((2, 200_000))
loss = fo.losses.Huber()

def child(children):
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    same = fo.get_num_threads() == threads and count_threads(4) == together and loss.value(y, p) == value
    os._exit((child(children - 1) if children else 0) if same else 1)

threads, together, value = fo.get_num_threads(), count_threads(4), loss.value(y, p)
for _ in range(5):
    assert child(2) == 0
    assert count_threads(4) == together
"""

    def test_fork(run_python):
        run_python(FORK)

    def test_fork_beside_busy_threads(run_python):
        run_python(FORK.replace("for _", """
stop = threading.Event()
def work():
    while not stop.is_set():
        count_threads(3)
workers = [threading.Thread(target=work) for _ in range(3)]
for worker in workers:
    worker.start()
for _""", 1) + "stop.set()\n")

    def test_fork_behind_the_back_of_python(run_python):
        run_python("""
import ctypes, os, fastopt as fo
from fastopt._core.runtime import count_threads
from fastopt._core.threads import resolve_threads
count_threads(4)
pid = ctypes.PyDLL(None).fork()
if pid == 0:
    os._exit(0 if resolve_threads(4) == count_threads(fo.get_num_threads()) == 1 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
""")
