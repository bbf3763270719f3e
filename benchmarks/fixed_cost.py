"""What a fit costs however little there is to learn: 150 rows of 4 features, one epoch.

In a search over small data, this accounts for most of the time. The fits alternate several hundred
times. Before timing, the neuron and SGDClassifier, one sample at a time in the same order, must
reach the same coefficients. The network and MLPClassifier, from the same weights, must reach the
same loss.

    python benchmarks/fixed_cost.py
"""

import _common  # first: it sets the number of threads
import _networks
import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier
from sklearn.neural_network import MLPClassifier

import sklearn_neuron as ours

ESTIMATORS = (
    ours.LogisticNeuronClassifier,
    ours.SigmoidNeuronRegressor,
    ours.PerceptronClassifier,
    ours.ManualMLPClassifier,
    ours.ManualMLPRegressor,
)
REFERENCE = "SGDClassifier"


def make_data():
    X, species = load_iris(return_X_y=True)
    return X, (species == 2).astype(int)


def contestants():
    """Return the models by name."""
    sgd = {"loss": "log_loss", "learning_rate": "constant", "eta0": 0.01}
    models = {
        REFERENCE: SGDClassifier(**sgd, max_iter=1, tol=None, random_state=0),
        "Perceptron": Perceptron(max_iter=1, tol=None, random_state=0),
        "LogisticRegression": LogisticRegression(),
        "MLPClassifier": MLPClassifier(max_iter=1, random_state=0),
    }
    for cls in ESTIMATORS:
        settings = {"max_iter": 1, "tol": None, "random_state": 0}
        default = cls().batch_size
        models[f"{cls.__name__}, all rows"] = cls(batch_size=None, **settings)
        models[f"{cls.__name__}, {default} (default)"] = cls(**settings)
        if default != 1:
            models[f"{cls.__name__}, 1"] = cls(batch_size=1, **settings)
    return models


def assert_agreement(X, y):
    settings = {"tol": None, "shuffle": False, "max_iter": 1}
    theirs = SGDClassifier(
        loss="log_loss", penalty=None, learning_rate="constant", eta0=0.01, **settings
    ).fit(X, y)
    neuron = ours.LogisticNeuronClassifier(batch_size=1, eta=0.01, **settings).fit(X, y)
    np.testing.assert_allclose(neuron.coef_, theirs.coef_, rtol=1e-9)
    np.testing.assert_allclose(neuron.intercept_, theirs.intercept_, rtol=1e-9)
    for batch_size in (30, len(X)):
        start = _networks.make_job(1, (4, 100, 1), np.float64, batch_size, 0.01)
        job = start._replace(X=X, y=y)
        trains = {"MLPClassifier": _networks.sklearn(job), "ours": _networks.ours(job, "auto")}
        _networks.assert_same_curves(trains, 1, rtol=1e-9)


def main():
    args = _common.arguments(__doc__, rounds=300)
    X, y = make_data()
    assert_agreement(X, y)
    if args.check:
        _common.agreed()
        return
    report = _common.Report("fixed_cost", __doc__.splitlines()[0], args)
    models = contestants()
    for model in models.values():
        model.fit(X, y)  # warms up
    jobs = {
        name: lambda model=model: 1e6 * _common.timed(lambda: model.fit(X, y))[0]
        for name, model in models.items()
    }
    times = _common.take_turns(jobs, args.rounds)
    rows = [
        {
            "fit of 150×4, one epoch, batches of": name,
            "best, µs": min(values),
            "median, µs": _common.spread(values).median,
            "SGDClassifier's best / best": min(times[REFERENCE]) / min(values),
            "median / median": _common.spread(times[REFERENCE]).median
            / _common.spread(values).median,
            "engine": _common.engine_of(models[name]) if "," in name else "",
        }
        for name, values in times.items()
    ]
    report.table("Fixed cost", rows)
    report.save()


if __name__ == "__main__":
    main()
