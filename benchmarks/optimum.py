"""Time to the same optimum: the logistic neuron beside every solver of LogisticRegression.

The objective is the mean log loss with the penalty of C = 1, alpha = 1 / (C n). Newton's method,
implemented below, finds its minimum once, to rounding precision. Each solver then gets the loosest
tol of 1e-1, 1e-2, … that brings its objective within 1e-6 of the minimum, relative, and alternating
whole fits with that tol are timed. liblinear is left out because it penalizes the intercept and so
has a different optimum; a solver that keeps a dense matrix where that has more than 4,000 rows; and
one of which a fit has taken 20 s.

    python benchmarks/optimum.py
"""

import _common  # first: it sets the number of threads
import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import logsumexp, softmax
from sklearn.linear_model import LogisticRegression

from sklearn_neuron import LogisticNeuronClassifier

OURS = ("lbfgs", "newton", "newton-cg")
THEIRS = ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga")
FIRST_ORDER = {"lbfgs", "sag", "saga"}  # ill-conditioned data are beyond these
TOLS = [10.0**-k for k in range(1, 13)]
CLOSE, MOST_ROWS, MOST_SECONDS = 1e-6, 4_000, 20.0


# ---- data --------------------------------------------------------------------------------------


def gaussian(n, p, K=2):
    """Return independent features of different sizes."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 2.0, size=p)
    return X, labels(X @ rng.normal(size=(p, K)) / np.sqrt(p), rng)


def words(n, p, length=100):
    """Return rows like those of texts: few frequent columns, many rare ones; of norm 1, CSR."""
    rng = np.random.RandomState(0)
    frequency = 1.0 / np.arange(10, p + 10)
    columns = rng.choice(p, size=n * length, p=frequency / frequency.sum())
    counts = sparse.csr_array(
        (np.ones(n * length), columns, np.arange(0, n * length + 1, length)), shape=(n, p)
    )
    counts.sum_duplicates()
    rarity = np.log(n / (1.0 + np.bincount(counts.indices, minlength=p))) + 1.0
    X = sparse.csr_array(counts.multiply(rarity))
    X.data /= np.repeat(np.sqrt(X.multiply(X).sum(axis=1)), np.diff(X.indptr))
    return narrow(X), labels(X @ rng.normal(size=(p, 2)) * 3.0, rng)


def narrow(X):
    """Return CSR with indices of 32 bits, the only ones that sag and saga take."""
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X


def uniform(n, p, length=100):
    """Return sparse rows whose columns are all equally frequent, CSR."""
    rng = np.random.RandomState(0)
    columns, starts = rng.randint(p, size=n * length), np.arange(0, n * length + 1, length)
    X = sparse.csr_array((rng.normal(size=n * length), columns, starts), shape=(n, p))
    X.sum_duplicates()
    return narrow(X), labels(X @ rng.normal(size=(p, 2)) / np.sqrt(length), rng)


def ill_conditioned(n, p):
    """Return correlated features: variances from 1 to 1e-6, then units from 1e-2 to 1e2."""
    rng = np.random.RandomState(0)
    Q = np.linalg.qr(rng.normal(size=(p, p)))[0]
    X = rng.normal(size=(n, p)) @ (Q * np.logspace(0, -3, p)) @ Q.T
    z = (X / X.std(axis=0)) @ rng.normal(size=(p, 2)) / np.sqrt(p)
    return X * np.logspace(-2, 2, p)[rng.permutation(p)], labels(z, rng)


def labels(z, rng):
    return (z + rng.gumbel(size=z.shape)).argmax(axis=1)


CELLS = {
    "20,000 × 20": (gaussian, 20_000, 20),
    "100,000 × 50": (gaussian, 100_000, 50),
    "5,000 × 200": (gaussian, 5_000, 200),
    "20,000 × 200, ten classes": (gaussian, 20_000, 200, 10),
    "20,000 × 100,000, CSR, texts": (words, 20_000, 100_000),
    "10,000 × 30,000, CSR, texts": (words, 10_000, 30_000),
    "20,000 × 100,000, CSR, uniform": (uniform, 20_000, 100_000),
    "500 × 10,000": (gaussian, 500, 10_000),
    "20,000 × 100, ill-conditioned": (ill_conditioned, 20_000, 100),
}
SMALL = [(gaussian, 400, 5), (gaussian, 400, 5, 3), (words, 300, 50, 8), (gaussian, 40, 60),
         (ill_conditioned, 400, 5)]  # fmt: skip


# ---- the objective, and its minimum ------------------------------------------------------------


class Reference:
    """The objective by its formula: a softmax over K classes, or over two of which one is zero."""

    def __init__(self, X, y):
        self.X, self.n, self.K = X, len(y), y.max() + 1
        self.free = self.K if self.K > 2 else 1
        self.Y = np.eye(self.K)[y]

    def logits(self, theta):
        W = theta.reshape(-1, self.free)
        z = self.X @ W[:-1] + W[-1]
        return z if self.K > 2 else np.column_stack([np.zeros(self.n), z])

    def value(self, theta):
        z, W = self.logits(theta), theta[: -self.free]
        return np.mean(logsumexp(z, axis=1) - (self.Y * z).sum(axis=1)) + 0.5 / self.n * W @ W

    def transposed(self, t, W):
        t = t[:, -self.free :] / self.n
        return np.append(self.X.T @ t + W / self.n, t.sum(axis=0)).ravel()

    def gradient(self, theta):
        W = theta.reshape(-1, self.free)[:-1]
        return self.transposed(softmax(self.logits(theta), axis=1) - self.Y, W)

    def product(self, theta, v):
        a, t = softmax(self.logits(theta), axis=1), self.logits(v)
        return self.transposed(
            a * (t - (a * t).sum(axis=1, keepdims=True)), v.reshape(-1, self.free)[:-1]
        )

    def hessian(self, theta):
        A, a = np.column_stack([self.X, np.ones(self.n)]), softmax(self.logits(theta), axis=1)
        m, free = A.shape[1], self.free
        H = np.empty((m, free, m, free))
        for k in range(free):
            for l in range(free):
                h = a[:, k - free] * ((k == l) - a[:, l - free])
                H[:, k, :, l] = (A.T * h) @ A / self.n
            H[np.arange(m - 1), k, np.arange(m - 1), k] += 1.0 / self.n
        if free > 1:  # no output changes along equal biases
            H[-1, :, -1, :] += 1.0
        return H.reshape(m * free, m * free)

    def newton_step(self, theta, gradient):
        if not sparse.issparse(self.X) and len(theta) <= MOST_ROWS:
            return np.linalg.solve(self.hessian(theta), gradient)
        shape = (len(theta), len(theta))
        H = LinearOperator(shape, matvec=lambda v: self.product(theta, v), dtype=float)
        return cg(H, gradient, rtol=1e-6, maxiter=2_000)[0]

    def least(self):
        """Return the least value."""
        theta = np.zeros((self.X.shape[1] + 1) * self.free)
        for _ in range(100):
            gradient = self.gradient(theta)
            if np.abs(gradient).max() < 1e-13:
                break
            step, value = self.newton_step(theta, gradient), self.value(theta)
            while self.value(theta - step) > value * (1.0 + 1e-14):
                step *= 0.5
            theta -= step
        # the penalty makes the objective at least as curved as w ↦ ‖w‖² / 2n, hence this bound
        gradient, value = self.gradient(theta), self.value(theta)
        assert 0.5 * self.n * gradient @ gradient < 1e-9 * value, "the optimum is not found"
        return value

    def excess(self, model, least):
        """Return how far above the least value a model is, relative."""
        theta = np.concatenate([model.coef_.T, model.intercept_[None]])
        return self.value(theta.ravel()) / least - 1.0


# ---- the race ----------------------------------------------------------------------------------


def our_model(solver, n, tol):
    return LogisticNeuronClassifier(solver=solver, alpha=1.0 / n, tol=tol, max_iter=10_000)


def their_model(solver, _n, tol):
    most = 1_000 if solver in {"sag", "saga"} else 10_000  # they count epochs
    return LogisticRegression(solver=solver, C=1.0, tol=tol, max_iter=most, random_state=0)


def contestants(X, K):
    """Return for each name what makes its model; without those whose matrix is too large."""
    (n, p), outputs = X.shape, K if K > 2 else 1
    too_large = {
        "neuron newton": min(n, p) * outputs > MOST_ROWS,
        "LogisticRegression newton-cholesky": p * outputs > MOST_ROWS,
    }
    found = {f"LogisticRegression {solver}": (their_model, solver) for solver in THEIRS}
    found |= {f"neuron {solver}": (our_model, solver) for solver in OURS}
    return {name: how for name, how in found.items() if not too_large.get(name)}


def loosest(make, solver, X, y, reference, least):
    """Return the loosest tol that comes close enough, and how close; (None, …) if none does."""
    for tol in TOLS:
        seconds, model = _common.timed(lambda tol=tol: make(solver, len(y), tol).fit(X, y))
        excess = reference.excess(model, least)
        if excess <= CLOSE:
            return tol, excess
        if seconds > MOST_SECONDS:
            break
    return None, excess


def race(X, y, rounds, title):
    """Return a row for each solver, and the times of those that came close enough."""
    reference = Reference(X, y)
    least, rows, jobs = reference.least(), [], {}
    for name, (make, solver) in contestants(X, reference.K).items():
        _common.progress(f"{title}, {name}")
        tol, excess = loosest(make, solver, X, y, reference, least)
        assert excess > -1e-9, f"{name} is below the least value"
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
    """Return the row of the best of theirs over the best of ours."""

    def best_of(kind):
        names = [name for name in times if name.startswith(kind)]
        return min(names, key=lambda name: _common.spread(times[name]).median)

    peer = best_of("LogisticRegression")
    best = best_of("neuron")
    row = {"best of theirs": peer, "best of ours": best}
    return row | {"theirs / ours": _common.ratios(times[peer], times[best])}


def check():
    """Assert that every solver reaches the optimum, on less data."""
    for make_data, *sizes in SMALL:
        X, y = make_data(*sizes)
        reference = Reference(X, y)
        least = reference.least()
        for name, (make, solver) in contestants(X, reference.K).items():
            if make_data is ill_conditioned and solver in FIRST_ORDER:
                continue
            tol, excess = loosest(make, solver, X, y, reference, least)
            assert tol is not None, f"{name} stays {excess:.1e} above the optimum"
            assert excess > -1e-9, f"{name} is below the least value"


def main():
    args = _common.arguments(__doc__, rounds=7)
    if args.check:
        check()
        _common.agreed()
        return
    report = _common.Report("optimum", __doc__.splitlines()[0], args)
    against = []
    for title, (make_data, *sizes) in CELLS.items():
        rows, times = race(*make_data(*sizes), args.rounds, title)
        report.table(title, rows)
        against.append({"rows × features": title} | compare(times))
    report.table("The best of theirs over the best of ours", against)
    report.save()


if __name__ == "__main__":
    main()
