"""What the command learns from a table, it predicts on the same table: generated tables, however they are written.

Each table has values and a way of writing them; the oracle, tests/reference/tables.py, has the values only.
"""
import csv
import datetime
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

pytest.importorskip("typer")
pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")

import reference.tables as reference
from command import fastopt

WORDS = ["red", "green", "Grün", "dark blue", "x, y", "O'Hara; Co", "a \"b\" c", "A1", "3a", "12:30"]
TARGETS = {
    "words": (["cat", "caterpillar", "dog"], str), "codes": (["007", "008"], str), "ints": (["0", "1"], int),
    "signed": (["-1", "1"], int), "floats": (["1.0", "2.0"], str), "truths": (["FALSE", "TRUE"], str),
    "marks": (["<=50K", ">50K"], str), "many": (["1", "2", "3", "4"], int), "number": (None, float),
}
DATES = {"%Y-%m-%d": "-", "%d.%m.%Y": ".", "%m/%d/%Y": "/", "%Y-%m-%dT%H:%M:%S": "-"}


def number_text(value, style, decimal):
    """A number as people write it; two places, so that the decimal sign cannot be taken for one of thousands."""
    if style == "plain" or style == "percent":
        text = f"{value:.2f}"
        return text.replace(".", decimal) + (" %" if style == "percent" else "")
    thousands = {"grouped": "." if decimal == "," else ",", "spaced": "\u00a0", "dollars": "." if decimal == "," else ","}[style]
    text = f"{value:,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", thousands)
    return text if style != "dollars" else ("-$" + text[1:] if text.startswith("-") else "$" + text)


@st.composite
def columns(draw, n, decimal, gap):
    """(kind, values, texts) of one column."""
    kind = draw(st.sampled_from(["number", "boolean", "text", "date"]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    gaps = draw(st.sampled_from([0.0, 0.0, 0.3]))
    if kind == "number":
        values = (rng.normal(size=n) * draw(st.sampled_from([1, 1e4, 1e6]))).round(2)
        style = draw(st.sampled_from(["plain", "grouped", "spaced", "dollars", "percent"]))
        texts = [number_text(v, style, decimal) for v in values]
    elif kind == "boolean":
        values = rng.random(n) < 0.5
        spelling = draw(st.sampled_from([str, lambda v: str(v).upper(), lambda v: str(v).lower()]))
        texts = [spelling(bool(v)) for v in values]
    elif kind == "date":
        form = draw(st.sampled_from(sorted(DATES)))
        values = [datetime.datetime(2020, 1, 31) + datetime.timedelta(days=int(d)) for d in rng.integers(0, 3000, n)]
        values[-1] = datetime.datetime(2021, 2, 28)      # a day above 12 says which of the two is the day
        texts = [v.strftime(form) for v in values]
    else:
        values = rng.choice(WORDS[:draw(st.integers(2, len(WORDS)))], n)
        texts = list(values)
    missing = rng.random(n) < gaps
    missing[-1] = missing[-1] and kind != "date"
    return kind, [None if m else v for v, m in zip(values, missing)], [gap if m else t for t, m in zip(texts, missing)]


@st.composite
def tables(draw):
    n = draw(st.integers(8, 30))
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    decimal = draw(st.sampled_from([".", ","]))
    gap = draw(st.sampled_from(["", "NA", "?", "n/a", "k. A.", "NULL"]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    base = (rng.normal(size=n) * 10 + 0.25).round(2) + 0.0
    base[0] = 1234.56
    cols = {"Menge": ("number", list(base), [number_text(v, "plain", decimal) for v in base])}
    for name in draw(st.lists(st.sampled_from(["größe", "2019", "b c", "Price, net", "x1"]), unique=True, max_size=4)):
        cols[name] = draw(columns(n, decimal, gap))
    labels, kind = TARGETS[draw(st.sampled_from(sorted(TARGETS)))]
    if labels is None:
        y = (base * 3 + rng.normal(size=n)).round(2) * draw(st.sampled_from([1, 1e3])) + draw(st.sampled_from([0, 1e6]))
        y = [0.25, *y[1:].round(2)]                      # whole numbers might be classes
        texts = [number_text(v, "plain", decimal) for v in y]
    else:
        texts = [labels[i % len(labels)] for i in rng.permutation(n)]
        y = [kind(t) for t in texts]
    return {"columns": cols, "y": y, "y_texts": texts, "place": draw(st.integers(0, len(cols))), "separator": separator,
            "encoding": draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])), "header": draw(st.booleans()),
            "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])), "end": draw(st.sampled_from(["\n", "\r\n"]))}


def written(path, table, order=None, extra=False):
    """The table as a file; `order` of its columns, if not its own."""
    names = list(table["columns"])
    names.insert(table["place"], "Ziel")
    texts = {name: column[2] for name, column in table["columns"].items()} | {"Ziel": table["y_texts"]}
    names = [names[i] for i in order] if order is not None else names
    if extra:
        names.append("extra")
        texts["extra"] = ["more"] * len(table["y"])
    with open(path, "w", encoding=table["encoding"], newline="") as stream:
        out = csv.writer(stream, delimiter=table["separator"], quoting=table["quoting"], lineterminator=table["end"])
        if table["header"]:
            out.writerow(names)
        out.writerows(zip(*(texts[name] for name in names)))
    return names.index("Ziel")


def printed(text, name):
    """A figure of the last line of predict, and half a unit of its last digit."""
    figure = re.search(rf"{re.escape(name)} (-?[\d,.]+(?:e[-+]\d+)?)", text)[1].rstrip(",").replace(",", "")
    digits, _, power = figure.partition("e")
    places = len(digits.partition(".")[2])
    return float(figure), 0.5000001 * 10.0 ** (int(power or 0) - places)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables(), seed=st.integers(0, 99))
def test_what_is_learnt_from_a_table_is_predicted_on_it(tmp_path, monkeypatch, table, seed):
    monkeypatch.chdir(tmp_path)
    place = written("t.csv", table)
    target = "Ziel" if table["header"] else str(place)
    fastopt("train", "t.csv", "--target", target, "--epochs", 5, "--validation-fraction", 0, "--no-plot", "--dtype", "float64",
            "--learning-rate", "constant", "--eta0", 0.01, "--tol", "-inf")
    fastopt("predict", "fastopt-model.npz", "t.csv", "-o", "out.csv",
            "--proba" if not isinstance(table["y"][0], float) else "--quiet")
    errors = fastopt.errors
    frame = pd.DataFrame({name: pd.Series(column[1], dtype=float if column[0] == "number" else object)
                          for name, column in table["columns"].items()})
    X = reference.design(frame, {name: column[0] for name, column in table["columns"].items()})
    predicted, proba = reference.predictions("fastopt-model.npz", X)
    out = pd.read_csv("out.csv", dtype={"prediction": str}, keep_default_na=False)
    if proba is None:
        np.testing.assert_allclose(out["prediction"].astype(float), predicted, rtol=1e-7)
        fastopt("predict", "fastopt-model.npz", "t.csv", "-o", "out.csv")
        errors = fastopt.errors
    else:
        assert out["prediction"].tolist() == [str(p) for p in predicted]
        np.testing.assert_allclose(out.iloc[:, 1:].to_numpy(), proba, atol=1e-9)
        assert set(out["prediction"]) <= set(table["y_texts"])                  # labels as they are spelled
    classes = reference.weights("fastopt-model.npz")[2]
    for name, value in reference.scores(table["y"], predicted, proba, classes).items():
        figure, half = printed(errors, name)
        assert figure == pytest.approx(value, abs=half), name
    if table["header"]:                             # columns by name: another order, one more
        order = np.random.default_rng(seed).permutation(len(table["columns"]) + 1)
        written("u.csv", table, order, extra=True)
        fastopt("predict", "fastopt-model.npz", "u.csv", "-o", "again.csv")
        assert "'extra' was not in the training file and is ignored" in fastopt.errors
        again = pd.read_csv("again.csv", dtype=str, keep_default_na=False)
        assert again["prediction"].tolist() == out["prediction"].tolist()
