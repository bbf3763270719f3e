"""What the tests of training on Dask share: clusters on loopback, and comparisons with one machine.

Files that use it begin with ``pytest.importorskip("distributed")``.
"""

import contextlib
import warnings

import numpy as np
from helpers import weights_of
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import clone

import sklearn_neuron.dask

#: What a fit tells of itself that is not compared: times, and how training would go on.
ASIDE = {"history_", "start_"}


@contextlib.contextmanager
def cluster(processes=False, n_workers=2, **options):
    """Start a cluster on this machine, and end it; return a client."""
    import dask
    from distributed import Client, LocalCluster

    how = {"threads_per_worker": 1, "dashboard_address": ":0", "host": "127.0.0.1", **options}
    if not processes:
        how = {"protocol": "inproc://", **how, "host": None}
    with (
        dask.config.set(scheduler=None),  # which a client that is lost does not reset
        LocalCluster(n_workers=n_workers, processes=processes, **how) as local,
        Client(local) as client,
    ):
        yield client


def blocks_of(array, sizes):
    """Return a dask array with blocks of so many rows; of sparse blocks, if the array is sparse."""
    import dask.array as da

    if sparse.issparse(array):
        whole = da.from_array(array.toarray(), chunks=(tuple(sizes), -1))
        return whole.map_blocks(type(array), dtype=array.dtype)
    return da.from_array(array, chunks=(tuple(sizes), *[-1] * (array.ndim - 1)))


def both(estimator, X, y, sizes, *, sample_weight=None, mini_batches="local", **options):
    """Return an estimator fitted on one machine, and one fitted on the cluster."""
    weight = sample_weight
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = clone(estimator).fit(X, y, sample_weight=weight, **options)
        many = sklearn_neuron.dask.fit(
            clone(estimator),
            blocks_of(X, sizes),
            blocks_of(y, sizes),
            None if weight is None else blocks_of(weight, sizes),
            mini_batches=mini_batches,
            **options,
        )
    return one, many


def assert_same_fit(one, many, tol=1e-13):
    """Assert that two estimators tell the same of themselves, up to rounding."""
    theta = weights_of(one)
    assert_allclose(weights_of(many), theta, rtol=0, atol=tol * max(1.0, np.abs(theta).max()))
    names = {name for name in vars(one) if name.endswith("_") and not name.startswith("_")}
    assert names == {name for name in vars(many) if name.endswith("_") and not name.startswith("_")}
    for name in sorted(names - ASIDE):
        expected, found = getattr(one, name), getattr(many, name)
        if name.startswith(("coef", "intercept")):
            continue  # compared above
        if name == "best_iter_" and found is not None:  # among losses that rounding orders
            losses = np.asarray(one.loss_curve_)
            assert_allclose(losses[found], losses[expected], rtol=tol, err_msg=name)
            continue
        if isinstance(expected, np.ndarray) and expected.dtype.kind in "OUS":
            assert found.dtype == expected.dtype, name
            assert found.tolist() == expected.tolist(), name
        elif isinstance(expected, np.ndarray | float | list | tuple):
            assert np.shape(found) == np.shape(expected), name
            if np.size(expected):
                scale = max(1.0, np.nanmax(np.abs(np.asarray(expected, float))))
                assert_allclose(found, expected, rtol=tol, atol=tol * scale, err_msg=name)
        else:
            assert found == expected, name


def state_of(estimator):
    """Return what an estimator holds, to be compared."""
    import pickle

    return {name: pickle.dumps(value) for name, value in vars(estimator).items()}
