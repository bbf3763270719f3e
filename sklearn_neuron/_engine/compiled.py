"""The compiled epoch: mini-batches through ``kernels``, and which jobs it computes.

Numba is imported when a job first needs it. The values of the losses are computed in NumPy: the
compiled code leaves z^L of some thousands of samples at a time.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import warnings
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._engine.batches import Samples, full_batch, take_rows
from sklearn_neuron._engine.epochs import Updater, solves, weighted_sum
from sklearn_neuron._typing import Array, Matrix
from sklearn_neuron.activations import (
    ELU,
    GELU,
    SELU,
    Identity,
    LeakyReLU,
    Logistic,
    ReLU,
    SiLU,
    Softplus,
    Tanh,
)
from sklearn_neuron.components import Component
from sklearn_neuron.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Perceptron,
    Poisson,
    Quantile,
    SquaredError,
    smooth,
)
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import SGD, Adam, AdamW

#: Seconds that a job must take in NumPy before compiled code is loaded. Loading takes 0.31 s in
#: each process, once. 2,000 samples of 20→100→1 become 1.7 to 2.8 times faster, a neuron up to 13
#: times: 9 to 20 jobs of 0.04 s pay for it.
WORTHWHILE = 0.04
#: Bytes of the outputs of one call. With 1,000 / 8,000 / 30,000 / 120,000 / 500,000 an epoch of
#: 20,000 × 20 with ten outputs in batches of 8 takes 41 / 9.4 / 7.2 / 6.8 / 6.9 ms.
OUTPUT_BYTES = 120_000
#: Samples times parameters of one call, for whose end an interrupt waits: 0.06 to 0.8 s for 80,000
#: and more parameters; OUTPUT_BYTES limits calls with fewer. With 3e5 / 3e7 / 3e8 an epoch of
#: 784→100→10 takes 36 / 33 / 32 ms.
CALL_WORK = 3e8
#: Bytes of a block's X, and of its activations, all layers together: with 2¹⁶ / 2¹⁷ / 2¹⁸ / 2¹⁹ an
#: epoch of 50→100→50 takes 5.6 / 5.6 / 6.9 / 7.1 ms. And its least rows: with 50 / 100 / 200 / 400
#: one of 784→100→10 takes 50 / 46 / 44 / 44 ms, and one of 20→400→400→1 117 / 101 / 94 / 93 ms.
KERNEL_BLOCK_BYTES, KERNEL_BLOCK_ROWS = 1 << 17, 200
#: Batch size up to which several dense neurons are computed without BLAS. Batches of 8: 1.10 ms
#: instead of 1.45 ms for 3 outputs, 1.70 instead of 1.81 for 10; of 16: 1.03 instead of 1.22, 1.57
#: instead of 1.54; of 32, on 200 columns, 5.2 instead of 4.1.
SMALL_BATCH = 8

COMPILED_ACTIVATIONS = {
    Identity, Logistic, Tanh, ReLU, LeakyReLU, ELU, SELU, GELU, SiLU, Softplus,
}  # fmt: skip
COMPILED_LOSSES = {
    SquaredError, AbsoluteError, Huber, Quantile, Poisson,
    BinaryCrossEntropy, CrossEntropy, Perceptron,
}  # fmt: skip
COMPILED_OPTIMIZERS = {SGD, Adam, AdamW}


def refusal(updater: Updater, n: int, batch_size: int | None) -> str:
    """Return what of a job the compiled code does not cover, or an empty string."""
    network, optimizer, loss = updater.network, updater.optimizer, updater.network.loss
    sigmas = [sigma for sigma in network.activations if type(sigma) not in COMPILED_ACTIVATIONS]
    any_link = not isinstance(loss, SquaredError) or type(loss.link) in {Identity, Logistic}
    reasons = {
        "record='step'": type(updater) is not Updater,
        "batches of all samples": batch_size is None or batch_size >= n,
        type(optimizer).__name__: type(optimizer) not in COMPILED_OPTIMIZERS,
        "max_norm": optimizer.max_norm is not None,
        "average": bool(optimizer.average),
        "l1_ratio": bool(network.beta),
        "fit_intercept=False": not network.fit_intercept,
        type(loss).__name__: type(loss) not in COMPILED_LOSSES or not any_link,
        ", ".join(sigma.name for sigma in sigmas): bool(sigmas),
    }
    return ", ".join(name for name, holds in reasons.items() if holds)


def seconds_in_numpy(network: Network, n: int, batch_size: int, n_epochs: int) -> float:
    """Return roughly how long the epochs of a job take in NumPy."""
    # Thirteen networks took 0.5 to 2.1 times as long with SGD, 0.7 to 2.9 times with Adam; least
    # squares over both gives 1.0e-5, 1.6e-9 and 1.3e-10.
    L, P = len(network.W), network.theta.size
    per_update = 8e-6 * L + 1e-9 * P  # calls, and passes over the parameters
    per_sample = 2e-10 * P  # products
    return n_epochs * (-(-n // batch_size) * per_update + n * per_sample)


def choose(
    engine: str, updater: Updater, n: int, batch_size: int | None, n_epochs: int
) -> tuple[str, bool]:
    """Return what of a job is not covered, and whether compiled code computes it.

    See ``set_config`` for the engines. "auto" looks at nothing but the job, so that the same job
    always has the same bits.
    """
    if engine == "numba":
        reason = refusal(updater, n, batch_size)
        return reason, not reason and load() is not None
    if engine == "numpy" or batch_size is None:
        return "", False
    if seconds_in_numpy(updater.network, n, batch_size, n_epochs) < WORTHWHILE:
        return "", False
    return "", not refusal(updater, n, batch_size) and loads()


@functools.cache
def load() -> ModuleType:
    """Return the compiled code."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        raise ImportError("Compiled epochs need Numba's compiler: unset NUMBA_DISABLE_JIT.")
    try:
        from sklearn_neuron._engine import kernels  # noqa: PLC0415
    except Exception as error:  # whatever a broken installation raises
        raise ImportError(
            f"Compiled epochs need Numba, which could not be imported ({error!r}): "
            'pip install "sklearn-neuron[fast]".'
        ) from error
    return kernels


@functools.cache
def loads() -> bool:
    """Return whether the compiled code is available; warn if Numba is installed but fails."""
    if importlib.util.find_spec("numba") is None:
        return False
    try:
        load()
    except ImportError as error:
        warnings.warn(f"{error} Training continues in NumPy.", RuntimeWarning, stacklevel=2)
        return False
    return True


class CompiledEpoch:
    """The same as ``MiniBatchEpoch``, in compiled code."""

    engine = "numba"

    def __init__(
        self,
        updater: Updater,
        samples: Samples,
        batch_size: int,
        rng: np.random.RandomState | None,  # None: the samples' own order
    ) -> None:
        self.kernels = load()
        self.network, self.state, self.rng = updater.network, updater.state, rng
        self.optimizer, self.samples, self.batch_size = updater.optimizer, samples, batch_size
        self.n, self._no_mistake = len(samples.Y), False
        network, K = updater.network, samples.Y.shape[1]
        self.X = kernel_argument(samples.X)
        row = max(K * network.dtype.itemsize / OUTPUT_BYTES, network.theta.size / CALL_WORK)
        self.chunk_size = min(self.n, batch_size * max(1, int(1.0 / (row * batch_size))))
        self._Y = np.empty((self.chunk_size, K), network.dtype)
        self._z = np.empty_like(self._Y)
        self._weight = np.empty(
            (0 if samples.weight is None else self.chunk_size, 1), network.dtype
        )
        self._layers, self._constants = self._describe()
        self._memory = self._take_over_state()
        self._codes, self._gathered, self._space = self._make_blocks(batch_size)
        self._rest = np.empty_like(network.grad)

    def _make_blocks(self, batch_size: int) -> tuple[NDArray[np.int64], Array, Array]:
        """Return the codes, and the memory of a block: of its X, and of a, σ′ and δ."""
        network = self.network
        n_features = 0 if isinstance(self.X, tuple) else network.layer_sizes[0]
        n_units = sum(network.layer_sizes[1:])
        fitting = KERNEL_BLOCK_BYTES // (max(n_features, n_units) * network.dtype.itemsize)
        block = min(batch_size, max(KERNEL_BLOCK_ROWS, fitting))
        codes = np.array([self._rule_code(), self._loss_code(), batch_size, block])
        m = 0 if self._is_neuron(codes[0]) else block  # a neuron's loops need none
        space = np.empty((3, m * n_units), network.dtype)
        return codes, np.empty(m * n_features, network.dtype), space

    def _rule_code(self) -> int:
        """Return the code of the rule of update."""
        optimizer, kernels = self.optimizer, self.kernels
        if not isinstance(optimizer, SGD):
            return int(kernels.ADAM)
        if not optimizer.momentum:
            return int(kernels.PLAIN)
        return int(kernels.NESTEROV if optimizer.nesterov else kernels.MOMENTUM)

    def _loss_code(self) -> int:
        """Return the code of the loss."""
        loss = self.network.loss
        behind_sigmoid = isinstance(loss, SquaredError) and isinstance(loss.link, Logistic)
        name = "squared_error_logistic" if behind_sigmoid else loss.name
        return int(getattr(self.kernels, name.upper()))

    def _describe(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return each layer's n_in, n_out and activation, and the constants, last the loss's."""
        sizes, activations = self.network.layer_sizes, (*self.network.activations, Identity())
        layers = [
            (n_in, n_out, getattr(self.kernels, sigma.name.upper()))
            for n_in, n_out, sigma in zip(sizes[:-1], sizes[1:], activations, strict=True)
        ]
        constants = [constant(component) for component in (*activations, self.network.loss)]
        return np.array(layers, np.int64), np.array(constants, np.float64)

    def _take_over_state(self) -> Array:
        """Move the arrays of the optimizer's state into the rows of one array, as views of it."""
        names = [name for name in ("carried", "mean", "square") if name in self.state]
        memory = np.empty((len(names), self.network.theta.size), self.network.dtype)
        for row, name in zip(memory, names, strict=True):
            row[:] = self.state[name]
            self.state[name] = row
        return memory

    def _hyper(self, eta: float) -> NDArray[np.float64]:
        """Return the hyper-parameters of an update, in the kernels' order."""
        optimizer, own = self.optimizer, [0.0, 0.0, 0.0]
        if isinstance(optimizer, Adam):
            own = [optimizer.beta_1, optimizer.beta_2, optimizer.epsilon]
        elif isinstance(optimizer, SGD):
            own[0] = optimizer.momentum
        return np.array([eta, self.network.alpha, optimizer.weight_decay, *own], np.float64)

    def __call__(self, eta: float) -> float:
        loss, hyper = self.network.loss, self._hyper(eta)
        order = None if self.rng is None else self.rng.permutation(self.n)
        total, no_mistake = 0.0, loss.solvable
        for start in range(0, self.n, self.chunk_size):
            stop = min(start + self.chunk_size, self.n)
            which = np.arange(start, stop) if order is None else order[start:stop]
            Y, z = self._Y[: stop - start], self._z[: stop - start]
            take_rows(self.samples.Y, which, out=Y)
            weight = self._weight[: stop - start]
            if self.samples.weight is not None:
                take_rows(self.samples.weight, which, out=weight)
            total += self._descend(which, Y, weight, hyper, z)
            total += weighted_sum(loss.value(Y, z), 1.0 if self.samples.weight is None else weight)
            no_mistake = no_mistake and loss.solved(Y, z)
        self._no_mistake = no_mistake
        return total / self.n

    def _descend(
        self,
        which: NDArray[np.intp],
        Y: Array,
        weight: Array,
        hyper: NDArray[np.float64],
        z: Array,
    ) -> float:
        """Make the updates of one call; return the sum of the penalties before each of them."""
        network, codes = self.network, self._codes
        targets = self._targets(Y)
        rows = self.X, which, targets, weight[:, 0], codes
        if self._is_neuron(codes[0]):
            sparse = isinstance(self.X, tuple)
            kernels = self.kernels
            descend = kernels.descend_sparse_neuron if sparse else kernels.descend_neuron
            return float(descend(*rows, self._constants[-1], hyper, network.theta, z))
        t = self.state.get("t", 0)
        penalty = self.kernels.descend(
            *rows, self._layers, self._constants, hyper, t,
            network.theta, network.grad, self._rest, self._memory, z, self._gathered, self._space,
        )  # fmt: skip
        if "t" in self.state:
            self.state["t"] += -(-len(which) // self.batch_size)
        return float(penalty)

    def _is_neuron(self, rule: int) -> bool:
        """Return whether one of the loops without ∇θ serves."""
        plain = len(self._layers) == 1 and rule == self.kernels.PLAIN
        few = self._layers[-1, 1] == 1 or self.batch_size <= SMALL_BATCH
        return bool(plain and (few or isinstance(self.X, tuple)))

    def _targets(self, Y: Array) -> Array:
        """Return the targets that δ is measured from."""
        epsilon = getattr(self.network.loss, "label_smoothing", 0.0)
        K = 2 if self.network.loss.name == "binary_cross_entropy" else Y.shape[1]
        return smooth(Y, epsilon, K)

    def solved(self) -> bool:
        return self._no_mistake and solves(self.network, full_batch(self.network, self.samples))


def kernel_argument(X: Matrix) -> Array | tuple[Array, ...]:
    """Return X as the kernels take it: read-only, so that it always has the same type.

    CSR is copied where its entries are not sorted or have duplicates.
    """
    if not (isinstance(X, np.ndarray) or X.has_canonical_format):
        X = X.copy()
        X.sum_duplicates()
    arrays = (X,) if isinstance(X, np.ndarray) else (X.data, X.indices, X.indptr)
    views = tuple(np.ascontiguousarray(array).view(np.ndarray) for array in arrays)
    for view in views:
        view.flags.writeable = False
    return views[0] if isinstance(X, np.ndarray) else views


def constant(component: Component) -> float:
    """Return the hyper-parameter of an activation or a loss, if there is one."""
    for kind, name in (
        (LeakyReLU, "negative_slope"),
        (ELU, "c"),
        (Huber, "threshold"),
        (Quantile, "quantile"),
    ):
        if isinstance(component, kind):
            return float(getattr(component, name))
    return 0.0
