"""Sections of numpydoc docstrings, and the public names with theirs.  Used by test_documented.py; knows nothing of what they say."""
import importlib
import inspect
import re

PAGES = ("fastopt", "fastopt.batching", "fastopt.exceptions", "fastopt.linear_model", "fastopt.losses", "fastopt.neural_network",
         "fastopt.optimizers", "fastopt.penalties", "fastopt.schedules")


def section(thing, title):
    """[(name, type, text)] of a section, one for each of the names that share an entry."""
    doc = inspect.cleandoc(thing.__doc__ or "")
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", doc + "\n", re.M | re.S)
    entries = []
    for head, text in re.findall(r"^(\S[^\n]*)\n((?:[ \t]+[^\n]*\n|\n)*)", found[1], re.M) if found else []:
        names, _, kind = head.partition(" : ")
        entries += [(name.strip(" *"), kind, text.strip()) for name in names.split(",")]
    return entries


def public():
    """(name, object) of all public classes, functions and methods, each once; methods by where they are defined."""
    seen = {}
    for page in PAGES:
        module = importlib.import_module(page)
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isroutine(thing):
                seen.setdefault(f"{page}.{name}" if page != "fastopt" else f"fastopt.{name}", thing)
    for name, cls in [(name, thing) for name, thing in seen.items() if inspect.isclass(thing)]:
        for method, value in inspect.getmembers(cls):
            if not method.startswith("_") and inspect.isroutine(value) and (getattr(value, "__module__", "") or "").startswith("fastopt"):
                seen[f"{name}.{method}"] = value
    unique = {}
    for name, thing in seen.items():
        if not any(thing is other or getattr(thing, "__code__", 0) is getattr(other, "__code__", 1) for other in unique.values()):
            unique[name] = thing
    return unique


def parameters(thing):
    """Those of the signature, without self."""
    try:
        found = list(inspect.signature(thing).parameters.values())
    except (ValueError, TypeError):
        return None
    return [p for p in found if p.name not in ("self", "cls")]
