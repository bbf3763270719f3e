"""
A search on a cluster
=====================

``GridSearchCV`` and ``HalvingGridSearchCV`` over ``eta`` and ``batch_size``, whose fits run in the
worker processes of a Dask cluster: here two of this machine, elsewhere as many as there are. The
result is the same as without a cluster. The page is not run while this site is built, because it
starts processes; they end with the ``with`` block. To run it:
``pip install ".[examples,dask]" && python examples/distributed_search.py``.
"""

import joblib
import numpy as np
from distributed import Client, LocalCluster
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_neuron import LogisticNeuronClassifier

X, y = load_digits(return_X_y=True)
neuron = LogisticNeuronClassifier(max_iter=20, tol=None, random_state=0)
model = make_pipeline(MinMaxScaler(), neuron)
grid = {
    "logisticneuronclassifier__eta": [0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
    "logisticneuronclassifier__batch_size": [1, 8, 64],
}
searches = {
    "GridSearchCV": GridSearchCV(model, grid, cv=3),
    "HalvingGridSearchCV": HalvingGridSearchCV(model, grid, cv=3, random_state=0),
}

# %%
# Worker processes import this file, so what starts them stands below ``if __name__``. For a cluster
# that runs already, it is ``Client("tcp://scheduler:8786")`` instead of the first line.

if __name__ == "__main__":
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        print(f"{len(client.scheduler_info()['workers'])} worker processes")
        for name, search in searches.items():
            alone = clone(search).fit(X, y)
            with joblib.parallel_config("dask"):
                search.fit(X, y)
            print(f"{name}: {search.best_score_:.3f} with {search.best_params_}")
            for column in ("mean_test_score", "std_test_score"):
                np.testing.assert_array_equal(search.cv_results_[column], alone.cv_results_[column])
