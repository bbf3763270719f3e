"""Multi-layer perceptrons: networks with any number of hidden layers, including none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn_neuron._estimator.base import NetworkClassifier, NetworkRegressor
from sklearn_neuron._estimator.constraints import (
    CLASS_WEIGHT,
    COMMON,
    HIDDEN_LAYER_SIZES,
    INIT,
    Choice,
    Constraint,
    Number,
    OneOrEach,
)
from sklearn_neuron._estimator.docstrings import documented
from sklearn_neuron._estimator.layout import Layers
from sklearn_neuron._estimator.targets import (
    ELEMENTWISE_LOSS,
    PROBABILISTIC_LOSS,
    Classes,
    Numbers,
)
from sklearn_neuron.activations import ACTIVATIONS, Activation
from sklearn_neuron.losses import Loss
from sklearn_neuron.optimizers import Optimizer

LAYERS: Mapping[str, Constraint] = {
    **COMMON,
    "hidden_layer_sizes": HIDDEN_LAYER_SIZES,
    "activation": OneOrEach(Choice(ACTIVATIONS, Activation), "hidden layer"),
    "init": INIT,
    "n_init": Number(1, integer=True),
    "dropout": Number(0.0, 1.0),
}


@documented
class ManualMLPClassifier(NetworkClassifier):
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

    _targets = Classes(allows_multilabel=True)
    _layout = Layers
    _constraints = {**LAYERS, "loss": PROBABILISTIC_LOSS, "class_weight": CLASS_WEIGHT}

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


@documented
class ManualMLPRegressor(NetworkRegressor):
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

    _targets = Numbers()
    _layout = Layers
    _constraints = {**LAYERS, "loss": ELEMENTWISE_LOSS}

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
