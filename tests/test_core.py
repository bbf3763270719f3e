"""The compiled epoch: it does what the plain one does, where it is asked to and where it pays."""

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from helpers import parameters_of
from scipy import sparse
from sklearn.model_selection import GridSearchCV

from sklearn_neuron import (
    SGD,
    Adam,
    AdamW,
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    PerceptronClassifier,
    SigmoidNeuronRegressor,
    config_context,
    get_config,
    set_config,
)
from sklearn_neuron._engine import compiled, core
from sklearn_neuron.activations import ACTIVATIONS, ReLU, Tanh
from sklearn_neuron.losses import LOSSES, CrossEntropy, SquaredError
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import OPTIMIZERS


N, P = 61, 5  # the last batch is short


def draw():
    """Return samples, targets in (0, 1), and weights."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(N, P))
    z = X @ rng.normal(size=(P, 3)) - rng.normal(size=(N, 3))
    return X, 1.0 / (1.0 + np.exp(-z)), rng.uniform(0.2, 2.0, size=N)


X, T, WEIGHT = draw()
BINARY, CLASSES = (T[:, 0] > 0.5).astype(int), T.argmax(axis=1)
MOMENTUM = SGD(momentum=0.9)
NESTEROV = SGD(momentum=0.9, nesterov=True)


def fit(engine, cls, X, y, *, weight=None, **params):
    model = cls(**{"max_iter": 4, "tol": None, "random_state": 0, "batch_size": 7, **params})
    with config_context(engine=engine):
        model.fit(X, y, sample_weight=weight)
    return model


def parameters(model):
    W, b = parameters_of(model)
    return np.concatenate([array.ravel() for array in (*W, *b)])


def assert_agree(cls, X, y, rtol=1e-10, engine="compiled", **params):
    plain, fast = (fit(forced, cls, X, y, **params) for forced in ("numpy", "compiled"))
    assert (plain.engine_, fast.engine_) == ("numpy", engine)
    scale = np.abs(parameters(plain)).max()
    assert scale > 0
    np.testing.assert_allclose(parameters(fast), parameters(plain), rtol=rtol, atol=rtol * scale)
    np.testing.assert_allclose(fast.loss_curve_, plain.loss_curve_, rtol=10 * rtol)
    assert parameters(fast).dtype == parameters(plain).dtype
    return plain, fast


# ---- agreement, over the registries ------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_activations(name, batch_size):
    covered = ACTIVATIONS[name] in compiled.codes()[0]
    with contextlib.nullcontext() if covered else pytest.warns(UserWarning, match=name):
        assert_agree(
            ManualMLPClassifier, X, CLASSES, hidden_layer_sizes=(6, 4), activation=name,
            batch_size=batch_size, eta=0.01, engine="compiled" if covered else "numpy",
        )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["squared_error", "absolute_error", "huber", "quantile", "poisson"]
)
@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize("y", [T[:, 0], T], ids=["one", "three"])
def test_losses_of_regression(name, batch_size, y):
    for hidden in ((), (6,)):
        assert_agree(
            ManualMLPRegressor, X, y, hidden_layer_sizes=hidden, loss=name, batch_size=batch_size,
            solver=NESTEROV if hidden else "sgd", eta=0.01,
        )  # fmt: skip


@pytest.mark.parametrize("loss", [CrossEntropy(), CrossEntropy(label_smoothing=0.1)], ids=str)
@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize("y", [BINARY, CLASSES, T > 0.5], ids=["two", "three", "multilabel"])
def test_losses_of_classification(loss, batch_size, y):
    for hidden in ((), (6,)):
        assert_agree(
            ManualMLPClassifier, X, y, hidden_layer_sizes=hidden, loss=loss, batch_size=batch_size,
        )  # fmt: skip


def test_what_is_covered_has_a_name():
    assert set(ACTIVATIONS.values()) >= compiled.COMPILED_ACTIVATIONS
    assert set(LOSSES.values()) >= compiled.COMPILED_LOSSES
    assert set(OPTIMIZERS.values()) >= compiled.COMPILED_OPTIMIZERS


@pytest.mark.parametrize(
    "solver",
    ["sgd", MOMENTUM, NESTEROV, "adam", Adam(0.8, 0.9, 1e-4), AdamW(weight_decay=0.3)],
    ids=str,
)
@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize(
    "form", [np.asarray, sparse.csr_matrix, sparse.csr_array, np.asfortranarray]
)
def test_optimizers(solver, alpha, form):
    assert_agree(
        ManualMLPClassifier, form(X * (np.abs(X) > 0.5)), CLASSES, hidden_layer_sizes=(6,),
        solver=solver, alpha=alpha, weight=WEIGHT, eta=0.02,
    )  # fmt: skip


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
@pytest.mark.parametrize("batch_size", [1, 4, 5, 60])
def test_depths(depth, batch_size):
    assert_agree(
        ManualMLPRegressor, X, T[:, :2], hidden_layer_sizes=(4, 1, 3)[:depth], activation="tanh",
        batch_size=batch_size, alpha=0.01, weight=WEIGHT, eta=0.01,
    )  # fmt: skip


@pytest.mark.parametrize(
    "cls", [LogisticNeuronClassifier, SigmoidNeuronRegressor, PerceptronClassifier]
)
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 3, 32])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_neurons(cls, outputs, batch_size, form):
    y = (T[:, 0] if outputs == 1 else T) if cls is SigmoidNeuronRegressor else (
        BINARY if outputs == 1 else CLASSES)  # fmt: skip
    for alpha in (0.0, 0.3):
        for weight in (None, WEIGHT):
            assert_agree(
                cls, form(X * (np.abs(X) > 0.5)), y, batch_size=batch_size, alpha=alpha,
                weight=weight, eta=0.3, max_iter=7,
            )  # fmt: skip


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("y", [BINARY, CLASSES], ids=["two", "three"])
def test_penalties_that_overshoot(batch_size, y):
    # 1 - eta alpha is 0, negative, or so small that the common factor must be multiplied in
    for eta_alpha in (1.0, 1.5, 0.9999, 0.9):
        assert_agree(
            LogisticNeuronClassifier, sparse.csr_matrix(X), y, eta=0.5,
            alpha=eta_alpha / 0.5, batch_size=batch_size,
        )  # fmt: skip


@pytest.mark.parametrize("batch_size", [1, 3, 16])
@pytest.mark.parametrize("y", [BINARY, CLASSES], ids=["two", "three"])
def test_long_rows(batch_size, y):
    """Samples from LONG_ROW on have a loop of their own."""
    X = np.random.RandomState(1).normal(size=(N, 70))
    for weight in (None, WEIGHT):
        assert_agree(
            LogisticNeuronClassifier, X, y, alpha=0.1, weight=weight, batch_size=batch_size
        )


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["one", "many"])
def test_batches_in_blocks(monkeypatch, form, weight):
    """The gradients of a batch's blocks add up, also where the last block is short."""
    monkeypatch.setattr(compiled, "KERNEL_BLOCK_BYTES", 1)
    monkeypatch.setattr(compiled, "KERNEL_BLOCK_ROWS", 5)
    for solver in ("sgd", NESTEROV, "adam"):
        assert_agree(
            ManualMLPClassifier, form(X), CLASSES, hidden_layer_sizes=(6, 4), solver=solver,
            alpha=0.1, weight=weight, batch_size=17,
        )  # fmt: skip


def test_entries_that_occur_twice_in_a_row():
    data, columns = np.ones(2 * N), np.repeat(np.arange(N) % P, 2)
    X = sparse.csr_matrix((data, columns, np.arange(0, 2 * N + 1, 2)), shape=(N, P))
    assert not X.has_canonical_format
    assert_agree(LogisticNeuronClassifier, X, BINARY, alpha=0.1)
    assert_agree(ManualMLPClassifier, X, BINARY, hidden_layer_sizes=(3,))


@pytest.mark.parametrize("cls", [LogisticNeuronClassifier, ManualMLPClassifier])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_float32(cls, form):
    for solver in ("sgd", NESTEROV, "adam"):
        _, fast = assert_agree(
            cls, form(X.astype(np.float32)), CLASSES, rtol=2e-4, solver=solver, eta=0.01, alpha=0.01
        )
        assert parameters(fast).dtype == np.float32


def test_single_precision_is_computed_in_single_precision():
    from sklearn_neuron._engine.kernels import _functions

    for function in (_functions.exp, _functions.logistic, _functions.tanh):
        numbers = (np.float32(0.5), np.float32(1.0))[: 1 + (function is not _functions.exp)]
        function(*numbers)
        kinds = {
            signature.args[0]: signature.return_type for signature in function.nopython_signatures
        }
        assert all(given == returned for given, returned in kinds.items())


def test_a_call_is_short_for_a_large_network(monkeypatch):
    monkeypatch.setattr(compiled, "CALL_WORK", 1.0)  # a batch is the least
    calls = []
    value = CrossEntropy.value
    monkeypatch.setattr(
        CrossEntropy, "value", lambda self, y, z: calls.append(len(z)) or value(self, y, z)
    )
    fit("compiled", ManualMLPClassifier, X, CLASSES, max_iter=1)
    assert calls == [7] * 8 + [5]


def test_long_epochs_pass_in_several_calls(monkeypatch):
    monkeypatch.setattr(compiled, "OUTPUT_BYTES", 100)
    plain, fast = assert_agree(ManualMLPClassifier, X, CLASSES, weight=WEIGHT, alpha=0.1)
    fast, plain = (model._training_state.checkpoint.state["t"] for model in (fast, plain))
    assert fast == plain == 4 * 9


def test_mistakes_of_every_call_count(monkeypatch):
    monkeypatch.setattr(compiled, "OUTPUT_BYTES", 100)
    y = (X[:, 0] > 0.2).astype(int)
    for seed in range(5):
        runs = [
            fit(engine, PerceptronClassifier, X, y, batch_size=1, max_iter=500, random_state=seed)
            for engine in ("numpy", "compiled")
        ]
        assert runs[0].n_iter_ == runs[1].n_iter_ < 500


def test_rows_in_their_own_order():
    assert_agree(ManualMLPClassifier, X, CLASSES, shuffle=False)
    assert_agree(PerceptronClassifier, X, CLASSES, shuffle=False)


def test_large_logits():
    assert_agree(LogisticNeuronClassifier, 1e3 * X, BINARY, eta=10.0, batch_size=1)
    assert_agree(LogisticNeuronClassifier, 1e3 * X, CLASSES, eta=10.0, batch_size=16)
    for y in (BINARY, CLASSES):
        X_single = (1e3 * X).astype(np.float32)
        assert_agree(LogisticNeuronClassifier, X_single, y, rtol=1e-3, eta=10.0, batch_size=16)


# ---- what stands around the epoch ----------------------------------------------------------------


def test_it_goes_on_where_either_engine_stopped():
    blocks = np.array_split(np.arange(N), 3)
    results = []
    for engines in (("numpy",) * 3, ("compiled",) * 3, ("compiled", "numpy", "compiled")):
        model = ManualMLPClassifier((4,), batch_size=5, random_state=0)
        for engine, block in zip(engines, blocks, strict=True):
            with config_context(engine=engine):
                model.partial_fit(X[block], CLASSES[block], classes=[0, 1, 2])
            assert model.engine_ == engine
            model = pickle.loads(pickle.dumps(model))
        results.append(parameters(model))
    np.testing.assert_allclose(results[1], results[0], rtol=1e-10)
    np.testing.assert_allclose(results[2], results[0], rtol=1e-10)


def test_the_same_seed_gives_the_same_bits():
    first, second = (fit("compiled", ManualMLPClassifier, X, CLASSES) for _ in range(2))
    np.testing.assert_array_equal(parameters(first), parameters(second))


def test_validation_data_warm_starts_and_schedules():
    assert_agree(
        ManualMLPClassifier, X, CLASSES, early_stopping=True, schedule="cosine", n_init=2,
        max_iter=8, record="epoch",
    )  # fmt: skip
    for engine in ("numpy", "compiled"):
        model = fit(engine, ManualMLPClassifier, X, CLASSES, warm_start=True)
        with config_context(engine=engine):
            model.fit(X, CLASSES)
        assert model.n_iter_ == 4
        assert len(model.loss_curve_) == 8


def test_the_perceptron_stops_when_nothing_is_left_to_learn():
    y = (X[:, 0] > 0.2).astype(int)
    runs = [
        fit(engine, PerceptronClassifier, X, y, batch_size=1, max_iter=500)
        for engine in ("numpy", "compiled")
    ]
    assert runs[0].n_iter_ == runs[1].n_iter_ < 500
    assert runs[1].score(X, y) == 1.0


def test_verbose_says_that_the_first_fit_compiles(capsys):
    fit("compiled", LogisticNeuronClassifier, X, BINARY, max_iter=2, verbose=True)
    first, *epochs = capsys.readouterr().out.splitlines()
    assert first.startswith("[LogisticNeuronClassifier] compiled epochs; the first fit")
    assert len(epochs) == 2


def test_divergence_is_an_error():
    y = 1e3 * T[:, 0]
    for engine in ("numpy", "compiled"):
        with pytest.raises(ValueError, match="diverged in epoch"):
            fit(engine, ManualMLPRegressor, X, y, solver="sgd", eta=10.0, max_iter=50)


def test_inputs_are_not_written_to():
    X_given, y_given = X.copy(), CLASSES.copy()
    X_given.flags.writeable = y_given.flags.writeable = False
    fit("compiled", LogisticNeuronClassifier, X_given, y_given)
    assert X.flags.writeable
    fit("compiled", LogisticNeuronClassifier, X, CLASSES)
    assert X.flags.writeable
    np.testing.assert_array_equal(X, X_given)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"solver": "rmsprop"}, "RMSprop"),
        ({"solver": SGD(max_norm=1.0)}, "max_norm"),
        ({"solver": Adam(average=True)}, "average"),
        ({"dropout": 0.2}, "dropout"),
        ({"record": "step"}, "record='step'"),
        ({"batch_size": None}, "batches of all samples"),
        ({"solver": "lbfgs"}, "solver='lbfgs'"),
        ({"activation": type("Mine", (ReLU,), {"name": "mine"})()}, "mine"),
    ],
    ids=str,
)
def test_what_is_not_covered_falls_back_and_says_so(params, named):
    with pytest.warns(UserWarning, match=f"does not cover {named}.*; .* computed by NumPy"):
        model = fit("compiled", ManualMLPClassifier, X, CLASSES, hidden_layer_sizes=(3,), **params)
    assert model.engine_ == "numpy"
    fit("auto", ManualMLPClassifier, X, CLASSES, hidden_layer_sizes=(3,), **params)  # in silence


def test_blocks_are_not_reported_one_by_one():
    with config_context(engine="compiled"):
        model = LogisticNeuronClassifier(random_state=0)
        for block in np.array_split(np.arange(N), 4):
            model.partial_fit(X[block], CLASSES[block], classes=[0, 1, 2])
    assert model.engine_ == "numpy"  # blocks of less than a batch


def test_neither_l1_nor_another_link_nor_a_missing_intercept_is_covered():
    with pytest.warns(UserWarning, match="does not cover l1_ratio"):
        neuron = fit("compiled", LogisticNeuronClassifier, X, CLASSES, alpha=0.1, l1_ratio=0.5)
    assert neuron.engine_ == "numpy"
    with pytest.warns(UserWarning, match="does not cover SquaredError"):
        behind_tanh = fit("compiled", ManualMLPRegressor, X, T, loss=SquaredError(Tanh()))
    assert behind_tanh.engine_ == "numpy"
    with pytest.warns(UserWarning, match="does not cover fit_intercept=False"):
        through_zero = fit("compiled", LogisticNeuronClassifier, X, CLASSES, fit_intercept=False)
    assert through_zero.engine_ == "numpy"


# ---- the choice ----------------------------------------------------------------------------------


def test_small_jobs_stay_in_numpy_and_large_ones_do_not(monkeypatch):
    assert get_config() == {"engine": "auto"}
    assert fit("auto", ManualMLPClassifier, X, CLASSES).engine_ == "numpy"
    monkeypatch.setattr(compiled, "WORTHWHILE", 4e-4)
    assert fit("auto", ManualMLPClassifier, X, CLASSES).engine_ == "compiled"
    assert fit("auto", ManualMLPClassifier, X, CLASSES, max_iter=1).engine_ == "numpy"
    assert fit("auto", ManualMLPClassifier, X, CLASSES, batch_size=N - 1).engine_ == "numpy"


def test_how_long_a_job_takes_is_guessed_by_its_shape():
    def seconds(n, batch_size, n_epochs, sizes=(20, 100, 1)):
        network = Network(sizes, [ReLU()] * (len(sizes) - 2), CrossEntropy())
        return compiled.seconds_in_numpy(network, n, batch_size, n_epochs)

    step = seconds(1, 1, 1)
    assert 5e-6 < step < 50e-6  # 17 µs were measured
    assert seconds(1000, 1, 3) == pytest.approx(3000 * step)
    assert 2e-4 < seconds(1000, 1000, 1) < 1e-3  # 400 µs were measured
    assert seconds(1000, 1, 1, (20, 1)) < seconds(1000, 1, 1)
    assert seconds(150, 32, 200, (4, 100, 3)) < compiled.WORTHWHILE < seconds(3000, 1, 1)


def test_configuration():
    with config_context(engine="compiled"):
        assert get_config() == {"engine": "compiled"}
        with config_context():
            assert get_config() == {"engine": "compiled"}
        with pytest.raises(ZeroDivisionError), config_context(engine="numpy"):
            raise ZeroDivisionError
        assert get_config() == {"engine": "compiled"}
        seen = []
        thread = threading.Thread(target=lambda: seen.append(get_config()["engine"]))
        thread.start()
        thread.join()
        assert seen == ["compiled"]
    assert get_config() == {"engine": "auto"}
    with pytest.raises(ValueError, match=r"engine must be one of .*'numba'.* got 'torch'"):
        set_config(engine="torch")
    get_config()["engine"] = "numpy"
    assert get_config() == {"engine": "auto"}


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


def test_numba_is_imported_only_when_used():
    done = run(
        "import sys, sklearn_neuron as s\n"
        "s.ManualMLPClassifier((3,), max_iter=2).fit([[0.0], [1.0]] * 40, [0, 1] * 40)\n"
        "assert 'numba' not in sys.modules",
    )
    assert done.returncode == 0, done.stderr


def test_without_numba():
    block = "import sys; sys.modules['numba'] = None\n"
    fit = (
        "import sklearn_neuron as s, sklearn_neuron._engine.compiled as c, warnings\n"
        "c.WORTHWHILE = 0.0\n"
        "m = s.ManualMLPClassifier((3,), max_iter=2).fit([[0.0], [1.0]] * 40, [0, 1] * 40)\n"
        "assert m.engine_ == 'numpy', m.engine_"
    )
    done = run(block + fit, SKLEARN_NEURON_ENGINE="compiled")
    assert 'pip install "sklearn-neuron[fast]"' in done.stderr.splitlines()[-1]
    assert run(block + fit, SKLEARN_NEURON_ENGINE="numpy").returncode == 0
    done = run("import sys; sys.modules['llvmlite'] = None\n" + fit)
    assert done.returncode == 0, done.stderr
    assert "Training continues in NumPy" in done.stderr
    assert run(fit, SKLEARN_NEURON_ENGINE="fast").returncode != 0
    assert run("import sklearn_neuron", SKLEARN_NEURON_ENGINE="").returncode == 0
    assert run("import sklearn_neuron", SKLEARN_NEURON_ENGINE="NumPy").returncode == 0


def test_without_compilation():
    done = run(
        "import sklearn_neuron as s\n"
        "s.ManualMLPClassifier((3,), max_iter=2).fit([[0.0], [1.0]] * 40, [0, 1] * 40)",
        SKLEARN_NEURON_ENGINE="compiled",
        NUMBA_DISABLE_JIT="1",
    )
    assert "unset NUMBA_DISABLE_JIT" in done.stderr.splitlines()[-1]


def test_without_a_place_for_compiled_code():
    from sklearn_neuron._engine.kernels._compile import entry

    scope = {}
    exec("def double(x):\n    return 2 * x", scope)  # without a file, there is none beside it
    assert entry(scope["double"])(21) == 42


def test_threads_agree():
    def work(seed):
        model = fit(None, ManualMLPClassifier, X, CLASSES, random_state=seed)
        assert model.engine_ == "compiled"
        return parameters(model)

    with config_context(engine="compiled"):
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(work, range(8)))
        for seed, theta in enumerate(together):
            np.testing.assert_array_equal(theta, work(seed))


def test_contexts_of_several_threads_leave_nothing_behind():
    contexts = [config_context(engine=engine) for engine in ("compiled", "numpy")]
    for context in contexts:
        context.__enter__()
    contexts[0].__exit__(None, None, None)  # the one that began first ends first
    assert get_config() == {"engine": "numpy"}
    contexts[1].__exit__(None, None, None)
    assert get_config() == {"engine": "auto"}


def test_in_a_search_with_threads():
    grid = {"eta": [0.01, 0.1], "batch_size": [1, 8]}
    model = LogisticNeuronClassifier(max_iter=3, tol=None, random_state=0)
    with config_context(engine="compiled"):
        alone = GridSearchCV(model, grid, cv=3).fit(X, BINARY)
        with joblib.parallel_backend("threading"):
            threads = GridSearchCV(model, grid, cv=3, n_jobs=2).fit(X, BINARY)
    assert threads.best_estimator_.engine_ == "compiled"
    np.testing.assert_array_equal(
        alone.cv_results_["mean_test_score"], threads.cv_results_["mean_test_score"]
    )
