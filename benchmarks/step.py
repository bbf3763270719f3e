"""µs per training step of a 20→100→1 network, beside MLPClassifier, torch and JAX.

ReLU, SGD with Nesterov momentum, shuffled samples. A step gathers its samples, runs the forward and
backward passes and updates the parameters. All implementations start from the same weights. With
the samples in the same order, all loss curves must agree before anything is timed. JAX compiles a
whole epoch (a scan over batches); its compilation time, like ours, is excluded. torch and JAX are
included if they are installed.

    python benchmarks/step.py
"""

import _common  # first: it sets the number of threads
import _networks
import numpy as np

LAYERS, ETA, MOMENTUM = (20, 100, 1), 0.01, 0.9
TITLE = "µs per step, with our engines"
BATCH_SIZES = (1, 8, 32, 200, 1000)
RTOL = {np.float64: 1e-9, np.float32: 1e-3}


def make_trains(job):
    """Return everyone who takes part."""
    trains = {"MLPClassifier": _networks.sklearn(job)}
    if _common.installed("torch"):
        trains["torch"] = _networks.torch_eager(job)
    if _common.installed("jax"):
        trains["JAX"] = _networks.jax_scan(job)
    return trains | {engine: _networks.ours(job, engine) for engine in _common.ENGINES}


def make_job(batch_size, dtype, n_rows=1000):
    n_rows = batch_size * max(-(-n_rows // batch_size), 10)
    return _networks.make_job(n_rows, LAYERS, dtype, batch_size, ETA, MOMENTUM)


def measure(batch_size, dtype, rounds):
    """Return a row of times and ratios."""
    job = make_job(batch_size, dtype)
    trains = make_trains(job)
    _networks.assert_same_curves(trains, 3, RTOL[dtype])
    steps = len(job.X) // batch_size
    times = {
        name: [seconds / steps * 1e6 for seconds in values]
        for name, values in _networks.time_them(trains, rounds).items()
    }
    head = {"batch": batch_size, "dtype": np.dtype(dtype).name}
    return _common.with_ratios(head, times, trains["compiled"].model)


def main():
    args = _common.arguments(__doc__, rounds=7)
    settings = [(b, dtype) for dtype in (np.float64, np.float32) for b in BATCH_SIZES]
    if args.check:
        for batch_size, dtype in (settings[1], settings[5]):
            trains = make_trains(make_job(batch_size, dtype, n_rows=40))
            _networks.assert_same_curves(trains, 2, RTOL[dtype])
        _common.agreed()
        return
    report = _common.Report("step", __doc__.splitlines()[0], args)
    rows = []
    for batch_size, dtype in settings:
        _common.progress(f"batch {batch_size}, {np.dtype(dtype).name}")
        rows.append(measure(batch_size, dtype, args.rounds))
    report.compare(TITLE, rows)
    report.save()


if __name__ == "__main__":
    main()
