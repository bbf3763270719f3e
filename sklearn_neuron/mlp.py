"""Multi-layer perceptrons: networks with any number of hidden layers, none included."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Self

from numpy.typing import NDArray

from sklearn_neuron._engine.dropout import Dropout
from sklearn_neuron._estimator.attributes import Parameters
from sklearn_neuron._estimator.base import BaseNetworkEstimator, resolve
from sklearn_neuron._estimator.callbacks import with_callbacks
from sklearn_neuron._estimator.constraints import (
    HIDDEN_LAYER_SIZES,
    Choice,
    InvalidParameterTypeError,
    Number,
    OneOrEach,
    check_start,
    layer_sizes_of,
)
from sklearn_neuron._estimator.data import Given
from sklearn_neuron._estimator.docstrings import documented
from sklearn_neuron._estimator.probabilities import ProbabilisticClassifier
from sklearn_neuron._estimator.state import Resume
from sklearn_neuron._estimator.targets import BaseNetworkRegressor
from sklearn_neuron._typing import Array
from sklearn_neuron.activations import ACTIVATIONS, Activation, Link, Softmax, Step
from sklearn_neuron.initializers import INITIALIZERS, initialize
from sklearn_neuron.losses import LOSSES, Loss
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import Optimizer

REGRESSION_LOSSES = ("squared_error", "absolute_error", "huber", "quantile", "poisson")


class BaseManualMLP(BaseNetworkEstimator):
    """Layers, their start, and the fitted ``coefs_`` and ``intercepts_``."""

    _names = ("coefs", "intercepts")
    _link: Link
    _activations: tuple[Activation, ...]
    _constraints = {
        **BaseNetworkEstimator._constraints,
        "hidden_layer_sizes": HIDDEN_LAYER_SIZES,
        "activation": OneOrEach(Choice(tuple(ACTIVATIONS), Activation), "hidden layer"),
        "init": Choice(("auto", *INITIALIZERS)),
        "n_init": Number(1, integer=True),
        "dropout": Number(0.0, 1.0),
    }

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
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
        X_val : {array-like, sparse matrix} of shape (n_rows, n_features), default=None
            Held-out rows: their loss and score are measured after every epoch, and the fitted
            parameters are those of the best epoch.
        y_val : array-like of shape (n_rows,) or (n_rows, n_outputs), default=None
            Their targets.
        sample_weight_val : array-like of shape (n_rows,), default=None
            Their weights.
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
        return self._fit(
            Given(X, y, sample_weight),
            Given(X_val, y_val, sample_weight_val),
            coef_init=coef_init,
            intercept_init=intercept_init,
        )

    def _hidden(self) -> tuple[list[int], list[Activation]]:
        sizes = layer_sizes_of(self.hidden_layer_sizes)
        if isinstance(self.activation, str | Activation):
            return sizes, [resolve(self.activation, ACTIVATIONS)] * len(sizes)
        if len(self.activation) != len(sizes):
            raise ValueError(
                f"The 'activation' parameter of {type(self).__name__} must be one for all hidden "
                f"layers or one for each of the {len(sizes)}; got {len(self.activation)}."
            )
        return sizes, [resolve(choice, ACTIVATIONS) for choice in self.activation]

    def _in_training(self, activations: list[Activation], place: Resume) -> list[Activation]:
        if not self.dropout:
            return activations
        rng = place.rng(self.random_state)
        return [Dropout(activation, float(self.dropout), rng) for activation in activations]

    def _layers(self, named: Mapping[str, Any]) -> Parameters:
        return named["coefs"], named["intercepts"]

    def _name_parameters(self, coefs: list[Array], intercepts: list[Array]) -> dict[str, Any]:
        return {"coefs": coefs, "intercepts": intercepts}

    def _fitted_attributes(self, coefs: list[Array], intercepts: list[Array]) -> dict[str, Any]:
        # copies, because set_params may reach into the objects that the user gave
        link, activations = copy.deepcopy((self._loss().link, tuple(self._hidden()[1])))
        return {
            **super()._fitted_attributes(coefs, intercepts),
            "n_layers_": len(coefs) + 1,
            "n_outputs_": coefs[-1].shape[1],
            "out_activation_": link.name,
            "_activations": activations,
            "_link": link,
        }

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
    activation : {{{activations}}} or Activation or a sequence, default="relu"
        Activation of the hidden layers, or a sequence with one for each.
    init : {"auto", {{initializers}}}, default="auto"
        Distribution of the first weights. ``"auto"`` is Glorot's uniform one, four times as
        wide for layers with "logistic" units.
    n_init : int, default=1
        From so many starts the network is trained; the run that ends with the lowest objective
        (with held-out rows: the best one on them) is kept. Not where training goes on, nor
        where the start is given.
    eta : float, default=0.002
        Learning rate: the length of a step, in units of the optimizer's direction.
    {{batch_size: 32}}
    {{solver: adam}}
    {{schedule}}
    {{alpha}} Biases are not penalised. It is
        not divided by the number of rows, as it is in scikit-learn's ``MLPClassifier``.
    dropout : float in [0, 1), default=0.0
        Probability that a hidden unit is left out of a training step; the others are scaled
        up, and predictions use all of them. Not with lbfgs.
    {{max_iter}}
    {{tol: 1e-3}}
    {{n_iter_no_change}}
    {{early_stopping}}
    {{validation_fraction}}
    {{cross_entropy}}
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

    _constraints = {
        **ProbabilisticClassifier._constraints,
        **BaseManualMLP._constraints,
    }
    _y_check = {"multi_output": True}

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        *,
        activation: Any = "relu",
        init: str = "auto",
        n_init: int = 1,
        eta: float = 0.002,
        batch_size: int | None = 32,
        solver: str | Optimizer = "adam",
        schedule: Any = "constant",
        alpha: float = 0.0,
        dropout: float = 0.0,
        max_iter: int = 200,
        tol: float | None = 1e-3,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        loss: str | Loss = "cross_entropy",
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
        self.n_init = n_init
        self.eta = eta
        self.batch_size = batch_size
        self.solver = solver
        self.schedule = schedule
        self.alpha = alpha
        self.dropout = dropout
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.loss = loss
        self.class_weight = class_weight
        self.shuffle = shuffle
        self.random_state = random_state
        self.warm_start = warm_start
        self.record = record
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags


@documented
class ManualMLPRegressor(BaseManualMLP, BaseNetworkRegressor):
    """A multi-layer perceptron regressor whose backpropagation is written by hand.

    By default the output is linear and the objective
    ``Σ sᵢ ||ŷᵢ - yᵢ||² / Σ sᵢ + (alpha / 2) ||W||²`` with sᵢ the weight of row i, the square
    summed over the targets; ``loss`` may be another one. ``δᴸ = 2 (a - y)`` at the output and
    ``δˡ⁻¹ = δˡ Wˡᵀ ⊙ σ'(zˡ⁻¹)`` below [1]_. (scikit-learn's ``MLPRegressor`` has half the
    square, so that its learning rate is twice our ``eta`` for ``solver="sgd"``.)
    Targets far from a standard deviation of one are best scaled, for example with
    ``TransformedTargetRegressor``.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units of each hidden layer; ``()`` for none.
    activation : {{{activations}}} or Activation or a sequence, default="relu"
        Activation of the hidden layers, or a sequence with one for each.
    init : {"auto", {{initializers}}}, default="auto"
        Distribution of the first weights. ``"auto"`` is Glorot's uniform one, four times as
        wide for layers with "logistic" units.
    n_init : int, default=1
        From so many starts the network is trained; the run that ends with the lowest objective
        (with held-out rows: the best one on them) is kept. Not where training goes on, nor
        where the start is given.
    eta : float, default=0.001
        Learning rate: the length of a step, in units of the optimizer's direction.
    {{batch_size: 32}}
    {{solver: adam}}
    {{schedule}}
    {{alpha}} Biases are not penalised.
    dropout : float in [0, 1), default=0.0
        Probability that a hidden unit is left out of a training step; the others are scaled
        up, and predictions use all of them. Not with lbfgs.
    {{max_iter}}
    {{tol: 1e-4}}
    {{n_iter_no_change}}
    {{early_stopping}}
    {{validation_fraction}}
    loss : str or Loss, default="squared_error"
        ``"squared_error"``, ``"absolute_error"``, ``"huber"``, ``"quantile"`` (the median) or
        ``"poisson"``. An object such as ``Quantile(0.9)`` sets what belongs to a loss, and then
        a search reaches it as ``loss__quantile``. ``"poisson"`` is for targets >= 0 and has a
        log link; the others predict the raw output.
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
        ``"identity"``, or ``"exponential"`` for the Poisson loss.
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

    _constraints = {
        **BaseNetworkRegressor._constraints,
        **BaseManualMLP._constraints,
        "loss": Choice(REGRESSION_LOSSES, Loss),
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        *,
        activation: Any = "relu",
        init: str = "auto",
        n_init: int = 1,
        eta: float = 0.001,
        batch_size: int | None = 32,
        solver: str | Optimizer = "adam",
        schedule: Any = "constant",
        alpha: float = 0.0,
        dropout: float = 0.0,
        max_iter: int = 200,
        tol: float | None = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        loss: str | Loss = "squared_error",
        shuffle: bool = True,
        random_state: Any = None,
        warm_start: bool = False,
        record: str = "loss",
        verbose: bool | int = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.init = init
        self.n_init = n_init
        self.eta = eta
        self.batch_size = batch_size
        self.solver = solver
        self.schedule = schedule
        self.alpha = alpha
        self.dropout = dropout
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.loss = loss
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
        return self._answer(X, self._link_output)

    def _link_output(self, z: Array) -> Array:
        """Return the prediction a = link(z); z is overwritten."""
        self._link.forward(z, out=z)
        return z[:, 0] if self._single_target else z

    def _encode_target(self, target: NDArray[Any], seen: bool) -> NDArray[Any]:
        self._loss().check_target(target)
        return target

    def _loss(self) -> Loss:
        loss: Loss = resolve(self.loss, LOSSES)
        if isinstance(loss.link, Softmax | Step):
            raise ValueError(
                "The 'loss' parameter of ManualMLPRegressor must have a link that gives each "
                f"target a number of its own; got {loss!r}."
            )
        return loss
