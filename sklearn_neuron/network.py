r"""The network: all parameters in one vector θ, and the two passes of backpropagation.

.. math::

    a^0 &= X, \quad z^l = a^{l-1} W^l + b^l, \quad a^l = \sigma(z^l)

    a^L &= \mathrm{link}(z^L), \quad \delta^L = \partial \ell / \partial z^L

    \delta^{l-1} &= \delta^l (W^l)^\top \odot \sigma'(z^{l-1})

    \partial W^l &= (a^{l-1})^\top \delta^l, \quad \partial b^l = \sum_i \delta^l_i

The objective is :math:`\sum_i s_i \ell_i / \sum_i s_i + \frac{\alpha}{2} \|W\|^2 + \beta \|W\|_1`;
biases are never penalized. The last term, which has no gradient where a weight is zero, is left
to ``shrink``, the cumulative penalty of Tsuruoka, Tsujii and Ananiadou (2009). The share of a
sample, :math:`s_i / \sum s` (in a mini-batch its weight, of mean 1 over all samples, over the
number of samples), enters once, in :math:`\delta^L`.

Shapes: rows of X are samples, so a layer's W is ``(n_in, n_out)`` and its b, ∂b are
``(n_out,)``; z, a and δ are ``(m, n_out)``. The textbook's columns are these rows transposed.
θ and ∇θ hold W¹ … Wᴸ and then b¹ … bᴸ; W, b, dW, db are views of them.

Y. Tsuruoka, J. Tsujii, S. Ananiadou (2009). Stochastic gradient descent training for
L1-regularized log-linear models with cumulative penalty. ACL-IJCNLP, 477-485.
https://aclanthology.org/P09-1054
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse
from scipy.linalg import get_blas_funcs

from sklearn_neuron._typing import Array, Matrix
from sklearn_neuron.activations import Activation
from sklearn_neuron.losses import Loss


def product(A: Matrix, B: Array, out: Array) -> None:
    """Write A @ B into ``out``; A may be sparse."""
    if isinstance(A, np.ndarray):
        np.dot(A, B, out=out)
    else:
        out[...] = A @ B


def dense(matrix: Matrix) -> Array:
    """Return a matrix as an array; a product of sparse X and sparse W is sparse."""
    if type(matrix) is np.ndarray:  # nearly always
        return matrix
    array: Array = matrix.toarray() if sparse.issparse(matrix) else np.asarray(matrix)
    return array


def split(
    vector: NDArray[Any], layer_sizes: Sequence[int]
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Return the views W¹ … Wᴸ and b¹ … bᴸ of one flat vector."""
    shapes = list(zip(layer_sizes[:-1], layer_sizes[1:], strict=True))
    W, b, start = [], [], 0
    for n_in, n_out in shapes:
        W.append(vector[start : start + n_in * n_out].reshape(n_in, n_out))
        start += n_in * n_out
    for _, n_out in shapes:
        b.append(vector[start : start + n_out])
        start += n_out
    return W, b


def raw_output(
    X: Matrix,
    coefs: Sequence[Array],
    intercepts: Sequence[Array],
    activations: Sequence[Activation],
) -> Array:
    """Return z^L: a pure function of its arguments, what every ``predict`` rests on."""
    a = X
    for W, b, sigma in zip(coefs[:-1], intercepts[:-1], activations, strict=True):
        a = dense(a @ W)
        a += b
        sigma.forward(a, out=a)
    z = dense(a @ coefs[-1])
    z += intercepts[-1]
    return z


class Layer(NamedTuple):
    """One hidden layer: its parameters, and its memory for m samples."""

    W: Array
    b: Array
    sigma: Activation
    a: Array  # holds z^l and then a^l
    slope: Array  # σ′(z^l)
    delta: Array


class Workspace(NamedTuple):
    """The memory that m samples need on their way through the network, allocated once per fit."""

    hidden: list[Layer]
    z: Array
    delta: Array
    work: Array
    ones: Array

    def first(self, m: int) -> Workspace:
        """Return the part of this memory that the first m samples need."""
        return Workspace(
            [
                layer._replace(a=layer.a[:m], slope=layer.slope[:m], delta=layer.delta[:m])
                for layer in self.hidden
            ],
            *(array[:m] for array in self[1:]),
        )


class Network:
    """Layers, loss and penalty, with the memory of θ and ∇θ.

    Parameters
    ----------
    layer_sizes : sequence of int
        Number of features, of units in each hidden layer (there may be none), of outputs.
    activations : sequence of Activation
        One for each hidden layer.
    loss : Loss
        With its link.
    alpha : float, default=0.0
        Strength of the L2 penalty on the weights.
    dtype : dtype, default=float64
        Of θ, ∇θ and all buffers.
    beta : float, default=0.0
        Strength of the L1 penalty on the weights.
    fit_intercept : bool, default=True
        Whether the last layer's biases are trained; if not, ∂b is zero there.

    Attributes
    ----------
    theta, grad : ndarray of shape (n_parameters,)
        θ and ∇θ.
    W, b, dW, db : lists of ndarray
        Views of ``theta`` and ``grad``, a layer each.

    See Also
    --------
    sklearn_neuron.inspection.backprop_trace : All quantities of the two passes, for an estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron.activations import Tanh
    >>> from sklearn_neuron.losses import SquaredError
    >>> from sklearn_neuron.network import Network
    >>> network = Network([1, 2, 1], [Tanh()], SquaredError())
    >>> network.set_parameters([[[1.0, -1.0]], [[1.0], [1.0]]], [[0.0, 0.0], [0.5]])
    >>> X, Y = np.array([[1.0], [2.0]]), np.array([[0.0], [1.0]])
    >>> space = network.workspace(2)
    >>> network.forward(X, space, space.z)
    >>> space.z
    array([[0.5],
           [0.5]])
    >>> network.backward(X, Y, 0.5, space, space.z)
    >>> [dW.round(4).tolist() for dW in network.dW]
    [[[0.1393, 0.1393]], [[-0.1012], [0.1012]]]
    """

    theta: NDArray[Any]
    grad: NDArray[Any]
    W: list[NDArray[Any]]
    b: list[NDArray[Any]]
    dW: list[NDArray[Any]]
    db: list[NDArray[Any]]
    dtype: np.dtype[Any]

    def __init__(
        self,
        layer_sizes: Sequence[int],
        activations: Sequence[Activation],
        loss: Loss,
        alpha: float = 0.0,
        dtype: DTypeLike = np.float64,
        beta: float = 0.0,
        fit_intercept: bool = True,
    ) -> None:
        self.layer_sizes = tuple(layer_sizes)
        self.activations = tuple(activations)
        self.loss = loss
        self.alpha, self.beta, self.fit_intercept = alpha, beta, fit_intercept
        self.dtype = np.dtype(dtype)
        self.n_weights = sum(map(mul, self.layer_sizes[:-1], self.layer_sizes[1:]))
        n_parameters = self.n_weights + sum(self.layer_sizes[1:])
        self.theta = np.zeros(n_parameters, self.dtype)
        self.grad = np.zeros(n_parameters, self.dtype)
        self.W, self.b = split(self.theta, self.layer_sizes)
        self.dW, self.db = split(self.grad, self.layer_sizes)
        self._weights, self._dweights = self.theta[: self.n_weights], self.grad[: self.n_weights]
        #: BLAS: y += a x in place, for contiguous x and y of one dtype, without a temporary.
        self.axpy = get_blas_funcs("axpy", dtype=self.dtype)
        self._spaces: dict[int, Workspace] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what a copy is made of: a Fortran function and views cannot be pickled."""
        arguments = (
            self.layer_sizes,
            self.activations,
            self.loss,
            self.alpha,
            self.dtype,
            self.beta,
            self.fit_intercept,
        )
        return type(self), arguments, self.theta

    def __setstate__(self, theta: Array) -> None:
        self.theta[...] = theta

    def set_parameters(self, coefs: Sequence[Array], intercepts: Sequence[Array]) -> None:
        """Copy W and b of every layer into θ.

        Parameters
        ----------
        coefs : sequence of ndarray of shape (n_in, n_out)
            W of every layer.
        intercepts : sequence of ndarray of shape (n_out,)
            The biases b of every layer.
        """
        for view, value in zip((*self.W, *self.b), (*coefs, *intercepts), strict=True):
            view[...] = value

    def workspace(self, m: int) -> Workspace:
        """Return the memory for m samples: a part of that for more samples, where there is one.

        Parameters
        ----------
        m : int
            Number of samples.

        Returns
        -------
        Workspace
            Arrays for every layer.
        """
        if m not in self._spaces:
            larger = max(self._spaces, default=0)
            new = self._spaces[larger].first(m) if larger > m else self._new_workspace(m)
            self._spaces[m] = new
        return self._spaces[m]

    def _new_workspace(self, m: int) -> Workspace:
        hidden = []
        for W, b, sigma in zip(self.W[:-1], self.b[:-1], self.activations, strict=True):
            a, slope, delta = np.empty((3, m, len(b)), self.dtype)
            hidden.append(Layer(W, b, sigma, a, slope, delta))
        z, delta, work = np.empty((3, m, self.layer_sizes[-1]), self.dtype)
        return Workspace(hidden, z, delta, work, np.ones(m, self.dtype))

    def forward(self, X: Matrix, space: Workspace, z_out: Array) -> None:
        """Forward pass: write z^L into ``z_out``, and every a^l and σ′(z^l) into the workspace.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (m, n_features)
            The samples.
        space : Workspace
            Memory for m samples.
        z_out : ndarray of shape (m, n_outputs)
            Gets z^L.
        """
        a_below = X
        for W, b, sigma, a, slope, _ in space.hidden:
            product(a_below, W, out=a)
            np.add(a, b, out=a)  # z^l = a^(l-1) W^l + b^l
            sigma.with_derivative(a, out=a, slope=slope)  # a^l = σ(z^l)
            a_below = a
        product(a_below, self.W[-1], out=z_out)
        np.add(z_out, self.b[-1], out=z_out)

    def backward(
        self, X: Matrix, Y: Array, share: Array | float, space: Workspace, z_out: Array
    ) -> None:
        """Backward pass after ``forward``: write ∂W^l, ∂b^l of Σ shareᵢ ℓᵢ into ∇θ.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (m, n_features)
            The samples.
        Y : ndarray of shape (m, n_outputs)
            The targets.
        share : ndarray of shape (m, 1) or float
            The weight of each sample over the batch's number of samples.
        space : Workspace
            The memory that ``forward`` has written into.
        z_out : ndarray of shape (m, n_outputs)
            The z^L that ``forward`` has written.
        """
        delta = space.delta
        self.loss.delta(Y, z_out, out=delta, work=space.work)  # δ^L = ∂ℓ/∂z^L
        np.multiply(delta, share, out=delta)
        for l in range(len(space.hidden), 0, -1):  # the lists W, b count from 0: W[l] is W^(l+1)
            _, _, _, a, slope, delta_below = space.hidden[l - 1]
            np.dot(a.T, delta, out=self.dW[l])  # ∂W^(l+1) = a^lᵀ δ^(l+1)
            np.dot(space.ones, delta, out=self.db[l])  # ∂b^(l+1) = Σ δ^(l+1)
            np.dot(delta, self.W[l].T, out=delta_below)
            np.multiply(delta_below, slope, out=delta_below)  # δ^l = δ^(l+1) W^(l+1)ᵀ ⊙ σ′(z^l)
            delta = delta_below
        product(X.T, delta, out=self.dW[0])
        np.dot(space.ones, delta, out=self.db[0])
        if not self.fit_intercept:
            self.db[-1].fill(0.0)

    def penalty(self) -> float:
        """Return (alpha / 2) ‖W‖² + beta ‖W‖₁.

        Returns
        -------
        float
            The penalty of all layers.
        """
        penalty = 0.0
        if self.alpha:
            penalty += 0.5 * self.alpha * float(np.dot(self._weights, self._weights))
        if self.beta:
            penalty += self.beta * float(np.abs(self._weights).sum())
        return penalty

    def add_weights(self, factor: float) -> None:
        """Add a multiple of W to ∂W: with alpha, the gradient of the L2 penalty.

        Parameters
        ----------
        factor : float
            The multiple.
        """
        if factor:
            self.axpy(self._weights, self._dweights, a=factor)

    def shrink(self, due: float, paid: NDArray[np.float64], scale: Array | float) -> None:
        """Move every weight toward zero by what it still owes, and to zero where it is nearer.

        With u what each weight could have received of the L1 penalty so far and q what it has,
        c = clip(w, s (q − u), s (q + u)), w ← w − c, q ← q − c / s. For s = 1 these are the two
        cases of the paper: w ← max(0, w − (u + q)) for w > 0, w ← min(0, w + (u − q)) for w < 0.

        Parameters
        ----------
        due : float
            The sum u = Σ η β over the updates.
        paid : ndarray of shape (n_weights,)
            What was paid, q, in [−u, u] and negative where positive weights have received it. It is
            updated, and in float64, because w depends on the small difference of u and ``abs(q)``.
        scale : ndarray of shape (n_parameters,) or float
            The scale s, the optimizer's ``proximal_scale``. As u and q count gradients, and s is
            that of the moment, a debt from when s was much larger cannot hold a weight at zero.
        """
        if np.ndim(scale):
            scale = np.asarray(scale)[: self.n_weights]
        W = self._weights
        charge = np.maximum(W, scale * (paid - due))
        np.minimum(charge, scale * (paid + due), out=charge)
        W -= charge
        paid -= charge / scale
