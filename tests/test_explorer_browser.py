"""The explorer's page in a real browser: its numbers are those of the package."""

import shutil

import numpy as np
import pytest

from sklearn_neuron import SGD, Adam, ManualMLPClassifier, ManualMLPRegressor, PerceptronClassifier
from sklearn_neuron.activations import ACTIVATIONS
from sklearn_neuron.inspection import at, backprop_trace, explore
from sklearn_neuron.inspection._subject import recorded_thetas
from sklearn_neuron.losses import LOSSES

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
if CHROMIUM is None:
    pytest.skip("no Chromium is installed", allow_module_level=True)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Return a function that opens an explorer's page; it asserts that nothing went wrong."""
    pages, troubles, requests = [], [], []

    def visit(explorer, **options):
        path = explorer.save(tmp_path / f"page{len(pages)}.html")
        page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector(".stage .say", timeout=10_000)
        pages.append(page)
        return page

    yield visit
    assert not troubles
    assert len(requests) == len(pages)
    for page in pages:
        page.close()


def numbers(page, shot, row):
    """Return the page's numbers of a row."""
    call = f"document.querySelector('main').explorer.numbers({shot}, {row})"
    return page.evaluate(call)


def assert_agrees(page, estimator, X, y, shots):
    """Compare every number of every row with the package's trace."""
    for shot, then in shots:
        whole = backprop_trace(then, X, y)
        for row in range(len(X)):
            here = numbers(page, shot, row)
            np.testing.assert_allclose(here["loss"], whole.loss[row], rtol=1e-12, atol=1e-12)
            dW, db = [], []
            for l in whole.z:
                for name in ("z", "a", "delta"):
                    theirs = getattr(whole, name)[l][row]
                    np.testing.assert_allclose(here[name][l], theirs, rtol=1e-12, atol=1e-12)
                dW.append(np.outer(whole.a[l - 1][row], whole.delta[l][row]).ravel())
                db.append(whole.delta[l][row])
            grad = np.concatenate([*dW, *db])
            np.testing.assert_allclose(here["grad"], grad, rtol=1e-12, atol=1e-12)


def data(n_outputs=1, kind="numbers"):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(12, 3))
    if kind == "classes":
        return X, np.arange(12) % 3
    return X, np.abs(rng.normal(size=(12, n_outputs)))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_agrees(visit, activation):
    X, y = data(2)
    model = ManualMLPRegressor(
        (4, 3),
        activation=activation,
        eta=0.01,
        max_iter=3,
        tol=None,
        record="epoch",
        random_state=0,
    ).fit(X * 3, y)
    page = visit(explore(model, X * 3, y))
    assert_agrees(page, model, X * 3, y, [(0, at(model, epoch=-1)), (3, model)])


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_agrees(visit, loss):
    kind = {"cross_entropy": "classes", "perceptron": "classes"}.get(loss, "numbers")
    X, y = data(2, kind)
    settings = {"max_iter": 4, "tol": None, "record": "epoch", "random_state": 0}
    if loss == "perceptron":
        model = PerceptronClassifier(**settings)
    elif kind == "classes":
        model = ManualMLPClassifier((4,), loss=loss, **settings)
    else:
        y = y > 0.6 if loss == "binary_cross_entropy" else y
        model = ManualMLPRegressor((4,), loss=loss, eta=0.01, **settings)
    model.fit(X, y)
    page = visit(explore(model, X, y))
    assert_agrees(page, model, X, y, [(0, at(model, epoch=-1)), (len(model.loss_curve_), model)])


XOR = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])


def xor(**params):
    settings = {"activation": "logistic", "init": "he_uniform", "eta": 0.5, "batch_size": None}
    settings |= {
        "solver": SGD(),
        "max_iter": 1000,
        "tol": None,
        "record": "epoch",
        "random_state": 0,
    }
    return ManualMLPClassifier((4, 4), **settings | params).fit(*XOR)


@pytest.mark.parametrize(
    "params",
    [
        {"solver": SGD()},
        {"solver": SGD(momentum=0.9)},
        {"solver": SGD(momentum=0.9, nesterov=True), "alpha": 1e-3},
        {"solver": Adam(max_norm=0.1), "eta": 0.01},
        {"batch_size": 1, "shuffle": False, "eta": 0.2},
        {"batch_size": 1, "record": "step", "eta": 0.2},
        {"batch_size": 3, "record": "step", "eta": 0.2},
    ],
    ids=str,
)
def test_live_training_agrees(visit, params):
    """Page and package are two implementations; rounding is all that may differ."""
    model = xor(**params)
    page = visit(explore(model, *XOR, live=True))
    said = page.inner_text("section.live")
    assert ("the same numbers as the package to 1e-12" in said) == isinstance(model.solver, SGD)
    theta, losses = page.evaluate(
        "() => { const {trainer} = document.querySelector('main').explorer;"
        "for (let k = 0; k < 1000; k++) trainer.epoch();"
        "return [[...trainer.theta], trainer.losses]; }"
    )
    np.testing.assert_allclose(theta, recorded_thetas(model)[-1], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(losses, model.loss_curve_, rtol=1e-12, atol=1e-12)
