"""µs per prediction of one sample and of a hundred: onnxruntime beside our own methods.

Every estimator is exported, as float64 and as float32, and onnxruntime's answers must agree with
ours before anything is timed: labels exactly, numbers to 6e-14 and 5e-6 of the largest (if that is
above 1). Our time is that of predict_proba, of the perceptron's decision_function, or of a
regressor's predict; onnxruntime returns labels in addition. Calls alternate in turns of a hundred.
It needs the extra "onnx".

    python benchmarks/onnx_latency.py
"""

import _common  # first: it sets the number of threads

# isort: split
import itertools
from typing import NamedTuple

import numpy as np
import onnxruntime
import skl2onnx
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_neuron as ours
from sklearn_neuron.activations import ACTIVATIONS
from sklearn_neuron.onnx import register, to_onnx

_common.PACKAGES = ("numpy", "scipy", "scikit-learn", "onnx", "skl2onnx", "onnxruntime")
ROWS, DTYPES, CALLS = (1, 100), (np.float64, np.float32), 100
TOLERANCE = {np.float64: 6e-14, np.float32: 5e-6}
SETTINGS = {"max_iter": 3, "tol": None, "random_state": 0}
METHODS = {
    "label": "predict",
    "probabilities": "predict_proba",
    "scores": "decision_function",
    "prediction": "predict",
}


def logistic(n_features, n_classes):
    return ours.LogisticNeuronClassifier(**SETTINGS), n_features, n_classes


def network(n_features, hidden, n_classes, activation="relu"):
    model = ours.ManualMLPClassifier((hidden,), activation=activation, **SETTINGS)
    return model, n_features, n_classes


def regressor(n_features, hidden):
    return ours.ManualMLPRegressor((hidden,), **SETTINGS), n_features, None


#: What is timed: an estimator, the number of features, and that of classes or None for numbers.
TIMED = {
    "neuron 20→1": logistic(20, 2),
    "neuron 64→10": logistic(64, 10),
    "perceptron 20→1": (ours.PerceptronClassifier(**SETTINGS), 20, 2),
    "sigmoid neuron 20→1": (ours.SigmoidNeuronRegressor(**SETTINGS), 20, None),
    "network 20→100→1": network(20, 100, 2),
    "network 64→32→10": network(64, 32, 10),
    "the same with gelu": network(64, 32, 10, "gelu"),
    "regressor 20→100→1": regressor(20, 100),
    "scaler and network": (make_pipeline(StandardScaler(), network(64, 32, 10)[0]), 64, 10),
}
#: What is compared in addition: every activation, with two classes, three, and numbers.
COMPARED = {
    **TIMED,
    **{
        f"{name}, {n_classes} classes": network(8, 6, n_classes, name)
        for name, n_classes in itertools.product(ACTIVATIONS, (2, 3))
    },
    **{
        f"{name}, numbers": (
            ours.ManualMLPRegressor((6,), activation=name, **SETTINGS), 8, None
        )
        for name in ACTIVATIONS
    },
}  # fmt: skip


def data(n_features, n_classes, n=500):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, n_features))
    z = X @ rng.normal(size=(n_features, n_classes or 2))
    return X, np.tanh(z[:, 0]) if n_classes is None else z.argmax(axis=1)


class Served(NamedTuple):
    """A session of onnxruntime, and what it returns."""

    session: object
    n_bytes: int
    names: list

    def __call__(self, X):
        return self.session.run(None, {"X": X})


def served(model, dtype):
    """Return an exported model, loaded; a pipeline is exported by skl2onnx."""
    if isinstance(model, Pipeline):
        sample, options = np.zeros((1, model.n_features_in_), dtype), {"zipmap": False}
        exported = skl2onnx.to_onnx(model, sample, target_opset=18, options=options)
    else:
        exported = to_onnx(model, dtype=dtype)
    graph = exported.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return Served(session, len(graph), [output.name for output in session.get_outputs()])


def difference(model, graph, X):
    """Assert that answers agree; return how far numbers are apart, in relation to the largest."""
    worst = 0.0
    for name, answer in zip(graph.names, graph(X), strict=True):
        expected = getattr(model, METHODS[name])(X.astype(np.float64))
        if name == "label":
            np.testing.assert_array_equal(answer, expected)
            continue
        apart = np.abs(answer - expected).max() / max(np.abs(expected).max(), 1.0)
        worst = max(worst, float(apart))
    assert worst <= TOLERANCE[X.dtype.type], worst
    return worst


def microseconds(call, X):
    """Return how long a call takes, from many of them."""

    def repeat():
        for _ in range(CALLS):
            call(X)

    return 1e6 * _common.timed(repeat)[0] / CALLS


def measure(title, model, dtype, n_rows, rounds):
    """Return a row: the times of our method and of onnxruntime, and their ratio."""
    graph, X = served(model, dtype), data(model.n_features_in_, 2)[0][:n_rows].astype(dtype)
    method = METHODS[graph.names[-1]]
    jobs = {
        "ours": lambda: microseconds(getattr(model, method), X),
        "onnxruntime": lambda: microseconds(graph, X),
    }
    times = _common.take_turns(jobs, rounds)
    return (
        {"model": title, "kB": graph.n_bytes / 1000}
        | {f"{name}, µs": _common.spread(values).median for name, values in times.items()}
        | {"ours / onnxruntime": _common.ratios(times["ours"], times["onnxruntime"])}
    )


def main():
    args = _common.arguments(__doc__, rounds=21)
    register()
    fitted, worst = {}, dict.fromkeys(DTYPES, 0.0)
    for title, (estimator, n_features, n_classes) in COMPARED.items():
        X, y = data(n_features, n_classes)
        fitted[title] = estimator.fit(X, y)
        for dtype in DTYPES:
            apart = difference(fitted[title], served(estimator, dtype), 3 * X.astype(dtype))
            worst[dtype] = max(worst[dtype], apart)
    if args.check:
        _common.agreed()
        return
    report = _common.Report("onnx_latency", __doc__.splitlines()[0], args)
    report.say(
        f"{len(COMPARED)} models of 500 samples: all labels equal; numbers apart by at most "
        + ", ".join(f"{apart:.0e} in {np.dtype(dtype).name}" for dtype, apart in worst.items())
    )
    for dtype, n_rows in itertools.product(DTYPES, ROWS):
        rows = []
        for title in TIMED:
            _common.progress(f"{title}, {n_rows} rows, {np.dtype(dtype).name}")
            rows.append(measure(title, fitted[title], dtype, n_rows, args.rounds))
        name = f"{n_rows} row{'s' if n_rows > 1 else ''}, {np.dtype(dtype).name}"
        report.table(f"{name}: medians; ratios with the smallest and the largest", rows)
    report.save()


if __name__ == "__main__":
    main()
