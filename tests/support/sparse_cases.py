"""Sparse matrices by name: legal ones that only look odd, and ones whose arrays contradict each other.  Used by the tests of sparse X;
run as a program, it gives the latter to every public callable that takes X, in a process that may crash alone.
"""
import inspect
import re
import sys
import warnings

import numpy as np
import scipy.sparse as sp

N, D = 20, 6


def matrix(kind="csr", dtype=np.float64, index=np.int32):
    X = sp.random(N, D, 0.5, kind, dtype=np.float64, random_state=np.random.RandomState(0)).astype(dtype)
    if hasattr(X, "indptr"):
        X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    return X


def changed(array, place, value):
    array = array.copy()
    array.flat[place % array.size] = value
    return array


# ---- legal ----
def turned_over(X):
    """The values of each row, or of each column, in the opposite order."""
    order = np.concatenate([np.arange(a, b)[::-1] for a, b in zip(X.indptr, X.indptr[1:])]).astype(int)
    return type(X)((X.data[order], X.indices[order], X.indptr), shape=X.shape)


def twice(X):
    """Each value as the sum of two that are stored side by side; of one sign, and not."""
    share = np.where(np.arange(len(X.data)) % 2, 0.75, -2.0)
    return type(X)((np.stack([share * X.data, (1 - share) * X.data], axis=1).ravel(), np.repeat(X.indices, 2), X.indptr * 2),
                   shape=X.shape)


def claims(X, canonical):
    """The same arrays with flags that do not say what is so."""
    X.has_sorted_indices = X.has_canonical_format = canonical
    return X


def moved(X, change):
    """X with its arrays changed, which SciPy does not look at."""
    X = X.copy()
    for name in ("data", "indices", "indptr"):
        setattr(X, name, change(getattr(X, name)))
    return X


def unaligned(array):
    found = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype)
    found[:] = array
    return found


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def odd():
    """Legal matrices by name, and what they stand for."""
    X = matrix()
    dense = X.toarray()
    spare = X.copy()
    spare.data, spare.indices = np.append(X.data, 7.0), np.append(X.indices, 10 ** 6)
    zeros, mixed, small, strided = X.copy(), X.copy(), X.copy(), X.copy()
    zeros.data[::3] = 0
    gaps = dense.copy()
    gaps[[0, 7, 8, N - 1]], gaps[:, 2] = 0, 0
    strided.data, strided.indices = np.repeat(X.data, 2)[::2], np.repeat(X.indices, 3)[::3]
    mixed.indices = mixed.indices.astype(np.int64)
    small.indices, small.indptr = X.indices.astype(np.uint8), X.indptr.astype(">i2")
    blocks = sp.bsr_matrix((np.stack([dense[:2, :3], dense[:2, :3]]), [1, 1], [0, 2] + [2] * 9), shape=(N, D))
    coo = X.tocoo()
    found = {"unsorted": (turned_over(X), dense), "spare": (spare, dense),
             "gaps": (sp.csr_matrix(gaps), gaps), "explicit zeros": (zeros, zeros.toarray()),
             "int64": (matrix(index=np.int64), dense), "strided": (strided, dense), "one int64": (mixed, dense),
             "small integers": (small, dense), "unaligned": (moved(X, unaligned), dense), "read-only": (moved(X, read_only), dense),
             "csr_array": (sp.csr_array(X), dense), "all zero": (X * 0, dense * 0),
             "nothing stored": (sp.csr_matrix(X.shape), dense * 0),
             **{kind: (X.asformat(kind), dense) for kind in ("csc", "coo", "bsr", "dia", "lil", "dok")},
             "dia, far": (sp.dia_matrix((np.r_[np.ones((1, D)), np.ones((2, D))], [-1, 2 ** 31 - 1, -2 ** 31]), shape=(N, D)),
                          np.eye(N, D, -1)),
             "twice in bsr": (blocks, blocks.toarray()),
             "twice in coo": (sp.coo_matrix((np.r_[2 * coo.data, -coo.data], (np.tile(coo.row, 2), np.tile(coo.col, 2))), X.shape), dense)}
    for kind in (sp.csr_matrix, sp.csc_matrix, sp.csr_array):
        name = kind.__name__
        found |= {f"twice, {name}": (twice(kind(X)), dense), f"twice, turned over, {name}": (turned_over(twice(kind(X))), dense),
                  f"turned over, {name}": (turned_over(kind(X)), dense),
                  f"twice, claims not, {name}": (claims(twice(kind(X)), True), dense),
                  f"turned over, claims not, {name}": (claims(turned_over(kind(X)), True), dense)}
    return found


# ---- contradictory ----
def compressed(X):
    """Ways in which the arrays of CSR or CSC may contradict each other."""
    d = X.shape[1 if X.format == "csr" else 0]
    for value in (d, -1, 900_000, 2 ** 31 - 1, -2 ** 31):
        yield f"index {value}", {"indices": changed(X.indices, 7, value)}
    for value in (2 ** 62, -2 ** 63):
        yield f"index {value}", {"indices": changed(X.indices.astype(np.int64), 7, value)}
    for value in (10 ** 9, -1, -2 ** 31, 10 ** 6):
        yield f"offset {value}", {"indptr": changed(X.indptr, 3, value)}
    yield "begins at 1", {"indptr": changed(X.indptr, 0, 1)}
    yield "begins at −1", {"indptr": X.indptr - 1}
    yield "ends behind the arrays", {"indptr": changed(X.indptr, -1, X.nnz + 10 ** 6)}
    yield "ends at 0", {"indptr": changed(X.indptr, -1, 0)}
    yield "decreases", {"indptr": X.indptr[::-1].copy()}
    for name in ("data", "indices", "indptr"):
        array = getattr(X, name)
        yield f"{name} too short", {name: array[:-2]}
        yield f"{name} empty", {name: array[:0]}
        yield f"{name} too long", {name: np.concatenate([array, array[-3:]])}
        yield f"{name} with a dimension more", {name: array[:, None]}
        yield f"{name} none", {name: None}
    yield "indices of fractions", {"indices": X.indices + 0.5}
    yield "offsets of fractions", {"indptr": X.indptr.astype(float)}
    yield "complex values", {"data": X.data + 1j}
    yield "dates", {"data": X.data.astype("M8[s]")}


def broken():
    """(name, matrix) of the formats that SciPy has."""
    for kind in (sp.csr_matrix, sp.csc_matrix):
        for name, arrays in compressed(kind(matrix())):
            yield f"{kind.__name__}: {name}", kind, arrays
    for kind in (sp.csr_array, sp.csc_array):
        yield f"{kind.__name__}: index", kind, {"indices": changed(kind(matrix()).indices, 7, 900_000)}
    X, lists = matrix("coo"), matrix("lil")
    for name in ("row", "col"):
        for value in (10 ** 9, -1):
            yield f"coo: {name} {value}", sp.coo_matrix, {name: changed(getattr(X, name), 5, value)}
        yield f"coo: {name} too short", sp.coo_matrix, {name: getattr(X, name)[:-1]}
    yield "coo: data too short", sp.coo_matrix, {"data": X.data[:3]}
    blocks = sp.bsr_matrix(matrix(), blocksize=(2, 3))
    yield "bsr: index", sp.bsr_matrix, {"indices": changed(blocks.indices, 2, 10 ** 6)}
    yield "bsr: offset", sp.bsr_matrix, {"indptr": changed(blocks.indptr, 2, 10 ** 6)}
    yield "bsr: data too short", sp.bsr_matrix, {"data": blocks.data[:-2]}
    yield "bsr: blocks that do not divide X", sp.bsr_matrix, {"data": np.ones((len(blocks.data), 3, 4))}
    yield "bsr: blocks of nothing", sp.bsr_matrix, {"data": np.ones((len(blocks.data), 0, 3))}
    diagonals = matrix("dia")
    yield "dia: offset twice", sp.dia_matrix, {"offsets": changed(diagonals.offsets, 1, diagonals.offsets[0])}
    yield "dia: offsets too short", sp.dia_matrix, {"offsets": diagonals.offsets[:-1]}
    yield "dia: data of one dimension", sp.dia_matrix, {"data": diagonals.data[0]}
    far, long = lists.rows.copy(), lists.data.copy()
    far[3], long[3] = [10 ** 6] * len(far[3]), long[3] * 50
    yield "lil: column", sp.lil_matrix, {"rows": far}
    yield "lil: values without a column", sp.lil_matrix, {"data": long}
    yield "lil: rows too short", sp.lil_matrix, {"rows": lists.rows[:-3]}


GOOD = matrix()


def spoilt(kind, arrays):
    """A good matrix of this kind with other arrays."""
    X = sp.bsr_matrix(GOOD, blocksize=(2, 3)) if kind is sp.bsr_matrix else kind(GOOD, copy=True)
    for name, value in arrays.items():
        setattr(X, name, value)
    return X


def callables(group, groups):
    """(name, function of X, the estimator that must not change) of every public callable that takes X, one group of them."""
    import fastopt as fo
    from fastopt import linear_model
    from fastopt._core.tables import Matrix
    y = np.arange(N) % 2 + 1.0
    if group == 0:
        yield "LinearObjective", lambda X: fo.LinearObjective(X, y, loss="squared_error"), None
        yield "LinearObjective, standardize", lambda X: fo.LinearObjective(X, y, loss="squared_error", standardize=True), None
        yield "Matrix", lambda X: Matrix(X, small=True), None
    for name in linear_model.__all__[group::groups]:
        thing = getattr(linear_model, name)
        if not inspect.isclass(thing):
            yield name, lambda X, thing=thing: thing(X, y), None
            continue
        model = thing().fit(matrix(), y)
        for method in [name for name in dir(thing) if name[0] != "_" and callable(getattr(model, name, None))]:
            takes = inspect.signature(getattr(model, method)).parameters
            if "X" not in takes:
                continue
            more = (y,) if "y" in takes else ()
            for fitted in (True, False)[:1 + ("fit" in method)]:
                estimator = model if fitted else thing()
                options = {"classes": [1.0, 2.0]} if "classes" in takes and not fitted else {}
                bound = getattr(estimator, method)
                yield f"{name}.{method}", lambda X, m=bound, o=options, a=more: m(X, *a, **o), estimator
            if "eval_set" in takes:
                bound = getattr(model, method)
                yield f"{name}.{method}, eval_set", lambda X, m=bound: m(matrix(), y, eval_set=(X, y)), model


def main(group, groups):
    """Prints how many calls were refused; the last line of a process that died is the call that it died in."""
    warnings.simplefilter("ignore")
    count, ways = 0, list(broken())
    for name, call, estimator in list(callables(group, groups)):
        before = None if estimator is None else dict(vars(estimator))
        for kind, container, arrays in ways:
            print(f"{name} of {kind}", flush=True)
            try:
                X = spoilt(container, arrays)
            except (ValueError, AttributeError, TypeError):   # SciPy refuses
                continue
            try:
                call(X)
                raise AssertionError(f"{name} accepts {kind}")
            except (ValueError, TypeError) as error:
                assert re.search(r"\b(X|eval_set)\b", str(error)), f"{name} of {kind}: X is not named in {error!r}"
            count += 1
            assert before is None or vars(estimator).keys() == before.keys() and all(
                vars(estimator)[key] is value for key, value in before.items()), f"{name} of {kind} changed the estimator"
    print(count)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
