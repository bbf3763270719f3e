"""Visualization of the learning rate range: the loss after a short training for each rate."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_neuron._engine.epochs import evaluate
from sklearn_neuron._estimator.base import NetworkEstimator, check_parameters, problem_at
from sklearn_neuron._estimator.constraints import Number
from sklearn_neuron._extras import require
from sklearn_neuron._typing import AutoName
from sklearn_neuron.exceptions import DivergenceError
from sklearn_neuron.inspection._diagnosis.panels import ink_of
from sklearn_neuron.inspection._extras import axes_for, line_kwargs
from sklearn_neuron.inspection._subject import Subject, reaching, subject_of, unwrap

#: The rates, as multiples of the estimator's own: three decades to either side, four in each.
MULTIPLES_OF_ETA = np.logspace(-3.0, 3.0, 25)
#: Updates of n_epochs="auto", and the most epochs that it takes for them.
ENOUGH_UPDATES, MOST_SHORT_EPOCHS = 100, 100
#: Part of the largest fall of the loss from which a rise is clear, and which does not matter.
CLEAR, NEARLY = 0.03, 0.01
#: Part of the steepest slope that is as steep.
STEEP = 0.95
#: How far the recommended range stays below the first rate that is too large, and how wide it is.
SAFETY, WIDEST = 3.0, 100.0
#: How a short training differs from that of the estimator.
SHORT = {
    "early_stopping": False,
    "schedule": "constant",
    "tol": None,
    "record": "loss",
    "warm_start": False,
    "verbose": False,
}


class LearningRateRangeDisplay:
    """Learning rate range visualization: the loss after a short training against eta.

    Parameters
    ----------
    etas : array-like of shape (n_etas,)
        The learning rates, in ascending order.
    loss : array-like of shape (n_etas,)
        The loss after the training; NaN where it diverged.
    start_loss : float
        The loss before the training.
    eta : float or None, default=None
        The estimator's own learning rate, which is marked.
    recommended : tuple of (float, float) or None, default=None
        The recommended range, which is marked.
    title : str, default=""
        What was done.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The loss against eta.
    diverged_ : matplotlib Line2D or None
        Marks, at the upper edge, of the rates with which training diverged.
    range_ : matplotlib Polygon or None
        The recommended range.
    own_ : matplotlib Line2D or None
        The estimator's own rate.
    ax_, figure_ : matplotlib Axes and Figure
        Axes and figure with the plot.

    See Also
    --------
    SearchDisplay : A search over the learning rate and another parameter.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_neuron import ManualMLPClassifier
    >>> from sklearn_neuron.inspection import LearningRateRangeDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> network = ManualMLPClassifier((8,), solver="sgd", random_state=0)
    >>> display = LearningRateRangeDisplay.from_estimator(network, X, y, etas=[1e-6, 0.1, 1e6])
    >>> display.recommended, display.loss.shape
    ((0.1, 0.1), (3,))
    """

    def __init__(
        self,
        *,
        etas: ArrayLike,
        loss: ArrayLike,
        start_loss: float,
        eta: float | None = None,
        recommended: tuple[float, float] | None = None,
        title: str = "",
    ) -> None:
        self.etas = etas
        self.loss = loss
        self.start_loss = start_loss
        self.eta = eta
        self.recommended = recommended
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        etas: ArrayLike | None = None,
        n_epochs: int | AutoName = "auto",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Train copies of an estimator shortly, with one learning rate each, and plot their loss.

        Parameters
        ----------
        estimator : estimator of this package or Pipeline whose last step is one
            It may be fitted or not, and is not modified. Its solver must have a learning rate.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training data; a few thousand rows are enough.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.
        etas : array-like of float or None, default=None
            The learning rates. If None, 25 of them, from a thousandth to a thousand times the
            estimator's own, four in each decade.
        n_epochs : int or "auto", default="auto"
            Number of epochs of each training. ``"auto"`` takes as many as make 100 updates, and
            100 at most.
        ax : matplotlib Axes, default=None
            Axes object to plot on. If None, a new figure and axes is created.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``plot`` for the curve.

        Returns
        -------
        LearningRateRangeDisplay
            Object that stores the computed values.

        Raises
        ------
        ValueError
            If the solver has no learning rate, if the rates are not positive, or if ``fit`` would
            not accept the data.
        ImportError
            If matplotlib is not installed; the extra ``plot`` installs it.

        Notes
        -----
        Each rate trains a copy for ``n_epochs`` from the same start, through the same batches, with
        a constant rate and without early stopping. The loss is that of all rows afterwards, without
        the penalty. Where training diverges there is a gap, marked at the upper edge.

        The recommended range lies where the loss falls and stays away from where it rises. A rate
        is too large if training diverges, or if the loss is higher than that of a smaller rate by
        3 % of the largest fall. The range ends at the smallest rate that makes 99 % of the largest
        fall, among those up to a third of the first rate that is too large. It begins at the end
        of the steepest part of the curve over log eta, or before it where that is the end of the
        range, too, and is at most two decades wide. There is
        none if no training lowers the loss, or if no rate is far enough below one that is too
        large.

        The range test of Smith [1]_ raises the rate within a single run instead. That takes one run
        for all rates, but the loss at a rate then depends on what all smaller ones have learned and
        on the batch, it needs smoothing, and a rate that diverges hides all above it. The networks
        here train in milliseconds, so that each rate can have a run of its own; the value at a
        rate is what ``fit`` gives with it.

        References
        ----------
        .. [1] L. N. Smith (2017). Cyclical learning rates for training neural networks. WACV,
           464-472. https://doi.org/10.1109/WACV.2017.58
        """
        require("matplotlib", cls.__name__)  # before minutes of training
        own = unwrap(estimator)
        if not check_parameters(own).has_updates:
            raise ValueError(
                f"solver={own.solver!r} has no learning rate; a range is of solvers with updates, "
                "such as 'sgd' and 'adam'."
            )
        if n_epochs != "auto":
            Number(1, integer=True, none="").check(cls.__name__, "n_epochs", n_epochs)
        own, X = clone_at_start(own), reaching(estimator, X, y)
        setting = setting_of(own, X, y, sample_weight, n_epochs)
        rates = checked_rates(setting.eta * MULTIPLES_OF_ETA if etas is None else etas)
        loss = np.array([loss_after(setting, eta, X, y, sample_weight) for eta in rates])
        display = cls(
            etas=rates,
            loss=loss,
            start_loss=setting.start_loss,
            eta=setting.eta,
            recommended=recommended_range(rates, loss, setting.start_loss),
            title=setting.title(type(own).__name__, len(rates)),
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Plot visualization.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes object to plot on. If None, a new figure and axes is created.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``plot`` for the curve.

        Returns
        -------
        LearningRateRangeDisplay
            Object that stores the computed values.
        """
        self.figure_, self.ax_ = axes_for(ax, type(self).__name__)
        etas, loss, ink = np.array(self.etas), np.array(self.loss), ink_of(self.ax_)
        self.ax_.set_xscale("log")
        look = {"color": "#0072B2", "marker": "o", "markersize": 4, "lw": 2, "label": "loss"}
        (self.line_,) = self.ax_.plot(etas, loss, **{**look, **line_kwargs(kwargs)})
        self.ax_.axhline(self.start_loss, color=ink, lw=0.8, ls=":", label="at the start")
        self.range_ = self.own_ = self.diverged_ = None
        if self.recommended is not None:
            low, high = self.recommended
            wide = low < high
            edges = (low, high) if wide else (low / 1.15, high * 1.15)
            label = f"recommended: {low:.2g} to {high:.2g}" if wide else f"recommended: {low:.2g}"
            self.range_ = self.ax_.axvspan(*edges, color="#009E73", alpha=0.35, lw=0, label=label)
        if self.eta is not None:
            self.own_ = self.ax_.axvline(
                self.eta, color="#D55E00", ls="--", label=f"own: eta={self.eta:.2g}"
            )
        self._limit(loss)
        if np.isnan(loss).any():
            (self.diverged_,) = self.ax_.plot(
                etas[np.isnan(loss)],
                np.ones(int(np.isnan(loss).sum())),
                "x",
                color=ink,
                transform=self.ax_.get_xaxis_transform(),
                clip_on=False,
                label="diverged",
            )
        self.ax_.set(xlabel="eta", ylabel="loss")
        self.ax_.set_title(self.title, fontsize="small", wrap=True)
        self.ax_.legend(fontsize="small")
        return self

    def _limit(self, loss: NDArray[np.float64]) -> None:
        """Leave out losses far above the start, and use a logarithmic scale for small ones."""
        finite = loss[np.isfinite(loss)]
        low = finite.min(initial=self.start_loss)
        if low > 0.0 and self.start_loss > 20.0 * low:
            self.ax_.set_yscale("log")
            self.ax_.set_ylim(low / 1.5, 4.0 * self.start_loss)
        else:
            margin = 0.08 * (self.start_loss - low) or 1.0
            self.ax_.set_ylim(low - margin, 1.6 * self.start_loss - 0.6 * low + margin)


class RangeSetting(NamedTuple):
    """What all trainings have in common."""

    estimator: NetworkEstimator  # unfitted, with a random_state that can be repeated
    eta: float
    start_loss: float
    n_epochs: int
    n_updates: int

    def title(self, name: str, n_rates: int) -> str:
        """Return what was done, in words."""
        epochs = f"{self.n_epochs} epoch{'s' if self.n_epochs > 1 else ''}"
        return (
            f"{name}: {n_rates} rates, each {epochs} ({self.n_updates} updates)\n"
            "from the same start, without early stopping"
        )


def clone_at_start(estimator: NetworkEstimator) -> NetworkEstimator:
    """Return an unfitted copy that trains shortly, from the same start each time."""
    copied: NetworkEstimator = clone(estimator)
    names = copied.get_params(deep=False)
    copied.set_params(**{name: value for name, value in SHORT.items() if name in names})
    if copied.random_state is None:
        copied.random_state = 0
    return copied


def setting_of(
    estimator: NetworkEstimator, X: Any, y: Any, sample_weight: Any, n_epochs: Any
) -> RangeSetting:
    """Return what the trainings have in common; ``estimator`` is unfitted."""
    subject = subject_of(estimator, X, y, sample_weight)
    eta = problem_at(estimator, X, y, sample_weight).eta
    n = len(subject.samples.Y)
    size = n if estimator.batch_size is None else min(int(estimator.batch_size), n)
    per_epoch = -(-n // size)
    if n_epochs == "auto":
        n_epochs = min(-(-ENOUGH_UPDATES // per_epoch), MOST_SHORT_EPOCHS)
    return RangeSetting(estimator, eta, loss_on(subject), int(n_epochs), int(n_epochs) * per_epoch)


def loss_on(subject: Subject) -> float:
    """Return the loss of all rows, without the penalty."""
    network = subject.network
    return float(evaluate(network, subject.blocks) - network.penalty())


def loss_after(setting: RangeSetting, eta: float, X: Any, y: Any, sample_weight: Any) -> float:
    """Return the loss of all rows after a training with this rate; NaN if it diverges."""
    model = clone(setting.estimator)
    model.set_params(eta=float(eta), max_iter=setting.n_epochs)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is short on purpose
        try:
            model.fit(X, y, sample_weight=sample_weight)
        except DivergenceError:
            return np.nan
        loss = loss_on(subject_of(model, X, y, sample_weight))
    return loss if np.isfinite(loss) else np.nan


def checked_rates(etas: Any) -> NDArray[np.float64]:
    """Return the rates in ascending order."""
    try:
        rates = np.unique(np.asarray(etas, dtype=float))
    except (TypeError, ValueError):
        rates = np.array([])
    if rates.size < 2 or not (np.isfinite(rates).all() and rates[0] > 0.0):
        raise ValueError(f"etas must be at least two positive numbers; got {etas!r}.")
    return rates


def recommended_range(
    etas: NDArray[np.float64], loss: NDArray[np.float64], start_loss: float
) -> tuple[float, float] | None:
    """Return the recommended range of rates, or None: see ``LearningRateRangeDisplay``."""
    fall = np.where(np.isfinite(loss), start_loss - loss, -np.inf)
    best_so_far = np.maximum.accumulate(np.maximum(fall, 0.0))
    if not best_so_far[-1] > 0.0:
        return None
    too_large = fall < best_so_far - CLEAR * best_so_far[-1]
    limit = etas[too_large.argmax()] / SAFETY if too_large.any() else np.inf
    fall = fall[etas <= limit]
    if not fall.max(initial=0.0) > 0.0:
        return None
    high = int(np.argmax(fall >= (1.0 - NEARLY) * fall.max()))
    slopes = np.diff(fall[: high + 1]) / np.diff(np.log(etas[: high + 1]))
    steep = int(np.argmax(slopes >= STEEP * slopes.max())) if high else 0
    low = min(steep + 1, max(high - 1, 0))  # a range, and not a single rate
    while etas[high] > WIDEST * (1.0 + 1e-9) * etas[low]:
        low += 1
    return float(etas[low]), float(etas[high])
