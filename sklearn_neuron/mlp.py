"""Multi-layer perceptrons: networks with any number of hidden layers, none included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from numpy.typing import NDArray

from sklearn_neuron._base import BaseNetworkEstimator, Parameters, resolve
from sklearn_neuron._docs import documented
from sklearn_neuron._probabilities import ProbabilisticClassifier
from sklearn_neuron._resume import Resume
from sklearn_neuron._targets import BaseNetworkClassifier, BaseNetworkRegressor
from sklearn_neuron._typing import Array
from sklearn_neuron._validation import (
    HIDDEN_LAYER_SIZES,
    Choice,
    InvalidParameterTypeError,
    check_start,
    layer_sizes_of,
)
from sklearn_neuron.activations import ACTIVATIONS, Activation
from sklearn_neuron.initializers import INITIALIZERS, initialize
from sklearn_neuron.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import Optimizer


class BaseManualMLP(BaseNetworkEstimator):
    """Layers, their start, and the fitted ``coefs_`` and ``intercepts_``."""

    _names = ("coefs", "intercepts")
    _constraints = {
        **BaseNetworkEstimator._constraints,
        "hidden_layer_sizes": HIDDEN_LAYER_SIZES,
        "activation": Choice(tuple(ACTIVATIONS), Activation),
        "init": Choice(("auto", *INITIALIZERS)),
    }

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        coef_init: Any = None,
        intercept_init: Any = None,
    ) -> Self:
        """Fit the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, numbers or strings, of at least two classes, or for multilabel y a
            column of 0 and 1 for each label; for the regressor targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative; only their ratios matter.
        coef_init : list of array-like of shape (n_in, n_out), default=None
            Weights to start from, for each layer, instead of random ones.
        intercept_init : list of array-like of shape (n_out,), default=None
            Biases to start from, for each layer, instead of random ones.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError
            For parameters or data that are not allowed, and when training diverges. The
            estimator is then as it was before.
        """
        return self._fit(X, y, sample_weight, coef_init=coef_init, intercept_init=intercept_init)

    def _hidden(self) -> tuple[list[int], list[Activation]]:
        sizes = layer_sizes_of(self.hidden_layer_sizes)
        return sizes, [resolve(self.activation, ACTIVATIONS)] * len(sizes)

    def _layers(self, named: Mapping[str, Any]) -> Parameters:
        return named["coefs"], named["intercepts"]

    def _name_parameters(self, coefs: list[Array], intercepts: list[Array]) -> dict[str, Any]:
        return {"coefs": coefs, "intercepts": intercepts}

    def _set_parameters(self, coefs: list[Array], intercepts: list[Array]) -> None:
        super()._set_parameters(coefs, intercepts)
        self.n_layers_ = len(coefs) + 1
        self.n_outputs_ = coefs[-1].shape[1]
        self.out_activation_ = self._loss().link.name
        self._activations = tuple(self._hidden()[1])

    def _fitted_activations(self) -> Sequence[Activation]:
        return self._activations

    def _draw_parameters(self, network: Network, place: Resume) -> Parameters:
        rng = place.rng(self.random_state)
        return initialize(self.init, network.layer_sizes, network.activations, rng)

    def _given_parameters(
        self, network: Network, coef_init: Any, intercept_init: Any
    ) -> tuple[list[Array] | None, list[Array] | None]:
        coefs = _given("coef_init", coef_init, network.W)
        return coefs, _given("intercept_init", intercept_init, network.b)


def _given(name: str, values: Any, like: list[Array]) -> list[Array] | None:
    """Return starting arrays, one for each layer, of the shapes of ``like``."""
    if values is None:
        return None
    if not isinstance(values, list | tuple):
        raise InvalidParameterTypeError(
            f"{name} must be a list with one array for each of the {len(like)} layers of "
            f"weights; got {type(values).__name__}."
        )
    if len(values) != len(like):
        raise ValueError(
            f"{name} must hold one array for each of the {len(like)} layers of weights; "
            f"got {len(values)}."
        )
    return [
        check_start(f"{name}[{l}]", value, view.shape, view.dtype)
        for l, (value, view) in enumerate(zip(values, like, strict=True))
    ]


@documented
class ManualMLPClassifier(BaseManualMLP, ProbabilisticClassifier):
    """A multi-layer perceptron classifier whose backpropagation is written by hand.

    For two classes the output is one sigmoid with binary cross-entropy, for K > 2 a softmax
    with categorical cross-entropy, for multilabel y one independent sigmoid for each label;
    always ``δᴸ = a - y`` at the output and ``δˡ⁻¹ = δˡ Wˡᵀ ⊙ σ'(zˡ⁻¹)`` below [1]_. The objective
    is ``Σ sᵢ ℓᵢ / Σ sᵢ + (alpha / 2) ||W||²`` with sᵢ the weight of row i and ℓ summed over the
    outputs. With ``hidden_layer_sizes=()`` it is logistic regression, and
    ``alpha = 1 / (C * n_samples)`` that of ``LogisticRegression(C)``.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units of each hidden layer; ``()`` for none.
    activation : {{{activations}}} or Activation, default="relu"
        Activation of the hidden layers.
    init : {"auto", {{initializers}}}, default="auto"
        Distribution of the first weights. ``"auto"`` is Glorot's uniform one, four times as
        wide for layers with "logistic" units.
    eta : float, default=0.002
        Learning rate: the length of a step, in units of the optimizer's direction.
    {{batch_size: 32}}
    {{solver: adam}}
    {{schedule}}
    {{alpha}} Biases are not penalised. It is
        not divided by the number of rows, as it is in scikit-learn's ``MLPClassifier``.
    {{max_iter}}
    {{tol: 1e-3}}
    {{n_iter_no_change}}
    {{class_weight}} For multilabel y a list
        with a dict ``{0: weight, 1: weight}`` for each label; the factors of a row multiply.
    {{shuffle}}
    {{random_state: Decides the first weights and the order of the rows}}
    {{warm_start}}
    {{record}}
    {{verbose}}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted; for multilabel y the label columns' numbers.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer.
    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer.
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of outputs.
    out_activation_ : str
        ``"logistic"`` or ``"softmax"``.
    {{fitted: ``"coefs"`` and ``"intercepts"``}}

    See Also
    --------
    ManualMLPRegressor : The same for numbers.
    LogisticNeuronClassifier : The network without hidden layers, starting at zero.

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986). Learning representations by
       back-propagating errors. Nature 323, 533-536. https://doi.org/10.1038/323533a0

    Examples
    --------
    >>> from sklearn_neuron import ManualMLPClassifier
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], ["same", "other", "other", "same"]
    >>> xor = ManualMLPClassifier(
    ...     hidden_layer_sizes=(4, 4), activation="logistic", solver="lbfgs", random_state=1
    ... )
    >>> [str(label) for label in xor.fit(X, y).predict(X)]
    ['same', 'other', 'other', 'same']
    """

    _constraints = {**BaseManualMLP._constraints, **BaseNetworkClassifier._constraints}
    _y_check = {"multi_output": True}

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        *,
        activation: str | Activation = "relu",
        init: str = "auto",
        eta: float = 0.002,
        batch_size: int | None = 32,
        solver: str | Optimizer = "adam",
        schedule: Any = "constant",
        alpha: float = 0.0,
        max_iter: int = 200,
        tol: float | None = 1e-3,
        n_iter_no_change: int = 10,
        class_weight: Any = None,
        shuffle: bool = True,
        random_state: Any = None,
        warm_start: bool = False,
        record: str = "loss",
        verbose: bool | int = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.init = init
        self.eta = eta
        self.batch_size = batch_size
        self.solver = solver
        self.schedule = schedule
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.shuffle = shuffle
        self.random_state = random_state
        self.warm_start = warm_start
        self.record = record
        self.verbose = verbose

    def _loss(self) -> Loss:
        if self._multilabel or len(self.classes_) == 2:
            return BinaryCrossEntropy()
        return CrossEntropy()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags


@documented
class ManualMLPRegressor(BaseManualMLP, BaseNetworkRegressor):
    """A multi-layer perceptron regressor whose backpropagation is written by hand.

    The output is linear and the objective ``Σ sᵢ ||ŷᵢ - yᵢ||² / Σ sᵢ + (alpha / 2) ||W||²``
    with sᵢ the weight of row i, the square summed over the targets: ``δᴸ = 2 (a - y)`` at the
    output and ``δˡ⁻¹ = δˡ Wˡᵀ ⊙ σ'(zˡ⁻¹)`` below [1]_. (scikit-learn's ``MLPRegressor`` has half
    the square, so that its learning rate is twice our ``eta`` for ``solver="sgd"``.)
    Targets far from a standard deviation of one are best scaled, for example with
    ``TransformedTargetRegressor``.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units of each hidden layer; ``()`` for none.
    activation : {{{activations}}} or Activation, default="relu"
        Activation of the hidden layers.
    init : {"auto", {{initializers}}}, default="auto"
        Distribution of the first weights. ``"auto"`` is Glorot's uniform one, four times as
        wide for layers with "logistic" units.
    eta : float, default=0.001
        Learning rate: the length of a step, in units of the optimizer's direction.
    {{batch_size: 32}}
    {{solver: adam}}
    {{schedule}}
    {{alpha}} Biases are not penalised.
    {{max_iter}}
    {{tol: 1e-4}}
    {{n_iter_no_change}}
    {{shuffle}}
    {{random_state: Decides the first weights and the order of the rows}}
    {{warm_start}}
    {{record}}
    {{verbose}}

    Attributes
    ----------
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer.
    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer.
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of targets.
    out_activation_ : str
        ``"identity"``.
    {{fitted: ``"coefs"`` and ``"intercepts"``}}

    See Also
    --------
    ManualMLPClassifier : The same for classes.
    SigmoidNeuronRegressor : One neuron with a bounded output.

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986). Learning representations by
       back-propagating errors. Nature 323, 533-536. https://doi.org/10.1038/323533a0

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron import ManualMLPRegressor
    >>> X = np.linspace(-1.0, 1.0, 50).reshape(-1, 1)
    >>> y = np.sin(3.0 * X).ravel()
    >>> model = ManualMLPRegressor((20,), activation="tanh", solver="lbfgs", random_state=0)
    >>> model.fit(X, y).score(X, y) > 0.999
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        *,
        activation: str | Activation = "relu",
        init: str = "auto",
        eta: float = 0.001,
        batch_size: int | None = 32,
        solver: str | Optimizer = "adam",
        schedule: Any = "constant",
        alpha: float = 0.0,
        max_iter: int = 200,
        tol: float | None = 1e-4,
        n_iter_no_change: int = 10,
        shuffle: bool = True,
        random_state: Any = None,
        warm_start: bool = False,
        record: str = "loss",
        verbose: bool | int = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.init = init
        self.eta = eta
        self.batch_size = batch_size
        self.solver = solver
        self.schedule = schedule
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.shuffle = shuffle
        self.random_state = random_state
        self.warm_start = warm_start
        self.record = record
        self.verbose = verbose

    def predict(self, X: Any) -> Array:
        """Return the prediction of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predicted targets.
        """
        z = self._raw_output(X)
        return z[:, 0] if self._single_target else z

    def _encode_target(self, target: NDArray[Any], seen: bool) -> NDArray[Any]:
        return target

    def _loss(self) -> Loss:
        return SquaredError()
