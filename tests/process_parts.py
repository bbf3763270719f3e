"""What processes of ``test_concurrency`` run: they import this file, and not that of the tests."""

import os
import pickle
import signal

import numpy as np
from helpers import ESTIMATORS, make, target_for, weights_of

from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier, config_context

X = np.random.RandomState(0).normal(size=(200, 6))
#: Estimators and their parameters.
JOBS = [
    *((cls, {"solver": "adam", "batch_size": 8}) for cls in ESTIMATORS),
    (ManualMLPClassifier, {"solver": "lbfgs", "tol": 1e-9}),
    (ManualMLPClassifier, {"batch_size": None, "dropout": 0.3}),
    (LogisticNeuronClassifier, {"solver": "newton-cg", "alpha": 0.1, "tol": 1e-9}),
    (LogisticNeuronClassifier, {"solver": "sgd", "batch_size": 1}),
]


def send(connection, function, *arguments):
    """Send what a function returns."""
    connection.send(function(*arguments))


def fitted(job, X=X):
    """Return the fitted estimator of a job."""
    cls, params = JOBS[job]
    return make(cls, max_iter=4, **{"tol": None, **params}).fit(X, target_for(cls, len(X)))


def result(job, X=X):
    """Return what a job learns."""
    return weights_of(fitted(job, X))


def results(jobs):
    """Return what some jobs learn."""
    return [result(job) for job in jobs]


def continued(saved):
    """Return an estimator that was pickled elsewhere, pickled, after more training; and answers."""
    model = pickle.loads(saved)
    model.partial_fit(X[:50], target_for(type(model), 50))
    return pickle.dumps(model), model.predict(X), os.getpid()


def all_continued(saved):
    """Return the same of several."""
    return [continued(one) for one in saved]


def is_writeable(X):
    """Return what a job learns from X, and whether X may be written to."""
    return result(0, X), X.flags.writeable


def long_fit(max_iter):
    """Return an estimator whose epochs take a moment."""
    return make(ManualMLPClassifier, batch_size=1, max_iter=max_iter, early_stopping=False)


def interrupted(connection, engine):
    """Fit for hours; say when that begins, what an interrupt leaves, and what should be left."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    model, y = long_fit(10**7), target_for(ManualMLPClassifier, len(X))
    with config_context(engine=engine):
        connection.send("begins")
        try:
            model.fit(X, y)
        except KeyboardInterrupt:
            whole = len(model.loss_curve_) == len(model.history_["epoch"]) == model.n_iter_
            again = long_fit(model.n_iter_).fit(X, y)
            connection.send((model.n_iter_, whole, weights_of(model), weights_of(again)))
