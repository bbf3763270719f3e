"""
=========================================================
A search over learning rate and batch size as heat maps
=========================================================

A grid search tunes a logistic neuron over its learning rate and its batch size, in a pipeline.
:class:`~sklearn_neuron.inspection.SearchDisplay` shows score and fit time in one line.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform, randint
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import LogisticNeuronClassifier
from sklearn_neuron.inspection import SearchDisplay

for category in (ConvergenceWarning, FitFailedWarning):  # some rates are too large on purpose
    warnings.simplefilter("ignore", category)
warnings.filterwarnings("ignore", "One or more of the test scores are non-finite")
X, y = load_breast_cancer(return_X_y=True)
neuron = LogisticNeuronClassifier(max_iter=30, tol=None, random_state=0)
pipeline = Pipeline([("scale", StandardScaler()), ("neuron", neuron)])

# %%
# The names may be short, ``eta`` for ``neuron__eta``. Light is a high score or a short time, the
# frame is the best candidate, hatched are those whose training diverged. All of the best scores lie
# on a diagonal: larger batches, which make fewer updates, want larger rates.
grid = {"neuron__eta": np.logspace(-3, 3, 7), "neuron__batch_size": [8, 32, 128, None]}
search = GridSearchCV(pipeline, grid, cv=5).fit(X, y)
display = SearchDisplay.from_search(search)
row, column = display.best
assert display.quantities["score"][row, column] == search.best_score_
best_eta = [float(display.x[k]) for k in np.nanargmax(display.quantities["score"], axis=1)]
print("the best eta for 8, 32, 128 and all rows:", best_eta)
assert best_eta[0] < best_eta[-1]

# %%
# With more parameters each cell shows the best over the others, as the title says. ``"std"`` is the
# spread of the score over the folds: where it is as large as the differences, these say little.
grid["neuron__alpha"] = [0.0, 0.01, 0.1]
search = GridSearchCV(pipeline, grid, cv=5).fit(X, y)
SearchDisplay.from_search(search, quantities=("score", "std"))

# %%
# A random search is drawn as points, and one parameter as a line with a standard deviation to each
# side.
space = {"neuron__eta": loguniform(1e-3, 1e3), "neuron__batch_size": randint(4, 300)}
search = RandomizedSearchCV(pipeline, space, n_iter=40, cv=5, random_state=0).fit(X, y)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
SearchDisplay.from_search(search, quantities="score", ax=axes[0])
search = GridSearchCV(pipeline, {"neuron__eta": np.logspace(-3, 2, 11)}, cv=5).fit(X, y)
SearchDisplay.from_search(search, quantities="score", ax=axes[1])
plt.show()
