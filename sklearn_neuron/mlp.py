"""Multi-layer perceptrons: networks with any number of hidden layers, including none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._estimator.base import NetworkClassifier, NetworkRegressor
from sklearn_neuron._estimator.constraints import (
    CLASS_WEIGHT,
    COMMON,
    HIDDEN_LAYER_SIZES,
    INIT,
    Auto,
    Choice,
    Constraint,
    Flag,
    Number,
    OneOrEach,
    Registered,
)
from sklearn_neuron._estimator.docstrings import documented
from sklearn_neuron._estimator.hints import hinted
from sklearn_neuron._estimator.layout import Layers
from sklearn_neuron._estimator.targets import (
    ELEMENTWISE_LOSS,
    PROBABILISTIC_LOSS,
    Classes,
    Numbers,
)
from sklearn_neuron._typing import (
    ActivationName,
    Array,
    AutoName,
    ClassLossName,
    ClassWeight,
    HiddenLayerSizes,
    InitializerName,
    NetworkSolverName,
    NumberLossName,
    RandomState,
    RecordName,
    ScheduleName,
)
from sklearn_neuron.activations import ACTIVATIONS, Activation
from sklearn_neuron.losses import Loss
from sklearn_neuron.optimizers import Optimizer
from sklearn_neuron.records import Record
from sklearn_neuron.schedules import SCHEDULES, Schedule

LAYERS: Mapping[str, Constraint] = {
    **COMMON,
    "hidden_layer_sizes": HIDDEN_LAYER_SIZES,
    "activation": OneOrEach(Choice(ACTIVATIONS, Activation), "hidden layer"),
    "init": INIT,
    "n_init": Number(1, integer=True),
    "alpha": Auto(Number(0.0)),
    "dropout": Number(0.0, 1.0),
    "schedule": Choice(Registered(SCHEDULES, ["auto"]), Schedule),
    "early_stopping": Auto(Flag()),
}


@hinted
@documented
class ManualMLPClassifier(NetworkClassifier):
    """Multi-layer perceptron classifier with hand-written backpropagation.

    For two classes, the output is one sigmoid with the binary cross-entropy; for K > 2 classes, a
    softmax with the categorical cross-entropy; for multilabel y, an independent sigmoid for each
    label. In all cases ``δᴸ = a - y`` at the output and ``δˡ⁻¹ = δˡ Wˡᵀ ⊙ σ'(zˡ⁻¹)`` in the layers
    below [1]_. The objective is ``Σ sᵢ ℓᵢ / Σ sᵢ + (alpha / 2) ||W||²``, where sᵢ is the weight of
    sample i and ℓ is summed over the outputs. With ``hidden_layer_sizes=()`` it is logistic
    regression, and ``alpha = 1 / (C * n_samples)`` corresponds to ``LogisticRegression(C)``.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        The ith element represents the number of units in the ith hidden layer; ``()`` means no
        hidden layer.
    activation : {{{activations}}} or Activation or a sequence, default="relu"
        Activation function for the hidden layers, or a sequence with one for each of them.
    init : {"auto", {{initializers}}}, default="auto"
        Distribution of the initial weights. ``"auto"`` is Glorot's uniform distribution, four
        times as wide for layers with "logistic" units.
    n_init : int, default=1
        Number of random initializations. The network is trained from each of them, and the run
        with the lowest final objective (with validation data, the best one on them) is kept.
        Ignored if training is continued or if initial parameters are given.
    eta : float, default=0.005
        Learning rate: the step size, in units of the optimizer's direction.
    {{batch_size: 32}}
    {{solver: adam}}
    {{auto_schedule}}
    {{auto_alpha}} Biases are not penalized. Unlike in
        scikit-learn's ``MLPClassifier``, the term is not divided by the sample size.
    dropout : float in [0, 1), default=0.0
        Probability that a hidden unit is dropped in a training step. The other units are scaled
        up, and predictions use all units. Not supported by lbfgs.
    {{max_iter}}
    {{tol: 1e-3}}
    {{n_iter_no_change: 10}}
    {{auto_stopping}}
    {{validation_fraction}}
    {{cross_entropy}}
    {{class_weight}} For multilabel y,
        a list with one dict ``{0: weight, 1: weight}`` for each label; the factors of a sample
        are multiplied.
    {{shuffle}}
    {{random_state: the initial weights, dropout, shuffling the samples}}
    {{warm_start}}
    {{record}}
    {{verbose}}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted class labels known to the classifier; for multilabel y, the column indices.
    coefs_ : list of ndarray of shape (n_in, n_out)
        The ith element represents the weight matrix between layers i and i + 1.
    intercepts_ : list of ndarray of shape (n_out,)
        The ith element represents the bias vector of layer i + 1.
    n_layers_ : int
        Number of layers, including input and output.
    n_outputs_ : int
        Number of outputs.
    out_activation_ : str
        Name of the output activation function, ``"logistic"`` or ``"softmax"``.
    alpha_ : float
        The strength of the L2 regularization.
    {{length}}
    {{fitted: ``"coefs"`` and ``"intercepts"``}}

    See Also
    --------
    ManualMLPRegressor : Multi-layer perceptron regressor.
    LogisticNeuronClassifier : The network without hidden layers, with zero initial weights.
    sklearn.neural_network.MLPClassifier : The multi-layer perceptron classifier of scikit-learn.

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

    coefs_: list[Array]
    intercepts_: list[Array]
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    alpha_: float
    n_iter_candidates_: NDArray[np.intp]
    held_out_losses_: NDArray[np.float64]
    _targets = Classes(allows_multilabel=True)
    _layout = Layers
    _constraints = {**LAYERS, "loss": PROBABILISTIC_LOSS, "class_weight": CLASS_WEIGHT}

    def __init__(
        self,
        hidden_layer_sizes: HiddenLayerSizes = (100,),
        *,
        activation: ActivationName | Activation | Sequence[ActivationName | Activation] = "relu",
        init: InitializerName = "auto",
        n_init: int = 1,
        eta: float = 0.005,
        batch_size: int | None = 32,
        solver: NetworkSolverName | Optimizer = "adam",
        schedule: ScheduleName | AutoName | Schedule = "auto",
        alpha: float | AutoName = "auto",
        dropout: float = 0.0,
        max_iter: int = 200,
        tol: float | None = 1e-3,
        n_iter_no_change: int = 10,
        early_stopping: bool | AutoName = "auto",
        validation_fraction: float = 0.1,
        loss: ClassLossName | Loss = "cross_entropy",
        class_weight: ClassWeight = None,
        shuffle: bool = True,
        random_state: RandomState = None,
        warm_start: bool = False,
        record: RecordName | Record = "loss",
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


@hinted
@documented
class ManualMLPRegressor(NetworkRegressor):
    """Multi-layer perceptron regressor with hand-written backpropagation.

    By default, the output is linear and the objective is
    ``Σ sᵢ ||ŷᵢ - yᵢ||² / Σ sᵢ + (alpha / 2) ||W||²``, where sᵢ is the weight of sample i and the
    square is summed over the targets; ``loss`` selects another loss function. With the default,
    ``δᴸ = 2 (a - y)`` at the output and ``δˡ⁻¹ = δˡ Wˡᵀ ⊙ σ'(zˡ⁻¹)`` in the layers below [1]_.
    (scikit-learn's ``MLPRegressor`` minimizes half the square, so that its learning rate is twice
    our ``eta`` for ``solver="sgd"``.)

    Adaptive optimizers (adam, adamw, rmsprop) see ``y / c``, where c is the power of two next to
    the standard deviation of y, and start from an output bias at its mean, unless the loss has no
    other units ("poisson", "binary_cross_entropy", a user's own) or initial parameters are given.
    So ``eta``, ``alpha`` and ``tol`` refer to ``y / c``. Since a division by c is exact,
    ``coefs_``, ``intercepts_`` and losses are in the units of y. With the other solvers, targets
    whose standard deviation is far from one should be scaled, for example with
    ``TransformedTargetRegressor``.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        The ith element represents the number of units in the ith hidden layer; ``()`` means no
        hidden layer.
    activation : {{{activations}}} or Activation or a sequence, default="relu"
        Activation function for the hidden layers, or a sequence with one for each of them.
    init : {"auto", {{initializers}}}, default="auto"
        Distribution of the initial weights. ``"auto"`` is Glorot's uniform distribution, four
        times as wide for layers with "logistic" units.
    n_init : int, default=1
        Number of random initializations. The network is trained from each of them, and the run
        with the lowest final objective (with validation data, the best one on them) is kept.
        Ignored if training is continued or if initial parameters are given.
    eta : float, default=0.005
        Learning rate: the step size, in units of the optimizer's direction.
    {{batch_size: 32}}
    {{solver: adam}}
    {{auto_schedule}}
    {{auto_alpha}} Biases are not penalized.
    dropout : float in [0, 1), default=0.0
        Probability that a hidden unit is dropped in a training step. The other units are scaled
        up, and predictions use all units. Not supported by lbfgs.
    {{max_iter}}
    {{tol: 1e-4}}
    {{n_iter_no_change: 10}}
    {{auto_stopping}}
    {{validation_fraction}}
    loss : {{{losses_of_numbers}}} or Loss, default="squared_error"
        The loss function. An object such as ``Quantile(0.9)`` sets its hyper-parameters, which a
        search then reaches as ``loss__quantile``; ``"quantile"`` is the median. ``"poisson"``
        requires targets >= 0 and uses a log link, ``"binary_cross_entropy"`` targets between 0 and
        1 and a logit link; the others predict the raw output.
    {{shuffle}}
    {{random_state: the initial weights, dropout, shuffling the samples}}
    {{warm_start}}
    {{record}}
    {{verbose}}

    Attributes
    ----------
    coefs_ : list of ndarray of shape (n_in, n_out)
        The ith element represents the weight matrix between layers i and i + 1.
    intercepts_ : list of ndarray of shape (n_out,)
        The ith element represents the bias vector of layer i + 1.
    n_layers_ : int
        Number of layers, including input and output.
    n_outputs_ : int
        Number of targets.
    out_activation_ : str
        Name of the output activation function: ``"identity"``, ``"exponential"`` for the Poisson
        loss, ``"logistic"`` for the binary cross-entropy.
    alpha_ : float
        The strength of the L2 regularization.
    {{length}}
    {{fitted: ``"coefs"`` and ``"intercepts"``}}

    See Also
    --------
    ManualMLPClassifier : Multi-layer perceptron classifier.
    SigmoidNeuronRegressor : A single neuron with a bounded output.
    sklearn.neural_network.MLPRegressor : The multi-layer perceptron regressor of scikit-learn.

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

    coefs_: list[Array]
    intercepts_: list[Array]
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    alpha_: float
    n_iter_candidates_: NDArray[np.intp]
    held_out_losses_: NDArray[np.float64]
    _targets = Numbers()
    _layout = Layers
    _constraints = {**LAYERS, "loss": ELEMENTWISE_LOSS}

    def __init__(
        self,
        hidden_layer_sizes: HiddenLayerSizes = (100,),
        *,
        activation: ActivationName | Activation | Sequence[ActivationName | Activation] = "relu",
        init: InitializerName = "auto",
        n_init: int = 1,
        eta: float = 0.005,
        batch_size: int | None = 32,
        solver: NetworkSolverName | Optimizer = "adam",
        schedule: ScheduleName | AutoName | Schedule = "auto",
        alpha: float | AutoName = "auto",
        dropout: float = 0.0,
        max_iter: int = 200,
        tol: float | None = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool | AutoName = "auto",
        validation_fraction: float = 0.1,
        loss: NumberLossName | Loss = "squared_error",
        shuffle: bool = True,
        random_state: RandomState = None,
        warm_start: bool = False,
        record: RecordName | Record = "loss",
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
