"""What all tests share: which copy of fastopt is tested, settings put back after each test, fixtures.

The tests run against the installed package; the source tree is only used where it was built in place
(``python setup.py build_ext --inplace``).
"""
import os
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
if not [*ROOT.glob("fastopt/_core/tables*.so"), *ROOT.glob("fastopt/_core/tables*.pyd")]:   # python -m pytest puts "." on the path
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]

import fastopt as fo  # noqa: E402 the path is settled first
from fastopt._core import (  # noqa: E402 as above
    load as _load,
    runtime as _runtime,
    tables as _core,
    threads as _threads,
)

# a shell that starts the tests in the background has them ignore Ctrl-C, and their children too: tests of it would wait
signal.signal(signal.SIGINT, signal.default_int_handler)

_load.heed(False)   # loops with many threads have them all, however busy the machine is

settings.register_profile("fastopt", deadline=None, print_blob=True)
settings.load_profile("fastopt")


@pytest.hookimpl(tryfirst=True)   # before -m selects
def pytest_collection_modifyitems(items):
    """Of the cases of a test that is marked `repeats(n)` one in n runs by default, drawn by their names; the others are slow."""
    cases = {}
    for item in items:
        if item.get_closest_marker("repeats"):
            cases.setdefault((item.path, item.originalname), []).append(item)
    for several in cases.values():
        every = several[0].get_closest_marker("repeats").args[0]
        several.sort(key=lambda item: zlib.crc32(item.name.encode()))
        for item in several[-(-len(several) // every):]:
            item.add_marker("slow")
            item.add_marker("repeated")


@pytest.fixture(autouse=True)
def _settings():
    """Each test finds the instruction set and the number of threads that the environment asked for."""
    isa, threads = _core.isa(), _threads._set
    yield
    fo.set_isa(isa)
    fo.set_num_threads(threads)


@pytest.fixture(params=fo.available_isas())
def isa(request):
    """Each instruction set of this processor in turn; its kernels are in use."""
    fo.set_isa(request.param)
    return request.param


@pytest.fixture(params=fo.available_isas()[1:] or [None])
def other_isa(request):
    """Each instruction set but the best, to compare with it."""
    if request.param is None:
        pytest.skip("there is one instruction set here: nothing to compare")
    return request.param


@pytest.fixture
def fused_isas():
    """The instruction sets that round a multiplication and an addition once, which agree to the bit."""
    names = [name for name in fo.available_isas() if name != "base"]
    if len(names) < 2:
        pytest.skip(f"fewer than two instruction sets with fused multiply-add here: {names}")
    return names


@pytest.fixture
def many_threads(monkeypatch):
    """As many threads as are asked for, up to 16, whatever this machine has."""
    monkeypatch.setattr(_threads, "limits", lambda: {"many_threads": 16})


@pytest.fixture
def run_python(tmp_path):
    """Run a program in a Python of its own, far from the source tree; its output, errors and warnings come back."""
    def run(program, *, check=True, timeout=120, cwd=tmp_path, **environment):
        path = [str(Path(fo.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path)), **environment}
        arguments = ["-c", program] if isinstance(program, str) else [str(a) for a in program]
        done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, text=True, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert not check or done.returncode == 0, done.stdout
        return done.stdout
    return run


@pytest.fixture
def openmp():
    """Whether this copy can start threads."""
    return _runtime.openmp()[0] > 0
