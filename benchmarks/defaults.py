"""Quality of the defaults: plain estimators and their peers, cross-validated on many data sets.

    python benchmarks/defaults.py --data FOLDER --save

FOLDER holds CSV files whose last column is the target, or the folders classification/ and
regression/ with such files; a file that is in neither is regression if its target is numeric and
has more than 20 values. Without a folder, the data sets of scikit-learn are used. Numeric columns
are imputed by the median and scaled, others one-hot encoded, on the training folds. The tables
show differences to each peer over the data sets, and Wilcoxon's signed-rank test of them.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is imported

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.stats import wilcoxon
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

from sklearn_neuron import (
    LogisticNeuronClassifier,
    ManualMLPClassifier,
    ManualMLPRegressor,
    SigmoidNeuronRegressor,
)
from sklearn_neuron.losses import CrossEntropy

RESULTS = Path(__file__).parent / "results"
BUNDLED = {
    "classification": (load_breast_cancer, load_digits, load_iris, load_wine),
    "regression": (load_diabetes,),
}
ESTIMATORS = {
    "classification": {
        "ManualMLP": ManualMLPClassifier,
        "LogisticNeuron": LogisticNeuronClassifier,
        "MLPClassifier": MLPClassifier,
        "LogisticRegression": LogisticRegression,
        "HistGradientBoosting": HistGradientBoostingClassifier,
    },
    "regression": {
        "ManualMLP": ManualMLPRegressor,
        "SigmoidNeuron": SigmoidNeuronRegressor,
        "MLPRegressor": MLPRegressor,
        "LinearRegression": LinearRegression,
        "HistGradientBoosting": HistGradientBoostingRegressor,
    },
}
PAIRS = {
    "classification": [
        ("ManualMLP", "MLPClassifier"),
        ("ManualMLP", "HistGradientBoosting"),
        ("LogisticNeuron", "LogisticRegression"),
    ],
    "regression": [
        ("ManualMLP", "MLPRegressor"),
        ("ManualMLP", "HistGradientBoosting"),
        ("SigmoidNeuron", "LinearRegression"),
    ],
}
#: The measures, the first of which decides; and the difference from which a set counts as lost.
MEASURES = {
    "classification": ("accuracy %", "log loss", "Brier", "calibration error"),
    "regression": ("R² %",),
}
LOST = {"classification": 1.0, "regression": 2.0}
ONCE = {"early_stopping": False, "schedule": "constant", "alpha": 0.0}
#: Other settings of the networks, compared with the default by --candidates.
CANDIDATES = {
    "as before: eta=0.002, trained once": {"eta": 0.002, **ONCE},
    "eta=0.001, trained once": {"eta": 0.001, **ONCE},
    "early_stopping=True": {"eta": 0.002, **ONCE, "early_stopping": True},
    "cosine, 50 epochs": {"eta": 0.004, "schedule": "cosine", "max_iter": 50, "tol": None},
    "eta=0.002": {"eta": 0.002},
    "eta=0.01": {"eta": 0.01},
    "alpha=0": {"alpha": 0.0},
    "batch_size=64": {"batch_size": 64},
    "max_iter=100": {"max_iter": 100},
    "dropout=0.1": {"dropout": 0.1},
    "(100, 50)": {"hidden_layer_sizes": (100, 50)},
    "silu": {"activation": "silu"},
}
SMOOTH = {"label_smoothing=0.05": {"loss": CrossEntropy(label_smoothing=0.05)}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder of CSV files; default: bundled sets")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", help="names of data sets")
    parser.add_argument("--candidates", action="store_true", help="compare other settings, too")
    parser.add_argument("--picture", type=Path, help="a file for the picture")
    parser.add_argument("--save", action="store_true", help="write to benchmarks/results/")
    args = parser.parse_args()
    lines, drawn = [], {}
    for kind, sets in read(args.data, args.only).items():
        if not sets:
            continue
        estimators, pairs = dict(ESTIMATORS[kind]), list(PAIRS[kind])
        if args.candidates:
            settings = CANDIDATES | (SMOOTH if kind == "classification" else {})
            network = estimators["ManualMLP"]
            for name, params in settings.items():
                estimators[name] = lambda network=network, params=params: network(**params)
                pairs.append((name, "ManualMLP"))
        found, complaints = measure(kind, sets, estimators, args.folds, args.seed)
        lines += report(kind, found, pairs, complaints)
        drawn |= {(kind, *pair): found[pair[0]][:, 0] - found[pair[1]][:, 0] for pair in pairs}
    print("\n".join(lines))
    if args.save:
        name = "defaults-candidates" if args.candidates else "defaults"
        (RESULTS / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if args.picture:
        draw(drawn, args.picture)


# ---- data ----------------------------------------------------------------------------------------


def read(folder, only):
    """Return the data sets of each kind by name, as X and y."""
    sets = {"classification": {}, "regression": {}}
    if folder is None:
        for kind, loaders in BUNDLED.items():
            for load in loaders:
                data = load(as_frame=True)
                sets[kind][load.__name__.removeprefix("load_")] = (data.data, data.target)
    else:
        for path in sorted(folder.rglob("*.csv")):
            X, y = read_csv(path)
            kind = path.parent.name if path.parent.name in sets else kind_of(y)
            sets[kind][path.stem] = (X, y)
    if only:
        sets = {kind: {n: data for n, data in of.items() if n in only} for kind, of in sets.items()}
    if not any(sets.values()):
        sys.exit("No data sets found.")
    return sets


def read_csv(path):
    """Return the columns of a file, and the last one."""
    try:
        import pandas as pd  # noqa: PLC0415
    except ImportError:
        sys.exit('CSV files are read with pandas: pip install ".[journal]"')
    frame = pd.read_csv(path)
    return frame.iloc[:, :-1], frame.iloc[:, -1]


def kind_of(y):
    """Return the kind of a target."""
    return "regression" if y.dtype.kind in "fiu" and y.nunique() > 20 else "classification"


def folds_of(kind, X, y, n_folds, seed):
    """Return X and y of the training and the test part of each fold, prepared."""
    if kind == "classification":
        y = LabelEncoder().fit_transform(y.astype(str))
        splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    else:
        y = y.to_numpy(float)
        splitter = KFold(n_folds, shuffle=True, random_state=seed)
    for train, test in splitter.split(X, y):
        prepare = preparation().fit(X.iloc[train])
        yield (
            np.ascontiguousarray(prepare.transform(X.iloc[train]), dtype=float),
            y[train],
            np.ascontiguousarray(prepare.transform(X.iloc[test]), dtype=float),
            y[test],
        )


def preparation():
    """Return what makes numbers of the columns of a table."""
    numeric = make_column_selector(dtype_include=np.number)
    others = make_column_selector(dtype_exclude=np.number)
    scale = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    encode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer((scale, numeric), (encode, others))


# ---- measures ------------------------------------------------------------------------------------


def measure(kind, sets, estimators, n_folds, seed):
    """Return the measures and the fit time of each estimator on each set, and its warnings."""
    found = {name: [] for name in estimators}
    complaints = dict.fromkeys(estimators, 0)
    for number, (dataset, (X, y)) in enumerate(sets.items(), 1):
        tell(f"{kind} {number}/{len(sets)}  {dataset}")
        folds = list(folds_of(kind, X, y, n_folds, seed))
        for name, make in estimators.items():
            rows = []
            for X_train, y_train, X_test, y_test in folds:
                model = make()
                if "random_state" in model.get_params():
                    model.set_params(random_state=seed)
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always", ConvergenceWarning)
                    start = time.perf_counter()
                    model.fit(X_train, y_train)
                    seconds = time.perf_counter() - start
                complaints[name] += any(w.category is ConvergenceWarning for w in caught)
                rows.append([*of_predictions(kind, model, X_test, y_test), 1e3 * seconds])
            found[name].append(np.mean(rows, axis=0))
    tell("")
    return {name: np.array(rows) for name, rows in found.items()}, complaints


def of_predictions(kind, model, X, y):
    """Return the measures of predictions for a test part."""
    if kind == "regression":
        return [100.0 * r2_score(y, model.predict(X))]
    proba = np.zeros((len(y), int(max(y.max(), model.classes_.max())) + 1))
    proba[:, model.classes_] = model.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-5)
    right, sure = proba.argmax(axis=1) == y, proba.max(axis=1)
    of_truth = proba[np.arange(len(y)), y]
    log_loss = -np.log(np.clip(of_truth, 1e-15, 1.0)).mean()
    brier = ((proba - np.eye(proba.shape[1])[y]) ** 2).sum(axis=1).mean()
    return [100.0 * right.mean(), log_loss, brier, calibration_error(sure, right)]


def calibration_error(sure, right, n_bins=10):
    """Return the expected calibration error of the largest probability, in bins of equal width."""
    bins = np.minimum((sure * n_bins).astype(int), n_bins - 1)
    gaps = [
        abs(sure[bins == b].mean() - right[bins == b].mean()) * np.mean(bins == b)
        for b in np.unique(bins)
    ]
    return float(sum(gaps))


def tell(text):
    """Show where the work is, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


# ---- what is shown -------------------------------------------------------------------------------


def report(kind, found, pairs, complaints):
    """Return the lines of a kind's tables."""
    measures, n_sets = MEASURES[kind], len(next(iter(found.values())))
    width = max(map(len, found))
    head = "".join(f"{name:>19}" for name in (*measures, "fit ms", "warned fits"))
    lines = [f"{kind}: {n_sets} sets, means", f"  {'':{width}}{head}"]
    for name, rows in found.items():
        means = "".join(f"{value:19.4f}" for value in rows.mean(axis=0))
        lines.append(f"  {name:{width}}{means}{complaints[name]:19d}")
    lines += ["", f"{kind}: differences over the sets"]
    for ours, peer in pairs:
        times = found[peer][:, -1] / found[ours][:, -1]
        lines.append(f"  {ours} - {peer}: fits {np.median(times):.2f} times as fast (median)")
        for k, measure_name in enumerate(measures):
            difference = found[ours][:, k] - found[peer][:, k]
            better = difference > 0 if k == 0 else difference < 0
            worse = difference < 0 if k == 0 else difference > 0
            p = wilcoxon(difference).pvalue if difference.any() else 1.0
            lost = f", behind by more than {LOST[kind]:g}: {np.sum(difference < -LOST[kind])}"
            lines.append(
                f"    {measure_name:18} mean {difference.mean():+.4f}  median "
                f"{np.median(difference):+.4f}  better {better.sum()}  worse {worse.sum()}  "
                f"p {p:.4f}{lost if k == 0 else ''}"
            )
    return [*lines, ""]


def draw(differences, path):
    """Draw the differences of each pair, set by set."""
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415
    except ImportError:
        sys.exit('The picture is drawn with matplotlib: pip install ".[plot]"')
    kinds = list(dict.fromkeys(kind for kind, _, _ in differences))
    figure, axes = plt.subplots(
        len(kinds),
        1,
        figsize=(8, 1.0 + 0.7 * len(differences)),
        layout="constrained",
        squeeze=False,
    )
    for kind, ax in zip(kinds, axes[:, 0], strict=True):
        pairs = [pair for pair in differences if pair[0] == kind]
        for row, pair in enumerate(reversed(pairs)):
            values = np.sort(differences[pair])
            spread = np.linspace(-0.25, 0.25, len(values))
            ax.scatter(values, row + spread, s=14, alpha=0.7, linewidths=0)
            ax.plot([values.mean()] * 2, [row - 0.35, row + 0.35], color="black", linewidth=1.5)
        ax.axvline(0.0, color="gray", linewidth=0.8)
        ax.set_yticks(range(len(pairs)), [f"{ours}\nminus {peer}" for _, ours, peer in pairs[::-1]])
        ax.set_xscale("symlog", linthresh=2.0 if kind == "classification" else 10.0)
        ax.set_xlabel(f"{MEASURES[kind][0]}, difference on each data set (bar: mean)")
        ax.set_title(kind.capitalize())
    figure.savefig(path, dpi=150)
    print(f"Saved {path}.")


if __name__ == "__main__":
    main()
