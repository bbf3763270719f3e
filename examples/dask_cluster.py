"""
========================
More data than a machine
========================

A neuron and a network are trained on samples that are spread over the workers of a Dask cluster.
Here they are two processes of this machine, each of which may have 1.3 GB of memory; the samples
have 1.32 GB: no worker could hold them. They are made on the workers, block by block; usually
``dask.dataframe`` reads them there, from Parquet files. What travels are parameters and sums.

``pip install '.[dask]'`` installs what is needed here, and ``python examples/dask_cluster.py`` runs
it. With the address of a scheduler in ``Client("tcp://...:8786")`` it runs on a real cluster.
"""

import sys
import time

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster

import sklearn_neuron.dask
from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier

LIMIT, FEATURES = "1.3GB", 100


def samples(n):
    """Return samples that nobody has computed yet, in blocks of 20,000 at most."""
    X = da.random.default_rng(0).normal(size=(n, FEATURES), chunks=(20_000, FEATURES))
    z = (
        X[:, :10].sum(axis=1)
        + X[:, 0] * X[:, 1]
        + da.random.default_rng(1).normal(size=n, chunks=20_000)
    )
    return X, (z > 0).astype(np.int64)


def main(n=1_650_000):
    cluster = LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        memory_limit=LIMIT,
        host="127.0.0.1",
        dashboard_address=":0",
    )
    with cluster, Client(cluster):
        X, y = samples(n)
        print(f"{X.nbytes / 1e9:.2f} GB in {X.numblocks[0]} blocks; {LIMIT} for each worker")

        # %%
        # Newton's method and L-BFGS are exact: they end where one machine would end, had it the
        # memory.
        neuron = LogisticNeuronClassifier(solver="newton", alpha=1e-4)
        # %%
        # For networks each worker makes an epoch over its own samples; then the parameters are
        # averaged. ``early_stopping=False``: how long, ``max_iter`` says.
        network = ManualMLPClassifier((16,), early_stopping=False, max_iter=3, random_state=0)

        # %%
        # A prediction is a dask array, too, and computed when it is asked for: here for one block.
        # Both are plain estimators afterwards: ``pickle`` saves them, and nothing of Dask is needed
        # to load them.
        X_test, y_test = X.blocks[0], y.blocks[0].compute()
        for model in (neuron, network):
            start = time.perf_counter()
            sklearn_neuron.dask.fit(model, X, y)
            seconds = time.perf_counter() - start
            score = np.mean(sklearn_neuron.dask.predict(model, X_test).compute() == y_test)
            name = type(model).__name__
            print(f"{name}: {model.n_iter_} rounds, {seconds:.1f} s, {score:.3f} right")
            assert score > 0.8


if __name__ == "__main__":  # worker processes import this file
    main(*map(int, sys.argv[1:]))
