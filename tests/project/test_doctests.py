"""Every example in every docstring runs and prints what it says."""
import doctest
import importlib
import pkgutil

import pytest

import fastopt

MODULES = ["fastopt", *(found.name for found in pkgutil.walk_packages(fastopt.__path__, "fastopt."))]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(importlib.import_module(name), optionflags=flags).failed == 0
