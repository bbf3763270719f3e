"""Single neurons: networks without hidden layers, whose weights are ``coef_`` and ``intercept_``.

They start at zero. ``SigmoidNeuronRegressor`` is the neuron with squared error behind a sigmoid,
``LogisticNeuronClassifier`` the one with cross-entropy, ``PerceptronClassifier`` Rosenblatt's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.linear_model._base import SparseCoefMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron._estimator.base import NetworkClassifier, NetworkRegressor
from sklearn_neuron._estimator.constraints import (
    CLASS_WEIGHT,
    COMMON,
    TARGET_RANGE,
    Choice,
    Constraint,
    Flag,
    Number,
    Registered,
)
from sklearn_neuron._estimator.docstrings import documented
from sklearn_neuron._estimator.layout import Neuron
from sklearn_neuron._estimator.targets import (
    PROBABILISTIC_LOSS,
    SIGMOID_LOSS,
    Classes,
    Interval,
)
from sklearn_neuron.losses import Loss, Perceptron
from sklearn_neuron.optimizers import OPTIMIZERS, Optimizer

NEURON: Mapping[str, Constraint] = {
    **COMMON,
    "solver": Choice(Registered(OPTIMIZERS, ["lbfgs", "newton"]), Optimizer),
    "l1_ratio": Number(0.0, 1.0, closed_high=True),
    "fit_intercept": Flag(),
}


@documented
class SigmoidNeuronRegressor(SparseCoefMixin, NetworkRegressor):
    """A sigmoid neuron trained on squared error by gradient descent.

    The prediction is ``low + (high - low) * σ(X @ coef_ + intercept_)``, and the objective
    ``Σ sᵢ (σ(zᵢ) - tᵢ)² / Σ sᵢ + (alpha / 2) ||coef_||²``, with sᵢ the weight of row i, tᵢ
    its target on the (0, 1) scale, and a sum over the targets where there are several. It
    is the neuron of the textbook's first chapter on backpropagation [1]_:
    ``δ = 2 (a - t) a (1 - a)``, ``∂w = Xᵀ δ / n``.

    Parameters
    ----------
    eta : float, default=0.4
        Learning rate: the length of a step, in units of the gradient.
    {{batch_size: 32}}
    {{neuron_solver: sgd}}
    {{schedule}}
    {{alpha}} The bias is not penalised.
    {{l1_ratio}}
    {{fit_intercept}}
    {{max_iter}}
    {{tol: 1e-5}}
    {{n_iter_no_change}}
    {{early_stopping}}
    {{validation_fraction}}
    loss : {"squared_error", "binary_cross_entropy"} or Loss, default="squared_error"
        ``"binary_cross_entropy"`` makes it the fractional logit [2]_, on the (0, 1) scale. An
        object must have the logistic link.
    target_range : "auto" or (low, high), default="auto"
        The range of the predictions. ``"auto"`` is (0, 1) when every target lies there, else
        the smallest and the largest training target; each target column has its own. A target
        outside an explicit range is an error. ``partial_fit`` settles the range at its first
        call, and targets that later fall outside of an automatic one give a warning.
    {{shuffle}}
    {{random_state: Decides the order of the rows}}
    {{warm_start}}
    {{record}}
    {{verbose}}

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Weights; 1-D where y was.
    intercept_ : float or ndarray of shape (n_targets,)
        Bias.
    target_range_ : tuple (low, high)
        The range of the predictions: floats, or arrays of shape (n_targets,) for 2-D y.
    {{fitted: ``"coef"`` and ``"intercept"``}}

    See Also
    --------
    LogisticNeuronClassifier : The same neuron for classes, on cross-entropy.
    ManualMLPRegressor : A network with hidden layers and an unbounded output.

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986). Learning representations by
       back-propagating errors. Nature 323, 533-536. https://doi.org/10.1038/323533a0
    .. [2] L. E. Papke, J. M. Wooldridge (1996). Econometric methods for fractional response
       variables. Journal of Applied Econometrics 11(6), 619-632.
       https://doi.org/10.1002/(SICI)1099-1255(199611)11:6<619::AID-JAE418>3.0.CO;2-1

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_neuron import SigmoidNeuronRegressor
    >>> X = np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, -2.0]])
    >>> y = np.array([1.0, 0.0, 0.0])
    >>> neuron = SigmoidNeuronRegressor(eta=0.1, batch_size=None, max_iter=2, tol=None)
    >>> neuron.fit(X, y, coef_init=[0.1, -0.2], intercept_init=0.0).coef_.round(4)
    array([ 0.1036, -0.1425])
    >>> np.round(neuron.loss_curve_, 4)
    array([0.3033, 0.2942])
    """

    coef_: Any
    _targets = Interval()
    _layout = Neuron
    _constraints = {**NEURON, "loss": SIGMOID_LOSS, "target_range": TARGET_RANGE}

    def __init__(
        self,
        *,
        eta: float = 0.4,
        batch_size: int | None = 32,
        solver: str | Optimizer = "sgd",
        schedule: Any = "constant",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        fit_intercept: bool = True,
        max_iter: int = 200,
        tol: float | None = 1e-5,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        loss: str | Loss = "squared_error",
        target_range: Any = "auto",
        shuffle: bool = True,
        random_state: Any = None,
        warm_start: bool = False,
        record: str = "loss",
        verbose: bool | int = False,
    ) -> None:
        self.eta = eta
        self.batch_size = batch_size
        self.solver = solver
        self.schedule = schedule
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.loss = loss
        self.target_range = target_range
        self.shuffle = shuffle
        self.random_state = random_state
        self.warm_start = warm_start
        self.record = record
        self.verbose = verbose

    def sparsify(self) -> Self:
        """Convert ``coef_`` to a sparse matrix of shape (n_targets, n_features).

        Useful where ``l1_ratio`` makes most weights zero.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        check_is_fitted(self)
        if not sparse.issparse(self.coef_):
            self.coef_ = np.atleast_2d(self.coef_)
        super().sparsify()
        return self

    def densify(self) -> Self:
        """Convert ``coef_`` to a dense array of its original shape.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        super().densify()
        if self._targets.fitted(vars(self)).flat:
            self.coef_ = self.coef_.reshape(-1)
        return self


@documented
class LogisticNeuronClassifier(SparseCoefMixin, NetworkClassifier):
    """A logistic neuron: logistic regression trained by backpropagation.

    For two classes there is one sigmoid output with binary cross-entropy, for K > 2 a softmax
    over K outputs with categorical cross-entropy; either way ``δ = a - y`` [1]_. The objective
    is ``Σ sᵢ ℓᵢ / Σ sᵢ + (alpha / 2) ||coef_||²`` with sᵢ the weight of row i, so that
    ``alpha = 1 / (C * n_samples)`` is scikit-learn's ``LogisticRegression(C)`` with unit weights.

    Parameters
    ----------
    eta : float, default=0.1
        Learning rate: the length of a step, in units of the gradient.
    {{batch_size: 32}}
    {{neuron_solver: sgd}}
    {{schedule}}
    {{alpha}} The bias is not penalised.
    {{l1_ratio}}
    {{fit_intercept}}
    {{max_iter}}
    {{tol: 1e-4}}
    {{n_iter_no_change}}
    {{early_stopping}}
    {{validation_fraction}}
    {{cross_entropy}}
    {{class_weight}}
    {{shuffle}}
    {{random_state: Decides the order of the rows}}
    {{warm_start}}
    {{record}}
    {{verbose}}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Biases.
    {{fitted: ``"coef"`` and ``"intercept"``}}

    See Also
    --------
    ManualMLPClassifier : The same with hidden layers.
    PerceptronClassifier : The neuron that learns only from mistakes.

    References
    ----------
    .. [1] C. M. Bishop (2006). Pattern Recognition and Machine Learning, sections 4.3.2 and
       4.3.4. Springer. https://www.springer.com/gp/book/9780387310732

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_neuron import LogisticNeuronClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), LogisticNeuronClassifier(random_state=0))
    >>> model.fit(X, y).score(X, y) > 0.98
    True
    """

    _targets = Classes()
    _layout = Neuron
    _constraints = {**NEURON, "loss": PROBABILISTIC_LOSS, "class_weight": CLASS_WEIGHT}

    def __init__(
        self,
        *,
        eta: float = 0.1,
        batch_size: int | None = 32,
        solver: str | Optimizer = "sgd",
        schedule: Any = "constant",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        fit_intercept: bool = True,
        max_iter: int = 200,
        tol: float | None = 1e-4,
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
        self.eta = eta
        self.batch_size = batch_size
        self.solver = solver
        self.schedule = schedule
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
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
class PerceptronClassifier(SparseCoefMixin, NetworkClassifier):
    """Rosenblatt's perceptron: one row at a time, a step for every mistake.

    The output is ``ŷ = 1[z >= 0]``, ``z = x · w + b``; each row moves the weights by
    ``w ← w + eta (y - ŷ) x`` and ``b ← b + eta (y - ŷ)`` [1]_, which is a gradient step on the
    perceptron criterion ``max(0, (1 - 2y) z)``. On linearly separable rows training ends at the
    first epoch without a mistake. More than two classes are learned one versus the rest.
    There are no probabilities.

    Parameters
    ----------
    eta : float, default=1.0
        Learning rate. From a start at zero and with one row at a time it only scales the weights.
    {{batch_size: 1}}
    solver : {{{optimizers}}} or Optimizer, default="sgd"
        How the (sub)gradients become steps; ``"sgd"`` is Rosenblatt's rule.
    {{schedule}}
    {{alpha}} The bias is not penalised.
    {{l1_ratio}}
    {{fit_intercept}}
    {{max_iter}}
    {{tol: None}}
        Either way training ends at the first epoch without a mistake.
    {{n_iter_no_change}}
    {{early_stopping}}
    {{validation_fraction}}
    {{class_weight}}
    {{shuffle}}
    {{random_state: Decides the order of the rows}}
    {{warm_start}}
    {{record}}
    {{verbose}}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Biases.
    {{fitted: ``"coef"`` and ``"intercept"``}}

    See Also
    --------
    LogisticNeuronClassifier : The neuron with probabilities.

    References
    ----------
    .. [1] F. Rosenblatt (1958). The perceptron: a probabilistic model for information storage
       and organization in the brain. Psychological Review 65(6), 386-408.
       https://doi.org/10.1037/h0042519

    Examples
    --------
    >>> from sklearn_neuron import PerceptronClassifier
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1]
    >>> PerceptronClassifier(random_state=0).fit(X, y).predict(X)
    array([0, 0, 0, 1])
    """

    _targets = Classes(criterion=Perceptron(), positive_at_zero=True)
    _layout = Neuron
    _constraints = {
        **NEURON,
        "solver": Choice(OPTIMIZERS, Optimizer),
        "class_weight": CLASS_WEIGHT,
    }

    def __init__(
        self,
        *,
        eta: float = 1.0,
        batch_size: int | None = 1,
        solver: str | Optimizer = "sgd",
        schedule: Any = "constant",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        fit_intercept: bool = True,
        max_iter: int = 200,
        tol: float | None = None,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        class_weight: Any = None,
        shuffle: bool = True,
        random_state: Any = None,
        warm_start: bool = False,
        record: str = "loss",
        verbose: bool | int = False,
    ) -> None:
        self.eta = eta
        self.batch_size = batch_size
        self.solver = solver
        self.schedule = schedule
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.class_weight = class_weight
        self.shuffle = shuffle
        self.random_state = random_state
        self.warm_start = warm_start
        self.record = record
        self.verbose = verbose
