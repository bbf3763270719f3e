"""Workers that are killed, clusters that go away, interruptions; and what travels."""

import asyncio
import os
import pickle
import signal
import threading
import time

import numpy as np
import pytest
from helpers import make, weights_of
from numpy.testing import assert_array_equal
from sklearn.base import clone

from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier

distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")
psutil = pytest.importorskip("psutil")  # distributed brings it

from dask_parts import blocks_of, cluster, state_of  # noqa: E402

import sklearn_neuron.dask as on_cluster  # noqa: E402
from sklearn_neuron.dask import _cluster  # noqa: E402

N = 400
SIZES = (100, 60, 140, 100)


@pytest.fixture
def samples():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(N, 5))
    return X, (X[:, 0] - X[:, 1] + rng.normal(size=N) > 0).astype(int)


def descendants():
    """Return the processes that this one has started, and that they have."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.fixture
def processes():
    """Return a client of two workers that are processes, and see that none is left."""
    before = descendants()
    with cluster(processes=True) as client:
        client.wait_for_workers(2)
        yield client
    deadline = time.monotonic() + 20
    while (left := workers_among(descendants() - before)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def workers_among(pids):
    """Return those that are not Python's own keepers of what processes share."""
    found = set()
    for pid in pids:
        try:
            line = " ".join(psutil.Process(pid).cmdline())
        except psutil.Error:
            continue
        if "resource_tracker" not in line and "forkserver" not in line:
            found.add(pid)
    return found


def doing(estimator, what, at=5):
    """Have something done at the end of an epoch or iteration."""
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 brings callbacks")
    assert callback

    class At:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name != "fit" and context.task_id == at:
                what()
            return False

    return estimator.set_callbacks(At())


CASES = {
    "lbfgs": make(LogisticNeuronClassifier, solver="lbfgs", alpha=0.01, max_iter=8),
    "newton": make(LogisticNeuronClassifier, solver="newton", alpha=0.01, max_iter=5),
    "newton-cg": make(LogisticNeuronClassifier, solver="newton-cg", alpha=0.01, max_iter=5),
    "full batches": make(
        ManualMLPClassifier, batch_size=None, early_stopping=False, solver="adam", max_iter=8
    ),
    "local": make(ManualMLPClassifier, batch_size=16, early_stopping=False, max_iter=8),
}


def kill_one(client):
    """Kill the process of a worker, as the system does that has no memory left."""
    pid = next(iter(client.run(os.getpid).values()))
    os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES)
def test_a_worker_that_is_killed_changes_nothing(case, samples, processes):
    """The same result to the last bit: its partitions are computed again, sums keep their order."""
    X, y = (blocks_of(each, SIZES) for each in samples)
    estimator, killed = CASES[case], []
    plain = on_cluster.fit(clone(estimator), X, y)

    def kill():
        if not killed:
            killed.append(kill_one(processes))

    hit = on_cluster.fit(doing(clone(estimator), kill, at=2), X, y)
    assert killed
    assert_array_equal(weights_of(hit), weights_of(plain))
    assert_array_equal(hit.loss_curve_, plain.loss_curve_)
    processes.wait_for_workers(2, timeout=30)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fitted", [False, True], ids=["new", "fitted"])
def test_a_cluster_that_is_closed(samples, fitted):
    with cluster() as client:
        X, y = (blocks_of(each, SIZES) for each in samples)
        estimator = doing(clone(CASES["lbfgs"]), client.cluster.close, at=2)
        if fitted:
            clone_of = clone(CASES["lbfgs"]).fit(*samples)
            vars(estimator).update({k: v for k, v in vars(clone_of).items() if k.endswith("_")})
        before = set(vars(estimator)), weights_of(estimator).tolist() if fitted else None
        start = time.monotonic()
        with pytest.raises(_cluster.ClusterLostError, match=r"(?s)lost.*as it was before"):
            on_cluster.fit(estimator, X, y)
        assert time.monotonic() - start < 60
        after = set(vars(estimator)), weights_of(estimator).tolist() if fitted else None
        assert after == before


@pytest.mark.filterwarnings("ignore")
def test_a_client_that_is_closed(samples):
    with cluster() as client:
        X, y = (blocks_of(each, SIZES) for each in samples)
        client.close()
        with pytest.raises(_cluster.ClusterLostError, match="client is closed"):
            on_cluster.fit(clone(CASES["lbfgs"]), X, y, client=client)


def test_no_client(samples):
    X, y = (blocks_of(each, SIZES) for each in samples)
    with pytest.raises(ValueError, match=r"(?s)no Dask cluster.*Client()"):
        on_cluster.fit(clone(CASES["lbfgs"]), X, y)


@pytest.mark.filterwarnings("ignore")
def test_an_asynchronous_client(samples):
    X, y = (blocks_of(each, SIZES) for each in samples)

    async def fit():
        local = distributed.LocalCluster(
            n_workers=1, processes=False, asynchronous=True, dashboard_address=":0"
        )
        async with local, distributed.Client(local, asynchronous=True) as client:
            for given in (None, client):
                with pytest.raises(ValueError, match="asynchronous, and training waits"):
                    on_cluster.fit(clone(CASES["lbfgs"]), X, y, client=given)

    asyncio.run(asyncio.wait_for(fit(), 60))


@pytest.mark.filterwarnings("ignore")
def test_all_workers_are_gone(samples, monkeypatch):
    """After a while without any, it is given up."""
    monkeypatch.setattr(_cluster, "LOOK", 0.2)
    monkeypatch.setattr(_cluster, "GIVEN_UP", 1.0)
    with cluster() as client:
        X, y = (blocks_of(each, SIZES) for each in samples)
        estimator = doing(
            clone(CASES["lbfgs"]), lambda: client.cluster.scale(0) or idle(client), at=2
        )
        before = set(vars(estimator))
        start = time.monotonic()
        with pytest.raises(_cluster.ClusterLostError, match="no worker"):
            on_cluster.fit(estimator, X, y)
        assert time.monotonic() - start < 30
        assert set(vars(estimator)) == before


def idle(client):
    """Wait until no worker is left."""
    deadline = time.monotonic() + 15
    while client.nthreads() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not client.nthreads()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_an_interrupt_keeps_the_last_epoch(samples, name):
    """Ctrl+C: what is reached is kept, as on one machine, and nothing goes on running."""

    def interrupt():
        signal.raise_signal(signal.SIGINT)

    one = doing(clone(CASES[name]), interrupt, at=2)
    many = doing(clone(CASES[name]), interrupt, at=2)
    with cluster() as client:
        try:
            one.fit(*samples)
        except KeyboardInterrupt:
            with pytest.raises(KeyboardInterrupt):
                on_cluster.fit(many, *(blocks_of(each, SIZES) for each in samples))
        else:
            on_cluster.fit(many, *(blocks_of(each, SIZES) for each in samples))
        assert hasattr(many, "n_iter_") == hasattr(one, "n_iter_")
        if hasattr(one, "n_iter_"):
            assert many.n_iter_ == one.n_iter_
        deadline = time.monotonic() + 10
        while any(client.processing().values()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not any(client.processing().values())


@pytest.mark.filterwarnings("ignore")
def test_an_interrupt_while_workers_compute(samples):
    """It comes while the client waits, which must not wait on."""
    X, y = (blocks_of(each, SIZES) for each in samples)

    def slow(block):
        time.sleep(0.4)
        return block

    with cluster():
        estimator = clone(CASES["lbfgs"])
        before = state_of(estimator)
        raised = threading.Event()

        def press():
            """Interrupt, again if need be: Python ignores what is raised in a finalizer."""
            while not raised.wait(0.3):
                os.kill(os.getpid(), signal.SIGINT)

        user = threading.Thread(target=press)
        user.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                on_cluster.fit(estimator, X.map_blocks(slow, dtype=float), y)
        finally:
            raised.set()
            user.join()
        assert state_of(estimator) == before


# ---- what travels, and what is left -------------------------------------------------------------


def bytes_of_gradients(monkeypatch, estimator, X, y, sizes):
    """Return the largest pickles of arguments and of results of gradients of a group."""
    sent, returned = [], []
    plain = _cluster.Blocks._mapped

    def noted(self, function, *own, **shared):
        if function.__name__ != "value_and_gradient":
            return plain(self, function, *own, **shared)
        sent.append(len(pickle.dumps((function, shared, [one[0] for one in own]), protocol=5)))
        futures = plain(self, function, *own, **shared)
        results = self.client.gather(futures)
        returned.extend(len(pickle.dumps(result, protocol=5)) for result in results)
        return futures

    with cluster() as client:
        blocks = [blocks_of(each, sizes) for each in (X, y)]
        distributed.wait(client.persist(blocks))
        monkeypatch.setattr(_cluster.Blocks, "_mapped", noted)
        on_cluster.fit(estimator, *blocks)
    return max(sent), max(returned)


@pytest.mark.parametrize("solver", ["lbfgs", "sgd"])
def test_bytes_of_a_gradient(monkeypatch, solver):
    """50 features: θ to each worker and ∇θ back, of 51 numbers of 8 bytes each."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(N, 50))
    estimator = make(LogisticNeuronClassifier, solver=solver, batch_size=None, eta=0.1, max_iter=3)
    sent, returned = bytes_of_gradients(monkeypatch, estimator, X, (X[:, 0] > 0).astype(int), SIZES)
    assert 51 * 8 < sent < 650
    assert 51 * 8 < returned < 560


def test_futures_are_released(samples):
    """Nothing stays on the cluster, after a fit or an error."""
    X, y = (blocks_of(each, SIZES) for each in samples)
    with cluster() as client:
        for solver in ("lbfgs", "newton-cg", "sgd"):
            on_cluster.fit(make(LogisticNeuronClassifier, solver=solver), X, y)
        with pytest.raises(ValueError, match="NaN"):
            on_cluster.fit(make(LogisticNeuronClassifier), X * np.nan, y)
        deadline = time.monotonic() + 10
        while (left := held(client)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left


def held(client):
    """Return the keys that workers hold."""
    return [key for keys in client.has_what().values() for key in keys]
