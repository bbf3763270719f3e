"""Visualization of the loss curve."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_neuron.inspection._extras import axes_for, line_kwargs, whole_numbers
from sklearn_neuron.inspection._subject import unwrap


class LossCurveDisplay:
    """Loss curve visualization: the loss over epochs.

    Parameters
    ----------
    loss_curve : array-like of shape (n_epochs,)
        The loss of each epoch.
    validation_loss_curve : array-like of shape (n_epochs,) or None, default=None
        The loss on the validation data after each epoch.
    best_iter : int or None, default=None
        The epoch that is marked as the best one.
    estimator_name : str or None, default=None
        Name of the estimator, shown in the legend. If None, it is not shown.
    unit : str, default="epoch"
        The unit of the x axis, used as its label.

    Attributes
    ----------
    line_ : matplotlib Line2D
        Loss curve.
    validation_line_ : matplotlib Line2D or None
        Loss curve of the validation data.
    best_ : matplotlib Line2D or None
        Marker of the best epoch.
    ax_, figure_ : matplotlib Axes and Figure
        Axes and figure with the loss curve.

    See Also
    --------
    JournalDisplay : The parameters of each epoch.
    DiagnosisDisplay : What each layer learns in each epoch.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_neuron import ManualMLPClassifier
    >>> from sklearn_neuron.inspection import LossCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ManualMLPClassifier(max_iter=20, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(model, color="black")
    >>> display.ax_.get_xlabel()
    'epoch'
    """

    def __init__(
        self,
        *,
        loss_curve: ArrayLike,
        validation_loss_curve: ArrayLike | None = None,
        best_iter: int | None = None,
        estimator_name: str | None = None,
        unit: str = "epoch",
    ) -> None:
        self.loss_curve = loss_curve
        self.validation_loss_curve = validation_loss_curve
        self.best_iter = best_iter
        self.estimator_name = estimator_name
        self.unit = unit

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, name: str | None = None, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Plot the loss curve of a fitted estimator, and that of its validation data.

        With validation data, the best epoch, whose parameters are the fitted ones, is marked.

        Parameters
        ----------
        estimator : estimator of this package or Pipeline whose last step is one
            Fitted estimator.
        name : str or None, default=None
            Name for labeling the curve. If None, use the name of the estimator.
        ax : matplotlib Axes, default=None
            Axes object to plot on. If None, a new figure and axes is created.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``plot`` for the curve. That of the
            validation data is dashed and has the same color.

        Returns
        -------
        LossCurveDisplay
            Object that stores the plotted values.

        Raises
        ------
        ImportError
            If matplotlib is not installed; the extra ``plot`` installs it.
        """
        estimator = unwrap(estimator)
        check_is_fitted(estimator)
        validation = getattr(estimator, "validation_loss_curve_", None)
        if validation is not None and len(validation) != len(estimator.loss_curve_):
            validation = None  # an earlier fit had no validation data
        display = cls(
            loss_curve=estimator.loss_curve_,
            validation_loss_curve=validation,
            best_iter=None if validation is None else estimator.best_iter_,
            estimator_name=type(estimator).__name__ if name is None else name,
            unit="iteration" if np.isnan(estimator.history_["eta"]).all() else "epoch",
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Plot visualization.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes object to plot on. If None, a new figure and axes is created.
        name : str or None, default=None
            Name for labeling the curve. If None, use ``estimator_name``.
        **kwargs : dict
            Keyword arguments to be passed to matplotlib's ``plot`` for the curve. That of the
            validation data is dashed and has the same color.

        Returns
        -------
        LossCurveDisplay
            Object that stores the plotted values.
        """
        self.figure_, self.ax_ = axes_for(ax, "LossCurveDisplay")
        name = self.estimator_name if name is None else name
        curve = np.asarray(self.loss_curve, dtype=float)
        dot = {"marker": "o"} if len(curve) == 1 else {}  # a single point
        kwargs = {"label": name, **dot, **line_kwargs(kwargs)}
        (self.line_,) = self.ax_.plot(np.arange(len(curve)), curve, **kwargs)
        self.validation_line_ = self.best_ = None
        if self.validation_loss_curve is not None:
            self._plot_validation(name)
        self.ax_.set(xlabel=self.unit, ylabel="loss")
        whole_numbers(self.ax_)
        if self.line_.get_label() and not self.line_.get_label().startswith("_"):
            self.ax_.legend()
        return self

    def _plot_validation(self, name: str | None) -> None:
        """Plot the curve of the validation data in the same color, and mark the best epoch."""
        losses = np.asarray(self.validation_loss_curve, dtype=float)
        colour = self.line_.get_color()
        hidden = name is None or name.startswith("_")
        (self.validation_line_,) = self.ax_.plot(
            np.arange(len(losses)),
            losses,
            linestyle="--",
            color=colour,
            marker="o" if len(losses) == 1 else None,
            label="_" if hidden else f"{name}, validation",
        )
        if self.best_iter is not None:
            (self.best_,) = self.ax_.plot(
                self.best_iter,
                losses[self.best_iter],
                "*",
                color=colour,
                markeredgecolor="black",
                markersize=13,
                label="_" if hidden else f"best epoch: {self.best_iter}",
            )
