"""The picture of a search: every cell is the candidate it says, in order, and readable."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import loguniform, randint
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_neuron import SGD, Adam, LogisticNeuronClassifier, ManualMLPClassifier
from sklearn_neuron.inspection import SearchDisplay

pytest.importorskip("matplotlib")
X, y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
NEURON = LogisticNeuronClassifier(max_iter=4, tol=None, random_state=0)
GRID = {"eta": [1.0, 0.01, 0.1], "batch_size": [None, 32, 8]}


def inside(grid):
    return {f"logisticneuronclassifier__{name}": values for name, values in grid.items()}


@pytest.fixture(scope="module")
def search():
    return GridSearchCV(NEURON, GRID, cv=3).fit(X, y)


def test_each_cell_is_its_candidate(search):
    display = SearchDisplay.from_search(search, quantities=["score", "std", "fit_time"])
    assert display.x == [0.01, 0.1, 1.0]
    assert display.y == [8, 32, None]
    results = search.cv_results_
    names = {"score": "mean_test_score", "std": "std_test_score", "fit_time": "mean_fit_time"}
    for k, params in enumerate(results["params"]):
        cell = display.y.index(params["batch_size"]), display.x.index(params["eta"])
        for quantity, column in names.items():
            assert display.quantities[quantity][cell] == results[column][k]
        if k == search.best_index_:
            assert display.best == cell
            for frame in display.best_.values():
                assert frame.get_xy() == cell[::-1]
    assert_array_equal(display.images_["score"].get_array(), display.quantities["score"])
    time = np.array(display.images_["fit_time"].get_array())
    assert_allclose(time, 1000.0 * display.quantities["fit_time"])
    assert display.axes_["fit_time"].get_title() == "time of a fit, ms"
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["0.01", "0.1", "1"]
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["8", "32", "all rows"]
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("eta", "batch_size")


def test_numbers_in_the_cells_fit_and_can_be_read(search):
    from sklearn_neuron.inspection._extras import luminance

    display = SearchDisplay.from_search(search)
    display.figure_.canvas.draw()
    for name, panel in display.axes_.items():
        mesh, texts = display.images_[name], display.texts_[name]
        assert len(texts) == 9
        for text in texts:
            column, row = (int(place) for place in text.get_position())
            value = np.array(mesh.get_array())[row, column]
            if name == "score":
                assert text.get_text() == f"{value:.3f}"
            else:
                assert float(text.get_text()) == float(f"{value:.3g}")
            back = luminance(mesh.cmap(mesh.norm(value)))
            ink = {"black": 0.0, "white": 1.0}[text.get_color()]
            low, high = sorted([back, ink])
            assert (high + 0.05) / (low + 0.05) >= 4.5
            corners = panel.transData.transform([[column, row], [column + 1, row + 1]])
            box = text.get_window_extent()
            assert corners[0, 0] <= box.x0 < box.x1 <= corners[1, 0]
            assert corners[0, 1] <= box.y0 < box.y1 <= corners[1, 1]


def test_any_color_has_an_ink():
    from sklearn_neuron.inspection._extras import ink_on, luminance

    for rgb in itertools.product(np.linspace(0.0, 1.0, 12), repeat=3):
        low, high = sorted([luminance(rgb), {"black": 0.0, "white": 1.0}[ink_on(rgb)]])
        assert (high + 0.05) / (low + 0.05) >= 4.5


def test_many_cells_have_no_numbers_and_labels_do_not_touch():
    from matplotlib import pyplot as plt

    _, ax = plt.subplots(figsize=(2.5, 2.0), layout="constrained")
    grid = {"eta": np.logspace(-4, 0, 9), "batch_size": [4, 8, 16, 32]}
    search = GridSearchCV(NEURON, grid, cv=2).fit(X, y)
    display = SearchDisplay.from_search(search, quantities="score", ax=ax)
    assert display.ax_ is ax
    assert display.texts_ == {"score": []}
    labels = ax.get_xticklabels()
    assert labels[0].get_rotation() > 0.0
    shown = [label.get_text() for label in labels]
    assert 1 < len(shown) <= 9
    all_labels = ["0.0001", "0.000316", "0.001", "0.00316", "0.01", "0.0316", "0.1", "0.316", "1"]
    assert [round(place - 0.5) for place in ax.get_xticks()] == list(map(all_labels.index, shown))
    wide = SearchDisplay.from_search(search, quantities="score")
    wide.figure_.canvas.draw()
    assert len(wide.texts_["score"]) == 36
    boxes = [label.get_window_extent() for label in wide.ax_.get_xticklabels()]
    turned = wide.ax_.get_xticklabels()[0].get_rotation() > 0.0
    assert turned or all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


def test_short_names_in_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), NEURON)
    search = GridSearchCV(pipeline, inside(GRID), cv=2).fit(X, y)
    display = SearchDisplay.from_search(search)
    assert display.names == tuple(inside({"eta": 0, "batch_size": 0}))
    assert display.ax_.get_xlabel() == "eta"
    full = SearchDisplay.from_search(search, *inside({"batch_size": 0, "eta": 0}))
    assert_array_equal(full.quantities["score"].T, display.quantities["score"])


def test_names_that_are_none_or_several(search):
    with pytest.raises(ValueError, match=r"x='alpha' was not searched over.*'eta'"):
        SearchDisplay.from_search(search, "alpha")
    with pytest.raises(ValueError, match="y='alpha'"):
        SearchDisplay.from_search(search, y="alpha")
    with pytest.raises(ValueError, match="two different"):
        SearchDisplay.from_search(search, "eta", "eta")
    network = ManualMLPClassifier((), max_iter=2, tol=None)
    steps = make_pipeline(NEURON.__class__(), network)
    steps.steps[0] = ("scale", StandardScaler())
    grid = {"scale__with_mean": [True, False], "manualmlpclassifier__solver__momentum": [0.0, 0.9]}
    steps.set_params(manualmlpclassifier__solver=SGD())
    search = GridSearchCV(steps, grid, cv=2).fit(X, y)
    display = SearchDisplay.from_search(search, "momentum", "with_mean")
    assert display.y == [True, False]
    both = {"manualmlpclassifier__eta": [0.1], "manualmlpclassifier__solver__eta": [0.1]}
    from sklearn_neuron.inspection._searches.search_table import full_name

    with pytest.raises(ValueError, match="end of several"):
        full_name("eta", list(both), "x")


def test_more_parameters_show_the_best_over_the_others():
    grid = {**GRID, "alpha": [10.0, 0.0, 0.01]}
    search = GridSearchCV(NEURON, grid, cv=3).fit(X, y)
    display = SearchDisplay.from_search(search, quantities=("score", "std"))
    results = search.cv_results_
    for row, size in enumerate(display.y):
        for column, eta in enumerate(display.x):
            of_cell = [
                k
                for k, params in enumerate(results["params"])
                if params["eta"] == eta and params["batch_size"] == size
            ]
            best = max(results["mean_test_score"][k] for k in of_cell)
            assert display.quantities["score"][row, column] == best
            spreads = {
                results["std_test_score"][k]
                for k in of_cell
                if results["mean_test_score"][k] == best
            }
            assert display.quantities["std"][row, column] in spreads
    assert display.figure_.get_suptitle() == "best over alpha"
    row, column = display.best
    assert display.quantities["score"][row, column] == search.best_score_
    assert display.x[column] == search.best_params_["eta"]
    assert display.y[row] == search.best_params_["batch_size"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the:UserWarning")
def test_what_failed_is_hatched():
    grid = {"eta": [0.1, 1e9], "batch_size": [8, None]}
    model = LogisticNeuronClassifier(max_iter=30, tol=None, random_state=0)
    search = GridSearchCV(model, grid, cv=3).fit(X, y)
    failed = np.isnan(search.cv_results_["mean_test_score"])
    assert 0 < failed.sum() < 4
    display = SearchDisplay.from_search(search)
    for panel in display.axes_.values():
        hatched = [patch.get_xy() for patch in panel.patches if patch.get_hatch()]
        expected = {
            (display.x.index(p["eta"]), display.y.index(p["batch_size"]))
            for p, bad in zip(search.cv_results_["params"], failed, strict=True)
            if bad
        }
        assert set(hatched) == expected
    one = GridSearchCV(model, {"eta": [0.1, 1e9]}, cv=3).fit(X, y)
    strip = SearchDisplay.from_search(one)
    bad = int(np.isnan(one.cv_results_["mean_test_score"]).sum())
    assert len([p for p in strip.ax_.patches if p.get_hatch()]) == bad


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the:UserWarning")
def test_everything_failed():
    search = GridSearchCV(NEURON, {"eta": [-1.0, -2.0], "batch_size": [8]}, cv=2, refit=False)
    with pytest.raises(ValueError, match="fits failed"):
        search.fit(X, y)
    results = {"mean_test_score": np.full(2, np.nan), "std_test_score": np.full(2, np.nan)}
    results |= {"mean_fit_time": np.zeros(2)}
    results["params"] = [{"eta": 1.0, "batch_size": 8}, {"eta": 2.0, "batch_size": 8}]
    search.cv_results_ = results
    display = SearchDisplay.from_search(search)
    assert display.best is None
    display.figure_.canvas.draw()


def test_one_parameter_is_a_line():
    search = GridSearchCV(NEURON, {"eta": np.logspace(-3, 0, 4)}, cv=3).fit(X, y)
    for name in ("batch_size", None):
        display = SearchDisplay.from_search(search, y=name)
        assert_array_equal(
            display.images_["score"].get_ydata(), search.cv_results_["mean_test_score"]
        )
        star = display.best_["score"]
        assert star.get_xdata()[0] == search.best_index_
        assert star.get_ydata()[0] == search.best_score_
        labels = [label.get_text() for label in display.ax_.get_xticklabels()]
        assert labels == ["0.001", "0.01", "0.1", "1"]
    bars = display.ax_.containers[0].lines[2][0].get_segments()
    middle, std = search.cv_results_["mean_test_score"], search.cv_results_["std_test_score"]
    assert_allclose([bar[:, 1] for bar in bars], np.stack([middle - std, middle + std], axis=1))
    both = GridSearchCV(NEURON, GRID, cv=3).fit(X, y)
    best = SearchDisplay.from_search(both, y=None)
    assert best.title == "best over batch_size"
    scores = both.cv_results_["mean_test_score"]
    for eta, score in zip(best.x, best.quantities["score"][0], strict=True):
        assert score == max(
            s for s, p in zip(scores, both.cv_results_["params"], strict=True) if p["eta"] == eta
        )


@pytest.mark.parametrize("resource", ["n_samples", "max_iter"])
def test_halving_shows_the_last_iteration_of_each_candidate(resource):
    model = LogisticNeuronClassifier(tol=None, random_state=0)
    options = {} if resource == "n_samples" else {"resource": "max_iter", "max_resources": 20}
    search = HalvingGridSearchCV(
        model.set_params(max_iter=4), GRID, cv=3, factor=2, random_state=0, **options
    ).fit(X, y)
    display, results = SearchDisplay.from_search(search), search.cv_results_
    for row, size in enumerate(display.y):
        for column, eta in enumerate(display.x):
            last = max(
                (results["iter"][k], k)
                for k, params in enumerate(results["params"])
                if params["eta"] == eta and params["batch_size"] == size
            )[1]
            assert display.quantities["score"][row, column] == results["mean_test_score"][last]
            if (row, column) == display.best:
                assert last == search.best_index_
    assert display.title == "last iteration of each candidate"


def test_a_random_search_is_drawn_as_points():
    space = {"eta": loguniform(1e-3, 1.0), "batch_size": randint(2, 100)}
    search = RandomizedSearchCV(NEURON, space, n_iter=12, cv=2, random_state=0).fit(X, y)
    display = SearchDisplay.from_search(search)
    points = display.images_["score"]
    params = search.cv_results_["params"]
    expected = {
        (p["eta"], p["batch_size"]): score
        for p, score in zip(params, search.cv_results_["mean_test_score"], strict=True)
    }
    drawn = dict(zip(map(tuple, points.get_offsets().data), points.get_array(), strict=True))
    assert drawn == expected
    assert display.ax_.get_xscale() == "log"
    best = display.best_["score"]
    assert (best.get_xdata()[0], best.get_ydata()[0]) == tuple(
        search.best_params_[name] for name in ("eta", "batch_size")
    )
    choices = {"eta": [0.1, 1.0], "batch_size": [8, None]}
    search = RandomizedSearchCV(NEURON, choices, n_iter=3, cv=2, random_state=0).fit(X, y)
    display = SearchDisplay.from_search(search)
    assert np.isnan(display.quantities["score"]).sum() == 1  # the one that was not tried ...
    assert not [p for p in display.ax_.patches if p.get_hatch()]  # ... has not failed


def test_objects_words_and_many_digits():
    solvers = [SGD(momentum=0.9, nesterov=True), Adam(), "adam", "sgd"]
    grid = {"solver": solvers, "eta": [0.1001, 0.1002]}
    search = GridSearchCV(NEURON, grid, cv=2).fit(X, y)
    display = SearchDisplay.from_search(search, y="solver")
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert len(labels) == 4
    assert all(0 < len(label) <= 20 for label in labels)
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["0.1001", "0.1002"]
    mixed = {"eta": ["auto", 0.1, 0.01], "batch_size": [None, 64, 8]}
    display = SearchDisplay.from_search(GridSearchCV(NEURON, mixed, cv=2).fit(X, y))
    assert display.x == [0.01, 0.1, "auto"]
    assert display.y == [8, 64, None]
    true = GridSearchCV(NEURON, {"shuffle": [True, False], "eta": [1, 0.5]}, cv=2).fit(X, y)
    assert SearchDisplay.from_search(true, y="shuffle").y == [True, False]


def test_several_metrics_and_other_estimators():
    search = GridSearchCV(
        LogisticRegression(max_iter=500),
        {"C": [0.1, 1.0], "fit_intercept": [True, False]},
        scoring=["accuracy", "neg_log_loss"],
        refit="neg_log_loss",
        cv=2,
    ).fit(X, y)
    display = SearchDisplay.from_search(search, "C", "fit_intercept")
    assert display.title == "score: neg_log_loss"
    assert display.quantities["score"].max() == search.cv_results_["mean_test_neg_log_loss"].max()
    other = SearchDisplay.from_search(search, "C", "fit_intercept", metric="accuracy")
    assert other.quantities["score"].max() == search.cv_results_["mean_test_accuracy"].max()
    row, column = other.best
    assert other.quantities["score"][row, column] == other.quantities["score"].max()
    with pytest.raises(ValueError, match=r"metric must be one of \['accuracy', 'neg_log_loss'\]"):
        SearchDisplay.from_search(search, "C", "fit_intercept", metric="r2")
    search.refit = False
    with pytest.raises(ValueError, match="set metric"):
        SearchDisplay.from_search(search, "C", "fit_intercept")


def test_what_is_refused(search):
    with pytest.raises(TypeError, match="needs a fitted search"):
        SearchDisplay.from_search(NEURON)
    with pytest.raises(NotFittedError):
        SearchDisplay.from_search(GridSearchCV(NEURON, GRID))
    for quantities in ((), ("loss",), "loss"):
        with pytest.raises(ValueError, match="quantities must be some of"):
            SearchDisplay.from_search(search, quantities=quantities)
    with pytest.raises(ValueError, match="ax must be one axes or 2"):
        SearchDisplay.from_search(search, ax=[None, None, None])


def test_axes_are_taken_one_or_all(search):
    from matplotlib import pyplot as plt

    with plt.style.context("dark_background"):
        figure, axes = plt.subplots(1, 2)
        display = SearchDisplay.from_search(search, ax=axes, cmap="gray")
        assert [*display.axes_.values()] == list(axes)
        assert display.images_["score"].get_cmap().name == "gray"
        _, ax = plt.subplots()
        display = SearchDisplay.from_search(search, ax=ax)
        assert len(display.axes_) == 2
        figure.canvas.draw()


def test_scores_far_below_leave_colors_for_the_others():
    scores = np.array([[0.9, 0.91, 0.92, 0.93, -1e9]])
    display = SearchDisplay(
        names=("eta", "batch_size"), x=[1, 2, 3, 4, 5], y=[8], quantities={"score": scores}
    ).plot()
    low, high = display.images_["score"].get_clim()
    assert high == 0.93
    assert low == pytest.approx(0.93 - 4.0 * 0.02)
    assert display.images_["score"].colorbar.extend == "min"


def test_candidates_without_a_parameter_have_a_place_of_their_own():
    X, y = load_iris(return_X_y=True)
    neuron = LogisticNeuronClassifier(random_state=0)
    grids = [{"eta": [0.5]}, {"batch_size": [8, 16], "eta": [1e-4, 2e-4]}]
    search = GridSearchCV(neuron, grids, cv=3).fit(X, y)
    assert search.best_params_ == {"eta": 0.5}
    display = SearchDisplay.from_search(search)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["8", "16", "not set"]
    assert (display.x[display.best[1]], labels[display.best[0]]) == (0.5, "not set")
    assert display.quantities["score"][display.best] == search.best_score_
    assert display.best_["score"].get_xy() == display.best[::-1]
    assert display.tried.sum() == 5
    line = SearchDisplay.from_search(search, "batch_size", None)
    assert [label.get_text() for label in line.ax_.get_xticklabels()] == labels
    assert line.best == (0, 2)


def test_parameters_that_were_never_searched_together():
    grids = [{"eta": [0.1, 0.2]}, {"batch_size": [8, 16, None]}]
    search = GridSearchCV(NEURON, grids, cv=2).fit(X, y)
    display = SearchDisplay.from_search(search)
    assert list(map(str, display.x)) == ["0.1", "0.2", "not set"]
    assert list(map(str, display.y)) == ["8", "16", "None", "not set"]
    assert_array_equal(display.tried, [[0, 0, 1], [0, 0, 1], [0, 0, 1], [1, 1, 0]])


def test_a_best_candidate_in_no_cell_has_no_frame_elsewhere(search, monkeypatch):
    monkeypatch.setattr(search, "best_index_", 99)
    display = SearchDisplay.from_search(search)
    assert display.best is None
    assert display.best_ == {}
    assert display.title == "the best candidate is not among them"


def test_values_that_are_arrays():
    X, y = load_iris(return_X_y=True)
    priors = [np.full(3, 1 / 3), np.array([0.5, 0.25, 0.25]), None]
    grid = {"priors": priors, "var_smoothing": [1e-9, 1e-3]}
    search = GridSearchCV(GaussianNB(), grid, cv=2).fit(X, y)
    display = SearchDisplay.from_search(search, "var_smoothing", "priors")
    assert display.quantities["score"].shape == (3, 2)
    assert_array_equal(display.y[1], priors[1])
    assert display.y[2] is None


@pytest.mark.parametrize(
    ("grid", "asked", "names"),
    [
        ({"eta": [0.1, 1.0], "alpha": [0.0, 0.1]}, {}, ("eta", "alpha")),
        ({"alpha": [0.0, 0.1], "max_iter": [1, 2]}, {}, ("alpha", "max_iter")),
        ({"alpha": [0.0, 0.1]}, {}, ("alpha", None)),
        (GRID, {}, ("eta", "batch_size")),
        (GRID, {"y": "eta"}, ("batch_size", "eta")),
        (GRID, {"x": "batch_size"}, ("batch_size", "eta")),
        (GRID, {"y": None}, ("eta", None)),
        ({**GRID, "alpha": [0.0]}, {}, ("eta", "batch_size")),
        ({**GRID, "alpha": [0.0]}, {"y": "alpha"}, ("eta", "alpha")),
        ({"alpha": [0.0, 0.1], "max_iter": [1, 2]}, {"y": "alpha"}, ("max_iter", "alpha")),
    ],
)
def test_the_parameters_that_are_taken(grid, asked, names):
    search = GridSearchCV(NEURON, grid, cv=2).fit(X, y)
    assert SearchDisplay.from_search(search, **asked).names == names


def test_more_parameters_than_axes_must_be_chosen():
    grid = {"alpha": [0.0], "max_iter": [1, 2], "shuffle": [True, False]}
    search = GridSearchCV(NEURON, grid, cv=2).fit(X, y)
    for asked in ({}, {"y": "alpha"}, {"y": None}):
        with pytest.raises(ValueError, match=r"x= and y= .*\['alpha', 'max_iter', 'shuffle'\]"):
            SearchDisplay.from_search(search, **asked)
