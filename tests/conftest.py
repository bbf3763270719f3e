"""Fixtures: each estimator in turn, and a little data."""

import numpy as np
import pytest
from helpers import CLASSIFIERS, ESTIMATORS, NETWORKS, NEURONS, REGRESSORS


@pytest.fixture(params=ESTIMATORS, ids=lambda cls: cls.__name__)
def cls(request):
    return request.param


@pytest.fixture(params=CLASSIFIERS, ids=lambda cls: cls.__name__)
def classifier(request):
    return request.param


@pytest.fixture(params=REGRESSORS, ids=lambda cls: cls.__name__)
def regressor(request):
    return request.param


@pytest.fixture(params=NETWORKS, ids=lambda cls: cls.__name__)
def network(request):
    return request.param


@pytest.fixture(params=NEURONS, ids=lambda cls: cls.__name__)
def neuron(request):
    return request.param


@pytest.fixture
def pd():
    """Return pandas, an extra; the test is skipped where it is missing."""
    return pytest.importorskip("pandas")


@pytest.fixture
def plt():
    """Return pyplot of matplotlib, an extra; the test is skipped where it is missing."""
    return pytest.importorskip("matplotlib.pyplot")


@pytest.fixture
def X():
    return np.random.RandomState(42).normal(size=(30, 4))
