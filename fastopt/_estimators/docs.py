"""Docstrings that estimators share: the text of each parameter and attribute once, and the decorators that fill it in.

Used by the estimators, which have texts of their own beside those of arguments.  It must know no estimator.
"""
from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from .sklearn import own_methods

Class = TypeVar("Class", bound=type)
Method = TypeVar("Method", bound=Callable[..., Any])

ARGUMENTS = {
    "X": """{array-like, sparse matrix} of shape (n_samples, n_features)
        float32 and float64 arrays of any order and strides, and CSR matrices with int32 or int64 indices, are used as
        they are; all else is converted.  What a sparse matrix stores for one place is summed, in a copy.""",
    "y": """array-like of shape (n_samples,) or (n_samples, n_outputs)
        What is learnt or scored: labels of classes, of any type, for classifiers, of shape (n_samples,); numbers for regressors,
        with a column for each output where the estimator takes several.""",
    "y:None": """Ignored
        There is nothing to learn from; accepted for the sake of pipelines.""",
    "sample_weight": """array-like of shape (n_samples,) or None
        Weights of at least 0, not all 0.""",
    "coef_init": """array-like of the shape of coef_
        Weights to start from.""",
    "intercept_init": """array-like of the shape of intercept_
        Intercepts to start from.""",
    "offset_init": """array-like of shape (1,)
        Offset to start from.""",
    "eval_set": """tuple (X, y) or None
        Data to score after each epoch, see `validation_curve_`; with `early_stopping` it decides when to stop.""",
    "callback": """callable or None
        Called after each epoch with a `scipy.optimize.OptimizeResult`: `nit` (from 1), `fun` (mean training loss),
        `validation_score` (or None), `seconds`.  StopIteration ends the fit, which keeps the weights so far.""",
    "classes": """array-like of shape (n_classes,)
        All labels that will ever come; needed in the first call.""",
}

#: sections that stand for a word in brackets, alike in all methods
SECTIONS = {
    "[self]": "Returns\n-------\nself",
    "[raises]": """Raises
------
ValueError, TypeError
    If a parameter or an argument is not as described; the message names it.""",
}


def section(title: str, entries: Iterable[str]) -> str:
    """A section of numpydoc."""
    return "\n".join([title, "-" * len(title), *entries])


def entry(name: str, texts: Mapping[str, str], takes: Mapping[str, inspect.Parameter]) -> str:
    """The numpydoc entry of a name; what the signature has for its default stands behind its type."""
    none = name in takes and takes[name].default is None
    text = texts.get(f"{name}:None", texts[name]) if none else texts[name]
    head, _, rest = f"{name} : {textwrap.indent(inspect.cleandoc(text), '    ').lstrip()}".partition("\n")
    if name in takes and takes[name].default is not inspect.Parameter.empty and "default=" not in head:
        missing = none and not re.search("None|Ignored", head)
        head += f"{' or None' * missing}, default={takes[name].default!r}"
    return head + "\n" + rest


def filled(text: str, words: Mapping[str, str]) -> str:
    """The words in place of their names."""
    for name, word in words.items():
        text = text.replace(name, word)
    return text


def with_own(doc: str, shared: Mapping[str, str], takes: Mapping[str, inspect.Parameter]) -> str:
    """The entries of a docstring before ``[parameters]`` and the shared ones of all other names, as the signature has them.

    Where there are none before, the title of the section is added.
    """
    def order(match: re.Match[str]) -> str:
        own = {re.split("[ ,]", text, maxsplit=1)[0]: text for text in re.split(r"\n(?=\S)", match[1].strip()) if text}
        return "\n".join(own[name] if name in own else entry(name, shared, takes) for name in takes
                         if name in own or name in shared)
    doc = doc.replace("\n\n[parameters]", f"\n\n{section('Parameters', ['[parameters]'])}")
    return re.sub(r"(?<=\nParameters\n----------\n)(.*?)\[parameters\]", order, doc, flags=re.S)


def documented(module: str, parameters: Mapping[str, str], attributes: Mapping[str, str], without: Sequence[str] = (),
               **words: str) -> Callable[[Class], Class]:
    """Fill the sections ``[parameters]`` and ``[attributes]`` of a class's docstring from these texts, `without` some attributes.

    The words replace what stands in braces in the shared text.  The class is made public in the module, and its methods are its own.
    """
    def fill(cls: Class) -> Class:
        doc = with_own(inspect.cleandoc(cls.__doc__ or ""), parameters, inspect.signature(cls).parameters)
        shown = section("Attributes", (entry(name, attributes, {}) for name in attributes if name not in without))
        cls.__doc__ = filled(doc.replace("[attributes]", shown), {f"{{{name}}}": word for name, word in words.items()}) + "\n"
        cls.__module__ = module
        own_methods(cls)
        return cls
    return fill


def arguments(method: Method) -> Method:
    """Fill the section ``[arguments]`` of a method's docstring by its signature, and those of SECTIONS."""
    takes = inspect.signature(method).parameters
    found = section("Parameters", (entry(name, ARGUMENTS, takes) for name in takes if name in ARGUMENTS))
    method.__doc__ = filled(inspect.cleandoc(method.__doc__ or ""), {"[arguments]": found, **SECTIONS})
    return method
