"""register: skl2onnx converts what contains the estimators, and the answers stay the same."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

from helpers import (  # noqa: E402
    CLASSIFIERS,
    ESTIMATORS,
    NETWORKS,
    REGRESSORS,
    make,
    target_for,
)
from numpy.testing import assert_array_equal  # noqa: E402
from onnx_helpers import assert_close, serve  # noqa: E402
from sklearn.calibration import CalibratedClassifierCV  # noqa: E402
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.metrics import f1_score, make_scorer  # noqa: E402
from sklearn.model_selection import (  # noqa: E402
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import (  # noqa: E402
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
)
from sklearn.multioutput import (  # noqa: E402
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import (  # noqa: E402
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from sklearn_neuron import (  # noqa: E402
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.activations import ACTIVATIONS, Tanh  # noqa: E402
from sklearn_neuron.onnx import register  # noqa: E402

DTYPES = ["float64", "float32"]
PROBABILISTIC = (LogisticNeuronClassifier, ManualMLPClassifier)
OPSETS = [18, 20, skl2onnx.__max_supported_opset__]


@pytest.fixture(autouse=True)
def _registered():
    register()


@pytest.fixture
def X():
    """Samples of three groups, which overlap."""
    rng = np.random.RandomState(3)
    return rng.normal(size=(90, 4)) + np.repeat(np.eye(4)[:3] * 2.0, 30, axis=0)


def groups(n_classes=3, labels=(7, -2, 4)):
    return np.array(list(labels))[np.repeat(np.arange(3), 30) % n_classes]


def converted(model, X, opset=20, **options):
    """Return the outputs of a converted model by name."""
    if options:
        options = {"options": {id(model): options}}
    return serve(skl2onnx.to_onnx(model, X[:1], target_opset=opset, **options), X)


def assert_classifies(model, X, **options):
    """Assert that labels are equal, and probabilities close."""
    outputs = converted(model, X, zipmap=False, **options)
    label, answer = outputs.values()
    assert_array_equal(label, model.predict(X))
    if hasattr(model, "predict_proba"):
        assert_close(answer, model.predict_proba(X), X.dtype)
    return answer


def assert_regresses(model, X):
    (prediction,) = converted(model, X).values()
    expected = model.predict(X)
    assert_close(prediction.reshape(expected.shape), expected, X.dtype, scale=3.0)


# ---- by themselves ------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers(classifier, n_classes, dtype, opset, X):
    for labels in ((7, -2, 4), ("b", "a", "ö")):
        X = X.astype(dtype)
        model = make(classifier).fit(X, groups(n_classes, labels))
        assert_classifies(model, X, opset=opset)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_targets", [None, 1, 2])
def test_regressors(regressor, n_targets, dtype, opset, X):
    X = X.astype(dtype)
    y = X[:, 0] if n_targets is None else X[:, :n_targets]
    model = make(regressor).fit(X, y)
    (prediction,) = converted(model, X, opset).values()
    assert prediction.shape == (90, n_targets or 1)
    assert prediction.dtype == dtype
    assert_regresses(model, X)


def test_bools_floats_and_codes_in_place_of_classes(X):
    for labels in ((False, True), (0.0, 2.0, -3.0), (2**40, -(2**50), 2**62 + 1)):
        y = np.array(labels)[np.arange(90) % len(labels)]
        model = make(LogisticNeuronClassifier).fit(X, y)
        assert_classifies(model, X)
    model = make(LogisticNeuronClassifier).fit(X, groups(3, "bac"))
    codes, _ = converted(model, X, zipmap=False, nocl=True).values()
    assert_array_equal(codes, np.searchsorted(["a", "b", "c"], model.predict(X)))
    _, _, classes = converted(model, X, zipmap=False, output_class_labels=True).values()
    assert_array_equal(classes, ["a", "b", "c"])


@pytest.mark.parametrize("raw_scores", [False, True])
def test_multilabel(raw_scores, X):
    model = make(ManualMLPClassifier).fit(X, (X[:, :3] > 0.5).astype(int))
    label, answer = converted(model, X, zipmap=False, raw_scores=raw_scores).values()
    assert_array_equal(label, model.predict(X))
    expected = model.decision_function(X) if raw_scores else model.predict_proba(X)
    assert_close(answer, expected, "float64", 20.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_raw_scores_are_those_of_skl2onnx(classifier, n_classes, dtype, X):
    """Two columns, −z and z, for two classes."""
    X = X.astype(dtype)
    model = make(classifier).fit(X, groups(n_classes))
    _, scores = converted(model, X, zipmap=False, raw_scores=True).values()
    z = model.decision_function(X)
    assert_close(scores, np.column_stack([-z, z]) if n_classes == 2 else z, dtype, 20.0)
    plain = LogisticRegression().fit(X, groups(n_classes))
    _, theirs = converted(plain, X, zipmap=False, raw_scores=True).values()
    assert theirs.shape == scores.shape


def test_raw_scores_of_a_pipeline_are_those_of_its_last_step(X):
    """skl2onnx unrolls a pipeline, and its option is lost, as the guide says."""
    for one in (make(LogisticNeuronClassifier), LogisticRegression()):
        model = make_pipeline(StandardScaler(), one).fit(X, groups())
        for owner, answer in ((model[-1], model.decision_function), (model, model.predict_proba)):
            options = {id(model): {"zipmap": False}}
            options.setdefault(id(owner), {})["raw_scores"] = True
            graph = skl2onnx.to_onnx(model, X[:1], target_opset=20, options=options)
            assert_close([*serve(graph, X).values()][1], answer(X), "float64", 20.0)


def test_the_perceptron_at_zero(X):
    model = make(PerceptronClassifier).fit(X, groups(2))
    model.coef_, model.intercept_ = np.array([[1.0, -1.0, 0.0, 0.0]]), np.zeros(1)
    zero = np.ones((2, 4))
    label, scores = converted(model, zero, zipmap=False).values()
    assert_array_equal(label, [7, 7])
    assert (scores[:, 1] > 0.0).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("inside", [False, True])
def test_dicts_and_columns(classifier, inside, dtype, X):
    """Also of float64, which skl2onnx's own classifiers do not load with dicts."""
    X = X.astype(dtype)
    model = make(classifier)
    model = (make_pipeline(StandardScaler(), model) if inside else model).fit(X, groups(3, "bac"))
    proba = model.predict_proba(X) if classifier in PROBABILISTIC else model.decision_function(X)
    for options in ({}, {"zipmap": True}):  # dicts are the default of skl2onnx
        label, dicts = converted(model, X, **options).values()
        assert_array_equal(label, model.predict(X))
        assert [*dicts[0]] == ["a", "b", "c"]
        assert_close([[*each.values()] for each in dicts], proba, "float32", 20.0)
    label, *columns = converted(model, X, zipmap="columns").values()
    assert_array_equal(label, model.predict(X))
    assert_close(np.column_stack(columns), proba, dtype, 20.0)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation(name, network, X):
    model = make(network, activation=name).fit(X, target_for(network, 90))
    if network in REGRESSORS:
        assert_regresses(model, X)
    else:
        assert_classifies(model, X)


def test_integers_and_bools_as_inputs(cls, X):
    types = skl2onnx.common.data_types
    given = np.round(X).astype(np.int64)
    model = make(cls).fit(given, target_for(cls, 90))
    options = {"options": {id(model): {"zipmap": False}}} if cls in CLASSIFIERS else {}
    for kind, samples in ((types.Int64TensorType, given), (types.BooleanTensorType, given > 0)):
        graph = skl2onnx.to_onnx(
            model, initial_types=[("X", kind([None, 4]))], target_opset=20, **options
        )
        first, *_ = serve(graph, samples).values()
        expected = model.predict(samples.astype(float))
        if cls in CLASSIFIERS:
            assert_array_equal(first, expected)
        else:
            assert_close(first[:, 0], expected, "float32")


# ---- within others ------------------------------------------------------------------------------

CONTAINERS = {
    "pipeline": lambda cls: make_pipeline(StandardScaler(), make(cls)),
    "pipeline in a pipeline": lambda cls: make_pipeline(
        StandardScaler(), make_pipeline(MinMaxScaler(), make(cls))
    ),
    "search": lambda cls: GridSearchCV(make(cls), {"alpha": [0.0, 0.1]}, cv=2),
    "search of a pipeline": lambda cls: GridSearchCV(
        make_pipeline(StandardScaler(), make(cls)), {}, cv=2
    ),
}
OF_CLASSIFIERS = {
    "one-vs-rest": lambda cls: OneVsRestClassifier(make(cls)),
    "hard voting": lambda cls: VotingClassifier(
        [("a", make(cls)), ("b", LogisticRegression()), ("c", make(cls, alpha=0.1))],
        flatten_transform=False,
    ),
}
OF_PROBABILITIES = {
    "soft voting": lambda cls: VotingClassifier(
        [("a", make(cls)), ("b", LogisticRegression())], voting="soft", flatten_transform=False
    ),
    "stacking": lambda cls: StackingClassifier(
        [("a", make(cls)), ("b", LogisticRegression())], final_estimator=make(cls), cv=2
    ),
    "bagging": lambda cls: BaggingClassifier(make(cls), n_estimators=3, random_state=0),
}
CALIBRATED = {
    "itself": make,
    "a pipeline": lambda cls: make_pipeline(StandardScaler(), make(cls)),
    "a pipeline in a pipeline": lambda cls: make_pipeline(
        StandardScaler(), make_pipeline(MinMaxScaler(), make(cls))
    ),
    "a search": lambda cls: GridSearchCV(make(cls), {"alpha": [0.0, 0.1]}, cv=2),
    "a search of a pipeline": lambda cls: GridSearchCV(
        make_pipeline(StandardScaler(), make(cls)), {}, cv=2
    ),
}
OF_REGRESSORS = {
    "voting": lambda cls: VotingRegressor([("a", make(cls)), ("b", make(cls, alpha=0.1))]),
    "stacking": lambda cls: StackingRegressor(
        [("a", make(cls)), ("b", make(cls, alpha=0.1))], final_estimator=make(cls), cv=2
    ),
    "bagging": lambda cls: BaggingRegressor(make(cls), n_estimators=3, random_state=0),
    "boosting": lambda cls: AdaBoostRegressor(make(cls), n_estimators=3, random_state=0),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CONTAINERS | OF_CLASSIFIERS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers_within_others(classifier, n_classes, name, dtype, X):
    X = X.astype(dtype)
    model = (CONTAINERS | OF_CLASSIFIERS)[name](classifier).fit(X, groups(n_classes))
    assert_classifies(model, X)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OF_PROBABILITIES)
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("cls", PROBABILISTIC)
def test_probabilities_within_others(cls, n_classes, name, dtype, X):
    X = X.astype(dtype)
    assert_classifies(OF_PROBABILITIES[name](cls).fit(X, groups(n_classes, "bac")), X)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CONTAINERS | OF_REGRESSORS)
def test_regressors_within_others(regressor, name, dtype, X):
    X = X.astype(dtype)
    assert_regresses((CONTAINERS | OF_REGRESSORS)[name](regressor).fit(X, X[:, 0]), X)


@pytest.mark.parametrize("around", [False, True])
@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("name", CALIBRATED)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_calibration_is_told_logits(classifier, n_classes, name, ensemble, around, X):
    """A graph that gives it probabilities loads without an error and is wrong: see below."""
    model = CalibratedClassifierCV(CALIBRATED[name](classifier), cv=2, ensemble=ensemble)
    model = make_pipeline(StandardScaler(), model) if around else model
    assert_classifies(model.fit(X, groups(n_classes)), X)


def test_calibration_that_is_given_probabilities_is_wrong(X, monkeypatch):
    """What the option is for: it is the test above that would fail."""
    from sklearn_neuron.onnx import _registration

    monkeypatch.setattr(_registration, "asks_for_raw_scores", lambda *_: False)
    model = CalibratedClassifierCV(make(LogisticNeuronClassifier, eta=1.0), cv=2)
    label, proba = converted(model.fit(X, groups()), X, zipmap=False).values()
    assert np.mean(label == model.predict(X)) < 0.97
    assert np.abs(proba - model.predict_proba(X)).max() > 0.1


def test_raw_scores_are_for_those_that_ask(X):
    """Calibration of one does not change what another gives to the same ensemble."""
    members = [
        ("a", make_pipeline(StandardScaler(), make(LogisticNeuronClassifier))),
        ("b", CalibratedClassifierCV(make_pipeline(StandardScaler(), make(ManualMLPClassifier)))),
        ("c", CalibratedClassifierCV(make(PerceptronClassifier))),
    ]
    model = VotingClassifier(members, voting="soft", flatten_transform=False)
    assert_classifies(model.fit(X, groups()), X)
    stack = StackingClassifier(members[:1], stack_method="decision_function", cv=2)
    assert_classifies(stack.fit(X, groups()), X)


def test_several_columns_of_classes_and_of_numbers(X):
    Y = (X[:, :3] > 0.5).astype(int)
    many = MultiOutputClassifier(make(LogisticNeuronClassifier)).fit(X, Y)
    label, proba = converted(many, X, zipmap=False).values()
    assert_array_equal(label, many.predict(X))
    assert_close(proba, many.predict_proba(X), "float64")
    one_vs_rest = OneVsRestClassifier(make(ManualMLPClassifier)).fit(X, Y)
    assert_classifies(one_vs_rest, X)
    for cls in REGRESSORS:
        assert_regresses(MultiOutputRegressor(make(cls)).fit(X, X[:, :2]), X)


def noisy(X, labels=(0, 1)):
    """Return two classes that overlap, so that thresholds matter."""
    z = X[:, 0] + np.random.RandomState(5).normal(size=len(X))
    return np.array(labels)[(z > 1.5).astype(int)]


TUNED = {
    "itself": make,
    "a pipeline": lambda cls: make_pipeline(StandardScaler(), make(cls)),
    "a search of a pipeline": lambda cls: GridSearchCV(
        make_pipeline(StandardScaler(), make(cls)), {}, cv=2
    ),
}


@pytest.mark.parametrize("response_method", ["auto", "decision_function"])
@pytest.mark.parametrize("positive", ["no", "yes", None])
@pytest.mark.parametrize("name", TUNED)
def test_a_tuned_threshold(name, positive, response_method, classifier, X):
    """skl2onnx takes the label of what is inside, as if there were no threshold."""
    y = noisy(X, ("no", "yes") if positive else (0, 1))
    how = {"cv": 2, "response_method": response_method}
    if positive:
        how["scoring"] = make_scorer(f1_score, pos_label=positive)
    model = TunedThresholdClassifierCV(TUNED[name](classifier), **how).fit(X, y)
    given = 2.0 * np.random.RandomState(6).normal(size=(400, 4))
    assert (model.predict(given) != model.estimator_.predict(given)).any()
    assert_classifies(model, given)


def test_a_tuned_threshold_within_others(X):
    tuned = TunedThresholdClassifierCV(make(LogisticNeuronClassifier), cv=2)
    for model in (
        CalibratedClassifierCV(tuned, cv=2),
        CalibratedClassifierCV(make_pipeline(StandardScaler(), tuned), cv=2),
        VotingClassifier([("a", tuned)], voting="soft", flatten_transform=False),
    ):
        assert_classifies(model.fit(X, noisy(X)), 2.0 * X)


@pytest.mark.parametrize("inside", [False, True])
def test_one_vs_rest_of_a_perceptron(inside, X):
    """skl2onnx's is positive above 0.5, also of scores."""
    inner = make(PerceptronClassifier)
    inner = make_pipeline(StandardScaler(), inner) if inside else inner
    given = np.random.RandomState(6).normal(size=(400, 4))
    for y in (noisy(X, ("a", "b")), (X[:, :3] > 0.5).astype(int)):
        model = OneVsRestClassifier(inner).fit(X, y)
        z = model.decision_function(given)
        assert ((z > 0) & (z < 0.5)).any()
        assert_classifies(model, given)
        if z.ndim == 1:
            scores = assert_classifies(model, given, raw_scores=True)
            assert_close(scores, np.column_stack([-z, z]), "float64", 20.0)
            assert_classifies(CalibratedClassifierCV(model, cv=2).fit(X, y), given)


def test_stacking_asks_pipelines_and_searches_for_decision_functions(classifier, X):
    members = [
        ("a", make_pipeline(StandardScaler(), make(classifier))),
        ("b", GridSearchCV(make_pipeline(StandardScaler(), make(classifier)), {}, cv=2)),
    ]
    model = StackingClassifier(members, stack_method="decision_function", cv=2)
    assert_classifies(model.fit(X, groups()), X)


def test_a_frame_has_an_input_for_each_column(cls, X):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd")).assign(b=np.arange(90))
    model = make(cls).fit(frame, target_for(cls, 90))
    options = {"options": {id(model): {"zipmap": False}}} if cls in CLASSIFIERS else {}
    graph = skl2onnx.to_onnx(model, frame[:1], target_opset=20, **options)
    first, *rest = serve(graph, {name: frame[[name]].to_numpy() for name in frame}).values()
    if cls in CLASSIFIERS:
        assert_array_equal(first, model.predict(frame))
    else:
        assert_close(first[:, 0], model.predict(frame), "float64")
    for proba in rest if cls in PROBABILISTIC else []:
        assert_close(proba, model.predict_proba(frame), "float64")


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_frame_of_numbers_and_categories(cls, X):
    pd = pytest.importorskip("pandas")
    columns = {f"x{k}": X[:, k] for k in range(4)}
    frame = pd.DataFrame(columns | {"colour": np.array(["red", "blue"])[np.arange(90) % 2]})
    transformer = ColumnTransformer(
        [("numbers", StandardScaler(), [f"x{k}" for k in range(4)]),
         ("categories", OneHotEncoder(), ["colour"])]
    )  # fmt: skip
    model = make_pipeline(transformer, make(cls)).fit(frame, target_for(cls, 90))
    types = skl2onnx.common.data_types
    initial = [(f"x{k}", types.FloatTensorType([None, 1])) for k in range(4)]
    initial.append(("colour", types.StringTensorType([None, 1])))
    options = {"options": {id(model): {"zipmap": False}}} if cls in CLASSIFIERS else {}
    graph = skl2onnx.to_onnx(model, initial_types=initial, target_opset=20, **options)
    given = {name: frame[[name]].to_numpy() for name in frame}
    given = {
        name: a.astype(object if name == "colour" else np.float32) for name, a in given.items()
    }
    first, *_ = serve(graph, given).values()
    if cls in CLASSIFIERS:
        assert_array_equal(first, model.predict(frame))
    else:
        assert_close(first[:, 0], model.predict(frame), "float32")


# ---- the registration itself --------------------------------------------------------------------


class Mine(ManualMLPClassifier):
    """A subclass."""


class Doubled(Tanh):
    """An activation without operators."""

    def forward(self, z, out):
        np.tanh(2.0 * z, out=out)


def test_subclasses_are_registered_by_themselves(X):
    model = make(Mine, hidden_layer_sizes=(3,)).fit(X, groups())
    register(Mine)
    assert_classifies(model, X)
    assert_classifies(make_pipeline(StandardScaler(), make(Mine)).fit(X, groups()), X)
    for wrong in (LogisticRegression, model, "Mine"):
        with pytest.raises(TypeError, match="register takes subclasses of sklearn_neuron's"):
            register(wrong)


def test_it_may_be_repeated(X):
    from skl2onnx._supported_operators import sklearn_operator_name_map

    before = dict(sklearn_operator_name_map)
    register()
    assert sklearn_operator_name_map == before
    assert {sklearn_operator_name_map[cls] for cls in ESTIMATORS} == {
        f"SklearnNeuron{cls.__name__}" for cls in ESTIMATORS
    }


@pytest.mark.parametrize("opset", [13, 17])
def test_older_opsets_are_refused(cls, opset, X):
    model = make_pipeline(StandardScaler(), make(cls)).fit(X, target_for(cls, 90))
    with pytest.raises(
        ValueError, match=f"{cls.__name__} needs target_opset 18 to 23; got {opset}"
    ):
        skl2onnx.to_onnx(model, X[:1], target_opset=opset)


def test_an_activation_without_operators_is_refused_by_name(X):
    for network in NETWORKS:
        model = make(network, activation=Doubled()).fit(X, target_for(network, 90))
        with pytest.raises(NotImplementedError, match="Doubled does not say its ONNX operators"):
            skl2onnx.to_onnx(model, X[:1], target_opset=20)


def test_fractions_are_no_classes(X):
    model = make(LogisticNeuronClassifier).fit(X, groups(2))
    model.classes_ = np.array([0.25, 0.75])
    with pytest.raises(ValueError, match=r"strings or integers; got \[0.25, 0.75\]"):
        converted(model, X, zipmap=False)


def test_both_ways_write_the_same(cls, X):
    from sklearn_neuron.onnx import to_onnx

    model = make(cls).fit(X, target_for(cls, 90))
    options = {"zipmap": False} if cls in CLASSIFIERS else {}
    ours, theirs = serve(to_onnx(model), X), converted(model, X, **options)
    for mine, other in zip(ours.values(), theirs.values(), strict=True):
        assert_array_equal(
            mine, np.reshape(other, mine.shape) if mine.size == other.size else other
        )


# ---- what skl2onnx does not convert, as the guide says -------------------------------------------


def converts(model, X, y):
    """Return whether a model is converted, loads, and answers as it should."""
    model.fit(X, y)
    try:
        options = {"zipmap": False} if hasattr(model, "classes_") else {}
        first, *rest = converted(model, X, **options).values()
    except Exception:  # of skl2onnx, onnx or onnxruntime
        return False
    right = np.allclose(np.reshape(first, np.shape(y)), model.predict(X), rtol=1e-5, atol=1e-5)
    if rest and hasattr(model, "predict_proba"):
        right = right and np.allclose(rest[0], model.predict_proba(X), atol=1e-5)
    return right


NOT_CONVERTED = {
    "isotonic": lambda one: CalibratedClassifierCV(one, method="isotonic", cv=2),
    "one-vs-one": OneVsOneClassifier,
    "random search": lambda one: RandomizedSearchCV(one, {"random_state": [0]}, n_iter=1, cv=2),
    "flat voting": lambda one: VotingClassifier([("a", one)], voting="soft"),
    "boosting in float64": lambda one: AdaBoostClassifier(one, n_estimators=3),
    "weights in a list": lambda one: VotingClassifier(
        [("a", one)], voting="soft", weights=[1], flatten_transform=False
    ),
    "stack of predictions": lambda one: StackingClassifier(
        [("a", one)], stack_method="predict", cv=2
    ),
    "output code": lambda one: OutputCodeClassifier(one, random_state=0),
    "bins": lambda one: make_pipeline(
        KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), one
    ),
    "powers in float64": lambda one: make_pipeline(PolynomialFeatures(2), one),
    "imputation in float64": lambda one: make_pipeline(SimpleImputer(), one),
}


@pytest.mark.filterwarnings("ignore")  # they are of skl2onnx
@pytest.mark.parametrize("name", NOT_CONVERTED)
def test_the_guide_lists_what_fails_with_any_classifier(name, X):
    """When this fails skl2onnx has learned something, and the guide is to be changed."""
    for one in (make(LogisticNeuronClassifier), LogisticRegression(random_state=0)):
        assert not converts(NOT_CONVERTED[name](one), X, groups())


SILENT = {
    "calibrated pipeline of one-vs-rest": (
        lambda one: CalibratedClassifierCV(make_pipeline(OneVsRestClassifier(one)), cv=2),
        "CalibratedClassifierCV takes probabilities for the decision function",
    ),
    "isotonic": (
        lambda one: CalibratedClassifierCV(one, method="isotonic", cv=2),
        "CalibratedClassifierCV has other probabilities with method='isotonic'. Use",
    ),
    "stack of a search": (
        lambda one: StackingClassifier(
            [("a", GridSearchCV(OneVsRestClassifier(one), {}, cv=2))],
            stack_method="decision_function",
            cv=2,
        ),
        "StackingClassifier takes probabilities for the decision function",
    ),
    "one-vs-rest of bags": (
        lambda one: OneVsRestClassifier(BaggingClassifier(one, 3, random_state=0)),
        "OneVsRestClassifier compares means of probabilities",
    ),
}
TUNED_OF_OTHERS = {
    "calibrated": lambda one: TunedThresholdClassifierCV(CalibratedClassifierCV(one, cv=2), cv=2),
    "bagged": lambda one: TunedThresholdClassifierCV(BaggingClassifier(one, 3), cv=2),
    "hard voting": lambda one: VotingClassifier(
        [("a", TunedThresholdClassifierCV(one, cv=2))], flatten_transform=False
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SILENT)
def test_what_would_be_wrong_without_an_error_is_refused(name, X):
    """With LogisticRegression it is converted, and the answers differ."""
    model, message = SILENT[name]
    given = np.vstack([X, 2.0 * np.random.RandomState(6).normal(size=(4000, 4))])
    plain = model(LogisticRegression(C=100.0)).fit(X, groups())
    label, proba = converted(plain, given, zipmap=False).values()
    differs = (label != plain.predict(given)).any()
    if hasattr(plain, "predict_proba"):
        differs = differs or np.abs(proba - plain.predict_proba(given)).max() > 0.01
    assert differs
    with pytest.raises(NotImplementedError, match=message):
        converted(model(make(LogisticNeuronClassifier)).fit(X, groups()), X, zipmap=False)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TUNED_OF_OTHERS)
def test_thresholds_that_would_not_be_applied_are_refused(name, X):
    model, y = TUNED_OF_OTHERS[name], noisy(X)
    given = np.random.RandomState(6).normal(size=(4000, 4))
    plain = model(LogisticRegression()).fit(X, y)
    label, _ = converted(plain, given, zipmap=False).values()
    assert (label != plain.predict(given)).any()
    with pytest.raises(NotImplementedError, match="does not apply a tuned threshold"):
        converted(model(make(LogisticNeuronClassifier)).fit(X, y), X, zipmap=False)


def test_one_vs_one_is_refused(X):
    """Of LogisticRegression it has codes of the shape (n, 1), which onnxruntime loads."""
    model = OneVsOneClassifier(make(LogisticNeuronClassifier)).fit(X, groups())
    with pytest.raises(NotImplementedError, match="OneVsOneClassifier returns a column of codes"):
        converted(model, X, zipmap=False)


def test_calibration_of_several_inputs_goes_inside_the_pipeline(classifier, X):
    """skl2onnx takes one input outside, whatever is inside."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"x": X[:, 0], "z": X[:, 1], "c": np.array(["a", "b"])[np.arange(90) % 2]})
    columns = ColumnTransformer(
        [("n", StandardScaler(), ["x", "z"]), ("c", OneHotEncoder(), ["c"])]
    )
    for one in (make(classifier), LogisticRegression()):
        model = CalibratedClassifierCV(make_pipeline(columns, one), cv=2).fit(frame, groups())
        with pytest.raises(Exception, match=r"at most 1 input\(s\)"):
            skl2onnx.to_onnx(model, frame[:1], target_opset=20)
    model = make_pipeline(columns, CalibratedClassifierCV(make(classifier), cv=2))
    model.fit(frame, groups())
    options = {id(model): {"zipmap": False}}
    graph = skl2onnx.to_onnx(model, frame[:1], target_opset=20, options=options)
    given = {"x": X[:, :1], "z": X[:, 1:2], "c": frame[["c"]].to_numpy(object)}
    label, proba = serve(graph, given).values()
    assert_array_equal(label, model.predict(frame))
    assert_close(proba, model.predict_proba(frame), "float64")


@pytest.mark.filterwarnings("ignore")
def test_the_guide_lists_what_fails_with_some(X):
    y = X[:, 0]
    for one in (make(SigmoidNeuronRegressor), Ridge()):
        assert not converts(TransformedTargetRegressor(one, transformer=StandardScaler()), X, y)
        assert not converts(RegressorChain(one), X, X[:, :2])
    assert not converts(ClassifierChain(LogisticRegression()), X, (X[:, :2] > 0).astype(int))
    assert not converts(BaggingClassifier(make(PerceptronClassifier), 3), X, groups())
    for one in (make(LogisticNeuronClassifier), LogisticRegression()):
        how = {"stack_method": "decision_function", "cv": 2}
        assert not converts(StackingClassifier([("a", one)], **how), X, groups(2))
        assert converts(StackingClassifier([("a", one)], **how), X, groups(3))
        assert not converts(FixedThresholdClassifier(one), X, groups(2))
    boosted = AdaBoostClassifier(make(LogisticNeuronClassifier), n_estimators=3)
    assert converts(boosted, X.astype(np.float32), groups())
