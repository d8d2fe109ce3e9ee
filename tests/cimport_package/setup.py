"""A package of somebody else's that uses fastopt's kernels from Cython; built and run by tests/project/test_build.py."""
from Cython.Build import cythonize
from setuptools import Extension, setup

import fastopt

setup(name="uses-fastopt", py_modules=[],
      ext_modules=cythonize([Extension("uses_fastopt", ["uses_fastopt.pyx"], include_dirs=[fastopt.get_include()])],
                            language_level=3))
