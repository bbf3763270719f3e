"""
============================================================
Drop-in comparison with LogisticRegression and MLPClassifier
============================================================

The neuron and the network of this package can be used in a pipeline like scikit-learn's own
estimators. This example compares accuracy, log loss, Brier score and fit time under 5-fold
cross-validation on four bundled data sets. It then searches over the neuron's learning rate and
batch size with ``GridSearchCV`` and plots the results. Run it with ``--output DIRECTORY`` to choose
where the plots are saved; without matplotlib it only prints the tables.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_neuron import LogisticNeuronClassifier, ManualMLPClassifier

try:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
except ImportError:
    plt = None

DATA = {
    "breast_cancer": load_breast_cancer,
    "digits": load_digits,
    "wine": load_wine,
    "iris": load_iris,
}
SCORES = {"accuracy": "accuracy", "log loss": "neg_log_loss", "Brier": "neg_brier_score"}
ETAS = [0.003, 0.01, 0.03, 0.1, 0.3]
BATCH_SIZES = [1, 8, 32, 128, None]
start = time.perf_counter()
threadpool_limits(1)  # one thread for all models: at these sizes extra threads only wait
warnings.simplefilter("ignore", ConvergenceWarning)  # the networks stop at max_iter


# %%
# All models use their default parameters, except one. ``LogisticRegression`` has C = 1, so the
# neuron that should find the same coefficients with L-BFGS has ``alpha = 1 / (C n)``, where n is
# the number of training samples, and the same ``tol``.
def models(n_rows):
    return {
        "LogisticRegression": LogisticRegression(),
        "SGDClassifier(log_loss)": SGDClassifier(loss="log_loss", random_state=0),
        "MLPClassifier": MLPClassifier(random_state=0),
        "LogisticNeuronClassifier": LogisticNeuronClassifier(random_state=0),
        "LogisticNeuron…(lbfgs)": LogisticNeuronClassifier(
            solver="lbfgs", alpha=1 / n_rows, tol=1e-4
        ),
        "ManualMLPClassifier": ManualMLPClassifier(random_state=0),
    }


# %%
# Each line is printed when its five fits are done.
def compare():
    rows = []
    for data, load in DATA.items():
        X, y = load(return_X_y=True)
        print(f"\n{data}: {X.shape[0]} rows, {X.shape[1]} features, {len(set(y))} classes")
        print(f"  {'model':28s}{'accuracy %':>11s}{'log loss':>10s}{'Brier':>8s}{'fit ms':>8s}")
        for name, model in models(0.8 * len(y)).items():
            pipeline = make_pipeline(StandardScaler(), model)
            result = cross_validate(pipeline, X, y, cv=5, scoring=SCORES)
            accuracy, loss, brier = (abs(result[f"test_{key}"].mean()) for key in SCORES)
            milliseconds = 1e3 * result["fit_time"].mean()
            rows.append((data, name, accuracy, loss, brier, milliseconds))
            print(
                f"  {name:28s}{100 * accuracy:11.2f}{loss:10.3f}{brier:8.3f}{milliseconds:8.0f}",
                flush=True,
            )
    return rows


# %%
# The search covers five learning rates and batch sizes from stochastic (one sample) to batch
# gradient descent (all samples). Every fit runs for thirty epochs, so the heat map shows how far
# each setting gets in the same number of epochs.
def search():
    X, y = load_breast_cancer(return_X_y=True)
    neuron = LogisticNeuronClassifier(max_iter=30, tol=None, random_state=0)
    grid = {
        "logisticneuronclassifier__eta": ETAS,
        "logisticneuronclassifier__batch_size": BATCH_SIZES,
    }
    print("\nGridSearchCV over eta and batch_size of the neuron on breast_cancer")
    result = GridSearchCV(
        make_pipeline(StandardScaler(), neuron), grid, scoring="neg_log_loss", verbose=1
    ).fit(X, y)
    best = {name.rpartition("__")[2]: value for name, value in result.best_params_.items()}
    print(f"  best: {best}, log loss {-result.best_score_:.3f}", flush=True)
    shape = len(BATCH_SIZES), len(ETAS)  # the grid's names are sorted, batch_size before eta
    loss = -result.cv_results_["mean_test_score"].reshape(shape)
    return loss, 1e3 * result.cv_results_["mean_fit_time"].reshape(shape)


# %%
# One plot summarizes the table; the other shows the two heat maps.
def draw_comparison(rows, path):
    names = list(dict.fromkeys(row[1] for row in rows))
    figure, axes = plt.subplots(1, 4, figsize=(13, 4), sharey=True, layout="constrained")
    looks = zip("osD^", ("#0072B2", "#E69F00", "#009E73", "#CC79A7"), strict=True)
    looks = dict(zip(DATA, looks, strict=True))  # color-blind friendly colors
    for axis, column, label in zip(
        axes,
        (2, 3, 4, 5),
        ("accuracy", "log loss", "Brier score", "fit time [ms]"),
        strict=True,
    ):
        for data, (marker, colour) in looks.items():
            values = [row[column] for row in rows if row[0] == data]
            axis.plot(values, range(len(names)), marker, color=colour, label=data, alpha=0.8)
        axis.set(xlabel=label, xscale="log" if column in {3, 5} else "linear")
        axis.grid(alpha=0.3)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.suptitle("Six classifiers on four data sets, 5-fold cross-validation")
    figure.savefig(path, dpi=120)


def draw_search(loss, milliseconds, path):
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    panels = (loss, "log loss", ".3f"), (milliseconds, "fit time [ms]", ".0f")
    for axis, (values, label, form) in zip(axes, panels, strict=True):
        image = axis.imshow(np.log10(values), cmap="cividis_r", aspect="auto")
        for (i, j), value in np.ndenumerate(values):
            colour = "w" if image.norm(np.log10(value)) > 0.5 else "k"
            axis.text(j, i, format(value, form), ha="center", va="center", color=colour)
        axis.set_xticks(range(len(ETAS)), ETAS)
        axis.set_yticks(range(len(BATCH_SIZES)), [size or "None (all)" for size in BATCH_SIZES])
        axis.set(
            xlabel="eta (learning rate)", ylabel="batch_size", title=f"{label}: lighter is less"
        )
    figure.suptitle("The neuron on breast_cancer: 30 epochs at each learning rate and batch size")
    figure.savefig(path, dpi=120)


# %%
# The whole script takes well under a minute on two cores. First the table and its plot.
parser = argparse.ArgumentParser(description="Compare drop-in classifiers.")
parser.add_argument("--output", type=Path, default=Path(), help="directory of the pictures")
output = parser.parse_args().output
output.mkdir(parents=True, exist_ok=True)
table = compare()
if plt is not None:
    draw_comparison(table, output / "drop_in_benchmark_models.png")

# %%
# Next, the search.
heat = search()
if plt is None:
    print("\nNo pictures: matplotlib is missing; pip install matplotlib brings it.")
else:
    draw_search(*heat, output / "drop_in_benchmark_search.png")
    print(f"\nPictures saved as {output / 'drop_in_benchmark_*.png'}")
print(f"Done in {time.perf_counter() - start:.0f} s.")
