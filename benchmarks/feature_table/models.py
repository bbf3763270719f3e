"""Small, reproducible estimators for the columns, and tests of whether a parameter works."""

import importlib.util
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is imported


import numpy as np
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor

import sklearn_neuron as ours

try:
    import skorch
    import torch
    from torch import nn
except ImportError:
    skorch = None
try:
    from mlxtend.classifier import MultiLayerPerceptron
    from mlxtend.regressor import LinearRegression
except ImportError:
    MultiLayerPerceptron = None

MISSING = [n for n, m in [("skorch", skorch), ("mlxtend", MultiLayerPerceptron)] if m is None]
NEEDED = {  # by rows
    "conversion to ONNX": ["onnx", "onnxruntime", "skl2onnx", "onnxscript"],
    "training on a Dask cluster": ["dask", "distributed"],
}
MISSING += [row for row, needs in NEEDED.items() if not all(map(importlib.util.find_spec, needs))]

X, y = make_classification(120, 6, n_informative=4, n_classes=3, random_state=0)
labels = np.column_stack([y > 0, y > 1]).astype(int)
targets = np.column_stack([abs(X[:, 0]), X[:, 1] ** 2])
RARE = np.where(np.arange(120) == 7, 3, y)  # with a fourth class of one row
NOISE = np.random.RandomState(0).randint(0, 3, 120)
HELD_OUT = {"X_val": X[:30], "y_val": y[:30]}


def network(*hidden, out=3):
    return nn.Sequential(nn.Linear(6, 8), *(hidden or [nn.ReLU()]), nn.Linear(8, out))


def net(kind="NeuralNetClassifier", module=None, **p):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    p = {"lr": 0.05, "max_epochs": 20, "batch_size": 32, "verbose": 0, **p}
    if kind == "NeuralNetClassifier":
        p = {"criterion": nn.CrossEntropyLoss, **p}
    return getattr(skorch, kind)(module or network(), **p)


def maker(cls, **short):
    return lambda **p: cls(**{**short, **p})


ROUNDS = {"max_iter": 20, "tol": None, "random_state": 0}
MLP = {"max_iter": 20, "n_iter_no_change": 10**6, "random_state": 0, "hidden_layer_sizes": (8,)}
MAKE = {
    "mlps": maker(ours.ManualMLPClassifier, hidden_layer_sizes=(8,), **ROUNDS),
    "neurons": maker(ours.LogisticNeuronClassifier, **ROUNDS),
    "mlp": maker(MLPClassifier, **MLP),
    "sgd": maker(SGDClassifier, loss="log_loss", **ROUNDS),
    "logistic": maker(LogisticRegression, max_iter=20, random_state=0),
    "skorch": net,
    "mlxtend": lambda **p: MultiLayerPerceptron(
        **{"epochs": 20, "hidden_layers": [8], "eta": 0.01, "random_seed": 0, **p}
    ),
}
NUMBERS = {
    "mlps": maker(ours.ManualMLPRegressor, hidden_layer_sizes=(8,), **ROUNDS),
    "neurons": maker(ours.SigmoidNeuronRegressor, **ROUNDS),
    "mlp": maker(MLPRegressor, **MLP),
    "sgd": maker(SGDRegressor, **ROUNDS),
    "skorch": lambda **p: net("NeuralNetRegressor", **{"module": network(out=1), **p}),
    "mlxtend": lambda: LinearRegression(),  # noqa: PLW0108 (it may be missing),
}


def fit(column, X=X, y=y, make=MAKE, given=None, **params):
    """Fit the column's estimator; torch has dtypes of its own."""
    if column == "skorch":
        whole = y.ndim == 1 and y.dtype.kind == "i"
        X, y = X.astype("float32"), y.astype("int64" if whole else "float32")
        y = y.reshape(-1, 1) if make is NUMBERS and y.ndim == 1 else y
    return make[column](**params).fit(X, y, **(given or {}))


def weights(model):
    if hasattr(model, "module_"):
        parts = [p.detach().numpy() for p in model.module_.parameters()]
    else:
        parts = next(getattr(model, n) for n in ("coefs_", "coef_", "w_") if hasattr(model, n))
    return np.concatenate([np.ravel(p) for p in getattr(parts, "values", lambda: parts)()])


def same(one, other):
    one, other = weights(one), weights(other)
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-4, atol=1e-6)


def works(column, base=None, **params):
    """Return whether the parameters are accepted and make another model of it."""
    try:
        model = fit(column, **{**(base or {}), **params})
    except (TypeError, ValueError, AttributeError):
        return False
    plain = {name: params[name] for name in ("make", "y") if name in params}
    return bool(np.isfinite(weights(model)).all()) and not same(
        model, fit(column, **plain, **(base or {}))
    )


def several(**tries):
    """Return a check that names what works."""

    def check(column):
        names = [name.replace("_", " ") for name, p in tries.items() if works(column, **p)]
        return len(names) == len(tries) or ", ".join(names) or False

    return check


def own(base, **methods):
    return type("Own", (base,), methods)
