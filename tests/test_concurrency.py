"""Threads and processes: whoever else computes, every result is that of a fit alone, to the bit."""

import functools
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import process_parts
import pytest
from helpers import make, target_for, weights_of
from numpy.testing import assert_array_equal, assert_equal
from process_parts import JOBS, X, fitted, result

from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier, config_context

needs_fork = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods() or sys.platform == "darwin",
    reason="processes are not forked here",
)
EVERY = range(len(JOBS))
PATIENCE = 60.0  # seconds until a process counts as stuck


@pytest.fixture(params=["numpy", "auto"])
def engine(request):
    """One for all threads of the process, as the setting is."""
    with config_context(engine=request.param):
        yield request.param


@functools.cache
def learned_alone(engine):
    """What each job learns alone, by the engine that is set."""
    return [result(job) for job in EVERY]


@pytest.fixture
def expected(engine):
    return learned_alone(engine)


@pytest.fixture
def expected_by_default():
    return learned_alone("auto")


def at_once(*tasks):
    """Run functions at once, one in each thread, and return what they return."""
    barrier = threading.Barrier(len(tasks))

    def begin(task):
        barrier.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(begin, tasks))


def test_threads_fit_estimators_of_all_kinds(expected):
    found = at_once(*(lambda job=job: [result(job) for _ in range(4)] for job in EVERY))
    for right, of_thread in zip(expected, found, strict=True):
        for theta in of_thread:
            assert_array_equal(theta, right)


@pytest.mark.parametrize("job", EVERY)
def test_threads_predict_while_another_fits(job, expected):
    """They share one estimator, which another thread fits a copy of."""
    model = fitted(job)
    right, done = model.predict(X), threading.Event()

    def predict():
        wrong = n_answers = 0
        while not done.is_set() or n_answers < 20:
            wrong += not np.array_equal(model.predict(X), right)
            n_answers += 1
        return wrong

    def fit():
        try:
            return [result(job) for _ in range(5)]
        finally:
            done.set()

    *wrong, thetas = at_once(predict, predict, predict, fit)
    assert wrong == [0, 0, 0]
    for theta in thetas:
        assert_array_equal(theta, expected[job])


@pytest.mark.usefixtures("engine")
def test_threads_share_the_data(cls):
    """X, y and weights are read by all, in every layout."""
    y, weight = target_for(cls, len(X)), np.linspace(0.1, 2.0, len(X))
    layouts = [X, np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]]
    kinds = [{"batch_size": 8}, {"batch_size": None}]
    cases = [(how, layout) for how in kinds for layout in layouts]

    def fit(how, layout):
        return weights_of(make(cls, max_iter=3, **how).fit(layout, y, sample_weight=weight))

    alone = [fit(*case) for case in cases]
    assert_equal(at_once(*(lambda case=case: fit(*case) for case in cases)), alone)


@pytest.mark.usefixtures("engine")
def test_threads_may_draw_from_one_generator():
    """In which order is not said; they wait for each other, and end."""
    rng = np.random.RandomState(0)
    y = target_for(ManualMLPClassifier, len(X))

    def fit():
        model = make(ManualMLPClassifier, random_state=rng, max_iter=5, dropout=0.2)
        return weights_of(model.fit(X, y))

    thetas = at_once(*[fit] * 6)
    assert np.isfinite(thetas).all()
    assert len(np.unique(np.round(thetas, 12), axis=0)) == 6  # nobody draws the same numbers


@pytest.mark.usefixtures("engine")
def test_threads_may_change_one_estimator(cls):
    """Whichever ends last, it is one of their fits as a whole."""
    model = make(cls, batch_size=8, max_iter=3)
    ys = [np.roll(target_for(cls, len(X)), shift) for shift in range(4)]
    alone = [weights_of(make(cls, batch_size=8, max_iter=3).fit(X, y)) for y in ys]
    for _ in range(5):
        at_once(*(lambda y=y: model.fit(X, y) for y in ys))
        assert any(np.array_equal(weights_of(model), theta) for theta in alone)
        assert model.n_iter_ == len(model.loss_curve_) == 3


# ---- processes -----------------------------------------------------------------------------------


def started(context, target, *arguments):
    """Start a process; forking while there are threads is what is tested."""
    process = context.Process(target=target, args=arguments, daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    return process


def in_process(context, function, *arguments):
    """Return a function that waits for what a process returns."""
    here, there = context.Pipe()
    process = started(context, process_parts.send, there, function, *arguments)

    def answer():
        assert here.poll(PATIENCE), "the process is stuck"
        value = here.recv()
        process.join(PATIENCE)
        assert process.exitcode == 0
        return value

    return answer


@needs_fork
def test_forked_processes_fit_as_their_parent_has(expected):
    context = multiprocessing.get_context("fork")
    waiting = [in_process(context, process_parts.results, EVERY) for _ in range(2)]
    for answer in waiting:
        assert_equal(answer(), expected)


@needs_fork
def test_forked_processes_fit_while_threads_of_their_parent_do(expected):
    """A fork copies locks as they are, and of the threads only the one that forks."""
    context, done = multiprocessing.get_context("fork"), threading.Event()

    def fit(job):
        found = []
        while not done.is_set():
            found.append(result(job))
        return found

    with ThreadPoolExecutor(3) as pool:
        jobs = [0, 2, 6]
        threads = [pool.submit(fit, job) for job in jobs]
        try:
            for job in EVERY[::2]:
                found = in_process(context, process_parts.result, job)()
                assert_array_equal(found, expected[job])
        finally:
            done.set()
    for job, thread in zip(jobs, threads, strict=True):
        for theta in thread.result():
            assert_array_equal(theta, expected[job])


def longest():
    """Return a fit of seconds in the core, and its data."""
    data = np.random.RandomState(0).normal(size=(20_000, 20))
    model = LogisticNeuronClassifier(batch_size=1, max_iter=10**6, tol=None, random_state=0)
    return model, data, (data[:, 0] > 0).astype(int)


@needs_fork
@pytest.mark.needs_core
def test_a_fork_while_a_fit_is_in_the_core():
    """The thread that forks is another; the fit goes on in the parent, and not in the child."""
    data = np.random.RandomState(0).normal(size=(30_000, 20))
    y = (data[:, 0] > 0).astype(int)
    model = LogisticNeuronClassifier(batch_size=1, max_iter=25, tol=None, random_state=0)
    right = weights_of(model.fit(data, y))
    model.set_params(warm_start=True)
    thread = threading.Thread(target=model.fit, args=(data, y))
    thread.start()
    time.sleep(0.02)

    def of_child():
        again = make(LogisticNeuronClassifier, max_iter=25, batch_size=1).fit(data, y)
        before = model.predict(data[:50])
        model.set_params(max_iter=1).partial_fit(data[:50], y[:50])  # whose generator is in use
        return weights_of(again), before

    answer = in_process(multiprocessing.get_context("fork"), of_child)
    was_fitting = thread.is_alive()
    theta, labels = answer()
    thread.join()
    assert was_fitting
    assert_array_equal(theta, right)
    assert set(labels) == {0, 1}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_an_estimator_goes_on_in_another_process(method):
    """Pickled here, trained further there, pickled there, trained further here."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"processes are not started by {method} here")
    context = multiprocessing.get_context(method)
    models = [fitted(job) for job in EVERY if JOBS[job][1].get("solver") in {"sgd", "adam"}]
    saved = [pickle.dumps(model) for model in models]
    answer = in_process(context, process_parts.all_continued, saved)
    here = process_parts.all_continued(saved)
    for (there, labels, pid), (of_this, right, own) in zip(answer(), here, strict=True):
        assert pid != own == os.getpid()
        assert_array_equal(labels, right)
        returned, kept = pickle.loads(there), pickle.loads(of_this)
        assert_array_equal(weights_of(returned), weights_of(kept))
        for model in (returned, kept):
            model.partial_fit(X[50:], target_for(type(model), len(X) - 50))
        assert_array_equal(weights_of(returned), weights_of(kept))


def test_workers_of_joblib_train_on_mapped_files(expected_by_default):
    """Which they may not write to; here every array becomes one."""
    with joblib.parallel_config(backend="loky", n_jobs=2, max_nbytes=1):
        found = joblib.Parallel()(joblib.delayed(process_parts.is_writeable)(X) for _ in range(2))
    joblib.externals.loky.get_reusable_executor().shutdown(wait=True)
    for theta, writeable in found:
        assert_array_equal(theta, expected_by_default[0])
        assert not writeable


@needs_fork
def test_an_interrupt_of_a_process_leaves_its_last_complete_epoch(engine):
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = started(context, process_parts.interrupted, there, engine)
    assert here.poll(PATIENCE)
    assert here.recv() == "begins"
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGINT)
    sent = time.perf_counter()
    assert here.poll(PATIENCE), "the interrupt was not heard"
    assert time.perf_counter() - sent < 10
    n_epochs, whole, theta, again = here.recv()
    process.join(PATIENCE)
    assert process.exitcode == 0
    assert n_epochs >= 1
    assert whole
    assert_array_equal(theta, again)


@needs_fork
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_a_process_that_is_ended_does_not_wait_for_its_fit(how):
    model, data, y = longest()
    process = started(multiprocessing.get_context("fork"), model.fit, data, y)
    time.sleep(0.1)
    os.kill(process.pid, how)
    process.join(PATIENCE)
    assert process.exitcode == -how
