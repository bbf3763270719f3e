"""Share of the machine's limit: of the fastest matrix product, and of one read of the samples.

The network 784→512→256→10 at batch 256: the arithmetic of its matrix products (2 m for each weight
forward, as much for each gradient, and as much for each δ below the first layer) over its time,
beside the fastest product of square matrices by NumPy's BLAS. The neuron with all of 20,000 rows at
once: the time of one read of X over that of an epoch. Before timing, the loss curves must agree
with NumPy's. The limit and the job are measured in turns.

    python benchmarks/limits.py
"""

import _common  # first: it sets the number of threads
import _networks
import numpy as np
from full_batch import NEURON, read_time

SIZES, BATCH, ROWS = (784, 512, 256, 10), 256, 20_000
SQUARES = (384, 768, 1024)
GOALS = {"network": 75.0, "neuron": 60.0}  # per cent


def product_rates(dtype):
    """Return the jobs of the products: each returns GFLOP/s."""

    def job(n):
        rng = np.random.RandomState(0)
        A, B = (rng.normal(size=(n, n)).astype(dtype) for _ in range(2))
        C, repeats = np.empty_like(A), max(1, int(2e9 / n**3 / 2))

        def run():
            for _ in range(repeats):
                np.matmul(A, B, out=C)

        return lambda: 2e-9 * n**3 * repeats / _common.timed(run)[0]

    return {f"product of {n}": job(n) for n in SQUARES}


def network_rate(dtype, n_rows=2048):
    """Return the job and its flop of an epoch."""
    job = _networks.make_job(n_rows, SIZES, dtype, BATCH, eta=0.003)
    n_weights = [a * b for a, b in zip(SIZES[:-1], SIZES[1:], strict=True)]
    return job, n_rows * 2.0 * (3 * sum(n_weights) - n_weights[0])


def assert_agreement(job, dtype, epochs=2):
    trains = {engine: _networks.ours(job, engine) for engine in ("numpy", "compiled")}
    _networks.assert_same_curves(trains, epochs, _networks.RTOL[dtype])
    return trains["compiled"]


def network(dtype, rounds):
    """Return the row of the network."""
    _common.progress(f"network, {dtype}")
    job, flop = network_rate(dtype)
    train = assert_agreement(job, dtype)
    epochs = 4

    def rate():
        return 1e-9 * flop * epochs / train(epochs)[0]

    found = _common.take_turns(product_rates(dtype) | {"ours": rate}, rounds)
    ours = found.pop("ours")
    best = [max(values) for values in zip(*found.values(), strict=True)]
    share = _common.spread([100.0 * a / b for a, b in zip(ours, best, strict=True)])
    row = {"dtype": dtype, "GFLOP/s of a product": max(best), "ours": _common.spread(ours)}
    return (
        row
        | {"share, %": share, "goal": GOALS["network"]}
        | {"": _common.verdict(share.median >= GOALS["network"])}
    )


def neuron(dtype, rounds):
    """Return the row of the neuron."""
    _common.progress(f"neuron, {dtype}")
    job = _networks.make_job(ROWS, NEURON, dtype, ROWS, eta=0.02)
    train, epochs = assert_agreement(job, dtype), 400
    jobs = {
        "read": lambda: 1e6 * read_time(job.X, rounds=5),
        "ours": lambda: 1e6 * train(epochs)[0] / epochs,
    }
    found = _common.take_turns(jobs, rounds)
    share = _common.spread([100.0 * a / b for a, b in zip(*found.values(), strict=True)])
    row = {"dtype": dtype} | {f"{k}, µs": _common.spread(v) for k, v in found.items()}
    row["GB/s of a read"] = job.X.nbytes * 1e-3 / min(found["read"])
    return (
        row
        | {"share, %": share, "goal": GOALS["neuron"]}
        | {"": _common.verdict(share.median >= GOALS["neuron"])}
    )


def check():
    for dtype in _networks.RTOL:
        job, flop = network_rate(dtype, n_rows=BATCH)
        assert flop == BATCH * 2 * (784 * 512 * 2 + 512 * 256 * 3 + 256 * 10 * 3)
        assert_agreement(job, dtype, epochs=2)
        assert_agreement(_networks.make_job(50, NEURON, dtype, 50, eta=0.02), dtype)


def main():
    args = _common.arguments(__doc__, rounds=7)
    if args.check:
        check()
        _common.agreed()
        return
    report = _common.Report("limits", __doc__.splitlines()[0], args)
    report.table(
        "784→512→256→10, batch 256", [network(dtype, args.rounds) for dtype in _networks.RTOL]
    )
    report.table(
        "One neuron, all of 20,000 rows", [neuron(dtype, args.rounds) for dtype in _networks.RTOL]
    )
    report.save()


if __name__ == "__main__":
    main()
