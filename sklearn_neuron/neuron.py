"""Single neurons: networks without hidden layers, whose weights are ``coef_`` and ``intercept_``.

The initial weights are zero. ``SigmoidNeuronRegressor`` has a sigmoid output and the squared error,
``LogisticNeuronClassifier`` has the cross-entropy, and ``PerceptronClassifier`` is Rosenblatt's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron._engine.solvers import SOLVERS
from sklearn_neuron._estimator.base import NetworkClassifier, NetworkRegressor
from sklearn_neuron._estimator.constraints import (
    CLASS_WEIGHT,
    COMMON,
    TARGET_RANGE,
    Auto,
    Choice,
    Constraint,
    Flag,
    Number,
    Registered,
)
from sklearn_neuron._estimator.docstrings import documented
from sklearn_neuron._estimator.hints import hinted
from sklearn_neuron._estimator.layout import Neuron
from sklearn_neuron._estimator.targets import (
    PROBABILISTIC_LOSS,
    SIGMOID_LOSS,
    Classes,
    Interval,
)
from sklearn_neuron._typing import (
    Array,
    AutoName,
    ClassLossName,
    ClassWeight,
    NeuronSolverName,
    OptimizerName,
    RandomState,
    RangeLossName,
    RecordName,
    ScheduleName,
    TargetRange,
)
from sklearn_neuron.losses import Loss, Perceptron
from sklearn_neuron.optimizers import OPTIMIZERS, Optimizer
from sklearn_neuron.records import Record
from sklearn_neuron.schedules import Schedule

if TYPE_CHECKING:  # scikit-learn's own has no types

    class SparseCoefMixin:
        """Stands for it."""

        def sparsify(self) -> Self: ...

        def densify(self) -> Self: ...
else:
    from sklearn.linear_model._base import SparseCoefMixin

NEURON: Mapping[str, Constraint] = {
    **COMMON,
    "solver": Choice(Registered(OPTIMIZERS, [*SOLVERS]), Optimizer),
    "l1_ratio": Number(0.0, 1.0, closed_high=True),
    "fit_intercept": Flag(),
}
#: Steps that suit the samples; the size of the perceptron's does not matter.
SCALED_STEPS = {"eta": Auto(Number(0.0, open_low=True))}


@hinted
@documented
class SigmoidNeuronRegressor(SparseCoefMixin, NetworkRegressor):
    """Sigmoid neuron regressor, trained on the squared error by gradient descent.

    The prediction is ``low + (high - low) * σ(X @ coef_ + intercept_)``. The objective is
    ``Σ sᵢ (σ(zᵢ) - tᵢ)² / Σ sᵢ + (alpha / 2) ||coef_||²``, where sᵢ is the weight of sample i
    and tᵢ its target on the (0, 1) scale; multiple targets are summed over. Backpropagation [1]_
    gives ``δ = 2 (a - t) a (1 - a)`` and ``∂w = Xᵀ δ / n``.

    Parameters
    ----------
    {{auto_eta}}
    {{batch_size: 32}}
    {{neuron_solver: sgd}}
    {{schedule}}
    {{alpha}} The bias is not penalized.
    {{l1_ratio}}
    {{fit_intercept}}
    {{max_iter}}
    {{tol: 1e-6}}
    {{n_iter_no_change: 10}}
    {{early_stopping}}
    {{validation_fraction}}
    loss : {{{losses_of_ranges}}} or Loss, default="squared_error"
        The loss function, on the (0, 1) scale. ``"binary_cross_entropy"`` makes the neuron a
        fractional logit model [2]_. An object must have the logistic link.
    target_range : "auto" or (low, high), default="auto"
        The range of the predictions. ``"auto"`` is (0, 1) if all targets are in this range,
        otherwise the smallest and the largest training target; each target column has its own
        range. A target outside an explicit range raises a ValueError. ``partial_fit`` determines
        the range in its first call; later targets outside an automatic range raise a warning.
    {{shuffle}}
    {{random_state: shuffling the samples}}
    {{warm_start}}
    {{record}}
    {{verbose}}

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Weights of the features; 1-D if y was 1-D.
    intercept_ : float or ndarray of shape (n_targets,)
        Bias.
    target_range_ : tuple (low, high)
        The range of the predictions: floats, or arrays of shape (n_targets,) for 2-D y.
    {{fitted: ``"coef"`` and ``"intercept"``}}

    See Also
    --------
    LogisticNeuronClassifier : The same neuron for classification, with the cross-entropy.
    ManualMLPRegressor : Multi-layer perceptron regressor with an unbounded output.
    sklearn.linear_model.SGDRegressor : Linear regression by stochastic gradient descent, whose
        output is not bounded.

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

    coef_: Array
    # Any stands for the arrays of 2-D targets, which those who give 1-D targets need not think of
    intercept_: float | Any
    target_range_: tuple[float | Any, float | Any]
    _targets = Interval()
    _layout = Neuron
    _constraints = {**NEURON, **SCALED_STEPS, "loss": SIGMOID_LOSS, "target_range": TARGET_RANGE}

    def __init__(
        self,
        *,
        eta: float | AutoName = "auto",
        batch_size: int | None = 32,
        solver: NeuronSolverName | Optimizer = "sgd",
        schedule: ScheduleName | Schedule = "constant",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        fit_intercept: bool = True,
        max_iter: int = 200,
        tol: float | None = 1e-6,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        loss: RangeLossName | Loss = "squared_error",
        target_range: TargetRange = "auto",
        shuffle: bool = True,
        random_state: RandomState = None,
        warm_start: bool = False,
        record: RecordName | Record = "loss",
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
        """Convert coefficient matrix to sparse format, of shape (n_targets, n_features).

        Useful if ``l1_ratio`` makes most weights zero.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        check_is_fitted(self)
        if not sparse.issparse(self.coef_):
            self.coef_ = np.atleast_2d(self.coef_)
        super().sparsify()
        return self

    def densify(self) -> Self:
        """Convert coefficient matrix to dense array format, of its original shape.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        super().densify()
        if self._targets.fitted(vars(self)).flat:
            self.coef_ = self.coef_.reshape(-1)
        return self


@hinted
@documented
class LogisticNeuronClassifier(SparseCoefMixin, NetworkClassifier):
    """Logistic neuron classifier: logistic regression trained by backpropagation.

    For two classes, there is one sigmoid output with the binary cross-entropy; for K > 2 classes,
    there is a softmax over K outputs with the categorical cross-entropy. In both cases
    ``δ = a - y`` [1]_. The objective is ``Σ sᵢ ℓᵢ / Σ sᵢ + (alpha / 2) ||coef_||²``, where sᵢ is
    the weight of sample i. With unit weights, ``alpha = 1 / (C * n_samples)`` corresponds to
    scikit-learn's ``LogisticRegression(C)``.

    Parameters
    ----------
    {{auto_eta}}
    {{batch_size: 32}}
    {{neuron_solver: sgd}}
    {{schedule}}
    {{alpha}} The bias is not penalized.
    {{l1_ratio}}
    {{fit_intercept}}
    {{max_iter}}
    {{tol: 2e-4}}
    {{n_iter_no_change: 20}}
    {{early_stopping}}
    {{validation_fraction}}
    {{cross_entropy}}
    {{class_weight}}
    {{shuffle}}
    {{random_state: shuffling the samples}}
    {{warm_start}}
    {{record}}
    {{verbose}}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted class labels known to the classifier.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights of the features in the decision function.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Biases added to the decision function.
    {{fitted: ``"coef"`` and ``"intercept"``}}

    See Also
    --------
    ManualMLPClassifier : The same with hidden layers.
    PerceptronClassifier : A neuron that is updated by mistakes only.
    sklearn.linear_model.LogisticRegression : The same model, fitted by solvers over all samples,
        with ``C`` in place of ``alpha``.
    sklearn.linear_model.SGDClassifier : Linear classifiers, trained one sample at a time.

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

    coef_: Array
    intercept_: Array
    _targets = Classes()
    _layout = Neuron
    _constraints = {
        **NEURON,
        **SCALED_STEPS,
        "loss": PROBABILISTIC_LOSS,
        "class_weight": CLASS_WEIGHT,
    }

    def __init__(
        self,
        *,
        eta: float | AutoName = "auto",
        batch_size: int | None = 32,
        solver: NeuronSolverName | Optimizer = "sgd",
        schedule: ScheduleName | Schedule = "constant",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        fit_intercept: bool = True,
        max_iter: int = 200,
        tol: float | None = 2e-4,
        n_iter_no_change: int = 20,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        loss: ClassLossName | Loss = "cross_entropy",
        class_weight: ClassWeight = None,
        shuffle: bool = True,
        random_state: RandomState = None,
        warm_start: bool = False,
        record: RecordName | Record = "loss",
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


@hinted
@documented
class PerceptronClassifier(SparseCoefMixin, NetworkClassifier):
    """Rosenblatt's perceptron classifier: one sample at a time, one update per mistake.

    The output is ``ŷ = 1[z >= 0]`` with ``z = x · w + b``. Each sample updates the weights by
    ``w ← w + eta (y - ŷ) x`` and ``b ← b + eta (y - ŷ)`` [1]_, which is a gradient step on the
    perceptron criterion ``max(0, (1 - 2y) z)``. On linearly separable data, training stops after
    the first epoch without a mistake. Multiclass problems are solved with a one-vs-rest scheme.
    ``predict_proba`` is not available.

    Parameters
    ----------
    eta : float, default=1.0
        Learning rate. With zero initial weights and one sample at a time, it only scales the
        weights.
    {{batch_size: 1}}
    solver : {{{optimizers}}} or Optimizer, default="sgd"
        The optimizer, which turns (sub)gradients into updates; ``"sgd"`` is Rosenblatt's rule.
    {{schedule}}
    {{alpha}} The bias is not penalized.
    {{l1_ratio}}
    {{fit_intercept}}
    {{max_iter}}
    {{tol: None}}
        In any case, training stops after the first epoch without a mistake.
    {{n_iter_no_change: 10}}
    {{early_stopping}}
    {{validation_fraction}}
    {{class_weight}}
    {{shuffle}}
    {{random_state: shuffling the samples}}
    {{warm_start}}
    {{record}}
    {{verbose}}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted class labels known to the classifier.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights of the features in the decision function.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Biases added to the decision function.
    {{fitted: ``"coef"`` and ``"intercept"``}}

    See Also
    --------
    LogisticNeuronClassifier : A neuron with probability estimates.
    sklearn.linear_model.Perceptron : The same rule, one sample at a time.

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

    coef_: Array
    intercept_: Array
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
        solver: OptimizerName | Optimizer = "sgd",
        schedule: ScheduleName | Schedule = "constant",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        fit_intercept: bool = True,
        max_iter: int = 200,
        tol: float | None = None,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        class_weight: ClassWeight = None,
        shuffle: bool = True,
        random_state: RandomState = None,
        warm_start: bool = False,
        record: RecordName | Record = "loss",
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
