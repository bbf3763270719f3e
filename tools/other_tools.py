"""The estimators in the hands of other tools: what is run, and what comes of it.

Each function is a row of the table in docs/guide/other_tools.rst. Its docstring says what is run;
it asserts what must hold and returns a remark, if there is one. tests/test_other_tools.py runs all
whose package is installed.

    python tools/other_tools.py            # prints tool, version and outcome
    python tools/other_tools.py --save     # and writes the table of the guide
"""

import csv
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    SigmoidNeuronRegressor,
)

TABLE = Path(__file__).parents[1] / "docs" / "guide" / "other_tools.csv"
#: (package on the index, module, tool, function), in the order of the table
CHECKS = []


def check(package, module, *names):
    """Enter a function into the table: the package as pip calls it, and what of it is used."""

    def enter(function):
        CHECKS.append((package, module, ", ".join(names), function))
        return function

    return enter


def cancer(frame=False):
    """Return standardized measurements and two classes."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=frame)
    return StandardScaler().set_output(transform="pandas" if frame else "default").fit_transform(
        X
    ), y


def flowers():
    """Return standardized measurements and three classes."""
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def diabetes():
    """Return measurements and numbers between 0 and 1."""
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), (y - y.min()) / (y.max() - y.min())


def neuron(**params):
    return LogisticNeuronClassifier(random_state=0, **params)


def network(**params):
    return ManualMLPClassifier((8,), random_state=0, early_stopping=False, max_iter=30, **params)


def sigmoid(**params):
    return SigmoidNeuronRegressor(random_state=0, **params)


def regressor(**params):
    return ManualMLPRegressor((8,), random_state=0, early_stopping=False, max_iter=30, **params)


def scikit_learn(*names):
    return check("scikit-learn", "sklearn", *names)


# ---- scikit-learn: selection of models ----------------------------------------------------------


@scikit_learn("clone")
def clones():
    """Clone of a fitted estimator with nested objects: the same parameters, not fitted."""
    from sklearn_neuron import SGD

    model = network(solver=SGD(momentum=0.9), schedule="cosine").fit(*cancer())
    again = clone(model)
    assert repr(again) == repr(clone(model))
    assert again.solver is not model.solver
    assert not hasattr(again, "coefs_")
    np.testing.assert_array_equal(again.fit(*cancer()).coefs_[0], model.coefs_[0])


@scikit_learn("cross_val_score", "cross_validate")
def cross_validation():
    """Five folds with two scores, and the fitted estimators."""
    from sklearn.model_selection import cross_validate

    found = cross_validate(
        neuron(), *cancer(), scoring=["accuracy", "neg_log_loss"], return_estimator=True
    )
    assert found["test_accuracy"].mean() > 0.96
    assert len(found["estimator"]) == 5


@scikit_learn("cross_val_predict")
def out_of_fold():
    """Out-of-fold probabilities; each row of them sums to one."""
    from sklearn.model_selection import cross_val_predict

    X, y = flowers()
    proba = cross_val_predict(neuron(), X, y, method="predict_proba")
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert (proba.argmax(axis=1) == y).mean() > 0.9


@scikit_learn("GridSearchCV")
def grid_search():
    """A grid over eta, batch_size and a parameter of the solver, in two processes."""
    from sklearn.model_selection import GridSearchCV

    from sklearn_neuron import SGD

    grid = {"eta": [0.01, 0.1], "batch_size": [8, None], "solver__momentum": [0.0, 0.9]}
    search = GridSearchCV(neuron(solver=SGD()), grid, n_jobs=2).fit(*cancer())
    assert search.best_score_ > 0.96
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()


@scikit_learn("RandomizedSearchCV")
def randomized_search():
    """Log-uniform eta."""
    from scipy.stats import loguniform
    from sklearn.model_selection import RandomizedSearchCV

    search = RandomizedSearchCV(
        neuron(), {"eta": loguniform(1e-3, 1.0)}, n_iter=5, random_state=0
    ).fit(*cancer())
    assert search.best_score_ > 0.96


@scikit_learn("HalvingGridSearchCV")
def halving():
    """With the number of samples and with max_iter as the resource."""
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    grid = {"eta": [0.001, 0.01, 0.1, 1.0]}
    for options in ({}, {"resource": "max_iter", "min_resources": 5, "max_resources": 40}):
        search = HalvingGridSearchCV(neuron(tol=None), grid, cv=3, random_state=0, **options)
        assert search.fit(*cancer()).best_score_ > 0.93


@scikit_learn("learning_curve", "LearningCurveDisplay")
def learning_curves():
    """By repeated fits, and by ``partial_fit`` with ``exploit_incremental_learning``."""
    from sklearn.model_selection import LearningCurveDisplay, learning_curve

    X, y = cancer()
    display = LearningCurveDisplay.from_estimator(neuron(), X, y, shuffle=True, random_state=0)
    assert display.test_scores.mean() > 0.9
    _, _, test = learning_curve(
        neuron(), X, y, cv=3, exploit_incremental_learning=True, shuffle=True, random_state=0
    )
    assert test[-1].mean() > 0.93


@scikit_learn("validation_curve", "ValidationCurveDisplay")
def validation_curves():
    """Over alpha."""
    from sklearn.model_selection import ValidationCurveDisplay

    display = ValidationCurveDisplay.from_estimator(
        neuron(), *cancer(), param_name="alpha", param_range=[1e-4, 1.0, 100.0], cv=3
    )
    means = display.test_scores.mean(axis=1)
    assert means[0] > means[-1]


@scikit_learn("permutation_test_score")
def permutation_test():
    """The score of true labels is above that of permuted ones."""
    from sklearn.model_selection import permutation_test_score

    score, permuted, p_value = permutation_test_score(
        neuron(), *cancer(), cv=2, n_permutations=10, random_state=0
    )
    assert score > permuted.max() + 0.2
    assert p_value < 0.1


@scikit_learn("TunedThresholdClassifierCV", "FixedThresholdClassifier")
def thresholds():
    """A threshold tuned for balanced accuracy, and one of 0.9 on the probability."""
    from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

    X, y = cancer()
    assert TunedThresholdClassifierCV(neuron()).fit(X, y).score(X, y) > 0.96
    strict = FixedThresholdClassifier(neuron(), threshold=0.9, response_method="predict_proba")
    strict.fit(X, y)
    expected = strict.estimator_.predict_proba(X)[:, 1] >= 0.9
    np.testing.assert_array_equal(strict.predict(X), expected.astype(int))


# ---- scikit-learn: composition ------------------------------------------------------------------


@scikit_learn("Pipeline", "memory")
def pipelines():
    """With a cache, and X and y as a data frame and a series of strings."""
    from sklearn.pipeline import Pipeline

    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    labels = y.map({0: "malignant", 1: "benign"})
    with tempfile.TemporaryDirectory() as folder:
        steps = [("scale", StandardScaler()), ("neuron", neuron())]
        model = Pipeline(steps, memory=folder).fit(X, labels)
        assert model.fit(X, labels).score(X, labels) > 0.97
    assert sorted(model.classes_) == ["benign", "malignant"]


@scikit_learn("ColumnTransformer", "OneHotEncoder")
def column_transformer():
    """Numbers and a category, as sparse rows."""
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OneHotEncoder

    X, y = cancer()
    frame = pd.DataFrame({"size": X[:, 0], "bin": np.where(X[:, 1] > 0, "high", "low")})
    transform = make_column_transformer(
        (OneHotEncoder(), ["bin"]), (StandardScaler(), ["size"]), sparse_threshold=1.0
    )
    assert make_pipeline(transform, network()).fit(frame, y).score(frame, y) > 0.85


@scikit_learn("set_output")
def set_output():
    """Data frames between the steps: the neuron knows the names of its features."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), neuron()).set_output(transform="pandas").fit(X, y)
    np.testing.assert_array_equal(model[-1].feature_names_in_, X.columns)


@scikit_learn("metadata routing")
def routing():
    """sample_weight through a pipeline in a search, by ``set_fit_request``."""
    from sklearn import config_context
    from sklearn.metrics import accuracy_score, make_scorer
    from sklearn.model_selection import GridSearchCV

    X, y = cancer()
    weight = np.where(y == 1, 1.0, 0.1)
    with config_context(enable_metadata_routing=True):
        model = neuron(batch_size=None).set_fit_request(sample_weight=True)
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        grid = {"logisticneuronclassifier__eta": [0.1, 1.0]}
        search = GridSearchCV(make_pipeline(scaler, model), grid, scoring=scorer)
        search.fit(X, y, sample_weight=weight)
    alone = clone(search.best_estimator_[-1]).fit(StandardScaler().fit_transform(X), y, weight)
    np.testing.assert_array_equal(search.best_estimator_[-1].coef_, alone.coef_)


@scikit_learn("TransformedTargetRegressor")
def transformed_target():
    """The logarithm of y."""
    from sklearn.compose import TransformedTargetRegressor

    X, y = load_diabetes(return_X_y=True)
    model = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), regressor()), func=np.log, inverse_func=np.exp
    )
    assert model.fit(X, y).score(X, y) > 0.3


@scikit_learn("FrozenEstimator")
def frozen():
    """A fitted network that a calibration does not fit again."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    X, y = cancer()
    model = network().fit(X[:300], y[:300])
    before = model.coefs_[0].copy()
    calibrated = CalibratedClassifierCV(FrozenEstimator(model)).fit(X[300:], y[300:])
    assert calibrated.score(X, y) > 0.9
    np.testing.assert_array_equal(model.coefs_[0], before)


@scikit_learn("CalibratedClassifierCV", "CalibrationDisplay")
def calibration():
    """Sigmoid, isotonic and temperature scaling, for two and three classes; reliability."""
    from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay

    methods = ["sigmoid", "isotonic", "temperature"]  # the last from scikit-learn 1.8 on
    known = importlib.metadata.version("scikit-learn").split(".")[1]
    for X, y in (cancer(), flowers()):
        for method in methods if int(known) >= 8 else methods[:2]:
            model = CalibratedClassifierCV(neuron(), method=method, cv=3).fit(X, y)
            np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
            assert model.score(X, y) > 0.93
    CalibrationDisplay.from_estimator(neuron().fit(*cancer()), *cancer(), n_bins=5)


@scikit_learn("BaggingClassifier", "BaggingRegressor")
def bagging():
    """Ten estimators each, on subsets of samples and features."""
    from sklearn.ensemble import BaggingClassifier, BaggingRegressor

    X, y = cancer()
    model = BaggingClassifier(neuron(), max_features=0.5, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.95
    assert BaggingRegressor(sigmoid(), random_state=0).fit(*diabetes()).score(*diabetes()) > 0.4


@scikit_learn("AdaBoostClassifier", "AdaBoostRegressor")
def boosting():
    """By sample weights, and by weighted samples."""
    from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor

    X, y = flowers()
    assert AdaBoostClassifier(neuron(), n_estimators=5).fit(X, y).score(X, y) > 0.8
    model = AdaBoostRegressor(regressor(), n_estimators=5, random_state=0)
    assert model.fit(*diabetes()).score(*diabetes()) > 0.3


@scikit_learn("VotingClassifier", "VotingRegressor")
def voting():
    """A neuron, a network and an estimator of scikit-learn, by mean probability."""
    from sklearn.ensemble import VotingClassifier, VotingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge

    members = [("neuron", neuron()), ("network", network()), ("theirs", LogisticRegression())]
    model = VotingClassifier(members, voting="soft").fit(*cancer())
    proba = np.mean([each.predict_proba(cancer()[0]) for each in model.estimators_], axis=0)
    np.testing.assert_allclose(model.predict_proba(cancer()[0]), proba)
    numbers = VotingRegressor([("neuron", sigmoid()), ("theirs", Ridge())])
    assert numbers.fit(*diabetes()).score(*diabetes()) > 0.4


@scikit_learn("StackingClassifier", "StackingRegressor")
def stacking():
    """As members and as the final estimator."""
    from sklearn.ensemble import StackingClassifier, StackingRegressor
    from sklearn.tree import DecisionTreeClassifier

    members = [("network", network()), ("tree", DecisionTreeClassifier(random_state=0))]
    assert StackingClassifier(members, neuron(), cv=3).fit(*cancer()).score(*cancer()) > 0.93
    numbers = StackingRegressor([("neuron", sigmoid()), ("network", regressor())], cv=3)
    assert numbers.fit(*diabetes()).score(*diabetes()) > 0.4


@scikit_learn("OneVsRestClassifier", "OneVsOneClassifier", "OutputCodeClassifier")
def multiclass():
    """Binary neurons for three classes."""
    from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier

    X, y = flowers()
    for wrapper in (OneVsRestClassifier, OneVsOneClassifier):
        assert wrapper(neuron()).fit(X, y).score(X, y) > 0.9
    assert OutputCodeClassifier(network(), random_state=0).fit(X, y).score(X, y) > 0.7


@scikit_learn("MultiOutputClassifier", "MultiOutputRegressor")
def multioutput():
    """One estimator for each output."""
    from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor

    X, y = flowers()
    Y = np.column_stack([y, y > 0])
    assert MultiOutputClassifier(neuron()).fit(X, Y).score(X, Y) > 0.8
    X, y = diabetes()
    assert MultiOutputRegressor(sigmoid()).fit(X, np.column_stack([y, 1 - y])).predict(X).shape == (
        len(X),
        2,
    )


@scikit_learn("ClassifierChain", "RegressorChain")
def chains():
    """Each output sees those before it."""
    from sklearn.multioutput import ClassifierChain, RegressorChain

    X, y = flowers()
    Y = np.column_stack([y > 0, y > 1]).astype(int)
    assert ClassifierChain(neuron()).fit(X, Y).score(X, Y) > 0.8
    X, y = diabetes()
    assert RegressorChain(sigmoid()).fit(X, np.column_stack([y, y])).score(X, np.c_[y, y]) > 0.4


@scikit_learn("SelfTrainingClassifier")
def self_training():
    """Nine tenths of the labels are missing."""
    from sklearn.semi_supervised import SelfTrainingClassifier

    X, y = cancer()
    partly = np.where(np.arange(len(y)) % 10 == 0, y, -1)
    assert SelfTrainingClassifier(network()).fit(X, partly).score(X, y) > 0.9


# ---- scikit-learn: selection of features, inspection --------------------------------------------


def of_layer_one(model):
    """Return how large the weights are with which each feature enters a network."""
    return abs(model.coefs_[0]).sum(axis=1)


@scikit_learn("RFE", "RFECV")
def elimination():
    """Neurons by ``coef_``; networks with an ``importance_getter``."""
    from sklearn.feature_selection import RFE, RFECV

    X, y = cancer()
    assert RFE(neuron(), n_features_to_select=5).fit(X, y).score(X, y) > 0.93
    assert RFECV(neuron(), step=5, cv=3).fit(X, y).n_features_ >= 1
    try:
        RFE(network(), n_features_to_select=5).fit(X, y)
    except ValueError as error:
        assert "importance_getter" in str(error)  # noqa: PT017 a script, not a test
    else:
        raise AssertionError("a network has no coef_")
    networks = RFE(network(), n_features_to_select=5, importance_getter=of_layer_one)
    assert networks.fit(X, y).score(X, y) > 0.9
    return "works; networks have no ``coef_`` and need ``importance_getter``: see Traps"


@scikit_learn("SelectFromModel")
def select_from_model():
    """Neurons by their coefficients, also with L1; networks with an ``importance_getter``."""
    from sklearn.feature_selection import SelectFromModel

    X, y = cancer()
    assert 0 < SelectFromModel(neuron()).fit(X, y).get_support().sum() < 30
    model = neuron(alpha=0.05, l1_ratio=1.0)
    model.fit(X, y)
    chosen = SelectFromModel(model, threshold=1e-5, prefit=True).get_support()
    assert chosen.sum() == (model.coef_ != 0.0).sum() < 30
    networks = SelectFromModel(network(), importance_getter=of_layer_one, max_features=4)
    assert networks.fit(X, y).get_support().sum() == 4
    return "works; with L1 set ``threshold=1e-5``: see Traps; networks as for RFE"


@scikit_learn("SequentialFeatureSelector")
def sequential():
    """Two features, forward."""
    from sklearn.feature_selection import SequentialFeatureSelector

    X, y = cancer()
    chosen = SequentialFeatureSelector(neuron(max_iter=20), n_features_to_select=2, cv=2)
    assert (
        neuron().fit(chosen.fit_transform(X[:, :8], y), y).score(chosen.transform(X[:, :8]), y)
        > 0.85
    )


@scikit_learn("permutation_importance")
def permutation():
    """A feature that is noise has none."""
    from sklearn.inspection import permutation_importance

    X, y = cancer()
    X = np.column_stack([X[:, :1], np.random.RandomState(0).normal(size=len(y))])
    found = permutation_importance(neuron().fit(X, y), X, y, random_state=0).importances_mean
    assert found[0] > 0.2
    assert abs(found[1]) < 0.02


@scikit_learn("PartialDependenceDisplay")
def partial_dependence():
    """Average and individual, for two classes and for numbers."""
    from sklearn.inspection import PartialDependenceDisplay

    for model, (X, y) in ((neuron(), cancer()), (regressor(), diabetes())):
        display = PartialDependenceDisplay.from_estimator(
            model.fit(X, y), X, [0, (0, 1)], grid_resolution=5
        )
        assert np.isfinite(display.pd_results[0]["average"]).all()


@scikit_learn("DecisionBoundaryDisplay")
def boundaries():
    """Probabilities and classes, of two and three classes."""
    from sklearn.inspection import DecisionBoundaryDisplay

    for X, y in (cancer(), flowers()):
        model = network().fit(X[:, :2], y)
        for method in ("predict", "predict_proba"):
            display = DecisionBoundaryDisplay.from_estimator(
                model, X[:, :2], response_method=method, grid_resolution=20
            )
            assert display.response.shape[:2] == (20, 20)


@scikit_learn("RocCurveDisplay", "PrecisionRecallDisplay", "DetCurveDisplay")
def curves():
    """From an estimator."""
    from sklearn.metrics import DetCurveDisplay, PrecisionRecallDisplay, RocCurveDisplay

    model, (X, y) = neuron().fit(*cancer()), cancer()
    assert RocCurveDisplay.from_estimator(model, X, y).roc_auc > 0.99
    assert PrecisionRecallDisplay.from_estimator(model, X, y).average_precision > 0.99
    DetCurveDisplay.from_estimator(model, X, y)


@scikit_learn("ConfusionMatrixDisplay", "classification_report")
def confusion():
    """Labels in words."""
    from sklearn.metrics import ConfusionMatrixDisplay, classification_report

    X, y = flowers()
    words = np.array(["setosa", "versicolor", "virginica"])[y]
    model = neuron().fit(X, words)
    matrix = ConfusionMatrixDisplay.from_estimator(model, X, words).confusion_matrix
    assert matrix.trace() > 135
    assert "virginica" in classification_report(words, model.predict(X))


@scikit_learn("PredictionErrorDisplay")
def prediction_errors():
    """From a neuron for numbers."""
    from sklearn.metrics import PredictionErrorDisplay

    X, y = diabetes()
    display = PredictionErrorDisplay.from_estimator(sigmoid().fit(X, y), X, y)
    assert display.y_pred.min() >= 0


@scikit_learn("make_scorer", "get_scorer")
def scorers():
    """Scores of classes, probabilities and logits."""
    from sklearn.metrics import get_scorer, make_scorer, matthews_corrcoef

    model, (X, y) = neuron().fit(*cancer()), cancer()
    assert get_scorer("roc_auc")(model, X, y) > 0.99
    assert get_scorer("neg_log_loss")(model, X, y) > -0.1
    assert make_scorer(matthews_corrcoef)(model, X, y) > 0.9


@scikit_learn("compute_class_weight", "compute_sample_weight")
def weights():
    """The weights that these compute are the same as class_weight="balanced"."""
    from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

    X, y = cancer()
    full = {"batch_size": None, "max_iter": 20, "tol": None}
    one = neuron(class_weight="balanced", **full).fit(X, y).coef_
    two = neuron(**full).fit(X, y, sample_weight=compute_sample_weight("balanced", y)).coef_
    by_class = dict(enumerate(compute_class_weight("balanced", classes=np.unique(y), y=y)))
    np.testing.assert_allclose(one, two)
    np.testing.assert_allclose(one, neuron(class_weight=by_class, **full).fit(X, y).coef_)


@scikit_learn("estimator_html_repr")
def in_notebooks():
    """The drawing that notebooks show."""
    model = make_pipeline(StandardScaler(), neuron()).fit(*cancer())
    assert "LogisticNeuronClassifier" in model._repr_html_()


@scikit_learn("HashingVectorizer", "TfidfVectorizer")
def texts():
    """Sparse rows of texts, whole and block by block."""
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer

    lines = ["warm and sunny", "cold and dark", "sunny and bright", "dark and wet"] * 20
    mood = [1, 0, 1, 0] * 20
    assert make_pipeline(TfidfVectorizer(), neuron()).fit(lines, mood).score(lines, mood) == 1
    rows, stream = HashingVectorizer(n_features=2**10).fit(lines), neuron()
    for k in range(0, 80, 20):
        stream.partial_fit(rows.transform(lines[k : k + 20]), mood[k : k + 20], classes=[0, 1])
    assert stream.score(rows.transform(lines), mood) == 1


@scikit_learn("PCA", "SelectKBest", "PolynomialFeatures", "SplineTransformer", "Nystroem")
def transformers():
    """As steps before a neuron."""
    from sklearn.decomposition import PCA
    from sklearn.feature_selection import SelectKBest
    from sklearn.kernel_approximation import Nystroem
    from sklearn.preprocessing import PolynomialFeatures, SplineTransformer

    X, y = cancer()
    for step in (PCA(5), SelectKBest(k=5), SplineTransformer(), Nystroem(random_state=0)):
        assert make_pipeline(step, StandardScaler(), neuron()).fit(X, y).score(X, y) > 0.9
    model = make_pipeline(PolynomialFeatures(), StandardScaler(), neuron())
    assert model.fit(X[:, :4], y).score(X[:, :4], y) > 0.9


@scikit_learn("joblib")
def persistence():
    """Dumped, and read again into memory of the file."""
    import joblib

    X, y = cancer()
    model = network().fit(X, y)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.joblib"
        joblib.dump(model, path)
        again = joblib.load(path, mmap_mode="r")
        np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
        del again


@scikit_learn("callbacks")
def callbacks():
    """A monitor of the accuracy after each epoch (from scikit-learn 1.9 on)."""
    if importlib.util.find_spec("sklearn.callback") is None:
        return "not in this version of scikit-learn"
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    neuron(max_iter=3, tol=None).set_callbacks(monitor).fit(*cancer())
    assert monitor.get_logs() is not None
    return None


# ---- other packages -----------------------------------------------------------------------------


@check("shap", "shap", "Explainer", "KernelExplainer")
def shap_of_predictions():
    """Of ``predict`` and ``predict_proba``: the values add up to the prediction.

    ``Explainer`` chooses exact values for few features and permutations for many.
    """
    import shap

    X, y = diabetes()
    for model in (sigmoid().fit(X, y), regressor().fit(X, y)):
        found = shap.Explainer(model.predict, X[:50])(X[:5])
        total = found.base_values + found.values.sum(axis=1)
        np.testing.assert_allclose(total, model.predict(X[:5]), atol=1e-6)
    X, y = cancer()
    model = network().fit(X, y)
    found = shap.Explainer(model.predict_proba, X[:50])(X[:3])
    total = found.base_values + found.values.sum(axis=1)
    np.testing.assert_allclose(total, model.predict_proba(X[:3]), atol=1e-6)
    kernel = shap.KernelExplainer(lambda rows: model.predict_proba(rows)[:, 1], X[:10])
    total = kernel.expected_value + kernel.shap_values(X[:2], silent=True).sum(axis=1)
    np.testing.assert_allclose(total, model.predict_proba(X[:2])[:, 1], atol=1e-6)


@check("shap", "shap", "LinearExplainer")
def shap_linear():
    """Of neurons: it adds up to z, the weighted sum, which for a classifier is the log-odds."""
    import shap
    from scipy.special import logit

    X, y = diabetes()
    model = sigmoid(target_range=(0, 1)).fit(X, y)
    found = shap.LinearExplainer(model, X)(X[:5])
    total = found.base_values + found.values.sum(axis=1)
    np.testing.assert_allclose(total, logit(model.predict(X[:5])))  # z, silently
    assert abs(total - model.predict(X[:5])).max() > 0.5
    classifier, (X, y) = neuron().fit(*cancer()), cancer()
    found = shap.LinearExplainer(classifier, X)(X[:5])
    total = found.base_values + found.values.sum(axis=1)
    np.testing.assert_allclose(total, classifier.decision_function(X[:5]))
    return "**trap**: explains z, not the prediction, of ``SigmoidNeuronRegressor``: see Traps"


@check("imbalanced-learn", "imblearn", "SMOTE", "Pipeline", "BalancedBaggingClassifier")
def imbalanced():
    """Samples made before the neuron; balanced bags of networks."""
    from imblearn.ensemble import BalancedBaggingClassifier
    from imblearn.over_sampling import SMOTE
    from imblearn.pipeline import make_pipeline as with_samples

    X, y = cancer()
    few = np.flatnonzero((y == 1) | (np.arange(len(y)) % 5 == 0))
    X, y = X[few], y[few]
    assert with_samples(SMOTE(random_state=0), neuron()).fit(X, y).score(X, y) > 0.95
    assert BalancedBaggingClassifier(network(), random_state=0).fit(X, y).score(X, y) > 0.9


@check("skrub", "skrub", "tabular_pipeline", "TableVectorizer")
def skrubs():
    """A data frame with a category, a date and gaps."""
    import pandas as pd
    import skrub

    rng = np.random.RandomState(0)
    frame = pd.DataFrame({
        "city": rng.choice(["Oslo", "Rome", "Lima"], 200),
        "day": pd.date_range("2024-01-01", periods=200).astype(str),
        "size": rng.normal(size=200),
    })  # fmt: skip
    y = (frame["city"] == "Rome").astype(int)
    assert skrub.tabular_pipeline(neuron()).fit(frame, y).score(frame, y) > 0.95


@check("optuna", "optuna", "create_study", "TrialPruned")
def optunas():
    """A study over eta, with pruning by ``partial_fit``."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    X, y = cancer()

    def objective(trial):
        model = neuron(eta=trial.suggest_float("eta", 1e-4, 1.0, log=True))
        for epoch in range(10):
            trial.report(model.partial_fit(X, y, classes=[0, 1]).score(X, y), epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return model.score(X, y)

    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=2),
    )  # fmt: skip
    study.optimize(objective, n_trials=8)
    assert study.best_value > 0.96


@check("scikit-optimize", "skopt", "BayesSearchCV")
def skopts():
    """Over eta and batch_size."""
    import skopt

    space = {"eta": (1e-3, 1.0, "log-uniform"), "batch_size": (1, 64)}
    search = skopt.BayesSearchCV(neuron(), space, n_iter=6, cv=3, random_state=0)
    assert search.fit(*cancer()).best_score_ > 0.96


@check("MAPIE", "mapie", "SplitConformalClassifier", "CrossConformalRegressor")
def mapies():
    """Sets of classes and intervals that cover what they promise, about."""
    from mapie.classification import SplitConformalClassifier
    from mapie.regression import CrossConformalRegressor

    X, y = flowers()
    part = np.arange(len(y)) % 3
    sets = SplitConformalClassifier(neuron().fit(X[part == 0], y[part == 0]), confidence_level=0.9)
    sets.conformalize(X[part == 1], y[part == 1])
    _, chosen = sets.predict_set(X[part == 2])
    assert np.mean([chosen[k, label, 0] for k, label in enumerate(y[part == 2])]) > 0.8
    X, y = diabetes()
    intervals = CrossConformalRegressor(sigmoid(), confidence_level=0.9, cv=5, random_state=0)
    _, bounds = intervals.fit_conformalize(X, y).predict_interval(X)
    inside = (bounds[:, 0, 0] <= y) & (y <= bounds[:, 1, 0])
    assert 0.85 < inside.mean() < 0.97


@check("fairlearn", "fairlearn", "ExponentiatedGradient", "ThresholdOptimizer", "MetricFrame")
def fairlearns():
    """Equal rates of selection in two groups, by weights and by thresholds."""
    from fairlearn.metrics import MetricFrame, demographic_parity_difference, selection_rate
    from fairlearn.postprocessing import ThresholdOptimizer
    from fairlearn.reductions import DemographicParity, ExponentiatedGradient

    X, y = cancer()
    group = (X[:, 0] > 0).astype(int)
    plain = neuron().fit(X, y).predict(X)
    before = demographic_parity_difference(y, plain, sensitive_features=group)
    assert MetricFrame(
        metrics=selection_rate, y_true=y, y_pred=plain, sensitive_features=group
    ).by_group.shape == (2,)
    reduced = ExponentiatedGradient(neuron(), DemographicParity(), max_iter=5)
    reduced.fit(X, y, sensitive_features=group)
    moved = ThresholdOptimizer(estimator=neuron(), predict_method="predict_proba")
    moved.fit(X, y, sensitive_features=group)
    for answers in (
        reduced.predict(X, random_state=0),
        moved.predict(X, sensitive_features=group, random_state=0),
    ):
        assert demographic_parity_difference(y, answers, sensitive_features=group) < before / 2


@check("category_encoders", "category_encoders", "TargetEncoder", "BinaryEncoder")
def encoders():
    """Categories before a neuron."""
    import category_encoders
    import pandas as pd

    frame = pd.DataFrame({"city": ["Oslo", "Rome", "Lima", "Rome"] * 30})
    y = (frame["city"] == "Rome").astype(int)
    for encoder in (category_encoders.TargetEncoder(), category_encoders.BinaryEncoder()):
        assert make_pipeline(encoder, neuron(max_iter=500)).fit(frame, y).score(frame, y) == 1


@check("feature-engine", "feature_engine", "YeoJohnsonTransformer", "RecursiveFeatureElimination")
def feature_engines():
    """A transformation of skewed features, and an elimination by cross-validation."""
    from feature_engine.selection import RecursiveFeatureElimination
    from feature_engine.transformation import YeoJohnsonTransformer

    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    steps = make_pipeline(
        YeoJohnsonTransformer(), StandardScaler().set_output(transform="pandas"), neuron()
    )
    assert steps.fit(X, y).score(X, y) > 0.95
    scaled, y = cancer(frame=True)
    chosen = RecursiveFeatureElimination(neuron(), cv=2, threshold=0.001)
    assert 0 < chosen.fit_transform(scaled.iloc[:, :6], y).shape[1] <= 6


@check("dalex", "dalex", "Explainer")
def dalexes():
    """Importance, profile and break-down of a prediction."""
    import dalex

    X, y = cancer(frame=True)
    explainer = dalex.Explainer(network().fit(X, y), X, y, verbose=False)
    assert explainer.model_performance().result.loc[:, "auc"].iloc[0] > 0.97
    assert len(explainer.model_parts(B=1).result) >= 30
    parts = explainer.predict_parts(X.iloc[:1]).result
    answer = explainer.predict(X.iloc[:1])[0]
    np.testing.assert_allclose(parts["cumulative"].iloc[-1], answer)


@check("lime", "lime", "LimeTabularExplainer")
def limes():
    """A prediction of a network."""
    from lime.lime_tabular import LimeTabularExplainer

    X, y = cancer()
    model = network().fit(X, y)
    explainer = LimeTabularExplainer(X, mode="classification", random_state=0)
    found = explainer.explain_instance(X[0], model.predict_proba, num_features=5)
    assert len(found.as_list()) == 5


@check(
    "mlxtend",
    "mlxtend",
    "SequentialFeatureSelector",
    "StackingCVClassifier",
    "bias_variance_decomp",
)
def mlxtends():
    """Selection, stacking, and the bias and the variance of a neuron."""
    from mlxtend.classifier import StackingCVClassifier
    from mlxtend.evaluate import bias_variance_decomp
    from mlxtend.feature_selection import SequentialFeatureSelector

    X, y = cancer()
    chosen = SequentialFeatureSelector(neuron(max_iter=20), k_features=2, cv=2)
    assert chosen.fit(X[:, :6], y).k_score_ > 0.85
    model = StackingCVClassifier([neuron(), network()], neuron(), cv=3, random_state=0)
    assert model.fit(X, y).score(X, y) > 0.93
    loss, _, variance = bias_variance_decomp(
        neuron(), X[:400], y[:400], X[400:], y[400:], num_rounds=5, random_seed=0
    )
    assert 0 <= variance < 0.1
    assert loss < 0.1


@check("yellowbrick", "yellowbrick", "ConfusionMatrix", "ROCAUC", "ResidualsPlot")
def yellowbricks():
    """Three drawings, with ``force_model=True``."""
    from sklearn.linear_model import LogisticRegression
    from yellowbrick.classifier import ROCAUC, ConfusionMatrix
    from yellowbrick.exceptions import YellowbrickTypeError
    from yellowbrick.regressor import ResidualsPlot

    for model in (neuron(), LogisticRegression()):
        try:
            ConfusionMatrix(model)
        except YellowbrickTypeError:
            continue
        return "works, also without force_model"

    for drawing in (ConfusionMatrix, ROCAUC):
        visualizer = drawing(neuron(), force_model=True)
        visualizer.fit(*flowers())
        assert visualizer.score(*flowers()) > 0.9
    visualizer = ResidualsPlot(sigmoid(), hist=False, qqplot=False, force_model=True)
    visualizer.fit(*diabetes())
    assert visualizer.score(*diabetes()) > 0.4
    return "works; without force_model it takes no classifier of scikit-learn 1.9 for one"


@check("eli5", "eli5", "PermutationImportance", "explain_weights")
def eli5s():
    """Importance by permutation; weights of neurons."""
    import eli5
    from eli5.sklearn import PermutationImportance

    X, y = cancer()
    found = PermutationImportance(network().fit(X, y), random_state=0).fit(X, y)
    assert found.feature_importances_.shape == (30,)
    explained = eli5.explain_weights(neuron().fit(X, y))
    if explained.error:
        return "works; explain_weights knows scikit-learn's own classes only, and says so"
    return None


@check("sktime", "sktime", "make_reduction")
def sktimes():
    """A forecast from windows of the past."""
    import pandas as pd
    from sktime.forecasting.compose import make_reduction

    series = pd.Series(np.sin(np.arange(120) / 3) / 2 + 0.5)
    forecaster = make_reduction(sigmoid(max_iter=2000), window_length=12, strategy="recursive")
    forecast = forecaster.fit(series[:108]).predict(fh=range(1, 13))
    assert abs(np.ravel(forecast) - series[108:]).mean() < 0.1


@check("skforecast", "skforecast", "ForecasterRecursive")
def skforecasts():
    """A forecast from lags."""
    import pandas as pd
    from skforecast.recursive import ForecasterRecursive

    series = pd.Series(np.sin(np.arange(120) / 3) / 2 + 0.5)
    forecaster = ForecasterRecursive(estimator=sigmoid(max_iter=2000), lags=12)
    forecaster.fit(y=series[:108])
    assert abs(forecaster.predict(steps=12).to_numpy() - series[108:]).mean() < 0.1


@check("hummingbird-ml", "hummingbird", "convert")
def hummingbirds():
    """Conversion to tensors."""
    from hummingbird.ml import convert
    from hummingbird.ml.exceptions import MissingConverter

    X, y = cancer()
    try:
        convert(neuron().fit(X, y), "torch", X)
    except MissingConverter:
        return "**refuses**, as it converts scikit-learn's own classes only"
    return None


@check("dask-ml", "dask_ml", "Incremental")
def dask_incremental():
    """``partial_fit`` over the chunks of dask arrays, one after the other."""
    import dask.array
    from dask_ml.wrappers import Incremental

    X, y = cancer()
    chunks = dask.array.from_array(X, chunks=(100, 30)), dask.array.from_array(y, chunks=100)
    model = Incremental(neuron(shuffle=False), shuffle_blocks=False).fit(*chunks, classes=[0, 1])
    alone = neuron(shuffle=False)
    for k in range(0, len(y), 100):
        alone.partial_fit(X[k : k + 100], y[k : k + 100], classes=[0, 1])
    np.testing.assert_array_equal(model.estimator_.coef_, alone.coef_)
    assert isinstance(model.predict(chunks[0]), dask.array.Array)


@check("dask-ml", "dask_ml", "LogisticRegression")
def dask_logistic():
    """dask-ml's own, on three classes, beside ours."""
    import dask.array
    from dask_ml.linear_model import LogisticRegression

    X, y = flowers()
    theirs = LogisticRegression().fit(
        dask.array.from_array(X, chunks=(50, 4)), dask.array.from_array(y, chunks=50)
    )
    answers = np.asarray(theirs.predict(dask.array.from_array(X, chunks=(50, 4))))
    assert len(np.unique(answers.astype(int))) == 2  # of three classes, and no error
    assert len(np.unique(neuron().fit(X, y).predict(X))) == 3
    return "**trap**: fits three classes as two, without a word"


@check("dask-ml", "dask_ml", "HyperbandSearchCV")
def dask_hyperband():
    """A search by ``partial_fit`` on a local cluster, with theirs and ours."""
    import dask.array
    from dask_ml.model_selection import HyperbandSearchCV
    from distributed import Client, LocalCluster
    from sklearn.linear_model import SGDClassifier

    X, y = cancer()
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False}
    with LocalCluster(**options, dashboard_address=":0") as cluster, Client(cluster):
        chunks = (dask.array.from_array(X, chunks=(100, 30)), dask.array.from_array(y, chunks=100))
        errors = []
        for model, name in ((SGDClassifier(), "alpha"), (neuron(), "eta")):
            search = HyperbandSearchCV(model, {name: [0.01, 0.1, 1.0]}, max_iter=3, random_state=0)
            try:
                search.fit(*chunks, classes=[0, 1])
            except RuntimeError as error:
                errors.append(str(error))
    if not errors:
        return None
    assert len(errors) == 2  # of theirs and of ours
    return "**fails** with current dask (RuntimeError), with ``SGDClassifier``, too"


@check("dask", "distributed", "joblib backend")
def dask_backend():
    """A search whose fits are spread over a local cluster."""
    import joblib
    from distributed import Client, LocalCluster
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(neuron(), {"eta": [0.01, 0.1], "batch_size": [8, 32]}, cv=3)
    alone = clone(search).fit(*cancer())
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with (
        LocalCluster(**options, processes=False) as cluster,
        Client(cluster),
        joblib.parallel_config("dask"),
    ):
        search.fit(*cancer())
    for name in ("mean_test_score", "params"):
        assert list(search.cv_results_[name]) == list(alone.cv_results_[name])


@check("ray", "ray", "joblib backend")
def ray_backend():
    """A search whose fits are spread over a local cluster."""
    import joblib
    import ray
    from ray.util.joblib import register_ray
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(neuron(), {"eta": [0.01, 0.1], "batch_size": [8, 32]}, cv=3)
    alone = clone(search).fit(*cancer())
    path = os.pathsep.join(filter(None, sys.path))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False,
             runtime_env={"env_vars": {"PYTHONPATH": path}})  # fmt: skip
    try:
        register_ray()
        with joblib.parallel_config("ray", n_jobs=2):
            search.fit(*cancer())
    finally:
        ray.shutdown()
    for name in ("mean_test_score", "params"):
        assert list(search.cv_results_[name]) == list(alone.cv_results_[name])


# ---- the table ----------------------------------------------------------------------------------


def installed(module):
    """Return whether a package is there, without importing it."""
    return importlib.util.find_spec(module) is not None


def run(function):
    """Return what comes of a check, in a few words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function() or "works"
        except Exception as error:
            return (
                f"FAILS: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            )


def main():
    import matplotlib as mpl

    mpl.use("Agg")
    chosen = set(sys.argv[1:]) - {"--save"}
    rows = []
    for package, module, names, function in CHECKS:
        if chosen and not chosen & {package, function.__name__}:
            continue
        known = installed(module)
        version = importlib.metadata.version(package) if known else "–"
        outcome = run(function) if known else "not installed"
        what = " ".join(function.__doc__.split())
        rows.append([f"{package} {version}", f"**{names}**: {what}", outcome])
        print(f"{package} {version}  {names}: {outcome}", flush=True)
    if "--save" in sys.argv:
        with TABLE.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["package", "what was run", "outcome"])
            writer.writerows(rows)


if __name__ == "__main__":
    main()
