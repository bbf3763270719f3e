"""Epochs in the compiled core: which jobs it covers, and the fit that it is given.

The core knows the parts of the registries by name: it lists what it has compiled, and everything
else is computed by NumPy, which is the reference.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._engine import core
from sklearn_neuron._engine.batches import BLOCK_BYTES, X_BLOCK_BYTES, Samples, bytes_of
from sklearn_neuron._engine.dropout import Dropout
from sklearn_neuron._engine.epochs import Passed, Plateau, Updater
from sklearn_neuron._engine.objective import Batch
from sklearn_neuron._typing import Matrix
from sklearn_neuron.activations import ACTIVATIONS, Activation
from sklearn_neuron.losses import LOSSES, Loss
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

#: Bytes of a block's activations, all layers together, and the least rows of a block: a batch is
#: cut evenly into blocks that fit in the cache. With at least 200 rows instead of 256, batches of
#: 256 take 1.15 times as long for 1000→1000→10, and 1.09 times for 784→512→256→10.
CORE_BLOCK_BYTES, CORE_BLOCK_ROWS = 1 << 17, 256
#: The counters of the optimizer, of averaging and of the L1 penalty, as the state names them.
COUNTERS = ("t", "n_updates", "l1_due")
#: What the registries hold at first; the core has not compiled what users put there later.
OWN_ACTIVATIONS, OWN_LOSSES = dict(ACTIVATIONS), dict(LOSSES)
#: Multiplications of an update from which NumPy's BLAS is faster than a core without vector
#: instructions, as compilers other than GCC and Clang build it: an epoch of 784→128→10 at batch 256
#: takes it 451 and NumPy 59 ms.
PLAIN_WORK = 50_000
MOST_LAYERS, MOST_INDEX, MOST_INT = 64, 2**31 - 1, 2**63 - 1


# ---- what is covered ----------------------------------------------------------------------------


@functools.cache
def codes() -> tuple[dict[Any, tuple[int, str]], ...]:
    """Return the code and the hyper-parameter's name of each activation, loss and rule."""
    module = core.load()
    activations = {
        OWN_ACTIVATIONS[name]: (code, constant)
        for code, (name, _, constant) in enumerate(module.activations)
    }
    losses = {
        (OWN_LOSSES[name], link): (code, constant)
        for code, (name, link, constant) in enumerate(module.losses)
    }
    rules = {name: (code, arrays) for code, (name, _, arrays) in enumerate(module.rules)}
    return activations, losses, rules


def sigma_of(activation: Activation) -> Activation:
    """Return the activation behind dropout."""
    return activation.activation if isinstance(activation, Dropout) else activation


def loss_key(loss: Loss) -> tuple[type[Loss], str]:
    """Return what the core knows a loss by."""
    return type(loss), loss.link.name


def rule_of(optimizer: Optimizer) -> str | None:
    """Return the name of the rule of update, None for one that the core lacks."""
    if type(optimizer) is SGD:
        momentum = "nesterov" if optimizer.nesterov else "momentum"
        return momentum if optimizer.momentum else "plain"
    if type(optimizer) is RMSprop:
        return "rmsprop_momentum" if optimizer.momentum else "rmsprop"
    return "adam" if type(optimizer) in {Adam, AdamW} else None


def refusal(updater: Updater, samples: Samples, batch_size: int | None) -> str:
    """Return what of a job the core does not cover, or an empty string: then it computes the job.

    That depends on nothing but the job, so that the same job always has the same bits.
    """
    network, optimizer, loss = updater.network, updater.optimizer, updater.network.loss
    activations, losses, _ = codes()
    sigmas = [sigma_of(sigma) for sigma in network.activations]
    own = [sigma.name for sigma in sigmas if type(sigma) not in activations]
    n, dense = len(samples.Y), isinstance(samples.X, np.ndarray)
    products = dense and max(network.layer_sizes[1:]) > 1  # of matrices
    work = 3 * min(n, batch_size or n) * network.n_weights if products else 0
    link_is_own = type(loss.link).__module__ != "sklearn_neuron.activations"
    reasons = {
        f"the optimizer {type(optimizer).__name__}": rule_of(optimizer) is None,
        f"the loss {type(loss).__name__}": loss_key(loss) not in losses or link_is_own,
        f"the activation {', '.join(own)}": bool(own),
        f"more than {MOST_LAYERS} layers": len(network.W) > MOST_LAYERS,
        f"more than {MOST_INDEX} samples": n > MOST_INDEX,
        f"more than {MOST_INDEX} features": network.layer_sizes[0] > MOST_INDEX,
        "large batches without vector instructions": core.load().width == 1 and work > PLAIN_WORK,
    }
    return ", ".join(name for name, holds in reasons.items() if holds)


# ---- a fit in the core --------------------------------------------------------------------------


class CompiledEpochs:
    """The same as ``MiniBatchEpochs`` and ``FullBatchEpochs``, in the core, as many as asked for.

    Parameters
    ----------
    updater : Updater
        Network, optimizer and state.
    samples : Samples
        The training data.
    batch_size : int or None
        Number of samples of a batch; None for all.
    rng : RandomState or None
        What draws the order of the samples; None for their own order.
    """

    engine = "compiled"

    def __init__(
        self,
        updater: Updater,
        samples: Samples,
        batch_size: int | None,
        rng: np.random.RandomState | None,
    ) -> None:
        self.state, self._fit = updater.state, core_fit(updater, samples, batch_size, rng)
        # an epoch that is interrupted has drawn nothing: the core sees to it or, where it does not
        # know the generator, the run, which has to be asked before every epoch then
        self._most = None if self._fit.winds_back else 1

    def __call__(self, rates: NDArray[np.float64], plateau: Plateau | None) -> Passed:
        rates = rates[: self._most]
        state, losses = self.state, np.empty(len(rates))
        tol, patience, best, stale = -1.0, 1, math.inf, 0
        if plateau is not None and plateau.tol is not None:
            tol, patience = plateau.tol, min(plateau.patience, MOST_INT)
            best, stale = plateau.best[0], plateau.stale
        counters = [state.get(name, 0) for name in COUNTERS]
        done, status, best, stale, *counters = self._fit.run(
            rates, losses, tol, patience, best, stale, *counters
        )
        state.update(
            {name: count for name, count in zip(COUNTERS, counters, strict=True) if name in state}
        )
        if plateau is not None and plateau.tol is not None:
            plateau.best[0], plateau.stale = best, stale
        return Passed(losses[:done].tolist(), status, self._fit.interrupt)


def objective_refusal(network: Network, samples: Samples) -> str:
    """Return what of an objective the core does not cover, or an empty string.

    Without a hidden layer that is so for one output of dense samples: 13 / 114 / 2,658 µs on
    2,000 × 20, 20,000 × 20 and 20,000 × 200, where ``LinearObjective`` takes 46 / 243 / 8,177.
    """
    if len(network.W) == 1 and network.layer_sizes[-1] > 1:
        return "L-BFGS of several outputs without a hidden layer"
    if len(network.W) == 1 and not isinstance(samples.X, np.ndarray):
        return "L-BFGS on sparse samples without a hidden layer"
    return refusal(Updater(network, SGD(), {}), samples, None)


def compiled_objective(network: Network, samples: Samples) -> Batch:
    """Return the objective, computed in the core."""
    updater = Updater(network, SGD(), {})
    return Batch(network, core_fit(updater, samples, None, None).objective)


def core_fit(
    updater: Updater,
    samples: Samples,
    batch_size: int | None,
    rng: np.random.RandomState | None,
) -> Any:
    """Return the core's ``Fit``; it keeps the arrays that it points to alive."""
    network, n = updater.network, len(samples.Y)
    full = batch_size is None or batch_size >= n
    dropout = next((s for s in network.activations if isinstance(s, Dropout)), None)
    return core.load().Fit(
        **described_network(network),
        **described_optimizer(updater.optimizer, updater.state),
        **described_samples(samples, network, full=full),
        dropout=0.0 if dropout is None else dropout.rate,
        batch_size=n if batch_size is None else min(n, batch_size),
        **blocks(network, samples, full=full, as_in_numpy=dropout is not None),
        rng=dropout.rng if rng is None and dropout is not None else rng,
        shuffle=rng is not None and not full,
        on_update=updater.on_update(samples),
    )


def described_network(network: Network) -> dict[str, Any]:
    """Return the network as the core's ``Description`` has it."""
    activations, losses, _ = codes()
    sigmas = [sigma_of(sigma) for sigma in network.activations]
    of_layers = [activations[type(sigma)] for sigma in sigmas]
    loss_code, loss_constant = losses[loss_key(network.loss)]
    return {
        "sizes": np.array(network.layer_sizes, np.int64),
        "activations": np.array([code for code, _ in of_layers], np.int32),
        "constants": np.array(
            [constant(s, name) for s, (_, name) in zip(sigmas, of_layers, strict=True)], float
        ),
        "loss": loss_code,
        "loss_constant": constant(network.loss, loss_constant),
        "fit_intercept": network.fit_intercept,
        "theta": network.theta,
        "grad": network.grad,
        "alpha": network.alpha,
        "beta": network.beta,
    }


def constant(component: Any, name: str) -> float:
    """Return a component's hyper-parameter, 0 if it has none."""
    return float(getattr(component, name)) if name else 0.0


def described_optimizer(optimizer: Any, state: dict[str, Any]) -> dict[str, Any]:
    """Return the optimizer and its state as the core's ``Description`` has them."""
    rule, arrays = codes()[2][rule_of(optimizer)]
    memory = [state[name] for name in arrays.split()]
    first, second = getattr(optimizer, "momentum", 0.0), getattr(optimizer, "rho", 0.0)
    if isinstance(optimizer, Adam):
        first, second = optimizer.beta_1, optimizer.beta_2
    return {
        "rule": rule,
        "first": first,
        "second": second,
        "epsilon": getattr(optimizer, "epsilon", 0.0),
        "decay": optimizer.weight_decay,
        "max_norm": optimizer.max_norm or 0.0,
        "average": int(optimizer.average),
        "memory": (*memory, None, None)[:2],
        "averaged": state.get("average"),
        "paid": state.get("l1_paid"),
    }


def described_samples(samples: Samples, network: Network, *, full: bool) -> dict[str, Any]:
    """Return the data as the core's ``Description`` has them."""
    loss, dtype = network.loss, network.dtype
    epsilon = float(getattr(loss, "label_smoothing", 0.0))
    n_classes = 2 if loss.name == "binary_cross_entropy" else samples.Y.shape[1]
    X, values, indices, indptr = features(samples.X, full=full)
    Y = samples.Y if samples.Y.dtype == bool else samples.Y.astype(dtype, copy=False)
    return {
        "n": len(Y),
        "X": X,
        "values": values,
        "indices": indices,
        "indptr": indptr,
        "Y": np.ascontiguousarray(Y),
        "Y_scale": 1.0 - epsilon,
        "Y_shift": epsilon / n_classes,
        "weight": None if samples.weight is None else np.ascontiguousarray(samples.weight),
    }


def features(X: Matrix, *, full: bool) -> tuple[NDArray[Any] | None, ...]:
    """Return X, or the three arrays of CSR, whose entries are sorted and unique.

    Mini-batches need the rows of dense X one after the other; a full batch is gathered block by
    block from column-major X. The core reads numbers at addresses that their size divides, and
    files that are mapped, or bytes that were received, may have them elsewhere.
    """
    if isinstance(X, np.ndarray):
        X = X if full and X.flags.f_contiguous else np.ascontiguousarray(X)
        return X if X.flags.aligned else X.copy(order="A"), None, None, None
    parts = (X.data, None), (X.indices, np.int32), (X.indptr, np.int64)
    return None, *(np.require(part, dtype, ["C", "A"]) for part, dtype in parts)


def blocks(network: Network, samples: Samples, *, full: bool, as_in_numpy: bool) -> dict[str, int]:
    """Return how a batch is cut into blocks.

    Dropout draws a mask for each block and layer, so its blocks are those of ``batches.cut``.
    """
    itemsize = network.dtype.itemsize
    if as_in_numpy:
        widest = max(network.layer_sizes[1:]) * itemsize
        least = -(-bytes_of(samples.X) // X_BLOCK_BYTES) if full else 0
        return {"row_bytes": widest, "block_bytes": BLOCK_BYTES, "least_blocks": least}
    n_features = network.layer_sizes[0] if isinstance(samples.X, np.ndarray) else 0
    row = max(n_features, sum(network.layer_sizes[1:])) * itemsize
    n_bytes = max(CORE_BLOCK_BYTES, CORE_BLOCK_ROWS * row)
    return {"row_bytes": row, "block_bytes": n_bytes, "least_blocks": 1}
