"""The number of epochs that ``early_stopping="auto"`` chooses, and what it leaves alone."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import ManualMLPClassifier, ManualMLPRegressor
from sklearn_neuron._engine import core
from sklearn_neuron._engine.batches import Samples
from sklearn_neuron._engine.compiled import CompiledEpochs
from sklearn_neuron._engine.epochs import MiniBatchEpochs
from sklearn_neuron._estimator.length import FOLDS, in_single_precision, parts_of
from sklearn_neuron.optimizers import Adam
from sklearn_neuron.schedules import ExponentialDecay, Progress, Restarts

CANCER = load_breast_cancer(return_X_y=True)
X, y = StandardScaler().fit_transform(CANCER[0]), CANCER[1]
NUMBERS = load_diabetes(return_X_y=True)


def same(one, other):
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("change", "dtype"),
    [
        ({}, np.float32),
        ({"Y": NUMBERS[1][:, None] > 99.0}, np.float32),
        ({"weight": np.linspace(1.0, 9_000.0, 442)[:, None]}, np.float32),
        ({"weight": np.linspace(1.0, 11_000.0, 442)[:, None]}, np.float64),  # are too different
        ({"Y": NUMBERS[1][:, None] + 1e7}, np.float64),  # differ too little
        ({"Y": NUMBERS[1][:, None] * 1e40}, np.float64),  # overflow
        ({"X": NUMBERS[0] * 1e40}, np.float64),
        ({"X": sparse.csr_array(NUMBERS[0] * 1e40)}, np.float64),
        ({"X": sparse.csr_array(NUMBERS[0])}, np.float32),
    ],
)
def test_which_samples_are_compared_in_single_precision(change, dtype):
    samples = Samples(NUMBERS[0], NUMBERS[1][:, None], None)._replace(**change)
    converted = in_single_precision(samples)
    assert converted.X.dtype == dtype
    assert converted is samples or dtype == np.float32
    if samples.weight is not None and dtype == np.float32:
        assert converted.weight.dtype == dtype
    assert converted.Y.dtype == (bool if samples.Y.dtype == bool else dtype)


def test_it_chooses_the_length_with_the_lowest_loss():
    model = ManualMLPClassifier(random_state=0).fit(X, y)
    assert model.n_iter_ == model.n_iter_candidates_[np.argmin(model.held_out_losses_)]
    assert_array_equal(
        model.n_iter_candidates_, Restarts().ends(200)[: len(model.n_iter_candidates_)]
    )
    assert model.held_out_losses_[-1] > min(model.held_out_losses_)
    assert len(model.loss_curve_) == model.n_iter_ < 200


@pytest.mark.parametrize(
    "params", [{}, {"dropout": 0.2}, {"solver": Adam(average=True)}, {"schedule": "constant"}]
)
def test_training_is_that_of_all_samples_for_as_many_epochs(params):
    """The choice draws from a copy of the generator, so nothing else depends on it."""
    model = ManualMLPClassifier((10,), random_state=3, **params).fit(X, y)
    schedule = params.get("schedule", "restarts")
    own = {**params, "schedule": schedule, "alpha": model.alpha_, "early_stopping": False}
    passes = ManualMLPClassifier((10,), random_state=3, **own)
    for _ in range(model.n_iter_):
        passes.partial_fit(X, y, classes=[0, 1])
    same(model, passes)
    assert model.alpha_ == 1 / len(y)


@pytest.mark.parametrize("make_X", [sparse.csr_array, np.asfortranarray, np.float32])
def test_of_other_containers(make_X):
    model = ManualMLPClassifier((10,), random_state=0).fit(make_X(X), y)
    assert model.n_iter_ in model.n_iter_candidates_
    assert model.score(make_X(X), y) > 0.97


def test_samples_beyond_single_precision_are_compared_in_double():
    large = X.copy()
    large[:, 0] = 1e-60 * X[:, 0]  # which vanishes
    large[0, 1] = 1e39  # and this would be infinite
    model = ManualMLPClassifier((5,), max_iter=16, random_state=0).fit(large[1:], y[1:])
    assert np.isfinite(model.held_out_losses_).all()
    with pytest.warns(ConvergenceWarning):
        model.fit(large, y)
    assert np.isfinite(model.held_out_losses_).all()


@pytest.mark.parametrize(
    ("params", "given"),
    [
        ({"tol": None}, {}),
        ({"solver": "lbfgs"}, {}),
        ({"max_iter": 10}, {}),
        ({"tol": 0.0, "max_iter": 20}, {}),
        ({"n_iter_no_change": 30, "max_iter": 30}, {}),
        ({"early_stopping": False}, {}),
        ({"schedule": "cosine"}, {}),
        ({"schedule": "adaptive", "max_iter": 30}, {}),
        ({"early_stopping": True}, {}),
        ({}, {"X_val": X[:50], "y_val": y[:50]}),
        ({}, {"intercept_init": [np.zeros(10), np.zeros(1)]}),
    ],
)
def test_where_it_does_not_choose(params, given):
    model = ManualMLPClassifier((10,), random_state=0, **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y, **given)
    assert not hasattr(model, "n_iter_candidates_")
    assert model.alpha_ == 0.0


def test_few_samples_and_training_that_goes_on():
    few = ManualMLPClassifier((10,), random_state=0, tol=1e9).fit(X[:49], y[:49])
    assert not hasattr(few, "n_iter_candidates_")
    warm = ManualMLPClassifier((10,), random_state=0, warm_start=True).fit(X, y)
    alpha = warm.alpha_
    assert alpha == 1 / len(y)
    warm.set_params(max_iter=2, tol=1e9).fit(X, y)
    assert not hasattr(warm, "n_iter_candidates_")
    assert warm.alpha_ == alpha  # the objective stays


def test_weights_count_as_repeated_samples_do():
    """Where all of them are in the same part, on average: the losses are close."""
    weight = np.where(y == 1, 3.0, 1.0)
    weighted = ManualMLPClassifier((10,), random_state=0).fit(X, y, sample_weight=weight)
    balanced = ManualMLPClassifier((10,), random_state=0, class_weight={0: 1.0, 1: 3.0}).fit(X, y)
    assert_array_equal(weighted.held_out_losses_, balanced.held_out_losses_)


def test_lengths_that_diverge_are_not_chosen():
    X, y = make_classification(400, 20, random_state=0)
    model = ManualMLPRegressor((10,), solver="sgd", eta=0.2, random_state=0)
    with pytest.raises(ValueError, match="diverged"):
        model.fit(1e3 * X, y)


def test_it_tells_that_the_loss_was_still_falling():
    model = ManualMLPClassifier(eta=5e-4, max_iter=16, random_state=0)
    with pytest.warns(ConvergenceWarning, match="still falling at max_iter=16 epochs") as caught:
        model.fit(X, y)
    before, after = model.held_out_losses_[-2:]
    since = f", by {1 - after / before:.0%} since epoch {model.n_iter_candidates_[-2]}."
    assert since in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ManualMLPClassifier(random_state=0).fit(X, y)


def test_it_tells_of_its_progress(capsys):
    ManualMLPClassifier((5,), max_iter=16, verbose=True, random_state=0).fit(X, y)
    assert "] 1 epochs  held-out loss 0." in capsys.readouterr().out


def test_a_schedule_of_ones_own_is_kept():
    own = ExponentialDecay(0.9)
    model = ManualMLPClassifier(schedule=own, max_iter=60, random_state=0).fit(X, y)
    expected = [own(0.005, Progress(epoch, 60)) for epoch in range(model.n_iter_)]
    assert hasattr(model, "n_iter_candidates_")
    assert_array_equal(model.history_["eta"], expected)


def test_parts_keep_the_proportions_of_classes():
    classes = np.array([0] * 50 + [1] * 10 + [2])
    parts = parts_of(len(classes), classes, np.random.RandomState(0))
    assert parts[-1] == -1  # the only one of its class is trained on
    for part in range(FOLDS):
        assert (classes[parts == part] == 1).sum() == 2
        assert 9 <= (classes[parts == part] == 0).sum() <= 11
    assert np.bincount(parts_of(23, None, np.random.RandomState(0))).tolist() == [5, 5, 5, 4, 4]


@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_classes_of_one_sample_each():
    """Nothing can be held out."""
    model = ManualMLPClassifier((5,), max_iter=12, random_state=0).fit(X[:52], np.arange(52))
    assert model.n_iter_ == 12
    assert_array_equal(model.n_iter_candidates_, [])


@pytest.mark.parametrize("epoch", [1, 3])
def test_an_interrupt_of_the_choice_leaves_no_model(monkeypatch, epoch):
    calls = []

    def interrupted(self, *args):
        calls.append(self)
        if len(calls) == epoch:
            raise KeyboardInterrupt
        return train(self, *args)

    train = CompiledEpochs.__call__ if core.available() else MiniBatchEpochs.__call__
    monkeypatch.setattr(
        CompiledEpochs if core.available() else MiniBatchEpochs, "__call__", interrupted
    )
    model = ManualMLPClassifier((5,), random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


def test_targets_far_from_zero_are_compared_in_double():
    near, far = (ManualMLPRegressor(random_state=0).fit(X, X[:, 0] + k) for k in (0.0, 1e9))
    assert far.held_out_losses_[0] > 0.0
    assert far.n_iter_ > 6
    assert near.n_iter_ > 6


@pytest.mark.filterwarnings("error")
def test_weights_that_single_precision_does_not_know():
    weight = np.full(len(y), 1e-50)
    weight[:40] = 1.0
    model = ManualMLPClassifier((5,), random_state=0).fit(X, y, weight)
    assert np.isfinite(model.held_out_losses_).all()
