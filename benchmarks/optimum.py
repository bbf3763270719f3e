"""Time to the same optimum: the logistic neuron beside every solver of LogisticRegression.

The objective is the mean log loss with the penalty of C = 1, alpha = 1 / (C n). Newton's method,
implemented below, finds its minimum once, to rounding precision. Each solver then gets the loosest
tol of 1e-1, 1e-2, … that brings its objective within 1e-6 of the minimum, relative, and alternating
whole fits with that tol are timed. liblinear is left out because it penalizes the intercept and so
has a different optimum.

    python benchmarks/optimum.py
"""

import _common  # first: it sets the number of threads
import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from sklearn_neuron import LogisticNeuronClassifier

SIZES = ((20_000, 20), (100_000, 50), (5_000, 200))
OURS = ("lbfgs", "newton")
THEIRS = ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga")
TOLS = [10.0**-k for k in range(1, 13)]
CLOSE = 1e-6


def make_data(n, p):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 2.0, size=p)
    z = X @ rng.normal(size=p) / np.sqrt(p)
    return X, (z + rng.logistic(size=n) > 0).astype(int)


def objective(w, b, X, y):
    z = X @ w + b
    return np.mean(np.logaddexp(0.0, z) - y * z) + 0.5 / len(y) * w @ w


def least(X, y):
    """Return the least value of the objective, by Newton's method on [X, 1]."""
    n, p = X.shape
    A, theta = np.column_stack([X, np.ones(n)]), np.zeros(p + 1)
    penalty = np.append(np.full(p, 1.0 / n), 0.0)
    for _ in range(100):
        a = expit(A @ theta)
        gradient = A.T @ (a - y) / n + penalty * theta
        if np.abs(gradient).max() < 1e-14:
            break
        hessian = A.T @ (A * (a * (1.0 - a))[:, None]) / n + np.diag(penalty)
        theta -= np.linalg.solve(hessian, gradient)
    assert np.abs(gradient).max() < 1e-12, "Newton's method has not found the optimum"
    return objective(theta[:-1], theta[-1], X, y)


def our_model(solver, n, tol):
    return LogisticNeuronClassifier(solver=solver, alpha=1.0 / n, tol=tol, max_iter=10_000)


def their_model(solver, _n, tol):
    return LogisticRegression(solver=solver, C=1.0, tol=tol, max_iter=10_000, random_state=0)


def contestants():
    """Return for each name what makes its model; a solver that is not there is left out."""
    found = {f"LogisticRegression {solver}": (their_model, solver) for solver in THEIRS}
    for solver in OURS:
        try:
            our_model(solver, 2, 1e-3).fit([[0.0], [1.0], [1.0], [0.0]], [0, 1, 0, 1])
        except ValueError as error:
            if "solver" not in str(error):
                raise
            _common.progress(f"solver={solver!r} is not there")
        else:
            found[f"neuron {solver}"] = (our_model, solver)
    return found


def loosest(make, solver, X, y, best):
    """Return the loosest tol that comes close enough, and how close; (None, …) if none does."""
    for tol in TOLS:
        model = make(solver, len(y), tol).fit(X, y)
        excess = objective(model.coef_[0], model.intercept_[0], X, y) / best - 1.0
        if excess <= CLOSE:
            return tol, excess
    return None, excess


def race(X, y, rounds):
    """Return a row for each solver, and the times of those that came close enough."""
    best, rows, jobs = least(X, y), [], {}
    for name, (make, solver) in contestants().items():
        _common.progress(f"{X.shape[0]}×{X.shape[1]}, {name}")
        tol, excess = loosest(make, solver, X, y, best)
        assert excess > -1e-12, f"{name} is below the least value"
        shown = "not reached" if tol is None else f"{tol:g}"
        rows.append({"solver": name, "tol": shown, "excess": f"{excess:.1e}"})
        if tol is not None:
            jobs[name] = lambda make=make, solver=solver, tol=tol: (
                1e3 * _common.timed(lambda: make(solver, len(y), tol).fit(X, y))[0]
            )
    times = _common.take_turns(jobs, rounds)
    for row in rows:
        values = times.get(row["solver"])
        row["ms: median (smallest to largest)"] = _common.spread(values) if values else None
    return rows, times


def compare(times):
    """Return the row of the best of theirs over the best of ours, and over each of ours."""

    def best_of(kind):
        names = [name for name in times if name.startswith(kind)]
        return min(names, key=lambda name: _common.spread(times[name]).median)

    peer = best_of("LogisticRegression")
    best = best_of("neuron")
    row = {"best of theirs": peer, "best of ours": best}
    return row | {"theirs / ours": _common.ratios(times[peer], times[best])}


def check():
    """Assert that every solver reaches the optimum, on less data."""
    X, y = make_data(400, 5)
    best = least(X, y)
    for name, (make, solver) in contestants().items():
        tol, excess = loosest(make, solver, X, y, best)
        assert tol is not None, f"{name} stays {excess:.1e} above the optimum"
        assert excess > -1e-12, f"{name} is below the least value"


def main():
    args = _common.arguments(__doc__, rounds=7)
    if args.check:
        check()
        _common.agreed()
        return
    report = _common.Report("optimum", __doc__.splitlines()[0], args)
    against = []
    for n, p in SIZES:
        rows, times = race(*make_data(n, p), args.rounds)
        report.table(f"{n:,} rows, {p} features", rows)
        against.append({"rows × features": f"{n:,} × {p}"} | compare(times))
    report.table("The best of theirs over the best of ours", against)
    report.save()


if __name__ == "__main__":
    main()
