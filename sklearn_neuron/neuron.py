"""Single neurons: networks with no hidden layer, whose weights are ``coef_`` and ``intercept_``.

They start at zero. ``SigmoidNeuronRegressor`` is the neuron of squared error behind a sigmoid,
``LogisticNeuronClassifier`` the one of cross-entropy, ``PerceptronClassifier`` Rosenblatt's.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_neuron._estimator.attributes import Parameters
from sklearn_neuron._estimator.base import MINIMIZERS, BaseNetworkEstimator
from sklearn_neuron._estimator.callbacks import with_callbacks
from sklearn_neuron._estimator.constraints import TARGET_RANGE, Choice, Number, check_start
from sklearn_neuron._estimator.data import Data, Given
from sklearn_neuron._estimator.docstrings import documented
from sklearn_neuron._estimator.probabilities import ProbabilisticClassifier
from sklearn_neuron._estimator.state import Resume
from sklearn_neuron._estimator.targets import BaseNetworkClassifier, BaseNetworkRegressor
from sklearn_neuron._typing import Array
from sklearn_neuron.activations import Logistic
from sklearn_neuron.losses import (
    LOSSES,
    Loss,
    Perceptron,
    SquaredError,
)
from sklearn_neuron.network import Network
from sklearn_neuron.optimizers import OPTIMIZERS, Optimizer


def settle_range(
    target_range: Any, target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and the upper end of each target's range, each (n_targets,)."""
    if not isinstance(target_range, str):
        low, high = (np.full(target.shape[1], float(end)) for end in target_range)
        return low, high
    low, high = target.min(axis=0), target.max(axis=0)
    unit = (low >= 0.0) & (high <= 1.0)
    # a constant target sits in the middle of its range, where σ(0) predicts it
    half = np.where(low == high, np.maximum(0.5, np.abs(low) / 2.0), 0.0)
    return np.where(unit, 0.0, low - half), np.where(unit, 1.0, high + half)


class NeuronMixin(BaseNetworkEstimator):
    """A network of one layer, W (p, K) and b (K,), as ``coef_`` (K, p) and ``intercept_`` (K,)."""

    _names = ("coef", "intercept")
    _flat = False  # whether coef_ is (p,) and intercept_ a float

    _constraints = {
        **BaseNetworkEstimator._constraints,
        "solver": Choice((*OPTIMIZERS, *MINIMIZERS), Optimizer),
        "l1_ratio": Number(0.0, 1.0, closed_high=True),
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
        """Fit the neuron.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Class labels, numbers or strings, of at least two classes; for the regressor targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative; only their ratios matter.
        X_val : {array-like, sparse matrix} of shape (n_rows, n_features), default=None
            Held-out rows: their loss and score are measured after every epoch, and the fitted
            parameters are those of the best epoch.
        y_val : array-like of shape (n_rows,) or (n_rows, n_outputs), default=None
            Their targets.
        sample_weight_val : array-like of shape (n_rows,), default=None
            Their weights.
        coef_init : array-like of the shape of ``coef_``, default=None
            Weights to start from instead of zeros.
        intercept_init : float or array-like of the shape of ``intercept_``, default=None
            Biases to start from instead of zeros.

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

    def _layers(self, named: Mapping[str, Any]) -> Parameters:
        coef, intercept = np.atleast_2d(named["coef"]), np.atleast_1d(named["intercept"])
        return [coef.T], [intercept.astype(coef.dtype, copy=False)]

    def _name_parameters(self, coefs: list[Array], intercepts: list[Array]) -> dict[str, Any]:
        coef, intercept = np.ascontiguousarray(coefs[0].T), intercepts[0]
        if self._flat:
            return {"coef": coef[0], "intercept": float(intercept[0])}
        return {"coef": coef, "intercept": intercept}

    def _penalties(self) -> tuple[float, float]:
        alpha, l1_ratio = float(self.alpha), float(self.l1_ratio)
        return (1.0 - l1_ratio) * alpha, l1_ratio * alpha

    def _draw_parameters(self, network: Network, place: Resume) -> Parameters:
        p, K = network.layer_sizes
        return [np.zeros((p, K))], [np.zeros(K)]

    def _given_parameters(
        self, network: Network, coef_init: Any, intercept_init: Any
    ) -> tuple[list[Array] | None, list[Array] | None]:
        p, K = network.layer_sizes
        coefs = intercepts = None
        if coef_init is not None:
            flat = self._flat or (K == 1 and np.ndim(coef_init) == 1)
            coef = check_start("coef_init", coef_init, (p,) if flat else (K, p), network.dtype)
            coefs = [coef.reshape(K, p).T]
        if intercept_init is not None:
            shape = (K,) if K > 1 or np.ndim(intercept_init) else ()
            intercept = check_start("intercept_init", intercept_init, shape, network.dtype)
            intercepts = [intercept.reshape(K)]
        return coefs, intercepts


@documented
class SigmoidNeuronRegressor(NeuronMixin, BaseNetworkRegressor):
    """A sigmoid neuron trained on squared error by gradient descent.

    The prediction is ``low + (high - low) * σ(X @ coef_ + intercept_)``, and the objective
    ``Σ sᵢ (σ(zᵢ) - tᵢ)² / Σ sᵢ + (alpha / 2) ||coef_||²``, with sᵢ the weight of row i, tᵢ
    its target on the (0, 1) scale, and a sum over the targets where there are several. It
    is the neuron of the textbook's first chapter on backpropagation [1]_:
    ``δ = 2 (a - t) a (1 - a)``, ``∂w = Xᵀ δ / n``.

    Parameters
    ----------
    eta : float, default=0.1
        Learning rate: the length of a step, in units of the gradient.
    {{batch_size: 8}}
    {{neuron_solver: sgd}}
    {{schedule}}
    {{alpha}} The bias is not penalised.
    {{l1_ratio}}
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

    target_range_: tuple[Any, Any]
    _constraints = {
        **BaseNetworkRegressor._constraints,
        **NeuronMixin._constraints,
        "loss": Choice(("squared_error", "binary_cross_entropy"), Loss),
        "target_range": TARGET_RANGE,
    }

    def __init__(
        self,
        *,
        eta: float = 0.1,
        batch_size: int | None = 8,
        solver: str | Optimizer = "sgd",
        schedule: Any = "constant",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
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

    def predict(self, X: Any) -> Array:
        """Return the prediction of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            Within ``target_range_``.
        """
        return self._answer(X, self._within_range)

    def _within_range(self, z: Array) -> Array:
        """Return low + (high − low) σ(z); z is overwritten."""
        low, high = (np.asarray(bound, z.dtype) for bound in self.target_range_)
        Logistic().forward(z, out=z)
        z *= high - low
        z += low
        np.clip(z, low, high, out=z)  # rounding aside
        return z[:, 0] if self._single_target else z

    def _build(self, data: Data) -> Network:
        dtype = data.rows.X.dtype
        with np.errstate(over="ignore"):
            ends = np.asarray(self.target_range_, dtype)
        if not np.isfinite(ends).all():
            raise ValueError(f"y is too large for {dtype}, the dtype of X.")
        return super()._build(data)

    def _encode_target(self, target: NDArray[Any], seen: bool) -> NDArray[Any]:
        target = target.astype(np.float64, copy=False)
        if seen:
            low, high = (np.atleast_1d(bound) for bound in self.target_range_)
            self._refuse_another_range(low, high)
        else:
            low, high = settle_range(self.target_range, target)
            flat = self._single_target
            self.target_range_ = (float(low[0]), float(high[0])) if flat else (low, high)
        outside = self._check_range(target, low, high)
        unit: NDArray[np.float64] = target - low
        unit /= high - low
        np.clip(unit, 0.0, 1.0, out=unit, where=~outside)  # rounding aside
        self._loss().check_target(unit)
        return unit

    def _encode_held_out(self, target: NDArray[Any]) -> NDArray[Any]:
        low, high = (np.atleast_1d(bound) for bound in self.target_range_)
        unit: NDArray[np.float64] = (target - low) / (high - low)
        return unit

    def _refuse_another_range(self, low: Array, high: Array) -> None:
        """Raise where ``target_range`` was set to another one after the first call."""
        if isinstance(self.target_range, str):
            return
        if not ((low == self.target_range[0]).all() and (high == self.target_range[1]).all()):
            raise ValueError(
                f"target_range={self.target_range} is not the range of the fit to go on from, "
                f"target_range_={self.target_range_}. To go on keep it; to start anew set "
                "warm_start=False and call fit."
            )

    def _check_range(
        self, target: NDArray[np.float64], low: Array, high: Array
    ) -> NDArray[np.bool_]:
        """Return, and say, which targets lie outside of the range, rounding to float32 aside."""
        slack = np.finfo(np.float32).eps * np.maximum(np.abs(low), np.abs(high))
        outside: NDArray[np.bool_] = (target < low - slack) | (target > high + slack)
        if not outside.any():
            return outside
        message = (
            f"{int(outside.sum())} targets, for example {float(target[outside][0])}, lie outside "
            f"of target_range_={self.target_range_}, which predictions cannot leave."
        )
        if not isinstance(self.target_range, str):
            raise ValueError(f"{message} Give a wider target_range, or 'auto'.")
        warnings.warn(
            f"{message} The range was settled by an earlier call; give an explicit "
            "target_range that holds for all blocks.",
            UserWarning,
            stacklevel=6,  # seen from partial_fit, which is not decorated
        )
        return outside

    def _loss(self) -> Loss:
        if isinstance(self.loss, str):
            return LOSSES[self.loss]() if self.loss != "squared_error" else SquaredError(Logistic())
        if not isinstance(self.loss.link, Logistic):
            raise ValueError(
                "The 'loss' parameter of SigmoidNeuronRegressor must have the logistic link, such "
                f"as SquaredError(Logistic()); got {self.loss!r}."
            )
        return self.loss

    @property
    def _flat(self) -> bool:  # type: ignore[override]
        return self._single_target


@documented
class LogisticNeuronClassifier(NeuronMixin, ProbabilisticClassifier):
    """A logistic neuron: logistic regression trained by backpropagation.

    For two classes there is one sigmoid output with binary cross-entropy, for K > 2 a softmax
    over K outputs with categorical cross-entropy; either way ``δ = a - y`` [1]_. The objective
    is ``Σ sᵢ ℓᵢ / Σ sᵢ + (alpha / 2) ||coef_||²`` with sᵢ the weight of row i, so that
    ``alpha = 1 / (C * n_samples)`` is scikit-learn's ``LogisticRegression(C)`` with unit weights.

    Parameters
    ----------
    eta : float, default=0.05
        Learning rate: the length of a step, in units of the gradient.
    {{batch_size: 8}}
    {{neuron_solver: sgd}}
    {{schedule}}
    {{alpha}} The bias is not penalised.
    {{l1_ratio}}
    {{max_iter}}
    {{tol: 5e-4}}
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

    _constraints = {**ProbabilisticClassifier._constraints, **NeuronMixin._constraints}

    def __init__(
        self,
        *,
        eta: float = 0.05,
        batch_size: int | None = 8,
        solver: str | Optimizer = "sgd",
        schedule: Any = "constant",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        max_iter: int = 200,
        tol: float | None = 5e-4,
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
class PerceptronClassifier(NeuronMixin, BaseNetworkClassifier):
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

    _constraints = {
        **BaseNetworkClassifier._constraints,
        **NeuronMixin._constraints,
        "solver": Choice(tuple(OPTIMIZERS), Optimizer),
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

    def _loss(self) -> Loss:
        return Perceptron()

    def _is_positive(self, z: Array) -> NDArray[np.bool_]:
        positive: NDArray[np.bool_] = z >= 0.0  # Rosenblatt's threshold, as in training
        return positive
