"""Checks that need more than a parameter; each takes the column and returns its result."""
# ruff: noqa: ARG001, ARG005

import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
from scipy import sparse
from sklearn.callback import ScoringMonitor
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import check_estimator

import sklearn_neuron as ours
from feature_table.models import MAKE, NOISE, RARE, X, fit, net, network, own, same, weights, y
from sklearn_neuron import dask as on_dask
from sklearn_neuron.losses import SquaredError
from sklearn_neuron.onnx import to_onnx

try:
    import torch
    from skorch import callbacks
    from torch import nn, optim
except ImportError:
    pass

try:
    import onnxruntime
    import skl2onnx
except ImportError:
    pass
try:
    sys.modules.setdefault("sparse", None)  # not benchmarks/sparse.py, but a package Dask looks for
    import dask.array as da
    from distributed import Client, LocalCluster
except ImportError:
    pass

EARLY = {"early_stopping": True, "n_iter_no_change": 5, "tol": 1e-4, "max_iter": 500, "y": NOISE}


def look(**methods):
    return own(callbacks.Callback, **methods)()


def stratifies(column):
    with mock.patch(
        "sklearn_neuron._estimator.data.train_test_split", wraps=train_test_split
    ) as split:
        fit(column, y=RARE, early_stopping=True)
    return set(split.call_args.kwargs["stratify"]) == {0, 1, 2}  # and not 3, which is alone


def refuses_rare(column, y=RARE):
    try:
        fit(column, y=y, early_stopping=True)
    except ValueError as error:
        return "populated" in str(error)  # so says a split that is stratified
    return False


def restores(column):
    """Return whether, once training has stopped, an epoch less of it makes no difference."""
    model = fit(column, **EARLY)
    return same(model, fit(column, **{**EARLY, "max_iter": model.n_iter_ - 1}))


def torch_restores(column):
    kept = []
    keep = look(on_epoch_end=lambda self, net, **_: kept.append(weights(net)))
    stop = callbacks.EarlyStopping(load_best=True, patience=3, threshold=0.0)
    model = fit(column, y=NOISE, max_epochs=300, lr=0.3, callbacks=[keep, stop])
    best = int(np.argmin(model.history[:, "valid_loss"]))
    return best < len(kept) - 1 < 299 and np.allclose(weights(model), kept[best])


def torch_averages(column):
    mean = optim.swa_utils.AveragedModel(network())
    average = lambda self, net, **_: mean.update_parameters(net.module_)  # noqa: E731
    model = fit(column, callbacks=[look(on_batch_end=average)])
    return not torch.equal(*(next(m.parameters()) for m in (mean.module, model.module_)))


def torch_zeros(column):
    """Return whether a proximal step after every update makes some weights exactly zero."""

    def shrink(_, net, **__):
        for theta in net.module_.parameters():
            theta.data = nn.functional.softshrink(theta.data, 0.005)

    return 0 < np.mean(weights(fit(column, callbacks=[look(on_batch_end=shrink)])) == 0) < 1


def torch_saves(column):
    with tempfile.TemporaryDirectory() as folder:
        files = dict.fromkeys(["f_optimizer", "f_criterion", "f_history", "f_pickle"])
        save = callbacks.Checkpoint(
            monitor=None, f_params="{last_epoch[epoch]}.pt", dirname=folder, **files
        )
        fit(column, callbacks=[save])
        return len(list(Path(folder).iterdir())) == 20


def torch_checks_gradient(column):
    """Return whether torch agrees with differences, and shows what passes through a layer."""
    seen, model = [], network().double()
    model[0].register_full_backward_hook(lambda layer, delta_in, delta: seen.append(delta))
    rows, classes = torch.tensor(X[:5]), torch.tensor(y[:5])
    nn.functional.cross_entropy(model(rows), classes).backward()

    def loss(*theta):
        named = dict(zip(dict(model.named_parameters()), theta, strict=True))
        return nn.functional.cross_entropy(torch.func.functional_call(model, named, rows), classes)

    return len(seen) == 1 and torch.autograd.gradcheck(loss, tuple(model.parameters()))


def torch_weighs_rows(column):
    """Return whether a criterion may read the weights from a second column of y."""

    def forward(self, z, y):
        return (nn.functional.cross_entropy(z, y[:, 0].long(), reduction="none") * y[:, 1]).mean()

    criterion = own(nn.Module, forward=forward)
    make = {"skorch": lambda: net("NeuralNet", criterion=criterion)}
    one, other = (
        fit("skorch", y=np.column_stack([y, w]) * 1.0, make=make)
        for w in (np.ones(120), np.arange(120.0) / 60)
    )
    return not same(one, other)


def rates():
    """Return skorch's way to the schedules: their names, torch's classes and the arguments."""
    s = optim.lr_scheduler
    ramp = lambda t: min((t + 1) / 5, (1 + np.cos(np.pi * max(t - 5, 0) / 15)) / 2)  # noqa: E731
    return [
        ("inverse_scaling", s.LambdaLR, {"lr_lambda": lambda t: (t + 1) ** -0.5}),
        ("cosine", s.LambdaLR, {"lr_lambda": ramp}),
        ("plateaus", s.ReduceLROnPlateau, {"patience": 0, "threshold": 10.0}),
        ("exponential", s.ExponentialLR, {"gamma": 0.9}),
    ]


def calls_back(column):
    monitor = ScoringMonitor(scoring="accuracy")
    MAKE[column]().set_callbacks(monitor).fit(X, y)
    return len(monitor.get_logs().data) >= 1


def half_tanh(self, z, out):
    np.tanh(z, out=out)
    np.multiply(out, 0.5, out=out)


def half_tanh_with_slope(self, z, out, slope):
    half_tanh(self, z, out)
    np.subtract(0.5, 2.0 * out * out, out=slope)


def half_square(self, y, z):
    return SquaredError.value(self, y, z) / 2.0


def half_delta(self, y, z, out, work):
    SquaredError.delta(self, y, z, out, work)
    np.multiply(out, 0.5, out=out)


def goes_on(column):
    """Return whether a model can begin with a block, and another one takes it further."""
    model = MAKE[column]()
    if column == "mlxtend":
        once = weights(model.fit(X, y))
        return not np.allclose(once, weights(model.fit(X, y, init_params=False)))
    rows = X.astype("float32")
    once = weights(
        model.partial_fit(rows, y, **({} if column == "skorch" else {"classes": [0, 1, 2]}))
    )
    return not np.allclose(once, weights(model.partial_fit(rows, y)))


def shrinks(base=None, **strong):
    def norm(column, **params):
        return np.linalg.norm(weights(fit(column, **(base or {}), **params)))

    return lambda column: bool(norm(column, **strong) < 0.95 * norm(column))


def zeros(**params):
    return lambda column: 0 < np.sum(weights(fit(column, **params)) == 0) < 18


def columns_of(y, make=MAKE, wrapper=None, **params):
    """Return a check that predictions have the columns of y, by a wrapper where there is one."""

    def check(column):
        if wrapper is not None:
            return wrapper(make[column](**params)).fit(X, y).predict(X).shape == y.shape
        try:
            model = fit(column, y=y, make=make, **params)
        except AttributeError as error:  # mlxtend's refusals
            return "must be" not in str(error)
        return model.predict(X.astype("float32")).shape == y.shape

    return check


def keeps_float32(column):
    return weights(fit(column, X=X.astype("float32"))).dtype == np.float32


def reads_sparse(column):
    rows = X.astype("float32")
    try:
        score = fit(column, X=sparse.csr_matrix(rows)).score(sparse.csr_matrix(rows), y)
    except TypeError:
        return False
    return abs(score - fit(column, X=rows).score(rows, y)) < 0.1


def resumes(**params):
    """Return a check that five epochs and five more are ten."""

    def check(column):
        n = {"skorch": "max_epochs", "mlxtend": "epochs"}.get(column, "max_iter")
        model, ten = fit(column, **params, **{n: 5}), fit(column, **params, **{n: 10})
        again = {"init_params": False} if column == "mlxtend" else {}
        try:
            fit(column, make={column: lambda: model}, given=again)
        except UnboundLocalError:  # mlxtend's with momentum
            return False
        return same(model, ten)

    return check


def survives(**params):
    """Return a check that an interrupted fit leaves a model, of its last complete epoch or not."""

    def check(column):
        def interrupt(*_):
            raise KeyboardInterrupt

        if column in {"mlps", "neurons"}:
            with ours.config_context(engine="compiled"):
                fit(column)  # loads the compiled code, which takes as long as the interrupted fit
        whole, n = [], "max_epochs" if column == "skorch" else "max_iter"
        for _ in range(3):  # that chance ends an epoch three times is out of the question
            before = signal.signal(signal.SIGALRM, interrupt)
            model = MAKE[column](**params)
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            try:
                fit(column, make={column: lambda: model})  # noqa: B023
            except KeyboardInterrupt:
                pass
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
            if column != "skorch" and not hasattr(model, "n_iter_"):
                return False  # SGDClassifier's weights may be there, but not all of them
            try:
                model.predict(X.astype("float32"))
            except (ValueError, AttributeError):
                return False
            done = [r for r in model.history if "train_loss" in r] if column == "skorch" else None
            epochs = model.n_iter_ if done is None else len(done)
            whole.append(same(model, fit(column, **{**params, n: epochs})))
        return all(whole) or "within an epoch"

    return check


def passes(*estimators):
    def check(column):
        runs = [check_estimator(e, on_fail=None, on_skip=None) for e in estimators]
        worst = max(sum(r["status"] == "failed" for r in run) for run in runs)
        return not worst or (f"all but {worst}" if worst < 5 else False)

    return check


def exports(by):
    """Return a check that a converter's model answers in onnxruntime as the estimator does."""

    def check(column):
        model, rows = fit(column), X.astype("float32" if by == "torch" else X.dtype)
        try:
            exported = EXPORTS[by](model, rows)
        except (RuntimeError, AttributeError):  # skl2onnx's, of classes that it does not know
            return False
        session = onnxruntime.InferenceSession(exported.SerializeToString())
        *label, proba = session.run(None, {session.get_inputs()[0].name: rows})
        label = label[0] if label else proba.argmax(axis=1)
        if by == "torch":  # the module returns logits
            proba = np.exp(proba) / np.exp(proba).sum(axis=1, keepdims=True)
        expected = model.predict_proba(rows)
        return bool((label == model.predict(rows)).all() and abs(proba - expected).max() < 1e-5)

    return check


def by_ours(model, _):
    return to_onnx(model)


def by_skl2onnx(model, rows):
    options = {"zipmap": False}
    return skl2onnx.to_onnx(model, rows[:1], options=options, target_opset=18)


def by_torch(model, rows):
    sample = (torch.from_numpy(rows[:2]),)
    of_any_length = ({0: torch.export.Dim.DYNAMIC},)
    program = torch.onnx.export(model.module_, sample, dynamic_shapes=of_any_length, verbose=False)
    return program.model_proto


EXPORTS = {"sklearn_neuron": by_ours, "skl2onnx": by_skl2onnx, "torch": by_torch}


def trains_on_a_cluster(column):
    """Two workers, four partitions, and the parameters of one machine."""
    how = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    model = MAKE[column](batch_size=None)
    with LocalCluster(**how) as cluster, Client(cluster) as client:
        rows, target = da.from_array(X, chunks=(30, -1)), da.from_array(y, chunks=30)
        on_dask.fit(model, rows, target, client=client)
    return same(model, fit(column, batch_size=None))


def imports(package):
    """Return a check that a package can be imported by a Python that finds no torch."""
    code = f"""
import sys
class NoTorch:
    def find_spec(name, *_):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NoTorch)
import {package}"""
    command = [sys.executable, "-c", code]
    return lambda _: subprocess.run(command, capture_output=True, check=False).returncode == 0
