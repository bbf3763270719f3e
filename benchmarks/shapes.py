"""µs per training step of networks of several shapes, beside JAX, torch and MLPClassifier.

ReLU with plain SGD and with Adam, in both precisions; and the activations that are made of
elementary functions, beside JAX. All start from the same weights. With the samples in the same
order, all loss curves must agree before anything is timed. A step gathers its samples, runs the
forward and backward passes and updates the parameters; JAX compiles a whole epoch, which is not
counted. "best / ours" is the time of the fastest peer over that of the compiled core.

    python benchmarks/shapes.py --shapes 64-32-10 --batches 1,8 --dtypes float32 --peers JAX
"""

import _common  # first: it sets the number of threads
import _networks

SHAPES = {
    "64-32-10": (64, 32, 10),
    "784-128-10": (784, 128, 10),
    "784-512-256-10": (784, 512, 256, 10),
    "100-256-256-256-1": (100, 256, 256, 256, 1),
    "1000-1000-10": (1000, 1000, 10),
}
CURVED = {"20-100-1": (20, 100, 1), "784-128-10": (784, 128, 10)}
CHOICES = {
    "shapes": [*SHAPES, "20-100-1"],
    "batches": [1, 8, 32, 128, 256, 1024],
    "dtypes": ["float64", "float32"],
    "optimizers": ["sgd", "adam"],
    "activations": ["relu", "gelu", "softplus", "tanh", "logistic"],
    "peers": ["JAX", "torch", "MLPClassifier"],
}
PEERS = {
    "JAX": _networks.jax_scan,
    "torch": _networks.torch_eager,
    "MLPClassifier": _networks.sklearn,
}
ETA = {"sgd": 0.003, "adam": 0.0003}
GOALS = {"relu": {"float64": 1.0, "float32": 0.95}}  # 1 for the others
CURVED_BATCHES = (32, 256)


def cells(args):
    """Return the chosen cells: shape, activation, optimizer, dtype and batch size."""
    flat = [
        (name, "relu", optimizer, dtype, batch_size)
        for name in SHAPES
        for dtype in args.dtypes
        for optimizer in args.optimizers
        for batch_size in args.batches
    ]
    curved = [
        (name, activation, "sgd", dtype, batch_size)
        for name in CURVED
        for activation in CHOICES["activations"][1:]
        for dtype in args.dtypes
        for batch_size in CURVED_BATCHES
        if batch_size in args.batches
    ]
    return [c for c in flat + curved if c[0] in args.shapes and c[1] in args.activations]


def make_job(cell, n_rows=None):
    """Return the job of a cell, with enough rows for an epoch of some milliseconds."""
    name, activation, optimizer, dtype, batch_size = cell
    sizes = (SHAPES | CURVED)[name]
    if n_rows is None:
        n_weights = sum(a * b for a, b in zip(sizes[:-1], sizes[1:], strict=True))
        n_rows = min(max(400_000_000 // n_weights, 2048), 8192, 512 * batch_size)
    n_rows = batch_size * max(-(-n_rows // batch_size), 2)
    how = {"activation": activation, "optimizer": optimizer}
    return _networks.make_job(n_rows, sizes, dtype, batch_size, ETA[optimizer], **how)


def make_trains(job, peers):
    """Return those that take part: the chosen peers that are installed and can do it, and ours."""
    can = {"JAX"} if job.activation != "relu" else {"JAX", "torch", "MLPClassifier"}
    chosen = [name for name in peers if name in can]
    there = [n for n in chosen if n == "MLPClassifier" or _common.installed(n.lower())]
    trains = {"compiled": _networks.ours(job, "compiled")}
    return trains | {name: PEERS[name](job) for name in there}


def measure(cell, peers, rounds):
    """Return the row of a cell; None if no peer is there."""
    _common.progress(" ".join(map(str, cell)))
    job = make_job(cell)
    trains = make_trains(job, peers)
    if len(trains) == 1:
        return None
    name, activation, optimizer, dtype, batch_size = cell
    _networks.assert_same_curves(trains, 2, _networks.RTOL[dtype])
    steps = len(job.X) // batch_size
    times = {
        who: [seconds / steps * 1e6 for seconds in values]
        for who, values in _networks.time_them(trains, rounds, seconds=0.1).items()
    }
    head = {
        "shape": name,
        "units": activation,
        "by": optimizer,
        "dtype": dtype,
        "batch": batch_size,
    }
    row = _common.against_best(head, times, GOALS.get(activation, {}).get(dtype, 1.0))
    _common.progress(f"    {row['best']} / ours {_common.show(row['best / ours'])} {row['']}")
    return row


def check():
    """Assert that all agree, on a few rows of the small shapes."""
    some = [("64-32-10", "relu", by, dtype, 8) for by in ETA for dtype in _networks.RTOL]
    some += [("20-100-1", activation, "sgd", "float64", 8) for activation in CHOICES["activations"]]
    for cell in some:
        job = make_job(cell, n_rows=80)
        trains = make_trains(job, PEERS) | {"numpy": _networks.ours(job, "numpy")}
        _networks.assert_same_curves(trains, 2, _networks.RTOL[cell[3]])


def main():
    args = _common.arguments(__doc__, rounds=5, **CHOICES)
    if args.check:
        check()
        _common.agreed()
        return
    report = _common.Report("shapes", __doc__.splitlines()[0], args)
    rows = [row for cell in cells(args) if (row := measure(cell, args.peers, args.rounds))]
    for curved in (False, True):
        kept = [row for row in rows if (row["units"] != "relu") == curved]
        if kept:
            report.table(f"µs per step, {'other activations' if curved else 'relu'}", kept)
    report.save()


if __name__ == "__main__":
    main()
