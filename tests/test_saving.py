"""What is saved of an estimator: plain things, all that training needs, and the version."""

import copy
import io
import pickle
import warnings

import joblib
import numpy as np
import pytest
from helpers import make, weights_of
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_neuron
from sklearn_neuron import (
    SGD,
    Adam,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    Record,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.activations import LeakyReLU
from sklearn_neuron.exceptions import InconsistentVersionWarning
from sklearn_neuron.losses import Huber
from sklearn_neuron.optimizers import OPTIMIZERS
from sklearn_neuron.schedules import Cosine

X, LABELS = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
SHORT = {"max_iter": 4, "tol": None}
CASES = {
    "default neuron": LogisticNeuronClassifier(),
    "newton": LogisticNeuronClassifier(solver="newton"),
    "lbfgs": LogisticNeuronClassifier(solver="lbfgs", early_stopping=True),
    "averaged": LogisticNeuronClassifier(solver=SGD(average=1), **SHORT),
    "l1": LogisticNeuronClassifier(l1_ratio=0.5, alpha=0.01, **SHORT),
    "recorded": LogisticNeuronClassifier(record=Record("step"), **SHORT),
    "perceptron": PerceptronClassifier(**SHORT),
    "bounded": SigmoidNeuronRegressor(**SHORT),
    "generator": SigmoidNeuronRegressor(random_state=np.random.RandomState(3), **SHORT),
    "default network": ManualMLPClassifier(),
    "no hidden layer": ManualMLPClassifier((), **SHORT),
    "objects": ManualMLPClassifier(
        (3, 2), activation=(LeakyReLU(0.2), "tanh"), solver=Adam(), schedule=Cosine(), **SHORT
    ),
    "dropout": ManualMLPClassifier((3,), dropout=0.2, record="epoch", **SHORT),
    "large targets": ManualMLPRegressor((3,), early_stopping=True, **SHORT),
    "huber": ManualMLPRegressor((3,), loss=Huber(), **SHORT),
}


def fitted(name):
    """Return a fitted estimator, and its y."""
    model = clone(CASES[name])
    if not isinstance(model.random_state, np.random.RandomState):
        model.set_params(random_state=0)
    if isinstance(model, SigmoidNeuronRegressor):
        y = LABELS / 2
    else:
        y = LABELS * 1000.0 if isinstance(model, ManualMLPRegressor) else LABELS
    return model.fit(X, y), y


def joblib_copy(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def cloudpickle_copy(model):
    return pickle.loads(pytest.importorskip("cloudpickle").dumps(model))


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "joblib": joblib_copy,
    "cloudpickle": cloudpickle_copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", CASES)
def test_a_copy_predicts_and_continues_to_the_bit(name, how):
    model, y = fitted(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        again = COPIES[how](model)
    assert vars(again).keys() >= vars(model).keys() - {"_parked"}
    assert not any("version" in attribute for attribute in vars(again))
    assert_array_equal(again.predict(X), model.predict(X))
    for each in (model, again):
        each.set_params(warm_start=True).fit(X, y)
    assert_array_equal(weights_of(again), weights_of(model))
    if hasattr(model, "partial_fit"):
        for each in (model, again):
            each.partial_fit(X, y)
        assert_array_equal(weights_of(again), weights_of(model))


def test_without_a_seed_the_generator_goes_on(cls):
    """Where it has arrived is saved, though nobody knows where it began."""
    y = LABELS / 2 if cls is SigmoidNeuronRegressor else LABELS
    model = make(cls, random_state=None, max_iter=2).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        each.partial_fit(X, y)
        each.partial_fit(X, y)
    assert_array_equal(weights_of(again), weights_of(model))


def test_validation_data_do_not_change_what_is_continued():
    """They are not saved: whoever continues gives them again."""
    model = ManualMLPClassifier((3,), early_stopping=True, random_state=0, **SHORT)
    model.fit(X, LABELS, X_val=X[::3], y_val=LABELS[::3])
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        each.set_params(warm_start=True).fit(X, LABELS, X_val=X[::3], y_val=LABELS[::3])
    assert_array_equal(weights_of(again), weights_of(model))
    assert_array_equal(again.validation_scores_, model.validation_scores_)


def not_plain(value):
    """Yield the classes of what is neither an array, a number, a string nor made of these."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from not_plain(key)
            yield from not_plain(each)
    elif type(value) in {list, tuple}:
        for each in value:
            yield from not_plain(each)
    elif not isinstance(value, np.ndarray | np.generic | str | bool | int | float | None):
        yield type(value)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_fit_saves_the_same_bytes(name):
    """Nothing in them is whatever the memory held before, of other things in the process."""

    def scribbled(value):
        used = [np.full(n, value) for n in range(1, 200) for _ in range(8)]  # memory to be reused
        del used
        return pickle.dumps(make(LogisticNeuronClassifier, solver=name, **SHORT).fit(X, LABELS))

    assert scribbled(1.0) == scribbled(2.0)


@pytest.mark.parametrize("name", CASES)
def test_what_is_learned_is_plain(name):
    model, _ = fitted(name)
    parameters = model.get_params(deep=False)
    learned = {k: v for k, v in model.__getstate__().items() if k not in parameters}
    assert "_sklearn_neuron_version" in learned
    found = set(not_plain(learned))
    given = {LeakyReLU} if name == "objects" else set()  # the user's own object
    assert found <= given


@pytest.mark.parametrize("name", CASES)
def test_curves_are_arrays(name):
    model, _ = fitted(name)
    curves = {"loss_curve_": model.loss_curve_, **model.history_}
    for attribute in ("validation_loss_curve_", "validation_scores_", "held_out_losses_"):
        if hasattr(model, attribute):
            curves[attribute] = getattr(model, attribute)
    for key, values in curves.items():
        if isinstance(values, list):  # of the arrays of each epoch or step
            assert isinstance(values[0], np.ndarray | list | dict), key
        else:
            assert values.dtype.kind in "if", key


def test_an_epoch_takes_32_bytes():
    """The loss curve, and the epoch, the rate and the loss of the history."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 10)), np.arange(60) % 3
    sizes = []
    for max_iter in (1000, 3000):
        model = make(PerceptronClassifier, max_iter=max_iter, tol=None).fit(X, y)
        assert model.n_iter_ == max_iter
        sizes.append(len(pickle.dumps(model)))
    assert (sizes[1] - sizes[0]) / 2000 <= 32.5
    assert sizes[0] < 37_000


def test_another_version_warns(cls):
    model = make(cls)
    state = model.__getstate__()
    assert state["_sklearn_neuron_version"] == sklearn_neuron.__version__
    for version, said in (("0.0.1", "0.0.1"), (None, "(unknown version)")):
        old = {k: v for k, v in state.items() if k != "_sklearn_neuron_version"}
        old |= {} if version is None else {"_sklearn_neuron_version": version}
        again = cls.__new__(cls)
        with pytest.warns(InconsistentVersionWarning, match=f"{cls.__name__} was saved by") as told:
            again.__setstate__(old)
        assert told[0].message.original_version == said
        assert told[0].message.current_version == sklearn_neuron.__version__
        assert told[0].message.estimator_name == cls.__name__
        assert vars(again) == vars(model)


def test_the_version_is_in_pickles_of_pipelines_too():
    saved = pickle.dumps(make_pipeline(StandardScaler(), make(LogisticNeuronClassifier)))
    assert b"_sklearn_neuron_version" in saved
    with pytest.warns(InconsistentVersionWarning):
        pickle.loads(saved.replace(b"_sklearn_neuron_version", b"_sklearn_neuron_vXrsion"))
